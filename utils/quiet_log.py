"""What a serving process writes about itself, without a word of anybody's data.

Exception texts carry cell values, column names and file names, and libraries print them. So only
three things reach standard error: messages of our own loggers, which are written to hold no data
(long tokens in them are cut all the same); of other loggers the level, the place and the
template of the message; and of whatever else is printed there, the types of exceptions and the
places in code (file and line) of a traceback. Addresses of requests, which hold session ids, are
never written: there is no access log.
"""

from __future__ import annotations

import io
import logging
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import PurePath
from typing import TextIO

_OURS = ("clinstat", "utils")
_LONG = re.compile(r"[A-Za-z0-9_\-]{24,}")
_PLACE = re.compile(r'\s*File "([^"]+)", line (\d+)')
_KIND = re.compile(r"(?:[\s|+]*)([A-Za-z_][\w.]*)(?::|$)")
_LONGEST_LINE = 10_000


class QuietFormatter(logging.Formatter):
    """One line per record; an exception as its type and place."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The record without data."""
        told = f"{self.formatTime(record)} {record.levelname} {record.name}: {_words(record)}"
        if record.exc_info and record.exc_info[0] is not None:
            told += f" [{record.exc_info[0].__name__}{_last_place(record)}]"
        return told


def _words(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in _OURS:
        return _LONG.sub("...", record.getMessage())
    place = f"{PurePath(record.pathname).name}:{record.lineno}"
    # With arguments the message is a template of the program; without, it may be ready text.
    template = _LONG.sub("...", str(record.msg)) if record.args else "text withheld"
    return f"{template} ({place})"


def _last_place(record: logging.LogRecord) -> str:
    trace = record.exc_info[2] if record.exc_info else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f" at {PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


class QuietStream(io.TextIOBase):
    """Stands in for standard error. `withheld` counts the lines that were not let through."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._rest = ""
        self._known: set[str] = set()
        self.withheld = 0

    def write(self, text: str, /) -> int:
        """Take text; let through what a traceback says about code."""
        *lines, self._rest = (self._rest + text).split("\n")
        self._rest = self._rest[:_LONGEST_LINE]
        for line in lines:
            told = self._told(line[:_LONGEST_LINE])
            if told:
                self._stream.write(told + "\n")
            else:
                self.withheld += line.strip() != ""
        return len(text)

    def flush(self) -> None:
        """Hand on what was let through."""
        self._stream.flush()

    def fileno(self) -> int:
        """That of the stream behind."""
        return self._stream.fileno()

    def _told(self, line: str) -> str:
        place = _PLACE.match(line)
        if place is not None:
            known = self._is_known(place[1], _source_files())
            return f"  at {PurePath(place[1]).name}:{place[2]}" if known else ""
        kind = _KIND.match(line)
        if kind is None:
            return ""
        name = kind[1].rpartition(".")[2]
        return f"{name} (text withheld)" if self._is_known(name, _exception_names()) else ""

    def _is_known(self, name: str, names: Iterator[str]) -> bool:
        if name not in self._known and name in names:
            self._known.add(name)
        return name in self._known


def _source_files() -> Iterator[str]:
    """Files that modules were loaded from."""
    for module in list(sys.modules.values()):
        yield getattr(module, "__file__", None) or ""


def _exception_names() -> Iterator[str]:
    """Names of every class of exception that there is."""
    waiting: list[type[BaseException]] = [BaseException]
    while waiting:
        kind = waiting.pop()
        yield kind.__name__
        waiting += type.__subclasses__(kind)


def keep_quiet() -> None:
    """From now on, in this process. Called twice it changes nothing more."""
    real = sys.stderr
    if isinstance(real, QuietStream):
        return
    handler = logging.StreamHandler(real)
    handler.setFormatter(QuietFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    logging.getLogger("uvicorn.access").disabled = True
    warnings.showwarning = _say_kind
    sys.stderr = QuietStream(real)


def _say_kind(
    message: Warning | str, category: type[Warning], filename: str, lineno: int,
    file: TextIO | None = None, line: str | None = None,
) -> None:  # fmt: skip
    del message, file, line  # they may quote data
    place = f"{PurePath(filename).name}:{lineno}"
    logging.getLogger("clinstat").warning("a library warned: %s at %s", category.__name__, place)
