"""A reactive that speaks up only when its value changes.

A `reactive.calc` invalidates whatever reads it as soon as its own sources change, also when it
gives the same value again. What must not be redrawn then (a form in which someone types, a view
that is open) reads its source through here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shiny import reactive

T = TypeVar("T")


def distinct(read: Callable[[], T], start: T) -> Callable[[], T]:
    """`read()`, which reads reactives, as a reactive of its distinct values; `start` until the
    first flush."""
    # named, because Shiny otherwise reads the sources of the whole stack to find a name
    value: reactive.Value[T] = reactive.Value(start, name="value")

    @reactive.effect(priority=1_000)
    def _() -> None:
        now = read()
        with reactive.isolate():
            same = value() == now
        if not same:
            value.set(now)

    return value
