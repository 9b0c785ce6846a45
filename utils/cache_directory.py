"""Where stored results live: the directory given, else a writable place, else nowhere."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from utils.private_files import private_directory

_log = logging.getLogger(__name__)


def _platform_directory() -> Path:
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    if sys.platform == "win32":
        return home / "AppData" / "Local"
    return home / ".cache"


def _candidates(given: str, app: str) -> Iterator[Path]:
    if given:
        yield Path(given).expanduser()
        return
    with contextlib.suppress(RuntimeError):  # raised when no home directory is known
        yield _platform_directory() / app
    user = os.getuid() if hasattr(os, "getuid") else "user"
    yield Path(tempfile.gettempdir()) / f"{app}-{user}"


def _usable(path: Path) -> bool:
    """True when a private directory stands at `path` and takes a file."""
    try:
        private_directory(path)
        probe = path / f"probe-{secrets.token_hex(8)}.tmp"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError:
        return False
    return True


def choose_cache_directory(given: str = "", *, app: str = "clinstat") -> Path | None:
    """The directory for the disk tier, made 0700; None (and one log line) for memory only.

    A directory that was given is used or nothing is: results never go to a place that whoever
    runs the server did not choose.
    """
    for path in _candidates(given, app):
        if _usable(path):
            return path
    _log.warning("No writable place for stored results; they are kept in memory only.")
    return None
