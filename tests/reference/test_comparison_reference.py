"""`compare_groups` against R's table1, posthoc, normality_variance and paired files."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from stats.compare import compare_groups
from stats.normality import shapiro_wilk
from stats.paired_table import bowker, cochran_q, mcnemar
from tests.reference.models import data, labels, truth
from tests.reference.test_cohort_reference import THREE, TWO, cohort, number

RTOL = 1e-8  # table1; posthoc 1e-6, as the files' README says


def row_of(result, name):
    rows = result.tests[result.tests["test"] == name]
    assert len(rows) == 1, (name, list(result.tests["test"]))
    return rows.iloc[0]


def effect_of(result, measure):
    rows = result.effects[result.effects["measure"] == measure]
    assert len(rows) == 1
    return rows.iloc[0]


def check_t(expected, found, gap):
    if "error" in expected:
        assert math.isnan(found["p_value"])
        return
    ours = found[["statistic", "df", "p_value"]].to_list()
    assert_allclose(ours, [expected[k] for k in ("t", "df", "p")], rtol=RTOL)
    assert_allclose(gap["estimate"], expected["diff"], rtol=RTOL)
    limits = expected["ci"]["lower"], expected["ci"]["upper"]
    assert_allclose(gap[["ci_low", "ci_high"]].to_list(), limits, rtol=RTOL)


@pytest.mark.parametrize("name", TWO)
def test_two_groups_agree_with_r(name):
    frame, group, variables = cohort(name)
    for v in (v for v in variables if v["type"] == "numeric" and v["overall"]["n"]):
        found = {
            test: compare_groups(frame, value=v["variable"], group=group, test=test)
            for test in ("welch", "student", "mann-whitney")
        }
        for test, key in (("welch", "t_welch"), ("student", "t_student")):
            result = found[test]
            check_t(v[key], result.tests.iloc[0], effect_of(result, "mean difference"))
        welch = found["welch"]
        smd = v["smd"]
        assert_allclose(
            effect_of(welch, "Cohen's d")["estimate"], number(smd["cohens_d_pooled"]), rtol=RTOL
        )
        ranks = v["mann_whitney"]
        rank = found["mann-whitney"].tests.iloc[0]
        assert_allclose(rank["statistic"], ranks["U_group1"], rtol=1e-14)
        exact = rank["test"] == "Mann-Whitney exact"
        key = "p_exact" if exact else "p_asymptotic_cc"
        assert_allclose(rank["p_value"], number(ranks[key]), rtol=RTOL)
        chance = effect_of(welch, "probability of superiority")["estimate"]
        assert_allclose(chance, ranks["prob_superiority_U_over_n1n2"], rtol=1e-12)


@pytest.mark.parametrize("name", TWO)
def test_other_p_values_of_mann_whitney_agree_with_r(name):
    """Without continuity correction, and exact given the ties (coin)."""
    frame, group, variables = cohort(name)
    for v in (v for v in variables if v["type"] == "numeric" and v["overall"]["n"]):
        ranks = v["mann_whitney"]
        normal = compare_groups(
            frame, value=v["variable"], group=group, test="mann-whitney", exact="normal",
            continuity=False,
        ).tests.iloc[0]  # fmt: skip
        assert_allclose(normal["p_value"], number(ranks["p_asymptotic_no_cc"]), rtol=RTOL)
        expected = ranks.get("p_exact_conditional_on_ties_coin")
        if not isinstance(expected, float) or name == "synth_trial":  # one suffices there
            continue
        exact = compare_groups(
            frame, value=v["variable"], group=group, test="mann-whitney", exact="exact"
        )
        assert_allclose(exact.tests["p_value"].iloc[0], expected, rtol=RTOL)


@pytest.mark.parametrize("name", TWO)
def test_variances_and_analysis_of_variance_agree_with_r(name):
    frame, group, variables = cohort(name)
    for v in (v for v in variables if v["type"] == "numeric" and v["overall"]["n"]):
        if v["overall"]["sd"] == 0:  # R divides rounding by rounding here
            continue
        run = {
            test: compare_groups(frame, value=v["variable"], group=group, test=test)
            for test in ("anova", "welch-anova", "kruskal-wallis")
        }
        for test, key, names in (
            ("anova", "anova", ("F", "df1", "df2", "p")),
            ("welch-anova", "welch_anova", ("F", "df1", "df2", "p")),
        ):
            ours = run[test].tests.iloc[0][["statistic", "df", "df2", "p_value"]].to_list()
            assert_allclose(ours, [v[key][k] for k in names], rtol=RTOL)
        ours = run["kruskal-wallis"].tests.iloc[0][["statistic", "df", "p_value"]].to_list()
        expected = v["kruskal_wallis"]
        assert_allclose(ours, [expected[k] for k in ("H", "df", "p")], rtol=RTOL)
        checks = run["anova"].checks.set_index("check")
        ratio = checks.loc["F ratio of variances"]
        expected = v["f_test_variances"]
        assert_allclose(ratio[["statistic", "p_value"]].to_list(),
                        [expected["F"], expected["p"]], rtol=RTOL)  # fmt: skip


@pytest.mark.parametrize("name", THREE)
def test_eta_squared_agrees_with_r(name):
    frame, group, variables = cohort(name, "table1_three_groups")
    for v in (v for v in variables if v["type"] == "numeric"):
        result = compare_groups(frame, value=v["variable"], group=group, test="anova")
        eta = effect_of(result, "eta squared")
        assert_allclose(eta["estimate"], v["anova"]["eta_squared"], rtol=RTOL)
        assert eta["ci_low"] <= eta["estimate"] <= eta["ci_high"]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [(n, "table1") for n in TWO] + [(n, "table1_three_groups") for n in THREE],
)
def test_categories_agree_with_r(name, suffix):
    frame, group, variables = cohort(name, suffix)
    for v in (v for v in variables if v["type"] == "categorical"):
        chi = compare_groups(frame, value=v["variable"], group=group, test="chi-square")
        row, expected = chi.tests.iloc[0], v["chisq"]
        ours = row[["statistic", "df", "p_value"]].to_list()
        assert_allclose(ours, [expected[k] for k in ("chisq", "df", "p")], rtol=RTOL)
        assert_allclose(chi.facts["smallest_expected"], expected["min_expected"], rtol=RTOL)
        assert_allclose(effect_of(chi, "Cramér's V")["estimate"], v["cramers_v"], rtol=RTOL)
        exact = compare_groups(frame, value=v["variable"], group=group, test="fisher")
        assert_allclose(exact.tests["p_value"].iloc[0], v["fisher_p"], rtol=RTOL)
        if "chisq_yates" in v:
            yates = compare_groups(
                frame, value=v["variable"], group=group, test="chi-square", yates=True
            ).tests.iloc[0]
            expected = v["chisq_yates"]
            assert yates["test"] == "chi-square (Yates)"
            assert_allclose(yates[["statistic", "p_value"]].to_list(),
                            [expected["chisq"], expected["p"]], rtol=RTOL)  # fmt: skip
        auto = compare_groups(frame, value=v["variable"], group=group).tests["test"].iloc[0]
        assert auto == ("Fisher exact" if v["chisq"]["min_expected"] < 5 else "chi-square")


POSTHOC = ("melanoma__posthoc", "poisons__posthoc", "poisons__posthoc_treat")


def posthoc_frame(name):
    found = truth(name)
    options, frame = found["options"], data(found["dataset"])
    columns = {
        options["value"]: frame[options["value"]].astype(float),
        options["group"]: labels(frame[options["group"]]),
    }
    return pd.DataFrame(columns), options, found["results"]


def pairs_by_name(result):
    return result.pairwise.set_index(["group_a", "group_b"])


@pytest.mark.parametrize("name", POSTHOC)
@pytest.mark.parametrize("key", ["tukey_hsd", "games_howell"])
def test_simultaneous_comparisons_agree_with_r(name, key):
    """R gives second minus first; ours is first minus second."""
    frame, options, results = posthoc_frame(name)
    test, method = {
        "tukey_hsd": ("anova", "tukey-kramer"),
        "games_howell": ("welch-anova", "games-howell"),
    }[key]
    result = compare_groups(frame, value=options["value"], group=options["group"], test=test)
    assert set(result.pairwise["method"]) == {method}
    if key == "tukey_hsd":
        ours = result.tests.iloc[0][["statistic", "df", "df2", "p_value"]].to_list()
        assert_allclose(ours, [results["anova"][k] for k in ("F", "df1", "df2", "p")], rtol=RTOL)
    pairs = pairs_by_name(result)
    for expected in results[key]:
        row = pairs.loc[(expected["a"], expected["b"])]
        ours = row[["estimate", "ci_low", "ci_high", "p_adjusted"]].to_list()
        want = [-expected["diff_b_minus_a"], -expected["upper"], -expected["lower"]]
        assert_allclose(ours, [*want, expected["p_adj"]], rtol=1e-6)
        if "df" in expected:
            assert_allclose(row["df"], expected["df"], rtol=1e-9)


@pytest.mark.parametrize("name", POSTHOC)
@pytest.mark.parametrize("adjustment", ["holm", "bonferroni", "bh"])
def test_dunn_agrees_with_r(name, adjustment):
    frame, options, results = posthoc_frame(name)
    result = compare_groups(
        frame, value=options["value"], group=options["group"], test="kruskal-wallis",
        adjustment=adjustment,
    )  # fmt: skip
    ours = result.tests.iloc[0][["statistic", "df", "p_value"]].to_list()
    assert_allclose(ours, [results["kruskal"][k] for k in ("H", "df", "p")], rtol=1e-9)
    pairs = pairs_by_name(result)
    for expected in results["dunn"]:
        row = pairs.loc[(expected["a"], expected["b"])]
        ours = row[["statistic", "p_value", "p_adjusted"]].to_list()
        assert_allclose(
            ours, [expected["z"], expected["p"], expected[f"p_{adjustment}"]], rtol=1e-9
        )


@pytest.mark.parametrize("name", POSTHOC)
def test_single_pairs_agree_with_r(name):
    frame, options, results = posthoc_frame(name)
    for method, exact, key in (
        ("t", "auto", "t_pooled"),
        ("mann-whitney", "normal", "wilcoxon_cc"),
    ):
        result = compare_groups(
            frame, value=options["value"], group=options["group"], posthoc=method, exact=exact
        )
        pairs = pairs_by_name(result)
        for expected in results["pairwise"]:
            row = pairs.loc[(expected["a"], expected["b"])]
            ours = row[["p_value", "p_adjusted"]].to_list()
            assert_allclose(ours, [expected[f"{key}_p"], expected[f"{key}_holm"]], rtol=RTOL)


@pytest.mark.parametrize("name", ["melanoma", "urine", "poisons"])
def test_checks_agree_with_r(name):
    found = truth(f"{name}__normality_variance")
    frame, group = data(found["dataset"]), found["options"]["group"]
    for v in found["results"]["variables"]:
        columns = {"x": frame[v["variable"]].astype(float), "g": labels(frame[group])}
        result = compare_groups(pd.DataFrame(columns), value="x", group="g")
        checks = result.checks.set_index("check")
        shapiro = checks.loc["Shapiro-Wilk"].set_index("group")
        for level, expected in v["shapiro_by_group"].items():
            ours = shapiro.loc[level, ["statistic", "p_value"]].to_list()
            # the p of 1e-16 rests on the last digits of 1 - W
            assert_allclose(ours, [expected["W"], expected["p"]], rtol=RTOL)
        overall = shapiro_wilk(np.sort(columns["x"].dropna().to_numpy()))
        expected = v["shapiro_overall"]
        assert_allclose(overall.statistic, expected["W"], rtol=RTOL)
        assert_allclose(overall.p_value, expected["p"], rtol=RTOL)
        for check, key, statistic in (
            ("Levene (mean)", "levene_mean", "F"),
            ("Levene (median)", "levene_median_brown_forsythe", "F"),
            ("Bartlett", "bartlett", "K2"),
            ("Fligner-Killeen", "fligner_killeen", "chisq"),
        ):
            ours = checks.loc[check, ["statistic", "p_value"]].to_list()
            assert_allclose(ours, [v[key][statistic], v[key]["p"]], rtol=RTOL)


def test_shape_agrees_with_r():
    from stats.grouped import excess_kurtosis, skewness

    for name in ("melanoma", "urine", "poisons"):
        found = truth(f"{name}__normality_variance")
        frame = data(found["dataset"])
        for v in found["results"]["variables"]:
            values = np.sort(frame[v["variable"]].dropna().to_numpy(dtype=float))
            assert_allclose(skewness(values), v["skewness_g1"], rtol=1e-10)
            assert_allclose(excess_kurtosis(values), v["excess_kurtosis_g2"], rtol=1e-10)


def sleep():
    found = truth("sleep__paired")
    return data("sleep"), [found["options"]["a"], found["options"]["b"]], found["results"]


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_pairs_agree_with_r(layout):
    frame, columns, expected = sleep()
    if layout == "wide":
        result = compare_groups(frame, value=columns)
    else:
        long = frame.melt(id_vars="patient", value_vars=columns, var_name="drug")
        long["drug"] = pd.Categorical(long["drug"], columns)
        result = compare_groups(long, value="value", group="drug", paired_by="patient")
    row = row_of(result, "paired t")
    ours = row[["statistic", "df", "p_value"]].to_list()
    assert_allclose(ours, [expected[k] for k in ("t", "df", "p_t")], rtol=RTOL)
    gap = effect_of(result, "mean difference")[["estimate", "ci_low", "ci_high"]].to_list()
    want = [expected["mean_diff"], expected["ci"]["lower"], expected["ci"]["upper"]]
    assert_allclose(gap, want, rtol=RTOL)
    dz = effect_of(result, "Cohen's d of the differences")["estimate"]
    assert_allclose(dz, expected["cohens_dz"], rtol=RTOL)
    shapiro = result.checks.set_index("check").loc["Shapiro-Wilk"]
    want = [expected["shapiro_diff"][k] for k in ("W", "p")]
    assert_allclose(shapiro[["statistic", "p_value"]].to_list(), want, rtol=RTOL)


@pytest.mark.parametrize(
    ("exact", "continuity", "key"),
    [
        ("auto", True, "p_asymptotic_cc"),
        ("normal", False, "p_asymptotic_no_cc"),
        ("exact", True, "p_exact_ties_coin_wilcoxon"),
    ],
)
def test_signed_ranks_agree_with_r(exact, continuity, key):
    frame, columns, expected = sleep()
    wilcoxon = expected["wilcoxon"]
    row = compare_groups(
        frame, value=columns, test="wilcoxon", exact=exact, continuity=continuity
    ).tests.iloc[0]
    assert row["statistic"] == wilcoxon["rounded_1e_9"]["V"]
    assert_allclose(row["p_value"], wilcoxon["rounded_1e_9"][key], rtol=RTOL)


def test_hodges_lehmann_examples_of_hollander_and_wolfe():
    """R's help page of wilcox.test: placental permeability, and depression scores."""
    term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    early = [1.15, 0.88, 0.90, 0.74, 1.21]
    frame = pd.DataFrame({"x": term + early, "g": ["a"] * 10 + ["b"] * 5})
    result = compare_groups(frame, value="x", group="g", test="mann-whitney")
    assert result.tests["statistic"].iloc[0] == 35
    assert_allclose(result.tests["p_value"].iloc[0], 0.2544, atol=5e-5)
    assert_allclose(effect_of(result, "median of differences")["estimate"], 0.305, rtol=1e-12)
    first = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    second = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    frame = pd.DataFrame({"x": first, "y": second})
    result = compare_groups(frame, value=["x", "y"], test="wilcoxon")
    assert result.tests["statistic"].iloc[0] == 40
    assert_allclose(result.tests["p_value"].iloc[0], 0.03906, atol=5e-6)
    assert_allclose(effect_of(result, "median of differences")["estimate"], 0.46, rtol=1e-12)


def test_friedman_example_of_hollander_and_wolfe():
    """Rounding first base (R's help page of friedman.test): chi-square 11.143, p 0.003805."""
    times = [
        (5.40, 5.50, 5.55), (5.85, 5.70, 5.75), (5.20, 5.60, 5.50), (5.55, 5.50, 5.40),
        (5.90, 5.85, 5.70), (5.45, 5.55, 5.60), (5.40, 5.40, 5.35), (5.45, 5.50, 5.35),
        (5.25, 5.15, 5.00), (5.85, 5.80, 5.70), (5.25, 5.20, 5.10), (5.65, 5.55, 5.45),
        (5.60, 5.35, 5.45), (5.05, 5.00, 4.95), (5.50, 5.50, 5.40), (5.45, 5.55, 5.50),
        (5.55, 5.55, 5.35), (5.45, 5.50, 5.55), (5.50, 5.45, 5.25), (5.65, 5.60, 5.40),
        (5.70, 5.65, 5.55), (6.30, 6.30, 6.25),
    ]  # fmt: skip
    frame = pd.DataFrame(times, columns=["round out", "narrow angle", "wide angle"])
    row = compare_groups(frame, value=list(frame)).tests.iloc[0]
    assert_allclose(row["statistic"], 11.143, atol=5e-4)
    assert_allclose(row["p_value"], 0.003805, atol=5e-7)


def test_mcnemar_example_of_agresti():
    """Approval ratings (Categorical Data Analysis, section 10.1): 86 and 150, z squared 17.36."""
    found = mcnemar(86, 150, exact="normal", continuity=False)
    assert_allclose(found.statistic, 17.36, atol=5e-3)
    corrected = mcnemar(150, 86, exact="normal", continuity=True)
    assert_allclose(corrected.statistic, 63**2 / 236, rtol=1e-14)


def test_symmetry_and_q_agree_with_statsmodels():
    from statsmodels.stats.contingency_tables import SquareTable, cochrans_q

    rng = np.random.default_rng(3)
    table = rng.integers(1, 30, (4, 4)).astype(float)
    expected = SquareTable(table, shift_zeros=False).symmetry()
    found = bowker(table)
    assert_allclose([found.statistic, found.p_value], [expected.statistic, expected.pvalue])
    events = (rng.random((60, 4)) < [0.2, 0.4, 0.5, 0.6]).astype(float)
    expected = cochrans_q(events)
    found = cochran_q(events)
    assert_allclose([found.statistic, found.p_value], [expected.statistic, expected.pvalue])
