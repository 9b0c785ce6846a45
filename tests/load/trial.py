"""One load test: a server of its own, visitors, overload, and what was measured meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.bench_server import Sampler
from tests.bench.report import RESULTS
from tests.load.closed import Account, closed_loop
from tests.load.overload import Overload, overload
from tests.load.patients import PatientLists

ROOT = Path(__file__).parents[2]
SERVER = Path(__file__).with_name("traced_server.py")
TRACE = RESULTS / "trace.csv.gz"
START_SECONDS, SAMPLE_SECONDS, CALM_SECONDS = 60.0, 0.2, 5.0
#: In force before it loads anything: the server that writes a trace loads numpy first.
_MEMORY_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536",
    "OPENBLAS_NUM_THREADS": "1",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many visitors for how long, and how long the overload lasts.

    `pages` are open while it lasts; `pages_per_address` is the server's limit.
    """

    sessions: int
    seconds: float
    think_seconds: float
    overload_seconds: float
    pages: int = 44
    pages_per_address: int = 100


@dataclass
class Found:
    """What a trial found. `idle` and `load` are ranges of `memory` (MB); `first_page_seconds`
    from the start of the process; `stats` is the server's own count after the visits."""

    account: Account
    overload: Overload
    memory: list[float]
    visits_from: int
    visits_to: int
    first_page_seconds: float
    stats: dict[str, Any]
    load_average: float
    seconds: float


@contextmanager
def traced_server(folder: Path, plan: Plan) -> Iterator[tuple[int, int, float]]:
    """Port and process of a server that writes its trace, and the seconds to the first page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "PORT": str(port), "HOST": "127.0.0.1", "CACHE_DIR": str(folder / "cache"),
        "WORKSPACES": "10000", "PAGES_PER_ADDRESS": str(plan.pages_per_address),
    }  # fmt: skip
    began = time.perf_counter()
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, SERVER, str(folder / "trace.csv")],
            cwd=ROOT, stdout=log, stderr=log, env=os.environ | _MEMORY_SETTINGS | settings,
        )  # fmt: skip
    try:
        _first_page(port, process, folder)
        yield port, process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _first_page(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                answer.read()
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.01)
    raise RuntimeError((folder / "server.log").read_text(encoding="utf-8"))


def trial(plan: Plan, *, keep_trace: bool = False) -> Found:
    """Run it; the trace goes to the results when it is kept."""
    with tempfile.TemporaryDirectory(prefix="load-") as name:
        folder = Path(name)
        (folder / "files").mkdir()
        with traced_server(folder, plan) as (port, pid, first_page_seconds):
            sampler = Sampler(pid, SAMPLE_SECONDS)
            try:
                found = asyncio.run(_measure(port, plan, folder, sampler))
            finally:
                sampler.close()
        found.first_page_seconds = first_page_seconds
        if keep_trace:
            RESULTS.mkdir(exist_ok=True)
            # no name and no time of day in the file: the same trace gives the same bytes
            with TRACE.open("wb") as out, gzip.GzipFile("", "wb", mtime=0, fileobj=out) as packed:
                packed.write((folder / "trace.csv").read_bytes())
    return found


async def _measure(port: int, plan: Plan, folder: Path, sampler: Sampler) -> Found:
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    loop.set_default_executor(ThreadPoolExecutor(max(32, plan.sessions)))
    lists = PatientLists(folder / "files", seed=1)
    visits_from = len(sampler.samples)
    account = await closed_loop(
        port, lists, sessions=plan.sessions, seconds=plan.seconds,
        think_seconds=plan.think_seconds,
    )  # fmt: skip
    visits_to = len(sampler.samples)
    load_average = os.getloadavg()[0]
    await asyncio.sleep(1.1)  # the server keeps its answer for a second
    stats = await asyncio.to_thread(_stats, port)
    shed = await overload(
        port, pages=plan.pages, seconds=plan.overload_seconds,
        allowed_pages=plan.pages_per_address,
    )  # fmt: skip
    await asyncio.sleep(CALM_SECONDS)
    return Found(
        account=account, overload=shed, memory=[b / 2**20 for b in sampler.samples],
        visits_from=visits_from, visits_to=visits_to, first_page_seconds=0.0, stats=stats,
        load_average=load_average, seconds=time.perf_counter() - began,
    )  # fmt: skip


def _stats(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/stats", timeout=10) as answer:
        return json.load(answer)
