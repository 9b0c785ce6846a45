"""The cache beside its peers: keys, hits, sets, stampedes, throughput, memory, eviction.

Peers run in `.venv-bench` (streamlit, joblib, cachetools, diskcache, pandas as pinned here); a
peer that is not installed there is said to be missing. Times are medians of processor time (the
wall time stands beside it); throughput is by the clock: read ratios.
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
from tests.bench.cache_work import Median, frame, median_us, tables
from tests.bench.clinical import clinical_frame
from tests.bench.recorded_trace import replay_lines
from tests.bench.report import keep
from utils.cache import TieredCache
from utils.keys import fingerprint_column, fingerprint_frame, make_key
from utils.memory_tier import MemoryTier, Slot
from utils.open_cache import open_cache

BENCH = Path(".venv-bench/bin/python")
SECONDS = 3.0
NUMBERS: dict[str, float] = {}
CLASSES = {kind.__name__: kind for kind in RESULT_CLASSES}


def opened(directory: str | None = None, memory_bytes: int = 48 << 20) -> TieredCache:
    place = Path(directory or tempfile.mkdtemp())
    return open_cache(
        memory_bytes=memory_bytes, classes=CLASSES, directory=place, disk_bytes=1 << 30
    )


def said(what: str, value: float, unit: str, reach: float | None = None) -> str:
    """One line: what was measured, and beside it what DESIGN section 3 wants."""
    text = f"{value:,.3g}" if value < 1e3 else f"{value:,.0f}"
    goal = "" if reach is None else f"reach {reach:g}{'' if value <= reach else ', MISSED'}"
    return f"{what:46}{text:>9} {unit:3} {goal}".rstrip()


def timed(what: str, taken: Median, reach: float | None = None) -> str:
    """The same for a time in milliseconds."""
    wall = f"(wall {taken.wall / 1e3:,.3g})"
    return f"{said(what, taken / 1e3, 'ms', reach):76}{wall}"


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
    first, with_text = (median_us(lambda f=f: fingerprint_frame(f), 30) for f in (data, text))
    NUMBERS.update(first_key_ms=first / 1e3, key_ms=key / 1e3)
    return [
        timed("fingerprint of 50,000 x 20, first time", first, 5),
        timed("the same with one more column of text", with_text),
        timed("key of 20 columns, fingerprints known", key),
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
    NUMBERS.update(
        memory_hit_ms=memory / 1e3, disk_hit_ms=disk / 1e3, set_ms=stored / 1e3,
        entry_kb=len(data) / 1e3,
    )  # fmt: skip
    return [
        "", f"result of analyze_outcome, 500 x 15: {len(data) / 1e3:.0f} kB encoded",
        timed("encode", median_us(lambda: cache.codec.encode(value), 200)),
        timed("decode", median_us(lambda: cache.codec.decode(data), 200)),
        timed("memory hit, key known", memory, 0.1),
        timed("disk hit, key known, memory cold", disk, 1),
        timed("set, above the computation", stored),
    ]  # fmt: skip


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
    found["threads"] = computations_by_threads(cache)
    found["processes"] = sum(in_processes("once", directory))
    found["rate"] = rate()
    process = psutil.Process()
    before = process.memory_info().rss
    most = 0.0
    for i in range(500):
        cache.get_or_compute(f"{i:064x}", lambda: os.urandom(1 << 20), name="m", ttl_seconds=99)
        most = max(most, process.memory_info().rss)
    found["memory"] = (process.memory_info().rss - before) / 2**20
    NUMBERS.update({f"ours_{name.replace(' ', '_')}": value for name, value in found.items()})
    NUMBERS["peak_rss_500_mb"] = most / 2**20
    return found


def rate() -> float:
    """Operations per second of 4 processes on one directory that holds all 500 results."""
    directory, body = tempfile.mkdtemp(), os.urandom(45_000)
    cache = opened(directory, memory_bytes=1 << 16)
    for i in range(500):
        cache.get_or_compute(f"{i:064x}", lambda: body, name="t", ttl_seconds=999)
    return sum(in_processes("rate", directory)) / SECONDS


def computations_by_threads(cache: TieredCache) -> int:
    """How often 20 threads compute one missing key."""
    runs: list[int] = []

    def slow() -> int:
        runs.append(1)
        time.sleep(0.3)
        return 1

    given = {"args": ("cd" * 32, slow), "kwargs": {"name": "s", "ttl_seconds": 9}}
    threads = [threading.Thread(target=cache.get_or_compute, **given) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(runs)


def in_processes(what: str, directory: str) -> list[int]:
    """What 4 processes count that begin the same thing on one directory together."""
    command = [sys.executable, "-m", "tests.bench.bench_cache", what, directory]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return [int(word) for process in running for word in begun(process)]


def begun(process: subprocess.Popen[str]) -> list[str]:
    return process.communicate("go\n")[0].split()


def child(what: str, directory: str) -> None:
    """What one of the four processes does."""
    cache = opened(directory, memory_bytes=1 << 16)
    body = os.urandom(45_000)
    print("ready", flush=True)
    sys.stdin.readline()
    if what == "once":
        ran: list[int] = []

        def compute() -> int:
            ran.append(1)
            time.sleep(1.0)
            return 1

        cache.get_or_compute("ef" * 32, compute, name="p", ttl_seconds=99)
        print(len(ran))
        return
    rng, done = random.Random(os.getpid()), 0
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        cache.get_or_compute(f"{rng.randrange(500):064x}", lambda: body, name="t", ttl_seconds=99)
        done += 1
    print(done)


def peers() -> list[str]:
    head = ("hit", "disk", "set", "computed by", "computed by", "4 processes", "500 x 1 MB")
    units = ("ms", "ms", "ms", "20 threads", "4 processes", "per s", "RSS +MB")
    lines = ["", "cache.data beside its peers, a plain 50,000 x 20 frame hashed at each call"]
    lines += [" " * 12 + "".join(f"{word:>13}" for word in words) for words in (head, units)]
    table = {"Clinstat": ours()}
    for peer in ("streamlit", "joblib", "diskcache", "cachetools"):
        found = measured(peer)
        if found is None:
            lines.append(f"{peer:12} not measured (missing in .venv-bench)")
        else:
            table[peer] = found
    for name, m in table.items():
        cells = [f"{m[kind] / 1e3:.2f}" for kind in ("hit", "disk hit", "set")]
        cells += [f"{m[kind]:.0f}" for kind in ("threads", "processes", "rate", "memory")]
        lines.append(f"{name:12}" + "".join(f"{cell.replace('nan', '-'):>13}" for cell in cells))
    return [
        *lines, "streamlit: memory only (its disk tier needs a running server); cachetools has no"
        " disk tier.", "4 processes on one directory, 500 results of 45 kB, memory cold.", "",
        said("computations of one missing key, 20 threads", table["Clinstat"]["threads"], "", 1),
        said("computations of one missing key, 4 processes", table["Clinstat"]["processes"], "", 1),
        said("500 results of 1 MB: peak of this process", NUMBERS["peak_rss_500_mb"], "MB", 300),
    ]  # fmt: skip


def measured(peer: str) -> dict[str, float] | None:
    """What `peers_cache.py` finds with the interpreter of the peers; None where it is missing."""
    if not BENCH.exists():
        return None
    script = Path(__file__).with_name("peers_cache.py")
    done = subprocess.run(
        [BENCH, script, peer], capture_output=True, text=True, check=False, timeout=600,
        env=os.environ | {"TMPDIR": tempfile.gettempdir()},
    )  # fmt: skip
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def trace() -> list[tuple[str, int, float]]:
    """(key, bytes, cost in s) of 40 analyses that were really run, asked for 8,000 times.

    Used where no load test was recorded.
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
    lines = [f"eviction: {len(distinct)} measured analyses, {len(asked):,} requests, "
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
    if len(sys.argv) == 3:
        child(*sys.argv[1:])
        return
    with tempfile.TemporaryDirectory(prefix="bench-cache-") as place:
        tempfile.tempdir = place
        recorded, numbers = replay_lines()
        lines = [*keys(), *tiers(), *peers(), "", *(recorded if numbers else eviction())]
        tempfile.tempdir = None
    keep("bench_cache", lines, numbers=NUMBERS | numbers)


if __name__ == "__main__":
    main()
