"""One thread that calls back at set times, for deadlines of work that nobody waits on."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable


class AlarmClock:
    """Callbacks are short and do not raise. The thread starts with the first alarm."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._due: list[tuple[float, int]] = []
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def ring_after(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` in `seconds`; returns a function that takes the alarm back."""
        with self._changed:
            number = next(self._numbers)
            self._callbacks[number] = callback
            heapq.heappush(self._due, (time.monotonic() + seconds, number))
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._watch, name="alarm", daemon=True)
                self._thread.start()
            self._changed.notify()
        return lambda: self._take_back(number)

    def close(self) -> None:
        """Ring no more."""
        with self._changed:
            self._closed = True
            self._callbacks.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _take_back(self, number: int) -> None:
        with self._changed:
            self._callbacks.pop(number, None)
            while self._due and self._due[0][1] not in self._callbacks:
                heapq.heappop(self._due)

    def _watch(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                now = time.monotonic()
                if not self._due or self._due[0][0] > now:
                    self._changed.wait(self._due[0][0] - now if self._due else None)
                    continue
                _, number = heapq.heappop(self._due)
                callback = self._callbacks.pop(number, None)
            if callback is not None:
                callback()
