"""`evaluate_test`: how well a test with two results tells two states apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from stats.accuracy import Measure, at_prevalence, measures_frame, proportions_of, ratios_of
from stats.association_sources import CLOPPER_PEARSON, MERCALDO, NEWCOMBE, SIMEL, WILSON
from stats.named_choices import confidence_level, one_of, share_between
from stats.result import AccuracyResult, Note
from stats.two_levels import (
    TEST,
    TRUTH,
    TwoByTwo,
    TwoLevels,
    assumed_notes,
    counts_frame,
    cross,
    different_columns,
    exclusions_of,
    refuse_no_rows,
    two_levels,
)
from stats.variables import Dataset, as_dataset

_INTERVALS = ("wilson", "exact")


def evaluate_test(
    data: Dataset | pd.DataFrame,
    *,
    test: str,
    truth: str,
    positive: object = None,
    event: object = None,
    prevalence: float | None = None,
    interval: str = "wilson",
    ci_level: float = 0.95,
) -> AccuracyResult:
    """Sensitivity, specificity, predictive values, likelihood ratios of a two-valued test.

    Parameters
    ----------
    data : one row per patient; rows without a test result or without the truth are left out.
    test, truth : columns with two values each; `truth` is the reference standard.
    positive, event : the level of `test` that is positive and the level of `truth` that means
        diseased. May be left out for 0/1, no/yes and FALSE/TRUE only.
    prevalence : in (0, 1); adds the predictive values at this prevalence.
    interval : of proportions, "wilson" or "exact" (Clopper-Pearson).
    ci_level : in [0.5, 1).

    Returns
    -------
    AccuracyResult. `counts`: four cells, row = test, column = truth. `measures`: sensitivity,
    specificity, ppv, npv, accuracy, prevalence (with `x` of `n`), lr_positive, lr_negative,
    diagnostic_odds_ratio (log intervals; with an empty cell again with Koopman's score interval
    and with 0.5 added), youden
    (Newcombe), and ppv_at_prevalence, npv_at_prevalence (logit). Measures without an interval
    have a note.

    Raises
    ------
    BadInput : unknown column or level, not two values, level not chosen. NotEstimable : no row
        has both.

    References
    ----------
    See `stats.accuracy` and `stats.proportions` for formulas and sources.

    Checked against
    ---------------
    R binom.test, prop.test (tests/reference), closed forms.
    """
    dataset = as_dataset(data)
    asked = {
        "test": test, "truth": truth, "positive": positive, "event": event,
        "prevalence": prevalence, "interval": interval, "ci_level": ci_level,
    }  # fmt: skip
    choices = prepare(dataset, asked)[1]
    tested, diseased = _columns(dataset, choices)
    n_used, lost = exclusions_of(dataset.n_rows, diseased, tested)
    refuse_no_rows(n_used, diseased, tested)
    table = cross(tested, diseased)
    measures = _measures(table, choices)
    notes = [*assumed_notes(diseased, tested), *_notes(table, tested, diseased, measures)]
    return AccuracyResult(
        analysis="evaluate_test", choices=choices, n_rows=dataset.n_rows, n_used=n_used,
        exclusions=lost, notes=tuple(notes), references=_references(choices),
        method={
            "interval": choices["interval"], "ci_level": choices["ci_level"],
            "test": tested.name, "positive": tested.yes, "negative": tested.no,
            "truth": diseased.name, "event": diseased.yes, "other": diseased.no,
            "zero_cells": table.has_zero,
        },
        counts=counts_frame(table, tested, diseased), measures=measures_frame(measures),
        tests={"test": [], "statistic": [], "df": [], "p_value": []},
        facts={"events": table.a + table.c, "positives": table.a + table.b},
    )  # fmt: skip


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check the choices of `evaluate_test`; the columns named and the choices in full.

    A level that was left out stays None, so that the note about it is part of the result.
    """
    test, truth = str(choices["test"]), str(choices["truth"])
    prevalence = choices["prevalence"]
    complete: dict[str, Any] = {
        "test": test, "truth": truth, "positive": choices["positive"], "event": choices["event"],
        "prevalence": None if prevalence is None
        else share_between("prevalence", prevalence, "The prevalence"),
        "interval": one_of("interval", choices["interval"], _INTERVALS),
        "ci_level": confidence_level(choices["ci_level"]),
    }  # fmt: skip
    different_columns({"the reference standard": truth, "the test": test})
    tested, diseased = _columns(dataset, complete)
    complete["positive"] = None if complete["positive"] is None else tested.yes
    complete["event"] = None if complete["event"] is None else diseased.yes
    return (truth, test), complete


def _columns(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[TwoLevels, TwoLevels]:
    return (
        two_levels(dataset, choices["test"], choices["positive"], TEST),
        two_levels(dataset, choices["truth"], choices["event"], TRUTH),
    )


def _measures(table: TwoByTwo, choices: Mapping[str, Any]) -> list[Measure]:
    ci_level = choices["ci_level"]
    found = proportions_of(table, ci_level, choices["interval"])
    found += ratios_of(table, ci_level)
    if choices["prevalence"] is not None:
        found += at_prevalence(table, choices["prevalence"], ci_level)
    return found


def _references(choices: Mapping[str, Any]) -> tuple[str, ...]:
    own = WILSON if choices["interval"] == "wilson" else CLOPPER_PEARSON
    other = (MERCALDO,) if choices["prevalence"] is not None else ()
    return (own, SIMEL, NEWCOMBE, *other)


def _notes(
    table: TwoByTwo, tested: TwoLevels, diseased: TwoLevels, measures: list[Measure]
) -> list[Note]:
    """Why measures are missing, and what their numbers cannot say."""
    notes: list[Note] = []
    margins = (
        (table.a + table.c, diseased, diseased.yes, "sensitivity"),
        (table.b + table.d, diseased, diseased.no, "specificity"),
        (table.a + table.b, tested, tested.yes, "positive predictive value"),
        (table.c + table.d, tested, tested.no, "negative predictive value"),
    )
    for n, column, level, what in margins:
        if n == 0:
            text = (
                f'No row used has "{column.name}" = "{level}", so the {what} and what depends on '
                "it cannot be computed. Include such rows."
            )
            notes.append(Note("empty_margin", "warning", text, column.name))
    without = [m for m in measures if not math.isfinite(m.interval.low + m.interval.high)]
    if table.has_zero and without and not notes:
        text = (
            "A cell of the table is empty, so ratios that divide by it are 0 or infinite and have "
            "no such interval. Read the score intervals, or the rows with 0.5 added to each cell."
        )
        notes.append(Note("zero_cell", "caution", text))
    notes.append(
        Note(
            "sample_prevalence", "info",
            "Predictive values belong to the prevalence in these rows; with another prevalence "
            "they are different. Choose a prevalence to see them there.",
        )
    )  # fmt: skip
    return notes
