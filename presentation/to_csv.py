"""Tables as CSV that a spreadsheet opens without running anything in it.

Excel and others take a cell that starts with = + - @ (or the full-width forms, a TAB or a line
break) as a formula. Such text gets an apostrophe in front; plain numbers stay as they are. The
same is done after a semicolon, because spreadsheets of half the world split there.
"""

from __future__ import annotations

import csv
import io
import re

from presentation.table import INDENTED, Table
from presentation.text import visible

_STARTERS = "=+\\-@\t\r\n＝＋－＠\u2409\u240a\u240d"
_INVISIBLE = "\\s\u200b-\u200f\u2060\ufeff\u00ad"
_FORMULA = re.compile(f"^[{_INVISIBLE}]*[{_STARTERS}]")
_AFTER_SEPARATOR = re.compile(f"([;|][{_INVISIBLE}\"']*)(?=[=+@＝＋＠]|[\\-－][^\\s\\d])")
_PLAIN_NUMBER = re.compile(r"^[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?%?$")


def defused(text: str) -> str:
    """`text` such that no spreadsheet takes it for a formula."""
    if _PLAIN_NUMBER.match(text):
        return text
    text = _AFTER_SEPARATOR.sub(r"\1'", text)
    return f"'{text}" if _FORMULA.match(text) else text


def csv_bytes(tables: tuple[Table, ...]) -> bytes:
    """Each table as a block: caption, titles, rows, notes, then an empty line.

    UTF-8 with a byte order mark (Excel needs it), every field quoted, lines end with CR LF.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for i, table in enumerate(tables):
        if i:
            writer.writerow([])
        for line in _lines(table):
            writer.writerow([defused(visible(field)) for field in line])
    return "\ufeff".encode() + out.getvalue().encode("utf-8")


def _lines(table: Table) -> list[list[str]]:
    titles = [
        _with_mark(title, column.mark)
        for title, column in zip(table.full_titles(), table.columns, strict=True)
    ]
    lines = [[table.caption], titles]
    for row in table.rows:
        texts = [_with_mark(cell.text, cell.mark) for cell in row.cells]
        if row.kind in INDENTED and texts:
            texts[0] = f"\u00a0\u00a0{texts[0]}"
        lines.append(texts)
    lines += [[f"[{note.mark}] {note.text}"] for note in table.footnotes]
    lines += [[note] for note in table.notes]
    return lines


def _with_mark(text: str, mark: str) -> str:
    return f"{text} [{mark}]" if mark else text
