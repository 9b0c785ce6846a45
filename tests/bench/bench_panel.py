"""What the tab System costs the server: processor time with the tab closed, open, closed again.

Command: python -m tests.bench.bench_panel. Starts `python app.py` on loopback with a cache of its
own, runs sixty analyses so that there is something to show, and measures the processor time of
the server process (not of its children, which the panel never starts) over spans of 30 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench.bench_server import choose, server
from tests.bench.page_client import PageClient, open_page
from tests.bench.report import keep

SPAN_SECONDS = 30.0
RUNS = 60
GOAL_PERCENT = 1.0
OUTPUTS = (
    "warnings", "tiles", "charts", "functions", "jobs", "miss", "runs", "entries-functions",
    "entries-said", "entries-table", "entries-pages-words", "keeper-door", "keeper-said",
)  # fmt: skip


def spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def percent(process: psutil.Process) -> float:
    """Share of one processor over a span."""
    await asyncio.sleep(3.0)
    cpu, began = spent(process), time.perf_counter()
    await asyncio.sleep(SPAN_SECONDS)
    return 100 * (spent(process) - cpu) / (time.perf_counter() - began)


async def look(page: PageClient, tab: str) -> None:
    hidden = {f".clientdata_output_system-{name}_hidden": tab != "system" for name in OUTPUTS}
    await page.send({"tab": tab, **hidden})


async def measure(port: int, pid: int) -> list[str]:
    process = psutil.Process(pid)
    async with open_page(port) as page:
        await page.changed("data-found", {"data-example": "synth_trial"})
        await choose(page, 6, "active", range(2, 6))
        for number in range(RUNS):
            await page.send({"outcome-ci_level": f"{90 + number % 20 / 10:.1f}"})
            await page.run()
        found: dict[str, list[float]] = {"closed": [], "open": []}
        for _ in range(2):
            await look(page, "data")
            found["closed"].append(await percent(process))
            await look(page, "system")
            await page.until(lambda: "Hit rate" in str(page.values.get("system-tiles")))
            found["open"].append(await percent(process))
        await look(page, "data")
        found["closed"].append(await percent(process))
        tiles = str(page.values["system-tiles"])
    added = sum(found["open"]) / len(found["open"]) - sum(found["closed"]) / len(found["closed"])
    spans = {name: "  ".join(f"{p:.2f}" for p in spans) for name, spans in found.items()}
    return [
        f"processor time of the server process, % of one processor, spans of {SPAN_SECONDS:.0f} s",
        f"  tab closed  {spans['closed']}",
        f"  tab open    {spans['open']}",
        f"  added by the open tab  {added:.2f} % (goal {GOAL_PERCENT:.0f} %)",
        f"the tiles were sent: {'Hit rate' in tiles}, {len(tiles)} characters",
    ]


def main() -> None:
    """Start the server, measure, keep the output."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        port, pid, _ = stack.enter_context(server(Path(name)))
        lines = asyncio.run(measure(port, pid))
    keep("bench_panel", [f"load of the machine at the end: {os.getloadavg()[0]:.1f}", *lines])


if __name__ == "__main__":
    main()
