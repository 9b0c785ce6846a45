"""The caution under tables with cells of one to four patients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import logic
from presentation.exports import render
from presentation.families import more_tables_of, table_of
from presentation.small_cells import CAUTION, cautioned, has_small_cells
from presentation.table import Cell, Column, Row, Table

DATA = Path(__file__).parents[2] / "reference" / "data"


def table(column: Column, *numbers: float | None, kind: str = "level") -> Table:
    row = Row(kind, (Cell("x"), Cell("shown", numbers)))  # type: ignore[arg-type]
    return Table(name="t", title="T.", columns=(Column(""), column), rows=(row,))


EVENTS = Column("Events/n (%)", "number", ("events", "n", "%"), ("0", "0", "0.0"))
MIXED = Column("A (N = 9)", "number", ("n, mean or median", "%, SD or Q1", "Q3"), ("General",) * 3)
P = Column("p", "number", ("p",), ("General",))


@pytest.mark.parametrize("few", [1, 2, 3, 4])
def test_one_to_four_patients_are_cautioned(few: int) -> None:
    assert has_small_cells(table(EVENTS, few, 120, 2.5))
    assert has_small_cells(table(EVENTS, 0, few, 0.0))
    assert has_small_cells(table(MIXED, few, 33.3, None))
    assert cautioned(table(EVENTS, few, 120, 2.5)).notes == (CAUTION,)


@pytest.mark.parametrize(
    "safe",
    [
        table(EVENTS, 0, 120, 0.0),
        table(EVENTS, 5, 120, 4.2),
        table(EVENTS, None, 120, None),
        table(MIXED, 3.2, 1.1, None, kind="single"),  # a mean
        table(MIXED, 2, None, None, kind="line"),  # missing values
        table(P, 0.03),
        table(Column("df", "number", ("df",), ("0",)), 2),
        table(Column("Missing", "number", ("missing",), ("0",)), 2),
        table(Column("Row of the file", "number", ("Row",), ("0",)), 3),
        table(Column("OR", "number", ("OR",), ("0.00####",)), 2.0),
    ],
    ids=lambda t: t.columns[1].title,
)
def test_everything_else_is_left_in_peace(safe: Table) -> None:
    assert not has_small_cells(safe)
    assert cautioned(safe) is safe


def test_the_caution_stands_once() -> None:
    once = cautioned(table(EVENTS, 1, 9, 11.1))
    assert cautioned(once) is once


@pytest.mark.parametrize("kind", ["csv", "html", "xlsx", "docx"])
def test_every_document_carries_it(kind: str) -> None:
    made = render(kind, (cautioned(table(EVENTS, 1, 9, 11.1)),), (), "Methods.", "T.")
    if kind in ("xlsx", "docx"):
        import io
        import zipfile

        with zipfile.ZipFile(io.BytesIO(made)) as parts:
            made = b"".join(parts.read(name) for name in parts.namelist())
    assert CAUTION.encode() in made


def frame(rare: int) -> pd.DataFrame:
    """200 patients, `rare` of whom have a rare level."""
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "age": rng.normal(60, 10, 200), "arm": ["a", "b"] * 100,
            "site": ["rare"] * rare + ["common"] * (200 - rare),
            "died": np.where(rng.random(200) < 0.4, "yes", "no"),
            "days": rng.integers(10, 900, 200) * 1.0,
        }
    )  # fmt: skip


@pytest.mark.parametrize(("rare", "told"), [(3, True), (60, False)])
@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("describe_cohort", {"variables": ["age", "site"]}),
        ("compare_groups", {"value": "site", "group": "died"}),
        ("analyze_outcome", {"outcome": "died", "predictors": ["age", "site"], "event": "yes"}),
        ("two_by_two", {"outcome": "died", "exposure": "site", "event": "yes", "exposed": "rare"}),
    ],
)
def test_results_of_every_kind_are_judged_by_their_cells(
    name: str, choices: dict[str, object], rare: int, *, told: bool
) -> None:
    result = logic.run(name, frame(rare), **choices).result
    tables = (table_of(result), *more_tables_of(result))
    assert any(map(has_small_cells, tables)) == told, [t.name for t in tables if has_small_cells(t)]
