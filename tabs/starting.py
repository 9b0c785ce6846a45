"""Parts of a page that begin when they are first needed."""

from __future__ import annotations

from collections.abc import Callable

from shiny import reactive


def start_when(needed: Callable[[], bool], start: Callable[[], object]) -> None:
    """Call `start` once, as soon as `needed()`, which reads reactives, is true.

    Each effect, value and output of a page takes memory and time for as long as it is open, and
    most visits need a part of them.
    """

    @reactive.effect
    def waiting() -> None:
        if needed():
            waiting.destroy()
            with reactive.isolate():
                start()
