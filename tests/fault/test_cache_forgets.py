"""Forget my data: after a clear no byte of it is left in memory, in the directory or on Redis."""

from __future__ import annotations

import random
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from tests.fault.cache_faults import key, open_at
from utils.cache import TieredCache

pytestmark = pytest.mark.fault


def canary(i: int) -> str:
    return f"CANARY-{random.Random(i).getrandbits(128):032x}"


def store(cache: TieredCache, i: int, label: str) -> None:
    size = (10, 900, 40_000)[i % 3]
    value = {"name": canary(i), "body": canary(i).encode() * (size // 10)}
    cache.get_or_compute(key(i), lambda: value, name="f", label=label, ttl_seconds=1e6)


def found(place: Path, numbers: range) -> set[int]:
    """Canaries that stand anywhere in the files of the directory."""
    content = b"".join(p.read_bytes() for p in place.rglob("*") if p.is_file())
    return {i for i in numbers if canary(i).encode() in content}


def in_memory(cache: TieredCache, numbers: range) -> set[int]:
    held = b"".join(slot.value for slot in cache.memory.slots() if not slot.live)
    return {i for i in numbers if canary(i).encode() in held}


def test_a_label_is_forgotten_everywhere_and_others_stay(tmp_path: Path) -> None:
    cache = open_at(tmp_path)
    mine, theirs = range(30), range(30, 60)
    for i in mine:
        store(cache, i, "mine")
    for i in theirs:
        store(cache, i, "theirs")
    assert found(tmp_path, range(60)) == set(range(60)), "the scan must see what is there"
    assert in_memory(cache, range(60)) == set(range(60))
    cache.clear(label="mine")
    assert found(tmp_path, range(60)) == set(theirs)
    assert in_memory(cache, range(60)) == set(theirs)
    cache.clear()
    assert found(tmp_path, range(60)) == set()
    cache.close()


def test_the_quarantine_forgets_too(tmp_path: Path) -> None:
    cache = open_at(tmp_path)
    for i in range(6):
        store(cache, i, "mine")
    base = sqlite3.connect(tmp_path / "entries" / "cache.db")
    with base:
        base.execute(
            "UPDATE Cache SET value = CAST(value || x'00' AS BLOB) WHERE value IS NOT NULL"
        )
    base.close()
    cache.memory.shrink(1 << 30)
    for i in range(6):
        cache.lower[0].get(key(i))
    assert list((tmp_path / "quarantine").glob("*.entry"))
    cache.clear(label="mine")
    assert found(tmp_path, range(6)) == set()
    cache.close()


def test_what_is_being_computed_while_it_is_forgotten_leaves_nothing(tmp_path: Path) -> None:
    cache = open_at(tmp_path)
    stop = threading.Event()

    def busy(seed: int) -> None:
        rng = random.Random(seed)
        while not stop.is_set():
            store(cache, rng.randrange(12), "mine")

    threads = [threading.Thread(target=busy, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        cache.clear(label="mine")
    stop.set()
    for thread in threads:
        thread.join()
    cache.clear(label="mine")
    assert found(tmp_path, range(12)) == set()
    assert in_memory(cache, range(12)) == set()
    assert cache.check() == []
    cache.close()


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
def test_redis_forgets(tmp_path: Path) -> None:
    from tests.fault.test_cache_redis import Server

    server = Server(tmp_path)
    cache = open_at(tmp_path / "cache", redis_url=server.url)
    for i in range(9):
        store(cache, i, "mine" if i < 6 else "theirs")
    cache.clear(label="mine")
    left = b"".join(server.do("GET", name) for name in server.do("KEYS", "clinstat:e:*"))
    assert {i for i in range(9) if canary(i).encode() in left} == {6, 7, 8}
    cache.close()
    server.stop()
