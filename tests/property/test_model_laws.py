"""Laws of the Cox, linear and count models, and closed forms small enough to check by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from stats.counts import fit_counts
from stats.cox import fit_cox
from stats.linear import fit_linear
from stats.result import EFFECT_COLUMNS, ModelResult

NUMBERS = [c for c, kind in EFFECT_COLUMNS.items() if kind != "text"]
seeds = st.integers(0, 10_000)


def cohort(seed: int, n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = np.where(rng.random(n) < 0.05, np.nan, rng.normal(60, 9, n).round(1))
    group = rng.choice(["a", "b", "c"], n)
    eta = 0.03 * (np.nan_to_num(age, nan=60.0) - 60) + 0.5 * (group == "b")
    entry = rng.integers(0, 4, n) * 1.0
    return pd.DataFrame(
        {
            "time": entry + np.ceil(rng.exponential(8 * np.exp(-eta))),
            "entry": entry,
            "dead": (rng.random(n) < 0.7).astype(int),
            "site": rng.choice(["x", "y"], n),
            "y": 100 + 10 * eta + rng.normal(0, 5, n),
            "count": rng.poisson(np.exp(0.5 + eta)),
            "years": rng.uniform(0.5, 3, n).round(2),
            "age": age,
            "group": group,
        }
    )


def cox(data: pd.DataFrame, **choices: Any) -> ModelResult:
    asked = {"time": "time", "event": "dead", "event_level": 1, "predictors": ["age", "group"]}
    return fit_cox(data, **{**asked, **choices})


def entered(data: pd.DataFrame, **choices: Any) -> ModelResult:
    return cox(data, **{"entry": "entry", "strata": "site", **choices})


def linear(data: pd.DataFrame, **choices: Any) -> ModelResult:
    return fit_linear(data, **{"outcome": "y", "predictors": ["age", "group"], **choices})


def counts(data: pd.DataFrame, **choices: Any) -> ModelResult:
    asked = {"outcome": "count", "predictors": ["age", "group"], "person_time": "years"}
    return fit_counts(data, **{**asked, **choices})


MODELS: dict[str, Callable[..., ModelResult]] = {
    "cox": cox, "cox entry strata": entered, "linear": linear, "counts": counts
}  # fmt: skip
every_model = pytest.mark.parametrize("fit", MODELS.values(), ids=list(MODELS))


def same_numbers(a: ModelResult, b: ModelResult, rtol: float = 1e-8) -> None:
    for left, right in (
        (a.crude.effects, b.crude.effects),
        (a.adjusted.effects, b.adjusted.effects),
    ):
        assert_array_equal(left["term"], right["term"])
        for column in NUMBERS:
            assert_allclose(left[column], right[column], rtol=rtol, atol=1e-8, err_msg=column)


def row(result: ModelResult, term: str, level: str | None = None) -> pd.Series:
    effects = result.adjusted.effects
    found = effects[effects["term"] == term]
    return (found if level is None else found[found["level"] == level]).iloc[0]


@every_model
@settings(max_examples=8, deadline=None)
@given(seed=seeds)
def test_row_order_is_irrelevant(fit: Callable[..., ModelResult], seed: int) -> None:
    data = cohort(seed)
    order = np.random.default_rng(seed).permutation(len(data))
    same_numbers(fit(data), fit(data.iloc[order].reset_index(drop=True)))


@every_model
@settings(max_examples=6, deadline=None)
@given(seed=seeds)
def test_unused_columns_change_not_one_byte(fit: Callable[..., ModelResult], seed: int) -> None:
    data = cohort(seed)
    a, b = fit(data), fit(data.assign(unused=1.5)[["unused", *data.columns[::-1]]])
    for left, right in ((a.crude, b.crude), (a.adjusted, b.adjusted)):
        pairs = zip(left.table("effects").columns, right.table("effects").columns, strict=True)
        assert all(x.data == y.data for x, y in pairs)


@every_model
@settings(max_examples=6, deadline=None)
@given(seed=seeds, factor=st.floats(0.01, 1000))
def test_units_scale_the_coefficient(
    fit: Callable[..., ModelResult], seed: int, factor: float
) -> None:
    data = cohort(seed)
    one, many = row(fit(data), "age"), row(fit(data, scale={"age": factor}), "age")
    assert_allclose(many["coef"], factor * one["coef"], rtol=1e-9)
    assert_allclose(many["p_value"], one["p_value"], rtol=1e-9)


@every_model
@settings(max_examples=6, deadline=None)
@given(seed=seeds)
def test_another_reference_keeps_the_fit(fit: Callable[..., ModelResult], seed: int) -> None:
    data = cohort(seed)
    a, b = fit(data), fit(data, references={"group": "c"})
    assert_allclose(a.adjusted.fit["loglik"], b.adjusted.fit["loglik"], rtol=1e-9)
    assert_allclose(
        row(a, "group", "c")["coef"], -row(b, "group", "a")["coef"], rtol=1e-6, atol=1e-8
    )
    assert_allclose(row(a, "group", "c")["p_term"], row(b, "group", "a")["p_term"], rtol=1e-6)


@every_model
@settings(max_examples=6, deadline=None)
@given(seed=seeds)
def test_interval_and_p_never_contradict(fit: Callable[..., ModelResult], seed: int) -> None:
    result = fit(cohort(seed))
    null = 0.0 if result.adjusted.effect == "mean difference" else 1.0
    for effects in (result.crude.effects, result.adjusted.effects):
        rows = effects[effects["p_value"].notna()]
        outside = (rows["ci_low"] > null) | (rows["ci_high"] < null)
        assert_array_equal(outside, rows["p_value"] < 0.05)


@settings(max_examples=8, deadline=None)
@given(seed=seeds, factor=st.sampled_from([0.1, 7.0, 365.25]))
def test_the_unit_of_time_does_not_matter_to_cox(seed: int, factor: float) -> None:
    data = cohort(seed)
    scaled = data.assign(time=data["time"] * factor, entry=data["entry"] * factor)
    same_numbers(cox(data), cox(scaled))
    same_numbers(entered(data), entered(scaled))


@settings(max_examples=8, deadline=None)
@given(seed=seeds)
def test_entry_at_zero_and_one_stratum_change_nothing(seed: int) -> None:
    data = cohort(seed).assign(zero=-1.0, one="all")
    same_numbers(cox(data), cox(data, entry="zero", strata="one"))


@settings(max_examples=6, deadline=None)
@given(seed=seeds)
def test_splitting_follow_up_changes_nothing(seed: int) -> None:
    """A row is two rows, one until a cut and one from it on (left truncation)."""
    data = cohort(seed).assign(entry=0.0)
    cut = 4.0
    before = data.assign(dead=np.where(data["time"] > cut, 0, data["dead"]),
                         time=data["time"].clip(upper=cut))  # fmt: skip
    after = data[data["time"] > cut].assign(entry=cut)
    split = pd.concat([before, after], ignore_index=True)
    a, b = cox(data), cox(split, entry="entry")
    for column in ("coef", "std_error", "ci_low", "ci_high"):
        left, right = a.adjusted.effects[column], b.adjusted.effects[column]
        assert_allclose(left, right, rtol=1e-7, err_msg=column)


@settings(max_examples=6, deadline=None)
@given(seed=seeds)
def test_doubling_the_rows_divides_the_error(seed: int) -> None:
    data = cohort(seed)
    twice = pd.concat([data, data], ignore_index=True)
    for fit in (lambda d: cox(d, ties="breslow"), counts):
        left, right = fit(data).adjusted.effects, fit(twice).adjusted.effects
        assert_allclose(left["coef"], right["coef"], rtol=1e-6, atol=1e-9)
        assert_allclose(left["std_error"], right["std_error"] * np.sqrt(2), rtol=1e-6)


@settings(max_examples=6, deadline=None)
@given(seed=seeds)
def test_clusters_give_the_sandwich_written_out_row_by_row(seed: int) -> None:
    """Lin & Wei's residuals by their definition, one covariate, no ties."""
    rng = np.random.default_rng(seed)
    data = cohort(seed).dropna().reset_index(drop=True)
    data["time"] = data["time"] + rng.random(len(data))
    data["pair"] = np.arange(len(data)) // 2
    ours = cox(data, predictors=["age"], cluster="pair").adjusted.effects.iloc[0]
    x, t, d = (data[c].to_numpy(float) for c in ("age", "time", "dead"))
    risk = np.exp(ours["coef"] * (x - x.mean()))
    residual, information = np.zeros(len(x)), 0.0
    for k in np.flatnonzero(d):
        at = t >= t[k]
        total = risk[at].sum()
        mean = (risk[at] * x[at]).sum() / total
        information += (risk[at] * (x[at] - mean) ** 2).sum() / total
        residual[k] += x[k] - mean
        residual[at] -= risk[at] * (x[at] - mean) / total
    sums = np.bincount(data["pair"], weights=residual)
    assert_allclose(ours["std_error"], np.sqrt((sums**2).sum()) / information, rtol=1e-8)


@settings(max_examples=6, deadline=None)
@given(seed=seeds)
def test_ties_strata_and_entry_agree_with_statsmodels(seed: int) -> None:
    from statsmodels.duration.hazard_regression import PHReg

    data = cohort(seed).dropna().reset_index(drop=True)
    # statsmodels counts who enters at an event time as at risk there; R and we do not
    data["entry"] = data["entry"] + 0.5
    for ties in ("efron", "breslow"):
        ours = entered(data, predictors=["age"], ties=ties, interval="wald")
        fit = PHReg(
            data["time"], data[["age"]], status=data["dead"], entry=data["entry"],
            strata=data["site"], ties=ties,
        ).fit(disp=0)  # fmt: skip
        # statsmodels stops at a looser tolerance
        assert_allclose(ours.adjusted.effects["coef"].iloc[0], fit.params[0], rtol=1e-4, atol=1e-6)
        assert_allclose(ours.adjusted.effects["std_error"].iloc[0], fit.bse[0], rtol=1e-4)


def test_two_rows_by_hand() -> None:
    """Partial likelihood of x = 1 dying first of two: Firth's hazard ratio is 3."""
    data = pd.DataFrame({"t": [1.0, 2.0, 1.0, 2.0], "d": [1, 1, 1, 1], "x": [1.0, 0.0, 1.0, 0.0],
                         "s": ["a", "a", "b", "b"]})  # fmt: skip
    one = fit_cox(data.iloc[:2], time="t", event="d", event_level=1, predictors=["x"])
    assert one.crude.fit["method"].tolist() == ["Firth's penalised likelihood"]
    # log p + log(p (1 - p)) / 2 is largest at p = 3/4 (Heinze & Schemper 2001)
    assert_allclose(one.crude.effects["estimate"].iloc[0], 3.0, rtol=1e-6)
    two = fit_cox(data, time="t", event="d", event_level=1, predictors=["x"], strata="s",
                  method="firth")  # fmt: skip
    # two strata: 2 log p + log(2 p (1 - p)) / 2 is largest at p = 5/6: 2/p + 1/(2p) = 1/(2 (1 - p))
    assert_allclose(row(two, "x")["estimate"], 5.0, rtol=1e-6)


def test_three_rows_by_hand() -> None:
    """x of those who die: 0 at time 1 (at risk 0, 1, 1), then 1 at time 2; with u = exp(b) the
    likelihood 1 / (1 + 2u) * u / (2u) is monotone, with the last row at 0 it is
    1/(1 + u + 1) * u/(u + 1): maximal where u^2 = 2."""
    data = pd.DataFrame({"t": [1.0, 2.0, 3.0], "d": [1, 1, 0], "x": [0.0, 1.0, 0.0]})
    result = fit_cox(data, time="t", event="d", event_level=1, predictors=["x"])
    assert_allclose(row(result, "x")["estimate"], np.sqrt(2), rtol=1e-9)


def test_tied_deaths_by_hand() -> None:
    """All four die at once, two with x = 1. Breslow: (2u^2) / (2 + 2u)^4 gives u = 1; Efron's
    likelihood of the same data is symmetric too, so both are 1, and their heights differ."""
    data = pd.DataFrame({"t": [1.0] * 4, "d": [1] * 4, "x": [0.0, 0.0, 1.0, 1.0]})
    for ties, value in (("breslow", -4 * np.log(4)), ("efron", -np.log(4 * 3 * 2 * 1))):
        result = fit_cox(data, time="t", event="d", event_level=1, predictors=["x"], ties=ties)
        assert_allclose(result.adjusted.fit["loglik_null"], value, rtol=1e-12)


def test_the_rate_ratio_of_two_groups_is_that_of_the_table() -> None:
    data = pd.DataFrame({"events": [3.0, 1.0, 2.0, 9.0], "years": [10.0, 10.0, 5.0, 10.0],
                         "g": ["a", "a", "b", "b"]})  # fmt: skip
    result = fit_counts(data, outcome="events", predictors=["g"], person_time="years")
    found = row(result, "g", "b")
    assert_allclose(found["estimate"], (11 / 15) / (4 / 20), rtol=1e-9)
    assert_allclose(found["std_error"], np.sqrt(1 / 11 + 1 / 4), rtol=1e-9)


def test_a_group_without_events_has_no_rate_ratio_but_a_limit() -> None:
    """0 events in 10 years against 8 in 20: the profile limit solves
    2 (8 log 8/20 - 8 - [8 log m - 20 m - 10 m u]) = 3.84, m = 8 / (20 + 10 u)."""
    data = pd.DataFrame({"n": [4.0, 4.0, 0.0, 0.0], "years": [10.0, 10.0, 5.0, 5.0],
                         "g": ["a", "a", "b", "b"]})  # fmt: skip
    result = fit_counts(data, outcome="n", predictors=["g"], person_time="years")
    found = row(result, "g", "b")
    assert np.isnan(found["estimate"])
    assert found["ci_low"] == 0.0
    # profile: 8 log(20 / (20 + 10 u)) = -1.9207
    assert_allclose(found["ci_high"], 2 * (np.exp(3.841458820694124 / 16) - 1), rtol=1e-6)
    assert "zero_rate" in {n.code for n in result.notes}


def test_a_linear_model_of_two_groups_is_the_t_test() -> None:
    from scipy import stats

    rng = np.random.default_rng(4)
    data = pd.DataFrame({"y": rng.normal(size=30), "g": ["a", "b", "b"] * 10})
    found = row(fit_linear(data, outcome="y", predictors=["g"]), "g", "b")
    want = stats.ttest_ind(data["y"][data["g"] == "b"], data["y"][data["g"] == "a"])
    assert_allclose(found["statistic"], want.statistic, rtol=1e-10)
    assert_allclose(found["p_value"], want.pvalue, rtol=1e-10)


def test_cluster_robust_errors_agree_with_statsmodels() -> None:
    import statsmodels.api as sm

    data = cohort(3).dropna().reset_index(drop=True)
    data["pair"] = np.arange(len(data)) // 3
    ours = linear(data, predictors=["age"], cluster="pair").adjusted.effects.iloc[0]
    design = sm.add_constant(data[["age"]])
    fit = sm.OLS(data["y"], design).fit(cov_type="cluster", cov_kwds={"groups": data["pair"]})
    assert_allclose(ours["std_error"], fit.bse["age"], rtol=1e-9)
    ours = counts(data, predictors=["age"], cluster="pair").adjusted.effects.iloc[0]
    model = sm.GLM(
        data["count"], design, family=sm.families.Poisson(), offset=np.log(data["years"])
    )
    n, k, g = len(data), 2, data["pair"].nunique()
    robust = model.fit(cov_type="cluster", cov_kwds={"groups": data["pair"]}, tol=1e-12)
    # statsmodels multiplies by (n - 1) / (n - k) as well
    assert_allclose(ours["std_error"], robust.bse["age"] / np.sqrt((n - 1) / (n - k)), rtol=1e-6)
    assert g > 2


@settings(max_examples=6, deadline=None)
@given(seed=seeds)
def test_exclusions_add_up_and_bad_times_are_named(seed: int) -> None:
    data = cohort(seed)
    data.loc[[4, 7], "time"] = -1.0
    data.loc[9, "time"] = np.nan
    data.loc[11, "entry"] = data.loc[11, "time"] + 1
    result = entered(data)
    assert result.exclusions["time negative"] == 2
    assert result.exclusions["time missing"] == 1
    assert result.exclusions["entry not before time"] == 1
    text = " ".join(n.text for n in result.notes if n.code == "bad_times")
    assert "rows 5 and 8" in text
    assert "row 12" in text
    for part in (result, result.crude, result.adjusted):
        assert part.n_used + sum(part.exclusions.values()) == len(data)
