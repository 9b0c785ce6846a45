"""Where the bytes of a table come from: text that can be read again from its beginning.

Every source yields UTF-8 with line feeds, cut so that each chunk holds whole records. A line
feed or a separator inside quotation marks does not end a record or a cell.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ingest.report import ReadLimits
from stats.errors import BadInput

QUOTE = 34
NEWLINE = 10


class StrayQuotes(Exception):
    """Quotation marks that do not enclose whole cells; the careful reader has to be used."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table as text. `pieces` starts again at each call. `first_line` is the file's line
    number of the first record; `place` is "line" in a text file and "row" in a sheet. With
    `n_columns`, records may end early: the cells missing at their end are empty (a sheet)."""

    pieces: Callable[[], Iterator[bytes]]
    separator: str
    limits: ReadLimits
    first_line: int = 1
    place: str = "line"
    n_columns: int = 0

    def chunks(self, least_bytes: int = 0) -> Iterator[bytes]:
        """Chunks of whole records, of `least_bytes` or more where the source has as many;
        StrayQuotes or BadInput as soon as one is found."""
        held, line = b"", self.first_line
        waiting: list[bytes] = []
        for piece in self.pieces():
            waiting.append(piece)
            if sum(map(len, waiting)) < least_bytes:
                continue
            held = b"".join((held, *waiting))
            waiting = []
            cut = _last_record_end(held)
            if cut == 0:
                self._refuse_long(held, line)
                continue
            ready, held = held[:cut], held[cut:]
            self._check_quotes(ready)
            line += ready.count(b"\n")
            yield ready
        held = b"".join((held, *waiting))
        if held:
            held += b"\n"
            self._check_quotes(held)
            if held.count(b'"') % 2:
                raise self._unclosed(held, line)
            yield held

    def _check_quotes(self, chunk: bytes) -> None:
        if b'"' in chunk and not quotes_enclose_cells(chunk, self.separator):
            raise StrayQuotes

    def _refuse_long(self, held: bytes, line: int) -> None:
        """Called while no record end is in sight."""
        if len(held) <= self.limits.line_bytes:
            return
        self._check_quotes(held)
        if held.count(b'"') % 2:
            raise self._unclosed(held, line)
        raise BadInput(
            f"{self.place.capitalize()} {line} is longer than "
            f"{self.limits.line_bytes // 1024**2} MB, the longest that is read.",
            rule="line length", found=f"{self.place} {line}",
            hint="Check that the file is a table with one row per line.",
        )  # fmt: skip

    def _unclosed(self, held: bytes, line: int) -> BadInput:
        quotes = [match.start() for match in re.finditer(b'"', held[: 64 * 1024 * 1024])]
        line += held.count(b"\n", 0, quotes[-1])
        return unclosed_quote(line, self.place)


def unclosed_quote(line: int, place: str) -> BadInput:
    """The refusal of a quotation mark without its partner."""
    return BadInput(
        f"The quotation mark in {place} {line} has no partner, so it is not clear where "
        "its cell ends.",
        rule="quotation marks", found=f"{place} {line}",
        hint="Remove the mark or add the missing one, and upload the file again.",
    )  # fmt: skip


def _last_record_end(text: bytes) -> int:
    """Length of the longest beginning that ends a record (0 when there is none)."""
    end = text.rfind(b"\n")
    quotes = text.count(b'"', 0, end + 1)
    while end >= 0 and quotes % 2:
        mark = text.rfind(b'"', 0, end)
        quotes -= 1
        end = text.rfind(b"\n", 0, mark)
        quotes -= text.count(b'"', end + 1, mark)
    return end + 1


def quotes_enclose_cells(chunk: bytes, separator: str) -> bool:
    """True when each quotation mark opens or closes a whole cell, or is doubled inside one.

    With `chunk` starting at a record, marks alternate between opening and closing.
    """
    bytes_ = np.frombuffer(chunk, dtype=np.uint8)
    marks = np.flatnonzero(bytes_ == QUOTE)
    border = np.zeros(256, dtype=bool)
    border[[ord(separator), NEWLINE, QUOTE]] = True
    openers, closers = marks[0::2], marks[1::2]
    before = openers[openers > 0] - 1
    after = closers[closers < len(chunk) - 1] + 1
    if not (border[bytes_[before]].all() and border[bytes_[after]].all()):
        return False
    # A mark before an opener has to be the closer that it doubles, inside an opened cell;
    # a cell that starts with a doubled mark outside quotes ("" followed by text) is caught here.
    doubled = np.zeros(len(openers), dtype=bool)
    doubled[1:] = openers[1:] == closers[: len(openers) - 1] + 1
    first = openers[~doubled]
    edge = border.copy()
    edge[QUOTE] = False
    return bool(edge[bytes_[first[first > 0] - 1]].all())


def careful_pieces(source: Source) -> Iterator[bytes]:
    """The same table with every quotation mark in its proper place.

    For files whose cells hold stray marks (5" tube). Marks inside an unquoted cell are
    letters; text after a closing mark is refused with its line.
    """
    csv.field_size_limit(source.limits.line_bytes)
    reader = csv.reader(
        _lines(source.pieces()), delimiter=source.separator, strict=True, skipinitialspace=True
    )
    out = io.StringIO()
    writer = csv.writer(out, delimiter=source.separator, lineterminator="\n")
    line = source.first_line
    try:
        for record in reader:
            line = source.first_line + reader.line_num
            writer.writerow(record) if record else out.write("\n")
            if out.tell() > 1 << 20:
                yield out.getvalue().encode()
                out.seek(0)
                out.truncate()
    except csv.Error:
        raise unclosed_quote(line, source.place) from None
    yield out.getvalue().encode()


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    held = b""
    for piece in pieces:
        lines = (held + piece).split(b"\n")
        held = lines.pop()
        for line in lines:
            yield line.decode() + "\n"
    if held:
        yield held.decode()


_BLANKS = re.compile(rb'"[^"\n]*"|[ \t]+')


def tabbed_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A table whose columns are set apart by blanks, with one tab between its cells."""
    held = b""
    for piece in pieces:
        text = held + piece
        cut = text.rfind(b"\n") + 1
        held = text[cut:]
        yield _tabbed(text[:cut])
    yield _tabbed(held)


def _tabbed(text: bytes) -> bytes:
    joined = _BLANKS.sub(lambda m: m[0] if m[0][:1] == b'"' else b"\t", text)
    return joined.replace(b"\n\t", b"\n").replace(b"\t\n", b"\n").removeprefix(b"\t")
