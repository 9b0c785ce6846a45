"""One piece of work in a lane: its Future, and how it is stopped while it waits or runs."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from types import TracebackType
from typing import Any, Self

from utils import refusals
from utils.errors import WorkerLost
from utils.refusals import StopReason


class Ticket:
    """Settled exactly once: by its lane, or by whoever stops it first.

    `halt` is what stopping means: leaving the queue at first, then what `begin` is given.
    """

    def __init__(self, name: str, halt: Callable[[Ticket], object]) -> None:
        self.name = name
        self.future: Future[Any] = Future()
        self.stopped: StopReason | None = None
        self.queued_at = time.perf_counter()
        self.started_at: float | None = None
        self._halt = halt
        self._lock = threading.Lock()

    def begin(self, halt: Callable[[Ticket], object]) -> bool:
        """Leave the queue for work; False when the work is not wanted any more."""
        with self._lock:
            if self.stopped or not self.future.set_running_or_notify_cancel():
                return False
            self._halt = halt
            self.started_at = time.perf_counter()
            return True

    def stop(self, reason: StopReason) -> None:
        """End the work for `reason`. Only the first call counts, and none after the answer."""
        with self._lock:
            if self.stopped or self.future.done():
                return
            self.stopped = reason
            halt = self._halt
        halt(self)

    def resolve(self, value: object) -> bool:
        """Answer with a value; False when it was answered before."""
        self._halt = _ignore  # it may hold the work, and the work holds its data
        try:
            self.future.set_result(value)
        except InvalidStateError:
            return False
        return True

    def fail(self, error: BaseException) -> bool:
        """Answer with an error; False when it was answered before."""
        self._halt = _ignore
        try:
            self.future.set_exception(error)
        except InvalidStateError:
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """An error inside the block becomes the answer, as it does in any executor."""
        if error is not None:
            _let_go_of_data(error)
            self.fail(_answer_for(error.with_traceback(trace.tb_next if trace else None)))
        return True


def _ignore(_: Ticket) -> None:
    """Stopping work that has been answered means nothing."""


def _answer_for(error: BaseException) -> BaseException:
    """The error as an awaiting page may meet it.

    An exit or interrupt raised inside work would end the server's event loop, and the text of
    a MemoryError tells nobody what to do.
    """
    if isinstance(error, MemoryError):
        return WorkerLost(transient=False)
    return error if isinstance(error, Exception) else refusals.failed()


def _let_go_of_data(error: BaseException) -> None:
    """Empty the frames that an error keeps alive, and with them the datasets they hold.

    (The frame of the block itself, which is still running, is taken off by the caller.)
    """
    chain: list[BaseException | None] = [error]
    seen: set[int] = set()
    while chain:
        link = chain.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            traceback.clear_frames(link.__traceback__)
            chain += [link.__cause__, link.__context__]
