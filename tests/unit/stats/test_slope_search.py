"""Difficult columns: the sure search agrees with the batch and with brute force."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from stats.one_slope import TILE, SlopeLikelihood, make_tile
from stats.slope_fit import maximise, profile_limits
from stats.slope_search import ColumnSearch


def tile_of(*columns, y):
    x = np.array(columns, dtype=float)
    return make_tile(
        list(x), np.flatnonzero(~y), np.flatnonzero(y),
        np.nanmean(x, axis=1), np.nanstd(x, axis=1),
    )  # fmt: skip


def sample(n, seed=1, gaps=0.1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = rng.random(n) < expit(-0.5 + x)
    return np.where(rng.random(n) < gaps, np.nan, x), y


@pytest.mark.parametrize("penalised", [False, True])
def test_gradient_and_hessian_are_derivatives_of_the_objective(penalised):
    x, y = sample(120)
    tile, likelihood = tile_of(x, x**2, y=y), SlopeLikelihood(penalised=penalised)
    b0, b1, h = np.array([-0.6, -0.2]), np.array([0.7, -0.4]), 1e-5

    def at(d0, d1):
        return likelihood.at(tile, b0 + d0, b1 + d1, "final")

    value = at(0, 0)
    up, down, right, left = at(h, 0), at(-h, 0), at(0, h), at(0, -h)
    assert_allclose((up.gain - down.gain) / (2 * h), value.g0, rtol=1e-7)
    assert_allclose((right.gain - left.gain) / (2 * h), value.g1, rtol=1e-7)
    assert_allclose((up.g0 - down.g0) / (2 * h), -value.h00, rtol=1e-7)
    assert_allclose((right.g0 - left.g0) / (2 * h), -value.h01, rtol=1e-7)
    assert_allclose((right.g1 - left.g1) / (2 * h), -value.h11, rtol=1e-7)


def test_gain_is_the_loglikelihood_over_its_null_value():
    x, y = sample(150)
    seen = ~np.isnan(x)
    tile, likelihood = tile_of(x, y=y), SlopeLikelihood(penalised=False)
    z = (x[seen] - x[seen].mean()) / x[seen].std()
    for b0, b1 in ((0.1, 0.5), (-1, 3), (0, 400), (5, -5000)):  # the last two overflow e^-eta
        eta = b0 + b1 * z
        loglik = np.sum(y[seen] * eta - np.logaddexp(0, eta))
        value = likelihood.at(tile, np.array([b0]), np.array([float(b1)]), "final")
        assert_allclose(value.gain[0] + tile.null_loglik[0], loglik, rtol=1e-12)


@pytest.mark.parametrize("penalised", [False, True])
@pytest.mark.parametrize("n", [60, 500, TILE + 77])
def test_search_agrees_with_the_batch(penalised, n):
    x, y = sample(n)
    tile, likelihood = tile_of(x, y=y), SlopeLikelihood(penalised=penalised)
    peak = maximise(likelihood, tile)
    limits = profile_limits(likelihood, tile, peak, 1.96)
    assert peak.settled.all()
    assert limits.settled.all()
    search = ColumnSearch(likelihood, tile)
    top = search.maximise()
    assert_allclose([top.b0, top.b1], [peak.b0[0], peak.b1[0]], rtol=1e-9, atol=1e-12)
    assert_allclose(search.limit(top, -1.0, 1.96), limits.low[0], rtol=1e-8)
    assert_allclose(search.limit(top, 1.0, 1.96), limits.high[0], rtol=1e-8)


def test_a_column_that_does_not_settle_does_not_disturb_the_others():
    x, y = sample(100, gaps=0)
    hopeless = np.where(y, 1.0, -1.0)
    likelihood = SlopeLikelihood(penalised=False)
    together = maximise(likelihood, tile_of(x, hopeless, y=y))
    alone = maximise(likelihood, tile_of(x, y=y))
    assert together.settled[0]
    assert (together.b0[0], together.b1[0]) == (alone.b0[0], alone.b1[0])


def test_nearly_separated_column_with_an_outlier():
    """Found by search: a slope of thousands per SD, fitted weights that underflow."""
    x = np.array([0.483531444, 0.0256320084, 1346.23028, 22.6916755, 0.0145887075, 16.3305544])
    y = np.array([True, False, True, True, True, True])
    likelihood = SlopeLikelihood(penalised=False)
    tile = tile_of(x, y=y)
    search = ColumnSearch(likelihood, tile)
    top = search.maximise()
    assert top.settled
    z = (x - x.mean()) / x.std()
    for side in (-1.0, 1.0):
        slope = search.limit(top, side, 1.96)
        reach = abs(slope) * np.abs(z).max() + 30
        low, high = -reach, reach
        for _ in range(200):  # bisection on the score of the intercept
            middle = (low + high) / 2
            if np.sum(y) > np.sum(expit(middle + slope * z)):
                low = middle
            else:
                high = middle
        eta = middle + slope * z
        profile = np.sum(y * eta - np.logaddexp(0, eta)) - tile.null_loglik[0]
        assert_allclose(2 * (top.gain - profile), 1.96**2, rtol=1e-7)
        assert side * slope > side * top.b1


def test_firth_profile_with_two_branches_uses_the_higher():
    """With very few rows the penalised objective has two maxima over the intercept."""
    x = np.array([0.00785334, 0.21764968, 1.24888815, 3.57498176])
    y = np.array([False, False, False, True])
    likelihood = SlopeLikelihood(penalised=True)
    tile = tile_of(x, y=y)
    search = ColumnSearch(likelihood, tile)
    top = search.maximise()
    slope = search.limit(top, 1.0, 1.959963984540054)
    b0 = np.linspace(-40, 40, 800_001)[:, None]
    best = max(
        likelihood.at(tile, part, np.full(part.shape, slope), "final").gain.max()
        for part in np.array_split(b0, 60)
    )
    assert_allclose(2 * (top.gain - best), 1.959963984540054**2, rtol=1e-6)
