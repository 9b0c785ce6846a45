"""Directories that one process at a time may use, numbered; the kernel frees those of the dead."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from pathlib import Path

from utils.private_files import private_directory

_MOST = 64


class Claimed:
    """A directory of this process until `release`."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle = handle

    def release(self) -> None:
        """Let another process have it."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


def claim(parent: Path) -> Claimed | None:
    """The first of `parent`/0, /1, ... that no process uses; None where none can be had.

    A server that starts again finds what it left, and two servers on one directory do not meet.
    """
    for number in range(_MOST):
        try:
            place = private_directory(parent / str(number))
            handle = os.open(place / "in_use", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            return None
        with contextlib.ExitStack() as unless_ours:
            unless_ours.callback(os.close, handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EACCES):
                    continue
                return None
            unless_ours.pop_all()
        return Claimed(place, handle)
    return None
