"""Clicks of this session only, and those that were made while there was none.

When a page comes back after a dropped line it sends every input again, the counts of buttons
included, and an event that reads one would take the old click for a new one. A click that was
made while the line was down hides among them: only who remembers the counts finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from shiny import reactive
from shiny.types import SilentException

T = TypeVar("T")


def fresh(read: Callable[[], T]) -> Callable[[], T | None]:
    """`read` for `reactive.event`: a value that was there when the session began counts as none.

    An input that appears later (a button drawn afterwards) counts from its first value on.
    """
    with reactive.isolate():
        try:
            read()
        except SilentException:
            waiting = False
        else:
            waiting = True

    def clicked() -> T | None:
        nonlocal waiting
        value = read()
        if waiting:
            waiting = False
            return None
        return value

    return clicked


class Presses:
    """How often the button of each analysis had been pressed when the server last heard of it."""

    def __init__(self) -> None:
        self._heard: reactive.Value[dict[str, int]] = reactive.Value({}, name="heard")
        self._came_back = False

    def heard(self) -> dict[str, int]:
        """By analysis; reactive."""
        return self._heard()

    def recall(self, kept: object) -> None:
        """A page came back and goes on counting: what was heard of it before."""
        self._came_back = True
        before = kept if isinstance(kept, Mapping) else {}
        with reactive.isolate():
            self._heard.set({**before, **self._heard()})

    def hear(self, analysis: str, presses: int) -> bool:
        """Take note of a count. True for a press that was never heard: a page that came back
        counts more of them. One that was loaded anew counts from 0."""
        presses = int(presses)  # a button's own kind of number could not be kept
        with reactive.isolate():
            heard = self._heard()
        if heard.get(analysis) != presses:
            self._heard.set({**heard, analysis: presses})
        return self._came_back and presses > heard.get(analysis, 0)
