"""Chunks of text as records and cells: positions of bytes, found with array operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.report import ReadLimits
from ingest.source import NEWLINE, QUOTE, Source
from stats.errors import BadInput

Positions = NDArray[np.signedinteger]
PADDING = 64  # zero bytes after the text, so that reading past a cell never leaves the array
SPACE, TAB = 32, 9
_QUICK_TRIMS = 8


@dataclass(slots=True, eq=False)
class Chunk:
    """Whole records of a table.

    `text` are the bytes of `raw`, with padding; cell i is `text[starts[i]:ends[i]]` without its
    quotation marks and without blanks around it. Record r has the cells
    `first[r] : first[r] + width[r]`. `line` is the file's line on which each record starts.
    `trimmed` marks cells that had blanks around them.
    """

    raw: bytes
    text: NDArray[np.uint8]
    starts: Positions
    ends: Positions
    first: Positions
    width: Positions
    line: Positions
    trimmed: NDArray[np.bool_]
    quoted: bool

    @property
    def n_records(self) -> int:
        """Records in this chunk."""
        return len(self.first)

    def filled(self) -> Positions:
        """Cells that are not empty, per record."""
        full = np.concatenate([[0], np.cumsum(self.ends > self.starts)])
        return full[self.first + self.width] - full[self.first]

    def extent(self) -> Positions:
        """Number of the last cell that is not empty, per record (0: all are empty)."""
        cells = np.arange(1, len(self.starts) + 1)
        cells[self.ends <= self.starts] = 0
        last = np.maximum.accumulate(cells)[self.first + self.width - 1]
        return np.maximum(last - self.first, 0)

    def cell(self, index: int) -> str:
        """The text of one cell."""
        return self.raw[self.starts[index] : self.ends[index]].decode().replace('""', '"')

    def record(self, index: int) -> list[str]:
        """The texts of one record."""
        first = int(self.first[index])
        return [self.cell(i) for i in range(first, first + int(self.width[index]))]


def chunks_of(source: Source, least_bytes: int = 0) -> Iterator[Chunk]:
    """The records of a source, chunk by chunk; BadInput for a cell that is too long."""
    line = source.first_line
    for raw in source.chunks(least_bytes):
        chunk = split_cells(raw, source.separator, line)
        _refuse_long_cell(chunk, source.limits, source.place)
        line += raw.count(b"\n")
        yield chunk


def split_cells(raw: bytes, separator: str, line: int) -> Chunk:
    """Find the cells of `raw`, which holds whole records with well-placed quotation marks."""
    size = len(raw)
    raw += bytes(PADDING)
    text = np.frombuffer(raw, dtype=np.uint8)
    body = text[:size]
    is_border = body == ord(separator)
    is_border |= body == NEWLINE
    quoted = b'"' in raw
    line_ends: Positions | None = None
    if quoted:
        inside = np.bitwise_xor.accumulate(body == QUOTE)
        line_ends = np.flatnonzero(body == NEWLINE)
        is_border &= ~inside
    ends = np.flatnonzero(is_border)
    starts = np.empty_like(ends)
    starts[:1] = 0
    np.add(ends[:-1], 1, out=starts[1:])
    last = np.flatnonzero(body[ends] == NEWLINE)
    first = np.empty_like(last)
    first[:1] = 0
    np.add(last[:-1], 1, out=first[1:])
    if line_ends is None:
        lines = line + np.arange(len(last))
    else:
        lines = line + np.searchsorted(line_ends, starts[first])
    trimmed = _trim(text, starts, ends, quoted)
    return Chunk(raw, text, starts, ends, first, last - first + 1, lines, trimmed, quoted)


def _trim(
    text: NDArray[np.uint8], starts: Positions, ends: Positions, quoted: bool
) -> NDArray[np.bool_]:
    """Move `starts` and `ends` past quotation marks and blanks; mark the cells with blanks."""
    if quoted:
        marks = (text[starts] == QUOTE) & (ends > starts)
        starts += marks
        ends -= marks
    blank = np.zeros(256, dtype=bool)
    blank[[SPACE, TAB, NEWLINE]] = True
    around = blank[text[starts]] | blank[text[ends - 1]]
    trimmed = around & (ends > starts)
    todo = np.flatnonzero(trimmed)
    for _ in range(_QUICK_TRIMS):
        if not len(todo):
            return trimmed
        starts[todo] += blank[text[starts[todo]]] & (ends[todo] > starts[todo])
        ends[todo] -= blank[text[ends[todo] - 1]] & (ends[todo] > starts[todo])
        left = blank[text[starts[todo]]] | blank[text[ends[todo] - 1]]
        todo = todo[left & (ends[todo] > starts[todo])]
    for index in todo:  # cells of many blanks, few in number
        cell = text[starts[index] : ends[index]].tobytes()
        right = cell.rstrip(b" \t\n")
        ends[index] = starts[index] + len(right)
        starts[index] += len(right) - len(right.lstrip(b" \t\n"))
    return trimmed


def _refuse_long_cell(chunk: Chunk, limits: ReadLimits, place: str) -> None:
    size = chunk.ends - chunk.starts
    if not len(size) or size.max() <= limits.cell_characters:
        return
    for index in np.flatnonzero(size > limits.cell_characters):
        if len(chunk.cell(int(index))) > limits.cell_characters:
            record = int(np.searchsorted(chunk.first, index, side="right")) - 1
            number = int(chunk.line[record])
            raise BadInput(
                f"A cell in {place} {number} is longer than {limits.cell_characters:,} "
                "characters, the longest that is read.",
                rule="cell length", found=f"{place} {number}",
                hint="Shorten the cell, or check that its quotation marks are in pairs.",
            )  # fmt: skip


@dataclass(slots=True, eq=False)
class Survey:
    """The shape of every record of a source: one entry each, in file order.

    `extent` is the number of the last filled cell (0: the record is blank). `texts` holds the
    cells of records that may not belong to the table: those after a blank one and the last.
    """

    width: Positions
    filled: Positions
    extent: Positions
    line: Positions
    texts: dict[int, list[str]]

    @property
    def n_records(self) -> int:
        """Records of the source, blank lines counted."""
        return len(self.width)


_WATCHED = 200  # records after a blank one whose texts are kept


def survey(source: Source) -> Survey:
    """Read the source once for its shape. BadInput at the limits of rows, columns and cells."""
    limits, place = source.limits, source.place
    parts: list[tuple[Positions, ...]] = []
    texts: dict[int, list[str]] = {}
    tail: dict[int, list[str]] = {}
    records = cells = 0
    for chunk in chunks_of(source):
        if chunk.n_records and chunk.width.max() > limits.columns:
            _refuse_wide(chunk, limits, place)
        extent = chunk.extent()
        parts.append(
            tuple(
                part.astype(np.int32) for part in (chunk.width, chunk.filled(), extent, chunk.line)
            )
        )
        follows = np.flatnonzero((extent[:-1] == 0) & (extent[1:] > 0)) + 1
        for r in follows[: _WATCHED - len(texts)].tolist():
            texts[records + r] = chunk.record(r)
        last = np.flatnonzero(extent > 0)[-8:].tolist()
        tail = {records + r: chunk.record(r) for r in last} or tail
        records += chunk.n_records
        cells += len(chunk.starts)
        # A header and some lines around the table do not count as rows.
        if records > limits.rows + 1_000 or cells > limits.cells + 100_000:
            raise too_large(limits)
    empty = np.zeros(0, dtype=np.int32)
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)] or [empty] * 4
    return Survey(joined[0], joined[1], joined[2], joined[3], texts | tail)


def _refuse_wide(chunk: Chunk, limits: ReadLimits, place: str) -> None:
    widest = int(chunk.width.argmax())
    raise BadInput(
        f"{place.capitalize()} {int(chunk.line[widest])} has {int(chunk.width[widest]):,} columns; "
        f"up to {limits.columns:,} are read.",
        rule="columns", found=f"{int(chunk.width[widest])}",
        hint="Keep the columns that you need and upload the file again.",
    )  # fmt: skip


def too_large(limits: ReadLimits) -> BadInput:
    """The refusal of a table with too many rows or cells."""
    return BadInput(
        f"The table is larger than {limits.rows:,} rows or {limits.cells:,} cells, "
        "the most that is read.",
        rule="table size", found="more",
        hint="Keep the rows and columns that you need and upload the file again.",
    )  # fmt: skip
