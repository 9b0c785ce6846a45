"""`cache.data` and `cache.resource` outside the catalogue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from utils.cache import TieredCache
from utils.decorators import resource
from utils.errors import UnkeyableValue
from utils.open_cache import open_cache

RUNS: list[Any] = []  # functions must not close over what has no canonical form


@pytest.fixture(autouse=True)
def no_runs() -> None:
    RUNS.clear()


@pytest.fixture
def cache(tmp_path: Path) -> TieredCache:
    return open_cache(memory_bytes=1 << 22, classes={}, directory=tmp_path, disk_bytes=1 << 24)


def test_values_are_remembered_by_the_values_of_the_arguments(cache: TieredCache) -> None:

    @cache.data()
    def total(
        frame: pd.DataFrame, by: str = "a", *, scale: float = 1.0, _progress: Any = None
    ) -> float:
        """Sum a column."""
        RUNS.append(by)
        return float(frame[by].sum() * scale)

    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [5.0, 6.0]})
    assert total(frame) == 3.0
    assert total(frame.copy(), "a", scale=1.0, _progress=print) == 3.0
    assert total(by="a", frame=frame) == 3.0
    assert len(RUNS) == 1
    assert total(frame, "b") == 11.0
    assert total(frame, scale=1) == 3.0  # 1 is not 1.0: a miss, never a wrong answer
    frame.iloc[0, 0] = 10.0
    assert total(frame) == 12.0
    assert len(RUNS) == 4
    assert total.__name__ == "total"
    assert total.__doc__ == "Sum a column."


def test_changing_a_returned_value_changes_no_other(cache: TieredCache) -> None:
    @cache.data()
    def table(n: int) -> pd.DataFrame:
        return pd.DataFrame({"x": np.arange(float(n))})

    first = table(3)
    first.iloc[0, 0] = -1
    second = table(3)
    assert second["x"].tolist() == [0.0, 1.0, 2.0]
    second["x"] = 7
    assert table(3)["x"].tolist() == [0.0, 1.0, 2.0]


def test_lists_and_tuples_are_different_arguments(cache: TieredCache) -> None:
    @cache.data()
    def kind(value: Any) -> str:
        return type(value).__name__

    assert [kind([1]), kind((1,)), kind(1), kind(True), kind(1.0)] == [
        "list", "tuple", "int", "bool", "float",
    ]  # fmt: skip


def test_clear_forgets_one_function(cache: TieredCache) -> None:
    @cache.data()
    def one(x: int) -> int:
        return x

    @cache.data()
    def two(x: int) -> int:
        return x

    one(1), one(2), two(1)
    assert one.clear() == 4  # two entries in two tiers
    facts = cache.snapshot()
    assert facts["memory"]["entries"] == 1
    one(1), two(1)
    hits = {name.rpartition(".")[2]: f["hits"] for name, f in cache.snapshot()["functions"].items()}
    assert hits == {"one": {}, "two": {"memory": 1}}


def test_the_version_and_what_a_function_closes_over_are_in_the_key(cache: TieredCache) -> None:
    def made(factor: int, version: int = 1) -> Callable[[int], int]:
        @cache.data(version=version)
        def times(x: int) -> int:
            return x * factor

        return times

    assert made(2)(10) == 20
    assert made(3)(10) == 30
    assert made(2)(10) == 20
    names = cache.snapshot()["functions"]
    assert next(iter(names.values()))["computes"] == 2
    made(2, version=2)(10)
    assert next(iter(cache.snapshot()["functions"].values()))["computes"] == 3


def test_functions_closed_over_are_told_apart(cache: TieredCache) -> None:
    def made(inner: Callable[[int], int]) -> Callable[[int], int]:
        @cache.data()
        def outer(x: int) -> int:
            return inner(x) + (outer(x - 1) if x > 0 else 0)

        return outer

    def one(x: int) -> int:
        return 1

    assert made(one)(2) == 3
    assert made(lambda x: 2)(2) == 6
    assert made(abs)(2) == 3


def test_what_cannot_be_recognised_is_refused(cache: TieredCache) -> None:
    handle = object()

    with pytest.raises(UnkeyableValue):

        @cache.data()
        def closes_over() -> str:
            return str(handle)

    with pytest.raises(UnkeyableValue):
        append = RUNS.append

        @cache.data()
        def closes_over_a_method() -> None:
            append(1)

    @cache.data()
    def takes(x: Any) -> int:
        return 1

    with pytest.raises(UnkeyableValue):
        takes(object())
    with pytest.raises(TypeError):
        takes()


def test_extra_arguments_count_and_private_ones_do_not(cache: TieredCache) -> None:

    @cache.data()
    def gather(*values: int, **more: int) -> int:
        RUNS.append(1)
        return sum(values) + sum(more.values())

    assert gather(1, 2, a=3, _b=4) == 10
    assert gather(1, 2, a=3, _b=5) == 10
    assert gather(1, 2, a=4) == 7
    assert gather(2, 1, a=3) == 6
    assert len(RUNS) == 3


def test_exceptions_pass_and_the_time_to_live_holds(tmp_path: Path) -> None:
    now = [1_700_000_000.0]
    cache = open_cache(memory_bytes=1 << 20, classes={}, clock=lambda: now[0])

    @cache.data(ttl_seconds=10)
    def half(x: int) -> float:
        RUNS.append(1)
        return 1 / x

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            half(0)
    half(2), half(2)
    now[0] += 10
    half(2)
    assert len(RUNS) == 4


def test_a_resource_is_one_object_for_everybody(cache: TieredCache) -> None:
    made: list[object] = []

    @cache.resource
    def connection(host: str = "a", *, _log: Any = None) -> object:
        """Open it."""
        time.sleep(0.05)
        thing = object()
        made.append(thing)
        return thing

    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(connection())) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert all(thing is made[0] for thing in found)
    assert connection("a", _log=print) is made[0]
    assert connection("b") is not made[0]
    assert connection.clear() == 2
    assert connection() is not made[0]
    assert connection.__doc__ == "Open it."


def test_a_resource_can_have_a_time_to_live() -> None:
    now = [0.0]
    timed = resource(lambda: object(), ttl_seconds=10, monotonic=lambda: now[0])
    first = timed()
    now[0] = 9.9
    assert timed() is first
    now[0] = 10.0
    assert timed() is not first


def test_a_resource_cleared_while_it_is_made_is_not_kept() -> None:
    clears: list[int] = []

    @resource
    def shared() -> object:
        if not clears:
            clears.append(shared.clear())
        return object()

    first = shared()
    assert shared() is not first
