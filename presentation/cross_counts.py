"""The four counts of a 2 x 2 table with their totals, as a table."""

from __future__ import annotations

from presentation.effects import rows_of
from presentation.follow_up import count_cell, count_column
from presentation.names import Names
from presentation.table import Cell, Row, Spanner, Table
from presentation.table import Column as TableColumn
from stats.result import AccuracyResult


def counts_table(result: AccuracyResult, names: Names, row: str, column: str) -> Table:
    """Counts with totals; `row` and `column` are the names of the two columns of data."""
    cells = rows_of(result.table("counts"))[:4]
    (a, b, c, d) = (int(cell["n"]) for cell in cells)
    titles = (cells[0]["column"], cells[1]["column"])
    lines = ((cells[0]["row"], a, b), (cells[2]["row"], c, d), ("Total", a + c, b + d))
    rows = [Row("heading", (Cell(names.of(row)), Cell(), Cell(), Cell()))]
    rows += [
        Row("level" if name != "Total" else "single", (
            Cell(name), count_cell(x), count_cell(y), count_cell(x + y)
        ))
        for name, x, y in lines
    ]  # fmt: skip
    return Table(
        name="Counts", title=f"{names.of(row)} and {names.of(column)}.", rows=tuple(rows),
        columns=(TableColumn(""), *(count_column(t) for t in titles), count_column("Total")),
        spanners=(Spanner(names.of(column), 1, 2),),
    )  # fmt: skip
