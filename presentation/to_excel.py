"""Tables as an Excel workbook: numbers as numbers, text as text, one sheet per table.

xlsxwriter is imported inside the function: this runs in the heavy lane only. Text is written with
`write_string` alone, so nothing becomes a formula or a link, whatever it starts with.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from dataclasses import dataclass
from typing import Any

from presentation import palette
from presentation.table import INDENTED, Cell, Table
from presentation.text import visible

_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\]")
_LONGEST_SHEET_NAME = 31
_LONGEST_CELL = 32767
_EPOCH = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - the file format knows no time zone


@dataclass(frozen=True)
class _Place:
    """Where a column of the table stands in the sheet, and how wide it is."""

    first: int
    width: int


def excel_bytes(tables: tuple[Table, ...], methods: str, title: str) -> bytes:
    """A .xlsx file with one sheet per table and one for the methods.

    A column of several numbers (estimate and limits) becomes its printed text and one numeric
    column per number. The same content gives the same bytes.
    """
    import xlsxwriter

    out = io.BytesIO()
    options = {
        "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
        "strings_to_numbers": False, "nan_inf_to_errors": False,
    }  # fmt: skip
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"title": visible(title)[:255], "created": _EPOCH})
    taken: set[str] = set()
    for table in tables:
        sheet = book.add_worksheet(sheet_name(table.name, taken))
        _Sheet(book, sheet, table).write()
    if methods.strip() or not tables:
        sheet = book.add_worksheet(sheet_name("Methods", taken))
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        sheet.set_column(0, 0, 100)
        lines = [line for line in methods.splitlines() if line.strip()] or [title]
        for r, line in enumerate(lines):
            sheet.write_string(r, 0, visible(line)[:_LONGEST_CELL], wrapped)
    book.close()
    return out.getvalue()


def sheet_name(name: str, taken: set[str]) -> str:
    """A name that Excel accepts and no other sheet has; `taken` (lower case) is added to.

    Excel forbids brackets, colon, asterisk, question mark, both slashes, quotes at the ends, more
    than 31 characters and the name "History".
    """
    clean = _cut(_NOT_IN_SHEET_NAMES.sub(" ", visible(name)).strip(" '"), _LONGEST_SHEET_NAME)
    clean = clean.strip(" '") or "Table"
    if clean.lower() == "history":
        clean = "History table"
    found, number = clean, 2
    while found.lower() in taken:
        suffix = f" ({number})"
        found = _cut(clean, _LONGEST_SHEET_NAME - len(suffix)) + suffix
        number += 1
    taken.add(found.lower())
    return found


def _cut(text: str, limit: int) -> str:
    """At most `limit` characters as Excel counts them, in UTF-16."""
    return text.encode("utf-16-le")[: 2 * limit].decode("utf-16-le", "ignore")


class _Sheet:
    """Writes one table into one worksheet."""

    def __init__(self, book: Any, sheet: Any, table: Table) -> None:
        self.book, self.sheet, self.table = book, sheet, table
        self.places: list[_Place] = []
        at = 0
        for i in range(len(table.columns)):
            width = _width(table, i)
            self.places.append(_Place(at, width))
            at += width
        self.n_columns = at
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def _format(self, **look: Any) -> Any:
        base = {"font_name": palette.DOCUMENT_FONT, "font_size": 10, **look}
        key = tuple(sorted(base.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(base)
        return self._formats[key]

    def _text(self, row: int, column: int, text: str, **look: Any) -> None:
        self.sheet.write_string(row, column, text[:_LONGEST_CELL], self._format(**look))

    def write(self) -> None:
        """Caption, head, body, notes; the head stays in view while scrolling."""
        self._text(0, 0, self.table.caption, bold=True)
        head = 2
        if self.table.spanners:
            self._write_spanners(head)
            head += 1
        self._write_head(head)
        body = head + 1
        for r, row in enumerate(self.table.rows):
            last = {"bottom": 1} if r == len(self.table.rows) - 1 else {}
            for i, cell in enumerate(row.cells):
                indent = {"indent": 1} if i == 0 and row.kind in INDENTED else {}
                self._write_cell(body + r, i, cell, {**last, **indent})
        at = body + len(self.table.rows) + 1
        notes = [f"[{n.mark}] {n.text}" for n in self.table.footnotes] + list(self.table.notes)
        for i, note in enumerate(notes):
            self._text(at + i, 0, note, font_size=9)
        self._set_widths()
        self.sheet.freeze_panes(body, 1)
        self.sheet.hide_gridlines(2)
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 0)
        self.sheet.repeat_rows(head)

    def _write_spanners(self, row: int) -> None:
        for spanner in self.table.spanners:
            first = self.places[spanner.first].first
            end = self.places[spanner.last]
            look = self._format(bold=True, bottom=1, align="left")
            for column in range(first, end.first + end.width):
                self.sheet.write_blank(row, column, None, look)
            self.sheet.write_string(row, first, spanner.title[:_LONGEST_CELL], look)

    def _write_head(self, row: int) -> None:
        look = {"bold": True, "top": 2 if not self.table.spanners else 0, "bottom": 1}
        for column, place in zip(self.table.columns, self.places, strict=True):
            self._text(row, place.first, _with_mark(column.title, column.mark), **look)
            for k, part in enumerate(column.parts if place.width > 1 else ()):
                self._text(row, place.first + 1 + k, part, **look)

    def _write_cell(self, row: int, index: int, cell: Cell, look: dict[str, Any]) -> None:
        column, place = self.table.columns[index], self.places[index]
        text = _with_mark(cell.text, cell.mark)
        if place.width == 1 and len(column.parts) == 1 and cell.numbers:
            value = cell.numbers[0]
            if value is not None:
                self.sheet.write_number(
                    row, place.first, value, self._format(num_format=column.formats[0], **look)
                )
                return
        self._text(row, place.first, text, **look)
        for k in range(place.width - 1):
            value = cell.numbers[k] if k < len(cell.numbers) else None
            where = (row, place.first + 1 + k)
            if value is None:
                self.sheet.write_blank(*where, None, self._format(**look))
            else:
                self.sheet.write_number(
                    *where, value, self._format(num_format=column.formats[k], **look)
                )

    def _set_widths(self) -> None:
        for i, place in enumerate(self.places):
            texts = [self.table.columns[i].title, *self.table.column_texts(i)]
            letters = min(max(map(len, texts), default=8) + 3, 60)
            self.sheet.set_column(place.first, place.first, letters)
            if place.width > 1:
                self.sheet.set_column(place.first + 1, place.first + place.width - 1, 12)


def _width(table: Table, index: int) -> int:
    """Sheet columns that a column takes: one for plain numbers or text, else text and numbers.

    A single number needs its text beside it when the text says more: a footnote mark, "(2 df)".
    """
    parts = len(table.columns[index].parts)
    cells = [row.cells[index] for row in table.rows]
    says_more = any(cell.numbers and (cell.mark or " " in cell.text) for cell in cells)
    return 1 + parts if parts > 1 or (parts and says_more) else 1


def _with_mark(text: str, mark: str) -> str:
    return f"{text} [{mark}]" if mark else text
