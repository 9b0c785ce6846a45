"""Files of larger entries: random names of one pattern, inside one directory, no link followed.

A name comes from an index that somebody may have tampered with, so every step opens the next
folder relative to the one before and refuses links.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from utils.errors import CorruptEntry

_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{28}\.val")
_LARGEST_READ_BYTES = 1 << 30
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NOFOLLOW
_NOT_OUR_FILE = (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO, errno.EACCES)
_TRIES = 5


def new_name() -> str:
    """A fresh random name, relative to the directory."""
    digits = secrets.token_hex(16)
    return f"{digits[:2]}/{digits[2:4]}/{digits[4:]}.val"


def is_name(name: object) -> bool:
    """True for a name that `new_name` may have given."""
    return type(name) is str and _NAME.fullmatch(name) is not None


class ValueFiles:
    """The files under `directory`. OSError comes out as it is."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def read(self, name: object, most_bytes: int = _LARGEST_READ_BYTES) -> bytes:
        """The content, or its first `most_bytes`; FileNotFoundError when it is gone, CorruptEntry
        when it is not ours."""
        flags = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_NONBLOCK", 0)
        try:
            with self._folder_of(name) as (folder, leaf):
                handle = os.open(leaf, flags, dir_fd=folder)
            try:
                found = os.fstat(handle)
                if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST_READ_BYTES:
                    raise CorruptEntry("A stored file is not a plain file.")
                return _read_all(handle, min(found.st_size, most_bytes))
            finally:
                os.close(handle)
        except OSError as error:
            if error.errno in _NOT_OUR_FILE:
                raise CorruptEntry("A stored file is a link or cannot be read.") from error
            raise

    def write(self, value: bytes) -> str:
        """Make a new file (0600); its name. Nothing is left behind when that fails."""
        for attempt in range(_TRIES):
            name = new_name()
            try:
                self._write_as(name, value)
            except OSError as error:
                self.remove(name)
                # Another process may have removed the empty folder, or something that is no
                # folder of ours stands in its place: another name will do.
                if error.errno not in (errno.ENOENT, *_NOT_OUR_FILE) or attempt == _TRIES - 1:
                    raise
            else:
                return name
        raise FileNotFoundError(errno.ENOENT, "no folder could be made")

    def _write_as(self, name: str, value: bytes) -> None:
        first, second, _ = self._parts(name)
        for part in (first, f"{first}/{second}"):
            with contextlib.suppress(FileExistsError):
                (Path(self._directory) / part).mkdir(mode=0o700)
        with self._folder_of(name) as (folder, leaf):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW
            handle = os.open(leaf, flags, 0o600, dir_fd=folder)
        with os.fdopen(handle, "wb") as writer:
            writer.write(value)

    def remove(self, name: object) -> None:
        """Delete a file; names that are not ours and vanished files are let be."""
        with contextlib.suppress(OSError, CorruptEntry):
            first, second, _ = self._parts(name)
            with self._folder_of(name) as (folder, leaf):
                os.unlink(leaf, dir_fd=folder)
            within = Path(self._directory) / first
            (within / second).rmdir()
            within.rmdir()

    def missing_or_other(self, name: object, size: object) -> str | None:
        """What is wrong with the file of a row, in words; None when nothing is."""
        if not is_name(name):
            return "a row names a foreign file"
        path = Path(self._directory) / str(name)
        if path.is_symlink() or not path.is_file():
            return "the file of an entry is missing"
        return None if path.stat().st_size == size else "the file of an entry has another length"

    def older_than(self, seconds: float) -> Iterator[str]:
        """Names of the files that have not been written to for `seconds`."""
        limit = time.time() - seconds
        for first in _plain(self._directory, folders=True):
            for second in _plain(first.path, folders=True):
                for leaf in _plain(second.path, folders=False):
                    name = f"{first.name}/{second.name}/{leaf.name}"
                    with contextlib.suppress(FileNotFoundError):
                        old = leaf.stat(follow_symlinks=False).st_mtime <= limit
                        if old and is_name(name):
                            yield name

    def _parts(self, name: object) -> tuple[str, str, str]:
        if not is_name(name):
            raise CorruptEntry("A stored row names a foreign file.")
        first, second, leaf = str(name).split("/")
        return first, second, leaf

    @contextlib.contextmanager
    def _folder_of(self, name: object) -> Iterator[tuple[int, str]]:
        """The open folder of a file, reached without following any link."""
        first, second, leaf = self._parts(name)
        opened = [os.open(self._directory, _FOLDER)]
        try:
            for part in (first, second):
                opened.append(os.open(part, _FOLDER, dir_fd=opened[-1]))
            yield opened[-1], leaf
        finally:
            for handle in opened:
                os.close(handle)


def _read_all(handle: int, size: int) -> bytes:
    """Up to `size` bytes: a file that grows while it is read is none of ours."""
    parts: list[bytes] = []
    while size > 0 and (part := os.read(handle, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _plain(path: str, *, folders: bool) -> list[os.DirEntry[str]]:
    """The folders, or the files, in a folder; links and what vanishes meanwhile left out."""
    kind = os.DirEntry.is_dir if folders else os.DirEntry.is_file
    try:
        with os.scandir(path) as found:
            return [entry for entry in found if kind(entry, follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
