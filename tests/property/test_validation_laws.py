"""Laws of validate_outcome_model: what must not, and what must, change its numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from stats.result import ValidationResult
from stats.validation import validate_outcome_model

PREDICTORS = ["age", "dose", "stage"]
TABLES = ("measures", "calibration", "decision", "groups")


def clinical(seed: int, n: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = np.where(rng.random(n) < 0.05, np.nan, rng.normal(60, 9, n).round())
    dose = rng.lognormal(1, 0.6, n)
    stage = rng.choice(["I", "II", "III"], n, p=[0.5, 0.3, 0.2]).astype(object)
    eta = 0.05 * (np.nan_to_num(age, nan=60) - 60) - 0.2 * dose + 0.6 * (stage == "III")
    died = rng.random(n) < 1 / (1 + np.exp(-eta))
    return pd.DataFrame(
        {"died": np.where(died, "yes", "no"), "age": age, "dose": dose, "stage": stage}
    )


def run(data: pd.DataFrame, **choices: object) -> ValidationResult:
    asked = {"outcome": "died", "predictors": PREDICTORS, "event": "yes", "quality": "preview"}
    return validate_outcome_model(data, **{**asked, **choices})


def assert_same(a: ValidationResult, b: ValidationResult, atol: float = 1e-8) -> None:
    for name in TABLES:
        left, right = getattr(a, name), getattr(b, name)
        for column in left.select_dtypes("number"):
            assert_allclose(left[column], right[column], rtol=1e-7, atol=atol, err_msg=column)


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_is_irrelevant(seed: int, random: object) -> None:
    data = clinical(seed)
    rows, names = list(range(len(data))), list(PREDICTORS)
    random.shuffle(rows)
    random.shuffle(names)
    shuffled = data.iloc[rows].reset_index(drop=True)[[*names[::-1], "died"]]
    assert_same(run(data), run(shuffled, predictors=names))


@settings(max_examples=4)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_predictors_that_say_nothing_leave_the_order_irrelevant(seed: int, random: object) -> None:
    """Empty, constant and repeated predictors are left out of the model, and of the resampling."""
    data = clinical(seed).assign(empty=np.nan, same=1.0)
    data["again"] = data["age"] * 2
    names = [*PREDICTORS, "empty", "same", "again"]
    rows = list(range(len(data)))
    random.shuffle(rows)
    found = run(data, predictors=names)
    assert_same(found, run(data.iloc[rows].reset_index(drop=True), predictors=names))
    assert_same(found, run(data))


@settings(max_examples=6)
@given(st.integers(0, 10_000))
def test_unused_columns_change_not_one_byte(seed: int) -> None:
    data = clinical(seed)
    wide = data.assign(unused=np.random.default_rng(seed).normal(size=len(data)))
    a, b = run(data), run(wide[["unused", *data.columns]])
    for name in TABLES:
        left, right = a.table(name), b.table(name)
        assert [c.data for c in left.columns] == [c.data for c in right.columns]


@settings(max_examples=6)
@given(st.integers(0, 10_000))
def test_words_units_and_references_do_not_matter(seed: int) -> None:
    data = clinical(seed)
    first = run(data)
    words = data.assign(died=data["died"].map({"yes": "Dead", "no": "Alive"}))
    assert_same(first, run(words, event="Dead"))
    assert_same(first, run(data, scale={"age": 10}))
    assert_same(first, run(data, references={"stage": "II"}))
    assert_same(first, run(data.assign(age=data["age"] / 7 - 3)))


@settings(max_examples=6)
@given(st.integers(0, 10_000))
def test_the_other_event_mirrors_the_measures(seed: int) -> None:
    """Ages of a decimal each: no two rows tie, so that both have the same resamples."""
    data = clinical(seed)
    a = run(data).measures.set_index("measure")
    b = run(data, event="no").measures.set_index("measure")
    same = ["c_statistic", "calibration_slope", "brier"]
    mirrored = ["calibration_intercept", "recalibration_intercept"]
    for column in ("apparent", "optimism", "corrected"):
        assert_allclose(a.loc[same, column], b.loc[same, column], rtol=1e-7)
        assert_allclose(a.loc[mirrored, column], -b.loc[mirrored, column], atol=1e-7)


@settings(max_examples=6)
@given(st.integers(0, 10_000))
def test_net_benefit_lies_between_its_bounds(seed: int) -> None:
    """At most the prevalence; and treating nobody is the model once no risk reaches t."""
    result = run(clinical(seed))
    table, facts = result.decision, result.facts
    assert (table["apparent"] <= facts["prevalence"] + 1e-12).all()
    odds = table["threshold"] / (1 - table["threshold"])
    assert_allclose(table["treat_all"], facts["prevalence"] - (1 - facts["prevalence"]) * odds)
    assert (table["treat_none"] == 0).all()


@settings(max_examples=4)
@given(st.integers(0, 10_000))
def test_noise_has_no_discrimination_once_corrected(seed: int) -> None:
    """Outcome and predictors have nothing to do with each other: the corrected C-statistic is
    near 1/2, and the slope is shrunk far below 1."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(300, 10)), columns=[f"x{j}" for j in range(10)])
    data["died"] = np.where(rng.random(300) < 0.4, "yes", "no")
    result = run(data, predictors=[f"x{j}" for j in range(10)])
    measures = result.measures.set_index("measure")
    assert abs(measures.loc["c_statistic", "corrected"] - 0.5) < 0.1
    assert measures.loc["c_statistic", "optimism"] > 0.02
    assert measures.loc["calibration_slope", "corrected"] < 0.85
