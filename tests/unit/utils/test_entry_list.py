"""The list of entries: every entry once, heads read from rows and from files, forged rows harmless."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from utils.cache import TieredCache
from utils.entry_list import entries_of
from utils.envelope import Entry, head_of, seal
from utils.open_cache import open_cache

SMALL, LARGE, OTHER = "aa" * 32, "bb" * 32, "cc" * 32


@pytest.fixture
def cache(tmp_path: Path) -> TieredCache:
    opened = open_cache(
        classes={}, memory_bytes=1 << 24, directory=tmp_path, disk_bytes=1 << 26, secret=b"s" * 32
    )
    opened.get_or_compute(SMALL, lambda: (1, 2), name="f", ttl_seconds=60)
    opened.get_or_compute(LARGE, lambda: "x" * 100_000, name="g", ttl_seconds=120)
    opened.get_or_compute(OTHER, lambda: (3,), name="f", ttl_seconds=60, label="l")
    return opened


def test_an_entry_in_two_tiers_is_one_row(cache: TieredCache) -> None:
    found = entries_of(cache)
    assert [e.key for e in found] == [OTHER, LARGE, SMALL]  # newest first
    assert {e.tiers for e in found} == {("memory", "disk")}
    assert [e.name for e in found] == ["f", "g", "f"]
    assert [e.key for e in entries_of(cache, [SMALL, "dd" * 32])] == [SMALL]
    assert entries_of(cache, []) == ()


def test_the_disk_alone_tells_the_same(cache: TieredCache) -> None:
    live = {e.key: e for e in entries_of(cache)}
    cache.memory.remove(lambda _: True)
    stored = {e.key: e for e in entries_of(cache)}
    assert stored.keys() == live.keys()
    for key, entry in stored.items():
        assert entry.tiers == ("disk",)
        assert entry.hits is None
        assert entry.cost_seconds == pytest.approx(live[key].cost_seconds)
        assert entry.created_at == live[key].created_at
        assert entry.expires_at == live[key].expires_at
        assert entry.name == live[key].name
    assert stored[LARGE].size_bytes > 100_000  # a file of its own


def test_a_forged_row_is_listed_without_a_head_and_opens_no_foreign_file(
    cache: TieredCache, tmp_path: Path
) -> None:
    cache.memory.remove(lambda _: True)
    cache.close()
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"CSE1" + bytes(200))
    with sqlite3.connect(tmp_path / "entries" / "cache.db") as index:
        index.execute("UPDATE Cache SET filename = ? WHERE key = ?", (str(secret), LARGE))
        index.execute("UPDATE Cache SET value = x'00', tag = 'forged' WHERE key = ?", (SMALL,))
    index.close()
    found = {e.key: e for e in entries_of(cache)}
    assert found[LARGE].cost_seconds is None
    assert found[SMALL].cost_seconds is None
    assert found[SMALL].expires_at == 0.0  # counts as expired
    assert found[OTHER].cost_seconds is not None


def test_only_a_whole_head_of_ours_is_read() -> None:
    data = seal(Entry(b"p", 10.0, 20.0, 1.5), key="ab", secret=b"s")
    head = head_of(data)
    assert head is not None
    assert (head.created_at, head.cost_seconds) == (10.0, 1.5)
    assert head_of(data[:20]) is None
    assert head_of(b"X" + data[1:]) is None
    assert head_of(b"") is None
