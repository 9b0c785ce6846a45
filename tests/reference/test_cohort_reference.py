"""`describe_cohort` against the `table1` and `table1_three_groups` files of R."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from numpy.testing import assert_allclose

from stats.cohort import describe_cohort
from tests.reference.models import data, labels, truth

TWO = ("melanoma", "urine", "synth_trial", "synth_messy")
THREE = ("melanoma", "synth_trial")
STATS = ("n", "missing", "mean", "sd", "median", "min", "max")
RTOL = 1e-8  # of the files' README; descriptives hold 1e-12


def number(value):
    return math.nan if isinstance(value, str) else float(value)


def cohort(name, suffix="table1"):
    """The file's frame with its stated kinds, and its options and results."""
    found = truth(f"{name}__{suffix}")
    options, frame = found["options"], data(found["dataset"])
    columns = {options["group"]: labels(frame[options["group"]])}
    for v in found["results"]["variables"]:
        if v["type"] == "numeric":
            columns[v["variable"]] = frame[v["variable"]].astype(float)
        else:
            values = labels(frame[v["variable"]])
            columns[v["variable"]] = pd.Categorical(values, [str(x) for x in v["levels"]])
    return pd.DataFrame(columns), options["group"], found["results"]["variables"]


def cells(result):
    keys = ["variable", "level", "group", "stat"]
    rows = result.summary.astype(object).where(result.summary.notna(), None)
    return {tuple(row[k] for k in keys): row["value"] for row in rows.to_dict("records")}


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("quartiles", [7, 6, 2])
def test_descriptives_agree_with_r(name, quartiles):
    frame, group, variables = cohort(name)
    found = cells(describe_cohort(frame, group=group, quartiles=quartiles))
    for v in (v for v in variables if v["type"] == "numeric"):
        for level, expected in [(None, v["overall"]), *v["by_group"].items()]:
            own = {stat: found[v["variable"], None, level, stat] for stat in (*STATS, "q1", "q3")}
            for stat in STATS:
                assert_allclose(_none_is_nan(own[stat]), number(expected[stat]), rtol=1e-12)
            for q in ("q1", "q3"):
                want = number(expected[f"{q}_type{quartiles}"])
                assert_allclose(_none_is_nan(own[q]), want, rtol=1e-12)


def _none_is_nan(value):
    return math.nan if value is None else value


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize(
    ("form", "key"),
    [("average", "smd_average_variance"), ("pooled", "cohens_d_pooled"), ("hedges", "hedges_g")],
)
def test_standardised_differences_agree_with_r(name, form, key):
    frame, group, variables = cohort(name)
    balance = describe_cohort(frame, group=group, smd=form).balance.set_index("variable")["smd"]
    for v in variables:
        expected = v["smd"][key] if v["type"] == "numeric" else v["smd"]
        # R's exact correction of hedges_g is the approximation 1 - 3 / (4 m - 1)
        want = number(expected)
        if form == "hedges" and v["type"] == "numeric" and not math.isnan(want):
            m = v["overall"]["n"] - 2
            exact = math.exp(math.lgamma(m / 2) - math.lgamma((m - 1) / 2)) / math.sqrt(m / 2)
            want *= exact / (1 - 3 / (4 * m - 1))
        assert_allclose(balance[v["variable"]], want, rtol=RTOL)


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("equal", [False, True])
def test_two_group_tests_of_means_agree_with_r(name, equal):
    frame, group, variables = cohort(name)
    tests = describe_cohort(frame, group=group, tests=True, equal_variances=equal).tests
    tests = tests.set_index("variable")
    for v in (v for v in variables if v["type"] == "numeric"):
        expected, row = v["t_student" if equal else "t_welch"], tests.loc[v["variable"]]
        if "error" in expected:
            assert math.isnan(row["p_value"])
            continue
        ours = row[["statistic", "df", "p_value"]].to_list()
        assert_allclose(ours, [expected[k] for k in ("t", "df", "p")], rtol=RTOL)


@pytest.mark.parametrize("name", TWO)
def test_ranks_and_tables_agree_with_r(name):
    frame, group, variables = cohort(name)
    tests = describe_cohort(frame, group=group, tests=True, statistics="median").tests
    tests = tests.set_index("variable")
    for v in variables:
        row = tests.loc[v["variable"]]
        if v["type"] == "numeric":
            expected = v["mann_whitney"]
            if "error" in expected:
                assert math.isnan(row["p_value"])
                continue
            assert_allclose(row["statistic"], expected["U_group1"], rtol=1e-14)
            exact = row["test"] == "Mann-Whitney exact"
            want = number(expected["p_exact" if exact else "p_asymptotic_cc"])
            assert_allclose(row["p_value"], want, rtol=RTOL)
        else:
            small = v["chisq"]["min_expected"] < 5
            assert row["test"] == ("Fisher exact" if small else "chi-square")
            want = v["fisher_p"] if small else v["chisq"]["p"]
            assert_allclose(row["p_value"], want, rtol=RTOL)


@pytest.mark.parametrize("name", THREE)
@pytest.mark.parametrize("equal", [False, True])
def test_three_groups_agree_with_r(name, equal):
    frame, group, variables = cohort(name, "table1_three_groups")
    means = describe_cohort(frame, group=group, tests=True, equal_variances=equal)
    ranks = describe_cohort(frame, group=group, tests=True, statistics="median").tests
    tests, ranks = means.tests.set_index("variable"), ranks.set_index("variable")
    pairs = means.balance.set_index(["variable", "group_a", "group_b"])["smd"]
    for v in variables:
        row = tests.loc[v["variable"]]
        if v["type"] == "numeric":
            expected = v["anova" if equal else "welch_anova"]
            ours = row[["statistic", "df", "df2", "p_value"]].to_list()
            assert_allclose(ours, [expected[k] for k in ("F", "df1", "df2", "p")], rtol=RTOL)
            ours = ranks.loc[v["variable"], ["statistic", "df", "p_value"]].to_list()
            expected = v["kruskal_wallis"]
            assert_allclose(ours, [expected[k] for k in ("H", "df", "p")], rtol=RTOL)
            for pair in v["smd_pairwise"]:
                ours = pairs[v["variable"], pair["a"], pair["b"]]
                assert_allclose(ours, pair["smd_average_variance"], rtol=RTOL)
        else:
            small = v["chisq"]["min_expected"] < 5
            want = v["fisher_p"] if small else v["chisq"]["p"]
            assert_allclose(row["p_value"], want, rtol=RTOL)
            for pair in v["smd"]:
                assert_allclose(pairs[v["variable"], pair["a"], pair["b"]], pair["smd"], rtol=RTOL)


def test_counts_and_percentages_agree_with_r():
    frame, group, variables = cohort("synth_trial")
    found = cells(describe_cohort(frame, group=group))
    for v in (v for v in variables if v["type"] == "categorical"):
        for g, counts in v["counts"].items():
            assert found[v["variable"], None, g, "missing"] == v["missing_by_group"][g]
            for level, count in counts.items():
                assert found[v["variable"], level, g, "n"] == count
                share = v["column_percent"][g][level]
                assert_allclose(found[v["variable"], level, g, "percent"], share, rtol=1e-12)
