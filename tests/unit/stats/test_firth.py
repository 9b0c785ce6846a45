"""Firth's model against closed forms and a general-purpose optimiser; refusals; block streaming."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import chdtri

import stats.design
from stats.design import Term, make_design
from stats.errors import NotEstimable
from stats.firth import INTERCEPT, fit_firth, penalised_lr, profile_firth


def simulated(seed, n=60, *, separated=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(50.0, 12.0, n)
    codes = rng.integers(0, 3, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-(x - 50.0) / 12.0 + 0.5 * codes))).astype(np.float64)
    if separated:
        y[codes == 2] = 0.0
    terms = [Term("x", "continuous", x, scale=10.0), Term("f", "factor", codes, ("a", "b", "c"))]
    return make_design(terms, np.arange(n)), y


def penalised(design, y, beta):
    """l* written out, with no code of ours."""
    _, x = next(design.blocks())
    eta = x @ beta
    p = 1 / (1 + np.exp(-eta))
    sign, log_determinant = np.linalg.slogdet((x * (p * (1 - p))[:, None]).T @ x)
    return float(y @ eta - np.logaddexp(0, eta).sum() + 0.5 * log_determinant) if sign > 0 else -1e9


def restricted_maximum(design, y, column, value):
    """The largest l* with one coefficient of the internal scale held, by simplex search."""
    p = design.n_parameters

    def loss(free):
        return -penalised(design, y, np.insert(free, column + 1, value))

    best = minimize(loss, np.zeros(p - 1), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 20_000, "maxfev": 20_000})  # fmt: skip
    again = minimize(loss, best.x, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 20_000, "maxfev": 20_000})  # fmt: skip
    return -again.fun


@pytest.mark.parametrize(("seed", "separated"), [(1, False), (2, True)])
def test_estimate_limits_and_tests_against_a_simplex_search(seed, separated):
    design, y = simulated(seed, separated=separated)
    fit = fit_firth(design, y)
    top = penalised(design, y, fit.beta)
    best = minimize(
        lambda b: -penalised(design, y, b), np.zeros(4), method="BFGS", options={"gtol": 1e-9}
    )
    assert_allclose(fit.beta, best.x, rtol=1e-5, atol=1e-6)
    assert top >= -best.fun - 1e-12
    assert_allclose(fit.penalised_loglik, top + np.log(design.spread).sum(), rtol=1e-13)
    low, high = profile_firth(design, y, fit, ci_level=0.9)
    drop = float(chdtri(1, 0.1)) / 2.0
    for j in range(3):
        for limit in (low[j], high[j]):
            assert_allclose(top - restricted_maximum(design, y, j, limit), drop, atol=1e-6)
        lr = penalised_lr(design, y, fit, [[j]])[0]
        assert_allclose(lr / 2.0, top - restricted_maximum(design, y, j, 0.0), atol=1e-7)
    assert np.all(low < fit.beta[1:])
    assert np.all(fit.beta[1:] < high)


def test_a_saturated_model_adds_one_half_to_every_cell():
    events, rows = np.array([0, 3, 9, 12]), np.array([8, 11, 14, 12])
    codes = np.repeat(np.arange(4), rows)
    y = np.concatenate([np.arange(n) < e for e, n in zip(events, rows, strict=True)])
    design = make_design([Term("f", "factor", codes, tuple("abcd"))], np.arange(len(y)))
    fit = fit_firth(design, y.astype(np.float64))
    logits = np.log((events + 0.5) / (rows - events + 0.5))
    assert_allclose(fit.beta, [logits[0], *(logits[1:] - logits[0])], rtol=1e-8)
    weight = (events + 0.5) / (rows + 1) * (rows - events + 0.5) / (rows + 1) * rows
    assert_allclose(np.diag(fit.covariance)[1:], 1 / weight[1:] + 1 / weight[0], rtol=1e-8)


def test_the_modified_score_vanishes():
    design, y = simulated(4, separated=True)
    fit = fit_firth(design, y)
    assert fit.converged
    assert fit.score_norm < 1e-6
    assert_allclose(fit.covariance @ fit.information, np.eye(4), atol=1e-9)


def test_complete_separation_has_an_estimate_and_limits():
    x = np.arange(20.0)
    y = (x >= 10).astype(np.float64)
    design = make_design([Term("x", "continuous", x)], np.arange(20))
    fit = fit_firth(design, y)
    low, high = profile_firth(design, y, fit)
    assert 0 < low[0] < fit.beta[1] < high[0] < np.inf


def test_a_start_changes_nothing_but_the_number_of_steps():
    design, y = simulated(5)
    cold = fit_firth(design, y)
    warm = fit_firth(design, y, start=cold.beta + 0.01)
    far = fit_firth(design, y, start=np.full(4, 300.0))
    assert_allclose(warm.beta, cold.beta, rtol=1e-7)
    assert_allclose(far.beta, cold.beta, rtol=1e-7)
    assert warm.steps < cold.steps


def test_blocks_and_one_piece_agree(monkeypatch):
    design, y = simulated(6, n=5_000)
    fit = fit_firth(design, y)
    low, high = profile_firth(design, y, fit)
    monkeypatch.setattr(stats.design, "_KEPT_ELEMENTS", 0)
    monkeypatch.setattr(stats.design, "_BLOCK_ELEMENTS", 1_000)
    streamed = make_design(design.terms, design.rows)
    assert len(list(streamed.blocks())) > 10
    again = fit_firth(streamed, y)
    assert_allclose(again.beta, fit.beta, rtol=1e-9)
    assert_allclose(profile_firth(streamed, y, again), (low, high), rtol=1e-8)


def test_dependent_columns_are_refused():
    x = np.random.default_rng(1).normal(size=40)
    terms = [Term("x", "continuous", x), Term("twice", "continuous", 2 * x)]
    with pytest.raises(NotEstimable, match="same information"):
        fit_firth(make_design(terms, np.arange(40)), (x > 0).astype(np.float64))


def test_an_unsettled_fit_is_refused():
    with pytest.raises(NotEstimable, match="did not settle within 1 steps"):
        fit_firth(*simulated(1), max_iterations=1)


def test_progress_is_told_and_may_stop_the_work():
    design, y = simulated(1)
    fit = fit_firth(design, y)
    told = []
    profile_firth(design, y, fit, progress=told.append)
    penalised_lr(design, y, fit, [[0], [1, 2]], progress=told.append)
    assert_allclose(told, [1 / 3, 2 / 3, 1.0, 0.5, 1.0])

    class Stop(Exception):
        pass

    def stop(fraction):
        raise Stop

    with pytest.raises(Stop):
        profile_firth(design, y, fit, progress=stop)


def test_the_intercept_is_that_of_the_users_units():
    """Shifting a predictor to be zero at 50 turns the fitted log odds at 50 into the intercept."""
    design, y = simulated(7)
    term = design.terms[0]
    moved = make_design([Term("x", "continuous", term.values - 50.0), design.terms[1]], design.rows)
    fit, other = fit_firth(design, y), fit_firth(moved, y)
    at_zero = profile_firth(design, y, fit, columns=[INTERCEPT])
    at_fifty = profile_firth(moved, y, other, columns=[INTERCEPT])
    estimate, _ = moved.reported(other.beta)
    assert at_fifty[0][0] < estimate < at_fifty[1][0]
    assert at_zero[1][0] - at_zero[0][0] > at_fifty[1][0] - at_fifty[0][0]
