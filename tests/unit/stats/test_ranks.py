"""Ranks against scipy, brute force and hand-worked cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats as scipy_stats

from stats.design import Term
from stats.ranks import (
    Concordance,
    concordance_of_counts,
    concordances_of_counts,
    mann_whitney_p,
    rank_terms,
)


def ranks_of(x, y, known=None):
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=bool)
    known = np.ones(len(x), dtype=bool) if known is None else known
    return rank_terms([Term("x", "continuous", x)], y, known)[0]


def sample(n, ties, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    if ties:
        x = np.round(x * 2)
    x[rng.random(n) < 0.1] = np.nan
    return x, rng.random(n) < 0.4


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [7, 60, 300])
def test_mann_whitney_agrees_with_scipy(n, ties):
    x, y = sample(n, ties)
    seen = ~np.isnan(x)
    ours = ranks_of(x, y)
    p_value, exact = mann_whitney_p(ours)
    small = max(ours.event.n, ours.other.n) < 50
    assert exact == (small and not ties)
    theirs = scipy_stats.mannwhitneyu(
        x[seen & y], x[seen & ~y], method="exact" if exact else "asymptotic"
    )
    assert ours.u_statistic == theirs.statistic
    assert_allclose(p_value, theirs.pvalue, rtol=1e-11)


@pytest.mark.parametrize(("n1", "n0"), [(1, 1), (1, 9), (3, 3), (10, 49), (49, 49), (30, 5)])
def test_exact_distribution_of_u(n1, n0):
    """Every table of a few U values against scipy's exact distribution."""
    for u in {0, 1, n1 * n0 // 3, n1 * n0 // 2, n1 * n0 - 1, n1 * n0}:
        # events take the ranks that give U = u
        places = np.arange(n1)
        for k in range(n1 - 1, -1, -1):
            step = min(n0, u - (places - np.arange(n1)).sum())
            places[k] += max(0, step)
        y = np.zeros(n1 + n0, dtype=bool)
        y[places] = True
        ours = ranks_of(np.arange(n1 + n0), y)
        theirs = scipy_stats.mannwhitneyu(places, np.flatnonzero(~y), method="exact")
        assert ours.u_statistic == u
        assert_allclose(mann_whitney_p(ours)[0], theirs.pvalue, rtol=1e-11)


@pytest.mark.parametrize("ties", [False, True])
def test_concordance_and_delong_by_pairs(ties):
    """Placements counted pair by pair."""
    x, y = sample(80, ties, seed=4)
    seen = ~np.isnan(x)
    events, others = x[seen & y], x[seen & ~y]
    won = (events[:, None] > others) + 0.5 * (events[:, None] == others)
    variance = won.mean(axis=1).var(ddof=1) / len(events) + won.mean(axis=0).var(ddof=1) / len(
        others
    )
    ours = ranks_of(x, y).concordance
    assert_allclose(ours.area, won.mean(), rtol=1e-13)
    assert_allclose(ours.variance, variance, rtol=1e-12)


def test_perfect_and_reversed_concordance():
    x, y = np.arange(10.0), np.arange(10) >= 6
    assert ranks_of(x, y).concordance == Concordance(1.0, 0.0)
    assert ranks_of(-x, y).concordance == Concordance(0.0, 0.0)
    assert ranks_of(-x, y).concordance.oriented(-1) == Concordance(1.0, 0.0)
    assert Concordance(0.97, 0.01).limits(1.96)[1] == 1.0


def test_one_event_has_no_interval():
    low, high = ranks_of([1, 2, 3, 4], [0, 0, 1, 0]).concordance.limits(1.96)
    assert math.isnan(low)
    assert math.isnan(high)


@pytest.mark.parametrize("ties", [False, True])
def test_summaries_agree_with_numpy(ties):
    x, y = sample(101, ties, seed=2)
    seen = ~np.isnan(x)
    ours = ranks_of(x, y)
    for group, part in ((ours.event, seen & y), (ours.other, seen & ~y), (ours.overall, seen)):
        v = x[part]
        assert group.n == len(v)
        assert_allclose([group.mean, group.sd], [v.mean(), v.std(ddof=1)], rtol=1e-12)
        quartiles = np.quantile(v, [0.5, 0.25, 0.75])  # numpy's default is type 7
        assert_allclose([group.median, group.q1, group.q3], quartiles, rtol=1e-13, atol=1e-15)
        assert (group.low, group.high) == (v.min(), v.max())


def test_tie_sum():
    assert ranks_of([1, 1, 1, 2, 3, 3], [1, 0, 0, 1, 0, 1]).tie_sum == (27 - 3) + (8 - 2)


@pytest.mark.parametrize("shift", [-100.0, -1.0, 0.0, 1.0, 100.0])
def test_order_between_groups_that_overlap_more_or_less(shift):
    """Quartiles of both groups together and both variances, without a common order."""
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=83), rng.random(83) < 0.3
    x[y] += shift
    ours = ranks_of(x, y)
    quartiles = np.quantile(x, [0.5, 0.25, 0.75])
    assert_allclose([ours.overall.median, ours.overall.q1, ours.overall.q3], quartiles, rtol=1e-13)
    won = (x[y][:, None] > x[~y]).astype(float)
    by_event, by_other = won.mean(axis=1).var(ddof=1), won.mean(axis=0).var(ddof=1)
    assert ours.u_statistic == won.sum()
    variance = by_event / y.sum() + by_other / (~y).sum()
    assert_allclose(ours.concordance.variance, variance, rtol=1e-12, atol=1e-16)


def test_rows_without_outcome_do_not_count():
    x, y = sample(200, ties=True)
    known = np.random.default_rng(1).random(200) < 0.8
    part, whole = ranks_of(x, y, known), ranks_of(x[known], y[known])
    assert part.overall == whole.overall
    assert part.concordance == whole.concordance
    assert part.u_statistic == whole.u_statistic


def test_groups_without_rows():
    empty = ranks_of([np.nan, np.nan], [1, 0])
    assert empty.overall.n == 0
    assert empty.constant
    assert math.isnan(mann_whitney_p(empty)[0])
    one_sided = ranks_of([1, 2, np.nan], [1, 1, 0])
    assert (one_sided.event.n, one_sided.other.n) == (2, 0)
    assert math.isnan(one_sided.concordance.area)
    assert math.isnan(mann_whitney_p(one_sided)[0])


def test_equal_values_have_no_spread():
    ours = ranks_of([0.1] * 7, [1, 0, 1, 0, 1, 0, 0])
    assert ours.overall.sd == 0
    assert ours.overall.mean == 0.1
    assert math.isnan(mann_whitney_p(ours)[0])


@pytest.mark.parametrize("seed", range(5))
def test_whole_sums_and_centred_sums_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    n = 3_000
    y = rng.random(n) < 0.3
    term = Term("x", "continuous", rng.normal(size=n) + 0.5 * y)
    whole = rank_terms([term], y, np.ones(n, bool))[0]
    monkeypatch.setattr("stats.ranks._WHOLE", 0)
    centred = rank_terms([term], y, np.ones(n, bool))[0]
    assert whole is not None
    assert centred is not None
    assert whole.u_statistic == centred.u_statistic
    assert whole.concordance.variance == pytest.approx(centred.concordance.variance, rel=1e-12)


def test_concordances_of_a_stack_are_those_of_each_table():
    rng = np.random.default_rng(3)
    tables = [rng.integers(0, 9, (2, k)).astype(float) for k in (1, 4, 2, 30, 3)]
    tables += [np.array([[0.0, 0.0], [2.0, 3.0]]), np.array([[1.0, 0.0], [2.0, 3.0]])]
    starts = np.cumsum([0, *(t.shape[1] for t in tables)])[:-1]
    found = concordances_of_counts(*np.concatenate(tables, axis=1), starts)
    for table, ours in zip(tables, found, strict=True):
        assert_allclose(ours, concordance_of_counts(*table)[1], rtol=1e-13, atol=1e-16)
