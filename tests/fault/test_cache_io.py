"""The n-th system call fails, for n = 1, 2, 3 ... until a run meets no fault; and real full disks."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fault.cache_faults import fast_directory, fill, key, open_at, read, report, truth
from utils.cache import TieredCache
from utils.tier_guard import GuardedTier

pytestmark = pytest.mark.fault


@pytest.fixture
def work() -> Iterator[Path]:
    directory = fast_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


class Faults:
    """Counts system calls of this thread and lets one of them, or all from it on, fail."""

    OS_CALLS = ("open", "mkdir", "unlink", "rmdir", "rename", "replace", "link", "stat", "scandir",
                "fdopen", "chmod", "fchmod", "lstat", "fstat", "read", "pread", "write")  # fmt: skip

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = self.injected = 0
        self.first: int | None = None
        self.last = 0
        self.code = errno.EIO
        self.thread = threading.get_ident()
        for name in self.OS_CALLS:
            monkeypatch.setattr(os, name, self._wrapped(getattr(os, name), self._os_error))
        flock = fcntl.flock
        failing = self._wrapped(flock, self._os_error)
        # Giving a lock back cannot fail on a local disk; taking one can.
        monkeypatch.setattr(
            fcntl, "flock", lambda f, how: (flock if how == fcntl.LOCK_UN else failing)(f, how)
        )
        real = sqlite3.connect
        faults = self

        class Connection(sqlite3.Connection):
            def execute(self, *arguments: Any) -> Any:
                faults.step(faults.sqlite_error)
                return super().execute(*arguments)

        def connect(*arguments: Any, **more: Any) -> Any:
            faults.step(faults.sqlite_error)
            return real(*arguments, factory=Connection, **more)

        monkeypatch.setattr(sqlite3, "connect", connect)

    def arm(self, first: int | None, *, persistent: bool, code: int) -> None:
        self.calls = self.injected = 0
        self.first, self.code = first, code
        self.last = 1 << 60 if persistent else first or 0

    def disarm(self) -> None:
        self.first = None

    def step(self, error: Callable[[], Exception]) -> None:
        if threading.get_ident() != self.thread:
            return
        self.calls += 1
        if self.first is not None and self.first <= self.calls <= self.last:
            self.injected += 1
            raise error()

    def _wrapped(
        self, real: Callable[..., Any], error: Callable[[], Exception]
    ) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self.step(error)
            return real(*arguments, **more)

        return call

    def _os_error(self) -> OSError:
        return OSError(self.code, "injected")

    def sqlite_error(self) -> sqlite3.OperationalError:
        words = {errno.ENOSPC: "database or disk is full", errno.EIO: "disk I/O error",
                 errno.EACCES: "attempt to write a readonly database"}  # fmt: skip
        return sqlite3.OperationalError(words[self.code])


def unbench(cache: TieredCache) -> None:
    for guard in cache.lower:
        guard._benched_until = 0.0


def scenario(directory: Path) -> None:
    """Everything that the cache does with its directory."""
    cache = open_at(directory, secret=None, lock_wait_seconds=0.2)
    fill(cache, range(3))
    cache.memory.shrink(1 << 30)
    fill(cache, range(4))
    cache.clear(key=key(1))
    cache.clear(name="other")
    cache.snapshot()
    cache.check()
    cache.close()
    second = open_at(directory, secret=None, lock_wait_seconds=0.2)
    fill(second, range(4))
    second.clear(expired=True)
    second.close()


def sound_again(directory: Path) -> None:
    """After the fault: the same directory stores, finds and adds up."""
    cache = open_at(directory, secret=None)
    fill(cache, range(4))
    cache.check()
    cache.clear()
    fill(cache, range(2))
    assert cache.check() == [], cache.snapshot()["tiers"]
    cache.close()
    fresh = open_at(directory, secret=None)
    assert [read(fresh, i) for i in range(2)] == ["right", "right"]
    fresh.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("persistent", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EACCES])
def test_the_nth_call_fails(
    work: Path, monkeypatch: pytest.MonkeyPatch, persistent: bool, code: int
) -> None:
    with monkeypatch.context() as patch:
        faults = Faults(patch)
        faults.arm(None, persistent=False, code=code)
        scenario(work / "plain")
        total = faults.calls
        assert total > 100
        injected = runs = 0
        for n in range(1, 2 * total):
            directory = work / "trial"
            shutil.rmtree(directory, ignore_errors=True)
            faults.arm(n, persistent=persistent, code=code)
            scenario(directory)
            faults.disarm()
            runs += 1
            injected += faults.injected
            sound_again(directory)
            if faults.injected == 0:
                break
        else:
            pytest.fail("faults did not end")
    print(f"\n{errno.errorcode[code]}: {runs} runs, {injected} faults injected")
    assert injected >= runs - 1


def test_a_tier_that_fails_is_benched_says_so_once_and_comes_back(
    work: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [100.0]
    cache = open_at(work)
    guard = GuardedTier(cache.lower[0].tier, monotonic=lambda: now[0])
    cache.lower = (guard,)

    def said() -> list[logging.LogRecord]:
        return [record for record in caplog.records if record.name == "utils.tier_guard"]

    fill(cache, range(2))
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        faults = Faults(patch)
        faults.arm(1, persistent=True, code=errno.EIO)
        for _ in range(50):
            cache.memory.shrink(1 << 30)
            fill(cache, range(2))
        asked = faults.injected
        assert guard.benched
        assert len(said()) == 1
        for _ in range(10):
            now[0] += 61
            cache.memory.shrink(1 << 30)
            fill(cache, range(2))
        assert len(said()) == 1
        assert faults.injected > asked
        faults.disarm()
        now[0] += 61
        cache.memory.shrink(1 << 30)
        assert [read(cache, i) for i in range(2)] == ["right", "right"]
        assert len(said()) == 2
    assert not guard.benched
    for record in caplog.records:
        assert str(work) not in record.getMessage()
    cache.close()


def test_a_clear_that_failed_is_made_good_before_anything_is_served(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = open_at(work)
    fill(cache, range(3))
    with monkeypatch.context() as patch:
        faults = Faults(patch)
        faults.arm(1, persistent=True, code=errno.EIO)
        cache.clear(name="f")
        assert cache.snapshot()["tiers"]["disk"]["owed clears"] == 1
        unbench(cache)
        assert cache.lower[0].get(key(0)) is None
    unbench(cache)
    assert cache.lower[0].get(key(0)) is None
    assert cache.snapshot()["tiers"]["disk"]["owed clears"] == 0
    assert cache.snapshot()["tiers"]["disk"]["entries"] == 0
    cache.close()


def test_another_process_holding_the_index_costs_a_bounded_wait(work: Path) -> None:
    cache = open_at(work)
    fill(cache, range(2))
    blocker = sqlite3.connect(work / "entries" / "cache.db", isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    fill(cache, range(2, 4))
    assert time.monotonic() - started < 4
    blocker.execute("ROLLBACK")
    blocker.close()
    unbench(cache)
    fill(cache, range(4, 6))
    assert cache.lower[0].get(key(5)) is not None
    cache.close()


def test_everything_deleted_while_running(work: Path) -> None:
    cache = open_at(work)
    other = open_at(work)
    counts: Counter[str] = Counter()
    doomed = ["entries/cache.db", "entries", "entries/cache.db-wal", "locks", "ballast",
              "quarantine", "index.lock"]  # fmt: skip
    for victim in [*doomed, *doomed]:
        fill(cache, range(5))
        path = work / victim
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        else:
            continue
        counts["faults"] += 1
        for one in (cache, other):
            one.memory.shrink(1 << 30)
            unbench(one)
            for i in range(5):
                counts[read(one, i)] += 1
    report("deleted", counts)
    assert counts["faults"] >= 8
    for one in (cache, other):
        one.check()
        assert one.check() == []
        one.close()


def test_value_files_deleted_or_unreadable(work: Path) -> None:
    cache = open_at(work)
    fill(cache, range(10))
    files = sorted((work / "entries").rglob("*.val"))
    assert len(files) >= 3
    files[0].unlink()
    files[1].unlink()
    files[1].mkdir()
    cache.memory.shrink(1 << 30)
    seen = Counter(read(cache, i) for i in range(10))
    assert seen == {"right": 8, "recomputed": 2}
    assert "faults" not in cache.snapshot()["tiers"]["disk"]
    cache.close()


def test_a_directory_that_is_a_file_costs_nothing_but_the_disk_tier(
    work: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (work / "entries").write_text("in the way")
    cache = open_at(work)
    with caplog.at_level(logging.WARNING):
        fill(cache, range(5))
    assert [read(cache, i) for i in range(5)] == ["right"] * 5
    assert len(caplog.records) == 1
    cache.close()


def test_the_size_bound_holds_and_the_newest_stay(work: Path) -> None:
    bound = 3 << 20
    cache = open_at(work, disk_bytes=bound)
    for i in range(4, 600, 5):  # 119 values of 100 kB
        cache.get_or_compute(key(i), lambda i=i: truth(i), name="f", ttl_seconds=1e6)
        held = sum(p.stat().st_size for p in work.rglob("*.val"))
        assert held < bound * 1.1
    cache.memory.shrink(1 << 30)
    assert read(cache, 599) == "right"
    assert read(cache, 4) == "recomputed"
    assert cache.check() == []
    cache.close()
