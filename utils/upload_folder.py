"""Where uploads lie while they arrive: a folder of this process alone, empty when it starts.

The page framework writes what is sent into the temporary directory, piece by piece, and deletes it
with its session. A server that is killed ends no session: what had arrived stays, and nobody can
tell whose it was. So the temporary directory of the server is a folder that only one process at a
time may use (`utils.one_process`), and whoever takes it over empties it first.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

from utils.private_files import private_directory

_log = logging.getLogger(__name__)


class UploadFolder:
    """`path` must belong to this process; what lies there is deleted by `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._before: str | None = None
        self._is_open = False

    def open(self) -> bool:
        """Empty the folder and let temporary files be made in it; False where that cannot be, and
        uploads then go where the system keeps temporary files."""
        if self._is_open:
            return True
        try:
            _delete(self.path)
            private_directory(self.path)
        except OSError as error:
            # Type only: texts of errors carry paths.
            _log.warning("Uploads have no folder of their own (%s).", type(error).__name__)
            return False
        self._before, tempfile.tempdir = tempfile.tempdir, str(self.path)
        self._is_open = True
        return True

    def close(self) -> None:
        """Let temporary files be made where they were before. Sessions delete their own files."""
        if self._is_open and tempfile.tempdir == str(self.path):
            tempfile.tempdir = self._before
        self._is_open = False


def _delete(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
