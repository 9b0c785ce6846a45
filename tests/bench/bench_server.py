"""Another session's latency and the tree's memory while one user computes and one exports.

Command: python -m tests.bench.bench_server. Starts `python app.py` on loopback with a cache of
its own. Session A uploads 50,000 x 60 and runs the default analysis again and again (another
confidence level each time, so that every run computes); session C saves its result as Word
again and again; session B ticks a predictor and waits for the count beside the list, first
alone, then beside the others. PSS of the process tree is sampled 20 times a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.clinical import clinical_frame
from tests.bench.page_client import PageClient, open_page
from tests.bench.report import keep
from utils.process_memory import tree_bytes

ROOT = Path(__file__).parents[2]
MIB = 2**20
IDLE_TRIPS, BUSY_SECONDS, PAUSE_SECONDS = 150, 12.0, 0.03
GOAL_MS, GOAL_PEAK_MB, GOAL_IDLE_MB, GOAL_AFTER_MB = 50, 300, 130, 15


class Sampler:
    """PSS of the tree, 20 times a second unless told otherwise, in a thread."""

    def __init__(self, pid: int, period_seconds: float = 0.05) -> None:
        self._pid = pid
        self._period_seconds = period_seconds
        self._ended = threading.Event()
        self.samples: list[int] = []
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(self._period_seconds):
            self.samples.append(tree_bytes(self._pid))

    def peak_since(self, mark: int) -> float:
        return max(self.samples[mark:], default=0) / MIB

    def close(self) -> None:
        self._ended.set()
        self._thread.join()


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[int, int, float]]:
    """Port and process id of a running app, and the seconds until it answered."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.perf_counter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a killed benchmark leaves no server
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"PORT": str(port), "CACHE_DIR": str(folder / "cache")},
    )  # fmt: skip
    try:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.01)
        yield port, process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(15)


async def trips(page: PageClient, *, count: int = 10**9, seconds: float = 1e9) -> np.ndarray:
    """Milliseconds from a tick to the changed count, `count` times or for `seconds`."""
    found, end = [], time.perf_counter() + seconds
    while len(found) < count and time.perf_counter() < end:
        chosen = ["1"] if len(found) % 2 else ["1", "2"]
        took = await page.changed("outcome-predictors_count", {"outcome-predictors": chosen})
        found.append(took * 1000)
        await asyncio.sleep(PAUSE_SECONDS)
    return np.array(found)


async def keep_computing(page: PageClient, stop: asyncio.Event) -> list[float]:
    found: list[float] = []
    while not stop.is_set():
        await page.send({"outcome-ci_level": f"{90 + len(found) / 100:.2f}"})
        found.append(await page.run())
        await asyncio.sleep(0 if found[-1] > 0 else 0.2)
    return found


async def keep_exporting(page: PageClient, stop: asyncio.Event) -> list[int]:
    found: list[int] = []
    while not stop.is_set():
        found.append(await page.download("outcome-card-save_docx"))
        await asyncio.sleep(0 if found[-1] else 0.2)
    return found


async def choose(page: PageClient, outcome: int, event: str, predictors: range) -> None:
    await page.send({"outcome-outcome": str(outcome)})
    await page.send({"outcome-event": event, "outcome-predictors": [str(i) for i in predictors]})
    await page.until(lambda: bool(page.values.get("outcome-plan-price")))


async def measure(port: int, file: Path, sampler: Sampler) -> dict[str, Any]:
    await asyncio.sleep(3.0)
    idle = float(np.median(sampler.samples[-20:])) / MIB
    async with open_page(port) as a, open_page(port) as b, open_page(port) as c:
        mark = len(sampler.samples)
        upload_seconds = await a.upload(file)
        upload_peak = sampler.peak_since(mark)
        await b.open_example("melanoma")
        await c.open_example("synth_trial")
        await choose(a, 0, "1", range(1, 61))
        await choose(c, 6, "active", range(2, 6))
        price = a.values["outcome-plan-price"]
        await c.run()
        await asyncio.sleep(5.0)
        rest = float(np.median(sampler.samples[-20:])) / MIB
        alone = await trips(b, count=IDLE_TRIPS)
        mark, stop = len(sampler.samples), asyncio.Event()
        computing = asyncio.create_task(keep_computing(a, stop))
        exporting = asyncio.create_task(keep_exporting(c, stop))
        beside = await trips(b, seconds=BUSY_SECONDS)
        stop.set()
        runs, files = await computing, await exporting
        peak = sampler.peak_since(mark)
        await asyncio.sleep(7.0)
        after = float(np.median(sampler.samples[-20:])) / MIB
        await asyncio.sleep(13.0)  # workers with the libraries of documents leave after 15 s
        later = float(np.median(sampler.samples[-20:])) / MIB
        notices = sorted({*a.notices, *c.notices})
    return locals()


def report(f: dict) -> list[str]:
    """The lines of the output, goals in brackets."""
    alone, beside = f["alone"], f["beside"]
    p99 = [float(np.percentile(x, 99)) for x in (alone, beside)]
    words = "".join(f["price"]["html"].split(">")[1:2]).split("<")[0]
    return [
        f"latency of another session, alone      p50 {np.median(alone):5.1f}  p99 {p99[0]:6.1f}"
        f"  max {alone.max():6.1f} ms  ({len(alone)} trips)",
        f"latency while one computes, one saves  p50 {np.median(beside):5.1f}  p99 {p99[1]:6.1f}"
        f"  max {beside.max():6.1f} ms  ({len(beside)} trips)",
        f"p99 above idle  {p99[1] - p99[0]:.1f} ms (goal {GOAL_MS})",
        f"meanwhile {np.isfinite(f['runs']).sum()} runs of 50,000 x 60, median"
        f" {np.nanmedian(f['runs']):.2f} s, {np.isnan(f['runs']).sum()} refused (plan said: {words}), and {sum(map(bool, f['files']))} Word files"
        f" ({sum(not x for x in f['files'])} refused)",
        *[f"  said: {notice}" for notice in f["notices"]],
        "",
        f"PSS of the tree: idle {f['idle']:.0f} MB (goal {GOAL_IDLE_MB}); three sessions with data"
        f" {f['rest']:.0f} MB",
        f"  upload of {f['file'].stat().st_size / 1e6:.0f} MB CSV: {f['upload_seconds']:.1f} s,"
        f" peak {f['upload_peak']:.0f} MB",
        f"  peak while computing and saving {f['peak']:.0f} MB (goal {GOAL_PEAK_MB})",
        f"  7 s after: {f['after']:.0f} MB, {f['after'] - f['rest']:+.0f} MB against before the"
        f" load; 20 s after: {f['later']:.0f} MB, {f['later'] - f['rest']:+.0f} MB"
        f" (goal {GOAL_AFTER_MB})",
    ]  # fmt: skip


def numbers_of(f: dict[str, Any]) -> dict[str, float]:
    """What is quoted elsewhere."""
    p99 = [float(np.percentile(f[name], 99)) for name in ("alone", "beside")]
    return {
        "p99_above_idle_ms": round(p99[1] - p99[0], 2), "idle_mb": round(f["idle"], 1),
        "peak_mb": round(max(f["peak"], f["upload_peak"]), 1),
    }  # fmt: skip


def main() -> None:
    """Make the file, start the server, measure, keep the output."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "large.csv"
        frame = clinical_frame(50_000, 60)
        frame["died"] = frame["died"].astype(int)
        frame.to_csv(file, index=False, float_format="%.3f")
        with server(folder) as (port, pid, start_seconds):
            sampler = Sampler(pid)
            try:
                found = asyncio.run(measure(port, file, sampler))
            finally:
                sampler.close()
        lines = [
            f"load of the machine at the end: {os.getloadavg()[0]:.1f}",
            *report(found),
            f"start until the port answers: {start_seconds:.2f} s",
        ]
        samples = {
            "alone_ms": found["alone"], "beside_ms": found["beside"],
            "tree_mb": [b / MIB for b in sampler.samples],
        }  # fmt: skip
        keep("bench_server", lines, numbers=numbers_of(found), samples=samples)


if __name__ == "__main__":
    main()
