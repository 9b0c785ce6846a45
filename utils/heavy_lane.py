"""The heavy lane: each job in a process of its own, one at a time unless told otherwise."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import Empty, Full
from typing import Any

from utils import refusals
from utils.cancel import CancelToken
from utils.errors import NeverFits, Overloaded
from utils.fair_queue import FairQueue
from utils.heavy_run import HeavyRequest, HeavyRun, HeavyTerms
from utils.lane_counters import LaneCounters
from utils.refusals import StopReason
from utils.ticket import Ticket
from utils.zygote_keeper import ZygoteKeeper

_LOOK_SECONDS = 0.1
_MOST_ASIDE = 8
_WARM_SECONDS = 15.0  # after the last job, modules loaded for such jobs are given back


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A request in the queue."""

    ticket: Ticket
    request: HeavyRequest


class HeavyLane:
    """A bounded, fair queue in front of `workers` places, each watched by a thread."""

    def __init__(
        self,
        *,
        terms: HeavyTerms,
        keeper: ZygoteKeeper,
        workers: int,
        queue_limit: int,
        idle_seconds: float,
        counters: LaneCounters,
    ) -> None:
        self._terms = terms
        self._keeper = keeper
        self._idle_seconds = idle_seconds
        self._counters = counters
        self._queue: FairQueue[_Waiting] = FairQueue(queue_limit)
        self._held = False
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._running: set[Ticket] = set()
        self._busy_at = time.monotonic()
        self._threads = [
            threading.Thread(target=self._work, name=f"heavy-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def __len__(self) -> int:
        return len(self._queue)

    def submit(
        self, request: HeavyRequest, *, owner: str, cancel: CancelToken | None
    ) -> Future[Any]:
        """Queue a job; Overloaded arrives through the Future like every other error."""
        ticket = Ticket(request.path, halt=lambda _: self._leave_queue(waiting))
        waiting = _Waiting(ticket, request)
        if self._held and request.patience_seconds <= 0:
            self._counters.refused()
            ticket.fail(refusals.held())
            return ticket.future
        try:
            self._queue.put(waiting, owner)
        except Full:
            self._counters.refused()
            ticket.fail(refusals.crowded())
            return ticket.future
        if cancel is not None:
            forget = cancel.when_cancelled(partial(ticket.stop, "cancelled"))
            ticket.future.add_done_callback(lambda _: forget())
        return ticket.future

    def hold(self, held: bool) -> None:
        """While held, new jobs are refused unless they are patient; what runs goes on."""
        self._held = held
        if held:
            self._cool()

    def kill_running(self, reason: StopReason) -> int:
        """Kill the jobs that run now; returns their number."""
        with self._lock:
            running = list(self._running)
        for ticket in running:
            ticket.stop(reason)
        return len(running)

    def close(self, timeout_seconds: float) -> None:
        """Refuse what waits, kill what runs, wait for the threads, end the zygote."""
        self._closing.set()
        for waiting in self._queue.close():
            waiting.ticket.stop("shutdown")
        self.kill_running("shutdown")
        give_up = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, give_up - time.monotonic()))
        self._keeper.close()

    def _leave_queue(self, waiting: _Waiting) -> None:
        self._queue.discard(waiting)
        reason = waiting.ticket.stopped or "cancelled"
        if waiting.ticket.fail(refusals.stopped(reason)):
            self._counters.killed(reason)

    def _work(self) -> None:
        aside: list[_Waiting] = []  # no room for these now: others go first meanwhile
        while True:
            waiting = self._first_with_room(aside)
            if waiting is None:
                try:
                    waiting = self._next(aside)
                except Empty:
                    continue
                if waiting is None:
                    for left in aside:
                        left.ticket.stop("shutdown")
                    return
                if not self._has_room(waiting):
                    aside.append(waiting)
                    continue
            self._serve(waiting)
            del waiting  # the thread must not keep a dataset alive while it waits

    def _next(self, aside: list[_Waiting]) -> _Waiting | None:
        """The next of the queue; None when the lane is closed. Empty when none comes soon."""
        if len(aside) >= _MOST_ASIDE and not self._closing.wait(_LOOK_SECONDS):
            raise Empty
        if aside:
            return self._queue.take(_LOOK_SECONDS)
        try:
            return self._queue.take(min(_WARM_SECONDS, self._idle_seconds))
        except Empty:
            self._cool()
            if not self._running and time.monotonic() - self._busy_at >= self._idle_seconds:
                self._keeper.rest()
            raise

    def _first_with_room(self, aside: list[_Waiting]) -> _Waiting | None:
        """Takes the longest waiting for which there is room now out of the list, and what ended."""
        for waiting in aside.copy():
            if self._has_room(waiting):
                aside.remove(waiting)
                return waiting
            if waiting.ticket.future.done():
                aside.remove(waiting)
        return None

    def _has_room(self, waiting: _Waiting) -> bool:
        """Whether this job may start now; it is refused when it has waited for too long."""
        ticket, request = waiting.ticket, waiting.request
        if ticket.future.done():
            return False
        reason = self._reason_to_wait(request)
        if reason is None:
            return True
        tired = self._waited(ticket) >= request.patience_seconds
        if (tired or isinstance(reason, NeverFits)) and ticket.fail(reason):
            self._counters.refused()
        return False

    @staticmethod
    def _waited(ticket: Ticket) -> float:
        return time.perf_counter() - ticket.queued_at

    def _reason_to_wait(self, request: HeavyRequest) -> Overloaded | None:
        if request.patience_seconds > 0 and self._held:
            return refusals.held()
        return None if request.refusal is None else request.refusal()

    def _serve(self, waiting: _Waiting) -> None:
        ticket = waiting.ticket
        wake, alarm = socket.socketpair()
        with wake, alarm:
            if not ticket.begin(lambda _: _ring(alarm)):
                return
            with self._lock:
                self._running.add(ticket)
            run = HeavyRun(waiting.request, ticket, wake, self._terms)
            with ticket:
                with self._counters.run(ticket, run.phases):
                    value = run.carry_out(self._keeper)
                if waiting.request.ended is not None:
                    waiting.request.ended(run.phases)
                ticket.resolve(value)
            silent = run.bury()
            if silent is not None:
                self._keeper.doubt(silent)
            with self._lock:
                self._running.discard(ticket)
                self._busy_at = time.monotonic()
            if self._held:
                self._cool()

    def _cool(self) -> None:
        """Give back what was loaded for jobs of a kind, unless one runs."""
        with self._lock:
            if not self._running:
                self._keeper.cool()


def _ring(alarm: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the run has just ended by itself
        alarm.send(b"!")
