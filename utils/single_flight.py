"""One computation per key among the threads of a process.

The first caller of a key computes; others wait for its outcome. An exception of the computation
reaches every waiter and is then forgotten. When the computing caller is stopped (`Cancelled`,
KeyboardInterrupt), its waiters did not ask for that: the next of them computes.

Waiting never deadlocks: a caller that would wait for itself, directly or through a circle of
waiting threads, computes for itself instead, and every wait has an end.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal

from utils.errors import Cancelled
from utils.fork import survive_fork

Role = Literal["computed", "shared"]


@dataclass(eq=False)
class _Flight:
    """One running computation. As a context manager it notes how the computation ended."""

    owner: int
    done: threading.Event = field(default_factory=threading.Event)
    value: Any = None
    error: Exception | None = None
    abandoned: bool = False

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: object, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, Cancelled):
            self.error = error
        elif error is not None:
            self.abandoned = True


class SingleFlight:
    """Shares running computations by key. `wait_seconds` bounds one wait."""

    def __init__(self, *, wait_seconds: float = 300.0) -> None:
        self._wait_seconds = wait_seconds
        self.after_fork()
        survive_fork(self)

    def after_fork(self) -> None:
        """The computations of the parent do not run in the child."""
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight] = {}
        self._waiting: dict[int, str] = {}

    def run(self, key: str, compute: Callable[[], Any]) -> tuple[Any, Role]:
        """The value of `compute()`, ours or that of a caller who was first.

        Raises what the computation raised.
        """
        me = threading.get_ident()
        deadline = time.monotonic() + self._wait_seconds
        while True:
            with self._lock:
                flight = self._flights.get(key)
                if flight is None:
                    flight = self._flights[key] = _Flight(me)
                    break
                if self._would_wait_for_itself(flight, me):
                    return compute(), "computed"
                self._waiting[me] = key
            try:
                finished = flight.done.wait(max(0.0, deadline - time.monotonic()))
            finally:
                with self._lock:
                    self._waiting.pop(me, None)
            if not finished:
                return compute(), "computed"
            if flight.error is not None:
                raise flight.error
            if not flight.abandoned:
                return flight.value, "shared"
        return self._fly(key, flight, compute), "computed"

    def _fly(self, key: str, flight: _Flight, compute: Callable[[], Any]) -> Any:
        with contextlib.ExitStack() as landing:
            landing.callback(self._land, key, flight)
            with flight:
                flight.value = compute()
        return flight.value

    def _land(self, key: str, flight: _Flight) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
        flight.done.set()

    def _would_wait_for_itself(self, flight: _Flight | None, me: int) -> bool:
        """Follow owner -> key it waits for -> owner ... and see whether `me` comes up."""
        seen: set[int] = set()
        while flight is not None and flight.owner not in seen:
            if flight.owner == me:
                return True
            seen.add(flight.owner)
            awaited = self._waiting.get(flight.owner)
            flight = None if awaited is None else self._flights.get(awaited)
        return False

    def running(self) -> int:
        """Number of computations under way."""
        with self._lock:
            return len(self._flights)
