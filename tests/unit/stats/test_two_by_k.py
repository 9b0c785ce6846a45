"""Closed forms of factor models."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from scipy.special import expit, xlogy

from stats.design import Term
from stats.two_by_k import log_odds_ratio_limits, merged_deviance, tabulate


def deviance(log_or, a, b, c, d):
    """Twice the likelihood ratio of the table against its best fit with that odds ratio."""
    score = lambda t: (a + b) * expit(t + log_or) + (c + d) * expit(t) - (a + c)  # noqa: E731
    t = brentq(score, -800, 800, xtol=1e-14)
    fitted = (expit(t + log_or), expit(-t - log_or), expit(t), expit(-t))
    seen = (a / (a + b), b / (a + b), c / (c + d), d / (c + d))
    return 2 * sum(
        xlogy(o, s) - xlogy(o, f) for o, s, f in zip((a, b, c, d), seen, fitted, strict=True)
    )


def tables():
    rng = np.random.default_rng(3)
    small = rng.integers(0, 4, (4, 150)).astype(float)
    middle = rng.integers(0, 60, (4, 150)).astype(float)
    large = rng.integers(1, 200_000, (4, 100)).astype(float)
    uneven = np.stack([rng.integers(0, 3, 80), rng.integers(1, 9000, 80),
                       rng.integers(1, 9000, 80), rng.integers(0, 3, 80)]).astype(float)  # fmt: skip
    every = np.concatenate([small, middle, large, uneven, small + 0.5, uneven + 0.5], axis=1)
    return every[:, (every[0] + every[1] > 0) & (every[2] + every[3] > 0)]


@pytest.mark.parametrize("quantile", [0.5, 1.959963984540054, 3.3])
def test_profile_limits_are_roots_of_the_deviance(quantile):
    found = tables()
    low, high = log_odds_ratio_limits(*found, quantile)
    assert not np.isnan([low, high]).any()
    for table, *limits in zip(found.T, low, high, strict=True):
        for limit in limits:
            if math.isfinite(limit):
                # the oracle adds logs of both groups and keeps some 11 digits of large tables
                tolerance = 1e-13 * table.sum() + 1e-9
                assert_allclose(deviance(limit, *table), quantile**2, rtol=1e-9, atol=tolerance)


def test_many_tables_at_once_equal_each_alone():
    found = tables()[:, ::7]
    together = np.array(log_odds_ratio_limits(*found, 1.96))
    alone = [log_odds_ratio_limits(*column[:, None], 1.96) for column in found.T]
    np.testing.assert_array_equal(together, np.array(alone)[..., 0].T)


def test_limits_are_infinite_exactly_where_a_cell_is_zero():
    found = tables()
    a, b, c, d = found
    low, high = log_odds_ratio_limits(*found, 1.96)
    np.testing.assert_array_equal(low == -np.inf, (a == 0) | (d == 0))
    np.testing.assert_array_equal(high == np.inf, (b == 0) | (c == 0))
    finite = np.isfinite(low) & np.isfinite(high)
    a, b, c, d = found[:, finite]
    middle = np.log(a * d / (b * c))
    assert ((low[finite] < middle) & (middle < high[finite])).all()


def test_merged_deviance_of_equal_risks_is_zero():
    zero = merged_deviance(*np.array([[3.0], [6.0], [10.0], [20.0]]))
    assert_allclose(zero, 0, atol=1e-12)
    no_events = merged_deviance(*np.array([[0.0], [6.0], [0.0], [20.0]]))
    assert no_events[0] == 0


def test_tabulate_counts_rows_of_several_factors():
    y = np.array([1, 0, 1, 1, 0, 0, 1], dtype=bool)
    known = np.array([1, 1, 1, 1, 1, 1, 0], dtype=bool)
    first = Term("a", "factor", np.array([0, 0, 1, -1, 1, 2, 0], dtype=np.int8), ("x", "y", "z"), 1)
    second = Term("b", "factor", np.array([1, 1, 1, 0, -1, -1, 0], dtype=np.int64), ("u", "v"), 0)
    found = tabulate([first, second], y, known)
    assert found.events.tolist() == [1, 1, 0, 1, 2]
    assert found.others.tolist() == [1, 1, 1, 0, 1]
    assert found.missing.tolist() == [1, 2]
    assert found.reference.tolist() == [1, 3]
