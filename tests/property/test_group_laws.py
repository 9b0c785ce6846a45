"""Laws of describe_cohort and compare_groups: what must not, and what must, change numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from stats.cohort import describe_cohort
from stats.compare import compare_groups

SEEDS = st.integers(0, 10_000)


def clinical(seed: int, n: int = 90) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    lab = np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(1, 0.7, n).round(1))
    return pd.DataFrame(
        {
            "age": rng.normal(60, 9, n).round(),
            "lab": lab,
            "stage": pd.Categorical(rng.choice(["I", "II", "III"], n), ["I", "II", "III"]),
            "dead": rng.choice(["no", "yes"], n, p=[0.7, 0.3]),
            "arm": pd.Categorical(rng.choice(["a", "b"], n), ["a", "b"]),
            "site": pd.Categorical(rng.choice(["p", "q", "r"], n), ["p", "q", "r"]),
        }
    )


def frames_of(result):
    if result.analysis == "describe_cohort":
        return [result.summary, result.tests, result.balance]
    return [result.summary, result.tests, result.effects, result.pairwise, result.checks]


def assert_same(one, other, rtol=1e-9):
    for left, right in zip(frames_of(one), frames_of(other), strict=True):
        assert_array_equal(left.columns, right.columns)
        for column in left:
            if left[column].dtype == "float64":
                assert_allclose(left[column], right[column], rtol=rtol, atol=1e-9, err_msg=column)
            else:
                same = left[column].astype(object).fillna("") == right[column].astype(
                    object
                ).fillna("")
                assert same.all(), column


CASES = [
    {"value": "lab", "group": "arm"},
    {"value": "lab", "group": "site"},
    {"value": "age", "group": "site", "test": "anova"},
    {"value": "age", "group": "site", "test": "kruskal-wallis"},
    {"value": "stage", "group": "arm"},
    {"value": "dead", "group": "arm"},
    {"value": ["age", "lab"]},
]


def table_1(data, **choices):
    return describe_cohort(data, group="site", tests=True, **choices)


@settings(max_examples=5, deadline=None)
@given(SEEDS, st.randoms(use_true_random=False))
def test_row_order_is_irrelevant(seed, random):
    data = clinical(seed)
    order = list(range(len(data)))
    random.shuffle(order)
    shuffled = data.iloc[order].reset_index(drop=True)
    assert_same(table_1(data), table_1(shuffled))
    for case in CASES:
        assert_same(compare_groups(data, **case), compare_groups(shuffled, **case))


@settings(max_examples=5, deadline=None)
@given(SEEDS)
def test_an_unused_column_changes_not_one_byte(seed):
    data = clinical(seed)
    more = data.assign(unused=np.arange(len(data)))
    names = ["age", "lab", "stage", "dead", "arm"]
    one, other = table_1(data, variables=names), table_1(more, variables=names)
    for name in ("summary", "tests", "balance"):
        assert one.table(name).columns == other.table(name).columns or _same_bytes(one, other, name)
    for case in CASES:
        one, other = compare_groups(data, **case), compare_groups(more, **case)
        for name in ("summary", "tests", "effects", "pairwise", "checks", "points"):
            assert _same_bytes(one, other, name)


def _same_bytes(one, other, name):
    left, right = one.table(name).columns, other.table(name).columns
    return [(c.name, c.data) for c in left] == [(c.name, c.data) for c in right]


@settings(max_examples=5, deadline=None)
@given(SEEDS)
def test_relabelling_changes_names_only(seed):
    data = clinical(seed)
    renamed = data.assign(
        site=data["site"].cat.rename_categories({"p": "x", "q": "y", "r": "z"}),
        stage=data["stage"].cat.rename_categories({"I": "one", "II": "two", "III": "three"}),
    )
    one, other = table_1(data), table_1(renamed)
    assert_allclose(one.summary["value"], other.summary["value"], rtol=1e-12)
    assert_allclose(one.tests["p_value"], other.tests["p_value"], rtol=1e-12)
    assert_allclose(one.balance["smd"], other.balance["smd"], rtol=1e-12)


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_swapping_two_groups_changes_signs_only(seed):
    data = clinical(seed)
    swapped = data.assign(arm=data["arm"].cat.reorder_categories(["b", "a"]))
    one = compare_groups(data, value="lab", group="arm")
    other = compare_groups(swapped, value="lab", group="arm")
    assert_allclose(one.tests["p_value"], other.tests["p_value"], rtol=1e-9)
    left, right = one.effects.set_index("measure"), other.effects.set_index("measure")
    for measure in ("mean difference", "Hedges' g", "median of differences",
                    "rank-biserial correlation"):  # fmt: skip
        a, b = left.loc[measure], right.loc[measure]
        assert_allclose(
            a[["estimate", "ci_low", "ci_high"]].to_list(),
            [-b["estimate"], -b["ci_high"], -b["ci_low"]], rtol=1e-7, atol=1e-10,
        )  # fmt: skip
    chance = "probability of superiority"
    assert_allclose(left.loc[chance, "ci_low"], 1 - right.loc[chance, "ci_high"], rtol=1e-7)
    smd = [describe_cohort(d, group="arm", variables=["lab"]).balance["smd"].iloc[0]
           for d in (data, swapped)]  # fmt: skip
    assert_allclose(smd[0], -smd[1], rtol=1e-12)


@settings(max_examples=8, deadline=None)
@given(SEEDS, st.sampled_from([1e-6, 10.0, 1e5]), st.sampled_from([-1e3, 0.0, 7.0]))
def test_units_scale_estimates_and_leave_tests(seed, factor, shift):
    data = clinical(seed)
    moved = data.assign(lab=data["lab"] * factor + shift * factor)
    for group in ("arm", "site"):
        one = compare_groups(data, value="lab", group=group)
        other = compare_groups(moved, value="lab", group=group)
        assert_allclose(one.tests["p_value"], other.tests["p_value"], rtol=1e-6)
        left, right = (r.effects.set_index("measure") for r in (one, other))
        if group == "arm":
            gap = left.loc["mean difference", ["estimate", "ci_low", "ci_high"]].astype(float)
            moved_gap = right.loc["mean difference", gap.index].astype(float)
            assert_allclose(gap * factor, moved_gap, rtol=1e-6)
            assert_allclose(
                left.loc["Hedges' g", "ci_low"], right.loc["Hedges' g", "ci_low"], rtol=1e-6
            )
    one, other = table_1(data, variables=["lab"]), table_1(moved, variables=["lab"])
    assert_allclose(one.balance["smd"], other.balance["smd"], rtol=1e-6)


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_ranks_do_not_see_a_monotone_change(seed):
    data = clinical(seed)
    logged = data.assign(lab=np.log(data["lab"]))
    for group, test in (("arm", "mann-whitney"), ("site", "kruskal-wallis")):
        one = compare_groups(data, value="lab", group=group, test=test)
        other = compare_groups(logged, value="lab", group=group, test=test)
        assert one.tests["p_value"].iloc[0] == other.tests["p_value"].iloc[0]
        if test == "kruskal-wallis":
            assert_allclose(one.pairwise["p_adjusted"], other.pairwise["p_adjusted"])


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_two_groups_are_the_case_k_is_2_of_many(seed):
    """F = t squared, Welch's likewise; H = squared uncorrected z of Mann and Whitney."""
    data = clinical(seed)
    for two, many in (("student", "anova"), ("welch", "welch-anova"),
                      ("mann-whitney", "kruskal-wallis")):  # fmt: skip
        choices = {"value": "lab", "group": "arm", "continuity": False, "exact": "normal"}
        one = compare_groups(data, test=two, **choices).tests.iloc[0]
        other = compare_groups(data, test=many, **choices).tests.iloc[0]
        assert_allclose(one["p_value"], other["p_value"], rtol=1e-9)
        if two != "mann-whitney":
            assert_allclose(one["statistic"] ** 2, other["statistic"], rtol=1e-9)


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_intervals_hold_their_estimates_and_agree_with_the_test(seed):
    data = clinical(seed)
    for case in CASES:
        result = compare_groups(data, **case)
        known = result.effects.dropna(subset=["ci_low"])
        held = (known["ci_low"] <= known["estimate"] + 1e-12) & (
            known["estimate"] <= known["ci_high"] + 1e-12
        )
        # a share of variance near 0 has limits at 0: eta squared itself is never 0
        shares = known["measure"].isin(["eta squared", "Cramér's V", "omega squared"])
        assert (held | shares).all()
        gap = result.effects[result.effects["measure"] == "mean difference"]
        if len(gap):
            clear = gap["ci_low"].iloc[0] > 0 or gap["ci_high"].iloc[0] < 0
            assert clear == (result.tests["p_value"].iloc[0] < 0.05)
        simultaneous = result.pairwise[
            result.pairwise["method"].isin(["tukey-kramer", "games-howell"])
        ]
        for row in simultaneous.itertuples():
            assert (row.ci_low > 0 or row.ci_high < 0) == (row.p_adjusted < 0.05)
            assert row.p_adjusted >= row.p_value - 1e-12


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_pairs_in_long_and_wide_form_are_the_same(seed):
    rng = np.random.default_rng(seed)
    wide = pd.DataFrame({"before": rng.normal(10, 2, 25).round(1)})
    wide["after"] = (wide["before"] + rng.normal(1, 1, 25)).round(1)
    long = wide.assign(id=[f"P{i}" for i in range(25)]).melt(id_vars="id", var_name="when")
    long["when"] = pd.Categorical(long["when"], ["before", "after"])
    long = long.sample(frac=1, random_state=seed)
    for test in ("paired-t", "wilcoxon", "friedman"):
        one = compare_groups(wide, value=["before", "after"], test=test)
        other = compare_groups(long, value="value", group="when", paired_by="id", test=test)
        assert_allclose(one.tests["p_value"], other.tests["p_value"], rtol=1e-10)
        assert_allclose(one.effects["estimate"], other.effects["estimate"], rtol=1e-10, atol=1e-12)


@settings(max_examples=5, deadline=None)
@given(SEEDS)
def test_table_1_counts_add_up(seed):
    data = clinical(seed)
    data.loc[data.index[:5], "site"] = None
    result = table_1(data)
    assert result.n_used + sum(result.exclusions.values()) == result.n_rows == len(data)
    summary = result.summary
    totals = summary[summary["level"].isna() & summary["stat"].isin(["n", "missing"])]
    sizes = totals.fillna({"group": "all"}).groupby(["variable", "group"])["value"].sum()
    for variable in result.choices["variables"]:
        assert sizes[variable, "all"] == result.n_used
        by_group = [sizes[variable, g] for g in result.groups]
        assert sum(by_group) == result.n_used
    percent = summary[summary["stat"] == "percent"]
    shares = percent.fillna({"group": "all"}).groupby(["variable", "group"])["value"].sum()
    assert_allclose(shares, 100.0)


@pytest.mark.parametrize("adjustment", ["holm", "bonferroni", "bh", "none"])
def test_adjusted_p_is_never_below_its_own(adjustment):
    result = compare_groups(
        clinical(1), value="lab", group="site", test="kruskal-wallis", adjustment=adjustment
    )
    assert (result.pairwise["p_adjusted"] >= result.pairwise["p_value"] - 1e-15).all()
