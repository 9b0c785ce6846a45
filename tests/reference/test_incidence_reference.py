"""Cumulative incidence and Gray's test against R 4.2 (cmprsk 2.2, survival 3.5).

Tolerance: 1e-6, standard errors 1e-4, as advised for `competing_risks`. Not taken from the truth
file, by name: `fine_gray` (a model of a later release), `cause_specific_cox_efron` (a Cox model)
and, of `overall_aalen_johansen_survfit`, the standard errors and limits, which are those of the
infinitesimal jackknife; ours are those of cmprsk.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats as reference

from stats.gray import gray_test
from stats.incidence import estimate_incidence
from stats.life_table import sample_of
from tests.reference.models import data, truth

LATER = {"fine_gray", "cause_specific_cox_efron"}
FOUND = truth("melanoma__competing_risks")
OPTIONS = FOUND["options"]


def estimated(**more):
    return estimate_incidence(
        data("melanoma"), time=OPTIONS["time"], event=OPTIONS["status"],
        causes=OPTIONS["causes"], censored=OPTIONS["censor_code"], times=OPTIONS["times"], **more,
    )  # fmt: skip


def test_every_key_is_tested_or_later():
    tested = {"n_used", "counts", "cif", "gray_test", "overall_aalen_johansen_survfit"}
    assert set(FOUND["results"]) == tested | LATER


@pytest.mark.parametrize("kind", ["log-log", "plain"])
def test_incidence_agrees_with_cuminc(kind):
    result = estimated(group=OPTIONS["group"], interval=kind)
    assert result.n_used == FOUND["results"]["n_used"]
    counts = FOUND["results"]["counts"]
    assert dict(result.facts["events"]) == {c: counts[c] for c in OPTIONS["causes"]}
    assert result.facts["censored"] == counts["2"]
    chosen = result.chosen
    for group, causes in FOUND["results"]["cif"].items():
        for cause, points in causes.items():
            own = chosen[(chosen["group"] == group) & (chosen["cause"] == cause) & chosen["asked"]]
            limits = [p["ci_loglog" if kind == "log-log" else "ci_plain"] for p in points]
            assert_allclose(own["time"], [p["time"] for p in points])
            assert_allclose(own["incidence"], [p["cif"] for p in points], rtol=1e-10)
            assert_allclose(own["std_error"], [p["se"] for p in points], rtol=1e-9)
            low = [max(x["lower"], 0.0) for x in limits]  # a risk is never below 0
            assert_allclose(own["ci_low"], low, rtol=1e-9)
            assert_allclose(own["ci_high"], [x["upper"] for x in limits], rtol=1e-9)


def test_grays_test_agrees_with_cuminc():
    tests = estimated(group=OPTIONS["group"]).tests.set_index("cause")
    for cause, own in FOUND["results"]["gray_test"].items():
        row = tests.loc[cause]
        found = [row["statistic"], row["df"], row["p_value"]]
        assert_allclose(found, [own["chisq"], own["df"], own["p"]], rtol=1e-9)


def test_the_whole_cohort_agrees_with_multi_state_survfit():
    chosen = estimated().chosen
    for i, cause in enumerate(OPTIONS["causes"]):
        own = chosen[(chosen["cause"] == cause) & chosen["asked"]]
        points = FOUND["results"]["overall_aalen_johansen_survfit"]
        assert_allclose(own["incidence"], [p["pstate"][i] for p in points], rtol=1e-12)


def test_grays_test_keeps_its_level_with_three_groups_and_ties():
    # under the hypothesis the statistic has a chi-square distribution with 2 df
    rng = np.random.default_rng(11)
    statistics = []
    for _ in range(400):
        n = 150
        times = np.ceil(rng.exponential(8, n))
        causes = rng.choice([0, 1, 1, 2], n)
        groups = rng.integers(0, 3, n)
        samples = [sample_of(times[groups == g], causes[groups == g], None, 2) for g in range(3)]
        found = gray_test([samples], 0)
        assert found.df == 2
        statistics.append(found.statistic)
    assert reference.kstest(statistics, "chi2", args=(2,)).pvalue > 0.01
    assert 1.8 < np.mean(statistics) < 2.2


def test_variance_agrees_with_simulation():
    rng = np.random.default_rng(5)
    found, claimed = [], []
    for _ in range(300):
        n = 80
        death, other, end = (rng.exponential(scale, n) for scale in (10, 15, 20))
        time = np.minimum(np.minimum(death, other), end)
        status = np.select([death == time, other == time], [1, 2], 0)
        frame = pd.DataFrame({"time": time, "status": status})
        row = estimate_incidence(
            frame, time="time", event="status", causes=[1, 2], censored=0, times=[6.0],
            risk_times=[0.0],
        ).chosen.query("asked and cause == '1'").iloc[0]  # fmt: skip
        found.append(row["incidence"])
        claimed.append(row["std_error"])
    # closed form of the exponential model
    total = 1 / 10 + 1 / 15
    assert_allclose(np.mean(found), (1 / 10) / total * (1 - np.exp(-total * 6)), atol=0.01)
    assert_allclose(np.mean(claimed), np.std(found), rtol=0.12)
