"""One sheet of a workbook as a stream of text, row by row, as a careful person would save it.

Numbers are written with the fewest digits that give the same float64, dates as 2024-01-31,
true and false as TRUE and FALSE, text in quotation marks. Memory holds the shared texts and the
rows written so far, never a grid: one cell in the far corner costs one cell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest.archive import Package, damaged, too_much
from ingest.serials import serial_text
from ingest.values import is_number, keeps_its_digits, number_of
from stats.errors import BadInput

_FLUSH = 1 << 18
_SHOWN_MERGED = 3
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_NEEDS_QUOTES = re.compile('[",\n\r]')


@dataclass(slots=True, eq=False)
class SharedTexts:
    """The texts that cells refer to, ready to be written; `numeric` are those that look like
    numbers."""

    texts: list[str] = field(default_factory=list)
    numeric: set[int] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class SheetText:
    """A sheet as comma-separated UTF-8 text (row r of the sheet is line r), and what was seen.

    Columns are counted from 0. `formulas_without_value` counts formulas that no program has
    computed yet.
    """

    pieces: list[bytes] = field(default_factory=list)
    n_columns: int = 0
    n_cells: int = 0
    text_numbers: Counter[int] = field(default_factory=Counter)
    formulas_without_value: int = 0
    odd_dates: int = 0
    hidden_rows: int = 0
    hidden_columns: int = 0
    merged: list[str] = field(default_factory=list)
    n_merged: int = 0

    def stream(self) -> Iterator[bytes]:
        """The text from its beginning, in small pieces."""
        for piece in self.pieces:
            for at in range(0, len(piece), _FLUSH):
                yield piece[at : at + _FLUSH]


def written(text: str) -> str:
    """A text as a cell of comma-separated text."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
        text = "".join(ch for ch in text if ch != "\x00" and not "\ud800" <= ch <= "\udfff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _NEEDS_QUOTES.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _is_quantity(text: str) -> bool:
    return is_number(text) and keeps_its_digits(text, number_of(text))


def number_text(raw: str) -> str:
    """The number of a cell with the fewest digits that read back as the same float64."""
    if raw.isdigit() and len(raw) < 16 and (raw[0] != "0" or len(raw) == 1):
        return raw
    try:
        value = float(raw)
    except ValueError:
        return written(raw)
    if value.is_integer() and abs(value) < 1e22:
        return str(int(value))
    text = repr(value)
    return raw if text in ("inf", "-inf", "nan") else text


def column_letters(index: int) -> str:
    """0 -> "A", 25 -> "Z", 26 -> "AA"."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


class _SharedReader:
    """Handlers for the table of shared texts."""

    def __init__(self, limit: int) -> None:
        self.shared = SharedTexts()
        self._limit = limit
        self._parts: list[str] = []
        self._size = 0
        self._taking = self._phonetic = False

    def start(self, name: str, _: dict[str, str]) -> None:
        """A tag opens."""
        if name == "t":
            self._taking = not self._phonetic
        elif name == "si":
            self._parts, self._size = [], 0
        elif name == "rPh":
            self._phonetic = True

    def text(self, data: str) -> None:
        """Characters; a text beyond the limit is refused before it is collected."""
        if self._taking:
            self._size += len(data)
            if self._size > self._limit:
                raise _long_cell(self._limit)
            self._parts.append(data)

    def end(self, name: str) -> None:
        """A tag closes."""
        if name == "t":
            self._taking = False
        elif name == "rPh":
            self._phonetic = False
        elif name == "si":
            value = "".join(self._parts)
            if _is_quantity(value.strip()):
                self.shared.numeric.add(len(self.shared.texts))
            self.shared.texts.append(written(value))


def read_shared_texts(package: Package, part: str | None) -> SharedTexts:
    """The table of shared texts. Its stated counts are ignored."""
    reader = _SharedReader(package.limits.cell_characters)
    if part is not None and part in package.names:
        package.feed(part, reader.start, reader.end, reader.text)
    return reader.shared


def _long_cell(limit: int) -> BadInput:
    return BadInput(
        f"A cell of the workbook is longer than {limit:,} characters, the longest that is read.",
        rule="cell length", found="more", hint="Shorten the cell and upload the file again.",
    )  # fmt: skip


class SheetReader:
    """Handlers for the XML of one sheet; `sheet` grows as the rows come."""

    def __init__(
        self, package: Package, shared: SharedTexts, formats: list[str], *, epoch_1904: bool
    ) -> None:
        self.limits = package.limits
        self.shared = shared
        self.formats = formats
        self.epoch_1904 = epoch_1904
        self.sheet = SheetText()
        self._columns: dict[str, int] = {}
        self._row = self._written = 0
        self._cells: list[str] = []
        self._buffer: list[str] = []
        self._buffered = 0
        self._type = ""
        self._style = 0
        self._column = -1
        self._value = ""
        self._taking = self._phonetic = self._formula = False
        self._row_hidden = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """A tag opens."""
        if name == "c":
            self._start_cell(attributes)
        elif name in ("v", "t"):
            self._taking = not self._phonetic
        elif name == "row":
            self._start_row(attributes)
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._phonetic = True
        elif name == "mergeCell":
            self.sheet.n_merged += 1
            if self.sheet.n_merged <= _SHOWN_MERGED:
                self.sheet.merged.append(attributes.get("ref", "")[:20])
        elif name == "col" and attributes.get("hidden") in ("1", "true"):
            self.sheet.hidden_columns += 1

    def text(self, data: str) -> None:
        """Characters inside a tag."""
        if self._taking:
            self._value += data
            if len(self._value) > self.limits.cell_characters:
                raise _long_cell(self.limits.cell_characters)

    def end(self, name: str) -> None:
        """A tag closes."""
        if name == "c":
            if self._value or self._formula:
                self._end_cell()
        elif name in ("v", "t"):
            self._taking = False
        elif name == "row":
            self._end_row()
        elif name == "rPh":
            self._phonetic = False

    def finish(self) -> SheetText:
        """The sheet after its last tag."""
        self._flush()
        return self.sheet

    def _start_row(self, attributes: dict[str, str]) -> None:
        stated = attributes.get("r", "")
        row = int(stated) if stated.isdigit() else self._row + 1
        if row <= self._row:
            raise damaged("its rows are not in order")
        if row > self.limits.rows + 1_000:
            raise too_much(f"a cell in row {row:,}", f"{self.limits.rows:,} rows")
        self._row = row
        self._row_hidden = attributes.get("hidden") in ("1", "true")
        self._cells = []
        self._column = -1

    def _start_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r", "")
        letters = reference.rstrip("0123456789")
        if letters:
            column = self._columns.get(letters)
            if column is None:
                column = self._columns[letters] = self._column_number(letters, reference)
        else:
            column = self._column + 1
        if column <= self._column and self._column >= 0:
            raise damaged("the cells of a row are not in order")
        self._column = column
        self._type = attributes.get("t", "")
        style = attributes.get("s", "")
        self._style = int(style) if style.isdigit() else 0
        self._value = ""
        self._formula = False

    def _column_number(self, letters: str, reference: str) -> int:
        if not (letters.isascii() and letters.isalpha() and len(letters) <= 3):
            raise damaged("a cell has no proper place")
        number = 0
        for letter in letters.upper():
            number = number * 26 + ord(letter) - 64
        if number > self.limits.columns:
            raise too_much(
                f"a cell at {reference[:12]} (column {number:,})",
                f"{self.limits.columns:,} columns",
            )
        return number - 1

    def _end_cell(self) -> None:
        if not self._value:
            if self._formula:
                self.sheet.formulas_without_value += 1
            return
        text = self._cell_text(self._value)
        if not text:
            return
        gap = self._column - len(self._cells)
        if gap > 0:
            self._cells.extend([""] * gap)
        self._cells.append(text)
        self.sheet.n_cells += 1

    def _cell_text(self, raw: str) -> str:
        kind = self._type
        if kind == "s":
            return self._shared_text(raw)
        if kind in ("", "n"):
            return self._number(raw)
        if kind == "b":
            return "TRUE" if raw.strip() in ("1", "true") else "FALSE"
        if kind == "d":
            return written(raw.replace("T", " ").removesuffix(" 00:00:00").removesuffix("Z"))
        if kind != "e" and _is_quantity(raw.strip()):
            self.sheet.text_numbers[self._column] += 1
        return written(raw)

    def _shared_text(self, raw: str) -> str:
        position = int(raw) if raw.isdigit() and len(raw) < 10 else len(self.shared.texts)
        if position >= len(self.shared.texts):
            raise damaged("a cell refers to a text that is not there")
        if position in self.shared.numeric:
            self.sheet.text_numbers[self._column] += 1
        return self.shared.texts[position]

    def _number(self, raw: str) -> str:
        kind = self.formats[self._style] if self._style < len(self.formats) else ""
        if kind:
            try:
                serial = float(raw)
            except ValueError:
                return written(raw)
            text = serial_text(serial, kind, epoch_1904=self.epoch_1904)
            if text is not None:
                return text
            self.sheet.odd_dates += 1
        return number_text(raw)

    def _end_row(self) -> None:
        cells = self._cells
        if not cells:
            return
        sheet = self.sheet
        sheet.n_columns = max(sheet.n_columns, len(cells))
        if sheet.n_cells > self.limits.workbook_cells:
            limit = f"{self.limits.workbook_cells:,}"
            raise too_much(f"a sheet with more than {limit} cells", f"{limit} cells")
        sheet.hidden_rows += self._row_hidden
        line = "\n" * (self._row - self._written - 1) + ",".join(cells) + "\n"
        self._written = self._row
        self._buffer.append(line)
        self._buffered += len(line)
        if self._buffered > _FLUSH:
            self._flush()

    def _flush(self) -> None:
        if self._buffer:
            self.sheet.pieces.append("".join(self._buffer).encode("utf-8", "replace"))
            self._buffer = []
            self._buffered = 0
