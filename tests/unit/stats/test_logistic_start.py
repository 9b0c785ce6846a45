"""The start of the logistic fit and its approach in single precision: they decide no number."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

import stats.design as design_module
import stats.logistic as logistic_module
from stats.design import Design, Floats, Term, make_design
from stats.logistic import fit_logistic, invert, sums
from stats.logistic_start import approach, stretched
from tests.unit.stats.test_logistic import matrix, refit


def strong(n: int = 6_000, effect: float = 1.5) -> tuple[Design, Floats]:
    """Predictors that say much: the step of the linear discriminant is far too short."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(n, 3))
    codes = rng.integers(0, 3, n).astype(np.int8)
    eta = effect * (x @ [1.0, -0.5, 0.8]) + 0.7 * (codes == 2) - 0.4
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    terms = [Term(f"x{j}", "continuous", x[:, j]) for j in range(3)]
    terms.append(Term("c", "factor", codes, ("a", "b", "c")))
    return make_design(terms, np.arange(n)), y


def distance(design: Design, y: Floats, beta: Floats) -> float:
    """From the maximum, in standard errors."""
    fit = fit_logistic(design, y)
    return float(np.sqrt((beta - fit.beta) @ fit.information @ (beta - fit.beta)))


def first_step(design: Design, y: Floats) -> tuple[Floats, Floats]:
    start, mean = sums(design, y), float(y.mean())
    base = np.zeros(design.n_parameters)
    base[0] = np.log(mean / (1 - mean))
    inverse = invert(start.gram * mean * (1 - mean))
    assert inverse is not None
    return base, inverse @ (start.xty - mean * start.gram[0])


@pytest.mark.parametrize("streamed", [False, True])
def test_stretching_brings_the_first_step_closer(
    streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    design, y = strong()
    base, step = first_step(design, y)
    far = distance(design, y, base + step)
    if streamed:
        monkeypatch.setattr(design_module, "_KEPT_ELEMENTS", 1)
    assert distance(design, y, stretched(design, y, base, step)) < far / 3


def test_a_step_that_cannot_be_stretched_stays_as_it_is() -> None:
    design, y = strong()
    base, step = first_step(design, y)
    assert_allclose(stretched(design, np.zeros_like(y), base, step), base + step)
    assert_allclose(stretched(design, y, base, 0.0 * step), base)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_large_design_agrees_with_statsmodels(
    streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logistic_module, "_LARGE", 0)
    if streamed:
        monkeypatch.setattr(design_module, "_KEPT_ELEMENTS", 1)
        monkeypatch.setattr(design_module, "_BLOCK_ELEMENTS", 3_000)
    design, y = strong()
    fit = fit_logistic(design, y)
    other = refit(y, matrix(design))
    se = np.sqrt(np.diag(fit.covariance))
    assert fit.certified
    assert_allclose(fit.beta / se, other.params / se, atol=1e-8)
    assert_allclose(se, other.bse, rtol=1e-8)
    assert_allclose(fit.loglik, other.llf, rtol=1e-12)


def test_the_order_of_the_rows_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic_module, "_LARGE", 0)
    design, y = strong()
    rows = np.random.default_rng(2).permutation(design.n_rows)
    other = Design(design.terms, rows, design.columns, design.centre, design.spread)
    one, two = fit_logistic(design, y), fit_logistic(other, y[rows])
    assert_allclose(one.beta, two.beta, rtol=1e-10)
    assert_allclose(np.diag(one.covariance), np.diag(two.covariance), rtol=1e-10)


def test_a_separated_design_is_not_approached(monkeypatch: pytest.MonkeyPatch) -> None:
    design, _ = strong()
    y = (matrix(design)[:, 1] > 0.1).astype(float)
    base, step = first_step(design, y)
    assert approach(design, y, base + step, invert) is None
    monkeypatch.setattr(logistic_module, "_LARGE", 0)
    assert not fit_logistic(design, y).certified


def test_outlying_values_agree_with_statsmodels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A predictor with a value 60 SD out, and few events."""
    monkeypatch.setattr(logistic_module, "_LARGE", 0)
    rng = np.random.default_rng(4)
    n = 4_000
    a, b = rng.normal(size=n), np.exp(2.0 * rng.normal(size=n))
    y = (rng.random(n) < 1 / (1 + np.exp(4.0 - 0.5 * a))).astype(float)
    terms = [Term("a", "continuous", a), Term("b", "continuous", b)]
    design = make_design(terms, np.arange(n))
    fit = fit_logistic(design, y)
    other = sm.Logit(y, matrix(design)).fit(method="newton", disp=0, tol=1e-14, maxiter=100)
    se = np.sqrt(np.diag(fit.covariance))
    assert_allclose(fit.beta / se, other.params / se, atol=1e-8)
    assert_allclose(se, other.bse, rtol=1e-8)
