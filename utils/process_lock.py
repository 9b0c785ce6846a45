"""One computation per key among processes: file locks that the kernel frees when a holder dies.

Keys are striped over 4,096 lock files, made when first needed and never deleted (deleting a
held lock file gives two holders). A thread that already holds a lock takes no second one:
nobody who holds also waits, so circles cannot form. Every wait has an end.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from utils.fork import survive_fork, watch_forks

watch_forks()  # filelock lets nobody release a lock from the moment at which a fork begins
_log = logging.getLogger(__name__)
_STRIPE_DIGITS = 3


class KeyLocks:
    """Locks for hexadecimal keys, in `directory`.

    A wait ends after `wait_seconds`; the caller then goes on without the lock, which costs a
    second computation and never an answer. The same when locks do not work at all.
    """

    def __init__(
        self, directory: Path, *, wait_seconds: float = 150.0, poll_seconds: float = 0.02
    ) -> None:
        self._directory = directory
        self._wait_seconds = wait_seconds
        self._poll_seconds = poll_seconds
        self.timeouts = 0
        self.faults = 0
        self.after_fork()
        survive_fork(self)

    def after_fork(self) -> None:
        """Open lock files anew: a lock of the parent is not ours."""
        self._guard = threading.Lock()
        self._stripes: dict[str, FileLock] = {}
        self._held = threading.local()

    @contextlib.contextmanager
    def hold(self, key: str) -> Iterator[bool]:
        """Hold the lock of `key` for the block; yields whether it is really held."""
        lock = None if getattr(self._held, "depth", 0) else self._acquired(key[:_STRIPE_DIGITS])
        if lock is None:
            yield False
            return
        self._held.depth = 1
        try:
            yield True
        finally:
            self._held.depth = 0
            with contextlib.suppress(OSError, RuntimeError):  # closing the file frees it anyway
                lock.release()

    def _acquired(self, stripe: str) -> FileLock | None:
        try:
            lock = self._stripe(stripe)
            lock.acquire()
        except Timeout:
            self.timeouts += 1
            return None
        except (OSError, RuntimeError, NotImplementedError, ValueError):
            self.faults += 1
            if self.faults == 1:
                _log.warning("File locks do not work; processes may compute a result twice.")
            return None
        return lock

    def _stripe(self, stripe: str) -> FileLock:
        with self._guard:
            lock = self._stripes.get(stripe)
            if lock is None:
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = FileLock(
                    os.fspath(self._directory / f"{stripe}.lock"), timeout=self._wait_seconds,
                    mode=0o600, thread_local=True, poll_interval=self._poll_seconds,
                    fallback_to_soft=False, preserve_lock_file=True,
                )  # fmt: skip
                self._stripes[stripe] = lock
            return lock


@contextlib.contextmanager
def exclusive(path: Path, *, wait_seconds: float) -> Iterator[None]:
    """Hold the lock file `path` for the block. TimeoutError (an OSError) when it stays taken."""
    lock = FileLock(
        os.fspath(path), timeout=wait_seconds, mode=0o600, poll_interval=0.01,
        fallback_to_soft=False, preserve_lock_file=True,
    )  # fmt: skip
    with lock:
        yield
