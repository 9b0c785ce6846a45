"""Workspaces: what a person works on lives on the server, and a browser tab holds the key to it.

    Workspaces(secret=..., journal=..., limits=WorkspaceLimits(), clock=time.time)
    workspaces.create(page="") -> Visit             a first visit; Overloaded when there is no room
    workspaces.resume(token_text, page="") -> Visit     WorkspaceGone for a token not in force
    workspaces.confirm(token_text) -> bool          the page has stored its new token
    workspaces.identify(token_text) -> id | None    whose token this is, without using it
    workspaces.state(id), .change(id, step)         also for jobs that end without a session
    workspaces.end(id) -> Released | None           forget it
    workspaces.sweep() -> tuple[Released, ...]      end what expired; all that was let go of
    workspaces.holders(key), .ids(), .facts()

    visit.token         for the page to store (see `Token`): never in an address, never in a log
    visit.workspace_id  names the workspace inside the server; it opens nothing
    visit.forked_from   the id of the original when the tab was duplicated, else None
    visit.state, visit.change(step), visit.touch(), visit.leave()

Each resume hands out a new token. The old one is good until the new one is first used
(`confirm`, or the next resume) and for at most `grace_seconds`. When the connection that
carried the new token ends before it was used, nobody knows which of the two the page holds, so
both stay good until one of them is used: a person whose line drops twice loses nothing. A token
that is presented while its workspace is open in another page forks it; the same page (its
random `page` id survives a reconnect, not a reload) takes its own place again.

Tokens are stored as keyed digests. Limits: `idle_seconds` since the last use,
`absolute_seconds` since the first workspace of the family (a fork does not live longer).
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from utils.bounded_json import JsonLimits, NotPlain, TooLarge
from utils.errors import Overloaded, WorkspaceFull, WorkspaceGone
from utils.key_holders import KeyHolders
from utils.visit import Step, Visit
from utils.workspace_journal import WorkspaceJournal
from utils.workspace_record import Record, Used, WorkspaceLimits, record_of
from utils.workspace_state import Request, WorkspaceState
from utils.workspace_tokens import Token, Tokens

__all__ = ["Released", "Step", "Visit", "WorkspaceLimits", "Workspaces"]

_TOUCH_SECONDS = 300.0
_PAGE_CHARACTERS = 64
_SLACK_BYTES = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What a workspace holds no more: its file, and keys that no other workspace holds.

    `ended` when the workspace itself is gone; `size_bytes` then are those of its record, and
    `removed` says whether its journal is off the disk.
    """

    workspace_id: str
    content: str | None = None
    keys: tuple[str, ...] = ()
    ended: bool = False
    size_bytes: int = 0
    removed: bool = True


class Workspaces:
    """All workspaces of one process. Safe for threads. Without `journal` in memory only."""

    def __init__(
        self,
        *,
        secret: bytes,
        journal: WorkspaceJournal | None = None,
        limits: WorkspaceLimits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.limits = limits or WorkspaceLimits()
        self._tokens = Tokens(secret)
        self._journal = journal
        self._clock = clock
        self._limit = JsonLimits(size_bytes=self.limits.size_bytes)
        # times and marks change without anybody asking for it, which must never be refused
        self._file_limit = JsonLimits(size_bytes=self.limits.size_bytes + _SLACK_BYTES)
        self._lock = threading.RLock()
        self._records: dict[str, Record] = {}
        self._marks: dict[str, Record] = {}
        self._visits: dict[str, Visit] = {}
        self._holders = KeyHolders()
        self._released: list[Released] = []
        self._counts: Counter[str] = Counter()
        self._restore()

    def create(self, *, page: str = "") -> Visit:
        """A new, empty workspace. Overloaded when every place is taken by somebody's work."""
        with self._lock:
            now = self._clock()
            return self._open_new(WorkspaceState(), now, page, None)

    def resume(self, token: str, *, page: str = "") -> Visit:
        """The workspace that the token opens, under a new token.

        WorkspaceGone, always in the same words, when the token opens nothing. Overloaded when
        a duplicated tab finds no room for its fork.
        """
        with self._lock:
            now = self._clock()
            record, used = self._opened(token, now)
            visit = self._visits.get(record.id)
            if visit is not None and not _same_page(visit, page):
                self._counts["forked"] += 1
                return self._open_new(record.state, record.created_at, page, record)
            minted, mark = self._tokens.mint()
            self._forget_marks(record)
            record.rotate(used, mark, now + self.limits.grace_seconds)
            record.used_at = now
            self._remember_marks(record)
            self._write(record)
            self._counts["resumed"] += 1
            return self._enter(record, page, minted, None)

    def confirm(self, token: str) -> bool:
        """The page has stored this token: the one before is dead. False when it opens nothing."""
        with self._lock:
            try:
                record, used = self._opened(token, self._clock())
            except WorkspaceGone:
                return False
            if used != "current":
                return False
            if record.previous is not None:
                self._forget_marks(record)
                record.settle()
                self._remember_marks(record)
                self._write(record)
            return True

    def identify(self, token: str) -> str | None:
        """The id of the workspace that this token opens, without using the token up."""
        with self._lock:
            try:
                return self._opened(token, self._clock())[0].id
            except WorkspaceGone:
                return None

    def require(self, visit: Visit) -> WorkspaceState:
        """The state of a visit that is not over; WorkspaceGone otherwise."""
        with self._lock:
            if self._visits.get(visit.workspace_id) is not visit:
                raise WorkspaceGone
            return self._alive(visit.workspace_id).state

    def touch(self, visit: Visit) -> None:
        """Start the idle time of a visited workspace again (`Visit.touch`)."""
        with self._lock:
            self.require(visit)
            record = self._records[visit.workspace_id]
            record.used_at = self._clock()
            if record.used_at - record.written_at >= _TOUCH_SECONDS:
                self._write(record)

    def leave(self, visit: Visit) -> None:
        """End a visit (`Visit.leave`)."""
        with self._lock:
            if self._visits.get(visit.workspace_id) is not visit:
                return
            del self._visits[visit.workspace_id]
            record = self._records[visit.workspace_id]
            if record.previous is not None:
                record.leave_open(self._clock())
                self._write(record)

    def state(self, workspace_id: str) -> WorkspaceState:
        """What the workspace holds. WorkspaceGone when there is none (any more)."""
        with self._lock:
            return self._alive(workspace_id).state

    def change(self, workspace_id: str, step: Step, *, used: bool = False) -> WorkspaceState:
        """Replace the state by `step(state)` and keep it; `used` says that the person did it.

        WorkspaceFull when it would be too large, NotPlain (an error of the program) when it
        holds anything but plain data; nothing has changed then.
        """
        with self._lock:
            record = self._alive(workspace_id)
            before, used_at = record.state, record.used_at
            try:
                record.state = step(before)
                record.used_at = self._clock() if used else used_at
                data = record.write(self._limit)
            except NotPlain as error:
                record.state, record.used_at = before, used_at
                if isinstance(error, TooLarge):
                    raise WorkspaceFull from error
                raise
            grown = len(data) - record.size_bytes
            if grown > 0 and self._is_short_of(grown):
                record.state, record.used_at = before, used_at
                raise WorkspaceFull("The server keeps as many settings as it can.")
            self._let_go(record.id, before, record.state)
            self._keep(record, data)
            return record.state

    def end(self, workspace_id: str) -> Released | None:
        """Forget a workspace in memory and on disk; None when there is none."""
        with self._lock:
            record = self._records.pop(workspace_id, None)
            if record is None:
                return None
            self._visits.pop(workspace_id, None)
            self._forget_marks(record)
            self._counts["ended"] += 1
            content = record.state.dataset.content if record.state.dataset else None
            return Released(
                workspace_id=workspace_id, content=content, ended=True,
                keys=self._holders.let_go(record.state.keys), size_bytes=record.size_bytes,
                removed=self._journal is None or self._journal.remove(workspace_id),
            )  # fmt: skip

    def sweep(self) -> tuple[Released, ...]:
        """End what has expired; all that was let go of since the last sweep, for its keeper."""
        with self._lock:
            self._end_expired()
            if self._journal is not None:
                self._journal.pay()
            released, self._released = tuple(self._released), []
            return released

    def holders(self, key: str) -> int:
        """How many workspaces hold this key."""
        with self._lock:
            return self._holders.count(key)

    def ids(self) -> tuple[str, ...]:
        """The workspaces that have not expired."""
        with self._lock:
            now = self._clock()
            return tuple(n for n, r in self._records.items() if now < r.ends_at(self.limits))

    def jobs(self) -> tuple[Request, ...]:
        """Every job that a workspace waits for."""
        with self._lock:
            return tuple(job for record in self._records.values() for job in record.state.jobs)

    def facts(self) -> Mapping[str, Any]:
        """Numbers for the panel; refused tokens by reason, which no page is ever told."""
        with self._lock:
            return {
                "workspaces": len(self._records), "visits": len(self._visits),
                "size_bytes": sum(record.size_bytes for record in self._records.values()),
                **self._counts,
                "journal": {} if self._journal is None else dict(self._journal.counts),
            }  # fmt: skip

    # Inside, always under the lock.

    def _restore(self) -> None:
        if self._journal is None:
            return
        now = self._clock()
        for name, data in self._journal.load(self._file_limit.size_bytes).items():
            try:
                record = record_of(name, data, self._file_limit, now)
            except (ValueError, TypeError, KeyError, AttributeError):
                self._journal.put_aside(name)
                continue
            record.written_at = now
            self._admit(record)

    def _admit(self, record: Record) -> None:
        self._records[record.id] = record
        self._remember_marks(record)
        self._holders.hold(record.state.keys)

    def _open_new(
        self, state: WorkspaceState, created_at: float, page: str, origin: Record | None
    ) -> Visit:
        self._make_room(0 if origin is None else origin.size_bytes)
        minted, mark = self._tokens.mint()
        record = Record(
            id=secrets.token_hex(16), created_at=created_at, used_at=self._clock(),
            current=mark, state=state,
        )  # fmt: skip
        self._admit(record)
        self._write(record)
        self._counts["created"] += 1
        return self._enter(record, page, minted, None if origin is None else origin.id)

    def _enter(self, record: Record, page: str, token: Token, origin: str | None) -> Visit:
        visit = Visit(self, record.id, page[:_PAGE_CHARACTERS], token, origin)
        self._visits[record.id] = visit
        return visit

    def _make_room(self, size_bytes: int) -> None:
        """End what expired, then what is empty and not open; never anybody's work."""

        def full() -> bool:
            return len(self._records) >= self.limits.workspaces or self._is_short_of(size_bytes)

        if not full():
            return
        self._end_expired()
        left = [r for r in self._records.values() if r.state.is_empty and r.id not in self._visits]
        if full() and left:
            self._end_unasked(min(left, key=lambda r: r.used_at), "evicted")
        if full():
            self._counts["no room"] += 1
            raise Overloaded("The server keeps the work of as many people as it can.")

    def _is_short_of(self, size_bytes: int) -> bool:
        held = sum(record.size_bytes for record in self._records.values())
        return held + size_bytes > self.limits.total_bytes

    def _end_expired(self) -> None:
        now = self._clock()
        for record in list(self._records.values()):
            if now >= record.ends_at(self.limits):
                self._end_unasked(record, "expired")

    def _end_unasked(self, record: Record, why: str) -> None:
        released = self.end(record.id)
        self._counts[why] += 1
        if released is not None:
            self._released.append(released)

    def _opened(self, token: str, now: float) -> tuple[Record, Used]:
        mark = self._tokens.mark(token)
        record = None if mark is None else self._marks.get(mark)
        if mark is None or record is None:
            self._counts["refused unknown"] += 1
            raise WorkspaceGone
        if now >= record.ends_at(self.limits):
            self._counts["refused expired"] += 1
            raise WorkspaceGone
        used = record.opened_by(mark, now)
        if used is None:
            self._counts["refused rotated"] += 1
            raise WorkspaceGone
        return record, used

    def _alive(self, workspace_id: str) -> Record:
        record = self._records.get(workspace_id)
        if record is None or self._clock() >= record.ends_at(self.limits):
            raise WorkspaceGone
        return record

    def _remember_marks(self, record: Record) -> None:
        self._marks.update(dict.fromkeys(record.marks, record))

    def _forget_marks(self, record: Record) -> None:
        for mark in record.marks:
            self._marks.pop(mark, None)

    def _let_go(self, name: str, before: WorkspaceState, after: WorkspaceState) -> None:
        """Count keys anew; what nobody holds any more is released."""
        self._holders.hold(set(after.keys) - set(before.keys))
        keys = self._holders.let_go(set(before.keys) - set(after.keys))
        old = before.dataset.content if before.dataset else None
        new = after.dataset.content if after.dataset else None
        content = old if old != new else None
        if keys or content:
            self._released.append(Released(workspace_id=name, content=content, keys=keys))

    def _write(self, record: Record) -> None:
        self._keep(record, record.write(self._file_limit))

    def _keep(self, record: Record, data: bytes) -> None:
        record.size_bytes = len(data)
        record.written_at = self._clock()
        if self._journal is not None:
            self._journal.write(record.id, data, record.ends_at(self.limits))


def _same_page(visit: Visit, page: str) -> bool:
    return bool(page) and visit.page == page[:_PAGE_CHARACTERS]
