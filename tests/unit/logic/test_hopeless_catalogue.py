"""Every row of the catalogue with every hopeless frame: an answer that prints, or a sentence."""

from __future__ import annotations

import re
import time
import warnings
from typing import Any

import pandas as pd
import pytest

import logic
from presentation.families import figures_of, methods_text, more_tables_of, table_of
from presentation.table import Table
from stats.errors import StatsError
from tests.unit.logic.hopeless_frames import FRAMES

PREDICTORS = ["marker", "other", "group"]
CHOICES: dict[str, dict[str, Any]] = {
    "analyze_outcome": {"outcome": "status", "event": 1, "predictors": PREDICTORS},
    "check_collinearity": {"variables": PREDICTORS},
    "validate_outcome_model": {
        "outcome": "status", "event": 1, "predictors": PREDICTORS, "quality": "preview",
    },
    "describe_cohort": {"group": "arm", "tests": True},
    "compare_groups": {"value": "marker", "group": "group"},
    "correlate": {"variables": ["marker", "other", "time"]},
    "fit_linear": {"outcome": "other", "predictors": ["marker", "group"]},
    "fit_counts": {"outcome": "count", "person_time": "time", "predictors": ["marker", "arm"]},
    "fit_cox": {
        "time": "time", "event": "status", "event_level": 1, "predictors": PREDICTORS,
    },
    "estimate_survival": {
        "time": "time", "event": "status", "event_level": 1, "group": "group", "times": [5, 10],
    },
    "estimate_incidence": {
        "time": "time", "event": "status", "censored": 0, "group": "arm",
    },
    "evaluate_test": {"test": "arm", "positive": "yes", "truth": "status", "event": 1},
    "two_by_two": {"exposure": "arm", "exposed": "yes", "outcome": "status", "event": 1},
    "evaluate_roc": {"truth": "status", "event": 1, "markers": ["marker", "other"]},
    "stratify": {
        "exposure": "arm", "exposed": "yes", "outcome": "status", "event": 1, "stratum": "site",
    },
}  # fmt: skip
#: Further choices of a row, which also meet every frame.
MORE: dict[str, dict[str, Any]] = {
    "analyze_outcome with everything": {
        **CHOICES["analyze_outcome"], "adjust": "backward:aic", "exposure": "group",
        "splines": ["marker"], "risk_measures": True, "subgroups": ["arm"], "cluster": "site",
    },
    "validate_outcome_model by screening": {
        **CHOICES["validate_outcome_model"], "adjust": "screen:0.2",
    },
    "validate_outcome_model by elimination": {
        **CHOICES["validate_outcome_model"], "adjust": "backward:aic",
    },
}  # fmt: skip
EVERY = CHOICES | MORE
UNFIT = re.compile(r"\b(nan|inf|traceback|error:|<na>)\b|^None$", re.IGNORECASE)
SECONDS = 2.0


def texts_of(table: Table) -> list[str]:
    cells = [cell.text for row in table.rows for cell in row.cells]
    footnotes = [note.text for note in table.footnotes]
    return [*cells, table.title, table.subtitle, *footnotes, *table.notes]


def printed(result: Any) -> list[str]:
    tables = (table_of(result), *more_tables_of(result))
    figures_of(result)
    words = [text for table in tables for text in texts_of(table)]
    return [*words, methods_text(result, versions=logic.VERSIONS), *(n.text for n in result.notes)]


def said(name: str, data: pd.DataFrame) -> list[str]:
    """Everything that the page would show; the sentences of a refusal."""
    try:
        dataset = logic.Dataset(data, ())
        analysis = logic.CATALOGUE[name.partition(" ")[0]]
        analysis.prepare(dataset, bound(name, dataset))
        return printed(analysis.function(dataset, **EVERY[name]))
    except StatsError as error:
        return [error.message, error.hint or "."]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("frame", FRAMES)
def test_an_answer_that_prints_or_a_sentence(name: str, frame: str) -> None:
    data = FRAMES[frame]()
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        words = said(name, data)
    assert time.process_time() - began < SECONDS
    if len(words) == 2:
        assert all(text.rstrip().endswith((".", "?", ")")) for text in words)
    if frame != "levels that look like nothing":  # its levels are data, not faults
        assert [w for w in words if UNFIT.search(w)] == []


def bound(name: str, dataset: logic.Dataset) -> dict[str, Any]:
    arguments = logic.CATALOGUE[name.partition(" ")[0]].signature.bind(dataset, **EVERY[name])
    arguments.apply_defaults()
    return {k: v for k, v in arguments.arguments.items() if k not in ("data", "progress")}


def test_every_row_and_enough_frames_are_tried() -> None:
    assert set(CHOICES) == set(logic.CATALOGUE)
    assert len(FRAMES) >= 40
