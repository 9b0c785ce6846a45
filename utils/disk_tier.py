"""The disk tier: sealed entries in a bounded directory that several processes share.

    directory/entries/       index and value files (diskcache, bytes only)
    directory/quarantine/    the last damaged entries and index, at most a few
    directory/clears         what was cleared lately, for the memory of the other processes
    directory/index.lock     held while an index is opened, made or put aside, and a clear is told
    directory/ballast        given up when the disk is full, so that room can be made

What is damaged is put aside and counted, never served: an entry alone when its signature does
not fit, the whole index when SQLite cannot read it or when it defines what we did not.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from utils.disk_store import INDEX_NAME, BytesIndex, index_is_ours
from utils.envelope import Entry, head_of, seal, unseal
from utils.errors import CorruptEntry, TierFault
from utils.fork import survive_fork
from utils.notices import Notice, NoticeFile
from utils.private_files import private_directory, sweep_drafts, write_private
from utils.process_lock import exclusive
from utils.tier import Doomed, Listed, Owner

_BALLAST_BYTES = 1 << 18
_OPEN_WAIT_SECONDS = 5.0
_PAUSE_SECONDS = 5.0
_YOUNG_SECONDS = 60.0
_QUARANTINED = 8
# How SQLite says that the index is not the one that was made, and what Python raises on its
# nonsense. (The other operational errors are about locks, space and permissions.)
_DAMAGE_WORDS = ("no such", "malformed", "has no column", "unable to decode", "unsupported file")
_NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_SIDE_FILES = ("", "-wal", "-shm")


class DiskTier:
    """Entries signed with `secret` in `directory`, at most about `max_bytes` of them.

    `clock` gives seconds since 1970. SQLite waits at most `busy_seconds`. Methods raise what
    went wrong (the cache's guard turns it into a miss) and leave no transaction open.
    """

    name = "disk"
    remote = False

    def __init__(
        self,
        directory: Path,
        *,
        secret: bytes,
        max_bytes: int,
        max_entry_bytes: int | None = None,
        busy_seconds: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.directory = directory
        self.max_bytes = max_bytes
        self.max_entry_bytes = max_bytes // 4 if max_entry_bytes is None else max_entry_bytes
        self.counts: Counter[str] = Counter()
        self._secret = secret
        self._busy_seconds = busy_seconds
        self._clock = clock
        self._entries = directory / "entries"
        self._index: BytesIndex | None = None
        self._identity: tuple[int, int] | None = None
        self._notices = NoticeFile(
            directory / "clears", secret=secret, lock=directory / "index.lock"
        )
        self._lock = threading.RLock()
        survive_fork(self)

    def pause(self) -> bool:
        """Keep every thread out of SQLite while the process forks."""
        return self._lock.acquire(timeout=_PAUSE_SECONDS)

    def resume(self) -> None:
        """Let threads in again."""
        self._lock.release()

    def after_fork(self) -> None:
        """Leave the parent's connection alone and open our own when needed."""
        self._lock = threading.RLock()
        if self._index is not None:
            self._index.abandon()
        self._index = None

    def get(self, key: str) -> Entry | None:
        """The entry, expired or not; CorruptEntry when it was damaged (it is then put aside)."""
        with self._working() as index:
            try:
                data = index.find(key)
            except CorruptEntry:
                index.delete(key)
                self.counts["corrupt"] += 1
                raise
        if data is None:
            return None
        try:
            return unseal(data, key=key, secret=self._secret)
        except CorruptEntry:
            self.counts["corrupt"] += 1
            self._put_aside(key, data)
            raise

    def put(self, key: str, entry: Entry, owner: Owner) -> bool:
        """Seal and keep the entry; False when it is larger than one entry may be."""
        data = seal(entry, key=key, secret=self._secret)
        if len(data) > self.max_entry_bytes:
            return False
        tag = f"{entry.expires_at!r}\n{owner.name}\n{owner.label}"
        with self._working() as index:
            index.keep(key, data, seconds=entry.expires_at - self._clock(), tag=tag)
        return True

    def clear(self, doomed: Doomed) -> int:
        """Remove entries, so that no byte of them stays in the directory.

        The other processes are told first: one that stores such an entry afterwards knows that
        it has to take it back. Deleted rows are overwritten, the log is emptied, and the
        quarantine goes as a whole: it may hold what is to be forgotten. Clearing what has expired
        also sweeps left-over files.
        """
        with self._working() as index:
            untold = self._tell(doomed)
            removed = self._remove(index, doomed)
            if untold is not None:
                raise untold
            return removed

    def _tell(self, doomed: Doomed) -> OSError | None:
        """Let the other processes know; why they could not be told."""
        if doomed.mark and doomed.expired_at is None and not isinstance(doomed, Notice):
            try:
                self._notices.post(doomed)
            except OSError as error:
                return error
        return None

    def _remove(self, index: BytesIndex, doomed: Doomed) -> int:
        if doomed == Doomed():
            removed = index.clear()
        else:
            removed = index.drop(
                row for row, key, owner, expires in _rows(index)
                if doomed.matches(key, owner, expires)
            )  # fmt: skip
        if doomed.expired_at is None:
            shutil.rmtree(self.directory / "quarantine", ignore_errors=True)
        self._sweep(index, 0.0 if doomed == Doomed() else _YOUNG_SECONDS)
        index.sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return removed

    def news(self, *, at_once: bool) -> bool:  # noqa: ARG002  (a look at a file is always cheap)
        """True when another process cleared something."""
        return self._notices.news()

    def hear(self, obey: Callable[[Notice], None]) -> None:
        """Call `obey` with what other processes cleared (here it is gone already). Never raises."""
        self._notices.hear(obey)

    def listed(self, keys: Collection[str] | None, limit: int) -> Sequence[Listed]:
        """The newest entries, or the newest of `keys`. Only their heads are read."""
        with self._working() as index:
            return [
                Listed(
                    key=row.key, name=owner.name, size_bytes=row.size_bytes,
                    created_at=row.stored_at if head is None else head.created_at,
                    expires_at=expires,
                    cost_seconds=None if head is None else head.cost_seconds,
                )
                for row in index.newest(limit, keys)
                for head, (owner, expires) in [(head_of(row.head), _told(row.tag))]
            ]  # fmt: skip

    def sweep(self, *, older_than_seconds: float = _YOUNG_SECONDS) -> int:
        """Delete value files that no row names, and drafts, if old enough not to be just being
        written; their number."""
        with self._working() as index:
            return self._sweep(index, older_than_seconds)

    def _sweep(self, index: BytesIndex, older_than_seconds: float) -> int:
        removed = index.sweep(older_than_seconds)
        for place in (self.directory, self.directory / "quarantine"):
            removed += sweep_drafts(place, older_than_seconds)
        self.counts["swept"] += removed
        return removed

    def check(self) -> list[str]:
        """Re-derive every count of the index and compare files with rows.

        What does not add up is said and mended: counts are set right, rows without their file
        go, an index that SQLite finds unsound is put aside.
        """
        with self._working() as index:
            unsound = [
                f"disk: {row[0]}" for row in index.sql("PRAGMA integrity_check").fetchall()
                if row[0] != "ok"
            ]  # fmt: skip
            if not unsound:
                return [*index.wrong_counts(), *index.wrong_files()]
            self._drop_connection()
            self._quarantine_index()
            return unsound

    def facts(self) -> Mapping[str, Any]:
        """Entries, bytes (index and files), the bound, and what was put aside."""
        with self._working() as index:
            return {
                "entries": index.entries(),
                "size_bytes": int(index.volume()),
                "max_bytes": self.max_bytes,
                **self.counts,
            }

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        with self._lock:
            if self._index is not None:
                self._index.close()
            self._index = None

    # Opening, and what happens when something goes wrong.

    @contextlib.contextmanager
    def _working(self) -> Iterator[BytesIndex]:
        """The index, locked. What happens after a fault: see `_Mend`."""
        with self._lock, _Mend(self._mend):
            yield self._opened()

    def _mend(self, error: BaseException) -> None:
        """After any fault the connection is dropped, so that no half-done transaction stays.

        A damaged index is put aside (CorruptEntry), a full disk is relieved.
        """
        self._drop_connection()
        if _is_damage(error):
            self._quarantine_index()
            raise CorruptEntry("The index of stored results was damaged.") from error
        if _is_full(error):
            self._relieve()

    def _opened(self) -> BytesIndex:
        if self._index is not None and self._identity == _identity(self._entries / INDEX_NAME):
            return self._index
        self._drop_connection()
        private_directory(self.directory)
        with exclusive(self.directory / "index.lock", wait_seconds=_OPEN_WAIT_SECONDS):
            private_directory(self._entries)
            self._index = self._open_index()
            self._identity = _identity(self._entries / INDEX_NAME)
            if not (self.directory / "ballast").exists():
                write_private(self.directory / "ballast", bytes(_BALLAST_BYTES), replace=False)
        self._sweep(self._index, _YOUNG_SECONDS)
        return self._index

    def _open_index(self) -> BytesIndex:
        path = self._entries / INDEX_NAME
        try:
            if index_is_ours(path, busy_seconds=self._busy_seconds):
                return self._made_index()
        except (sqlite3.DatabaseError, *_NONSENSE) as error:
            if not _is_damage(error):
                raise
        self._move_index_away()
        return self._made_index()

    def _made_index(self) -> BytesIndex:
        return BytesIndex(self._entries, max_bytes=self.max_bytes, busy_seconds=self._busy_seconds)

    def _drop_connection(self) -> None:
        index, self._index = self._index, None
        if index is not None:
            with contextlib.suppress(sqlite3.Error):
                index.close()

    def _quarantine_index(self) -> None:
        with exclusive(self.directory / "index.lock", wait_seconds=_OPEN_WAIT_SECONDS):
            # Another process may have replaced the damaged index already.
            if self._identity == _identity(self._entries / INDEX_NAME):
                self._move_index_away()

    def _move_index_away(self) -> None:
        """Put index, log and shared memory aside; its value files become left-overs to sweep."""
        self.counts["index quarantined"] += 1
        aside = private_directory(self.directory / "quarantine")
        for suffix in _SIDE_FILES:
            path = self._entries / f"{INDEX_NAME}{suffix}"
            with contextlib.suppress(FileNotFoundError):
                path.replace(aside / f"index{suffix}")

    def _put_aside(self, key: str, data: bytes) -> None:
        with self._working() as index:
            index.delete(key)
        with contextlib.suppress(OSError):
            aside = private_directory(self.directory / "quarantine")
            kept = sorted(aside.glob("*.entry"), key=lambda path: path.stat().st_mtime)
            for path in kept[: max(0, len(kept) - _QUARANTINED + 1)]:
                path.unlink()
            write_private(aside / f"{key[:32]}.entry", data[: 1 << 20], replace=True)

    def _relieve(self) -> None:
        """The disk is full: give up the ballast, then the oldest quarter of the entries."""
        self.counts["disk full"] += 1
        with contextlib.suppress(OSError, sqlite3.Error, TierFault):
            (self.directory / "ballast").unlink(missing_ok=True)
            index = self._opened()
            rows = index.sql("SELECT rowid FROM Cache ORDER BY store_time").fetchall()
            oldest = [row for (row,) in rows[: (len(rows) + 3) // 4]]
            index.drop(oldest)
            self.counts["dropped for room"] += len(oldest)
            index.sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._drop_connection()


class _Mend:
    """Calls `mend` with whatever but a CorruptEntry leaves the block; the fault goes on."""

    def __init__(self, mend: Callable[[BaseException], None]) -> None:
        self._mend = mend

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: object, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, CorruptEntry):
            self._mend(error)


def _rows(index: BytesIndex) -> Iterator[tuple[int, str, Owner, float]]:
    """Row, key, owner and expiry of every entry; a tag not written by us counts as expired."""
    for row, key, tag in index.sql("SELECT rowid, key, tag FROM Cache").fetchall():
        yield row, str(key), *_told(tag)


def _told(tag: object) -> tuple[Owner, float]:
    """Owner and expiry in a tag; one not written by us counts as expired."""
    expires, name, label = [*str(tag).split("\n", 2), "", ""][:3]
    try:
        return Owner(name, label), float(expires)
    except ValueError:
        return Owner(name, label), 0.0


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the index: another file under its name means that it was replaced."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_damage(error: BaseException) -> bool:
    """True for "malformed", "no such table", undecodable text and the like.

    False for what the surroundings do: busy, full, read-only, unreachable, out of memory.
    """
    if isinstance(error, sqlite3.OperationalError):
        return any(words in str(error) for words in _DAMAGE_WORDS)
    return isinstance(error, (sqlite3.DatabaseError, *_NONSENSE))


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, sqlite3.OperationalError) and "full" in str(error)
