"""A validated model in print: table, figures, methods paragraph."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from presentation.families import figures_of, methods_text, more_tables_of, table_of
from presentation.layers import Line, Points, Segments
from presentation.numbers import LANCET
from stats.errors import NotEstimable
from stats.result import ValidationResult
from stats.validation import validate_outcome_model

WORDS = {"labels": {"died": "Death", "age": "Age"}, "units": {"age": "years"}}
VERSIONS = {"Clinstat": "9.9.9", "numpy": "2.4"}
MACHINE = re.compile(r"nan|inf\b|None|Traceback|[a-z]_[a-z]|\{|\}")
NAN = float("nan")


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(3)
    n = 300
    age = rng.normal(60, 12, n).round()
    sex = rng.choice(["f", "m"], n)
    risk = 1 / (1 + np.exp(-(-1 + 0.05 * (age - 60) + 0.6 * (sex == "m"))))
    died = np.where(rng.random(n) < risk, "yes", "no")
    found = pd.DataFrame({"age": age, "sex": sex, "died": died})
    found.loc[:9, "age"] = NAN
    return found


@pytest.fixture(scope="module")
def result(frame):
    return validate_outcome_model(frame, outcome="died", event="yes", predictors=["age", "sex"])


def by_hand(**more) -> ValidationResult:
    """A validation with round numbers, written down here and nowhere computed."""
    measures = {
        "measure": ["c_statistic", "calibration_slope", "calibration_intercept",
                    "recalibration_intercept", "brier"],
        "apparent": [0.75, 1.0, -1e-13, 0.0, 0.2], "optimism": [0.0123, 0.1, 0.01, 0.02, -0.004],
        "corrected": [0.7377, 0.9, -0.01, -0.02, 0.204], "mc_error": [0.0011, 0.009, 0.007, 0.006, 0.0005],
        "target": [0.002, 0.02, 0.02, 0.02, 0.001], "low": [0.70, NAN, NAN, NAN, 0.19],
        "high": [0.78, NAN, NAN, NAN, 0.22], "resamples": [200, 200, 200, 200, 200],
    }  # fmt: skip
    curve = {"predicted": [0.1, 0.3, 0.5], "observed": [0.05, 0.33, 0.5], "low": [0.0, 0.2, 0.3],
             "high": [0.2, 0.4, 0.6], "optimism": [0.0, 0.01, 0.02], "corrected": [-0.01, 0.32, 0.48],
             "corrected_low": [-0.05, 0.2, 0.3], "corrected_high": [0.1, 0.4, 0.55], "mc_error": [0.001] * 3}  # fmt: skip
    decision = {"threshold": [0.1, 0.2, 0.3], "treat_all": [0.2, 0.1, -0.9], "treat_none": [0.0] * 3,
                "apparent": [0.22, 0.15, 0.05], "optimism": [0.01] * 3, "corrected": [0.21, 0.14, 0.04],
                "low": [0.15, 0.1, 0.0], "high": [0.25, 0.2, 0.1], "mc_error": [0.001] * 3}  # fmt: skip
    facts = {"events": 40, "estimator": "maximum likelihood", "method": "auto", "quality": "standard",
             "seed": 7, "resamples": 200, "usable_resamples": 198, "least_resamples": 200,
             "most_resamples": 500, "targets": {"c_statistic": 0.002, "brier": 0.001},
             "share_of_target": 0.9, "target_reached": True, "finished": True, "firth_resamples": 3,
             "reduced_resamples": 0, "knots": (-1.0, 0.0, 1.0), "ci_level": 0.95}  # fmt: skip
    given = {
        "analysis": "validate_outcome_model", "n_rows": 110, "n_used": 100,
        "choices": {"outcome": "died", "predictors": ("age", "sex"), "adjust": "all"},
        "exclusions": {"predictor missing": 10}, "outcome": "died", "event": "yes", "other": "no",
        "measures": measures, "calibration": curve, "decision": decision,
        "groups": {"group": [1, 2], "n": [50, 50], "predicted": [0.2, 0.4], "observed": [0.1, 0.5]},
        "selection": {"term": [], "in_model": [], "resamples": [], "share": []},
        "facts": facts, "method": {"model": "logistic regression"},
    }  # fmt: skip
    more_facts = more.pop("facts", {})
    return ValidationResult(**{**given, "facts": {**facts, **more_facts}, **more})


def test_the_table_shows_apparent_optimism_corrected_and_their_error():
    table = table_of(by_hand(), **WORDS)
    assert [c.title for c in table.columns] == [
        "Measure", "Apparent", "Optimism", "Corrected (95% CI)", "Monte Carlo error", "Resamples",
    ]  # fmt: skip
    first = [c.text for c in table.rows[0].cells]
    assert first == ["C-statistic", "0.750", "0.012", "0.738 (0.700 to 0.780)", "0.0011", "200"]
    assert table.rows[0].cells[3].numbers == (0.7377, 0.70, 0.78)
    assert [c.text for c in table.rows[2].cells][1:4] == ["0.000", "0.010", "−0.010"]
    assert "Death = yes. 100 of 110 rows, 40 events." in table.subtitle
    marks = [n.mark for n in table.footnotes]
    assert marks == sorted(marks)


def test_a_measure_without_interval_says_why():
    table = table_of(by_hand())
    notes = {n.mark: n.text for n in table.footnotes}
    assert "same value each time" in notes[table.rows[1].cells[3].mark]
    measures = by_hand().measures.assign(low=NAN, high=NAN, resamples=50)
    table = table_of(by_hand(measures=measures))
    notes = {n.mark: n.text for n in table.footnotes}
    assert "fewer than 100 resamples" in notes[table.rows[0].cells[3].mark]
    assert table.rows[0].cells[3].text == "0.738"


def test_styles_reach_the_table():
    text = table_of(by_hand(), style=LANCET).rows[0].cells[3].text
    assert text == "0·738 (0·700–0·780)"


def test_further_tables_are_groups_net_benefit_resamples_and_rows():
    tables = more_tables_of(by_hand(), **WORDS)
    assert [t.name for t in tables] == ["Calibration", "Net benefit", "Resampling", "Rows"]
    assert [c.text for c in tables[1].rows[0].cells] == ["10", "0.220", "0.210 (0.150 to 0.250)", "0.200"]  # fmt: skip
    assert tables[3].rows[-1].cells[0].text == "Rows used"


def selected() -> ValidationResult:
    return by_hand(
        choices={"outcome": "died", "predictors": ("age", "sex"), "adjust": "backward:aic"},
        selection={"term": ["age", "sex"], "in_model": [True, False],
                   "resamples": [198, 99], "share": [1.0, 0.5]},
        facts={"candidates": ("age", "sex"), "selected": ("age",), "empty_resamples": 0,
               "same_selection_resamples": 99},
    )  # fmt: skip


def test_a_selected_model_says_so_and_how_often_each_predictor_was_selected():
    assert (
        "selected by the data (backward elimination on AIC)" in table_of(selected(), **WORDS).title
    )
    tables = {t.name: t for t in more_tables_of(selected(), **WORDS)}
    rows = [[c.text for c in row.cells] for row in tables["Selection"].rows]
    assert rows == [["Age", "yes", "198", "100.0"], ["sex", "no", "99", "50.0"]]
    assert tables["Selection"].notes == (
        "99 of 198 resamples selected the same predictors as the model.",
    )  # fmt: skip
    assert [r.cells[0].text for r in tables["Resampling"].rows].count(
        "Of these without any selected predictor"
    ) == 1  # fmt: skip


def test_the_paragraph_of_a_selected_model_says_that_the_selection_was_repeated():
    text = methods_text(selected(), versions=VERSIONS, **WORDS)
    for part in (
        "selected by the data (backward elimination on AIC) from Age and sex, for Death = yes",
        "the whole procedure (the selection of predictors and estimation by maximum likelihood",
        "The selected model holds Age; 99 of 198 resamples selected the same predictors.",
    ):
        assert part in text, part
    assert not MACHINE.search(text)


def test_the_calibration_curve_has_its_band_groups_and_ideal_line():
    plot = figures_of(by_hand(), **WORDS)[0]
    assert plot.name == "calibration"
    panel = plot.panels[0]
    assert (panel.x.low, panel.x.high) == (panel.y.low, panel.y.high)
    kinds = [type(layer) for layer in panel.layers]
    assert kinds == [Segments, Line, Line, Points]
    ideal, corrected, apparent, groups = panel.layers
    assert ideal.x == ideal.y
    assert ideal.x_end == ideal.y_end == (0.6,)
    assert corrected.y == (0.0, 0.32, 0.48)  # a risk is not below 0
    assert corrected.low == (0.0, 0.2, 0.3)
    assert apparent.y == (0.05, 0.33, 0.5)
    assert groups.y == (0.1, 0.5)
    assert [s.name for s in plot.series] == [
        "Corrected for optimism", "Groups of rising risk", "Apparent", "Ideal",
    ]  # fmt: skip
    assert "Corrected calibration slope 0.90" in plot.alt


def test_the_decision_curve_stands_beside_treating_all_and_none():
    plot = figures_of(by_hand(), **WORDS)[1]
    treat_all, none, model = plot.panels[0].layers
    assert none.y == (0, 0)
    assert model.x == (10.0, 20.0, 30.0)
    assert model.high == (0.25, 0.2, 0.1)
    # down to the end of the axis at -0.05, met between 20 and 30 on a line from 0.1 to -0.9
    assert treat_all.y == (0.2, 0.1, -0.05)
    assert treat_all.x[2] == pytest.approx(21.5)
    assert "at 3 of 3 thresholds, from 10% to 30%" in plot.alt


def test_a_band_that_is_not_known_is_not_drawn():
    calibration = by_hand().calibration.assign(corrected_low=NAN, corrected_high=NAN)
    decision = by_hand().decision.assign(low=NAN, high=NAN)
    first, second = figures_of(by_hand(calibration=calibration, decision=decision))
    assert first.panels[0].layers[1].low == ()
    assert second.panels[0].layers[2].low == ()
    assert "Band" not in "".join((*first.notes, *second.notes))


def test_without_a_calibration_curve_there_is_only_the_decision_curve():
    calibration = by_hand().calibration.assign(corrected=NAN, observed=NAN)
    assert [p.name for p in figures_of(by_hand(calibration=calibration))] == ["decision curve"]


def test_the_paragraph_says_what_was_repeated_how_often_and_from_which_seed():
    text = methods_text(by_hand(), versions=VERSIONS, **WORDS)
    for part in (
        "of Age and sex for Death = yes (against no)", "the 100 rows with replacement",
        "maximum likelihood, with Firth's penalty where predictors separate the outcome [2,3]",
        'quality "standard": at least 200 and at most 500 resamples), which was so after 200',
        "0.002 for the C-statistic and 0.001 for the Brier score", "In 2 resamples no model",
        "Firth's penalty was used in 3 resamples", "The seed of the random numbers was 7",
        "restricted cubic spline (3 knots)", "bootstrap percentiles", "100 of 110 rows", "Clinstat 9.9.9",
        "1. Harrell FE Jr", "Vickers AJ",
    ):  # fmt: skip
        assert part in text, part


@pytest.mark.parametrize(
    ("facts", "choices", "part"),
    [
        ({"finished": False}, {}, "was stopped after 200 resamples"),
        ({"target_reached": False, "share_of_target": 1.7}, {}, "was then 1.7 times its target"),
        ({"method": "firth"}, {}, "estimation by Firth's penalised likelihood"),
        (
            {"selected": ("age",), "same_selection_resamples": 9},
            {"adjust": "backward:aic"},
            "(the selection of predictors and estimation",
        ),
        ({}, {"adjust": ("sex",)}, "regression of sex for died"),
    ],
)
def test_what_happened_is_what_is_written(facts, choices, part):
    given = by_hand(facts=facts, choices={**by_hand().choices, **choices})
    assert part in methods_text(given, versions=VERSIONS)


def test_a_real_validation_is_told_in_plain_words(result):
    tables = (table_of(result, **WORDS), *more_tables_of(result, **WORDS))
    shown = [cell.text for t in tables for row in t.rows for cell in row.cells]
    shown += [n.text for t in tables for n in t.footnotes] + [
        x for t in tables for x in (*t.notes, t.caption)
    ]
    figures = figures_of(result, **WORDS)
    shown += [f.alt for f in figures] + [n for f in figures for n in f.notes]
    assert [f.name for f in figures] == ["calibration", "decision curve"]
    for text in (*shown, methods_text(result, versions=VERSIONS, **WORDS)):
        assert MACHINE.search(text) is None, text


def test_partial_results_of_few_resamples_are_printed_too(frame):
    parts = []

    class Enough(Exception):
        pass

    def progress(_fraction, partial):
        parts.append(partial)
        raise Enough

    with pytest.raises(Enough):
        validate_outcome_model(
            frame, outcome="died", event="yes", predictors=["age", "sex"], progress=progress
        )
    assert figures_of(parts[0])
    assert "was stopped after 50 resamples" in methods_text(parts[0], versions=VERSIONS)
    assert "percentiles" not in methods_text(parts[0], versions=VERSIONS)
    assert "fewer than 100" in " ".join(n.text for n in table_of(parts[0]).footnotes)


def test_perfect_separation_has_tables_without_machine_words():
    frame = pd.DataFrame({"x": range(40), "died": [0] * 20 + [1] * 20})
    try:
        result = validate_outcome_model(frame, outcome="died", predictors=["x"], quality="preview")
    except NotEstimable:
        return
    tables = (table_of(result), *more_tables_of(result))
    shown = [cell.text for t in tables for row in t.rows for cell in row.cells]
    assert not [text for text in shown if MACHINE.search(text)]
    assert all(figure.alt for figure in figures_of(result))
