"""The multivariable engine against statsmodels and against the definitions of its numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy.special import chdtri

import stats.design as design_module
from stats.design import Design, Term, make_design
from stats.logistic import fit_logistic, sums
from stats.profile import profile_logistic
from stats.separated import climb_separated, profile_separated

QUANTILE = float(chdtri(1, 0.05))


def random_design(seed: int, n: int = 300) -> tuple[Design, np.ndarray]:
    """Normal, heavy-tailed, almost constant and nearly collinear columns, and factors."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=n)
    columns = {
        "normal": normal,
        "skewed": np.exp(2 * rng.normal(size=n)),
        "t": rng.standard_t(1.5, n),
        "shifted": 1e3 + 1e-3 * rng.normal(size=n),
        "near": normal + 0.1 * rng.normal(size=n),
    }
    terms = [Term(k, "continuous", v) for k, v in columns.items()]
    codes = rng.integers(0, 4, n)
    terms.append(Term("f", "factor", codes, ("a", "b", "c", "d"), 1))
    eta = 0.4 * normal - 0.5 + 0.3 * (codes == 3)
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    return make_design(terms, np.arange(n)), y


def refit(y: np.ndarray, x: np.ndarray, offset: np.ndarray | None = None) -> object:
    """statsmodels' fit by reweighted least squares; exp() may overflow at outlying rows.

    It stops when the coefficients stand still, not the deviance: its standard errors come from
    the weights of the step before the last, and the deviance stands still while an outlying row
    still moves those weights by 1e-7 (Newton's method in long double agrees with ours to 1e-10).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        model = sm.GLM(y, x, family=sm.families.Binomial(), offset=offset)
        return model.fit(tol=1e-11, maxiter=300, tol_criterion="params")


def matrix(design: Design) -> np.ndarray:
    return np.ascontiguousarray(design.rows_at(np.arange(design.n_rows)))


@pytest.mark.parametrize("seed", range(20))
def test_coefficients_and_standard_errors_agree_with_statsmodels(seed: int) -> None:
    design, y = random_design(seed)
    fit = fit_logistic(design, y)
    other = refit(y, matrix(design))
    assert fit.certified
    se = np.sqrt(np.diag(fit.covariance))
    assert_allclose(fit.beta / se, other.params / se, atol=1e-8)
    assert_allclose(se, other.bse, rtol=1e-8)
    assert_allclose(fit.loglik, other.llf, rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_limits_satisfy_their_definition(seed: int) -> None:
    """At a limit the largest likelihood with the coefficient held there is l_max - q/2; that
    likelihood is found by statsmodels with the coefficient as an offset."""
    design, y = random_design(seed)
    start = sums(design, y)
    fit = fit_logistic(design, y, start=start)
    profile = profile_logistic(design, start.xty, fit, quantile=QUANTILE)
    x = matrix(design)
    for j in range(len(design.columns)):
        for limit in (profile.low[j], profile.high[j]):
            held = refit(y, np.delete(x, j + 1, axis=1), offset=limit * x[:, j + 1])
            assert_allclose(held.llf, fit.loglik - QUANTILE / 2, atol=1e-7)
        null = refit(y, np.delete(x, j + 1, axis=1))
        assert_allclose(profile.lr_column[j], 2 * (fit.loglik - null.llf), atol=1e-7)


def test_a_streamed_design_gives_the_numbers_of_a_whole_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    design, y = random_design(3, n=2_000)
    whole = fit_logistic(design, y)
    groups = list(design.term_columns.values())
    a = profile_logistic(design, sums(design, y).xty, whole, quantile=QUANTILE, groups=groups)
    monkeypatch.setattr(design_module, "_KEPT_ELEMENTS", 1)
    monkeypatch.setattr(design_module, "_BLOCK_ELEMENTS", 1_000)
    streamed_design = make_design(design.terms, design.rows)
    start = sums(streamed_design, y)
    streamed = fit_logistic(streamed_design, y, start=start)
    assert_allclose(streamed.beta, whole.beta, rtol=1e-9, atol=1e-12)
    b = profile_logistic(streamed_design, start.xty, streamed, quantile=QUANTILE, groups=groups)
    assert_allclose(a.low, b.low, rtol=1e-7, atol=1e-9)
    assert_allclose(a.lr_group, b.lr_group, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_the_certificate_never_accepts_separated_data(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 80
    x = rng.normal(size=(n, 3))
    direction = rng.normal(size=3)
    y = (x @ direction > 0.1).astype(float)
    design = make_design(
        [Term(f"x{j}", "continuous", x[:, j]) for j in range(3)], np.arange(n)
    )  # fmt: skip
    assert not fit_logistic(design, y).certified
    # however far Newton walks
    for steps in (3, 6, 9, 12, 15):
        assert not fit_logistic(design, y, max_steps=steps, newton_only=True).certified


@pytest.mark.parametrize("event_in_level", [True, False])
@pytest.mark.parametrize("others", [0, 1, 3])
def test_a_level_with_one_outcome_only_is_never_certified(
    event_in_level: bool, others: int
) -> None:
    """Quasi-separation in both directions: risks that go to 0 keep their precision, risks that
    go to 1 round to it and leave a score of nothing but rounding."""
    rng = np.random.default_rng(others)
    n = 400
    codes = rng.integers(0, 3, n)
    terms = [Term(f"x{j}", "continuous", rng.normal(size=n)) for j in range(others)]
    terms.append(Term("g", "factor", codes, ("a", "b", "c"), 0))
    y = np.where(codes == 2, float(event_in_level), (rng.random(n) < 0.4).astype(float))
    design = make_design(terms, np.arange(n))
    for steps in (10, 20, 30, 40, 60):
        assert not fit_logistic(design, y, max_steps=steps).certified
        assert not fit_logistic(design, y, max_steps=steps, newton_only=True).certified


def test_the_limit_of_a_separated_term_satisfies_its_definition() -> None:
    """One level without events: its upper limit is where the likelihood, with the coefficient
    held there, lies q/2 below the supremum (statsmodels on the rows of the other levels)."""
    rng = np.random.default_rng(5)
    n = 120
    codes = rng.integers(0, 3, n)
    age = rng.normal(size=n)
    y = ((rng.random(n) < 0.5) & (codes != 2)).astype(float)
    terms = [
        Term("age", "continuous", age),
        Term("g", "factor", codes, ("a", "b", "c"), 0),
    ]
    design = make_design(terms, np.arange(n))
    start = sums(design, y)
    climb = climb_separated(design, y, start, [2], [-1])
    profile = profile_separated(design, start.xty, climb, quantile=QUANTILE, groups=[[1, 2]])
    x, rest = matrix(design), codes != 2
    supremum = refit(y[rest], x[rest][:, :3]).llf
    assert_allclose(climb.fit.loglik, supremum, atol=1e-8)
    assert profile.low[2] == -np.inf
    held = refit(y, x[:, :3], offset=profile.high[2] * x[:, 3])
    assert_allclose(held.llf, supremum - QUANTILE / 2, atol=1e-6)
    without = refit(y, x[:, :2])
    assert_allclose(profile.lr_group[0], 2 * (supremum - without.llf), atol=1e-6)
