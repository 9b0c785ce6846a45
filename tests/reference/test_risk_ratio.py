"""Risk ratios and standardised risk differences against statsmodels and closed forms.

Modified Poisson: statsmodels' GLM with cov_type HC0 or cluster (brought to the factor G/(G-1)).
Standardisation: a plain loop that predicts from copied rows with statsmodels' Logit, its
gradient by central differences. Tolerance: 1e-6 (1e-5 where differences are involved).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit

from logic import analyze_outcome


def clinical(seed: int = 2, n: int = 700) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 10, n)
    treated = rng.choice(["no", "yes"], n)
    stage = rng.choice(["I", "II", "III"], n)
    eta = 0.03 * (age - 60) + 0.6 * (treated == "yes") + 0.5 * (stage == "III") - 0.3
    died = np.where(rng.random(n) < expit(eta), "yes", "no")
    frame = {"died": died, "treated": treated, "age": age, "stage": stage}
    return pd.DataFrame({**frame, "ward": rng.integers(0, 50, n)})


ASKED = {
    "outcome": "died", "event": "yes", "predictors": ["treated", "age", "stage"],
    "risk_measures": True, "scale": {"age": 10},
}  # fmt: skip
KEYS = [("treated", "yes"), ("age", None), ("stage", "II"), ("stage", "III")]


def design(data: pd.DataFrame) -> np.ndarray:
    return np.column_stack([
        np.ones(len(data)), data["treated"] == "yes", data["age"] / 10, data["stage"] == "II",
        data["stage"] == "III",
    ]).astype(float)  # fmt: skip


def rows_of(result: object, measure: str) -> pd.DataFrame:
    risks = result.extras.risks
    own = risks[risks["measure"] == measure].reset_index(drop=True)
    found = [(t, None if pd.isna(v) else v) for t, v in zip(own["term"], own["level"], strict=True)]
    assert found == KEYS
    return own


def check_ratios(rows: pd.DataFrame, beta: np.ndarray, covariance: np.ndarray) -> None:
    se, z = np.sqrt(np.diag(covariance))[1:], stats.norm.ppf(0.975)
    assert_allclose(rows["estimate"], np.exp(beta[1:]), rtol=1e-6)
    assert_allclose(rows["std_error"], se, rtol=1e-6)
    assert_allclose(rows["ci_low"], np.exp(beta[1:] - z * se), rtol=1e-6)
    assert_allclose(rows["ci_high"], np.exp(beta[1:] + z * se), rtol=1e-6)
    assert_allclose(rows["p_value"], 2 * stats.norm.sf(np.abs(beta[1:] / se)), rtol=1e-5)


def test_risk_ratios_agree_with_modified_poisson() -> None:
    data = clinical()
    y, x = (data["died"] == "yes").astype(float), design(data)
    model = sm.GLM(y, x, family=sm.families.Poisson())
    fit = model.fit(tol=1e-13, cov_type="HC0")
    rows = rows_of(analyze_outcome(data, **ASKED), "risk ratio")
    check_ratios(rows, np.asarray(fit.params), np.asarray(fit.cov_params()))
    fit = model.fit(tol=1e-13, cov_type="cluster", cov_kwds={"groups": data["ward"]})
    n, k = x.shape
    rows = rows_of(analyze_outcome(data, **ASKED, cluster="ward"), "risk ratio")
    check_ratios(rows, np.asarray(fit.params), np.asarray(fit.cov_params()) * (n - k) / (n - 1))


def sides(x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each contrast all rows at the level (or one step more), and at the reference."""
    found = []
    for columns, one in (([1], 1), ([2], None), ([3, 4], 3), ([3, 4], 4)):
        high, low = x.copy(), x.copy()
        if one is None:
            high[:, columns] += 1.0
        else:
            low[:, columns] = high[:, columns] = 0.0
            high[:, one] = 1.0
        found.append((high, low))
    return found


def test_risk_differences_agree_with_plain_standardisation() -> None:
    data = clinical(4)
    y, x = (data["died"] == "yes").astype(float), design(data)
    fit = sm.Logit(y, x).fit(disp=0, tol=1e-12)
    beta, covariance = np.asarray(fit.params), np.asarray(fit.cov_params())
    rows = rows_of(analyze_outcome(data, **ASKED), "risk difference")
    for i, (high, low) in enumerate(sides(x)):

        def difference(b: np.ndarray, high: np.ndarray = high, low: np.ndarray = low) -> float:
            return float((expit(high @ b) - expit(low @ b)).mean())

        gradient = np.array([
            (difference(beta + 1e-5 * e) - difference(beta - 1e-5 * e)) / 2e-5 for e in np.eye(5)
        ])  # fmt: skip
        se = np.sqrt(gradient @ covariance @ gradient)
        row = rows.iloc[i]
        assert_allclose(row["risk"], expit(high @ beta).mean(), rtol=1e-6)
        assert_allclose(row["risk_reference"], expit(low @ beta).mean(), rtol=1e-6)
        assert_allclose(row["estimate"], difference(beta), rtol=1e-6)
        assert_allclose(row["std_error"], se, rtol=1e-5)
        assert_allclose(row["ci_high"], row["estimate"] + stats.norm.ppf(0.975) * se, rtol=1e-5)


def test_one_factor_alone_has_the_closed_forms_of_its_table() -> None:
    """a/n1 against c/n0; var log RR = 1/a - 1/n1 + 1/c - 1/n0; var RD = pq/n + pq/n."""
    a, n1, c, n0 = 30, 80, 18, 90
    data = pd.DataFrame({
        "died": ["yes"] * a + ["no"] * (n1 - a) + ["yes"] * c + ["no"] * (n0 - c),
        "treated": ["yes"] * n1 + ["no"] * n0,
    })  # fmt: skip
    result = analyze_outcome(
        data, outcome="died", event="yes", predictors=["treated"], risk_measures=True
    )
    ratio, difference = (row for _, row in result.extras.risks.iterrows())
    p1, p0 = a / n1, c / n0
    assert_allclose(ratio["estimate"], p1 / p0, rtol=1e-9)
    assert_allclose(ratio["std_error"], np.sqrt(1 / a - 1 / n1 + 1 / c - 1 / n0), rtol=1e-9)
    assert_allclose(
        [difference["risk"], difference["risk_reference"], difference["estimate"]],
        [p1, p0, p1 - p0], rtol=1e-9,
    )  # fmt: skip
    want = np.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
    assert_allclose(difference["std_error"], want, rtol=1e-9)


def test_swapping_levels_inverts_the_ratio_and_turns_the_difference() -> None:
    data = clinical(6)
    one = analyze_outcome(data, **ASKED).extras.risks
    other = analyze_outcome(data, **ASKED, references={"treated": "yes"}).extras.risks
    at = one["term"] == "treated"
    ratio, difference = one[at]["estimate"]
    turned_ratio, turned_difference = other[at]["estimate"]
    assert_allclose([ratio * turned_ratio, difference + turned_difference], [1, 0], atol=1e-9)


def test_row_order_is_irrelevant_and_nothing_else_changes() -> None:
    data = clinical(8)
    plain = analyze_outcome(data, **{**ASKED, "risk_measures": False})
    one = analyze_outcome(data, **ASKED)
    assert plain.extras is None
    left, right = plain.adjusted.table("effects"), one.adjusted.table("effects")
    assert [c.data for c in left.columns] == [c.data for c in right.columns]
    turned = data.sample(frac=1.0, random_state=5).reset_index(drop=True)
    two = analyze_outcome(turned, **ASKED)
    for column in ("estimate", "std_error", "ci_low"):
        assert_allclose(one.extras.risks[column], two.extras.risks[column], rtol=1e-8)


def test_a_level_without_events_has_no_ratio_and_a_penalised_difference() -> None:
    data = clinical(10)
    data.loc[data.index < 40, "died"] = "no"
    data["rare"] = np.where(data.index < 40, "yes", "no")
    result = analyze_outcome(
        data, outcome="died", event="yes", predictors=["rare", "age"], risk_measures=True
    )
    assert {"no_risk_ratio", "risks_beside_penalty"} <= {n.code for n in result.notes}
    risks = result.extras.risks
    ratios = risks["measure"] == "risk ratio"
    assert risks[ratios]["estimate"].isna().all()
    assert risks[~ratios]["estimate"].notna().all()
