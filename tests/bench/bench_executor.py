"""What the heavy lane costs: round trip of an empty job, memory at rest and after a job.

Run from the checkout: python -m tests.bench.bench_executor
Prints medians of wall times on this machine and PSS (proportional memory) of the processes.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time

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


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        import subprocess

        print(f"Python {platform.python_version()}, {platform.processor() or platform.machine()}")
        for each in ("forked", "spawned"):
            subprocess.run([sys.executable, "-m", "tests.bench.bench_executor", each], check=True)
