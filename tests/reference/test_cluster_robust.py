"""Cluster-robust errors of analyze_outcome against statsmodels' GLM with clustered covariance.

statsmodels multiplies by G/(G-1) (n-1)/(n-k); ours is the likelihood form G/(G-1), so its
covariance is brought to that factor. Tolerance: 1e-7, the accuracy of both maxima.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats

from logic import BadInput, analyze_outcome


def clinical(seed: int = 3, n: int = 600, centres: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    centre = rng.integers(0, centres, n)
    shift = rng.normal(0, 0.8, centres)[centre]
    age = rng.normal(60, 10, n) + 3 * shift
    stage = rng.choice(["I", "II", "III"], n, p=[0.5, 0.3, 0.2])
    eta = 0.03 * (age - 60) + 0.7 * (stage == "III") + shift - 0.5
    died = np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "yes", "no")
    return pd.DataFrame(
        {"died": died, "age": age, "stage": stage, "centre": [f"c{c}" for c in centre]}
    )


def oracle(data: pd.DataFrame, columns: list[str]) -> tuple[np.ndarray, np.ndarray]:
    parts = {
        "age": data["age"],
        "II": (data["stage"] == "II").astype(float),
        "III": (data["stage"] == "III").astype(float),
    }
    x = np.column_stack([np.ones(len(data)), *(parts[c] for c in columns)])
    y = (data["died"] == "yes").astype(float)
    groups = pd.factorize(data["centre"])[0]
    fit = sm.GLM(y, x, family=sm.families.Binomial()).fit(
        tol=1e-14, cov_type="cluster", cov_kwds={"groups": groups}
    )
    n, k = x.shape
    return np.asarray(fit.params), np.asarray(fit.cov_params()) * (n - k) / (n - 1)


def check(rows: pd.DataFrame, beta: np.ndarray, covariance: np.ndarray) -> None:
    se = np.sqrt(np.diag(covariance))
    assert_allclose(rows["coef"], beta, rtol=1e-7)
    assert_allclose(rows["std_error"], se, rtol=1e-7)
    assert_allclose(rows["ci_low"], np.exp(beta - stats.norm.ppf(0.975) * se), rtol=1e-7)
    assert_allclose(rows["ci_high"], np.exp(beta + stats.norm.ppf(0.975) * se), rtol=1e-7)
    assert_allclose(rows["p_value"], 2 * stats.norm.sf(np.abs(beta / se)), rtol=1e-5)


def test_adjusted_model_agrees_with_statsmodels() -> None:
    data = clinical()
    result = analyze_outcome(
        data, outcome="died", event="yes", predictors=["age", "stage"], cluster="centre"
    )
    effects = result.adjusted.effects
    rows = effects[effects["std_error"].notna()]
    beta, covariance = oracle(data, ["age", "II", "III"])
    check(rows, beta[1:], covariance[1:, 1:])
    fit = result.adjusted.fit.iloc[0]
    assert fit["interval"] == "robust Wald"
    assert_allclose(fit["intercept_std_error"], np.sqrt(covariance[0, 0]), rtol=1e-7)
    inner = covariance[2:, 2:]
    chi2 = beta[2:] @ np.linalg.solve(inner, beta[2:])
    p_stage = effects.loc[effects["term"] == "stage", "p_term"]
    assert_allclose(p_stage, stats.chi2.sf(chi2, 2), rtol=1e-6)


def test_crude_models_agree_with_statsmodels() -> None:
    data = clinical(5)
    result = analyze_outcome(
        data, outcome="died", event="yes", predictors=["age", "stage"], cluster="centre"
    )
    for term, columns in {"age": ["age"], "stage": ["II", "III"]}.items():
        effects = result.crude.effects
        rows = effects[(effects["term"] == term) & effects["std_error"].notna()]
        beta, covariance = oracle(data, columns)
        check(rows, beta[1:], covariance[1:, 1:])
        chi2 = beta[1:] @ np.linalg.solve(covariance[1:, 1:], beta[1:])
        want = stats.chi2.sf(chi2, len(columns))
        assert_allclose(rows["p_term"], want, rtol=1e-6)


def test_rows_doubled_as_clusters_have_the_errors_of_the_single_rows() -> None:
    """Closed form: copies of a row carry no information, so V depends on the clusters only."""
    data = clinical(7, n=200)
    single = data.assign(row=[f"r{i}" for i in range(len(data))])
    double = pd.concat([single, single], ignore_index=True)
    asked = {"outcome": "died", "event": "yes", "predictors": ["age", "stage"], "cluster": "row"}
    one, two = analyze_outcome(single, **asked), analyze_outcome(double, **asked)
    for name in ("crude", "adjusted"):
        left, right = getattr(one, name).effects, getattr(two, name).effects
        assert_allclose(left["std_error"], right["std_error"], rtol=1e-8)
        assert_allclose(left["ci_high"], right["ci_high"], rtol=1e-8)


def test_rows_without_a_cluster_are_counted() -> None:
    data = clinical(9)
    data.loc[:4, "centre"] = None
    data.loc[3:6, "died"] = None
    data.loc[10:11, "age"] = np.nan
    result = analyze_outcome(
        data, outcome="died", event="yes", predictors=["age", "stage"], cluster="centre"
    )
    assert dict(result.exclusions) == {
        "outcome missing": 4, "cluster missing": 3, "predictor missing": 2,
    }  # fmt: skip


def test_estimates_and_row_order_do_not_depend_on_clusters() -> None:
    data = clinical(11)
    asked = {"outcome": "died", "event": "yes", "predictors": ["age", "stage"]}
    plain = analyze_outcome(data, **asked).adjusted.effects
    shuffled = data.sample(frac=1.0, random_state=1).reset_index(drop=True)
    shuffled["centre"] = shuffled["centre"].str.replace("c", "site ")
    one = analyze_outcome(data, **asked, cluster="centre").adjusted.effects
    two = analyze_outcome(shuffled, **asked, cluster="centre").adjusted.effects
    assert_allclose(plain["coef"], one["coef"], rtol=1e-12)
    for column in ("coef", "std_error", "ci_low", "ci_high", "p_term"):
        assert_allclose(one[column], two[column], rtol=1e-9)


def test_few_clusters_are_said_and_one_is_refused() -> None:
    data = clinical(13, centres=8)
    asked = {"outcome": "died", "event": "yes", "predictors": ["age"]}
    result = analyze_outcome(data, **asked, cluster="centre")
    assert "few_clusters" in {n.code for n in result.notes}
    with pytest.raises(BadInput, match="same value"):
        analyze_outcome(data.assign(centre="c1"), **asked, cluster="centre")
    with pytest.raises(BadInput, match="cannot also be the cluster"):
        analyze_outcome(data, **asked, cluster="age")


def test_separated_models_keep_firth_and_say_so() -> None:
    data = clinical(15)
    data["rare"] = np.where((data["died"] == "yes") & (data.index < 60), "yes", "no")
    result = analyze_outcome(
        data, outcome="died", event="yes", predictors=["age", "rare"], cluster="centre"
    )
    codes = [n.code for n in result.notes]
    assert codes.count("cluster_not_used") == 2
    assert result.adjusted.fit["method"].iloc[0] == "Firth's penalised likelihood"
