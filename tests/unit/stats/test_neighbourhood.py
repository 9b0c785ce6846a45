"""The rough log-likelihood around a maximum against the exact one."""

from __future__ import annotations

import numpy as np
import pytest

import stats.design as design_module
import stats.neighbourhood as neighbourhood_module
import stats.profile as profile_module
from stats.design import Design, Floats, Term, make_design
from stats.logistic import LogisticFit, Sums, fit_logistic, sums
from stats.neighbourhood import near_maximum, score_by_sample
from stats.profile import Profile, evaluate_points, profile_logistic


def model(n: int = 3_000, seed: int = 3) -> tuple[Design, Sums, LogisticFit]:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(40.0, 12.0, n), rng.exponential(2.0, n)
    codes = rng.integers(0, 4, n).astype(np.int8)
    eta = -0.7 + 0.03 * (a - 40.0) + 0.2 * b + np.array([0.0, 0.4, -0.3, 0.8])[codes]
    y = (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(np.float64)
    terms = [
        Term("a", "continuous", a), Term("b", "continuous", b),
        Term("c", "factor", codes, ("0", "1", "2", "3")),
    ]  # fmt: skip
    design = make_design(terms, np.flatnonzero(rng.random(n) < 0.9))
    found = sums(design, y[design.rows])
    return design, found, fit_logistic(design, y[design.rows], start=found)


def around(fit: LogisticFit, reach: float) -> Floats:
    rng = np.random.default_rng(1)
    steps = rng.normal(size=(len(fit.beta), 9)) * np.sqrt(np.diag(fit.covariance))[:, None]
    return fit.beta[:, None] + reach * steps


@pytest.mark.parametrize("streamed", [False, True])
def test_differences_agree_with_double_precision(
    streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if streamed:
        monkeypatch.setattr(design_module, "_KEPT_ELEMENTS", 1)
        monkeypatch.setattr(design_module, "_BLOCK_ELEMENTS", 2_000)
    design, found, fit = model()
    beta = around(fit, 1.0)
    value, score = near_maximum(design, fit, beta, 5)
    exact, exact_score = evaluate_points(design, found.xty, beta)
    np.testing.assert_allclose(value[:5], exact[:5] - fit.loglik, rtol=1e-4)
    assert np.isnan(value[5:]).all()
    scale = np.sqrt(np.diag(fit.information))[:, None]
    np.testing.assert_allclose(score / scale, exact_score / scale, atol=1e-5)


def test_the_score_holds_far_away() -> None:
    design, found, fit = model()
    beta = around(fit, 15.0)
    _, score = near_maximum(design, fit, beta, 0)
    _, exact = evaluate_points(design, found.xty, beta)
    np.testing.assert_allclose(score, exact, rtol=1e-5, atol=1e-5 * np.abs(exact).max())


def test_a_sample_tells_how_the_score_bends(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every row it is the score; with some it is nearer than the quadratic model."""
    design, found, fit = model(20_000)
    beta = around(fit, 8.0)
    _, exact = evaluate_points(design, found.xty, beta)
    quadratic = -fit.information @ (beta - fit.beta[:, None])
    error = np.abs(score_by_sample(design, fit, beta) - exact).max(axis=0)
    assert (error < 0.5 * np.abs(quadratic - exact).max(axis=0)).all()
    monkeypatch.setattr(neighbourhood_module, "_APART", 1)
    found_score = score_by_sample(design, fit, beta)
    np.testing.assert_allclose(found_score, exact, rtol=1e-5, atol=1e-5 * np.abs(exact).max())


def test_the_approach_changes_no_limit_and_no_test(monkeypatch: pytest.MonkeyPatch) -> None:
    design, found, fit = model()
    exact = profile_logistic(design, found.xty, fit, quantile=3.841458820694124, groups=[[2, 3, 4]])
    monkeypatch.setattr(profile_module, "_LARGE", 0)
    monkeypatch.setattr(profile_module, "_LIMIT_ERROR", 1e-9)
    rough = profile_logistic(design, found.xty, fit, quantile=3.841458820694124, groups=[[2, 3, 4]])
    np.testing.assert_allclose(rough.low, exact.low, rtol=1e-8)
    np.testing.assert_allclose(rough.high, exact.high, rtol=1e-8)
    np.testing.assert_allclose(rough.lr_column, exact.lr_column, rtol=1e-8)
    np.testing.assert_allclose(rough.lr_group, exact.lr_group, rtol=1e-8)


@pytest.mark.parametrize("visits", [2, 4, 7, 8])
def test_a_sample_does_not_fall_in_with_the_rhythm_of_a_file(visits: int) -> None:
    """Rows by patient and visit, where the visit matters."""
    rng = np.random.default_rng(9)
    n = 16_000
    a, visit = rng.normal(size=n), (np.arange(n) % visits).astype(np.int8)
    eta = -1.5 + 0.8 * a + 3.0 * (visit == 0)
    y = (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(np.float64)
    levels = tuple(map(str, range(visits)))
    terms = [Term("a", "continuous", a), Term("visit", "factor", visit, levels)]
    design = make_design(terms, np.arange(n))
    found = sums(design, y)
    fit = fit_logistic(design, y, start=found)
    beta = around(fit, 10.0)
    _, exact = evaluate_points(design, found.xty, beta)
    quadratic = -fit.information @ (beta - fit.beta[:, None])
    error = np.abs(score_by_sample(design, fit, beta) - exact).max(axis=0)
    assert np.median(error / np.abs(quadratic - exact).max(axis=0)) < 0.35


@pytest.mark.parametrize("limits", [False, True])
@pytest.mark.parametrize("columns", [[], [0, 3]])
@pytest.mark.parametrize("groups", [[], [[2, 3, 4]]])
def test_the_approach_of_whatever_is_asked_for(
    limits: bool, columns: list[int], groups: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits without tests, tests without limits, neither."""
    design, found, fit = model()

    def profile() -> Profile:
        return profile_logistic(
            design, found.xty, fit, quantile=3.841458820694124, groups=groups,
            limits=limits, columns=columns,
        )  # fmt: skip

    exact = profile()
    monkeypatch.setattr(profile_module, "_LARGE", 0)
    rough = profile()
    for name in ("low", "high", "lr_column", "lr_group"):
        np.testing.assert_allclose(getattr(rough, name), getattr(exact, name), rtol=1e-7)
    assert np.isfinite(exact.low).all() == limits
    assert np.isfinite(exact.lr_column).sum() == len(columns)


@pytest.mark.parametrize("apart", [1e-1, 1e-3, 1e-5])
def test_columns_that_nearly_repeat_one_another(
    apart: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variance inflation from 1e2 to 1e10, on both sides of what single precision may decide."""
    rng = np.random.default_rng(6)
    a = rng.normal(size=4_000)
    b, c = a + apart * rng.normal(size=4_000), rng.normal(size=4_000)
    y = (rng.random(4_000) < 1.0 / (1.0 + np.exp(0.5 - a - 0.3 * c))).astype(np.float64)
    terms = [Term(name, "continuous", v) for name, v in zip("abc", (a, b, c), strict=True)]
    design = make_design(terms, np.arange(4_000))
    found = sums(design, y)
    fit = fit_logistic(design, y, start=found)
    exact = profile_logistic(design, found.xty, fit, quantile=3.841458820694124)
    monkeypatch.setattr(profile_module, "_LARGE", 0)
    rough = profile_logistic(design, found.xty, fit, quantile=3.841458820694124)
    np.testing.assert_allclose(rough.lr_column, exact.lr_column, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(rough.low, exact.low, rtol=1e-6)
    np.testing.assert_allclose(rough.high, exact.high, rtol=1e-6)
