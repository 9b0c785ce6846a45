"""Which records are rows of the table: footer, blank lines, lines that do not fit.

No value ever moves to another column: a line with too few cells is filled at its end, a line
with too many is left out, and both are said with their line numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ingest.header import common_width, find_header, header_notes
from ingest.notes import cut, lines, quoted
from ingest.records import Survey
from ingest.report import ImportNote
from ingest.values import is_number
from stats.errors import BadInput

_WATCHED_GAPS = 200
_TOTAL_WORDS = (
    "total", "sum", "mean", "average", "grand total", "subtotal", "summe", "gesamt", "รวม",
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Layout:
    """`header` is the index of the header record (-1: none), `names` its cells as written,
    `n_columns` the width of the table, `keep` marks the records that are rows."""

    header: int
    names: list[str]
    n_columns: int
    keep: NDArray[np.bool_]
    notes: list[ImportNote] = field(default_factory=list)


def decide_layout(
    records: list[list[str]], shape: Survey, *, header_row: int | None, place: str
) -> Layout:
    """The layout of a surveyed table. `records` are its first records as texts.

    BadInput for an empty file, a header alone, a header that names fewer columns than the rows
    have, and when more than a tenth of the rows do not fit.
    """
    if not shape.extent.any():
        raise BadInput(
            "The file is empty.", rule="rows", found="0",
            hint="Check that the right file was chosen and that it was saved with its data.",
        )  # fmt: skip
    header = find_header(records, shape, header_row=header_row, place=place)
    names = list(records[header]) if header >= 0 else []
    body = np.zeros(shape.n_records, dtype=bool)
    body[header + 1 :] = True
    while names and not names[-1] and not (body & (shape.extent >= len(names))).any():
        names.pop()
    layout = Layout(
        header, names, len(names) or common_width(shape), body,
        header_notes(records, shape, header, place),
    )  # fmt: skip
    _Rows(layout, records, shape, place).decide()
    return layout


class _Rows:
    """The decisions on the records after the header, one kind after the other."""

    def __init__(self, layout: Layout, records: list[list[str]], shape: Survey, place: str) -> None:
        self.layout = layout
        self.records = records
        self.shape = shape
        self.place = place
        self.body = layout.keep.copy()
        self.width = layout.n_columns

    def decide(self) -> None:
        shape, width = self.shape, self.layout.n_columns
        keep = self.body & (shape.extent > 0)
        self.layout.keep = keep
        if not keep.any():
            raise BadInput(
                "The file has a header but no rows.", rule="rows", found="0",
                hint="Check that the file was saved with its data.",
            )  # fmt: skip
        self._drop_other_table()
        self._drop_footer()
        self._drop_long()
        self._say_short(np.flatnonzero(self.layout.keep & (shape.width < width)))
        self._blank_lines()
        self._say_total()
        surplus = np.flatnonzero(self.layout.keep & (shape.width > width))
        if len(surplus):
            self._say(
                "surplus_separators", "info",
                f"{len(surplus):,} {self.place}{'s' * (len(surplus) != 1)} ended with separators "
                "beyond the last column; there was nothing behind them.",
                "Nothing needs to be done.", surplus,
            )  # fmt: skip

    def _say(
        self, code: str, severity: Literal["info", "caution", "warning"], text: str, remedy: str,
        at: Sequence[int] | NDArray[np.int64],
    ) -> None:  # fmt: skip
        numbers = tuple(self.shape.line[np.asarray(at, dtype=np.int64)[:200]].tolist())
        self.layout.notes.append(ImportNote(code, severity, text, remedy, rows=numbers))

    def _where(self, at: NDArray[np.int64]) -> str:
        return lines(self.place, self.shape.line[at])

    def _drop_other_table(self) -> None:
        """A block behind a blank line that has another width or brings its own header."""
        shape, keep = self.shape, self.layout.keep
        blank = self.body & (shape.extent == 0)
        starts = np.flatnonzero(blank[:-1] & keep[1:]) + 1
        first_row = int(np.flatnonzero(keep)[0])
        # Beyond the first gaps only the width of a line can tell, since texts are not kept.
        told = (np.arange(len(starts)) < _WATCHED_GAPS) | (shape.width[starts] != self.width)
        for start in starts[told][: 2 * _WATCHED_GAPS].tolist():
            if start <= first_row or not self._starts_other_table(start):
                continue
            dropped = np.flatnonzero(keep[start:]) + start
            keep[start:] = False
            first, last = (int(shape.line[i]) for i in (dropped[0], dropped[-1]))
            words = quoted([cell for cell in shape.texts.get(start, []) if cell])
            self._say(
                "second_table", "warning",
                f"A second table starts in {self.place} {first}"
                + (f" ({words})" if words else "")
                + f"; {self.place}s {first} to {last} were not read.",
                "Put each table into a file of its own.", dropped,
            )  # fmt: skip
            return

    def _starts_other_table(self, start: int) -> bool:
        shape, width = self.shape, self.layout.n_columns
        if shape.extent[start] < 2:
            # A title of one cell: the table is below it.
            below = shape.width[start + 1 :][shape.extent[start + 1 :] > 1]
            return len(below) > 1 and shape.width[start] < width and below[0] != width
        if shape.width[start] != width and shape.extent[start] != width:
            return bool(shape.width[start] > width) or self._words_only(start)
        return self._words_only(start)

    def _words_only(self, start: int) -> bool:
        """True when the record repeats the header or has words above numbers."""
        cells = [cell for cell in self.shape.texts.get(start, []) if cell]
        if not cells or any(is_number(cell) for cell in cells):
            return False
        if cells == [name for name in self.layout.names if name]:
            return True
        rows = [r for r in self.records[self.layout.header + 1 :][:50] if any(r)]
        numeric = [
            j for j in range(self.layout.n_columns)
            if sum(j < len(r) and is_number(r[j]) for r in rows) > 0.6 * len(rows)
        ]  # fmt: skip
        record = self.shape.texts[start]
        return bool(numeric) and all(j < len(record) and record[j] for j in numeric)

    def _drop_footer(self) -> None:
        """Trailing lines of one cell: shorter than the table, or behind a blank line."""
        shape, keep, width = self.shape, self.layout.keep, self.layout.n_columns
        if width == 1:
            return
        at = np.flatnonzero(keep)
        footer: list[int] = []
        waiting: list[int] = []
        for index in at[::-1][:50].tolist():
            if shape.extent[index] != 1:
                break
            waiting.append(index)
            if shape.width[index] < width or shape.extent[index - 1] == 0:
                footer += waiting
                waiting = []
        footer = footer[::-1]
        if not footer or len(footer) == len(at):
            return
        keep[footer] = False
        words = cut(next((c for c in shape.texts.get(footer[0], []) if c), ""), 60)
        self._say(
            "footer", "caution",
            f"{self._where(np.array(footer)).capitalize()} below the table"
            + (f' ("{words}")' if words else "")
            + f" {'was' if len(footer) == 1 else 'were'} not read.",
            f"If that {self.place} is a row, fill its other cells and upload the file again.",
            footer,
        )  # fmt: skip

    def _drop_long(self) -> None:
        shape, keep, width = self.shape, self.layout.keep, self.layout.n_columns
        long = np.flatnonzero(keep & (shape.extent > width))
        if not len(long):
            return
        if len(long) * 10 > keep.sum():
            raise BadInput(
                f"{len(long):,} of {int(keep.sum()):,} rows have more cells than the header names "
                f"({width}), first in {self.place} {int(shape.line[long[0]])}.",
                rule="row width", found=f"{int(shape.width[long[0]])} cells",
                hint="Name every column, put quotation marks around cells that hold the "
                "separator, or choose another separator.",
            )  # fmt: skip
        keep[long] = False
        self._say(
            "long_lines", "warning",
            f"{self._where(long).capitalize()} had more than {width} cells and "
            f"{'was' if len(long) == 1 else 'were'} left out, because it is not clear which "
            "value belongs to which column.",
            "Put quotation marks around cells that hold the separator and upload the file again.",
            long,
        )  # fmt: skip

    def _say_short(self, short: NDArray[np.int64]) -> None:
        if not len(short):
            return
        self._say(
            "short_lines", "warning",
            f"{self._where(short).capitalize()} had fewer than {self.layout.n_columns} cells; "
            "the cells missing at the end were read as empty.",
            "Compare these rows with the original and correct the file.", short,
        )  # fmt: skip

    def _blank_lines(self) -> None:
        shape, keep = self.shape, self.layout.keep
        last = int(np.flatnonzero(keep)[-1])
        blank = np.flatnonzero(self.body & (shape.extent == 0))
        inside = blank[blank < last]
        started = np.flatnonzero(keep)[0]
        inside = inside[inside > started] if self.layout.n_columns > 1 else inside
        if not len(inside):
            return
        if self.layout.n_columns == 1:
            keep[inside] = True
            what = "were read as missing values"
        else:
            what = "were left out"
        self._say(
            "blank_lines", "info",
            f"{len(inside):,} blank {self.place}{'s' * (len(inside) != 1)} inside the table "
            f"({self._where(inside)}) {what}.",
            "Nothing needs to be done if they hold no row.", inside,
        )  # fmt: skip

    def _say_total(self) -> None:
        last = int(np.flatnonzero(self.layout.keep)[-1])
        record = self.shape.texts.get(last, [])
        word = next((cell for cell in record if cell), "")
        if word.casefold().rstrip(":").strip() in _TOTAL_WORDS:
            self._say(
                "total_row", "warning",
                f'{self.place.capitalize()} {int(self.shape.line[last])} ("{cut(word)}") looks '
                "like a total; it was read as a row.",
                "Delete the line and upload the file again.", [last],
            )  # fmt: skip
