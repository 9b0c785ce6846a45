"""A long computation that can be asked to stop.

Whoever starts the work wraps it in `stoppable(check)`; the loops over blocks of rows, tiles of
columns and resamples call `check_stopped()`, which calls `check`, and that may raise. Without
`stoppable`, in a script, nothing is checked. The numbers never depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CHECK: ContextVar[Callable[[], None] | None] = ContextVar("stop_check", default=None)


@contextmanager
def stoppable(check: Callable[[], None]) -> Iterator[None]:
    """While this lasts (in this thread or task only), `check` is called every few milliseconds;
    what it raises ends the work."""
    token = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(token)


def check_stopped() -> None:
    """Raise what the starter of this work wants raised, if it wants to stop."""
    check = _CHECK.get()
    if check is not None:
        check()
