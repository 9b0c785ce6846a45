"""Laws of evaluate_test, two_by_two, evaluate_roc, stratify and correlate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from stats.correlation import correlate
from stats.diagnostic_test import evaluate_test
from stats.kendall import inversions
from stats.proportions import exact, newcombe_difference, score_difference, wilson
from stats.roc import evaluate_roc
from stats.stratified import stratify
from stats.two_by_two import two_by_two

SEEDS = st.integers(0, 10_000)
COUNTS = st.integers(0, 40)


def clinic(seed: int, n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sick = rng.random(n) < 0.4
    marker = rng.normal(sick * 0.8, 1.0).round(1)
    other = np.where(rng.random(n) < 0.1, np.nan, rng.normal(sick * 0.5, 1.0))
    test = np.where(rng.random(n) < 0.05, None, np.where(marker > 0.5, "pos", "neg"))
    return pd.DataFrame(
        {
            "sick": np.where(sick, "yes", "no"), "test": test, "marker": marker, "other": other,
            "centre": rng.choice(["A", "B", "C"], n),
            "smokes": np.where(rng.random(n) < 0.3 + 0.3 * sick, "yes", "no"),
        }
    )  # fmt: skip


CALLS = {
    "evaluate_test": lambda d: evaluate_test(
        d, test="test", truth="sick", positive="pos", event="yes", prevalence=0.2
    ),
    "two_by_two": lambda d: two_by_two(
        d, exposure="smokes", outcome="sick", exposed="yes", event="yes"
    ),
    "evaluate_roc": lambda d: evaluate_roc(
        d, truth="sick", event="yes", markers=["marker", "other"], at_sensitivity=0.9
    ),
    "stratify": lambda d: stratify(
        d, exposure="smokes", outcome="sick", stratum="centre", exposed="yes", event="yes"
    ),
    "correlate": lambda d: correlate(d, variables=["marker", "other"], method="kendall"),
    "correlate partial": lambda d: correlate(
        d.assign(third=np.arange(len(d)) % 7 + d["marker"]), variables=["marker", "other"],
        given=["third"], method="spearman",
    ),
}  # fmt: skip


def tables(result: object) -> dict[str, pd.DataFrame]:
    names = ("counts", "measures", "tests", "points", "summary", "chosen", "pairwise", "pairs")
    return {n: getattr(result, n) for n in names if hasattr(type(result), "__dataclass_fields__")
            and n in type(result).__dataclass_fields__}  # fmt: skip


def assert_same(a: object, b: object, rtol: float = 1e-10) -> None:
    for name, left in tables(a).items():
        pd.testing.assert_frame_equal(left, tables(b)[name], rtol=rtol, atol=1e-12, obj=name)
    assert a.exclusions == b.exclusions
    assert a.n_used + sum(a.exclusions.values()) == a.n_rows


@pytest.mark.parametrize("name", [n for n in CALLS if n != "correlate partial"])
@settings(max_examples=10)
@given(SEEDS, st.randoms(use_true_random=False))
def test_row_order_is_irrelevant(name: str, seed: int, random: object) -> None:
    data = clinic(seed)
    order = list(range(len(data)))
    random.shuffle(order)
    assert_same(CALLS[name](data), CALLS[name](data.iloc[order].reset_index(drop=True)))


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=6)
@given(SEEDS)
def test_unused_columns_change_not_one_byte(name: str, seed: int) -> None:
    data = clinic(seed)
    wide = data.assign(unused=1.0)[["unused", *data.columns[::-1]]]
    assert_same(CALLS[name](data), CALLS[name](wide), rtol=0)


@pytest.mark.parametrize("name", ["evaluate_test", "two_by_two", "evaluate_roc", "stratify"])
@settings(max_examples=6)
@given(SEEDS)
def test_numbers_for_words_change_no_number(name: str, seed: int) -> None:
    data = clinic(seed)
    coded = data.assign(sick=(data["sick"] == "yes").astype(int))
    words = {"evaluate_test": {"event": 1}, "two_by_two": {"event": 1},
             "evaluate_roc": {"event": 1}, "stratify": {"event": 1}}  # fmt: skip
    asked = dict(CALLS[name](data).choices) | words[name]
    again = {"evaluate_test": evaluate_test, "two_by_two": two_by_two,
             "evaluate_roc": evaluate_roc, "stratify": stratify}[name](coded, **asked)  # fmt: skip
    for key, left in tables(CALLS[name](data)).items():
        numbers = left.select_dtypes("number")
        pd.testing.assert_frame_equal(numbers, tables(again)[key][numbers.columns])


def frame_of(a: int, b: int, c: int, d: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"x": ["1"] * (a + b) + ["0"] * (c + d),
         "y": ["1"] * a + ["0"] * b + ["1"] * c + ["0"] * d}
    )  # fmt: skip


POSITIVE = st.integers(1, 40)


def measured(data: pd.DataFrame, exposed: str, event: str) -> pd.DataFrame:
    result = two_by_two(data, exposure="x", outcome="y", exposed=exposed, event=event)
    return result.measures.set_index(["measure", "method"])


@settings(max_examples=25)
@given(POSITIVE, POSITIVE, POSITIVE, POSITIVE)
def test_swapping_the_exposed_inverts_and_negates(a: int, b: int, c: int, d: int) -> None:
    data = frame_of(a, b, c, d)
    one, two = measured(data, "1", "1"), measured(data, "0", "1")
    for method in ("log", "conditional"):
        left, right = one.loc[("odds_ratio", method)], two.loc[("odds_ratio", method)]
        assert_allclose(left["estimate"], 1 / right["estimate"], rtol=1e-9)
        assert_allclose(left["ci_low"], 1 / right["ci_high"], rtol=1e-9)
    left, right = one.loc[("risk_ratio", "log")], two.loc[("risk_ratio", "log")]
    assert_allclose(left["ci_low"], 1 / right["ci_high"], rtol=1e-10)
    for method in ("newcombe", "wald", "miettinen-nurminen"):
        left, right = one.loc[("risk_difference", method)], two.loc[("risk_difference", method)]
        assert_allclose(left["ci_low"], -right["ci_high"], rtol=1e-7, atol=1e-11)
    swapped = measured(data, "1", "0")
    assert_allclose(
        one.loc[("odds_ratio", "log"), "estimate"],
        1 / swapped.loc[("odds_ratio", "log"), "estimate"],
    )


@settings(max_examples=15)
@given(POSITIVE, POSITIVE, POSITIVE, POSITIVE)
def test_turning_test_and_truth_round_swaps_the_measures(a: int, b: int, c: int, d: int) -> None:
    data = frame_of(a, b, c, d)
    one, two = (
        evaluate_test(data, test="x", truth="y", positive=k, event=k).measures.set_index("measure")
        for k in ("1", "0")
    )
    columns = ["estimate", "ci_low", "ci_high"]
    swapped = [("sensitivity", "specificity"), ("ppv", "npv"), ("accuracy", "accuracy"),
               ("youden", "youden"), ("diagnostic_odds_ratio", "diagnostic_odds_ratio")]  # fmt: skip
    for left, right in swapped:
        assert_allclose(
            one.loc[left, columns].astype(float), two.loc[right, columns].astype(float),
            rtol=1e-10, atol=1e-12,
        )  # fmt: skip
    assert_allclose(one.loc["lr_positive", "ci_low"], 1 / two.loc["lr_negative", "ci_high"])


@settings(max_examples=30)
@given(COUNTS, COUNTS, st.sampled_from([0.8, 0.95, 0.99]))
def test_proportions_stay_inside_and_mirror(x: int, rest: int, level: float) -> None:
    n = x + rest
    if n == 0:
        return
    for method in (wilson, exact):
        found, mirror = method(x, n, level), method(n - x, n, level)
        assert 0 <= found.low <= found.estimate <= found.high <= 1
        assert_allclose(found.low, 1 - mirror.high, atol=1e-12)
    wider = exact(x, n, level)
    narrow = wilson(x, n, level)
    assert wider.high - wider.low >= 0.8 * (narrow.high - narrow.low)


@settings(max_examples=30)
@given(POSITIVE, COUNTS, POSITIVE, COUNTS)
def test_differences_hold_their_estimate_and_zero_when_equal(
    x1: int, r1: int, x2: int, r2: int
) -> None:
    for method in (newcombe_difference, score_difference):
        found = method(x1, x1 + r1, x2, x2 + r2, 0.95)
        assert -1 <= found.low <= found.estimate + 1e-12
        assert found.estimate - 1e-12 <= found.high <= 1
        same = method(x1, x1 + r1, x1, x1 + r1, 0.95)
        assert_allclose(same.low, -same.high, atol=1e-10)


@settings(max_examples=15)
@given(SEEDS)
def test_the_area_depends_on_ranks_only_and_mirrors(seed: int) -> None:
    data = clinic(seed)
    base = evaluate_roc(data, truth="sick", event="yes", markers=["marker"])
    moved = evaluate_roc(
        data.assign(marker=np.exp(data["marker"]) * 1e6), truth="sick", event="yes",
        markers=["marker"],
    )  # fmt: skip
    other = evaluate_roc(data, truth="sick", event="no", markers=["marker"])
    lower = evaluate_roc(data, truth="sick", event="yes", markers=["marker"], direction="lower")
    row = base.summary.iloc[0]
    assert_allclose(moved.summary["area"][0], row["area"], rtol=1e-14)
    assert_allclose(moved.summary["std_error"][0], row["std_error"], rtol=1e-12)
    for turned in (other, lower):
        assert_allclose(turned.summary["area"][0], 1 - row["area"], rtol=1e-12)
        assert_allclose(turned.summary["std_error"][0], row["std_error"], rtol=1e-12)
        assert_allclose(turned.summary["ci_low"][0], 1 - row["ci_high"], rtol=1e-10)
    points = base.points
    assert (np.diff(points["sensitivity"]) >= 0).all()
    assert (np.diff(points["specificity"]) <= 0).all()
    area = np.trapezoid(points["sensitivity"], 1 - points["specificity"])
    assert_allclose(area, row["area"], rtol=1e-12)


@settings(max_examples=10)
@given(SEEDS)
def test_swapping_two_markers_changes_the_sign(seed: int) -> None:
    data = clinic(seed)
    one = evaluate_roc(data, truth="sick", event="yes", markers=["marker", "other"]).pairwise
    two = evaluate_roc(data, truth="sick", event="yes", markers=["other", "marker"]).pairwise
    assert_allclose(one["difference"][0], -two["difference"][0], rtol=1e-12, atol=1e-15)
    assert_allclose(one["statistic"][0], -two["statistic"][0], rtol=1e-9, atol=1e-12)
    assert_allclose(one["p_value"][0], two["p_value"][0], rtol=1e-9)


@settings(max_examples=10)
@given(SEEDS, st.integers(2, 5))
def test_copies_of_a_stratum_keep_the_pooled_estimates(seed: int, copies: int) -> None:
    data = clinic(seed).assign(centre="A")
    many = pd.concat([data.assign(centre=str(i)) for i in range(copies)], ignore_index=True)
    one, several = CALLS["stratify"](data), CALLS["stratify"](many)
    for name in ("odds_ratio", "risk_ratio", "risk_difference"):
        left, right = (
            r.measures[(r.measures["measure"] == name)
                       & (r.measures["method"] == "mantel-haenszel")].iloc[0]
            for r in (one, several)
        )  # fmt: skip
        assert_allclose(left["estimate"], right["estimate"], rtol=1e-12)
    tests = several.tests.set_index("test")
    assert_allclose(tests.loc["woolf", "statistic"], 0, atol=1e-9)
    assert_allclose(tests.loc["breslow_day_tarone", "statistic"], 0, atol=1e-9)


@settings(max_examples=15)
@given(SEEDS, st.floats(-1e6, 1e6), st.floats(1e-3, 1e3), st.booleans())
def test_scale_and_sign_of_a_variable(
    seed: int, shift: float, factor: float, negative: bool
) -> None:
    data = clinic(seed)
    turned = data.assign(marker=shift + data["marker"] * (-factor if negative else factor))
    for method in ("pearson", "spearman", "kendall"):
        a, b = (
            correlate(d, variables=["marker", "other"], method=method).pairs.iloc[0]
            for d in (data, turned)
        )
        sign = -1 if negative else 1
        # shifting rounds the values: ranks may tie anew only when they were equal before
        if method != "pearson" and turned["marker"].nunique() != data["marker"].nunique():
            continue
        assert_allclose(a["coefficient"], sign * b["coefficient"], rtol=1e-6, atol=1e-9)
        assert_allclose(a["p_value"], b["p_value"], rtol=1e-5)
        low = b["ci_low"] if sign == 1 else -b["ci_high"]
        assert_allclose(a["ci_low"], low, rtol=1e-6, atol=1e-9)


@settings(max_examples=10)
@given(SEEDS)
def test_the_order_of_two_variables_is_irrelevant(seed: int) -> None:
    data = clinic(seed)
    for method in ("pearson", "spearman", "kendall"):
        a = correlate(data, variables=["marker", "other"], method=method).pairs
        b = correlate(data, variables=["other", "marker"], method=method).pairs
        columns = ["n", "coefficient", "ci_low", "ci_high", "p_value", "p_adjusted"]
        assert_allclose(a[columns], b[columns], rtol=1e-12)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 30), max_size=40))
def test_inversions_of_a_list_and_its_mirror_make_all_pairs(ranks: list[int]) -> None:
    values = np.array(ranks, dtype=np.int64)
    n = len(values)
    counts = np.bincount(values) if n else np.zeros(1)
    tied = float((counts * (counts - 1) // 2).sum())
    assert inversions(values) + inversions(values[::-1]) + tied == n * (n - 1) / 2
