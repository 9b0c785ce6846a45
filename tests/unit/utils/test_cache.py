"""The tiered cache: right answers, one computation, absolute expiry, nothing shared that changes."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stats.result import RESULT_CLASSES, CollinearityResult
from utils.cache import Answer, TieredCache
from utils.envelope import Entry
from utils.keys import KeyParts
from utils.open_cache import open_cache
from utils.tier import Doomed, Owner

CLASSES = {kind.__name__: kind for kind in RESULT_CLASSES}
KEY = "ab" * 32


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def build(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., TieredCache]]:
    built: list[TieredCache] = []

    def make(*, directory: Path | None = tmp_path, memory_bytes: int = 1 << 22) -> TieredCache:
        cache = open_cache(
            memory_bytes=memory_bytes, classes=CLASSES, directory=directory,
            disk_bytes=1 << 24, clock=clock,
        )  # fmt: skip
        built.append(cache)
        return cache

    yield make
    for cache in built:
        assert cache.check() == []
        cache.close()


def ask(cache: TieredCache, value: Any = (1, 2), key: str = KEY, **more: Any) -> Answer[Any]:
    given = {"name": "f", "ttl_seconds": 100.0, **more}
    return cache.get_or_compute(key, lambda: value, **given)


def never() -> Any:
    raise AssertionError("computed although the value is remembered")


def result() -> CollinearityResult:
    return CollinearityResult(
        analysis="check_collinearity", choices={"variables": ("a", "b"), "deep": {"x": (1,)}},
        n_rows=3, n_used=3, facts={"largest": 2.5},
        collinearity={
            "term": ["a", "b"], "level": [None, None], "vif": [1.5, 2.5], "gvif": [1.5, 2.5],
            "df": [1, 1], "gvif_scaled": [1.2, 1.6],
        },
    )  # fmt: skip


def test_computed_once_then_from_memory_then_from_disk(build: Callable[..., TieredCache]) -> None:
    cache = build()
    first = ask(cache)
    assert (first.value, first.source) == ((1, 2), "computed")
    again = cache.get_or_compute(KEY, never, name="f", ttl_seconds=100)
    assert (again.value, again.source) == ((1, 2), "memory")
    assert again.value is first.value
    assert again.cost_seconds == first.cost_seconds
    other = build().get_or_compute(KEY, never, name="f", ttl_seconds=100)
    assert (other.value, other.source) == ((1, 2), "disk")
    assert other.cost_seconds == pytest.approx(first.cost_seconds)


def test_a_result_is_the_same_whether_computed_or_remembered(
    build: Callable[..., TieredCache],
) -> None:
    cache = build()
    made = ask(cache, result()).value
    assert cache.get_or_compute(KEY, never, name="f", ttl_seconds=1).value is made
    back = build().get_or_compute(KEY, never, name="f", ttl_seconds=1).value
    assert cache.codec.encode(back) == cache.codec.encode(made)
    pd.testing.assert_frame_equal(back.collinearity, made.collinearity)


def mutate(value: CollinearityResult) -> None:
    """Everything that a caller can do to a result."""
    frame = value.collinearity
    frame.loc[0, "vif"] = -1.0
    frame.iloc[:, 4] = 99
    frame["new"] = 1
    del frame["term"]
    frame.columns = [f"x{i}" for i in range(frame.shape[1])]
    frame.index.name = "changed"
    frame.attrs["x"] = 1
    array = value.table("collinearity").column("vif")
    array[:] = -7
    numbers = value.collinearity["gvif"].to_numpy()
    numbers.setflags(write=True)
    numbers[:] = -5
    for target in (value.choices, value.choices["deep"], value.facts):
        with pytest.raises(TypeError):
            target["variables"] = ()
    with pytest.raises(AttributeError):
        value.n_rows = 99  # type: ignore[misc]


def test_nothing_that_a_caller_does_to_a_result_reaches_the_next(
    build: Callable[..., TieredCache],
) -> None:
    cache = build()
    truth = cache.codec.encode(result())
    for _ in range(3):
        mutate(ask(cache, result()).value)
    assert cache.codec.encode(ask(cache, None).value) == truth
    other = build()
    for _ in range(3):
        mutate(other.get_or_compute(KEY, never, name="f", ttl_seconds=1).value)
    assert cache.codec.encode(ask(other, None).value) == truth


def changeable() -> dict[str, Any]:
    return {
        "frame": pd.DataFrame({"a": [1.0, 2.0]}), "array": np.arange(3), "nested": {"list": [1]},
    }  # fmt: skip


def spoil(value: dict[str, Any]) -> None:
    value["frame"].iloc[0, 0] = -1.0
    value["array"][:] = -1
    value["nested"]["list"].append(2)
    value["more"] = 1


def test_changeable_values_are_given_out_as_copies(build: Callable[..., TieredCache]) -> None:
    cache = build()
    truth = cache.codec.encode(changeable())
    for _ in range(3):
        spoil(ask(cache, changeable()).value)
    assert cache.codec.encode(ask(cache).value) == truth
    waiting: list[Any] = []

    def slow() -> dict[str, Any]:
        time.sleep(0.2)
        return changeable()

    def one() -> None:
        value = cache.get_or_compute("cd" * 32, slow, name="f", ttl_seconds=100).value
        waiting.append(cache.codec.encode(value))
        spoil(value)

    threads = [threading.Thread(target=one) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waiting == [truth] * 5


def test_expiry_is_absolute_through_reading_and_promotion(
    build: Callable[..., TieredCache], clock: Clock
) -> None:
    cache = build()
    ask(cache)
    for _ in range(9):
        clock.now += 10
        assert cache.get_or_compute(KEY, never, name="f", ttl_seconds=100).source == "memory"
    late = build()
    assert late.get_or_compute(KEY, never, name="f", ttl_seconds=100).source == "disk"
    clock.now += 9.9
    assert late.get_or_compute(KEY, never, name="f", ttl_seconds=100).source == "memory"
    clock.now += 0.2
    assert ask(late).source == "computed"
    assert build().get_or_compute(KEY, never, name="f", ttl_seconds=100).source == "disk"


@pytest.mark.parametrize("jump", [-86_400.0, -3_600.0, 86_400.0])
def test_a_jump_of_the_clock_never_serves_beyond_the_time(
    build: Callable[..., TieredCache], clock: Clock, jump: float
) -> None:
    cache = build()
    ask(cache, ttl_seconds=1000.0)
    clock.now += jump
    fresh = build()
    answer = ask(fresh, (3,), ttl_seconds=1000.0)
    assert answer.source == "computed"
    clock.now += 999
    assert ask(build(), ttl_seconds=1000.0).value == (3,)


@pytest.mark.parametrize("ttl", [0.0, -5.0, float("nan")])
def test_without_a_time_to_live_nothing_is_kept(
    build: Callable[..., TieredCache], ttl: float
) -> None:
    cache = build()
    assert ask(cache, ttl_seconds=ttl).source == "computed"
    assert ask(cache, ttl_seconds=ttl).source == "computed"


def test_an_endless_time_to_live_is_allowed(build: Callable[..., TieredCache]) -> None:
    ask(build(), ttl_seconds=float("inf"))
    assert ask(build()).source == "disk"


def test_exceptions_are_passed_on_and_not_remembered(build: Callable[..., TieredCache]) -> None:
    cache = build()
    for _ in range(2):
        with pytest.raises(AssertionError):
            cache.get_or_compute(KEY, never, name="f", ttl_seconds=100)
    assert ask(cache).source == "computed"
    facts = cache.snapshot()["functions"]["f"]
    assert (facts["errors"], facts["computes"], facts["calls"]) == (2, 1, 3)


def test_a_value_that_cannot_be_stored_is_still_answered(
    build: Callable[..., TieredCache], caplog: pytest.LogCaptureFixture
) -> None:
    cache = build()
    with caplog.at_level(logging.WARNING):
        assert ask(cache, {1, 2}).value == {1, 2}
    assert ask(cache, {1, 2}).source == "computed"
    assert cache.snapshot()["functions"]["f"]["not_stored"] == 2


def test_twenty_threads_compute_once(build: Callable[..., TieredCache]) -> None:
    cache = build()
    runs: list[int] = []
    gate = threading.Barrier(20)
    sources: list[str] = []

    def slow() -> tuple[int, ...]:
        runs.append(1)
        time.sleep(0.1)
        return (1,)

    def one() -> None:
        gate.wait()
        sources.append(cache.get_or_compute(KEY, slow, name="f", ttl_seconds=100).source)

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1
    assert sorted(set(sources)) in (["computed", "shared"], ["computed", "memory", "shared"])
    facts = cache.snapshot()["functions"]["f"]
    assert facts["calls"] == 20
    assert facts["computes"] == 1


def test_clearing_by_key_function_label_time_and_all(
    build: Callable[..., TieredCache], clock: Clock
) -> None:
    def fill() -> TieredCache:
        cache = build()
        cache.clear()
        for i, (name, label) in enumerate(itertools.product("fg", "xy")):
            ask(cache, (i,), key=f"{i:064x}", name=name, label=label, ttl_seconds=10.0 + i)
        return cache

    def left(cache: TieredCache) -> list[int]:
        fresh = build()
        in_memory = {s.key for s in cache.memory.slots()}
        on_disk = {f"{i:064x}" for i in range(4) if fresh.lower[0].get(f"{i:064x}")}
        assert in_memory == on_disk
        return [int(key, 16) for key in sorted(on_disk)]

    cache = fill()
    assert cache.clear(key=f"{2:064x}") == 2
    assert left(cache) == [0, 1, 3]
    cache = fill()
    assert cache.clear(name="f") == 4
    assert left(cache) == [2, 3]
    cache = fill()
    assert cache.clear(label="x") == 4
    assert left(cache) == [1, 3]
    cache = fill()
    assert cache.clear(name="g", label="y") == 2
    assert left(cache) == [0, 1, 2]
    cache = fill()
    clock.now += 11.5
    assert cache.clear(expired=True) == 4
    assert left(cache) == [2, 3]
    cache = fill()
    assert cache.clear() == 8
    assert left(cache) == []


def test_what_is_cleared_while_it_is_computed_does_not_come_back(
    build: Callable[..., TieredCache],
) -> None:
    cache = build()

    def compute() -> tuple[int, ...]:
        cache.clear(label="mine")
        return (1,)

    cache.get_or_compute(KEY, compute, name="f", ttl_seconds=100, label="mine")
    assert cache.memory.slots() == []
    assert build().lower[0].get(KEY) is None
    cache.get_or_compute(KEY, compute, name="f", ttl_seconds=100, label="theirs")
    assert ask(cache).source == "memory"


def test_memory_only_works_and_shrinks(build: Callable[..., TieredCache]) -> None:
    cache = build(directory=None, memory_bytes=1 << 20)
    for i in range(2000):
        ask(cache, b"x" * 10_000, key=f"{i:064x}")
        assert cache.memory.size_bytes <= 1 << 20
    held = cache.memory.size_bytes
    assert cache.shrink(held // 2) >= held // 2


class Middle:
    """A tier that keeps entries in a dict, for watching promotions."""

    name = "redis"
    remote = True

    def __init__(self) -> None:
        self.held: dict[str, Entry] = {}

    def get(self, key: str) -> Entry | None:
        return self.held.get(key)

    def put(self, key: str, entry: Entry, owner: Owner) -> bool:
        self.held[key] = entry
        return True

    def clear(self, doomed: Doomed) -> int:
        count = len(self.held)
        self.held.clear()
        return count

    def news(self, *, at_once: bool) -> bool:
        return False

    def check(self) -> list[str]:
        return []

    def facts(self) -> Mapping[str, Any]:
        return {}

    def close(self) -> None:
        pass


def test_a_hit_in_a_low_tier_fills_those_above_with_the_same_expiry(
    build: Callable[..., TieredCache],
) -> None:
    source = build(directory=None)
    upper, lower = Middle(), Middle()
    cache = TieredCache(memory=source.memory, lower=[upper, lower], codec=source.codec)
    ask(cache)
    original = lower.held[KEY]
    upper.held.clear()
    cache.memory.delete(KEY)
    assert cache.get_or_compute(KEY, never, name="f", ttl_seconds=9e9).source == "redis"
    assert upper.held[KEY].expires_at == original.expires_at
    assert cache.memory.slots()[0].expires_at == original.expires_at


def test_an_entry_that_the_codec_no_longer_knows_is_computed_again(
    build: Callable[..., TieredCache],
) -> None:
    ask(build(), result())
    fewer = build()
    fewer.codec.__init__({})  # type: ignore[misc]
    assert ask(fewer, (5,)).source == "computed"
    assert fewer.snapshot()["tiers"]["disk"]["unreadable"] == 1
    assert ask(build(), None).value == (5,)


def test_explain_names_the_part_that_changed(build: Callable[..., TieredCache]) -> None:
    cache = build()

    def parts(**changes: Any) -> KeyParts:
        given: dict[str, Any] = {
            "name": "f", "row_version": 1, "columns": (("age", "00"),), "n_rows": 5,
            "choices": {"event": "1"}, "versions": {}, **changes,
        }  # fmt: skip
        return KeyParts(**given)

    assert cache.explain(parts()) == ("This analysis was not run lately.",)
    for old in (parts(n_rows=7), parts()):
        ask(cache, key=old.key, parts=old, label="mine")
    assert cache.explain(parts()) == ()
    assert cache.explain(parts(choices={"event": "0"})) == ('The choice "event" changed.',)
    cache.clear(label="mine")
    assert cache.explain(parts()) == ("This analysis was not run lately.",)


def test_the_snapshot_tells_what_happened(build: Callable[..., TieredCache]) -> None:
    cache = build()

    def slow() -> int:
        time.sleep(0.05)
        return 1

    for _ in range(3):
        cache.get_or_compute(KEY, slow, name="f", ttl_seconds=100)
    facts = cache.snapshot()
    function = facts["functions"]["f"]
    assert function["hits"] == {"memory": 2}
    assert 0.05 <= function["compute_seconds"] < 5
    assert function["saved_seconds"] == pytest.approx(2 * function["compute_seconds"], rel=0.2)
    assert facts["memory"]["entries"] == 1
    assert facts["tiers"]["disk"]["entries"] == 1
    assert facts["tiers"]["disk"]["kept"] == 1
    assert facts["running"] == 0
