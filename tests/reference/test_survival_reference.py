"""Kaplan-Meier, quantiles, log-rank and restricted means against R 4.2 (survival 3.5).

R calls and options: in each truth file. Tolerance: 1e-8, as advised for `km_logrank`; counts are
equal.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from stats.survival import estimate_survival
from tests.reference.frames import number
from tests.reference.models import data, truth

FILES = ("melanoma__km_logrank", "melanoma__km_allcause", "synth_messy__km_logrank")
KINDS = ("log-log", "plain", "log")
QUANTILES = {0.25: "first_quartile", 0.5: "median", 0.75: "third_quartile"}


def close(found, expected):
    assert_allclose(float(found), number(expected), rtol=1e-8, atol=1e-12, equal_nan=True)


def estimated(found, *, grouped, **more):
    options = found["options"]
    frame = data(found["dataset"])
    frame[options["group"]] = frame[options["group"]].astype(str).astype("category")
    levels = options["group_levels"]
    frame[options["group"]] = frame[options["group"]].cat.set_categories(levels)
    return estimate_survival(
        frame, time=options["time"], event=options["status"], event_level=options["event"],
        group=options["group"] if grouped else None, times=options["times"],
        tau=options["tau"] if grouped else None, **more,
    )  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("grouped", [False, True])
def test_curves_and_quantiles_agree_with_survfit(name, kind, grouped):
    found = truth(name)
    results = found["results"]
    result = estimated(found, grouped=grouped, interval=kind)
    expected = results["by_group"] if grouped else {None: results["overall"]}
    assert result.n_used == results["n_used_grouped" if grouped else "n_used_overall"]
    summary, chosen = result.summary, result.chosen
    for i, (group, own) in enumerate(expected.items()):
        row = summary.iloc[i]
        assert (row["n"], row["events"]) == (own["n"], own["events"])
        close(row["last_time"], own["max_time"])
        at = chosen[chosen["asked"] & ((chosen["group"] == group) | (group is None))]
        assert at["time"].tolist() == [point["time"] for point in own["at_times"]]
        for point, (_, value) in zip(own["at_times"], at.iterrows(), strict=True):
            assert value["at_risk"] == point["n_risk"]
            close(value["survival"], point["survival"])
            close(value["std_error"], point["se"])
            close(value["ci_low"], point[f"ci_{kind}"]["lower"])
            close(value["ci_high"], point[f"ci_{kind}"]["upper"])
        for quantile in own["quantiles_by_ci_type"][kind]:
            column = QUANTILES[quantile["prob"]]
            close(row[column], quantile["quantile"])
            close(row[f"{column}_low"], quantile["lower"])
            close(row[f"{column}_high"], quantile["upper"])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("key", "weights"),
    [("logrank", {}), ("peto_peto_rho1", {"weights": "fleming-harrington", "rho": 1})],
)
def test_weighted_tests_agree_with_survdiff(name, key, weights):
    found = truth(name)
    expected = found["results"][key]
    result = estimated(found, grouped=True, **weights)
    test = result.tests.iloc[0]
    close(test["statistic"], expected["chisq"])
    close(test["df"], expected["df"])
    close(test["p_value"], expected["p"])
    assert_allclose(result.summary["observed"], expected["observed"], rtol=1e-8)
    assert_allclose(result.summary["expected"], expected["expected"], rtol=1e-8)
    pair = result.pairwise.iloc[0]
    close(pair["p_value"], expected["p"])
    close(pair["p_adjusted"], expected["p"])


def test_the_stratified_test_agrees_with_survdiff():
    found = truth("melanoma__km_logrank")
    expected = found["results"]["logrank_stratified"]
    result = estimated(found, grouped=True, strata=expected["strata"])
    test = result.tests.iloc[0]
    close(test["statistic"], expected["chisq"])
    close(test["p_value"], expected["p"])


@pytest.mark.parametrize("name", FILES[:2])
def test_restricted_means_agree_with_survrm2(name):
    found = truth(name)
    expected = found["results"]["rmst"]
    result = estimated(found, grouped=True)
    assert result.facts["tau"] == expected["tau"]
    for (_, row), own in zip(result.summary.iterrows(), expected["by_group"].values(), strict=True):
        close(row["rmst"], own["rmst"])
        close(row["rmst_std_error"], own["se"])
        close(row["rmst_low"], own["ci"]["lower"])
        close(row["rmst_high"], own["ci"]["upper"])
        close(expected["tau"] - row["rmst"], own["rmtl"])
    pair = result.pairwise.iloc[0]
    difference = expected["difference_group2_minus_group1"]
    close(pair["rmst_difference"], difference["estimate"])
    close(pair["rmst_difference_low"], difference["ci"]["lower"])
    close(pair["rmst_difference_high"], difference["ci"]["upper"])
    close(pair["rmst_difference_p"], difference["p"])
    ratio = expected["ratio_group2_over_group1"]
    close(pair["rmst_ratio"], ratio["estimate"])
    close(pair["rmst_ratio_low"], ratio["ci"]["lower"])
    close(pair["rmst_ratio_high"], ratio["ci"]["upper"])
    close(pair["rmst_ratio_p"], ratio["p"])


@pytest.mark.parametrize("name", FILES)
def test_median_follow_up_agrees_with_reverse_kaplan_meier(name):
    found = truth(name)
    for grouped in (False, True):
        result = estimated(found, grouped=grouped)
        close(result.facts["follow_up_median"], found["results"]["median_followup_reverse_km"])


def survdiff(frame, kind, **more):
    from statsmodels.duration.survfunc import survdiff as reference

    return reference(frame["time"], frame["event"], frame["group"], weight_type=kind, **more)


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize(
    ("weights", "kind", "more", "stratified"),
    [
        ("logrank", None, {}, False),
        ("gehan-breslow", "gb", {}, False),
        ("tarone-ware", "tw", {}, False),
        ("fleming-harrington", "fh", {"fh_p": 0.5}, False),
        ("logrank", None, {}, True),
        ("gehan-breslow", "gb", {}, True),
        ("tarone-ware", "tw", {}, True),
    ],
)
def test_weighted_tests_agree_with_statsmodels(k, weights, kind, more, stratified):
    rng = np.random.default_rng(k)
    n = 240
    frame = pd.DataFrame({
        "time": np.ceil(rng.exponential(10, n)), "event": rng.integers(0, 2, n),
        "group": rng.integers(0, k, n), "stratum": rng.integers(0, 3, n),
    })  # fmt: skip
    statistic, p = survdiff(frame, kind, **more, strata=frame["stratum"] if stratified else None)
    result = estimate_survival(
        frame, time="time", event="event", event_level=1, group="group", weights=weights,
        strata="stratum" if stratified else None, rho=more.get("fh_p"),
    )  # fmt: skip
    test = result.tests.iloc[0]
    assert_allclose([test["statistic"], test["p_value"]], [statistic, p], rtol=1e-9)
    assert test["df"] == k - 1


def test_curves_agree_with_statsmodels_under_left_truncation():
    from statsmodels.duration.survfunc import SurvfuncRight

    rng = np.random.default_rng(4)
    n = 150
    entry = np.round(rng.uniform(0, 5, n) * 10)
    frame = pd.DataFrame({
        "entry": entry, "time": entry + np.ceil(rng.exponential(80, n)),
        "event": rng.integers(0, 2, n),
    })  # fmt: skip
    reference = SurvfuncRight(frame["time"], frame["event"], entry=frame["entry"])
    points = estimate_survival(
        frame, time="time", event="event", event_level=1, entry="entry", interval="plain"
    ).points
    points = points[points["events"] > 0]
    assert len(points) == len(reference.surv_times)
    assert_allclose(points["survival"], reference.surv_prob, rtol=1e-10)
    ended = reference.surv_prob == 0
    assert_allclose(points["std_error"][~ended], reference.surv_prob_se[~ended], rtol=1e-9)
    assert not ended[:-1].any() or math.isnan(points["std_error"].iloc[-1])
