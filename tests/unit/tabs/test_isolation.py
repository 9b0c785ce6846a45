"""Isolated reads leave nothing in the values that they read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from shiny import reactive
from shiny.reactive import _core

from tabs.isolation import end_isolated_contexts
from tabs.lean_contexts import Readers


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    environment = _core._reactive_environment
    before = vars(environment).get("isolate")
    end_isolated_contexts()
    yield
    vars(environment).pop("isolate", None)
    if before is not None:
        environment.isolate = before


def readers(value: reactive.Value[int]) -> int:
    found = value._value_dependents
    return len(found if isinstance(found, Readers) else found._dependents)


def test_a_value_forgets_who_read_it_in_isolation() -> None:
    value, doubled = reactive.Value(2, name="value"), 0
    for _ in range(3):
        with reactive.isolate():
            doubled = 2 * value()
    assert doubled == 4
    assert readers(value) == 0


def test_without_it_every_read_is_kept() -> None:
    """Shiny's own way; when this fails, `tabs.isolation` is not needed any more."""
    environment = _core._reactive_environment
    del environment.isolate  # the method of the class is found again
    value = reactive.Value(2, name="value")
    for _ in range(3):
        with reactive.isolate():
            value()
    assert readers(value) == 3


def test_a_calculation_read_in_isolation_is_made_once_and_follows_its_values() -> None:
    value, made = reactive.Value(1, name="value"), []

    @reactive.calc
    def plus_one() -> int:
        made.append(value())
        return value() + 1

    with reactive.isolate():
        assert plus_one() == 2
        assert plus_one() == 2
    value.set(5)
    with reactive.isolate():
        assert plus_one() == 6
    assert made == [1, 5]


def test_an_effect_does_not_run_again_for_what_it_read_in_isolation() -> None:
    watched, aside = reactive.Value(0, name="watched"), reactive.Value(0, name="aside")
    seen: list[tuple[int, int]] = []

    @reactive.effect
    def look() -> None:
        first = watched()
        with reactive.isolate():
            seen.append((first, aside()))

    async def story() -> None:
        await reactive.flush()
        aside.set(7)
        await reactive.flush()
        watched.set(1)
        await reactive.flush()

    asyncio.run(story())
    assert seen == [(0, 0), (1, 7)]


def test_an_error_inside_ends_the_context_too() -> None:
    value = reactive.Value(2, name="value")
    with pytest.raises(ValueError, match="inside"), reactive.isolate():
        value()
        raise ValueError("inside")
    assert readers(value) == 0
