"""The blocks of a design, whichever way they are built."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stats import design as module
from stats.design import Design, Term, make_design


def terms(n: int) -> list[Term]:
    rng = np.random.default_rng(3)
    return [
        Term("x", "continuous", rng.normal(50, 10, n)),
        Term("f", "factor", rng.integers(0, 3, n).astype(np.int8), ("a", "b", "c"), 1),
        Term("g", "factor", rng.integers(0, 2, n).astype(np.int16), ("no", "yes"), 0),
        Term("z", "continuous", rng.exponential(size=n)),
    ]


def by_hand(design: Design) -> np.ndarray:
    columns = [np.ones(design.n_rows)]
    for j, column in enumerate(design.columns):
        values = design.terms[column.term].values[design.rows]
        if column.level >= 0:
            columns.append((values == column.level).astype(float))
        else:
            columns.append((values - design.centre[j]) / design.spread[j])
    return np.column_stack(columns)


def rows_of(kind: str, n: int) -> np.ndarray:
    every = np.arange(n)
    return {
        "all": every,
        "a run": every[50:900],
        "with gaps": every[every % 7 != 3],
        "the ends of a run in a different order": np.array([10, 12, 11, 13]),
        "first and last as in a run": np.array([10, 500, 2, 13]),
        "one": every[5:6],
        "none": every[:0],
    }[kind]


KINDS = (
    "all", "a run", "with gaps", "the ends of a run in a different order",
    "first and last as in a run", "one", "none",
)  # fmt: skip


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_blocks_hold_the_design(kind: str, kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not kept:
        monkeypatch.setattr(module, "_KEPT_ELEMENTS", -1)
    monkeypatch.setattr(module, "_BLOCK_ELEMENTS", 1 << 10)
    full = make_design(terms(1_000), np.arange(1_000))
    design = Design(full.terms, rows_of(kind, 1_000), full.columns, full.centre, full.spread)
    assert design.kept == kept
    expected = by_hand(design)
    for _ in range(2):
        whole = [x.copy() for _, x in design.blocks()] or [np.empty_like(expected)]
        assert_allclose(np.concatenate(whole), expected, rtol=1e-14, atol=1e-14)
        single = [x.copy() for _, x in design.single_blocks()] or [np.empty_like(expected)]
        assert_array_equal(np.concatenate(single), np.concatenate(whole).astype(np.float32))


def test_the_longest_row_is_bounded() -> None:
    design = make_design(terms(1_000), np.arange(3, 990))
    longest = float(np.square(by_hand(design)).sum(axis=1).max())
    assert longest <= design.longest_row <= 3 * longest
