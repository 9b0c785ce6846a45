"""What the heavy lane costs: round trip of an empty job, memory at rest and after a job.

Run from the checkout: python -m tests.bench.bench_executor
Prints medians of wall times on this machine and PSS (proportional memory) of the processes.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.report import keep
from utils.zygote import Zygote


def main(kind: str) -> None:
    zygote = Zygote.start() if kind == "forked" else None

    import numpy as np
    import pandas as pd
    import psutil

    from tests.executors import JOBS, make_executor

    def pss(pid: int | None = None) -> float:
        return psutil.Process(pid).memory_full_info().pss / 2**20

    alone = pss()
    with make_executor(zygote=zygote) as executor:
        began = time.perf_counter()
        executor.heavy(JOBS + "nothing", {}).result()
        first = time.perf_counter() - began
        trips = []
        for _ in range(100):
            began = time.perf_counter()
            executor.heavy(JOBS + "nothing", {}).result()
            trips.append(time.perf_counter() - began)
            time.sleep(0.005)
        pid = executor.snapshot().zygote_pid
        print(
            f"{kind}: first job {first * 1e3:.0f} ms; empty job median "
            f"{statistics.median(trips) * 1e3:.1f} ms, 95th percentile "
            f"{sorted(trips)[95] * 1e3:.1f} ms"
        )
        print(
            f"  PSS server {alone:.0f} MB before the first job, {pss():.0f} after; "
            f"zygote {pss(pid):.0f} MB"
        )
        for way in ("deadline", "cancel", "kill"):
            times = sorted(stop_seconds(executor, way) for _ in range(20))
            print(
                f"  {way}: answered after {times[10] * 1e3:.0f} ms (median), "
                f"{times[-1] * 1e3:.0f} ms (worst of 20)"
            )
        frame = pd.DataFrame(
            np.random.default_rng(1).normal(size=(50_000, 60)), columns=[f"v{i}" for i in range(60)]
        )
        with_frame = pss()
        times = []
        for _ in range(5):
            began = time.perf_counter()
            executor.heavy(JOBS + "column_means", {"frame": frame}).result()
            times.append(time.perf_counter() - began)
        run = executor.snapshot().runs[-1]
        time.sleep(0.2)
        print(
            f"  50,000 x 60 frame (23 MB) to a worker and its means back: "
            f"{statistics.median(times) * 1e3:.0f} ms wall, worker added "
            f"{run.added_bytes / 2**20:.0f} MB; server after it +{pss() - with_frame:.0f} MB"
        )


def stop_seconds(executor, way: str) -> float:
    """Seconds from the moment when an endless job is stopped to its answer."""
    from tests.executors import JOBS, soon
    from utils.cancel import CancelToken

    with tempfile.TemporaryDirectory() as folder:
        path, token = Path(folder) / "pid", CancelToken()
        limit = 0.2 if way == "deadline" else 20.0
        future = executor.heavy(
            JOBS + "spin", {"path": str(path)}, deadline_seconds=limit, cancel=token
        )
        soon(lambda: executor.snapshot().heavy.running == 1)
        began = time.perf_counter()
        if way != "deadline":
            soon(lambda: path.exists() and path.read_text())
            began = time.perf_counter()
            if way == "cancel":
                token.cancel()
            else:
                os.kill(int(path.read_text()), signal.SIGKILL)
        future.exception(20)
        return time.perf_counter() - began - (limit if way == "deadline" else 0)


def all_kinds() -> list[str]:
    """The lines of both kinds, each in an interpreter of its own with the server's settings."""
    settings = {
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "MALLOC_TRIM_THRESHOLD_": "65536",
    }
    lines = [f"load of the machine at the start: {os.getloadavg()[0]:.1f}"]
    for kind in ("forked", "spawned"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.bench_executor", kind],
            env=os.environ | settings, capture_output=True, text=True, check=True,
        )  # fmt: skip
        lines += done.stdout.splitlines()
    return lines


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        keep("bench_executor", all_kinds())
