"""The cache beside its peers: keys, hits, sets, stampedes, throughput, memory, eviction.

Peers run in `.venv-bench` (streamlit, joblib, cachetools, diskcache, pandas as pinned here); a
peer that is not installed there is said to be missing. Times are medians of wall time on a
noisy machine: read ratios.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import psutil

from stats.outcome import analyze_outcome
from stats.result import RESULT_CLASSES
from tests.bench.cache_work import frame, median_us, tables
from tests.bench.clinical import clinical_frame
from tests.bench.report import keep
from utils.cache import TieredCache
from utils.keys import fingerprint_column, fingerprint_frame, make_key
from utils.memory_tier import MemoryTier, Slot
from utils.open_cache import open_cache

BENCH = Path(".venv-bench/bin/python")
CLASSES = {kind.__name__: kind for kind in RESULT_CLASSES}


def opened(directory: str | None = None, memory_bytes: int = 48 << 20) -> TieredCache:
    place = Path(directory or tempfile.mkdtemp())
    return open_cache(
        memory_bytes=memory_bytes, classes=CLASSES, directory=place, disk_bytes=1 << 30
    )


def result() -> Any:
    data = clinical_frame(500, 15)
    predictors = [name for name in data if name != "died"]
    return analyze_outcome(data, outcome="died", event=1, predictors=predictors, interval="wald")


def keys() -> list[str]:
    data = frame()
    text = data.assign(s=[f"patient {i % 5000}" for i in range(len(data))])
    marks = [(name, fingerprint_column(data[name])) for name in data]
    choices = {"outcome": "b0", "event": "1", "predictors": tuple(data), "ci_level": 0.95}
    key = median_us(
        lambda: make_key(name="f", row_version=1, columns=marks, n_rows=len(data), choices=choices,
                         versions={"numpy": "2", "pandas": "3"}), 500,
    )  # fmt: skip
    return [
        f"fingerprint of a 50,000 x 20 frame, first time   {median_us(lambda: fingerprint_frame(data), 30) / 1e3:8.2f} ms",
        f"the same with one more column of text            {median_us(lambda: fingerprint_frame(text), 30) / 1e3:8.2f} ms",
        f"key of 20 columns, fingerprints known            {key / 1e3:8.3f} ms",
    ]


def tiers() -> list[str]:
    cache, value = opened(), result()
    data = cache.codec.encode(value)
    key = "ab" * 32

    def ask(name: str = key) -> Any:
        return cache.get_or_compute(name, lambda: value, name="f", ttl_seconds=1e6)

    ask()
    names = (f"{i:064x}" for i in range(10**6))
    memory = median_us(ask, 2000)
    disk = median_us(ask, 300, before=lambda: cache.memory.delete(key))
    stored = median_us(lambda: ask(next(names)), 200)
    return [
        f"result of analyze_outcome, 500 x 15: {len(data) / 1e3:.0f} kB encoded",
        f"encode {median_us(lambda: cache.codec.encode(value), 200):.0f} us, "
        f"decode {median_us(lambda: cache.codec.decode(data), 200):.0f} us",
        f"memory hit, key known                            {memory / 1e3:8.4f} ms",
        f"disk hit, key known, memory cold                 {disk / 1e3:8.3f} ms",
        f"set, above the computation                       {stored / 1e3:8.3f} ms",
    ]


COMPUTED = Path(tempfile.gettempdir()) / f"bench-cache-{os.getpid()}"


def ours() -> dict[str, float]:
    """The same measurements as `peers_cache.py` makes, through `cache.data`."""
    directory = tempfile.mkdtemp()
    cache = opened(directory)

    @cache.data()
    def work(data: Any, option: int) -> Any:
        return {**tables(), "option": option}

    data = frame()
    work(data, 0)
    found = {"hit": median_us(lambda: work(data, 0), 30)}
    found["disk hit"] = median_us(lambda: work(data, 0), 15, before=lambda: cache.shrink(1 << 40))
    options = iter(range(1, 10**6))
    plain = median_us(tables, 9)
    found["set"] = median_us(lambda: work(data, next(options)), 9) - plain
    runs: list[int] = []

    def slow() -> int:
        runs.append(1)
        time.sleep(0.3)
        return 1

    threads = [
        threading.Thread(
            target=cache.get_or_compute,
            args=("cd" * 32, slow),
            kwargs={"name": "s", "ttl_seconds": 9},
        )
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found["threads"] = len(runs)
    found["processes"] = len(in_processes("once", directory))
    process = psutil.Process()
    before = process.memory_info().rss
    for i in range(500):
        cache.get_or_compute(f"{i:064x}", lambda: os.urandom(1 << 20), name="m", ttl_seconds=99)
    found["memory"] = (process.memory_info().rss - before) / 2**20
    return found


def in_processes(what: str, directory: str, seconds: float = 3.0) -> list[int]:
    """Numbers printed by 4 processes that do the same thing on one directory."""
    command = [sys.executable, "-m", "tests.bench.bench_cache", what, directory, str(seconds)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate()[0].split() for process in running]
    return [int(word) for words in said for word in words]


def child(what: str, directory: str, seconds: str) -> None:
    """What one of the four processes does."""
    cache = opened(directory, memory_bytes=1 << 16)
    if what == "once":

        def compute() -> int:
            print(1, flush=True)
            time.sleep(1.0)
            return 1

        cache.get_or_compute("ef" * 32, compute, name="p", ttl_seconds=99)
        return
    rng, done = random.Random(os.getpid()), 0
    body = os.urandom(45_000)
    cache.get_or_compute("00" * 32, lambda: body, name="t", ttl_seconds=99)
    until = time.monotonic() + float(seconds)
    while time.monotonic() < until:
        cache.get_or_compute(f"{rng.randrange(500):064x}", lambda: body, name="t", ttl_seconds=99)
        done += 1
    print(done)


def peers() -> list[str]:
    lines = ["", "cache.data beside its peers, a plain 50,000 x 20 frame hashed at each call",
             f"{'':12}{'hit ms':>9}{'disk ms':>9}{'set ms':>9}{'computed by':>13}{'computed by':>13}{'500 x 1 MB':>12}",
             f"{'':12}{'':9}{'':9}{'':9}{'20 threads':>13}{'4 processes':>13}{'RSS +MB':>12}"]  # fmt: skip
    table = {"Clinstat": ours()}
    for peer in ("streamlit", "joblib", "diskcache", "cachetools"):
        done = None
        if BENCH.exists():
            script = Path(__file__).with_name("peers_cache.py")
            done = subprocess.run(
                [BENCH, script, peer], capture_output=True, text=True, check=False, timeout=300
            )
        if done is None or done.returncode:
            lines.append(f"{peer:12} not measured (missing in .venv-bench)")
            continue
        table[peer] = json.loads(done.stdout.splitlines()[-1])
    for name, m in table.items():
        lines.append(
            f"{name:12}{m['hit'] / 1e3:9.2f}{m['disk hit'] / 1e3:9.2f}{m['set'] / 1e3:9.2f}"
            f"{m['threads']:13.0f}{m['processes']:13.0f}{m['memory']:12.0f}"
        )
    lines.append("streamlit: memory only (its disk tier needs a running server)")
    rates = in_processes("rate", tempfile.mkdtemp())
    lines.append(
        f"4 processes on one directory, 500 keys of 45 kB: {sum(rates) / 3:.0f} operations/s"
    )
    return lines


def trace() -> list[tuple[str, int, float]]:
    """(key, bytes, cost in s) of 60 analyses that were really run, asked for 8,000 times.

    Sizes and costs are measured; the order is drawn (Zipf 0.8, every tenth from a scan).
    """
    codec = opened().codec
    ran: list[tuple[str, int, float]] = []
    for rows in (200, 500, 2_000, 8_000):
        for width in (4, 6, 8, 10, 12):
            data = clinical_frame(rows, width)
            names = [name for name in data if name != "died"]
            for interval in ("wald", "profile"):
                started = time.perf_counter()
                with contextlib.suppress(ArithmeticError):
                    value = analyze_outcome(
                        data, outcome="died", event=1, predictors=names, interval=interval
                    )
                    cost = time.perf_counter() - started
                    ran.append((f"{rows}/{width}/{interval}", len(codec.encode(value)), cost))
    rng = random.Random(5)
    weights = [1 / (rank + 1) ** 0.8 for rank in range(len(ran))]
    rng.shuffle(ran)
    order = rng.choices(range(len(ran)), weights, k=8_000)
    return [ran[i if step % 10 else step // 10 % len(ran)] for step, i in enumerate(order)]


def eviction() -> list[str]:
    asked = trace()
    distinct = {key: size for key, size, _ in asked}
    total = sum(cost for _, _, cost in asked)
    lines = ["", f"eviction: {len(distinct)} measured analyses, {len(asked):,} requests, "
             f"{total:.0f} s of computation without a cache",
             "(bytes and costs are measured; the order is drawn: Zipf 0.8, every tenth from a scan)"]  # fmt: skip
    for share in (0.1, 0.2, 0.4):
        room = int(sum(distinct.values()) * share)
        memory, gdsf = MemoryTier(room, max_entry_bytes=room), 0.0
        lru: OrderedDict[str, int] = OrderedDict()
        held, plain = 0, 0.0
        for key, size, cost in asked:
            if memory.get(key, 0.0) is None:
                memory.put(Slot(key, None, size, cost, 1e9, "f", ""))
            else:
                gdsf += cost
            if key in lru:
                lru.move_to_end(key)
                plain += cost
            else:
                lru[key] = size + 512
                held += size + 512
                while held > room:
                    held -= lru.popitem(last=False)[1]
        lines.append(
            f"  room for {share:.0%} of the bytes: saved by GDSF {gdsf / total:.1%}, by LRU "
            f"{plain / total:.1%} of the computation ({gdsf / plain:.2f} x)"
        )
    return lines


def main() -> None:
    """Measure and keep the output."""
    if len(sys.argv) == 4:
        child(*sys.argv[1:])
        return
    keep("bench_cache", [*keys(), *tiers(), *peers(), *eviction()])


if __name__ == "__main__":
    main()
