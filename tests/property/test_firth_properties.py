"""Laws of the penalised model: event, order, units and repetition of columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import chdtri

from stats.design import Term, make_design
from stats.errors import NotEstimable
from stats.firth import fit_firth, penalised_lr, profile_firth
from stats.penalty import PenalisedLikelihood


@st.composite
def cases(draw):
    """Small models, many of them separated: few rows, strong effects, rare levels."""
    seed = draw(st.integers(0, 10_000))
    n = draw(st.integers(12, 60))
    strength = draw(st.sampled_from([0.0, 1.0, 3.0]))
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    levels = draw(st.integers(2, 4))
    codes = rng.integers(0, levels, n)
    codes[-levels:] = np.arange(levels)  # every level occurs
    y = (rng.random(n) < 1 / (1 + np.exp(-strength * (x + 0.5 * codes)))).astype(np.float64)
    y[:2] = [0.0, 1.0]
    return x, codes, y


def model(x, codes, rows=None):
    levels = tuple("abcd"[: codes.max() + 1])
    terms = [Term("x", "continuous", x), Term("f", "factor", codes, levels)]
    return make_design(terms, np.arange(len(x)) if rows is None else rows)


def answers(design, y):
    fit = fit_firth(design, y)
    low, high = profile_firth(design, y, fit)
    groups = [[j] for j in range(len(design.columns))] + [range(len(design.columns))]
    _, slopes = design.reported(fit.beta)
    return (
        slopes, low / design.spread, high / design.spread, penalised_lr(design, y, fit, groups)
    )  # fmt: skip


@given(cases())
def test_swapping_the_event_turns_signs_only(case):
    x, codes, y = case
    design = model(x, codes)
    slopes, low, high, lr = answers(design, y)
    turned, turned_low, turned_high, turned_lr = answers(design, 1.0 - y)
    assert_allclose(turned, -slopes, rtol=1e-6, atol=1e-8)
    assert_allclose(turned_low, -high, rtol=1e-6)
    assert_allclose(turned_high, -low, rtol=1e-6)
    assert_allclose(turned_lr, lr, rtol=1e-7, atol=1e-9)


@given(cases(), st.randoms(use_true_random=False))
def test_row_order_changes_nothing(case, random):
    x, codes, y = case
    order = np.array(random.sample(range(len(x)), len(x)))
    here = answers(model(x, codes), y)
    there = answers(model(x[order], codes[order]), y[order])
    for a, b in zip(here, there, strict=True):
        assert_allclose(b, a, rtol=1e-6, atol=1e-8)


@given(cases(), st.sampled_from([1e-6, 0.1, 1e5]), st.sampled_from([0.0, 1e3]))
def test_units_scale_the_coefficient_only(case, factor, shift):
    x, codes, y = case
    slopes, low, high, lr = answers(model(x, codes), y)
    other, other_low, other_high, other_lr = answers(model(factor * x + shift, codes), y)
    size = np.ones(len(slopes))
    size[0] = factor
    rtol = 1e-6 if shift * 1e-6 < factor else 1e-3  # digits that the shift leaves of x
    assert_allclose(other * size, slopes, rtol=rtol, atol=1e-3 * rtol)
    assert_allclose(other_low * size, low, rtol=rtol)
    assert_allclose(other_high * size, high, rtol=rtol)
    assert_allclose(other_lr, lr, rtol=rtol, atol=1e-6)


@given(cases())
def test_limits_lie_where_the_likelihood_has_fallen_by_half_the_quantile(case):
    """Restricting a shifted coefficient to 0 is a test; at the limit it is just significant."""
    x, codes, y = case
    design = model(x, codes)
    fit = fit_firth(design, y)
    low, high = profile_firth(design, y, fit)
    assert np.all(np.isfinite(low))
    assert np.all(np.isfinite(high))
    assert np.all(low < fit.beta[1:])
    assert np.all(fit.beta[1:] < high)
    outside = (low > 0) | (high < 0)
    lr = penalised_lr(design, y, fit, [[j] for j in range(len(design.columns))])
    near = np.abs(lr - chdtri(1, 0.05)) < 1e-6
    assert np.all(near | ((lr > chdtri(1, 0.05)) == outside))


@given(cases())
def test_the_estimate_is_a_maximum(case):
    x, codes, y = case
    design = model(x, codes)
    fit = fit_firth(design, y)
    likelihood = PenalisedLikelihood(design, y)
    top = likelihood.at(fit.beta).penalised
    rng = np.random.default_rng(0)
    for size in (1e-3, 0.1, 1.0):
        for _ in range(5):
            near = likelihood.at(fit.beta + size * rng.normal(size=len(fit.beta)))
            assert near is None or near.penalised <= top + 1e-11


@given(cases())
def test_a_repeated_predictor_is_refused(case):
    x, _, y = case
    terms = [Term("x", "continuous", x), Term("again", "continuous", 3.0 - 2.0 * x)]
    with pytest.raises(NotEstimable):
        fit_firth(make_design(terms, np.arange(len(x))), y)
