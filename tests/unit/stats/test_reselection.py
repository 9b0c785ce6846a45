"""Selections repeated in resamples: each as the outcome model itself would do it on copied rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stats.design import make_design
from stats.errors import NotEstimable
from stats.logistic import fit_logistic, sums
from stats.outcome import analyze_outcome
from stats.refit import LIKELIHOOD, FullFit, Refitter
from stats.resampling import draw_counts
from stats.reselection import Backward, Screening
from stats.selection import eliminate
from stats.terms import BinaryOutcome, binary_outcome, build_term
from stats.univariable import fit_crude
from stats.validation import validate_outcome_model
from stats.variables import Dataset

NAMES = ["age", "dose", "stage", "rare"]


def clinical(n: int = 120, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, dose = rng.normal(60, 9, n), rng.lognormal(1, 0.6, n)
    stage = rng.choice(["I", "II", "III"], n, p=[0.5, 0.3, 0.2]).astype(object)
    eta = 0.06 * (age - 60) - 0.2 * dose + 0.6 * (stage == "III")
    died = rng.random(n) < 1 / (1 + np.exp(-eta))
    rare = np.where(np.arange(n) % 29 == 0, "b", "a").astype(object)
    rare[0] = "c"
    return pd.DataFrame(
        {
            "died": np.where(died, "yes", "no"),
            "age": age,
            "dose": dose,
            "stage": stage,
            "rare": rare,
        }
    )


def parts(data: pd.DataFrame, names: list[str]) -> tuple[list, BinaryOutcome, np.ndarray]:
    dataset = Dataset(data)
    outcome = binary_outcome(dataset, "died", "yes")
    terms = [build_term(dataset, n, None, 1.0) for n in names]
    return terms, outcome, outcome.y.astype(float)


def copied(terms: list, outcome: BinaryOutcome, counts: np.ndarray) -> tuple[list, BinaryOutcome]:
    rows = np.repeat(np.arange(len(counts)), counts)
    y = outcome.y[rows]
    again = [replace(t, values=t.values[rows]) for t in terms]
    return again, replace(outcome, y=y, known=np.ones_like(y))


@pytest.mark.parametrize("method", ["auto", "likelihood", "firth"])
def test_crude_p_values_are_those_of_the_crude_models(method: str) -> None:
    terms, outcome, y = parts(clinical(), NAMES)
    counts = draw_counts(120, 0, 1)[:12]
    design = make_design(terms, np.arange(120))
    found = Screening(design, y, 0.2, method).p_values(counts)
    for i, drawn in enumerate(counts):
        again, o = copied(terms, outcome, drawn)
        fits = fit_crude(again, o.y, o.known, method=method, interval="wald", ci_level=0.95)
        assert_allclose(found[i], [f.lr_p for f in fits], rtol=1e-6, atol=1e-14)


def test_a_resample_with_one_outcome_selects_nothing() -> None:
    terms, _, y = parts(clinical(), NAMES)
    counts = np.zeros((1, 120), dtype=np.uint8)
    counts[0, np.flatnonzero(y == 0)[:1]] = 120
    screening = Screening(make_design(terms, np.arange(120)), y, 0.2, "auto")
    assert not screening.held(counts)[0].any()


def refitter(design, y: np.ndarray) -> Refitter:
    fit, start = fit_logistic(design, y), sums(design, y)
    return Refitter(design, y, FullFit(fit.beta, fit.covariance, start.row_norm), "likelihood")


def test_backward_elimination_in_a_resample_is_that_of_its_copied_rows() -> None:
    """The rare level is missing in some resamples, and without events in others."""
    data = clinical(seed=5)
    data.loc[[0, 29, 58], "died"] = ["yes", "no", "yes"]
    data["rare"] = data["rare"].replace("c", "b")
    terms, outcome, y = parts(data, NAMES)
    design = make_design(terms, np.arange(120))
    counts = draw_counts(120, 0, 3)
    held, lost = Backward(refitter(design, y)).held(counts)
    absent = counts[:, data["rare"] == "b"].sum(axis=1) == 0
    assert lost.any()
    assert not lost.all()
    for i, drawn in enumerate(counts):
        again, o = copied(terms, outcome, drawn)
        if lost[i]:
            with pytest.raises(NotEstimable):
                eliminate(again, o, None)
            continue
        names = eliminate(again, o, None).names
        assert [n for n, h in zip(NAMES, held[i], strict=True) if h] == list(names)
    assert not held[absent, 3].any()


def test_columns_that_are_held_make_the_model_of_these_columns() -> None:
    terms, _, y = parts(clinical(600, 9), ["age", "dose", "stage"])
    design = make_design(terms, np.arange(600))
    counts = draw_counts(600, 0, 4)[:6]
    held = ["1111", "1000", "0111", "0000", "1011", "0100"]
    masks = np.array([[mark == "1" for mark in row] for row in held])
    found = refitter(design, y).refit(counts, masks)
    assert (found.how == LIKELIHOOD).all()
    for i, (drawn, mask) in enumerate(zip(counts, masks, strict=True)):
        assert_array_equal(found.beta[i, 1:][~mask], 0.0)
        rows = np.repeat(np.arange(600), drawn)
        if not mask.any():
            assert_allclose(1 / (1 + np.exp(-found.beta[i, 0])), y[rows].mean(), rtol=1e-9)
            continue
        part = design.take(np.flatnonzero(mask).tolist())
        again = replace(part, rows=part.rows[rows], _kept=None, _scratch={})
        truth = fit_logistic(again, y[rows])
        assert_allclose(found.beta[i, [0, *(np.flatnonzero(mask) + 1)]], truth.beta, atol=1e-8)


ASKED = {"outcome": "died", "event": "yes", "predictors": NAMES, "quality": "preview"}


@pytest.mark.parametrize("adjust", ["screen:0.2", "backward:aic"])
def test_the_validated_model_is_the_selected_one(adjust: str) -> None:
    data = clinical(300).assign(rare="a", again=lambda d: d["age"] * 2, none=np.nan)
    asked = {"outcome": "died", "event": "yes", "predictors": [*NAMES, "again", "none"]}
    model = analyze_outcome(data, **asked, adjust=adjust)
    found = validate_outcome_model(data, **asked, adjust=adjust, quality="preview")
    names = list(dict.fromkeys(model.adjusted.effects["term"]))
    assert list(found.facts["selected"]) == names
    fit = model.adjusted.fit.iloc[0]
    measures = found.measures.set_index("measure")["apparent"]
    assert_allclose(measures["c_statistic"], fit["c_statistic"], rtol=1e-12)
    assert_allclose(measures["brier"], fit["brier"], rtol=1e-12)
    codes = {n.code for n in found.notes}
    assert {"selection_repeated", "constant", "no_values"} <= codes
    assert found.n_used == 300
    assert list(found.selection["term"]) == ["age", "dose", "stage", "again"]
    assert found.facts["usable_resamples"] == found.facts["resamples"]


def test_the_choice_rests_on_rows_complete_in_all_candidates() -> None:
    data = clinical(300)
    data.loc[:39, "dose"] = np.nan
    found = validate_outcome_model(data, **ASKED, adjust="screen:0.2")
    assert found.n_used == 260
    assert dict(found.exclusions) == {"predictor missing": 40}
    complete = validate_outcome_model(data.iloc[40:], **ASKED, adjust="screen:0.2")
    assert_allclose(found.measures["optimism"], complete.measures["optimism"], rtol=1e-9)


def test_resamples_without_a_selection_are_counted_and_have_no_line() -> None:
    rng = np.random.default_rng(3)
    data = clinical(200)
    data["died"] = rng.choice(["yes", "no"], 200)
    data["age"] = rng.normal(size=200) + 0.35 * (data["died"] == "yes")
    found = validate_outcome_model(data, **{**ASKED, "predictors": ["age"]}, adjust="screen:0.05")
    empty, facts = found.facts["empty_resamples"], found.facts
    assert 0 < empty < facts["resamples"]
    assert found.selection["resamples"][0] == facts["usable_resamples"] - empty
    lines = found.measures.set_index("measure")["resamples"]
    assert lines["calibration_slope"] == facts["usable_resamples"] - empty
    assert lines["c_statistic"] == facts["usable_resamples"]
    assert {"empty_resamples", "no_calibration_line"} <= {n.code for n in found.notes}


def test_nothing_selected_is_a_sentence() -> None:
    data = clinical(150).assign(died=["yes", "no"] * 75, age=list(range(50)) * 3)
    with pytest.raises(NotEstimable, match="No predictor passed"):
        validate_outcome_model(data, **{**ASKED, "predictors": ["age"]}, adjust="screen:0.0001")


def test_a_resample_without_finite_estimates_has_no_backward_elimination() -> None:
    data = clinical(seed=5)
    data.loc[[0, 29, 58], "died"] = ["yes", "no", "yes"]
    data["rare"] = data["rare"].replace("c", "b")
    found = validate_outcome_model(data, **ASKED, adjust="backward:aic")
    assert found.facts["separated_resamples"] > 0
    assert found.facts["usable_resamples"] + found.facts["separated_resamples"] == 100
    note = next(n for n in found.notes if n.code == "separated_resamples")
    assert "too favourable" in note.text
    assert "to eliminate from" in note.text  # another method would not help


def test_row_order_is_irrelevant_to_a_selected_model() -> None:
    data = clinical(160)
    turned = data.sample(frac=1.0, random_state=4).reset_index(drop=True)
    asked = {**ASKED, "predictors": NAMES[:3]}
    for adjust in ("screen:0.3", "backward:aic"):
        a = validate_outcome_model(data, **asked, adjust=adjust)
        b = validate_outcome_model(turned, **asked, adjust=adjust)
        assert_array_equal(a.selection["resamples"], b.selection["resamples"])
        assert_allclose(a.measures["optimism"], b.measures["optimism"], rtol=1e-7, atol=1e-9)


def test_the_same_seed_gives_the_same_bytes() -> None:
    names = ("measures", "calibration", "decision", "selection")
    for adjust in ("screen:0.3", "backward:aic"):
        asked = {**ASKED, "predictors": NAMES[:3], "adjust": adjust}
        made = [validate_outcome_model(clinical(), **asked, seed=6) for _ in "ab"]
        left, right = ([c.data for n in names for c in r.table(n).columns] for r in made)
        assert left == right
