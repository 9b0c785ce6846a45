"""Which terms hold no information, however late in the file they begin to vary."""

from __future__ import annotations

import numpy as np
import pytest

from stats.design import Bools, Floats, Term
from stats.model_notes import without_information

N = 1_000
EVERY = np.ones(N, dtype=np.bool_)


def left_out(values: Floats, known: Bools = EVERY) -> set[int]:
    return without_information([Term("x", "continuous", values)], known)[0]


def column(value: float = 7.0, **changes: float) -> Floats:
    values = np.full(N, value)
    for row, changed in changes.items():
        values[int(row[1:])] = changed
    return values


def test_a_column_that_varies_in_its_last_row_only_is_kept() -> None:
    assert left_out(column(r999=8.0)) == set()
    assert left_out(column()) == {0}


def test_a_column_that_varies_where_the_outcome_is_unknown_only_is_left_out() -> None:
    known = EVERY.copy()
    known[3] = False
    assert left_out(column(r3=8.0), known) == {0}
    assert left_out(column(r3=8.0)) == set()


def test_values_missing_at_the_start_say_nothing() -> None:
    values = column(r998=8.0)
    values[:600] = np.nan
    assert left_out(values) == set()
    values[998] = 7.0
    assert left_out(values) == {0}
    assert left_out(np.full(N, np.nan)) == {0}


@pytest.mark.parametrize("share", [1e-14, 0.9e-12, 1.5e-12, 1e-9])
def test_rounding_is_judged_on_the_whole_column(share: float) -> None:
    """The same answer whether the difference stands in the first rows or in the last."""
    early, late = column(r1=7.0 * (1 + share)), column(r998=7.0 * (1 + share))
    assert left_out(early) == left_out(late) == ({0} if share < 1e-12 else set())


@pytest.mark.parametrize("row", [5, 995])
def test_factors(row: int) -> None:
    codes = np.full(N, -1, dtype=np.int8)
    codes[10:] = 2
    term = Term("f", "factor", codes, ("a", "b", "c"))
    assert without_information([term], EVERY)[0] == {0}
    codes[row] = 0
    assert without_information([term], EVERY)[0] == set()


def test_missing_among() -> None:
    values = column()
    values[[1, 2, 800]] = np.nan
    known = EVERY.copy()
    known[2] = False
    assert Term("x", "continuous", values).missing_among(known) == 2
    codes = np.array([0, -1, 1, -1], dtype=np.int8)
    some = np.array([True, True, True, False])
    assert Term("f", "factor", codes, ("a", "b")).missing_among(some) == 1
