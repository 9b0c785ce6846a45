"""Isolated reads that leave nothing behind.

Shiny's `isolate` reads in a context that it never ends: every value that was read keeps that
context until it changes, so a page grew by some contexts with each click and each value that
seldom changes had hundreds to go through. Shiny for R ends the context where the block ends;
here so too. It concerns every `reactive.isolate` and the handlers of every `reactive.event`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from shiny.reactive import _core  # pyright: ignore[reportPrivateUsage] - no public way


def end_isolated_contexts() -> None:
    """From now on the context of an isolated block ends with the block."""
    environment = _core._reactive_environment  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    @contextlib.contextmanager
    def isolate() -> Iterator[None]:
        context = _core.Context()
        try:
            with environment.use_context(context):
                yield
        finally:
            context.invalidate()

    environment.isolate = isolate
