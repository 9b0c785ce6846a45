"""Start to first page: from starting `python app.py` until the page has arrived, cold process.

Run from the checkout: python -m tests.bench.bench_start
The cache directory is new each time; the files of Python are in the system's cache, and the
bytecode stands beside them, as in the image and after every first start. Two moments are told:
the page's HTML has arrived, and its session has answered (workspace key and the tab Data).
"""

from __future__ import annotations

import asyncio
import compileall
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil

from tests.bench.report import keep
from tests.load.visitor import recording, visitor_page
from utils.process_memory import tree_bytes

ROOT = Path(__file__).parents[2]
RUNS = 5
GOAL_SECONDS = 1.2
GOAL_IDLE_MB = 130
IDLE_SECONDS = 9.0


@dataclass(frozen=True)
class Start:
    """Seconds since the process was started; `cpu_seconds` of the server and its zygote until
    the session had answered (a busy machine changes them less); the page's bytes and the tree's
    PSS in MB nine seconds later."""

    alive: float
    page: float
    session: float
    cpu_seconds: float
    page_bytes: int
    idle_mb: float


def once() -> Start:
    """One start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        given = os.environ | {"PORT": str(port), "CACHE_DIR": folder + "/cache"}
        given.pop("PYTHONDONTWRITEBYTECODE", None)
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, stdout=subprocess.DEVNULL, env=given
        )
        try:
            alive = got(port, "/healthz") - began
            page = len(fetched(port, "/"))
            arrived = time.perf_counter() - began
            asyncio.run(answered(port))
            session = time.perf_counter() - began
            server = psutil.Process(process.pid)
            times = [p.cpu_times() for p in (server, *server.children(recursive=True))]
            cpu_seconds = sum(x.user + x.system for x in times)
            time.sleep(IDLE_SECONDS)
            idle = tree_bytes(process.pid) / 2**20
            return Start(alive, arrived, session, cpu_seconds, page, idle)
        finally:
            process.terminate()
            process.wait(20)


async def answered(port: int) -> None:
    """A page says what its fields hold; returns when it has a workspace and its tab is drawn."""
    async with visitor_page(port) as page:
        await page.send(recording()[0].frames[0]["data"], "init")
        await page.until(lambda: page.keyed and "data-found" in page.values, 30.0)


def got(port: int, path: str) -> float:
    """When the first answer came."""
    while True:
        with contextlib.suppress(OSError):
            fetched(port, path)
            return time.perf_counter()
        time.sleep(0.005)


def fetched(port: int, path: str) -> bytes:
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=30)) as line:
        line.request("GET", path)
        return line.getresponse().read()


def main() -> None:
    """Measure and keep."""
    for room in ("app.py", "config.py", "logic.py"):
        compileall.compile_file(ROOT / room, quiet=1)
    for room in ("ingest", "presentation", "stats", "tabs", "utils"):
        compileall.compile_dir(ROOT / room, quiet=1)
    once()
    runs = [once() for _ in range(RUNS)]

    def line(words: str, values: list[float], after: str = "") -> str:
        listed = ", ".join(f"{x:.2f}" for x in values)
        return f"{words:26}median {statistics.median(values):6.2f} s  ({listed}){after}"

    found = {
        "first_page_seconds": [r.page for r in runs], "session_seconds": [r.session for r in runs],
        "cpu_seconds": [r.cpu_seconds for r in runs], "idle_mb": [r.idle_mb for r in runs],
    }  # fmt: skip
    lines = [
        f"load of the machine at the end: {os.getloadavg()[0]:.1f}",
        line("start until alive", [r.alive for r in runs]),
        line("start to first page", found["first_page_seconds"], f"  goal {GOAL_SECONDS}"),
        line("start to answered session", found["session_seconds"]),
        line("CPU until then", found["cpu_seconds"]),
        f"page {runs[0].page_bytes / 1e3:.0f} kB before packing",
        f"PSS of the tree at rest, the page closed, {statistics.median(found['idle_mb']):.1f} MB"
        f"  goal {GOAL_IDLE_MB}",
    ]
    numbers = {name: round(statistics.median(values), 3) for name, values in found.items()}
    keep("bench_start", lines, numbers=numbers, samples=found)


if __name__ == "__main__":
    main()
