"""The last hour in small samples, for charts: use of memory, calls and hits, latency per function.

    history = History(partial(sample_of, cache, used_bytes))
    history.tick()        from whatever looks regularly; takes a sample every 10 s and else returns
    history.samples()     oldest first, at most 360

A sample costs some tens of microseconds, some milliseconds where every function was busy, whether
anybody looks or not; nothing else is done.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from utils.cache import TieredCache
from utils.latency import FunctionLatency

EVERY_SECONDS = 10.0
_KEPT = 360


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look. `calls` and `hits` count from the start of the server; `latency` is of the calls
    since the look before. `at_seconds` is of the monotonic clock."""

    at_seconds: float
    used_bytes: int
    calls: int
    hits: int
    latency: Mapping[str, FunctionLatency]


def sample_of(
    cache: TieredCache, used_bytes: Callable[[], int], at_seconds: float, since_seconds: float
) -> Sample:
    """What cache and memory are at `at_seconds`; latency of the calls after `since_seconds`."""
    functions = cache.functions().values()
    return Sample(
        at_seconds=at_seconds, used_bytes=used_bytes(),
        calls=sum(f.calls for f in functions), hits=sum(sum(f.hits.values()) for f in functions),
        latency=cache.latencies.since(since_seconds),
    )  # fmt: skip


class History:
    """A ring of samples. `take` gets the moment and that of the sample before; one thread ticks."""

    def __init__(
        self,
        take: Callable[[float, float], Sample],
        *,
        every_seconds: float = EVERY_SECONDS,
        kept: int = _KEPT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._take = take
        self._every_seconds = every_seconds
        self._clock = clock
        self._taken_at = float("-inf")
        self._samples: deque[Sample] = deque(maxlen=kept)

    def tick(self) -> None:
        """Take a sample if one is due."""
        now = self._clock()
        if now - self._taken_at >= self._every_seconds:
            self._samples.append(self._take(now, self._taken_at))
            self._taken_at = now

    def samples(self) -> tuple[Sample, ...]:
        """Oldest first."""
        return tuple(self._samples)
