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
from utils.fair_queue import FairQueue
from utils.heavy_run import HeavyRequest, HeavyRun, HeavyTerms
from utils.lane_counters import LaneCounters
from utils.refusals import StopReason
from utils.ticket import Ticket
from utils.zygote_keeper import ZygoteKeeper


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
        self._lock = threading.Lock()
        self._running: set[Ticket] = set()
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
        if self._held:
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
        """While held, new jobs are refused; what waits and runs goes on."""
        self._held = held

    def kill_running(self, reason: StopReason) -> int:
        """Kill the jobs that run now; returns their number."""
        with self._lock:
            running = list(self._running)
        for ticket in running:
            ticket.stop(reason)
        return len(running)

    def close(self, timeout_seconds: float) -> None:
        """Refuse what waits, kill what runs, wait for the threads, end the zygote."""
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
        while True:
            try:
                waiting = self._queue.take(self._idle_seconds)
            except Empty:
                if not self._running:
                    self._keeper.rest()
                continue
            if waiting is None:
                return
            self._serve(waiting)
            del waiting  # the thread must not keep a dataset alive while it waits

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
                ticket.resolve(value)
            if not run.bury():
                self._keeper.replace()
            with self._lock:
                self._running.discard(ticket)


def _ring(alarm: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the run has just ended by itself
        alarm.send(b"!")
