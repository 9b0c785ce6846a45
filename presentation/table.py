"""A table as a value: what it says, not how it looks.

Every medium (page, Word, Excel, CSV) prints the same `Table`. Cells hold the printed text and,
where there are any, the raw numbers behind it, so that Excel gets numbers. All text that enters
passes through `visible`, so that no medium meets a character that it cannot hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from presentation.text import visible

Align = Literal["left", "number"]
RowKind = Literal["single", "heading", "level", "reference", "line"]

#: Kinds of rows that stand indented under the heading of their variable.
INDENTED: frozenset[str] = frozenset({"level", "reference", "line"})

_FIGURE_SPACE = "\u2007"  # as wide as a digit
_NUMBER_STARTS = frozenset("<>\u2212.·")


class _Clean:
    """Base whose text fields are made printable on construction."""

    __slots__ = ()

    def _clean(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            clean = tuple(map(visible, value)) if isinstance(value, tuple) else visible(value)
            object.__setattr__(self, name, clean)


@dataclass(frozen=True, slots=True)
class Cell(_Clean):
    """Printed text, the numbers behind it (one per part of its column; None = missing or not
    finite) and the footnote mark that follows it.
    """

    text: str = ""
    numbers: tuple[float | None, ...] = ()
    mark: str = ""

    def __post_init__(self) -> None:
        self._clean("text", "mark")


@dataclass(frozen=True, slots=True)
class Column(_Clean):
    """One column. `parts` names the numbers of its cells (for Excel), `formats` how a spreadsheet
    shows each ("0.00"); a column of text has neither.
    """

    title: str
    align: Align = "left"
    parts: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    mark: str = ""

    def __post_init__(self) -> None:
        self._clean("title", "parts", "mark")
        if len(self.parts) != len(self.formats):
            raise ValueError("each part of a column needs its format")


@dataclass(frozen=True, slots=True)
class Spanner(_Clean):
    """A heading over the columns `first` to `last` (0-based, both included)."""

    title: str
    first: int
    last: int

    def __post_init__(self) -> None:
        self._clean("title")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a variable in one line (`single`), its `heading`, a `level` under it, its
    `reference` level, or another `line` under it (a statistic, missing values).
    """

    kind: RowKind
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Footnote(_Clean):
    """The sentence that a mark stands for."""

    mark: str
    text: str

    def __post_init__(self) -> None:
        self._clean("mark", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(_Clean):
    """A whole table.

    `name` is short (a sheet of a workbook is called after it), `title` the caption's first
    sentence, `subtitle` the rest of the caption. `notes` are sentences without a mark.
    ValueError when a row has not one cell per column or a spanner leaves the table.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    subtitle: str = ""
    spanners: tuple[Spanner, ...] = ()
    footnotes: tuple[Footnote, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._clean("name", "title", "subtitle", "notes")
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(f"a row has {len(row.cells)} cells, not {len(self.columns)}")
        for spanner in self.spanners:
            if not 0 <= spanner.first <= spanner.last < len(self.columns):
                raise ValueError(f"spanner {spanner.title!r} leaves the table")

    @property
    def caption(self) -> str:
        """Title and subtitle in one line."""
        return f"{self.title} {self.subtitle}".strip()

    def column_texts(self, index: int) -> tuple[str, ...]:
        """The printed texts of one column, from top to bottom, without marks."""
        return tuple(row.cells[index].text for row in self.rows)

    def full_titles(self) -> tuple[str, ...]:
        """Column titles with the title of their spanner in front: `Adjusted: p`."""
        titles = [column.title for column in self.columns]
        for spanner in self.spanners:
            for i in range(spanner.first, spanner.last + 1):
                titles[i] = f"{spanner.title}: {titles[i]}" if titles[i] else spanner.title
        return tuple(titles)


class Footnotes:
    """Hands out marks a, b, ... z, aa, ... in the order of first use; one mark per sentence."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}

    def mark(self, text: str) -> str:
        """The mark of this sentence."""
        if text not in self._marks:
            self._marks[text] = _letters(len(self._marks))
        return self._marks[text]

    def marks(self, *texts: str) -> str:
        """Marks of several sentences, joined by commas."""
        return ",".join(dict.fromkeys(self.mark(text) for text in texts if text))

    def done(self) -> tuple[Footnote, ...]:
        """The footnotes in order."""
        return tuple(Footnote(mark, text) for text, mark in self._marks.items())


def _letters(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def whole_part(text: str) -> int:
    """Characters of `text` in front of the decimal sign of its first number."""
    for i, letter in enumerate(text):
        if not (letter.isascii() and letter.isdigit()) and letter not in "<>\u2212∞–":
            return i
    return len(text)


def decimal_padding(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The figure spaces that line up the decimal signs when put in front of each text.

    Texts that do not start like a number get none.
    """
    widths = [whole_part(t) if t[:1].isdigit() or t[:1] in _NUMBER_STARTS else 0 for t in texts]
    widest = max(widths, default=0)
    return tuple(_FIGURE_SPACE * (widest - width) if width else "" for width in widths)
