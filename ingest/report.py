"""What an import produces: the table, the proposed variable table, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from stats.variables import Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """The largest upload that is read; each limit is named in the message that enforces it."""

    file_bytes: int = 50 * 1024 * 1024
    workbook_bytes: int = 5 * 1024 * 1024
    inflated_bytes: int = 200 * 1024 * 1024
    rows: int = 1_000_000
    columns: int = 2_000
    cells: int = 25_000_000
    workbook_cells: int = 2_000_000
    cell_characters: int = 32_767
    distinct_texts: int = 1_000_000
    line_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadChoices:
    """How to read the file where the user overrules the proposal; None = decide and say so.

    `header_row` is a line number of the file (a row number of the sheet) from 1; 0 says that
    the table has no header. `missing_words` replaces the standard list (an empty tuple keeps
    every word as a value; empty cells are always missing). `text_columns` are kept as written.
    """

    encoding: str | None = None
    separator: str | None = None
    decimal_mark: str | None = None
    header_row: int | None = None
    sheet: str | None = None
    missing_words: tuple[str, ...] | None = None
    text_columns: tuple[str, ...] = ()
    date_order: Literal["day first", "month first"] | None = None


@dataclass(frozen=True, slots=True)
class ImportNote:
    """One decision or oddity in words; `remedy` says how to change it."""

    code: str
    severity: Literal["info", "caution", "warning"]
    text: str
    remedy: str = ""
    column: str | None = None
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What was decided while reading. Line numbers are those of the file, from 1."""

    file_name: str
    file_kind: Literal["delimited text", "workbook"]
    size_bytes: int
    n_rows: int
    n_columns: int
    encoding: str | None = None
    separator: str | None = None
    decimal_mark: str | None = None
    header_row: int | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    notes: tuple[ImportNote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imported:
    """A read file. Text columns of `frame` are categories of the texts in the file; number
    columns are float64, or int64 where every cell is a whole number."""

    frame: pd.DataFrame
    variables: tuple[Variable, ...]
    report: ImportReport
    choices: ReadChoices = field(default_factory=ReadChoices)
