"""What was cleared, told to the other processes that may hold it in their memory.

A notice names entries by keyed digests: whoever reads it learns neither a key, nor a function,
nor whose data it was. It is one line of text:

    MARK KEYS NAME LABEL          "*" where the clear did not restrict; KEYS joined by commas

`NoticeFile` holds the lines for the processes that share a directory; Redis holds the same lines
for servers (see `RedisTier`). Nothing is trusted: a line that is not understood means that
everything goes, which costs time and never an answer.
"""

from __future__ import annotations

import contextlib
import errno
import hmac
import os
import re
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from utils.fork import survive_fork
from utils.private_files import write_private
from utils.process_lock import exclusive
from utils.tier import Doomed, Owner

_LINE = re.compile(
    rb"[0-9a-f]{1,32} (\*|-|[0-9a-f]{32}(,[0-9a-f]{32})*) (\*|[0-9a-f]{32}) (\*|[0-9a-f]{32})"
)
_MOST_KEYS = 500
_DROPPED = b"older ones were dropped\n"  # no notice: who has to read it has missed some
_LONGEST_FILE_BYTES = 1 << 17
_KEPT_BYTES = 1 << 16
_UNREADABLE = b"?"
_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_NOT_OUR_FILE = (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EACCES)
_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Notice(Doomed):
    """A clear by somebody else: its fields hold digests made with `secret`."""

    secret: bytes = b""

    def matches(self, key: str, owner: Owner, expires_at: float) -> bool:  # noqa: ARG002
        """True for an entry that goes."""
        return (
            (self.name is None or self.name == _digest(self.secret, "n", owner.name))
            and (self.label is None or self.label == _digest(self.secret, "l", owner.label))
            and (self.keys is None or _digest(self.secret, "k", key) in self.keys)
        )


def _digest(secret: bytes, kind: str, value: str) -> str:
    return hmac.digest(secret, f"notice {kind} {value}".encode(), "sha256").hex()[:32]


def written(doomed: Doomed, secret: bytes) -> bytes:
    """The line that tells others of a clear; more keys than a line holds become all keys."""
    chosen = doomed.keys
    if doomed.key is not None:
        chosen = frozenset({doomed.key}) & (chosen or {doomed.key})
    keys = "*"
    if chosen is not None and len(chosen) <= _MOST_KEYS:
        keys = ",".join(sorted(_digest(secret, "k", key) for key in chosen)) or "-"
    name = "*" if doomed.name is None else _digest(secret, "n", doomed.name)
    label = "*" if doomed.label is None else _digest(secret, "l", doomed.label)
    return f"{doomed.mark} {keys} {name} {label}".encode()


def understood(line: bytes, secret: bytes) -> Notice:
    """The notice in a line; one that means everything when the line is not ours."""
    if not _LINE.fullmatch(line):
        return Notice(secret=secret)
    mark, keys, name, label = line.decode().split(" ")
    return Notice(
        keys=None if keys == "*" else frozenset(keys.split(",")),
        name=None if name == "*" else name, label=None if label == "*" else label,
        mark=mark, secret=secret,
    )  # fmt: skip


class NoticeFile:
    """The notices of one directory: a file that only grows until its older half is dropped.

    Who looks compares two numbers of one `stat` (about 1 us), and reads only what is new. Safe
    for threads and forks; `lock` is the lock file of those who write.
    """

    def __init__(self, path: Path, *, secret: bytes, lock: Path) -> None:
        self._path = path
        self._place = os.fspath(path)
        self._lock_path = lock
        self._secret = secret
        # inode and size at the last reading; None: no file, (0, 0): never looked
        self._seen: tuple[int, int] | None = (0, 0)
        self._last = b""
        self.after_fork()
        survive_fork(self)

    def after_fork(self) -> None:
        """A lock of the parent may be held for ever."""
        self._lock = threading.Lock()

    def post(self, doomed: Doomed) -> None:
        """Tell the others. OSError when that is not possible."""
        line = written(doomed, self._secret) + b"\n"
        with exclusive(self._lock_path, wait_seconds=_WAIT_SECONDS):
            kept = self._appended(line)
            if kept is not None:
                with contextlib.suppress(OSError):
                    self._path.rmdir()  # only if it is an empty folder
                write_private(self._path, _DROPPED + kept + line, replace=True)

    def _appended(self, line: bytes) -> bytes | None:
        """None once the line was appended; else what to keep of a file that has to be replaced."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _SAFELY
        try:
            handle = os.open(self._place, flags, 0o600)
        except OSError as error:
            if error.errno not in _NOT_OUR_FILE:
                raise
            return b""
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or found.st_size > 2 * _LONGEST_FILE_BYTES:
                return b""
            size = found.st_size
            if size > _LONGEST_FILE_BYTES:
                return os.pread(handle, _KEPT_BYTES, size - _KEPT_BYTES).partition(b"\n")[2]
            if size and os.pread(handle, 1, size - 1) != b"\n":  # a writer was cut short
                line = b"\n" + line
            if os.write(handle, line) != len(line):
                raise OSError(errno.ENOSPC, "a notice was cut short")
            return None
        finally:
            os.close(handle)

    def news(self) -> bool:
        """True when there may be something to hear. Never raises."""
        try:
            found = os.stat(self._place)  # noqa: PTH116  (a Path costs as much as the look itself)
        except FileNotFoundError:
            return self._seen is not None
        except OSError:
            return False  # a directory that does not work tells nothing; it is asked again
        return (found.st_ino, found.st_size) != self._seen

    def hear(self, obey: Callable[[Notice], None]) -> None:
        """Call `obey` with each notice since the last time, oldest first.

        What was told before the first look concerns nobody who only begins. Where notices may
        have been missed or cannot be read, one that means everything.
        """
        with self._lock:
            known, found = self._seen, self._read()
            if found is None:
                if known not in (None, (0, 0)):
                    obey(Notice(secret=self._secret))
                self._seen, self._last = None, b""
                return
            seen, lines = found
            if known != (0, 0):
                for line in self._after_last(lines):
                    obey(understood(line, self._secret))
            self._seen, self._last = seen, lines[-1] if lines else b""
            if self._last == _UNREADABLE:
                self._last = b""

    def _read(self) -> tuple[tuple[int, int], list[bytes]] | None:
        """Inode and size, and the lines; None without a file, one wrong line if unreadable."""
        looked = (0, -1)
        try:
            found = os.stat(self._place)  # noqa: PTH116
            looked = (found.st_ino, found.st_size)
            handle = os.open(self._place, os.O_RDONLY | _SAFELY)
        except FileNotFoundError:
            return None
        except OSError:
            return looked, [_UNREADABLE]
        try:
            size = min(os.fstat(handle).st_size, 2 * _LONGEST_FILE_BYTES)
            return looked, os.pread(handle, size, 0).split(b"\n")[:-1]
        except OSError:  # no plain file
            return looked, [_UNREADABLE]
        finally:
            os.close(handle)

    def _after_last(self, lines: list[bytes]) -> list[bytes]:
        """What came after the last line heard; a line that means everything if that is gone."""
        if not self._last:
            return lines
        with contextlib.suppress(ValueError):
            return lines[len(lines) - lines[::-1].index(self._last) :]
        return [_UNREADABLE]
