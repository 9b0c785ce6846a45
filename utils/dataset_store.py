"""Uploaded files, by what they contain, for as long as a workspace holds them.

    directory/<64 hex digits>                 a file, 0600; the name is the digest of its bytes
    directory/<16 hex digits>.part            being written; left over when the process died

    DatasetStore(directory, max_bytes=...)
    store.put(path, declared_bytes=..., holder=...) -> StoredFile      copies; see its errors
    store.put_bytes(data, holder=...) -> StoredFile
    store.path(content) -> Path               verified; DatasetGone when it is not what was stored
    store.hold(content, holder)               a fork, or a workspace restored at the start
    store.release(content, holder) -> int     bytes deleted (0 while somebody holds it)
    store.sweep() -> Swept                    at start (after every `hold`) and hourly
    store.facts()

One process uses a directory. A file is copied whole or not at all, and is deleted with its last
holder. What could not be deleted is owed, and tried again by `sweep`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import stat
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from utils.errors import DatasetGone, IncompleteUpload, Overloaded, StoreFault
from utils.keys import digest_of
from utils.private_files import NotPrivate, private_directory

_log = logging.getLogger(__name__)
_CONTENT = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"[0-9a-f]{16}\.part")
_CHUNK_BYTES = 1 << 18
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file in the store: the digest of its bytes, where it is, how large it is."""

    content: str
    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep deleted (files that nobody held, drafts), and what it left alone."""

    files: int = 0
    size_bytes: int = 0
    foreign: int = 0
    owed: int = 0


class DatasetStore:
    """The files of all workspaces, at most `max_bytes` together. Safe for threads."""

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        self.directory = directory
        self.max_bytes = max_bytes
        self._lock = threading.RLock()
        self._holders: dict[str, set[str]] = {}
        self._sizes: dict[str, int] = {}
        self._drafts: dict[str, int] = {}
        self._owed: set[str] = set()
        self._counts: Counter[str] = Counter()

    def put(self, source: Path, *, declared_bytes: int | None, holder: str) -> StoredFile:
        """Copy a file that arrived and hold it.

        IncompleteUpload when it has not exactly `declared_bytes` (None: nobody said), Overloaded
        when there is no room for it, StoreFault when the disk takes or gives no file. Nothing
        is left behind then.
        """
        try:
            reader, found = _opened(source)
        except OSError:  # it went with the connection that it came through
            raise IncompleteUpload from None
        with reader:
            if declared_bytes is not None and found.st_size != declared_bytes:
                raise IncompleteUpload
            return self._keep(_chunks(reader), found.st_size, holder)

    def put_bytes(self, data: bytes, *, holder: str) -> StoredFile:
        """Keep the bytes (of a saved session) as a file and hold it. Errors as in `put`."""
        return self._keep([data], len(data), holder)

    def path(self, content: str) -> Path:
        """Where the file is, after its bytes were compared with its name.

        DatasetGone when it is missing, not private, a link, or not what was stored.
        """
        if _CONTENT.fullmatch(content) is None:
            raise DatasetGone
        path = self.directory / content
        try:
            reader, status = _opened(path)
            with reader:
                _require_private(status)
                found = digest_of(_chunks(reader))
        except OSError:
            self._count("gone")
            raise DatasetGone from None
        if found != content:
            self._count("damaged")
            raise DatasetGone
        return path

    def hold(self, content: str, holder: str) -> bool:
        """One more holder of a stored file; False when there is no such file."""
        if _CONTENT.fullmatch(content) is None:
            return False
        with self._lock:
            try:
                found = os.lstat(self.directory / content)
            except OSError:
                return False
            if not stat.S_ISREG(found.st_mode):
                return False
            self._holders.setdefault(content, set()).add(holder)
            self._sizes[content] = found.st_size
            return True

    def release(self, content: str, holder: str) -> int:
        """One holder less. With the last one the file is deleted; the bytes that went."""
        with self._lock:
            holders = self._holders.get(content)
            if holders is None or holder not in holders:
                return 0
            holders.discard(holder)
            if holders:
                return 0
            del self._holders[content]
            size = self._sizes.pop(content)
            if self._unlink(self.directory / content):
                return size
            self._owed.add(content)
            return 0

    def owes(self, content: str) -> bool:
        """True while a file that nobody holds could not be deleted."""
        return content in self._owed

    def holders(self, content: str) -> int:
        """How many hold the file."""
        with self._lock:
            return len(self._holders.get(content, ()))

    def sweep(self) -> Swept:
        """Delete what nobody holds and left-over drafts. Files with other names stay."""
        with self._lock:
            try:
                paths = list(self.directory.iterdir())
            except FileNotFoundError:
                return Swept()
            except OSError as error:
                self._fault("sweep", error)
                return Swept(owed=len(self._owed))
            files = size_bytes = foreign = 0
            for path in paths:
                if not _is_ours(path):
                    foreign += 1
                elif path.name not in self._holders and path.name not in self._drafts:
                    size = _size(path)
                    if self._unlink(path):
                        files, size_bytes = files + 1, size_bytes + size
                        self._owed.discard(path.name)
            self._owed &= {path.name for path in paths}
            self._counts["swept"] += files
            return Swept(files=files, size_bytes=size_bytes, foreign=foreign, owed=len(self._owed))

    def facts(self) -> Mapping[str, int]:
        """Files, bytes, the bound, and what happened since the start."""
        with self._lock:
            return {
                "files": len(self._sizes), "size_bytes": sum(self._sizes.values()),
                "max_bytes": self.max_bytes, "owed": len(self._owed), **self._counts,
            }  # fmt: skip

    # Writing.

    def _keep(self, chunks: Iterable[bytes], size: int, holder: str) -> StoredFile:
        draft = f"{secrets.token_hex(8)}.part"
        with contextlib.ExitStack() as afterwards:
            with self._lock:
                self._require_room(size)
                self._drafts[draft] = size
            afterwards.callback(self._drop_draft, draft)
            try:
                private_directory(self.directory)
                content = self._written(self.directory / draft, chunks, size)
                self._name(draft, content, size, holder)
            except OSError as error:
                raise self._fault("write", error) from None
        self._count("kept")
        return StoredFile(content=content, path=self.directory / content, size_bytes=size)

    def _require_room(self, size: int) -> None:
        taken = sum(self._sizes.values()) + sum(self._drafts.values())
        if taken + size > self.max_bytes:
            self._counts["no room"] += 1
            raise Overloaded(
                "The server keeps as many files as it can.",
                hint="Please try again later, or send a smaller file.",
            )

    def _written(self, draft: Path, chunks: Iterable[bytes], size: int) -> str:
        """Write the draft; the digest of its bytes. IncompleteUpload if they are not `size`."""
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW, 0o600)
        arrived = 0

        def passing(writer: BinaryIO) -> Iterator[bytes]:
            nonlocal arrived
            for chunk in chunks:
                arrived += len(chunk)
                if arrived > size:
                    raise IncompleteUpload
                writer.write(chunk)
                yield chunk

        with contextlib.ExitStack() as unless_ready:
            unless_ready.callback(os.close, handle)
            opened = os.fdopen(handle, "wb")
            unless_ready.pop_all()
        with opened as writer:
            content = digest_of(passing(writer))
            writer.flush()
            os.fsync(writer.fileno())
        if arrived != size:
            raise IncompleteUpload
        return content

    def _name(self, draft: str, content: str, size: int, holder: str) -> None:
        """Give the draft its name. A file of that name is replaced: it may have been damaged."""
        with self._lock:
            (self.directory / draft).replace(self.directory / content)
            self._holders.setdefault(content, set()).add(holder)
            self._sizes[content] = size
            self._owed.discard(content)

    def _drop_draft(self, draft: str) -> None:
        with self._lock:
            self._unlink(self.directory / draft)
            del self._drafts[draft]

    def _unlink(self, path: Path) -> bool:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._fault("delete", error)
            return False
        return True

    def _fault(self, what: str, error: OSError) -> StoreFault:
        self._count(f"fault {what}")
        # Type only: texts of errors carry paths and names of files.
        _log.warning("Datasets: %s failed (%s).", what, type(error).__name__)
        return StoreFault()

    def _count(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1


def _opened(path: Path) -> tuple[BinaryIO, os.stat_result]:
    """An open regular file and its status. OSError for a link or anything else."""
    handle = os.open(path, os.O_RDONLY | _NOFOLLOW | _NONBLOCK)
    with contextlib.ExitStack() as unless_ready:
        unless_ready.callback(os.close, handle)
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise NotPrivate("an upload is not a regular file")
        reader = os.fdopen(handle, "rb")
        unless_ready.pop_all()
    return reader, found


def _require_private(found: os.stat_result) -> None:
    foreign = hasattr(os, "getuid") and found.st_uid != os.getuid()
    if foreign or found.st_mode & 0o077:
        raise NotPrivate("a stored file is open to others")


def _chunks(reader: BinaryIO) -> Iterator[bytes]:
    while chunk := reader.read(_CHUNK_BYTES):
        yield chunk


def _is_ours(path: Path) -> bool:
    """True for names that this store gives to files, also when a link bears one."""
    named = _CONTENT.fullmatch(path.name) or _PART.fullmatch(path.name)
    return named is not None and (path.is_symlink() or not path.is_dir())


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
