"""What the lanes have done: counts by outcome, and where the time of the last runs went."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from utils.refusals import StopReason
from utils.ticket import Ticket

LaneName = Literal["quick", "heavy"]

_KEPT_RUNS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTiming:
    """One run: where its wall time went (seconds), and what memory its process added (bytes).

    queue: waiting for a place; start: the process; load: its libraries and arguments; compute:
    the function; transfer: encoding, moving and decoding. The quick lane has queue and compute.
    """

    lane: LaneName
    name: str
    outcome: str
    queue_seconds: float
    start_seconds: float = 0.0
    load_seconds: float = 0.0
    compute_seconds: float = 0.0
    transfer_seconds: float = 0.0
    added_bytes: int = 0


@dataclass(slots=True)
class Phases:
    """What a run learns about itself while it runs (see RunTiming)."""

    start_seconds: float = 0.0
    load_seconds: float = 0.0
    compute_seconds: float = 0.0
    transfer_seconds: float = 0.0
    added_bytes: int = 0
    cpu_seconds: float = 0.0


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

    @contextlib.contextmanager
    def run(self, ticket: Ticket, phases: Phases) -> Iterator[None]:
        """Count the run inside the block, before anybody gets its answer.

        `phases` is filled in by the run; what it leaves open is taken as computing.
        """
        began = time.perf_counter()
        with self._lock:
            self._counts["started"] += 1
            self._running += 1
        returned = False
        try:
            yield
            returned = True
        finally:
            # Work in a thread may return after its caller was told that it was stopped.
            finished = returned and not ticket.future.done()
            outcome = "finished" if finished else (ticket.stopped or "failed")
            self._record(ticket, phases, outcome, began, time.perf_counter())

    def killed(self, reason: StopReason) -> None:
        """Work was ended from outside while it waited."""
        with self._lock:
            self._killed[reason] += 1

    def _record(
        self, ticket: Ticket, phases: Phases, outcome: str, began: float, ended: float
    ) -> None:
        known = phases.start_seconds + phases.load_seconds + phases.transfer_seconds
        timing = RunTiming(
            lane=self.lane,
            name=ticket.name,
            outcome=outcome,
            queue_seconds=began - ticket.queued_at,
            start_seconds=phases.start_seconds,
            load_seconds=phases.load_seconds,
            compute_seconds=phases.compute_seconds or max(0.0, ended - began - known),
            transfer_seconds=phases.transfer_seconds,
            added_bytes=phases.added_bytes,
        )
        with self._lock:
            self._running -= 1
            (self._counts if outcome in {"finished", "failed"} else self._killed)[outcome] += 1
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
