"""Try again, but only where that can help, and never so often that it makes things worse.

    Retry(attempts=3, base_seconds=0.05, cap_seconds=1.0, budget=RetryBudget(), ...)
    retry.call(work, stopped=predicate)            work() -> value
    await retry.call_async(work, stopped=predicate)    work() -> awaitable of a value
    retry.facts()                                   counts for the panel

What is retried says so itself (`MachineryError.transient`: a lost worker, a tier fault, a
time-out); so do the time-outs and resets of the operating system. Everything else is raised at
once: a wrong choice stays wrong. Waits are drawn evenly from 0 to base * 2^attempt, at most the
cap ("full jitter"), so that callers who failed together do not return together. One budget per
process holds retries to a tenth of first calls, so that a fault that meets everybody is not
made larger by us. There is one layer of retries: work given to `call` does not retry itself.

Sources: M. Brooker, "Exponential backoff and jitter" (2015); B. Beyer et al., Site Reliability
Engineering (2016), chapter 21.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from utils.errors import Cancelled, MachineryError

T = TypeVar("T")
_RATIO = 0.1
_RESERVE = 3.0
_CAPACITY = 10.0
_ATTEMPTS = 3
_BASE_SECONDS = 0.05
_CAP_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0


#: Only these can be transient; of the first, those that say so.
_CANDIDATES = (MachineryError, TimeoutError, ConnectionError)


def is_transient(error: BaseException) -> bool:
    """True when the same call may succeed a moment later."""
    if isinstance(error, MachineryError):
        return error.transient
    return isinstance(error, _CANDIDATES)


class RetryBudget:
    """A bucket of retries: each first call puts `ratio` in, each retry takes 1 out.

    It starts with `reserve` and holds at most `capacity`, so that a long quiet time does not
    pay for a storm. Safe for threads.
    """

    def __init__(
        self, *, ratio: float = _RATIO, reserve: float = _RESERVE, capacity: float = _CAPACITY
    ) -> None:
        self._ratio = ratio
        self._capacity = capacity
        self._left = min(reserve, capacity)
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        """Retries that may be made now."""
        return self._left

    def first_call(self) -> None:
        """Count a call that is no retry."""
        with self._lock:
            self._left = min(self._capacity, self._left + self._ratio)

    def take(self) -> bool:
        """Take one retry out; False when there is none."""
        with self._lock:
            # tenths do not add up exactly in binary: ten of them are one retry
            if self._left < 1.0 - 1e-9:
                return False
            self._left = max(0.0, self._left - 1.0)
            return True


def never() -> bool:
    """The predicate of work that nobody stops."""
    return False


class Retry:
    """The retries of one process. Safe for threads.

    `attempts` counts the first call too. No retry starts once a call has lasted
    `patience_seconds`: a second wait of two minutes helps nobody. `draw` gives numbers in
    [0, 1), `clock` seconds, `sleep` and `sleep_async` wait.
    """

    def __init__(
        self,
        *,
        attempts: int = _ATTEMPTS,
        base_seconds: float = _BASE_SECONDS,
        cap_seconds: float = _CAP_SECONDS,
        patience_seconds: float = _PATIENCE_SECONDS,
        budget: RetryBudget | None = None,
        draw: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        sleep_async: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._attempts = attempts
        self._base_seconds = base_seconds
        self._cap_seconds = cap_seconds
        self._patience_seconds = patience_seconds
        self._budget = RetryBudget() if budget is None else budget
        self._draw = draw
        self._clock = clock
        self._sleep = sleep
        self._sleep_async = sleep_async
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def call(self, work: Callable[[], T], *, stopped: Callable[[], bool] = never) -> T:
        """The value of `work()`; what the last attempt raised when none succeeded.

        `stopped` is asked before each wait and before each further attempt: True (the user
        cancelled, the session ended) raises Cancelled.
        """
        began, attempt = self._begin(), 0
        while True:
            attempt += 1
            try:
                value = work()
            except _CANDIDATES as error:
                wait_seconds = self._wait_after(error, attempt, began, stopped)
                if wait_seconds is None:
                    raise
            else:
                self._succeeded(attempt)
                return value
            self._sleep(wait_seconds)
            self._again(stopped)

    async def call_async(
        self, work: Callable[[], Awaitable[T]], *, stopped: Callable[[], bool] = never
    ) -> T:
        """As `call`, for work that is awaited. A cancelled task ends at once."""
        began, attempt = self._begin(), 0
        while True:
            attempt += 1
            try:
                value = await work()
            except _CANDIDATES as error:
                wait_seconds = self._wait_after(error, attempt, began, stopped)
                if wait_seconds is None:
                    raise
            else:
                self._succeeded(attempt)
                return value
            await self._sleep_async(wait_seconds)
            self._again(stopped)

    def facts(self) -> Mapping[str, float]:
        """Counts since the start, and the retries that the budget allows now.

        calls = succeeded + recovered + the last five + those still under way + those that ended
        in an error which is never a candidate for a retry.
        """
        names = (
            "calls", "succeeded", "recovered", "retries",
            "not transient", "attempts used up", "budget used up", "stopped", "patience used up",
        )  # fmt: skip
        with self._lock:
            return {name: self._counts[name] for name in names} | {"budget": self._budget.left}

    def _begin(self) -> float:
        self._budget.first_call()
        self._count("calls")
        return self._clock()

    def _wait_after(
        self, error: Exception, attempt: int, began: float, stopped: Callable[[], bool]
    ) -> float | None:
        """Seconds to wait before the next attempt; None when the error stands."""
        if not is_transient(error):
            self._count("not transient")
        elif attempt >= self._attempts:
            self._count("attempts used up")
        elif self._clock() - began >= self._patience_seconds:
            self._count("patience used up")
        elif stopped():
            self._count("stopped")
            raise Cancelled from error
        elif not self._budget.take():
            self._count("budget used up")
        else:
            self._count("retries")
            return self._draw() * min(self._cap_seconds, self._base_seconds * 2**attempt)
        return None

    def _again(self, stopped: Callable[[], bool]) -> None:
        if stopped():
            self._count("stopped")
            raise Cancelled

    def _succeeded(self, attempt: int) -> None:
        self._count("succeeded" if attempt == 1 else "recovered")

    def _count(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1
