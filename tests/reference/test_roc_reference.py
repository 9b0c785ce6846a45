"""ROC curves against R's pROC (`urine__roc`), all pairs counted, and hand-made tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stats.diagnostic_test import evaluate_test
from stats.placements import compare_paired, covariance_of, placements
from stats.roc import evaluate_roc
from tests.reference.frames import number, truth
from tests.reference.models import data

FOUND = truth("urine__roc")
MARKERS = FOUND["options"]["markers"]
SINGLE = {row["marker"]: row for row in FOUND["results"]["single"]}
MEASURES = {
    "sensitivity": "sensitivity", "specificity": "specificity", "ppv": "ppv", "npv": "npv",
    "accuracy": "accuracy",
}  # fmt: skip


def run(**choices: object) -> object:
    asked = {"truth": "r", "event": 1, "markers": MARKERS, "direction": "higher"}
    return evaluate_roc(data("urine"), **{**asked, **choices})


def same(value: float, expected: object, rel: float = 1e-8) -> None:
    assert value == pytest.approx(number(expected), rel=rel)


@pytest.mark.parametrize("marker", MARKERS)
def test_areas_agree_with_proc(marker: str) -> None:
    expected = SINGLE[marker]
    row = run().summary.set_index("group").loc[marker]
    assert (row["n"], row["events"]) == (expected["n_used"], expected["n_cases"])
    assert row["n"] - row["events"] == expected["n_controls"]
    same(row["area"], expected["auc"], 1e-14)
    same(row["std_error"], expected["delong_se"], 1e-12)
    same(row["ci_low"], expected["delong_ci"]["lower"], 1e-12)
    same(row["ci_high"], expected["delong_ci"]["upper"], 1e-12)
    same(row["std_error_hanley"], expected["hanley_mcneil_se"], 1e-12)
    same(row["p_value"], expected["p_auc_eq_half_delong"], 1e-10)
    logit = run(interval="logit").summary.set_index("group").loc[marker]
    same(logit["ci_low"], expected["delong_logit_ci"]["lower"], 1e-12)
    same(logit["ci_high"], expected["delong_logit_ci"]["upper"], 1e-12)


def check_threshold(row: pd.Series, expected: dict, method: str) -> None:
    for column, key in (
        ("true_positive", "TP"), ("false_positive", "FP"), ("false_negative", "FN"),
        ("true_negative", "TN"),
    ):  # fmt: skip
        assert row[column] == expected[key]
    for column, key in MEASURES.items():
        same(row[column], expected[key]["estimate"], 1e-12)
        same(row[f"{column}_low"], expected[key][method]["lower"])
        same(row[f"{column}_high"], expected[key][method]["upper"])
    for column in ("lr_positive", "lr_negative"):
        same(row[column], expected[column]["estimate"])
        same(row[f"{column}_low"], expected[column]["ci_log"]["lower"])
        same(row[f"{column}_high"], expected[column]["ci_log"]["upper"])
    same(row["youden"], expected["youden_j"])
    same(row["diagnostic_odds_ratio"], expected["dor"])


@pytest.mark.parametrize("method", ["wilson", "exact"])
@pytest.mark.parametrize("marker", MARKERS)
def test_youden_thresholds_agree_with_proc(marker: str, method: str) -> None:
    expected = SINGLE[marker]["youden"]
    chosen = run(proportion_interval=method).chosen
    rows = chosen[(chosen["group"] == marker) & (chosen["rule"] == "youden")]
    assert rows["threshold"].tolist() == expected["all_tied_thresholds"]
    row = rows.iloc[0]
    same(row["threshold"], expected["threshold_observed_value"])
    same(row["midpoint"], expected["threshold_pROC_midpoint"], 1e-12)
    check_threshold(row, expected["at_threshold"], method)


def test_given_thresholds_agree_with_r() -> None:
    expected = SINGLE["calc"]["at_fixed_thresholds"]
    wanted = [row["threshold"] for row in expected]
    for method in ("wilson", "exact"):
        result = run(at_value={"calc": wanted}, youden=False, proportion_interval=method)
        assert result.chosen["threshold"].tolist() == wanted
        for (_, row), at in zip(result.chosen.iterrows(), expected, strict=True):
            check_threshold(row, at, method)


@pytest.mark.parametrize("at", range(len(FOUND["results"]["paired_comparisons"])))
def test_paired_comparisons_agree_with_proc(at: int) -> None:
    expected = FOUND["results"]["paired_comparisons"][at]
    row = run().pairwise.iloc[at]
    assert (row["group_a"], row["group_b"]) == (expected["a"], expected["b"])
    assert row["n"] == expected["n_used"]
    for column, key in (
        ("area_a", "auc_a"), ("area_b", "auc_b"), ("difference", "diff"), ("std_error", "se"),
        ("statistic", "z"), ("p_value", "p"), ("covariance", "covariance"),
    ):  # fmt: skip
        same(row[column], expected[key], 1e-10)
    same(row["ci_low"], expected["ci"]["lower"], 1e-10)
    same(row["ci_high"], expected["ci"]["upper"], 1e-10)


def test_the_same_tables_come_from_evaluate_test() -> None:
    """A test made of a threshold has the measures of that threshold, prevalence too."""
    frame = data("urine")
    for at in SINGLE["calc"]["at_fixed_thresholds"]:
        frame["test"] = np.where(frame["calc"] >= at["threshold"], "pos", "neg")
        for method in ("wilson", "exact"):
            result = evaluate_test(
                frame, test="test", truth="r", positive="pos", event=1, interval=method
            )
            found = result.measures.set_index("measure")
            assert result.counts["n"].tolist() == [at["TP"], at["FP"], at["FN"], at["TN"]]
            for name in (*MEASURES, "prevalence"):
                same(found.loc[name, "estimate"], at[name]["estimate"])
                same(found.loc[name, "ci_low"], at[name][method]["lower"])
                same(found.loc[name, "ci_high"], at[name][method]["upper"])
                assert found.loc[name, "x"] == at[name]["x"]
            for name in ("lr_positive", "lr_negative"):
                same(found.loc[name, "ci_low"], at[name]["ci_log"]["lower"])
                same(found.loc[name, "ci_high"], at[name]["ci_log"]["upper"])


def by_pairs(values: np.ndarray, event: np.ndarray) -> np.ndarray:
    """1, 1/2 or 0 for each event against each other."""
    x, y = values[event][:, None], values[~event][None, :]
    return (x > y) + 0.5 * (x == y)


@pytest.mark.parametrize("seed", range(5))
def test_delong_agrees_with_all_pairs_counted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    event = rng.random(60) < 0.4
    a = (rng.normal(size=60) + event).round(1)
    b = (rng.normal(size=60) + 0.5 * event).round(0)
    found = []
    for values in (a, b):
        table = by_pairs(values, event)
        placed = placements(values, event, higher=True)
        np.testing.assert_allclose(placed.of_events, table.mean(axis=1), rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(placed.of_others, table.mean(axis=0), rtol=1e-13, atol=1e-15)
        found.append((table, placed))
    (ta, pa), (tb, pb) = found
    n1, n0 = ta.shape
    covariance = (
        np.cov(ta.mean(axis=1), tb.mean(axis=1))[0, 1] / n1
        + np.cov(ta.mean(axis=0), tb.mean(axis=0))[0, 1] / n0
    )
    assert covariance_of(pa, pb) == pytest.approx(covariance, rel=1e-12)
    lower = placements(-a, event, higher=False)
    assert lower.area == pytest.approx(pa.area, rel=1e-14)
    compared = compare_paired(pa, pb, 0.95)
    assert compared.statistic == pytest.approx(
        (ta.mean() - tb.mean()) / compared.std_error, rel=1e-12
    )
    assert np.sign(compared.statistic) == np.sign(ta.mean() - tb.mean())


def test_the_joint_test_of_two_equal_pairs_of_areas_by_hand() -> None:
    """Three markers: chi-square = d' V^-1 d with V from all pairs counted."""
    rng = np.random.default_rng(3)
    event = np.arange(50) < 20
    columns = {m: rng.normal(size=50) + k * event for k, m in enumerate("abc")}
    frame = pd.DataFrame({"y": event.astype(int), **columns})
    result = evaluate_roc(frame, truth="y", markers=list("abc"))
    tables = [by_pairs(columns[m], event) for m in "abc"]
    areas = np.array([t.mean() for t in tables])
    s10 = np.cov([t.mean(axis=1) for t in tables]) / 20
    s01 = np.cov([t.mean(axis=0) for t in tables]) / 30
    contrast = np.array([[1, -1, 0], [0, 1, -1]])
    gap = contrast @ areas
    expected = gap @ np.linalg.solve(contrast @ (s10 + s01) @ contrast.T, gap)
    row = result.tests.iloc[0]
    assert row["statistic"] == pytest.approx(expected, rel=1e-10)
    assert (row["df"], row["n"]) == (2, 50)


def test_a_curve_by_hand() -> None:
    """Six rows, worked by hand: values 1 2 2 3 3 4, events at 2, 3, 4."""
    frame = pd.DataFrame({"m": [1, 2, 2, 3, 3, 4.0], "y": [0, 0, 1, 0, 1, 1]})
    result = evaluate_roc(frame, truth="y", markers=["m"], at_sensitivity=[0.6, 1.0],
                          at_specificity=0.6)  # fmt: skip
    points = result.points
    assert points["threshold"].tolist() == [np.inf, 4, 3, 2, 1]
    np.testing.assert_allclose(points["sensitivity"], [0, 1 / 3, 2 / 3, 1, 1])
    np.testing.assert_allclose(points["specificity"], [1, 1, 2 / 3, 1 / 3, 0], atol=1e-15)
    # pairs: 4 beats 3 others; 3 beats two and ties one; 2 beats one and ties one: 3 + 2.5 + 1.5
    assert result.summary["area"][0] == pytest.approx(7 / 9)
    chosen = result.chosen
    assert chosen["rule"].tolist() == ["youden"] * 3 + ["sensitivity"] * 2 + ["specificity"]
    assert chosen["threshold"].tolist() == [4, 3, 2, 3, 2, 3]
    np.testing.assert_allclose(chosen["youden"], [1 / 3] * 6, atol=1e-15)
    assert "youden_tied" in {n.code for n in result.notes}


def test_low_values_speaking_for_the_event() -> None:
    frame = pd.DataFrame({"m": [1, 2, 2, 3, 3, 4.0], "y": [1, 1, 0, 1, 0, 0]})
    result = evaluate_roc(frame, truth="y", markers=["m"], direction="lower", at_value=2)
    assert result.summary["area"][0] == pytest.approx(7 / 9)
    assert result.points["threshold"].tolist() == [-np.inf, 1, 2, 3, 4]
    row = result.chosen[result.chosen["rule"] == "value"].iloc[0]
    assert (row["true_positive"], row["false_positive"]) == (2, 1)
    turned = evaluate_roc(frame, truth="y", markers=["m"])
    assert turned.summary["area"][0] == pytest.approx(2 / 9)
    assert "area_below_half" in {n.code for n in turned.notes}


def test_liver_scans_as_altman_and_bland_have_them() -> None:
    """BMJ 1994;308:1552 and 309:102: 231/258, 54/86, 231/263, 54/81; at a prevalence of 25 % the
    predictive values are 0.45 and 0.95."""
    cells = {("pos", "ill"): 231, ("pos", "well"): 32, ("neg", "ill"): 27, ("neg", "well"): 54}
    rows = [pair for pair, n in cells.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["scan", "liver"])
    result = evaluate_test(
        frame, test="scan", truth="liver", positive="pos", event="ill", prevalence=0.25
    )
    found = result.measures.set_index("measure")
    for name, value, counts in (
        ("sensitivity", 0.90, (231, 258)), ("specificity", 0.63, (54, 86)),
        ("ppv", 0.88, (231, 263)), ("npv", 0.67, (54, 81)), ("ppv_at_prevalence", 0.45, None),
        ("npv_at_prevalence", 0.95, None),
    ):  # fmt: skip
        assert found.loc[name, "estimate"] == pytest.approx(value, abs=5e-3)
        if counts:
            assert tuple(found.loc[name, ["x", "n"]]) == counts


def test_predictive_values_at_the_own_prevalence_are_the_plain_ones() -> None:
    frame = pd.DataFrame({"t": [1] * 30 + [0] * 70, "y": [1] * 20 + [0] * 10 + [1] * 5 + [0] * 65})
    result = evaluate_test(frame, test="t", truth="y", prevalence=0.25)
    found = result.measures.set_index("measure")["estimate"]
    assert found["ppv_at_prevalence"] == pytest.approx(found["ppv"], rel=1e-12)
    assert found["npv_at_prevalence"] == pytest.approx(found["npv"], rel=1e-12)
