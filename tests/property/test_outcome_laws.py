"""Laws of analyze_outcome: what must not, and what must, change its numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from stats.outcome import analyze_outcome
from stats.result import EFFECT_COLUMNS

NUMBERS = [c for c, kind in EFFECT_COLUMNS.items() if kind != "text"]
PREDICTORS = ["age", "dose", "stage"]


def clinical(seed: int, n: int = 160) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = np.where(rng.random(n) < 0.05, np.nan, rng.normal(60, 9, n).round(1))
    dose = rng.lognormal(1, 0.6, n)
    stage = rng.choice(["I", "II", "III"], n, p=[0.5, 0.3, 0.2]).astype(object)
    stage[rng.random(n) < 0.05] = None
    eta = 0.05 * (np.nan_to_num(age, nan=60) - 60) - 0.2 * dose + 0.6 * (stage == "III")
    died = rng.random(n) < 1 / (1 + np.exp(-eta))
    return pd.DataFrame(
        {"died": np.where(died, "yes", "no"), "age": age, "dose": dose, "stage": stage}
    )


def run(data: pd.DataFrame, **choices: object) -> object:
    return analyze_outcome(data, **{"outcome": "died", "predictors": PREDICTORS, **choices})


def numbers(result: object) -> dict[str, pd.DataFrame]:
    return {"crude": result.crude.effects, "adjusted": result.adjusted.effects}


def row_of_age(effects: pd.DataFrame) -> pd.Series:
    return effects[effects["term"] == "age"].iloc[0]


def assert_same_numbers(a: object, b: object, rtol: float = 1e-10) -> None:
    for name, left in numbers(a).items():
        right = numbers(b)[name]
        assert_array_equal(left["term"], right["term"])
        for column in NUMBERS:
            # the statistic of a null effect is rounding: compare on the scale of 1
            assert_allclose(left[column], right[column], rtol=rtol, atol=1e-9, err_msg=column)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_row_order_is_irrelevant(seed: int, random: object) -> None:
    data = clinical(seed)
    order = list(range(len(data)))
    random.shuffle(order)
    shuffled = data.iloc[order].reset_index(drop=True)
    assert_same_numbers(run(data), run(shuffled), rtol=1e-9)


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_unused_columns_change_not_one_byte(seed: int) -> None:
    data = clinical(seed)
    rng = np.random.default_rng(seed)
    wide = data.assign(
        unused=rng.normal(size=len(data)),
        sparse=np.where(rng.random(len(data)) < 0.85, np.nan, 1.0),
    )[["sparse", *data.columns[::-1], "unused"]]
    a, b = run(data), run(wide)
    for name in ("crude", "adjusted"):
        left, right = getattr(a, name).table("effects"), getattr(b, name).table("effects")
        assert [c.data for c in left.columns] == [c.data for c in right.columns]


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_a_mostly_missing_predictor_leaves_the_other_crude_rows(seed: int) -> None:
    data = clinical(seed)
    rng = np.random.default_rng(seed)
    data["lab"] = np.where(rng.random(len(data)) < 0.85, np.nan, rng.normal(size=len(data)))
    a = run(data).crude.effects
    b = run(data, predictors=[*PREDICTORS, "lab"]).crude.effects
    kept = b[b["term"] != "lab"].reset_index(drop=True)
    pd.testing.assert_frame_equal(a, kept)


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_relabelling_the_outcome_changes_nothing(seed: int) -> None:
    data = clinical(seed)
    words = data.assign(died=data["died"].map({"yes": "Dead", "no": "Survived"}))
    numbers_ = data.assign(died=(data["died"] == "yes").astype(int))
    a = run(data)
    assert_same_numbers(a, run(words, event="Dead"), rtol=0)
    assert_same_numbers(a, run(numbers_), rtol=0)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from(["profile", "wald"]))
def test_the_other_event_inverts_every_odds_ratio(seed: int, interval: str) -> None:
    data = clinical(seed)
    a, b = run(data, event="yes", interval=interval), run(data, event="no", interval=interval)
    for name in ("crude", "adjusted"):
        left, right = numbers(a)[name], numbers(b)[name]
        assert_allclose(left["coef"], -right["coef"], rtol=1e-7, atol=1e-9)
        assert_allclose(left["ci_low"], 1 / right["ci_high"], rtol=1e-6)
        assert_allclose(left["p_value"], right["p_value"], rtol=1e-6, atol=1e-12)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.floats(0.01, 1000))
def test_units_scale_the_coefficient(seed: int, factor: float) -> None:
    data = clinical(seed)
    one, ten = run(data), run(data, scale={"age": factor})
    for name in ("crude", "adjusted"):
        left = row_of_age(numbers(one)[name])
        right = row_of_age(numbers(ten)[name])
        assert_allclose(right["coef"], left["coef"] * factor, rtol=1e-9)
        assert_allclose(
            np.log(right["ci_low"]), np.log(left["ci_low"]) * factor, rtol=1e-7, atol=1e-12
        )
        assert_allclose(right["p_value"], left["p_value"], rtol=1e-9)


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_doubling_the_rows_divides_the_standard_error(seed: int) -> None:
    data = clinical(seed)
    a, b = run(data), run(pd.concat([data, data], ignore_index=True))
    for name in ("crude", "adjusted"):
        left, right = numbers(a)[name], numbers(b)[name]
        assert_allclose(left["coef"], right["coef"], rtol=1e-7, atol=1e-9)
        assert_allclose(left["std_error"], right["std_error"] * np.sqrt(2), rtol=1e-7)


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from(["I", "II", "III"]))
def test_another_reference_keeps_the_fit(seed: int, reference: str) -> None:
    data = clinical(seed)
    a, b = run(data), run(data, references={"stage": reference})
    assert_allclose(a.adjusted.fit["loglik"], b.adjusted.fit["loglik"], rtol=1e-10)
    left = a.adjusted.effects.set_index(["term", "level"])
    right = b.adjusted.effects.set_index(["term", "level"])
    shift = left.loc[("stage", reference), "coef"]
    for level in ("I", "II", "III"):
        want = left.loc[("stage", level), "coef"] - shift
        assert_allclose(right.loc[("stage", level), "coef"], want, rtol=1e-6, atol=1e-8)
    assert_allclose(left.loc["age"]["coef"], right.loc["age"]["coef"], rtol=1e-7)
    assert_allclose(left.loc["stage"]["p_term"], right.loc["stage"]["p_term"], rtol=1e-6)


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_interval_and_p_never_contradict(seed: int) -> None:
    data = clinical(seed)
    for interval in ("profile", "wald"):
        for effects in numbers(run(data, interval=interval)).values():
            rows = effects[effects["p_value"].notna()]
            outside = (rows["ci_low"] > 1) | (rows["ci_high"] < 1)
            assert_array_equal(outside, rows["p_value"] < 0.05)


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_exclusions_add_up(seed: int) -> None:
    data = clinical(seed)
    data.loc[data.index[:7], "died"] = None
    result = run(data)
    assert result.exclusions["outcome missing"] == 7
    for part in (result, result.crude, result.adjusted):
        assert part.n_used + sum(part.exclusions.values()) == len(data)
