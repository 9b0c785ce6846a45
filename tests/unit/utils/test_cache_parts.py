"""The small parts of the cache: guard, locks, forks, clears, counters."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from utils.cache import TieredCache
from utils.clears import Clears
from utils.codec import Codec
from utils.counters import Counters
from utils.envelope import Entry
from utils.errors import CorruptEntry, MachineryError, TierFault
from utils.fork import survive_fork
from utils.memory_tier import MemoryTier
from utils.open_cache import open_cache
from utils.process_lock import KeyLocks, exclusive
from utils.tier import Doomed, Owner
from utils.tier_guard import GuardedTier

ENTRY = Entry(b"x", 0.0, 1e9, 1.0)


class Shaky:
    """A tier that raises what it is told to."""

    name = "shaky"
    remote = True

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked: list[str] = []

    def _do(self, what: str, value: Any) -> Any:
        self.asked.append(what)
        if self.error is not None:
            raise self.error
        return value

    def get(self, key: str) -> Entry | None:
        return self._do("get", ENTRY)

    def put(self, key: str, entry: Entry, owner: Owner) -> bool:
        return self._do("put", True)

    def clear(self, doomed: Doomed) -> int:
        return self._do("clear", 3)

    def news(self, *, at_once: bool) -> bool:
        return True

    def hear(self, obey: Any) -> None:
        self._do("hear", None)

    def check(self) -> list[str]:
        return self._do("check", [])

    def facts(self) -> Mapping[str, Any]:
        return self._do("facts", {"entries": 1})

    def close(self) -> None:
        self._do("close", None)


class Now:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize(
    "error",
    [OSError("x"), TierFault(), ValueError("x"), MemoryError(), RecursionError(), KeyError("x"),
     AssertionError(), UnicodeDecodeError("utf-8", b"", 0, 1, "x")],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
def test_whatever_a_tier_raises_is_a_miss(error: Exception) -> None:
    tier = Shaky()
    for what, call, otherwise in [
        ("get", lambda g: g.get("k"), None), ("put", lambda g: g.put("k", ENTRY, Owner("f")), False),
        ("clear", lambda g: g.clear(Doomed()), 0), ("check", lambda g: g.check(), ["shaky: cannot be reached"]),
        ("hear", lambda g: g.hear(lambda notice: None), None),
    ]:  # fmt: skip
        guard = GuardedTier(tier)
        tier.error = error
        assert call(guard) == otherwise, what
        assert guard.benched
        tier.error = None
        assert guard.facts()["benched"]


def test_a_damaged_entry_is_a_miss_and_not_a_fault() -> None:
    tier = Shaky()
    guard = GuardedTier(tier)
    tier.error = CorruptEntry()
    assert guard.get("k") is None
    assert not guard.benched
    assert guard.counts["corrupt"] == 1


def test_the_bench_grows_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    tier, now = Shaky(), Now()
    guard = GuardedTier(tier, monotonic=now)
    tier.error = OSError("x")
    with caplog.at_level(logging.WARNING):
        lasted = []
        for _ in range(12):
            guard.get("k")
            began = now.at
            while guard.benched:
                now.at += 0.1
            lasted.append(now.at - began)
        assert 0.4 <= lasted[0] <= 1.2
        assert all(29 <= seconds <= 61 for seconds in lasted[-4:])
        assert len(caplog.records) == 1
        tier.error = None
        assert guard.get("k") is ENTRY
        assert len(caplog.records) == 2
    tier.error = OSError("x")
    guard.get("k")
    assert guard._benched_until - now.at <= 1.0, "the bench starts small again"


def test_nothing_is_asked_on_the_bench_but_a_clear_is_tried() -> None:
    tier = Shaky()
    guard = GuardedTier(tier)
    tier.error = OSError("x")
    guard.get("k")
    tier.asked.clear()
    for _ in range(5):
        guard.get("k")
        guard.put("k", ENTRY, Owner("f"))
    assert tier.asked == []
    assert guard.clear(Doomed(name="f")) == 0
    assert tier.asked == ["clear"]
    tier.error = None
    guard._benched_until = 0.0
    assert guard.get("k") is ENTRY
    assert tier.asked == ["clear", "clear", "get"]
    assert guard.clear(Doomed(name="f")) == 3


def test_messages_hold_no_text_of_the_exception(caplog: pytest.LogCaptureFixture) -> None:
    tier = Shaky()
    tier.error = OSError("/home/somebody/patients.csv")
    with caplog.at_level(logging.WARNING):
        GuardedTier(tier).get("k")
    assert "patients" not in caplog.text


def test_locks_exclude_each_other_and_lose_no_count(tmp_path: Path) -> None:
    """The counter test: children add one under the lock, and none may get lost."""
    counter = tmp_path / "counter"
    counter.write_text("0")
    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                locks = KeyLocks(tmp_path / "locks", wait_seconds=30, poll_seconds=0.001)
                for _ in range(50):
                    with locks.hold("abc" * 20) as held:
                        assert held
                        counter.write_text(str(int(counter.read_text()) + 1))
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 4
    assert counter.read_text() == "200"


def test_a_lock_wait_is_bounded_and_nested_locks_are_not_taken(tmp_path: Path) -> None:
    one = KeyLocks(tmp_path, wait_seconds=0.1)
    other = KeyLocks(tmp_path, wait_seconds=0.1)
    with one.hold("aaa") as first, one.hold("bbb") as nested:
        assert first
        assert not nested
        started = time.monotonic()
        taken: list[bool] = []

        def wait() -> None:
            with other.hold("aaa") as second:
                taken.append(second)

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(5)
        assert taken == [False]
        assert time.monotonic() - started < 2
    assert other.timeouts == 1
    with other.hold("aaa") as again:
        assert again
    assert sorted(p.name for p in tmp_path.iterdir()) == ["aaa.lock"], "never deleted"


def test_without_working_locks_work_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    locks = KeyLocks(tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with locks.hold("abc") as held:
                assert not held
    assert locks.faults == 3
    assert len(caplog.records) == 1


def test_a_link_in_place_of_a_lock_file_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "abc.lock").symlink_to(target)
    with KeyLocks(tmp_path / "locks").hold("abcdef") as held:
        assert not held
    assert not target.exists()
    with pytest.raises(OSError), exclusive(tmp_path / "locks" / "abc.lock", wait_seconds=0.1):
        pass


def test_objects_are_held_weakly_and_made_anew_in_children() -> None:
    class Thing:
        forked = False

        def after_fork(self) -> None:
            self.forked = True

    thing = Thing()
    survive_fork(thing)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if thing.forked else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not thing.forked


def test_clears_are_remembered_for_those_who_compute() -> None:
    clears, owner = Clears(), Owner("f", "x")
    mark = clears.mark
    assert not clears.hit(mark, "k", owner)
    clears.add(Doomed(name="g"))
    assert not clears.hit(mark, "k", owner)
    clears.add(Doomed(label="x"))
    assert clears.hit(mark, "k", owner)
    assert not clears.hit(clears.mark, "k", owner)
    mark = clears.mark
    for _ in range(100):
        clears.add(Doomed(name="g"))
    assert clears.hit(mark, "k", owner), "what is no longer remembered may have meant it"


def test_counters_are_checked() -> None:
    counters = Counters()
    counters.answered("f", "computed", 1.0, 1.0)
    counters.answered("f", "memory", 1.0, 0.1)
    counters.failed("f")
    assert counters.check() == []
    assert counters.facts()["f"]["saved_seconds"] == pytest.approx(0.9)
    counters._by_name["f"].calls += 1
    assert counters.check() == ['counters of "f" do not add up']


def test_errors_have_a_cause_and_a_remedy() -> None:
    kinds = [MachineryError, *MachineryError.__subclasses__(), *TierFault.__subclasses__()]
    for kind in kinds:
        text = str(kind())
        assert text.count(".") == 2 or ";" in text
        assert not any(
            word in text.lower() for word in ("nan", "inf ", "traceback", "error", "none")
        )
        rebuilt = kind(message="a.", hint="b.")
        assert rebuilt.fields() == {"message": "a.", "hint": "b."}
        assert str(rebuilt) == "a. b."


def test_peek_looks_into_memory_only() -> None:
    cache = TieredCache(memory=MemoryTier(1 << 20), codec=Codec({}))
    assert cache.peek("ab", name="f") is None
    cache.get_or_compute("ab", lambda: [1], name="f", ttl_seconds=10)
    found = cache.peek("ab", name="f")
    assert found is not None
    assert found.source == "memory"
    found.value.append(2)
    again = cache.peek("ab", name="f")
    assert again is not None
    assert again.value == [1]
    assert cache.check() == []


def test_an_address_that_is_no_address_is_said_at_once() -> None:
    for wrong in ("http://x", "redis://", "localhost:6379"):
        with pytest.raises(ValueError, match="redis://"):
            open_cache(memory_bytes=1, classes={}, redis_url=wrong)
