"""Directories and small files that only this user may read: 0700 and 0600, links refused."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import time
from pathlib import Path

_SECRET_BYTES = 32
_DRAFT = re.compile(r".+[.-][0-9a-f]{16}\.tmp")


class NotPrivate(OSError):
    """A path is a link, belongs to somebody else, or is open to others."""


def private_directory(path: Path) -> Path:
    """Make `path` (0700) and its parents; NotPrivate when it is a link or not our own."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or _foreign(found):
        raise NotPrivate("a cache directory is a link or belongs to another user")
    if found.st_mode & 0o077:
        path.chmod(0o700)
    return path


def _foreign(found: os.stat_result) -> bool:
    return hasattr(os, "getuid") and found.st_uid != os.getuid()


def write_private(path: Path, data: bytes, *, replace: bool, durable: bool = False) -> bool:
    """Write a whole file (0600) or nothing; False when it exists and `replace` is false.

    `durable` waits until it would survive a power cut.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as writer:
            writer.write(data)
            if durable:
                writer.flush()
                os.fsync(writer.fileno())
        if replace:
            draft.replace(path)
            return True
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        return True
    finally:
        draft.unlink(missing_ok=True)


def sweep_drafts(directory: Path, older_than_seconds: float) -> int:
    """Delete what writers left behind that were killed in `write_private`; the number of files.

    Drafts younger than that may still be written. Links are deleted, not followed.
    """
    limit = time.time() - older_than_seconds
    removed = 0
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory) as found:
        for entry in found:
            if not _DRAFT.fullmatch(entry.name) or entry.is_dir(follow_symlinks=False):
                continue
            with contextlib.suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_mtime <= limit:
                    Path(entry.path).unlink()
                    removed += 1
    return removed


def read_private(path: Path, *, at_most: int) -> bytes:
    """The content of a regular file of ours that nobody else may read; NotPrivate otherwise."""
    handle = os.open(path, os.O_RDONLY | _NOFOLLOW | _NONBLOCK)
    with os.fdopen(handle, "rb") as reader:
        found = os.fstat(reader.fileno())
        if not stat.S_ISREG(found.st_mode) or _foreign(found) or found.st_mode & 0o077:
            raise NotPrivate("a secret file is open to others")
        return reader.read(at_most + 1)


def _fresh() -> bytes:
    return secrets.token_bytes(_SECRET_BYTES)


def server_secret(path: Path) -> bytes:
    """The 32 random bytes kept in `path`, made when missing.

    A file that others may have read or that is damaged is replaced: entries signed with it are
    then misses. OSError when it can neither be read nor written.
    """
    for _ in range(3):
        try:
            found = read_private(path, at_most=_SECRET_BYTES)
        except FileNotFoundError:
            write_private(path, _fresh(), replace=False, durable=True)
            continue
        except NotPrivate:
            found = b""
        except OSError:
            if not path.is_symlink():
                raise
            found = b""
        if len(found) == _SECRET_BYTES:
            return found
        write_private(path, _fresh(), replace=True, durable=True)
    return read_private(path, at_most=_SECRET_BYTES)


_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
