"""diskcache, narrowed to what is safe: keys are hexadecimal text, values are bytes.

diskcache alone reads pickles and follows any file name in its index. Here a row that names a
pickle, a foreign path or a link is a CorruptEntry; nothing outside the directory is read or
removed; waits on SQLite are bounded; one connection per process serves all threads (the caller
locks), without memory map and with a small page cache; a forked child never touches the
connection of its parent.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import diskcache
from diskcache.core import DBNAME, DEFAULT_SETTINGS, ENOVAL, METADATA, MODE_BINARY, MODE_RAW

from utils.envelope import HEAD_BYTES
from utils.errors import CorruptEntry
from utils.value_files import ValueFiles

INDEX_NAME: str = DBNAME
_KEY = re.compile(r"[0-9a-f]{8,128}")
_SMALL_BYTES = 1 << 15
# Of all keys (NULL) or of those in a list written as JSON.
_NEWEST = """
    SELECT key, tag, store_time, size + COALESCE(LENGTH(value), 0), filename, SUBSTR(value, 1, ?)
    FROM Cache WHERE ? IS NULL OR key IN (SELECT value FROM json_each(?))
    ORDER BY store_time DESC LIMIT ?
"""

#: SHA-256 of the tables, indexes and triggers that diskcache 5.6.3 makes with these settings.
#: An index with any other schema is not ours: a planted trigger would run inside our statements.
SCHEMA_DIGEST = "3adc3091a506f12c3410a8e04dd01accd93f0d37e86a7d8aa46d4d03b3415201"

# Connections inherited through a fork. They are kept alive because closing them in the child
# would run SQLite's clean-up on files that the parent is using.
_inherited: list[sqlite3.Connection] = []


class Row(NamedTuple):
    """A row of the index as a list shows it; `head` are the first bytes of the value."""

    key: str
    tag: str
    stored_at: float
    size_bytes: int
    head: bytes


class BytesOnlyDisk(diskcache.Disk):
    """Stores bytes under hexadecimal keys and refuses everything else.

    `written` is the file of a row that is not committed yet.
    """

    written: str | None = None

    def __init__(self, directory: str, **settings: Any) -> None:
        super().__init__(directory, **settings)
        self.files = ValueFiles(directory)

    def put(self, key: object) -> tuple[str, bool]:  # type: ignore[override]
        """The key as it stands in the index."""
        if type(key) is not str or not _KEY.fullmatch(key):
            raise CorruptEntry("A key is not hexadecimal text.")
        return key, True

    def get(self, key: object, raw: object) -> str:
        """The key read back from the index."""
        if raw != 1:
            raise CorruptEntry("A stored key is a pickle.")
        return self.put(key)[0]

    def store(  # type: ignore[override]
        self,
        value: object,
        read: bool,
        key: object = None,  # noqa: ARG002  (diskcache passes it by name)
    ) -> tuple[int, int, str | None, object]:
        """Small values into the index, larger ones into a file of their own."""
        if type(value) is not bytes or read:
            raise CorruptEntry("Only bytes can be stored.")
        if len(value) < _SMALL_BYTES:
            return 0, MODE_RAW, None, sqlite3.Binary(value)
        self.written = self.files.write(value)
        return len(value), MODE_BINARY, self.written, None

    def fetch(self, mode: object, filename: object, value: object, read: bool) -> bytes:
        """The bytes of a row; CorruptEntry for rows that we cannot have written."""
        if mode == MODE_RAW and filename is None and isinstance(value, bytes):
            return value
        if mode != MODE_BINARY or value is not None or read:
            raise CorruptEntry("A stored row has an unknown form.")
        return self.files.read(filename)

    def remove(self, file_path: object) -> None:
        """Delete a value file; foreign names are let be."""
        self.files.remove(file_path)


class BytesIndex(diskcache.Cache):
    """A diskcache Cache of bytes with bounded waits and one connection per process.

    Not locked: one thread at a time. sqlite3.Error, OSError, TimeoutError of diskcache and
    CorruptEntry come out as they are.
    """

    _disk: BytesOnlyDisk

    def __init__(self, directory: Path, *, max_bytes: int, busy_seconds: float) -> None:
        self._connection: sqlite3.Connection | None = None
        self._owner_pid = os.getpid()
        self._busy_seconds = busy_seconds
        create_private(directory / INDEX_NAME)
        settings = {
            **DEFAULT_SETTINGS,
            "size_limit": max_bytes,
            "disk_min_file_size": _SMALL_BYTES,
            "sqlite_cache_size": 256,
            "sqlite_mmap_size": 0,
        }
        super().__init__(os.fspath(directory), timeout=1, disk=BytesOnlyDisk, **settings)
        self.recount()

    def find(self, key: str) -> bytes | None:
        """The bytes under `key`; CorruptEntry for a row that we cannot have written.

        Expiry is not looked at: the envelope states it, signed.
        """
        rows = self.sql(
            "SELECT mode, filename, value FROM Cache WHERE key = ? AND raw = 1",
            (self._disk.put(key)[0],),
        ).fetchall()
        for mode, filename, value in rows:
            with contextlib.suppress(FileNotFoundError):  # cleared or culled meanwhile
                return self._disk.fetch(mode, filename, value, read=False)
        return None

    def keep(self, key: str, value: bytes, *, seconds: float, tag: str) -> None:
        """Store `value` for `seconds`; a file written in vain is removed again."""
        with contextlib.ExitStack() as undo:
            undo.callback(self._undo_keep)
            self.set(key, value, expire=seconds, tag=tag)
            undo.pop_all()
        self._disk.written = None

    def _undo_keep(self) -> None:
        """Roll back by closing, then remove the file that no row names."""
        written, self._disk.written = self._disk.written, None
        with contextlib.suppress(sqlite3.Error):
            self.close()
        if written is not None:
            self._disk.remove(written)

    def drop(self, rows: Iterable[int]) -> int:
        """Delete rows, whatever they hold, and their files; the number of rows."""
        chosen = list(rows)
        files: list[object] = []
        with self.transact():
            for row in chosen:
                found = self.sql("DELETE FROM Cache WHERE rowid = ? RETURNING filename", (row,))
                files += [filename for (filename,) in found.fetchall()]
        for filename in files:
            self._disk.remove(filename)
        return len(files)

    def sweep(self, older_than_seconds: float) -> int:
        """Delete value files that no row names, if old enough not to be just being written."""
        rows = self.sql("SELECT filename FROM Cache WHERE filename IS NOT NULL").fetchall()
        named = {name for (name,) in rows}
        doomed = [n for n in self._disk.files.older_than(older_than_seconds) if n not in named]
        for name in doomed:
            self._disk.remove(name)
        return len(doomed)

    def entries(self) -> int:
        """Number of rows."""
        return int(self.reset("count"))

    @property
    def sql(self) -> Callable[..., sqlite3.Cursor]:
        """Execute one statement."""
        return self._con.execute

    def newest(self, limit: int, keys: Collection[str] | None) -> Iterator[Row]:
        """The rows stored last, all or those of `keys`, with the first bytes of their values."""
        given = None if keys is None else json.dumps(sorted(keys))
        found = self.sql(_NEWEST, (HEAD_BYTES, given, given, limit))
        for key, tag, stored_at, size, filename, value in found.fetchall():
            head = value if filename is None else self._head(filename)
            yield Row(str(key), str(tag), float(stored_at), int(size), bytes(head or b""))

    def _head(self, filename: object) -> bytes:
        with contextlib.suppress(OSError, CorruptEntry):
            return self._disk.files.read(filename, HEAD_BYTES)
        return b""

    def wrong_counts(self) -> list[str]:
        """Counters that differ from the rows, in words; they are set right."""
        told = dict(self.sql("SELECT key, value FROM Settings WHERE key IN ('count', 'size')"))
        self.recount()
        right = dict(self.sql("SELECT key, value FROM Settings WHERE key IN ('count', 'size')"))
        return [
            f"disk: {name} is {right[name]}, the index says {told.get(name)}"
            for name in right
            if told.get(name) != right[name]
        ]

    def wrong_files(self) -> list[str]:
        """Rows whose file is foreign, missing or of another length, in words; the rows go."""
        said: list[str] = []
        named = self.sql("SELECT rowid, filename, size FROM Cache WHERE filename IS NOT NULL")
        for row, filename, size in named.fetchall():
            wrong = self._disk.files.missing_or_other(filename, size)
            if wrong is not None:
                said.append(f"disk: {wrong}")
                self.sql("DELETE FROM Cache WHERE rowid = ?", (row,))
        return said

    def recount(self) -> None:
        """Derive the two counters of diskcache from the rows."""
        for name, formula in (("count", "COUNT(*)"), ("size", "COALESCE(SUM(size), 0)")):
            self.sql(
                f"UPDATE Settings SET value = (SELECT {formula} FROM Cache) WHERE key = ?",  # noqa: S608
                (name,),
            )

    @property
    def _con(self) -> sqlite3.Connection:
        if self._owner_pid != os.getpid():
            self.abandon()
        if self._connection is None:
            self._connection = _connect(Path(self._directory) / INDEX_NAME, self._busy_seconds)
        return self._connection

    @property
    def _sql_retry(self) -> Callable[..., sqlite3.Cursor]:
        return self.sql

    def abandon(self) -> None:
        """Forget an inherited connection without closing it."""
        if self._connection is not None:
            _inherited.append(self._connection)
        self._connection = None
        self._owner_pid = os.getpid()
        self._txn_id = None

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._owner_pid != os.getpid():
            self.abandon()
        connection, self._connection = self._connection, None
        self._txn_id = None
        if connection is not None:
            connection.close()

    def reset(self, key: str, value: Any = ENOVAL, update: bool = True) -> Any:
        """Read or set one of diskcache's settings, with the bounded waits of this class."""
        if value is ENOVAL:
            ((value,),) = self.sql("SELECT value FROM Settings WHERE key = ?", (key,)).fetchall()
        else:
            if update:
                self.sql("UPDATE Settings SET value = ? WHERE key = ?", (value, key))
            if key.startswith("sqlite_"):
                self._pragma(key.removeprefix("sqlite_"), value)
            elif key.startswith("disk_"):
                setattr(self._disk, key.removeprefix("disk_"), value)
        setattr(self, key, value)
        return value

    def _pragma(self, name: str, value: object) -> None:
        found = self.sql(f"PRAGMA {name}").fetchall()
        if found != [(value,)]:
            self.sql(f"PRAGMA {name} = {value}").fetchall()


def _connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        os.fspath(path), timeout=busy_seconds, isolation_level=None, check_same_thread=False
    )
    # Damaged text must not raise while a row is being read: it is caught as a corrupt entry.
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    for pragma in (
        "trusted_schema = OFF", "cell_size_check = ON", "secure_delete = ON",
        "synchronous = NORMAL", "mmap_size = 0", "cache_size = 256",
        "journal_size_limit = 1048576",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def create_private(path: Path) -> None:
    """Make an empty 0600 file unless one stands there; OSError for a link."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags, 0o600)
    try:
        if os.fstat(handle).st_mode & 0o077:
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def schema_digest(connection: sqlite3.Connection) -> str:
    """SHA-256 of everything that the database defines."""
    rows = connection.execute(
        "SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_master ORDER BY type, name"
    ).fetchall()
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def index_is_ours(path: Path, *, busy_seconds: float) -> bool:
    """True for a missing or empty index and for one with our schema and known settings.

    sqlite3.DatabaseError when the file is no database, sqlite3.OperationalError when it cannot
    be read now.
    """
    if not path.exists() or path.stat().st_size == 0:
        return True
    connection = _connect(path, busy_seconds)
    try:
        if schema_digest(connection) != SCHEMA_DIGEST:
            return False
        rows = connection.execute("SELECT key, value FROM Settings").fetchall()
        known = {*DEFAULT_SETTINGS, *METADATA}
        return {name for name, _ in rows} == known and all(
            isinstance(value, (int, str)) for _, value in rows
        )
    finally:
        connection.close()
