"""Laws of estimate_survival and estimate_incidence: what must, and what must not, change numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from stats.incidence import estimate_incidence
from stats.survival import estimate_survival

TABLES = ("points", "summary", "chosen", "tests", "pairwise")
TIMES = ("time", "last_time", "person_time", "median", "quartile", "rmst", "follow_up")
SEEDS = st.integers(0, 10_000)


def cohort(seed, n=60, causes=3):
    rng = np.random.default_rng(seed)
    entry = np.floor(rng.uniform(0, 4, n))
    return pd.DataFrame({
        "entry": entry, "time": entry + np.ceil(rng.exponential(6, n)),
        "status": rng.integers(0, causes, n), "arm": rng.choice(list("abc"), n),
        "site": rng.choice(["x", "y"], n), "noise": rng.normal(size=n),
    })  # fmt: skip


def survival(data, **choices):
    return estimate_survival(
        data, time="time", event="status", event_level=1, group="arm", **choices
    )


def incidence(data, **choices):
    return estimate_incidence(data, time="time", event="status", censored=0, group="arm", **choices)


def same(a, b, rtol=1e-10, only=TABLES):
    for name in only:
        left, right = getattr(a, name), getattr(b, name)
        assert list(left) == list(right)
        for column in left:
            if left[column].dtype.kind in "fi":
                assert_allclose(
                    left[column], right[column], rtol=rtol, atol=1e-9, err_msg=f"{name} {column}"
                )
            else:
                assert left[column].tolist() == right[column].tolist()


@settings(max_examples=15)
@given(SEEDS, st.randoms(use_true_random=False))
def test_row_order_is_irrelevant(seed, random):
    data = cohort(seed)
    order = list(range(len(data)))
    random.shuffle(order)
    shuffled = data.iloc[order].reset_index(drop=True)
    same(survival(data, entry="entry", strata="site"), survival(shuffled, entry="entry",
         strata="site"))  # fmt: skip
    same(incidence(data, strata="site"), incidence(shuffled, strata="site"))


@settings(max_examples=5)
@given(SEEDS)
def test_an_unused_column_changes_nothing(seed):
    data = cohort(seed)
    for run in (survival, incidence):
        a, b = run(data), run(data[["noise", "arm", "status", "time"]])
        for name in TABLES:
            pd.testing.assert_frame_equal(getattr(a, name), getattr(b, name), check_exact=True)


@settings(max_examples=10)
@given(SEEDS)
def test_relabelled_levels_change_labels_only(seed):
    data = cohort(seed)
    other = data.assign(
        status=data["status"].map({0: "z", 1: "y", 2: "x"}),
        arm=data["arm"].map({"a": "k1", "b": "k2", "c": "k3"}),
    )
    a = survival(data)
    b = estimate_survival(other, time="time", event="status", event_level="y", group="arm")
    for name in TABLES:
        left, right = getattr(a, name), getattr(b, name)
        numbers = left.select_dtypes("number").columns
        pd.testing.assert_frame_equal(left[numbers], right[numbers], check_exact=True)


@settings(max_examples=10)
@given(SEEDS)
def test_the_order_of_groups_does_not_change_the_test(seed):
    data = cohort(seed)
    data["arm"] = pd.Categorical(data["arm"], categories=["c", "a", "b"])
    plain = data.assign(arm=data["arm"].astype(str))
    for weights in ("logrank", "gehan-breslow", "fleming-harrington"):
        same(survival(data, weights=weights), survival(plain, weights=weights), only=("tests",))
    same(incidence(data), incidence(plain), only=("tests",))


@settings(max_examples=10)
@given(SEEDS)
def test_swapped_groups_turn_the_difference_round(seed):
    data = cohort(seed)
    data = data[data["arm"] != "c"]
    swapped = data.assign(arm=data["arm"].map({"a": "b", "b": "a"}))
    one, two = survival(data).pairwise.iloc[0], survival(swapped).pairwise.iloc[0]
    assert_allclose(one["p_value"], two["p_value"], rtol=1e-10)
    assert_allclose(one["rmst_difference"], -two["rmst_difference"], rtol=1e-9, atol=1e-9)
    assert_allclose(one["rmst_difference_low"], -two["rmst_difference_high"], rtol=1e-9, atol=1e-9)
    assert_allclose(one["rmst_ratio"], 1 / two["rmst_ratio"], rtol=1e-10)


@settings(max_examples=10)
@given(SEEDS, st.sampled_from([1 / 30.4375, 7.0, 1e-4, 1e6]))
def test_another_unit_of_time_scales_times_only(seed, factor):
    data = cohort(seed)
    scaled = data.assign(time=data["time"] * factor, entry=data["entry"] * factor)
    a = survival(data, entry="entry", risk_times=[5, 10], times=[7])
    b = survival(scaled, entry="entry", risk_times=[5 * factor, 10 * factor], times=[7 * factor])
    for name in ("points", "summary", "tests"):
        left, right = getattr(a, name), getattr(b, name)
        for column in left.select_dtypes("number"):
            scale = factor if column.startswith(TIMES) or "quartile" in column else 1.0
            assert_allclose(right[column], left[column] * scale, rtol=1e-8, err_msg=column)
    assert_allclose(a.pairwise["rmst_ratio"], b.pairwise["rmst_ratio"], rtol=1e-9)


@settings(max_examples=10)
@given(SEEDS)
def test_everyone_twice_keeps_survival_and_shrinks_its_variance(seed):
    data = cohort(seed)
    twice = pd.concat([data, data], ignore_index=True)
    a, b = survival(data).points, survival(twice).points
    assert_allclose(a["survival"], b["survival"], rtol=1e-12)
    assert (b["at_risk"] == 2 * a["at_risk"]).all()
    inside = a["survival"] > 0
    ratio = b.loc[inside, "std_error"] / a.loc[inside, "std_error"].where(a["std_error"] > 0)
    assert_allclose(ratio.dropna(), 1 / np.sqrt(2), rtol=1e-9)


@settings(max_examples=15)
@given(SEEDS)
def test_curves_fall_and_incidences_rise_inside_their_limits(seed):
    data = cohort(seed)
    for interval in ("log-log", "log", "plain"):
        for result, value, sign in (
            (survival(data, interval=interval), "survival", -1),
            (incidence(data, interval=interval), "incidence", 1),
        ):
            points = result.points
            keys = ["group"] if sign < 0 else ["group", "cause"]
            for _, own in points.groupby(keys):
                assert (sign * np.diff(own[value]) >= -1e-12).all()
            known = points.dropna(subset=["ci_low"])
            assert (known["ci_low"] <= known[value] + 1e-12).all()
            assert (known["ci_high"] >= known[value] - 1e-12).all()
            assert points[value].between(0, 1 + 1e-12).all()


@settings(max_examples=10)
@given(SEEDS)
def test_observed_and_expected_add_up(seed):
    data = cohort(seed)
    for strata in (None, "site"):
        summary = survival(data, strata=strata).summary
        assert_allclose(summary["observed"].sum(), summary["expected"].sum(), rtol=1e-12)
        assert summary["observed"].tolist() == summary["events"].tolist()


@pytest.mark.parametrize("run", [survival, incidence])
def test_blocks_of_event_times_do_not_show(run, monkeypatch):
    data = cohort(1, n=300)
    data["time"] += np.random.default_rng(0).uniform(size=300)
    whole = run(data)
    monkeypatch.setattr("stats.log_rank._BLOCK", 7)
    monkeypatch.setattr("stats.gray._BLOCK", 7)
    same(whole, run(data), rtol=1e-11)
