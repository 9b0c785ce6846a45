"""A caution under tables that show very few patients.

A cell of one to four patients can tell who they are to somebody who knows one of them. Rules
differ between registers and journals, and only the reader knows which one holds, so nothing is
hidden: the caution is a sentence.
"""

from __future__ import annotations

from dataclasses import replace

from presentation.table import Column, Row, Table

CAUTION = "Cells of fewer than 5 patients may identify people; check before publishing."
_FEWEST = 5
_WHOLE = "0"
#: Whole numbers that count no patients with a property.
_NO_PATIENTS = frozenset({"df", "row", "group", "parameters", "resamples", "missing"})
_COUNT_OR_MEAN = "n, mean or median"


def cautioned(table: Table) -> Table:
    """The table, with the caution among its notes where a cell counts one to four patients."""
    if CAUTION in table.notes or not has_small_cells(table):
        return table
    return replace(table, notes=(*table.notes, CAUTION))


def has_small_cells(table: Table) -> bool:
    """Whether some cell counts one to four patients.

    Counts are the numbers that a column shows as whole ones (but for degrees of freedom and the
    like), and those of levels where a column holds counts and means.
    """
    return any(
        _counts_few(row, column, i) for i, column in enumerate(table.columns) for row in table.rows
    )


def _counts_few(row: Row, column: Column, place: int) -> bool:
    numbers = row.cells[place].numbers
    for part, shown, number in zip(column.parts, column.formats, numbers, strict=False):
        named = part.casefold()
        whole = shown == _WHOLE and named not in _NO_PATIENTS
        of_level = named == _COUNT_OR_MEAN and row.kind == "level"
        if (whole or of_level) and number is not None and 0 < number < _FEWEST:
            return True
    return False
