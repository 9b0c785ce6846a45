"""Flipped bits, cut files and foreign bytes everywhere: never a wrong value, never an exception."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.cache_faults import (
    SCALE,
    SECRET,
    fast_directory,
    fill,
    key,
    open_at,
    read,
    report,
    scaled,
    truth,
)  # fmt: skip
from utils.disk_tier import DiskTier
from utils.envelope import Entry
from utils.errors import CorruptEntry
from utils.tier import Owner

pytestmark = pytest.mark.fault

N = 10


@pytest.fixture
def work() -> Iterator[Path]:
    directory = fast_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled directory whose log has been written into the index."""
    directory = tmp_path_factory.mktemp("pristine")
    cache = open_at(directory)
    fill(cache, range(N))
    cache.close()
    return directory


@pytest.fixture(scope="module")
def with_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled directory as a killed process leaves it: most of the data still in the log."""
    directory, copy = tmp_path_factory.mktemp("busy"), tmp_path_factory.mktemp("with_log") / "c"
    cache = open_at(directory)
    fill(cache, range(N))
    shutil.copytree(directory, copy)
    assert (copy / "entries" / "cache.db-wal").stat().st_size > 100_000
    cache.close()
    return copy


def damage(data: bytes, rng: random.Random, region: int) -> bytes:
    """One fault in the given tenth of the bytes."""
    spoiled = bytearray(data)
    start = len(data) * region // 10
    at = start + rng.randrange(max(1, len(data) // 10))
    at = min(at, len(data) - 1)
    kind = rng.randrange(6)
    if kind <= 2:
        spoiled[at] ^= 1 << rng.randrange(8)
    elif kind == 3:
        del spoiled[at:]
    elif kind == 4:
        spoiled[at : at + 64] = bytes(64)
    else:
        spoiled[at : at + 16] = rng.randbytes(16)
    return bytes(spoiled)


@pytest.mark.timeout(300 * max(SCALE, 1))
def test_damaged_entries(work: Path) -> None:
    """Entries alone, through a live tier: in the index and in files of their own."""
    tier = DiskTier(work, secret=SECRET, max_bytes=1 << 26)
    rng = random.Random(1)
    counts: Counter[str] = Counter()
    entry_of = {
        size: Entry(random.Random(size).randbytes(size), time.time(), time.time() + 1e6, 0.1)
        for size in (0, 10, 1000, 31_000, 50_000)
    }
    entries = work / "entries"
    for trial in range(scaled(4_000)):
        size = list(entry_of)[trial % 5]
        name = key(trial)
        tier.put(name, entry_of[size], Owner("f"))
        index = tier._index
        assert index is not None
        (filename, value) = index.sql(
            "SELECT filename, value FROM Cache WHERE key = ?", (name,)
        ).fetchone()
        before = (entries / filename).read_bytes() if filename else value
        after = damage(before, rng, trial // 5 % 10)
        if filename:
            (entries / filename).write_bytes(after)
        else:
            index.sql("UPDATE Cache SET value = ? WHERE key = ?", (after, name))
        counts["faults"] += after != before
        try:
            found = tier.get(name)
        except CorruptEntry:
            counts["refused"] += 1
            assert tier.get(name) is None, "a refused entry must be gone"
        else:
            assert after == before
            assert found is not None
            assert bytes(found.payload) == entry_of[size].payload
        index.delete(name)
    report("damaged entries", counts)
    assert counts["faults"] >= scaled(4_000) * 0.9
    assert counts["refused"] == counts["faults"]
    assert tier.check() == []
    assert len(list((work / "quarantine").iterdir())) <= 8


def one_trial(
    source: Path, work: Path, victim: str, rng: random.Random, region: int
) -> Counter[str]:
    """A fresh copy with one damaged file; read everything, write again, read again."""
    copy = work / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy)
    path = copy / "entries" / victim
    before = path.read_bytes()
    after = damage(before, rng, region)
    path.write_bytes(after)
    counts: Counter[str] = Counter(faults=int(after != before))
    cache = open_at(copy)
    for i in range(N):
        counts[read(cache, i)] += 1
    cache.close()
    again = open_at(copy)
    fill_or_read = Counter(read(again, i) for i in range(N))
    counts["right after"] += fill_or_read["right"] + fill_or_read["recomputed"]
    again.check()
    assert again.check() == [], again.snapshot()["tiers"]
    again.close()
    return counts


@pytest.mark.parametrize(
    ("which", "victim", "trials"),
    [("pristine", "cache.db", 500), ("with_log", "cache.db", 200),
     ("with_log", "cache.db-wal", 300), ("with_log", "cache.db-shm", 60)],
)  # fmt: skip
@pytest.mark.timeout(1800 * max(SCALE, 1))
def test_damaged_index_and_log(
    which: str, victim: str, trials: int, work: Path, request: pytest.FixtureRequest
) -> None:
    source = request.getfixturevalue(which)
    rng = random.Random(f"{which} {victim}")
    counts: Counter[str] = Counter()
    for trial in range(scaled(trials)):
        counts += one_trial(source, work, victim, rng, trial % 10)
    report(f"{which}/{victim}", counts)
    assert counts["faults"] >= scaled(trials) * 0.5  # half of an index may be zeros already
    assert counts["right"] + counts["recomputed"] == N * scaled(trials)
    assert counts["right"] > 0


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 4096, b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000]
)
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_an_index_that_is_no_index_is_put_aside_within_a_second(
    content: bytes, suffix: str, pristine: Path, work: Path
) -> None:
    copy = work / "copy"
    shutil.copytree(pristine, copy)
    (copy / "entries" / f"cache.db{suffix}").write_bytes(content)
    started = time.perf_counter()
    cache = open_at(copy)
    first = read(cache, 0)
    assert time.perf_counter() - started < 1.0
    assert first in ("right", "recomputed")
    if suffix == "" and content:
        assert first == "recomputed"
        assert cache.snapshot()["tiers"]["disk"]["index quarantined"] == 1
        assert (copy / "quarantine" / "index").exists()
    cache.memory.delete(key(0))
    assert cache.lower[0].get(key(0)) is not None, "the tier works again at once"
    assert cache.check() == []
    cache.close()


def test_an_index_that_goes_bad_while_it_is_open(pristine: Path, work: Path) -> None:
    copy = work / "copy"
    shutil.copytree(pristine, copy)
    cache = open_at(copy)
    assert read(cache, 0) == "right"
    path = copy / "entries" / "cache.db"
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    seen = Counter(read(cache, i) for i in range(N))
    assert sum(seen.values()) == N
    fill_again = Counter(read(cache, i) for i in range(N))
    assert sum(fill_again.values()) == N
    assert cache.check() == []
    cache.close()


def test_foreign_values_in_every_column(pristine: Path, work: Path) -> None:
    """Rows of other types, as a planted or damaged index may hold them."""
    strange = [None, 0, -1, 1 << 62, 1.5, float("inf"), "text", "\0", b"", b"\xff\xfe", "é" * 1000]
    columns = ["key", "raw", "store_time", "expire_time", "access_time", "access_count", "tag",
               "size", "mode", "filename", "value"]  # fmt: skip
    planted = 0
    for column in columns:
        for value in strange:
            copy = work / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(pristine, copy)
            with sqlite3.connect(copy / "entries" / "cache.db") as base:
                base.execute(f"UPDATE OR IGNORE Cache SET {column} = ?", (value,))
            base.close()
            planted += 1
            cache = open_at(copy)
            for i in range(0, N, 3):
                read(cache, i)
            cache.clear(name="f")
            cache.snapshot()
            cache.check()
            cache.clear()
            assert cache.check() == [], (column, value, cache.snapshot()["tiers"])
            cache.close()
    report("foreign values", Counter(faults=planted))
    assert planted == len(columns) * len(strange)


def test_truth_proves_itself() -> None:
    assert truth(3) == truth(3)
    assert truth(3) != truth(8)
