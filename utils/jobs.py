"""Jobs run outside sessions, by the key of their result: whoever asks for the same attaches.

    Jobs(keep_seconds=600, kept=64)
    jobs.attach(key, start, owner=..., on_progress=None) -> Attendance    starts it, or joins it
    jobs.find(key, owner=..., on_progress=None) -> Attendance | None      never starts anything
    jobs.cancel(key, owner=...) -> bool                         stops it with its last owner
    jobs.forget(owner) -> Forgotten                             leaves nothing of this owner
    jobs.share(owner, other) -> int                             a workspace was forked
    jobs.running(owner) -> tuple[key, ...];  jobs.runs(key) -> int;  jobs.facts()

    attendance.future      this attender's own Future of the answer
    attendance.fraction, attendance.partial, attendance.started
    attendance.leave()     the session ended: nobody is called any more, the job goes on

An owner is a workspace, an attendance is one session that looks on. `start(cancel, progress)`
begins the work off the event loop and returns its Future (as `logic.submit` does). A click that
the browser sends again after a dropped line therefore joins the job that runs. A job that
succeeded is kept for a while, and attaching to it gives its answer; one that failed is kept for
`find`, and attaching starts it anew, because whoever clicks again wants another try.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Any, Literal

from utils.cancel import CancelToken
from utils.errors import Cancelled

Progress = Callable[[float, Any], None]
#: Begins the work: (switch that stops it, where it tells its progress) -> Future of the answer.
Start = Callable[[CancelToken, Progress], Future[Any]]
Status = Literal["running", "done", "failed", "cancelled"]

_KEEP_SECONDS = 600.0
_KEPT = 64
_LEDGER_KEYS = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A job that runs: for how many seconds, and how much of it is done (0 to 1)."""

    key: str
    owners: frozenset[str]
    seconds: float
    fraction: float


@dataclass(eq=False, slots=True)
class _Job:
    """One piece of work. Changed under the lock of `Jobs` only."""

    key: str
    owners: set[str] = field(default_factory=set)
    cancel: CancelToken = field(default_factory=CancelToken)
    status: Status = "running"
    fraction: float = 0.0
    partial: Any = None
    value: Any = None
    error: BaseException | None = None
    began_at: float = 0.0
    ended_at: float = 0.0
    attendances: dict[int, Attendance] = field(default_factory=dict)


class Attendance:
    """One session that looks on. `future` is its own: cancelling it stops nobody else's work.

    `started` is True for the call that began the work. `on_progress` (fraction, partial) is
    called in a thread of the lane and must not block.
    """

    def __init__(
        self, jobs: Jobs, job: _Job, owner: str, on_progress: Progress | None, *, started: bool
    ) -> None:
        self.key = job.key
        self.owner = owner
        self.started = started
        self.future: Future[Any] = Future()
        self._jobs = jobs
        self._job = job
        self._on_progress = on_progress

    @property
    def status(self) -> Status:
        """How the job stands."""
        return self._job.status

    @property
    def fraction(self) -> float:
        """How much of it is done, 0 to 1."""
        return self._job.fraction

    @property
    def partial(self) -> Any:
        """The partial result told last; None before the first."""
        return self._job.partial

    def leave(self) -> None:
        """Look on no more. The job goes on; call it when the session ends."""
        self._jobs.leave(self._job, self)

    def tell(self, fraction: float, partial: Any) -> None:
        """Hand progress on. A page that is gone (its loop is closed) is left alone from then on."""
        if self._on_progress is not None:
            try:
                self._on_progress(fraction, partial)
            except RuntimeError:
                self._on_progress = None

    def answer(self, value: Any, error: BaseException | None) -> None:
        """Settle the Future, unless its session cancelled it."""
        with contextlib.suppress(InvalidStateError):
            if error is None:
                self.future.set_result(value)
            else:
                self.future.set_exception(error)
        self._on_progress = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What `Jobs.forget` ended and dropped; the keys of both."""

    cancelled: tuple[str, ...]
    dropped: tuple[str, ...]


class Jobs:
    """The jobs of one process. Safe for threads.

    Of jobs that ended, the last `kept` are remembered for `keep_seconds`. `clock` gives seconds.
    """

    def __init__(
        self,
        *,
        keep_seconds: float = _KEEP_SECONDS,
        kept: int = _KEPT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keep_seconds = keep_seconds
        self._kept = kept
        self._clock = clock
        self._lock = threading.RLock()
        self._running: dict[str, _Job] = {}
        self._ended: OrderedDict[str, _Job] = OrderedDict()
        self._ledger: OrderedDict[str, int] = OrderedDict()
        self._counts: Counter[str] = Counter()

    def attach(
        self, key: str, start: Start, *, owner: str, on_progress: Progress | None = None
    ) -> Attendance:
        """Join the job of this key; `start` it when there is none that runs or succeeded.

        Raises what `start` raises (so do the Futures of those who joined meanwhile).
        """
        with self._lock:
            job = self._known(key)
            if job is not None and job.status in ("running", "done"):
                self._counts["attached"] += 1
                return self._join(job, owner, on_progress, started=False)
            job = self._running[key] = _Job(key, began_at=self._clock())
            self._ended.pop(key, None)
            self._note_start(key)
            attendance = self._join(job, owner, on_progress, started=True)
        self._begin(job, start)
        return attendance

    def find(
        self, key: str, *, owner: str, on_progress: Progress | None = None
    ) -> Attendance | None:
        """Look on at the job of this key, running or lately ended; None when there is none."""
        with self._lock:
            job = self._known(key)
            return None if job is None else self._join(job, owner, on_progress, started=False)

    def cancel(self, key: str, *, owner: str) -> bool:
        """The owner wants it no more: his attendances end, and with the last owner the work.

        False when no such job of this owner runs.
        """
        with self._lock:
            job = self._running.get(key)
            if job is None or owner not in job.owners:
                return False
        self._disown(job, owner)
        return True

    def forget(self, owner: str) -> Forgotten:
        """Cancel and drop all that only this owner holds; the rest goes on without him."""
        with self._lock:
            theirs = [job for job in self._running.values() if owner in job.owners]
            dropped: list[str] = []
            for job in list(self._ended.values()):
                job.owners.discard(owner)
                if not job.owners:
                    del self._ended[job.key]
                    dropped.append(job.key)
        for job in theirs:
            self._disown(job, owner)
        cancelled = tuple(job.key for job in theirs if job.cancel.cancelled)
        return Forgotten(cancelled=cancelled, dropped=tuple(dropped))

    def drop_answers(self, keys: Collection[str] | None) -> None:
        """Keep no answer of these keys (None: of any) any longer: who asks again starts anew."""
        with self._lock:
            for key in list(self._ended) if keys is None else keys:
                self._ended.pop(key, None)

    def share(self, owner: str, other: str) -> int:
        """A workspace was forked: `other` owns all that `owner` owns; the number of jobs."""
        with self._lock:
            theirs = [
                job for job in (*self._running.values(), *self._ended.values())
                if owner in job.owners
            ]  # fmt: skip
            for job in theirs:
                job.owners.add(other)
            return len(theirs)

    def running(self, owner: str) -> tuple[str, ...]:
        """Keys of the jobs of this owner that run now."""
        with self._lock:
            return tuple(key for key, job in self._running.items() if owner in job.owners)

    def under_way(self) -> tuple[UnderWay, ...]:
        """Every job that runs now, oldest first."""
        with self._lock:
            now = self._clock()
            return tuple(
                UnderWay(
                    key=job.key, owners=frozenset(job.owners), seconds=now - job.began_at,
                    fraction=job.fraction,
                )
                for job in self._running.values()
            )  # fmt: skip

    def runs(self, key: str) -> int:
        """The ledger: how often the work of this key was really started."""
        with self._lock:
            return self._ledger.get(key, 0)

    def facts(self) -> Mapping[str, int]:
        """Counts since the start, and what is held now."""
        with self._lock:
            self._prune()
            looking = sum(len(job.attendances) for job in self._running.values())
            names = ("started", "attached", "done", "failed", "cancelled")
            return {name: self._counts[name] for name in names} | {
                "running": len(self._running), "kept": len(self._ended), "attending": looking,
            }  # fmt: skip

    def leave(self, job: _Job, attendance: Attendance) -> None:
        """Take an attendance off its job (`Attendance.leave`)."""
        with self._lock:
            job.attendances.pop(id(attendance), None)
        attendance.future.cancel()

    # Starting and settling.

    def _known(self, key: str) -> _Job | None:
        self._prune()
        return self._running.get(key) or self._ended.get(key)

    def _join(
        self, job: _Job, owner: str, on_progress: Progress | None, *, started: bool
    ) -> Attendance:
        attendance = Attendance(self, job, owner, on_progress, started=started)
        job.owners.add(owner)
        if job.status == "running":
            job.attendances[id(attendance)] = attendance
        else:
            attendance.answer(job.value, job.error)
        return attendance

    def _note_start(self, key: str) -> None:
        self._counts["started"] += 1
        self._ledger[key] = self._ledger.pop(key, 0) + 1
        if len(self._ledger) > _LEDGER_KEYS:
            self._ledger.popitem(last=False)

    def _begin(self, job: _Job, start: Start) -> None:
        with contextlib.ExitStack() as unless_begun:
            unless_begun.push(lambda _kind, error, _trace: self._not_begun(job, error))
            future = start(job.cancel, lambda fraction, partial: self._told(job, fraction, partial))
        if job.status == "running":
            future.add_done_callback(lambda ended: self._landed(job, ended))

    def _not_begun(self, job: _Job, error: BaseException | None) -> bool:
        """`start` raised: those who joined meanwhile get the same error. False: it goes on."""
        if error is not None:
            told = error if isinstance(error, Exception) else Cancelled()
            self._settle(job, "failed", None, told)
        return False

    def _told(self, job: _Job, fraction: float, partial: Any) -> None:
        with self._lock:
            job.fraction, job.partial = fraction, partial
            looking = list(job.attendances.values())
        for attendance in looking:
            attendance.tell(fraction, partial)

    def _landed(self, job: _Job, future: Future[Any]) -> None:
        if future.cancelled():
            self._settle(job, "cancelled", None, Cancelled())
            return
        error = future.exception()
        if error is None:
            self._settle(job, "done", future.result(), None)
        else:
            status: Status = "cancelled" if isinstance(error, Cancelled) else "failed"
            self._settle(job, status, None, error)

    def _settle(self, job: _Job, status: Status, value: Any, error: BaseException | None) -> None:
        with self._lock:
            if job.status != "running":
                return
            job.status, job.value, job.error = status, value, error
            job.partial = None
            job.ended_at = self._clock()
            self._counts[status] += 1
            if self._running.get(job.key) is job:
                del self._running[job.key]
                self._ended[job.key] = job
            looking, job.attendances = list(job.attendances.values()), {}
            self._prune()
        for attendance in looking:
            attendance.answer(value, error)

    def _disown(self, job: _Job, owner: str) -> None:
        with self._lock:
            job.owners.discard(owner)
            theirs = [a for a in job.attendances.values() if a.owner == owner]
            for attendance in theirs:
                job.attendances.pop(id(attendance))
            last = not job.owners and self._running.get(job.key) is job
            if last:  # whoever asks from now on starts anew and does not join what is ending
                del self._running[job.key]
        for attendance in theirs:
            attendance.answer(None, Cancelled())
        if last:
            job.cancel.cancel()
            self._settle(job, "cancelled", None, Cancelled())

    def _prune(self) -> None:
        """Drop what ended too long ago, and the oldest when there are too many."""
        oldest_kept = self._clock() - self._keep_seconds
        while self._ended:
            job = next(iter(self._ended.values()))
            if job.ended_at > oldest_kept and len(self._ended) <= self._kept:
                return
            del self._ended[job.key]
