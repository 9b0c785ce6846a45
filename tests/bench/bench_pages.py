"""What a page costs: processor time, memory, and how long others wait while one opens.

Command: python -m tests.bench.bench_pages [pages]. Starts `python app.py` on loopback with a cache
of its own and opens pages as Chromium does (the recorded first frame), one after another. One
page sends heartbeats all the time: the longest answer while another page opens is the stall.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from tests.bench.bench_server import MIB, server
from tests.bench.report import keep
from tests.load.visitor import VisitorPage, recording, visitor_page
from utils.process_memory import tree_bytes

PAGES, WATCHED = 50, 15
SETTLE_SECONDS = 8.0
#: One address opens pages faster here than a person does.
_SETTINGS = {"WORKSPACES": "500", "WRITES_PER_MINUTE": "100000", "MESSAGES_PER_SECOND": "5000"}


async def arrive(page: VisitorPage) -> float:
    """Begin a session; the seconds until it has a workspace and its tab is drawn."""
    began = time.perf_counter()
    await page.send(recording()[0].frames[0]["data"], "init")
    await page.until(lambda: page.keyed and "data-found" in page.values)
    return time.perf_counter() - began


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def watch(page: VisitorPage, beats: list[tuple[float, float]]) -> None:
    """Heartbeats: when each was sent, and the milliseconds until its answer."""
    while True:
        began = time.perf_counter()
        beats.append((began, await page.beat() * 1e3))
        await asyncio.sleep(0.002)


async def opened(port: int, pid: int, count: int, stack: contextlib.AsyncExitStack) -> list[str]:
    """Open `count` pages that stay open."""
    process = psutil.Process(pid)
    await asyncio.sleep(SETTLE_SECONDS)
    before, used = tree_bytes(pid), cpu_seconds(process)
    waited = [
        await arrive(await stack.enter_async_context(visitor_page(port))) for _ in range(count)
    ]
    used = cpu_seconds(process) - used
    await asyncio.sleep(SETTLE_SECONDS)
    after = tree_bytes(pid)
    return [
        f"{count} pages opened one after another: {1e3 * used / count:.1f} ms of CPU each; drawn"
        f" after median {1e3 * np.median(waited):.0f}, most {1e3 * max(waited):.0f} ms",
        f"tree {before / MIB:.1f} -> {after / MIB:.1f} MB: {(after - before) / count / 1024:.0f} kB"
        " each",
    ]


async def stalls(port: int, probe: VisitorPage, stack: contextlib.AsyncExitStack) -> list[str]:
    """The longest heartbeat while a page opens, and while all of them close."""
    beats: list[tuple[float, float]] = []
    watching = asyncio.create_task(watch(probe, beats))
    await asyncio.sleep(2.0)
    idle, longest = [ms for _, ms in beats], list[float]()
    for _ in range(WATCHED):
        began = time.perf_counter()
        await arrive(await stack.enter_async_context(visitor_page(port)))
        await asyncio.sleep(0.3)
        longest.append(max(ms for at, ms in beats if at >= began - 0.05))
    began = time.perf_counter()
    await stack.aclose()
    await asyncio.sleep(SETTLE_SECONDS)
    watching.cancel()
    closing = max(ms for at, ms in beats if at >= began)
    return [
        f"a heartbeat at rest: median {np.median(idle):.1f}, p99 {np.percentile(idle, 99):.1f} ms",
        f"the longest while a page opens: median {np.median(longest):.1f},"
        f" most {max(longest):.1f} ms",
        f"the longest while all pages close: {closing:.0f} ms",
    ]


async def measure(port: int, pid: int, count: int) -> list[str]:
    async with visitor_page(port) as probe:
        await arrive(probe)
        async with contextlib.AsyncExitStack() as stack:
            lines = await opened(port, pid, count, stack)
            lines += await stalls(port, probe, stack)
        return [*lines, f"all closed: {tree_bytes(pid) / MIB:.1f} MB"]


def main() -> None:
    """Start the server, measure; keep the output of the usual number of pages."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PAGES
    os.environ.update(_SETTINGS)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as (port, pid, _):
        lines = asyncio.run(measure(port, pid, count))
    lines.insert(0, f"load of the machine at the end: {os.getloadavg()[0]:.1f}")
    if count == PAGES:
        keep("bench_pages", lines)
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
