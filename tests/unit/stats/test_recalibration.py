"""Small logistic fits against statsmodels; inverses; knots."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose, assert_array_equal

from stats.recalibration import Smoother, covariance_of, fit_many, invert_many, smoother_of


def sets(k: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    lp = rng.normal(size=(k, n)) * rng.uniform(0.3, 4, (k, 1))
    y = (rng.random(n) < 1 / (1 + np.exp(-lp[0]))).astype(float)
    return lp, y


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("offset", [False, True])
def test_against_statsmodels(weighted: bool, offset: bool) -> None:
    lp, y = sets(6, 150, 3)
    columns = Smoother((-1.5, -0.3, 0.4, 1.6)).columns(lp)
    if offset:
        columns = columns[:, :1]
    rng = np.random.default_rng(4)
    counts = rng.multinomial(150, np.full(150, 1 / 150), size=6).astype(float)
    start = np.zeros((6, columns.shape[1]))
    found = fit_many(
        columns, y, weights=counts if weighted else None, offset=lp if offset else None,
        start=start,
    )  # fmt: skip
    for i in range(6):
        truth = sm.GLM(
            y, columns[i].T, family=sm.families.Binomial(),
            freq_weights=counts[i] if weighted else None, offset=lp[i] if offset else None,
        ).fit(tol=1e-14, maxiter=200)  # fmt: skip
        assert_allclose((found[i] - truth.params) / truth.bse, 0.0, atol=1e-7)
        if not weighted and not offset:
            covariance = covariance_of(columns[i : i + 1], found[i : i + 1])[0]
            assert_allclose(covariance, truth.cov_params(), rtol=1e-6)


def test_a_start_far_away_arrives() -> None:
    """From slope 1 although the predictions are ten times too extreme: plain Newton diverges."""
    lp, y = sets(3, 300, 5)
    columns = Smoother(()).columns(lp * 10)
    near = fit_many(columns, y, start=np.zeros((3, 2)))
    far = fit_many(columns, y, start=np.tile([0.0, 1.0], (3, 1)))
    assert not np.isnan(near).any()
    assert_allclose(far, near, rtol=1e-6, atol=1e-9)


def test_no_maximum_is_nan_and_leaves_the_others_alone() -> None:
    lp, y = sets(3, 50, 6)
    lp[1] = np.where(y == 1, 2.0, -2.0) + lp[1] * 0.01
    columns = Smoother(()).columns(lp)
    found = fit_many(columns, y, start=np.zeros((3, 2)))
    alone = fit_many(columns[[0, 2]], y, start=np.zeros((2, 2)))
    assert np.isnan(found[1]).all()
    assert_allclose(found[[0, 2]], alone, atol=1e-8)


def test_inverses_and_those_that_do_not_exist() -> None:
    rng = np.random.default_rng(7)
    half = rng.normal(size=(4, 3, 3))
    matrices = half @ half.transpose(0, 2, 1) * np.array([1e-6, 1.0, 1e6, 1.0])[:, None, None]
    matrices[3] = np.ones((3, 3))
    inverse, usable = invert_many(matrices)
    assert_array_equal(usable, [True, True, True, False])
    for i in range(3):
        assert_allclose(inverse[i] @ matrices[i], np.eye(3), atol=1e-8)
    zero = np.eye(3)[None].copy()
    zero[0, 1, 1] = 0.0
    assert not invert_many(zero)[1].any()
    assert not invert_many(np.full((1, 2, 2), np.nan))[1].any()


def test_the_spline_is_straight_outside_its_knots() -> None:
    smoother = Smoother((-1.0, 0.0, 0.5, 2.0))
    for ends in (np.array([-9.0, -5.0, -1.0]), np.array([2.0, 4.0, 6.0])):
        columns = smoother.columns(ends[None])[0]
        assert_allclose(np.diff(columns, 2, axis=1), 0.0, atol=1e-9)


def test_knots_are_given_up_where_values_are_few() -> None:
    rng = np.random.default_rng(8)
    many = rng.normal(size=500)
    assert_allclose(smoother_of(many, 4).knots, np.quantile(many, [0.05, 0.35, 0.65, 0.95]))
    assert_allclose(smoother_of(many, 3).knots, np.quantile(many, [0.1, 0.5, 0.9]))
    assert smoother_of(many, 0).knots == ()
    assert smoother_of(rng.integers(0, 2, 100) * 1.0, 4).knots == ()
    assert smoother_of(np.arange(100) % 2 * 1.0, 4).knots == ()  # the median lies between them
    assert smoother_of(np.zeros(10), 4).knots == ()
    three = np.repeat([0.0, 1.0, 2.0], [20, 60, 20])
    assert smoother_of(three, 4).knots == (0.0, 1.0, 2.0)
