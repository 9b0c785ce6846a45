"""The gate of the rare methods: they load libraries that only the heavy lane may load.

Every public function of this folder calls `require()` first. Under `deferred()` that raises
HeavyLaneNeeded, so that the quick lane of the server hands the run to the heavy lane instead of
importing those libraries. Without `deferred()`, in a script or in the heavy lane, they run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from stats.errors import HeavyLaneNeeded

_DEFERRED: ContextVar[bool] = ContextVar("rare_methods_deferred", default=False)


@contextmanager
def deferred() -> Iterator[None]:
    """While this lasts, rare methods raise HeavyLaneNeeded (in this thread or task only)."""
    token = _DEFERRED.set(True)
    try:
        yield
    finally:
        _DEFERRED.reset(token)


def require() -> None:
    """Pass where rare methods may run; HeavyLaneNeeded under `deferred()`."""
    if _DEFERRED.get():
        raise HeavyLaneNeeded
