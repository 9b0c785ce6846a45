"""Several processes on one directory: one computation, kill -9 at any moment, fork and spawn."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.cache_faults import (
    SCALE,
    fast_directory,
    fill,
    key,
    open_at,
    read,
    report,
    scaled,
    truth,
)
from utils.cache import TieredCache

pytestmark = pytest.mark.fault

SCRIPT = Path(__file__).with_name("cache_process.py")


@pytest.fixture
def work() -> Iterator[Path]:
    directory = fast_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def start() -> Iterator[object]:
    """Start a process of `cache_process.py`; all are killed at the end."""
    running: list[subprocess.Popen[str]] = []

    def launch(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "error", str(SCRIPT), *map(str, arguments)]
        running.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        return running[-1]

    yield launch
    for process in running:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_four_processes_compute_once(work: Path, start) -> None:
    processes = [start("once", work, key(1), 1.0) for _ in range(4)]
    for process in processes:
        assert line(process) == "ready"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = Counter(line(process) for process in processes)
    assert outcomes == {"computed True": 1, "disk True": 3}
    assert len((work / "computed").read_text().splitlines()) == 1


def test_when_the_owner_is_killed_the_next_owner_starts_within_a_second(work: Path, start) -> None:
    waits: list[float] = []
    for trial in range(5):
        owner = start("own", work, key(trial))
        assert line(owner) == "owns"
        cache = open_at(work)
        began = threading.Event()
        times: list[float] = []

        def compute(began: threading.Event = began, times: list[float] = times) -> int:
            times.append(time.monotonic())
            began.set()
            return 1

        waiter = threading.Thread(
            target=cache.get_or_compute, args=(key(trial), compute),
            kwargs={"name": "f", "ttl_seconds": 1e6},
        )  # fmt: skip
        waiter.start()
        assert not began.wait(0.3), "the owner's lock must hold while it lives"
        killed = time.monotonic()
        owner.kill()
        waiter.join(10)
        assert not waiter.is_alive()
        waits.append(times[0] - killed)
        cache.close()
    print(f"\nnext owner after {max(waits) * 1e3:.0f} ms at most")
    assert max(waits) < 1.0


class Nest:
    """Starts writers without an interpreter for each, and kills them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seed = 0

    def writer(self, folder: str) -> int:
        assert self.process.stdin is not None
        self.seed += 1
        self.process.stdin.write(f"{self.seed} {folder}\n")
        self.process.stdin.flush()
        return int(line(self.process))


#: All that may stand in a cache directory once it was swept, beside the value files that the
#: index names.
AT_REST = {"ballast", "clears", "index.lock", "secret"}


def left_over(place: Path, cache: TieredCache) -> list[str]:
    """Files that belong to no entry and to no part of the cache."""
    index = cache.lower[0].tier._index  # type: ignore[attr-defined]
    named = {n for (n,) in index.sql("SELECT filename FROM Cache WHERE filename IS NOT NULL")}
    known = AT_REST | {f"entries/{n}" for n in named}
    known |= {f"entries/cache.db{suffix}" for suffix in ("", "-wal", "-shm")}
    known |= {f"quarantine/index{suffix}" for suffix in ("", "-wal", "-shm")}  # the last one, kept
    files = {p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()}
    assert {f"entries/{n}" for n in named} <= files, "a row has lost its file"
    return sorted(f for f in files - known if not f.startswith("locks/"))


@pytest.mark.timeout(1800 * max(SCALE, 1))
def test_writers_killed_at_any_moment(work: Path, start) -> None:
    """Two writers at a time, killed while they write; a reader that opens after each kill."""
    rng = random.Random(7)
    counts: Counter[str] = Counter()
    place = work / "c"
    reader = open_at(place, memory_bytes=1 << 16)
    kills = scaled(200)
    nest = Nest(start("nest", work))
    running = [nest.writer("c") for _ in range(2)]
    for _ in range(kills):
        time.sleep(rng.random() * 0.06)
        os.kill(running.pop(0), signal.SIGKILL)
        counts["kills"] += 1
        running.append(nest.writer("c"))
        for i in rng.sample(range(60), 6):
            began = time.monotonic()
            reader.memory.delete(key(i))
            counts[read(reader, i)] += 1
            counts["blocked"] += time.monotonic() - began > 5
            if rng.random() < 0.2:
                reader.clear(key=key(i))
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    counts["wrong"] = len(list(work.rglob("wrong")))
    counts["raised"] = len(list(work.glob("raised-*")))
    facts = reader.snapshot()["tiers"]["disk"]
    assert facts.get("corrupt", 0) == facts.get("faults", 0) == 0, facts
    assert reader.check() == []
    counts["left over"] = len(left_over(place, reader))
    reader.lower[0].tier.sweep(older_than_seconds=0.0)  # type: ignore[attr-defined]
    counts["left after the sweep"] = len(left_over(place, reader))
    report("writers killed", counts)
    assert counts["kills"] == kills
    assert counts["right"] > 0
    assert counts["wrong"] == counts["raised"] == counts["blocked"] == 0
    assert counts["left after the sweep"] == 0
    reader.close()


@pytest.mark.timeout(600 * max(SCALE, 1))
def test_killed_while_a_new_directory_is_made(work: Path, start) -> None:
    """The first moments of a directory: index, ballast and locks come into being."""
    rng = random.Random(8)
    counts: Counter[str] = Counter()
    nest = Nest(start("nest", work))
    for trial in range(scaled(20)):
        place = work / f"d{trial}"
        pid = nest.writer(place.name)
        time.sleep(rng.random() * 0.02)
        os.kill(pid, signal.SIGKILL)
        counts["kills"] += 1
        began = time.monotonic()
        reader = open_at(place)
        for i in range(5):
            counts[read(reader, i)] += 1
        counts["blocked"] += time.monotonic() - began > 5
        counts["left over"] += len(left_over(place, reader))
        reader.lower[0].tier.sweep(older_than_seconds=0.0)  # type: ignore[attr-defined]
        counts["left after the sweep"] += len(left_over(place, reader))
        assert reader.check() == []
        facts = reader.snapshot()["tiers"]["disk"]
        assert "faults" not in facts, facts
        counts["half-made index put aside"] += facts.get("index quarantined", 0)
        reader.close()
        shutil.rmtree(place)
    counts["raised"] = len(list(work.glob("raised-*")))
    report("openers killed", counts)
    assert counts["kills"] == scaled(20)
    assert counts["blocked"] == counts["left after the sweep"] == counts["raised"] == 0


def in_fork(job) -> int:
    """Run `job` in a forked child; its exit status (0 when it returned)."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            job()
            status = 0
        finally:
            os._exit(status)
    for _ in range(2000):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return -99


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_opens_its_own_index(work: Path) -> None:
    cache = open_at(work)
    fill(cache, range(5))
    parents = cache.lower[0].tier._index._con

    def job() -> None:
        assert len(cache.memory) == 0
        assert read(cache, 0) == "right"
        fill(cache, range(5, 10))
        assert cache.lower[0].tier._index._con is not parents
        cache.clear(key=key(1))
        assert cache.check() == []

    assert in_fork(job) == 0
    cache.memory.shrink(1 << 30)
    assert [read(cache, i) for i in (0, 1, 5, 9)] == ["right", "recomputed", "right", "right"]
    assert cache.lower[0].tier._index._con is parents
    assert cache.check() == []
    cache.close()


@pytest.mark.timeout(120 * max(SCALE, 1))
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forks_while_threads_hold_every_lock(work: Path) -> None:
    """Children forked in the middle of reads, writes and computations neither hang nor harm."""
    cache = open_at(work, memory_bytes=1 << 18)
    fill(cache, range(20))
    stop = threading.Event()
    faults: list[BaseException] = []

    def busy(seed: int) -> None:
        rng = random.Random(seed)
        try:
            while not stop.is_set():
                i = rng.randrange(40)
                value = cache.get_or_compute(
                    key(i),
                    lambda i=i: truth(i),
                    name="f",
                    ttl_seconds=1e6,
                ).value
                assert value == truth(i)
                if rng.random() < 0.2:
                    cache.clear(key=key(rng.randrange(40)))
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=busy, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    rng = random.Random(3)

    def job() -> None:
        for i in range(0, 40, 7):
            value = cache.get_or_compute(
                key(i),
                lambda i=i: truth(i),
                name="f",
                ttl_seconds=1e6,
            ).value
            assert value == truth(i)
        cache.snapshot()

    outcomes: Counter[int] = Counter()
    for _ in range(scaled(40)):
        time.sleep(rng.random() * 0.02)
        outcomes[in_fork(job)] += 1
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert outcomes == {0: scaled(40)}
    assert cache.check() == []
    cache.close()


def test_a_child_of_a_fork_inside_a_computation_computes_for_itself(work: Path) -> None:
    cache = open_at(work)

    def job() -> None:
        assert cache.get_or_compute(key(2), lambda: 5, name="f", ttl_seconds=9).value == 5

    def compute() -> int:
        return in_fork(job)

    assert cache.get_or_compute(key(1), compute, name="f", ttl_seconds=9).value == 0
    cache.close()


def test_many_processes_open_a_new_directory_at_once(work: Path, start) -> None:
    processes = [start("once", work / "new", key(n), 0.0) for n in range(6)]
    for process in processes:
        assert line(process) == "ready"
        process.stdin.write("go\n")
        process.stdin.flush()
    assert Counter(line(process) for process in processes) == {"computed True": 6}
    cache = open_at(work / "new")
    kept = [n for n in range(6) if cache.lower[0].get(key(n)) is not None]
    assert kept == list(range(6))
    assert cache.check() == []
    cache.close()
