"""The quick lane: our own vectorised code in a few threads of the server.

A thread cannot be killed. A deadline or a cancel answers the caller at once; the function itself
ends at its next call of `progress`, and keeps its thread until then.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import Full
from typing import Any

from utils import refusals
from utils.alarm import AlarmClock
from utils.cancel import CancelToken
from utils.fair_queue import FairQueue
from utils.lane_counters import LaneCounters, Phases
from utils.ticket import Ticket

Progress = Callable[[float, Any], None]


@dataclass(slots=True, eq=False)
class _Call:
    """A function call that waits for its thread."""

    ticket: Ticket
    call: Callable[[], Any]
    deadline_seconds: float | None


class QuickLane:
    """A bounded, fair pool of threads."""

    def __init__(self, *, workers: int, queue_limit: int, counters: LaneCounters) -> None:
        self._queue: FairQueue[_Call] = FairQueue(queue_limit)
        self._counters = counters
        self._alarm = AlarmClock()
        self._running: set[Ticket] = set()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._surplus = 0
        for _ in range(workers):
            self._hire()

    def __len__(self) -> int:
        return len(self._queue)

    def submit(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        owner: str,
        deadline_seconds: float | None,
        cancel: CancelToken | None,
        progress: Progress | None,
    ) -> Future[Any]:
        """Queue a call; Overloaded arrives through the Future like every other error."""
        ticket = Ticket(_name_of(function), halt=lambda _: self._leave_queue(call))
        arguments = dict(kwargs)
        if progress is not None:
            arguments["progress"] = partial(_step, ticket, deadline_seconds, progress)
        call = _Call(ticket, partial(function, *args, **arguments), deadline_seconds)
        try:
            self._queue.put(call, owner)
        except Full:
            self._counters.refused()
            ticket.fail(refusals.crowded())
            return ticket.future
        if cancel is not None:
            forget = cancel.when_cancelled(partial(ticket.stop, "cancelled"))
            ticket.future.add_done_callback(lambda _: forget())
        return ticket.future

    @contextlib.contextmanager
    def standing_aside(self) -> Iterator[None]:
        """Let another thread work while the calling one only waits inside the block.

        Does nothing in a thread that is not of this lane. How many wait so is bounded by
        what they wait for, the queue of the heavy lane.
        """
        if threading.current_thread() not in self._threads:
            yield
            return
        self._hire()
        try:
            yield
        finally:
            with self._lock:
                self._surplus += 1

    def close(self, timeout_seconds: float) -> None:
        """Refuse what waits, answer what runs, and wait a little for the threads."""
        for call in self._queue.close():
            call.ticket.stop("shutdown")
        for ticket in list(self._running):
            ticket.stop("shutdown")
        self._alarm.close()
        give_up = time.monotonic() + timeout_seconds
        for thread in list(self._threads):
            thread.join(max(0.0, give_up - time.monotonic()))

    def _leave_queue(self, call: _Call) -> None:
        self._queue.discard(call)
        if _answer_stopped(call.deadline_seconds, call.ticket):
            self._counters.killed(call.ticket.stopped or "cancelled")

    def _hire(self) -> None:
        thread = threading.Thread(target=self._work, name="quick", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _work(self) -> None:
        while not self._is_surplus() and (call := self._queue.take()) is not None:
            if call.ticket.begin(partial(_answer_stopped, call.deadline_seconds)):
                self._run(call)
            del call  # the thread must not keep a dataset alive while it waits
        self._threads.discard(threading.current_thread())

    def _is_surplus(self) -> bool:
        with self._lock:
            surplus = self._surplus > 0
            self._surplus -= surplus
            return surplus

    def _run(self, call: _Call) -> None:
        ticket, seconds = call.ticket, call.deadline_seconds
        self._running.add(ticket)
        silence = None
        if seconds is not None:
            silence = self._alarm.ring_after(seconds, partial(ticket.stop, "deadline"))
        with ticket:
            with self._counters.run(ticket, Phases()):
                value = call.call()
            ticket.resolve(value)
            del value
        call.call = _nothing  # an error keeps this frame alive, which must not keep the data
        if silence is not None:
            silence()
        self._running.discard(ticket)


def _answer_stopped(deadline_seconds: float | None, ticket: Ticket) -> bool:
    return ticket.fail(refusals.stopped(ticket.stopped or "cancelled", deadline_seconds))


def _step(
    ticket: Ticket,
    deadline_seconds: float | None,
    progress: Progress,
    fraction: float,
    partial_result: object = None,
) -> None:
    if ticket.stopped:
        raise refusals.stopped(ticket.stopped, deadline_seconds)
    progress(fraction, partial_result)


def _nothing() -> None:
    """What is left of a call that is over."""


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", type(function).__name__)
