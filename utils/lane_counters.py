"""What the lanes have done: counts by outcome, and where the time of the last runs went."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from utils.refusals import StopReason

LaneName = Literal["quick", "heavy"]

_KEPT_RUNS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTiming:
    """One run: where its wall time went (seconds), and what memory its process added (bytes)."""

    lane: LaneName
    name: str
    outcome: str
    queue_seconds: float
    start_seconds: float = 0.0
    compute_seconds: float = 0.0
    transfer_seconds: float = 0.0
    added_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSnapshot:
    """Counts since the start, and what waits and runs now.

    `started` = `finished` + `failed` + those of `killed` that ran + `running`.
    """

    started: int
    finished: int
    failed: int
    refused: int
    killed: Mapping[str, int]
    queued: int
    running: int


class LaneCounters:
    """The counts of one lane. Safe from any thread."""

    def __init__(self, lane: LaneName) -> None:
        self.lane: LaneName = lane
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._killed: Counter[str] = Counter()
        self._running = 0
        self._runs: deque[RunTiming] = deque(maxlen=_KEPT_RUNS)

    def refused(self) -> None:
        """Work was turned away."""
        with self._lock:
            self._counts["refused"] += 1

    def started(self) -> None:
        """Work left the queue and runs."""
        with self._lock:
            self._counts["started"] += 1
            self._running += 1

    def killed(self, reason: StopReason) -> None:
        """Work was ended from outside, while it waited or while it ran."""
        with self._lock:
            self._killed[reason] += 1

    def ended(self, timing: RunTiming) -> None:
        """A run that was started is over; `timing.outcome` is finished, failed or a reason."""
        with self._lock:
            self._running -= 1
            if timing.outcome in {"finished", "failed"}:
                self._counts[timing.outcome] += 1
            self._runs.append(timing)

    def snapshot(self, queued: int) -> LaneSnapshot:
        """All counts at one moment."""
        with self._lock:
            return LaneSnapshot(
                started=self._counts["started"],
                finished=self._counts["finished"],
                failed=self._counts["failed"],
                refused=self._counts["refused"],
                killed=MappingProxyType(dict(self._killed)),
                queued=queued,
                running=self._running,
            )

    def runs(self) -> tuple[RunTiming, ...]:
        """The last runs, oldest first."""
        with self._lock:
            return tuple(self._runs)
