"""Restricted cubic splines against scipy's natural cubic splines in statsmodels' GLM.

The cardinal natural splines through the same knots, straight beyond them, span the same space as
Harrell's basis, so likelihoods, fitted odds and their errors must agree. Tolerance: 1e-6, the
accuracy of both maxima after differences of log-likelihoods.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats
from scipy.interpolate import CubicSpline

from logic import BadInput, analyze_outcome
from stats.splines import basis, knots_at


def clinical(seed: int = 2, n: int = 500) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 12, n)
    sex = rng.choice(["f", "m"], n)
    eta = 0.004 * (age - 58) ** 2 - 0.9 + 0.5 * (sex == "m")
    died = np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "yes", "no")
    age[rng.random(n) < 0.04] = np.nan
    return pd.DataFrame({"died": died, "age": age, "sex": sex, "ward": rng.integers(0, 60, n)})


def natural(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Cardinal natural cubic splines through `knots`, one column per knot."""
    columns = []
    for i in range(len(knots)):
        spline = CubicSpline(knots, np.eye(len(knots))[i], bc_type="natural")
        inside = spline(np.clip(x, knots[0], knots[-1]))
        below = np.minimum(x - knots[0], 0.0) * spline(knots[0], 1)
        above = np.maximum(x - knots[-1], 0.0) * spline(knots[-1], 1)
        columns.append(inside + below + above)
    return np.column_stack(columns)


def glm(data: pd.DataFrame, x: np.ndarray, **cov: object) -> object:
    y = (data["died"] == "yes").astype(float)
    return sm.GLM(y, x, family=sm.families.Binomial()).fit(tol=1e-13, **cov)


ASKED = {"outcome": "died", "event": "yes", "predictors": ["age", "sex"]}


@pytest.mark.parametrize("n_knots", [3, 4, 5])
def test_test_curve_and_band_agree_with_natural_splines(n_knots: int) -> None:
    data = clinical()
    used = data.dropna().reset_index(drop=True)
    result = analyze_outcome(data, **ASKED, splines={"age": n_knots})
    age, male = used["age"].to_numpy(), (used["sex"] == "m").to_numpy(float)
    shares = {3: [0.1, 0.5, 0.9], 4: [0.05, 0.35, 0.65, 0.95],
              5: [0.05, 0.275, 0.5, 0.725, 0.95]}[n_knots]  # fmt: skip
    knots = np.quantile(age, shares)
    whole = glm(used, np.column_stack([natural(age, knots), male]))
    straight = glm(used, np.column_stack([np.ones_like(age), age, male]))
    without = glm(used, np.column_stack([np.ones_like(age), male]))
    row = result.extras.nonlinearity.iloc[0]
    assert_allclose([float(k) for k in row["knots"].split(", ")], knots, rtol=1e-9)
    assert row["df"] == n_knots - 2
    assert_allclose(row["statistic"], 2 * (whole.llf - straight.llf), rtol=1e-6)
    assert_allclose(row["p_value"], stats.chi2.sf(row["statistic"], n_knots - 2), rtol=1e-9)
    assert_allclose(row["statistic_term"], 2 * (whole.llf - without.llf), rtol=1e-6)
    assert_allclose(result.adjusted.fit["loglik"].iloc[0], whole.llf, rtol=1e-10)
    effects = result.adjusted.effects
    assert_allclose(effects.loc[effects["term"] == "age", "p_term"], row["p_term"], rtol=1e-12)
    male_row = effects[effects["level"] == "m"].iloc[0]
    assert_allclose(male_row["coef"], whole.params.iloc[-1], rtol=1e-7)
    curve = result.extras.curves
    check_curve(curve, whole, knots, float(np.median(age)), n_knots)
    q1, q3 = np.quantile(age, [0.25, 0.75])
    at = natural(np.array([q3]), knots)[0] - natural(np.array([q1]), knots)[0]
    moved = at @ whole.params[:n_knots]
    assert_allclose(row["estimate"], np.exp(moved), rtol=1e-6)


def check_curve(curve: pd.DataFrame, fit: object, knots: np.ndarray, median: float, k: int) -> None:
    at = natural(curve["x"].to_numpy(), knots) - natural(np.array([median]), knots)
    log_ratio = at @ np.asarray(fit.params)[:k]
    error = np.sqrt(np.einsum("ij,jk,ik->i", at, np.asarray(fit.cov_params())[:k, :k], at))
    assert_allclose(curve["estimate"], np.exp(log_ratio), rtol=1e-6)
    assert_allclose(curve["ci_low"], np.exp(log_ratio - stats.norm.ppf(0.975) * error), rtol=1e-6)
    assert_allclose(curve["ci_high"], np.exp(log_ratio + stats.norm.ppf(0.975) * error), rtol=1e-6)


def test_clustered_splines_are_tested_by_wald() -> None:
    data = clinical(4).dropna().reset_index(drop=True)
    result = analyze_outcome(data, **ASKED, splines=["age"], cluster="ward")
    age, male = data["age"].to_numpy(), (data["sex"] == "m").to_numpy(float)
    knots = np.quantile(age, [0.05, 0.35, 0.65, 0.95])
    x = np.column_stack([natural(age, knots), male])
    fit = glm(data, x, cov_type="cluster", cov_kwds={"groups": data["ward"]})
    n, k = x.shape
    covariance = np.asarray(fit.cov_params()) * (n - k) / (n - 1)
    # a natural spline is straight when its second divided differences at the knots vanish
    gap = np.diff(knots)
    bends = np.zeros((2, 5))
    for i in range(2):
        bends[i, i : i + 3] = [1 / gap[i], -1 / gap[i] - 1 / gap[i + 1], 1 / gap[i + 1]]
    moved = bends @ np.asarray(fit.params)
    want = moved @ np.linalg.solve(bends @ covariance @ bends.T, moved)
    row = result.extras.nonlinearity.iloc[0]
    assert row["test"] == "robust Wald"
    assert_allclose(row["statistic"], want, rtol=1e-6)


def test_the_basis_is_straight_beyond_the_knots_and_smooth_at_them() -> None:
    knots = np.array([1.0, 2.0, 4.0, 7.0])
    for outside in (np.linspace(-3, 1, 9), np.linspace(7, 12, 9)):
        for column in basis(outside, knots):
            assert_allclose(np.diff(column, 2), 0.0, atol=1e-12)
    # by hand at x = 3: (3-1)^3 - 0 = 8, and (3-2)^3 = 1, over (7-1)^2
    first, second = basis(np.array([3.0]), knots)
    assert_allclose([first[0], second[0]], [8 / 36, 1 / 36], rtol=1e-15)


def test_knots_follow_harrells_table_and_his_rule_for_few_rows() -> None:
    many = np.arange(1001.0)
    assert_allclose(knots_at(many, 3), [100, 500, 900])
    assert_allclose(knots_at(many, 4), [50, 350, 650, 950])
    assert_allclose(knots_at(many, 5), [50, 275, 500, 725, 950])
    few = np.arange(61.0)
    assert_allclose(knots_at(few, 3), [4, 30, 56])


def test_units_and_row_order_change_nothing() -> None:
    data = clinical(6)
    one = analyze_outcome(data, **ASKED, splines=["age"])
    turned = data.sample(frac=1.0, random_state=3).reset_index(drop=True)
    turned["age"] = turned["age"] * 365.25 + 100.0
    two = analyze_outcome(turned, **ASKED, splines=["age"])
    for column in ("statistic", "p_value", "p_term", "estimate", "ci_low", "ci_high"):
        assert_allclose(one.extras.nonlinearity[column], two.extras.nonlinearity[column], rtol=1e-7)
    assert_allclose(one.extras.curves["x"] * 365.25 + 100.0, two.extras.curves["x"], rtol=1e-9)
    assert_allclose(one.extras.curves["ci_low"], two.extras.curves["ci_low"], rtol=1e-7)


def test_the_adjusted_row_has_a_test_and_no_single_odds_ratio() -> None:
    result = analyze_outcome(clinical(), **ASKED, splines=["age"])
    row = result.adjusted.effects.iloc[0]
    assert np.isnan(row["estimate"])
    assert (row["df"], row["p_value"]) == (3, row["p_term"])
    assert [n.term for n in result.notes if n.code == "spline"] == ["age"]
    assert analyze_outcome(clinical(), **ASKED).extras is None


def test_too_few_values_stay_a_straight_line_and_say_so() -> None:
    data = clinical().assign(dose=lambda d: np.where(d["sex"] == "m", 1.0, 2.0))
    asked = {**ASKED, "predictors": ["dose"]}
    result = analyze_outcome(data, **asked, splines=["dose"])
    plain = analyze_outcome(data, **asked)
    assert_allclose(result.adjusted.effects["coef"], plain.adjusted.effects["coef"], rtol=1e-12)
    assert "spline_not_possible" in {n.code for n in result.notes}
    assert not len(result.extras.curves)


@pytest.mark.parametrize(
    ("splines", "words"),
    [({"sex": 4}, "not a continuous"), ({"age": 6}, "3, 4 or 5"), (["other"], "not a continuous")],
)
def test_choices_that_make_no_sense_are_refused(splines: object, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        analyze_outcome(clinical(), **ASKED, splines=splines)


def test_firth_takes_splines_too() -> None:
    result = analyze_outcome(clinical(8, 150), **ASKED, splines={"age": 3}, method="firth")
    row = result.extras.nonlinearity.iloc[0]
    assert row["test"] == "Wald"
    assert 0 < row["p_value"] < 1
    assert 0 < row["p_term"] < 1


@pytest.mark.parametrize("size", [1e140, 1e-140])
def test_values_of_any_size_have_the_same_tests(size: float) -> None:
    data = clinical(10)
    one = analyze_outcome(data, **ASKED, splines=["age"]).extras.nonlinearity
    two = analyze_outcome(
        data.assign(age=data["age"] * size), **ASKED, splines=["age"]
    ).extras.nonlinearity
    for column in ("statistic", "p_term", "estimate", "ci_low"):
        assert_allclose(one[column], two[column], rtol=1e-7)
