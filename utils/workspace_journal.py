"""Workspaces on disk: one small signed file each, so that they survive a restart.

    directory/<id>.workspace     a sealed entry (utils/envelope.py), 0600, replaced as a whole
    directory/quarantine/        the last files that were not what we wrote

    WorkspaceJournal(directory, secret=..., clock=...)
    journal.load(max_bytes) -> {id: payload}    what is damaged, foreign or larger is put aside
    journal.write(id, payload, expires_at) -> bool
    journal.remove(id) -> bool                  False: it is still there, and is owed
    journal.pay() -> int                        removals still owed after trying again
    journal.counts                              what happened, for the panel

Nothing here raises for what disk or files are like. One process uses a directory. A file that
was replaced as a whole survives the end of the process at any moment; writing does not wait for
the disk, so that a power cut may cost the last seconds. Whoever can write to the directory can
put back an older file of ours: the signature cannot tell.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from utils.envelope import Entry, seal, unseal
from utils.errors import CorruptEntry
from utils.private_files import NotPrivate, private_directory, read_private, write_private

_log = logging.getLogger(__name__)
_NAME = re.compile(r"([0-9a-f]{32})\.workspace")
_DRAFT = re.compile(r"[0-9a-f]{32}\.workspace\.[0-9a-f]{16}\.tmp")
_ENVELOPE_BYTES = 1_024
_QUARANTINED = 8


class WorkspaceJournal:
    """The files of all workspaces in `directory`, signed with a key made of `secret`."""

    def __init__(
        self,
        directory: Path,
        *,
        secret: bytes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.directory = directory
        self.counts: Counter[str] = Counter()
        self._key = hmac.digest(secret, b"clinstat workspace journal 1", "sha256")
        self._clock = clock
        self._owed: set[str] = set()
        self._lock = threading.Lock()

    def load(self, max_bytes: int) -> dict[str, bytes]:
        """Payloads by workspace id, each of this size at most.

        Left-over drafts are deleted. Whether one has expired is for the caller to decide: what it
        held has to be let go of then.
        """
        found: dict[str, bytes] = {}
        try:
            private_directory(self.directory)
            paths = sorted(self.directory.iterdir())
        except OSError as error:
            self._failed("load", error)
            return found
        for path in paths:
            named = _NAME.fullmatch(path.name)
            if named is None or (path.is_dir() and not path.is_symlink()):
                self._pass_by(path)
            elif (payload := self._read(path, named[1], max_bytes)) is not None:
                found[named[1]] = payload
        self.counts["loaded"] += len(found)
        return found

    def _pass_by(self, path: Path) -> None:
        if _DRAFT.fullmatch(path.name):
            self._unlink(path)
            self.counts["swept"] += 1
        elif path.name != "quarantine":
            self.counts["foreign"] += 1

    def _read(self, path: Path, name: str, max_bytes: int) -> bytes | None:
        try:
            data = read_private(path, at_most=max_bytes + _ENVELOPE_BYTES)
            entry = unseal(data, key=_sealed_name(name), secret=self._key)
        except (NotPrivate, CorruptEntry):
            self.put_aside(name)
            return None
        except OSError as error:
            if path.is_symlink():
                self.put_aside(name)
            else:  # the disk may work again at the next start
                self._failed("load", error)
            return None
        return bytes(entry.payload)

    def put_aside(self, name: str) -> None:
        """A file that cannot be used: count it and keep it out of the way."""
        self.counts["quarantined"] += 1
        with contextlib.suppress(OSError):
            aside = private_directory(self.directory / "quarantine")
            kept = sorted(aside.iterdir(), key=lambda path: path.lstat().st_mtime)
            for path in kept[: max(0, len(kept) - _QUARANTINED + 1)]:
                path.unlink()
            self._path(name).replace(aside / f"{name}.workspace")

    def write(self, name: str, payload: bytes, expires_at: float) -> bool:
        """Replace the file of a workspace; False (and it works on in memory) when that failed."""
        entry = Entry(payload, self._clock(), expires_at, 0.0)
        data = seal(entry, key=_sealed_name(name), secret=self._key)
        try:
            write_private(self._path(name), data, replace=True)
        except FileNotFoundError:
            return self._write_anew(name, data)
        except OSError as error:
            self._failed("write", error)
            return False
        self.counts["written"] += 1
        return True

    def _write_anew(self, name: str, data: bytes) -> bool:
        """The directory is missing: somebody deleted it, or this is the first file."""
        try:
            private_directory(self.directory)
            write_private(self._path(name), data, replace=True)
        except OSError as error:
            self._failed("write", error)
            return False
        self.counts["written"] += 1
        return True

    def remove(self, name: str) -> bool:
        """Delete the file, and the quarantine, which may hold an older one."""
        shutil.rmtree(self.directory / "quarantine", ignore_errors=True)
        if self._unlink(self._path(name)):
            return True
        with self._lock:
            self._owed.add(name)
        return False

    def pay(self) -> int:
        """Try again what could not be deleted; how much is still owed."""
        with self._lock:
            self._owed = {name for name in self._owed if not self._unlink(self._path(name))}
            return len(self._owed)

    def _unlink(self, path: Path) -> bool:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._failed("delete", error)
            return False
        return True

    def _failed(self, what: str, error: OSError) -> None:
        self.counts["faults"] += 1
        self.counts[f"fault {what}"] += 1
        if self.counts[f"fault {what}"] == 1:
            # Type only: texts of errors carry paths.
            _log.warning(
                "Workspaces on disk: %s failed (%s); what is open goes on in memory.",
                what, type(error).__name__,
            )  # fmt: skip

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.workspace"


def _sealed_name(name: str) -> str:
    return f"workspace {name}"
