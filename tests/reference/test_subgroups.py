"""Effects within subgroups and interaction tests against statsmodels on explicit products."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats

from logic import BadInput, analyze_outcome


def clinical(seed: int = 1, n: int = 900) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    treated = rng.choice(["no", "yes"], n)
    stage = rng.choice(["I", "II", "III"], n)
    sex = rng.choice(["f", "m"], n)
    age = rng.normal(60, 10, n)
    effect = np.where(stage == "III", 1.2, 0.2)
    eta = effect * (treated == "yes") + 0.03 * (age - 60) + 0.4 * (sex == "m") - 0.6
    died = np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "yes", "no")
    frame = {"died": died, "treated": treated, "stage": stage, "sex": sex, "age": age}
    return pd.DataFrame({**frame, "ward": rng.integers(0, 60, n)})


ASKED = {
    "outcome": "died", "event": "yes", "predictors": ["treated", "age", "stage"],
    "exposure": "treated",
}  # fmt: skip


def flags(data: pd.DataFrame, *at: tuple[str, str]) -> list[np.ndarray]:
    return [(data[name] == level).to_numpy(float) for name, level in at]


def logit(data: pd.DataFrame, *parts: np.ndarray) -> object:
    x = np.column_stack([np.ones(len(data)), *parts])
    return sm.Logit((data["died"] == "yes").astype(float), x).fit(disp=0, tol=1e-12)


def test_effects_and_interactions_agree_with_statsmodels() -> None:
    data = clinical()
    result = analyze_outcome(data, **ASKED, subgroups=["stage", "sex"], interval="wald")
    found = result.extras.subgroups
    stage = flags(data, ("stage", "II"), ("stage", "III"))
    (treated,), (male,) = flags(data, ("treated", "yes")), flags(data, ("sex", "m"))
    age = data["age"].to_numpy()
    for name, level in [("stage", "I"), ("stage", "III"), ("sex", "f"), ("sex", "m")]:
        within = data[data[name] == level]
        rest = flags(within, ("stage", "II"), ("stage", "III")) if name == "sex" else []
        fit = logit(within, *flags(within, ("treated", "yes")), within["age"].to_numpy(), *rest)
        row = found[(found["subgroup"] == name) & (found["group"] == level)].iloc[0]
        assert_allclose(row["estimate"], np.exp(fit.params.iloc[1]), rtol=1e-6)
        limits = np.exp(fit.conf_int().iloc[1])
        assert_allclose([row["ci_low"], row["ci_high"]], limits, rtol=1e-6)
        assert (row["n"], row["events"]) == (len(within), (within["died"] == "yes").sum())
    base = logit(data, treated, age, *stage)
    more = logit(data, treated, age, *stage, *(treated * s for s in stage))
    check(found, "stage", 2 * (more.llf - base.llf), 2)
    base = logit(data, treated, age, *stage, male)
    more = logit(data, treated, age, *stage, male, treated * male)
    check(found, "sex", 2 * (more.llf - base.llf), 1)


def check(found: pd.DataFrame, name: str, statistic: float, df: int) -> None:
    own = found[found["subgroup"] == name]
    assert_allclose(own["statistic"], statistic, rtol=1e-6)
    assert (own["df"] == df).all()
    assert_allclose(own["p_interaction"], stats.chi2.sf(statistic, df), rtol=1e-6)


def test_clustered_interactions_are_tested_by_wald() -> None:
    data = clinical(3)
    result = analyze_outcome(data, **ASKED, subgroups="sex", cluster="ward")
    stage = flags(data, ("stage", "II"), ("stage", "III"))
    (treated,), (male,) = flags(data, ("treated", "yes")), flags(data, ("sex", "m"))
    x = np.column_stack(
        [np.ones(len(data)), treated, data["age"], *stage, male, treated * male]
    )  # fmt: skip
    y = (data["died"] == "yes").astype(float)
    fit = sm.GLM(y, x, family=sm.families.Binomial()).fit(
        tol=1e-13, cov_type="cluster", cov_kwds={"groups": data["ward"]}
    )
    n, k = x.shape
    variance = np.asarray(fit.cov_params())[-1, -1] * (n - k) / (n - 1)
    check(result.extras.subgroups, "sex", fit.params.iloc[-1] ** 2 / variance, 1)


def test_a_continuous_exposure_and_missing_levels() -> None:
    data = clinical(5)
    data.loc[:20, "sex"] = None
    asked = {**ASKED, "predictors": ["age", "treated"], "exposure": "age", "scale": {"age": 10}}
    found = analyze_outcome(data, **asked, subgroups=["sex"]).extras.subgroups
    used = data.dropna()
    (treated,), (male,) = flags(used, ("treated", "yes")), flags(used, ("sex", "m"))
    age = used["age"].to_numpy()
    base = logit(used, age, treated, male)
    more = logit(used, age, treated, male, age * male)
    check(found, "sex", 2 * (more.llf - base.llf), 1)
    men = used[used["sex"] == "m"]
    fit = logit(men, men["age"].to_numpy() / 10, *flags(men, ("treated", "yes")))
    row = found[found["group"] == "m"].iloc[0]
    assert_allclose(row["estimate"], np.exp(fit.params.iloc[1]), rtol=1e-6)


def test_row_order_and_names_of_levels_change_nothing() -> None:
    data = clinical(7)
    one = analyze_outcome(data, **ASKED, subgroups=["sex"]).extras.subgroups
    turned = data.sample(frac=1.0, random_state=4).reset_index(drop=True)
    turned["sex"] = turned["sex"].map({"f": "2 women", "m": "1 men"})
    two = analyze_outcome(turned, **ASKED, subgroups=["sex"]).extras.subgroups[::-1]
    for column in ("estimate", "ci_low", "p_value", "p_interaction"):
        assert_allclose(one[column], two[column], rtol=1e-7)


def test_a_subgroup_without_events_is_said_and_the_rest_stands() -> None:
    data = clinical(9)
    few = data.index < 30
    data["site"] = np.where(few, "small", "large")
    data.loc[few, "died"] = "no"
    result = analyze_outcome(data, **ASKED, subgroups=["site"])
    found = result.extras.subgroups.set_index("group")
    assert np.isnan(found.loc["small", "estimate"])
    assert np.isfinite(found.loc["large", "estimate"])
    assert "small_subgroups" in {n.code for n in result.notes}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exposure": None}, "exposure"),
        ({"subgroups": ["age"]}, "no levels"),
        ({"subgroups": ["treated"]}, "is the exposure"),
        ({"subgroups": ["died"]}, "is the outcome"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        analyze_outcome(clinical(), **{**ASKED, "subgroups": ["sex"], **change})
