"""What an intruder with write access to the cache directory may plant: nothing of it acts."""

from __future__ import annotations

import os
import pickle
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import diskcache
import pytest

from tests.fault.cache_faults import SECRET, fill, key, open_at, read, truth
from utils.cache import TieredCache
from utils.disk_store import SCHEMA_DIGEST, BytesIndex, schema_digest
from utils.disk_tier import DiskTier
from utils.envelope import Entry, seal
from utils.errors import CorruptEntry
from utils.tier import Owner

pytestmark = pytest.mark.fault


class Acts:
    """A pickle that leaves a file behind when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    directory = tmp_path / "cache"
    directory.mkdir()
    cache = open_at(directory)
    fill(cache, range(5))
    cache.close()
    return directory


def plant(place: Path, statement: str, *values: Any) -> int:
    """Run SQL on the index; number of rows changed."""
    base = sqlite3.connect(place / "entries" / "cache.db")
    with base:
        changed = base.execute(statement, values).rowcount
    base.close()
    return changed


@pytest.fixture
def cache(place: Path) -> Iterator[Callable[[], TieredCache]]:
    opened: list[TieredCache] = []

    def reopen() -> TieredCache:
        opened.append(open_at(place))
        return opened[-1]

    yield reopen
    for one in opened:
        one.close()


def use_fully(cache: TieredCache) -> dict[str, Any]:
    for i in range(5):
        read(cache, i)
    cache.check()
    cache.clear(name="g")
    facts = cache.snapshot()["tiers"]["disk"]
    cache.clear()
    assert cache.check() == []
    return facts


def test_plain_diskcache_would_run_the_planted_pickle(tmp_path: Path) -> None:
    """The control: without the narrowed store the same row acts."""
    plain = diskcache.Cache(str(tmp_path / "plain"))
    plain.set("k", Acts(tmp_path / "acted"))
    plain.get("k")
    plain.close()
    assert (tmp_path / "acted").exists()


@pytest.mark.parametrize("mode", [0, 1, 2, 3, 4, 5, None, "4"])
@pytest.mark.parametrize("in_file", [False, True])
def test_a_planted_pickle_never_runs(
    place: Path, cache: Callable[[], TieredCache], tmp_path: Path, mode: object, in_file: bool
) -> None:
    mark = tmp_path / "acted"
    bomb = pickle.dumps(Acts(mark))
    if in_file:
        (place / "entries" / "aa" / "bb").mkdir(parents=True, exist_ok=True)
        name = f"aa/bb/{'c' * 28}.val"
        (place / "entries" / name).write_bytes(bomb)
        changed = plant(place, "UPDATE Cache SET mode = ?, filename = ?, value = NULL", mode, name)
    else:
        changed = plant(place, "UPDATE Cache SET mode = ?, filename = NULL, value = ?", mode, bomb)
    assert changed == 5
    facts = use_fully(cache())
    assert facts["corrupt"] >= (1 if in_file else 5)
    assert not mark.exists()


def test_a_planted_pickled_key_never_runs(
    place: Path, cache: Callable[[], TieredCache], tmp_path: Path
) -> None:
    mark = tmp_path / "acted"
    assert plant(
        place, "UPDATE Cache SET key = ?, raw = 0 WHERE rowid = 1", pickle.dumps(Acts(mark))
    )
    use_fully(cache())
    assert not mark.exists()


@pytest.mark.parametrize(
    "shape", ["absolute", "upwards", "dot", "link", "folder link", "fifo", "nul"]
)
@pytest.mark.parametrize("mode", [2, 3, 4])
def test_a_foreign_file_is_neither_read_nor_deleted(
    place: Path, cache: Callable[[], TieredCache], tmp_path: Path, shape: str, mode: int
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(seal(Entry(b"x", 0.0, 9e9, 1.0), key=key(0), secret=SECRET))
    entries = place / "entries"
    leaf = "c" * 28 + ".val"
    a, d = [f"{n:02x}" for n in range(256) if not (entries / f"{n:02x}").exists()][:2]
    name = {
        "absolute": str(victim), "upwards": "../../victim", "dot": f"{a}/bb/../../../../{leaf}",
        "link": f"{a}/bb/{leaf}", "folder link": f"{d}/ee/{leaf}", "fifo": f"{a}/ff/{leaf}",
        "nul": f"{a}/bb/{leaf}\0",
    }[shape]  # fmt: skip
    (entries / a / "bb").mkdir(parents=True)
    (entries / a / "ff").mkdir()
    (entries / a / "bb" / leaf).symlink_to(victim)
    os.mkfifo(entries / a / "ff" / leaf)
    outside = tmp_path / "outside" / "ee"
    outside.mkdir(parents=True)
    (outside / leaf).write_bytes(victim.read_bytes())
    (entries / d).symlink_to(tmp_path / "outside")
    assert plant(place, "UPDATE Cache SET filename = ?, value = NULL, mode = ?", name, mode) == 5
    content = victim.read_bytes()
    started = time.monotonic()
    facts = use_fully(cache())
    assert time.monotonic() - started < 5, "a pipe must not block"
    assert facts["corrupt"] >= 1
    assert "faults" not in facts, f"one planted row must not cost the tier: {dict(facts)}"
    assert victim.read_bytes() == content
    assert (outside / leaf).read_bytes() == content


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER evil AFTER INSERT ON Cache BEGIN DELETE FROM Cache; END",
        "CREATE VIEW evil AS SELECT * FROM Cache",
        "CREATE TABLE evil (x)",
        "CREATE INDEX evil ON Cache(tag)",
        "DROP TRIGGER Settings_size_delete",
        "INSERT INTO Settings VALUES ('_directory', '/')",
        "INSERT INTO Settings VALUES ('sqlite_temp_store_directory', '/')",
        "DELETE FROM Settings WHERE key = 'size_limit'",
        "UPDATE Settings SET value = x'00' WHERE key = 'size_limit'",
        "ALTER TABLE Cache ADD COLUMN evil",
    ],
)
def test_an_index_that_defines_something_else_is_put_aside(
    place: Path, cache: Callable[[], TieredCache], statement: str
) -> None:
    plant(place, statement)
    opened = cache()
    assert read(opened, 0) == "recomputed"
    assert opened.snapshot()["tiers"]["disk"]["index quarantined"] == 1
    opened.memory.delete(key(0))
    assert opened.lower[0].get(key(0)) is not None


def test_planted_settings_do_not_change_ours(place: Path, cache: Callable[[], TieredCache]) -> None:
    for name in (
        "size_limit",
        "cull_limit",
        "disk_min_file_size",
        "sqlite_mmap_size",
        "statistics",
    ):
        plant(place, "UPDATE Settings SET value = 1 WHERE key = ?", name)
    opened = cache()
    assert read(opened, 0) == "right"
    index = opened.lower[0].tier._index  # type: ignore[attr-defined]
    assert index.size_limit == 1 << 26
    assert index.cull_limit == 10
    assert index.disk.min_file_size == 1 << 15


def test_the_expected_schema_is_that_of_the_pinned_library(tmp_path: Path) -> None:
    index = BytesIndex(tmp_path, max_bytes=1 << 20, busy_seconds=1.0)
    assert schema_digest(index._con) == SCHEMA_DIGEST
    index.close()


def replayed(place: Path, source: int, target: int) -> None:
    plant(
        place,
        "UPDATE Cache SET (mode, filename, value) = "
        "(SELECT mode, filename, value FROM Cache WHERE key = ?) WHERE key = ?",
        key(source), key(target),
    )  # fmt: skip


def test_another_keys_valid_entry_is_refused(place: Path, cache: Callable[[], TieredCache]) -> None:
    replayed(place, 1, 0)  # both stand in the index
    replayed(place, 4, 3)  # both stand in files
    opened = cache()
    assert [read(opened, i) for i in (0, 3)] == ["recomputed", "recomputed"]
    assert opened.snapshot()["tiers"]["disk"]["corrupt"] >= 2


@pytest.mark.parametrize("secret", [b"", b"guess" * 6, SECRET[:-1], bytes(32)])
def test_an_entry_signed_with_another_secret_is_refused(
    place: Path, cache: Callable[[], TieredCache], secret: bytes
) -> None:
    forged = seal(Entry(b"anything", 0.0, 9e9, 1.0), key=key(0), secret=secret)
    plant(place, "UPDATE Cache SET mode = 1, filename = NULL, value = ?", forged)
    opened = cache()
    assert read(opened, 0) == "recomputed"
    assert opened.snapshot()["tiers"]["disk"]["corrupt"] >= 1


def test_an_older_entry_of_the_same_key_is_as_good_as_its_expiry(
    place: Path, cache: Callable[[], TieredCache]
) -> None:
    """Replaying an old entry cannot extend its life: the expiry is signed."""
    old = Entry(b"old", time.time() - 100, time.time() - 1, 1.0)
    plant(
        place, "UPDATE Cache SET mode = 1, filename = NULL, value = ?, expire_time = 9e15 WHERE key = ?",
        seal(old, key=key(0), secret=SECRET), key(0),
    )  # fmt: skip
    assert read(cache(), 0) == "recomputed"


def test_only_hexadecimal_keys_and_bytes_enter_the_store(tmp_path: Path) -> None:
    index = BytesIndex(tmp_path, max_bytes=1 << 20, busy_seconds=1.0)
    for wrong in (
        1,
        1.5,
        None,
        b"ab",
        ("ab",),
        "",
        "xyz" * 10,
        "../" * 10,
        "AB" * 32,
        "ab" * 32 + "\n",
    ):
        with pytest.raises(CorruptEntry):
            index.set(wrong, b"x")
        with pytest.raises(CorruptEntry):
            index.get(wrong)
    for value in ("text", 1, None, [1], {"a": 1}, bytearray(b"x"), Acts(tmp_path / "acted")):
        with pytest.raises(CorruptEntry):
            index.set("ab" * 32, value)
    assert len(index) == 0
    assert [p.name for p in tmp_path.rglob("*.val")] == []
    index.close()


def test_everything_is_closed_to_others(place: Path, cache: Callable[[], TieredCache]) -> None:
    opened = cache()
    fill(opened, range(5, 15))
    plant(place, "UPDATE Cache SET value = x'00' WHERE filename IS NULL")
    for i in range(5):
        read(opened, i)
    opened.memory.shrink(1 << 30)
    for i in range(15):
        read(opened, i)
    seen = 0
    for path in [place / "entries", *place.rglob("*")]:
        open_to_others = stat.S_IMODE(path.lstat().st_mode) & 0o077
        assert not open_to_others, path
        seen += 1
    assert seen > 15


def test_a_link_in_place_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place = tmp_path / "cache"
    place.mkdir()
    (place / "entries").symlink_to(elsewhere)
    tier = DiskTier(place, secret=SECRET, max_bytes=1 << 20)
    with pytest.raises(OSError):
        tier.put(key(0), Entry(b"x", 0.0, 9e9, 1.0), Owner("f"))
    assert list(elsewhere.iterdir()) == []
    cache = open_at(place)
    assert read(cache, 0) == "recomputed"
    assert list(elsewhere.iterdir()) == []
    assert truth(0) != ("computed again",)
