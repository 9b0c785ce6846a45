"""Table tests against full enumeration in integers, scipy and hand-worked cases."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats as scipy_stats

from stats import contingency
from stats.contingency import ChiSquares, chi_squares, fisher_exact


def enumerated(events, others):
    """The exact p by going through every table, in integers."""
    rows = [a + b for a, b in zip(events, others, strict=True)]
    weights = []
    for table in itertools.product(*(range(r + 1) for r in rows[:-1])):
        last = sum(events) - sum(table)
        if 0 <= last <= rows[-1]:
            counts = zip(rows, (*table, last), strict=True)
            weights.append(math.prod(math.comb(r, e) for r, e in counts))
    seen = math.prod(math.comb(r, e) for r, e in zip(rows, events, strict=True))
    return float(Fraction(sum(w for w in weights if w <= seen), sum(weights)))


def random_tables():
    rng = np.random.default_rng(12)
    for levels in (2, 2, 3, 4, 5, 6):
        for _ in range(12):
            events, others = rng.integers(0, 6, levels), rng.integers(0, 6, levels)
            if events.sum() and others.sum() and ((events + others) > 0).sum() > 1:
                yield events.tolist(), others.tolist()


@pytest.mark.parametrize(("events", "others"), list(random_tables()))
def test_fisher_by_enumeration(events, others):
    ours = fisher_exact(events, others, seed=1)
    assert_allclose(ours.p_value, enumerated(events, others), rtol=1e-11)
    assert math.isnan(ours.mc_error)


def test_fisher_tea():
    """Fisher's tea tasting, 3 of 4 right: 34/70."""
    assert_allclose(fisher_exact([3, 1], [1, 3], seed=1).p_value, 34 / 70, rtol=1e-13)


def test_fisher_of_large_two_by_two_agrees_with_scipy():
    for table in ([[3, 900], [40, 20_000]], [[80_000, 2], [150_000, 4]], [[0, 22], [90, 288]]):
        theirs = scipy_stats.fisher_exact(table).pvalue
        assert_allclose(fisher_exact(*np.array(table).T, seed=1).p_value, theirs, rtol=1e-7)


def test_simulation_agrees_with_the_exact_answer(monkeypatch):
    events, others = [3, 4, 2, 8, 1, 0], [20, 15, 30, 22, 8, 9]
    exact = fisher_exact(events, others, seed=1)
    monkeypatch.setattr(contingency, "_STATES", 1)
    first = fisher_exact(events, others, seed=1)
    assert first.mc_error > 0
    assert abs(first.p_value - exact.p_value) < 4 * first.mc_error
    assert fisher_exact(events, others, seed=1) == first
    assert fisher_exact(events, others, seed=2).p_value != first.p_value


def test_levels_of_single_rows_are_one_block():
    """All tables are equally probable, whatever their number."""
    rng = np.random.default_rng(1)
    events = rng.integers(0, 2, 10_000)
    assert fisher_exact(events, 1 - events, seed=1).p_value == 1.0


def chi_square(*tables: tuple[object, object]) -> ChiSquares:
    events, others = (np.concatenate([np.asarray(t[i], float) for t in tables]) for i in (0, 1))
    return chi_squares(events, others, np.cumsum([0, *(len(t[0]) for t in tables)])[:-1])


def test_chi_square_agrees_with_scipy():
    tables = list(random_tables())
    together = chi_square(*tables)
    for i, (events, others) in enumerate(tables):
        table = np.array([events, others])
        theirs = scipy_stats.chi2_contingency(table[:, table.sum(axis=0) > 0], correction=False)
        expected = [theirs.statistic, theirs.pvalue, theirs.dof]
        for ours, at in ((together, i), (chi_square((events, others)), 0)):
            assert_allclose([ours.statistic[at], ours.p_value[at], ours.df[at]], expected,
                            rtol=1e-11, atol=1e-14)  # fmt: skip
            least = theirs.expected_freq.min()
            assert_allclose(ours.smallest_expected[at], least, rtol=1e-12)


def test_chi_square_without_correction():
    """45 and 46 events beside 86 and 101 others: p 0.587 without Yates's correction."""
    assert_allclose(chi_square(([45, 46], [86, 101])).p_value, 0.587, atol=5e-4)


@pytest.mark.parametrize(
    ("events", "others"),
    [([], []), ([3], [4]), ([3, 0], [4, 0]), ([0, 0], [3, 4]), ([3, 4], [0, 0]), ([0, 0], [0, 0])],
)
def test_no_test_without_two_levels_and_two_outcomes(events, others):
    assert math.isnan(fisher_exact(events, others, seed=1).p_value)
    if events:  # a factor of no levels has no line in a stack
        found = chi_square(([30, 20], [25, 40]), (events, others), ([10, 20], [20, 10]))
        for numbers in (found.smallest_expected, found.statistic, found.df, found.p_value):
            assert np.isnan(numbers).tolist() == [False, True, False]
