"""How often something may happen, per caller: token buckets."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_KEPT_CALLERS = 10_000
_ROUNDING = 1e-6


class TokenBuckets:
    """`burst` times at once, then `per_second`, for each caller.

    A bucket that is full again is as good as none, so only the last 10,000 callers are kept: a
    flood from many addresses cannot fill the memory. `clock` gives seconds. Not thread-safe: it
    serves one event loop.
    """

    def __init__(
        self, *, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._callers: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> float:
        """Take one token: 0.0 when there was one, else the seconds until there will be (nothing
        is taken then)."""
        now = self._clock()
        tokens, since = self._callers.pop(caller, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._per_second)
        taken = tokens >= 1.0 - _ROUNDING  # who waited just as long as told finds a token
        self._callers[caller] = (max(0.0, tokens - taken), now)
        if len(self._callers) > _KEPT_CALLERS:
            self._callers.popitem(last=False)
        return 0.0 if taken else (1.0 - tokens) / self._per_second
