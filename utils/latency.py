"""How long calls took, per function: those that computed and those that were remembered, apart.

    latencies.note("analyze_outcome", "memory", 0.00008)
    latencies.facts()["analyze_outcome"].hit.p95_seconds
    latencies.since(moment)        the same over what came after a moment of the clock

Each function keeps the last 256 durations of each kind in two small rings, so that a change shows
soon and memory stays bounded. A call that waited for another's computation is of neither kind.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from utils.fork import survive_fork

Kind = Literal["computed", "hit"]
Floats = np.ndarray[Any, np.dtype[np.float64]]
_KEPT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Durations of the last calls, in seconds. `n` is how many they are (at most 256), `total` how
    many there were since the start; `sd_seconds` (n - 1 in the divisor) is None for one call.

    Quantiles interpolate linearly between the sorted durations (R's type 7).
    """

    n: int
    total: int
    median_seconds: float
    p95_seconds: float
    min_seconds: float
    max_seconds: float
    sd_seconds: float | None


@dataclass(frozen=True, slots=True)
class FunctionLatency:
    """Both kinds of one function; None where there was no such call."""

    computed: Spread | None
    hit: Spread | None


class _Ring:
    """The last durations of one kind, with the moment at which each ended."""

    __slots__ = ("_at", "_seconds", "_total")

    def __init__(self) -> None:
        self._at = array("d", bytes(8 * _KEPT))
        self._seconds = array("d", bytes(8 * _KEPT))
        self._total = 0

    def note(self, at: float, seconds: float) -> None:
        place = self._total % _KEPT
        self._at[place], self._seconds[place] = at, seconds
        self._total += 1

    def held(self, since: float) -> tuple[int, Floats]:
        """Calls since the start, and the durations kept of those that ended after `since`."""
        held = min(self._total, _KEPT)
        moments = np.array(self._at[:held])
        return self._total, np.array(self._seconds[:held])[moments > since]


def _spread(total: int, found: Floats) -> Spread | None:
    if not found.size:
        return None
    median, p95 = np.quantile(found, (0.5, 0.95))
    return Spread(
        n=found.size, total=total, median_seconds=float(median), p95_seconds=float(p95),
        min_seconds=float(found.min()), max_seconds=float(found.max()),
        sd_seconds=float(found.std(ddof=1)) if found.size > 1 else None,
    )  # fmt: skip


class Latencies:
    """Durations by function name. Safe for threads; starts anew in a forked child.

    `clock` gives seconds (monotonic).
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.after_fork()
        survive_fork(self)

    def after_fork(self) -> None:
        """A lock of the parent may be held for ever."""
        self._lock = threading.Lock()
        self._rings: dict[tuple[str, Kind], _Ring] = {}

    def note(self, name: str, source: str, seconds: float) -> None:
        """A call of `name` was answered from `source` in `seconds`."""
        if source == "shared":
            return
        kind: Kind = "computed" if source == "computed" else "hit"
        at = self._clock()
        with self._lock:
            ring = self._rings.get((name, kind))
            if ring is None:
                ring = self._rings[name, kind] = _Ring()
            ring.note(at, seconds)

    def facts(self) -> Mapping[str, FunctionLatency]:
        """By function, over all that is kept."""
        return self.since(float("-inf"))

    def since(self, moment: float) -> Mapping[str, FunctionLatency]:
        """By function, over the calls that ended after `moment`; functions without any left out."""
        with self._lock:  # held for the copies only: every call of every function takes it
            held = {where: ring.held(moment) for where, ring in self._rings.items()}
        found = {where: _spread(total, kept) for where, (total, kept) in held.items()}
        names = sorted({name for (name, _), spread in found.items() if spread is not None})
        return {
            name: FunctionLatency(found.get((name, "computed")), found.get((name, "hit")))
            for name in names
        }
