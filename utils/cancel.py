"""A switch that the page holds and the work looks at."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

from utils.errors import Cancelled


class CancelToken:
    """Turned once, never back. Safe to turn from any thread, also before the work began."""

    def __init__(self) -> None:
        self._cancelled = False
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._callbacks: dict[int, Callable[[], None]] = {}

    @property
    def cancelled(self) -> bool:
        """True once `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """Stop the work that this token was given to."""
        with self._lock:
            self._cancelled = True
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        for callback in callbacks:
            callback()

    def check(self) -> None:
        """Raise Cancelled when the switch was turned."""
        if self._cancelled:
            raise Cancelled

    def when_cancelled(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` once when the switch is turned (at once if it is already).

        Returns a function that takes the callback back.
        """
        with self._lock:
            if not self._cancelled:
                number = next(self._numbers)
                self._callbacks[number] = callback
                return lambda: self._forget(number)
        callback()
        return lambda: None

    def _forget(self, number: int) -> None:
        with self._lock:
            self._callbacks.pop(number, None)
