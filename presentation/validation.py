"""Registers how the internal validation of a model is printed; its tables.

The main table holds what the paper reports: each measure as it looks on the data of the model, how
much of that is optimism, and what is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from presentation import numbers
from presentation.details import exclusions_table, risk_groups_table
from presentation.effects import rows_of
from presentation.extra_methods import selection_words
from presentation.figures import Figure, figures_of, more_tables_of
from presentation.journal import table_of
from presentation.methods import methods_text
from presentation.names import Names, names_of
from presentation.notes import general_notes
from presentation.numbers import PLAIN, NumberStyle
from presentation.table import Cell, Column, Footnotes, Row, Table
from presentation.validation_figures import calibration_plot, decision_plot
from presentation.validation_methods import validation_methods
from presentation.wording import ci_percent
from stats.result import ValidationResult

_MEASURES: Mapping[str, str] = {
    "c_statistic": "C-statistic",
    "calibration_slope": "Calibration slope",
    "calibration_intercept": "Calibration intercept, slope held at 1",
    "recalibration_intercept": "Intercept beside the calibration slope",
    "brier": "Brier score",
}
_BEST = (
    "Best values: C-statistic 1 (0.5 is chance), calibration slope 1, intercepts 0, Brier score 0. "
    "A slope below 1 means that predicted risks are too extreme, an intercept below 0 that they "
    "are too high on average."
)
#: Percentiles of fewer resamples are not given.
_ENOUGH = 100
_DECIMALS = 3
_COUNTS: Mapping[str, str] = {
    "resamples": "Resamples",
    "usable_resamples": "Of these with a model",
    "most_resamples": "Largest number of this quality",
    "firth_resamples": "Fitted with Firth's penalty",
    "empty_resamples": "Of these without any selected predictor",
    "reduced_resamples": "Fitted without a level or predictor that did not vary",
}
#: Threshold risks of the printed decision table.
_THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@table_of.register
def _(
    result: ValidationResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> Table:
    names = names_of(result.choices, labels, units)
    return _measures_table(result, names, style)


@more_tables_of.register
def _(
    result: ValidationResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Table, ...]:
    names = names_of(result.choices, labels, units)
    tables = (
        risk_groups_table(result.table("groups"), style),
        _decision_table(result, names, style),
        _selection_table(result, names, style),
        _resampling_table(result, style),
        exclusions_table(result),
    )
    return tuple(table for table in tables if table.rows)


@figures_of.register
def _(
    result: ValidationResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Figure, ...]:
    names = names_of(result.choices, labels, units)
    found = (calibration_plot(result, names, style), decision_plot(result, names, style))
    return tuple(figure for figure in found if figure is not None)


@methods_text.register
def _(
    result: ValidationResult,
    *,
    versions: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> str:
    return validation_methods(result, names_of(result.choices, labels, units), versions)


def _measures_table(result: ValidationResult, names: Names, style: NumberStyle) -> Table:
    marks = Footnotes()
    ci = ci_percent(result.facts)
    columns = (
        Column("Measure"),
        _numeric("Apparent", mark=marks.mark("On the rows that made the model.")),
        _numeric("Optimism", mark=marks.mark("Mean over the resamples of what is lost elsewhere.")),
        Column(
            f"Corrected ({ci}% CI)", "number", ("Corrected", f"{ci}% CI low", f"{ci}% CI high"),
            ("0.000", "0.000", "0.000"),
            mark=marks.mark(
                "Apparent value less optimism; confidence interval from bootstrap percentiles."
            ),
        ),
        _numeric(
            "Monte Carlo error", "0.0000",
            mark=marks.mark("Standard error of the corrected value that more resamples lessen."),
        ),
        _numeric("Resamples", "0"),
    )  # fmt: skip
    outcome = names.of(result.outcome)
    events = result.facts.get("events")
    counted = f", {numbers.count(events)} events" if numbers.known(events) else ""
    chosen = selection_words(result.choices.get("adjust"))
    selected = f", predictors selected by the data ({chosen})" if chosen else ""
    return Table(
        name="Validation",
        title=f"Internal validation of the model for {outcome}{selected}.",
        subtitle=(
            f"Event: {outcome} = {result.event}. {result.n_used} of {result.n_rows} rows{counted}."
        ),
        columns=columns,
        rows=tuple(_measure_row(row, marks, style) for row in rows_of(result.table("measures"))),
        footnotes=marks.done(),
        notes=("CI, confidence interval.", _BEST, *general_notes((result,))),
    )  # fmt: skip


def _numeric(title: str, form: str = "0.000", *, mark: str = "") -> Column:
    return Column(title, "number", (title,), (form,), mark=mark)


def _measure_row(row: Mapping[str, Any], marks: Footnotes, style: NumberStyle) -> Row:
    title = _MEASURES.get(row["measure"], row["measure"].replace("_", " "))
    missing = ""
    if numbers.known(row["corrected"]) and not numbers.known(row["low"]):
        missing = marks.mark(
            f"Without an interval: fewer than {_ENOUGH} resamples."
            if row["resamples"] < _ENOUGH
            else "Without an interval: on its own resample a model has the same value each time."
        )
    return Row("single", (
        Cell(title),
        _cell(row["apparent"], _DECIMALS, style),
        _cell(row["optimism"], _DECIMALS, style),
        _with_interval(row, style, missing),
        _cell(row["mc_error"], 4, style),
        _cell(float(row["resamples"]), 0, style),
    ))  # fmt: skip


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _cell(value: float, decimals: int, style: NumberStyle) -> Cell:
    return Cell(numbers.number(value, decimals, style), (_finite(value),))


def _with_interval(row: Mapping[str, Any], style: NumberStyle, mark: str = "") -> Cell:
    """`0.678 (0.636 to 0.722)`; the value alone where it has no interval."""
    shown, low, high = (
        numbers.number(row[key], _DECIMALS, style) for key in ("corrected", "low", "high")
    )
    if numbers.known(row["low"]) and numbers.known(row["high"]):
        shown = f"{shown} ({numbers.between(low, high, style)})"
    return Cell(shown, tuple(_finite(row[key]) for key in ("corrected", "low", "high")), mark)


def _decision_table(result: ValidationResult, names: Names, style: NumberStyle) -> Table:
    """Net benefit at round threshold risks."""
    ci = ci_percent(result.facts)
    rows: list[Row] = []
    for row in rows_of(result.table("decision")):
        if not any(abs(row["threshold"] - t) < 1e-9 for t in _THRESHOLDS):
            continue
        rows.append(
            Row("single", (
                Cell(numbers.number(100 * row["threshold"], 0, style), (row["threshold"],)),
                _cell(row["apparent"], _DECIMALS, style),
                _with_interval(row, style),
                _cell(row["treat_all"], _DECIMALS, style),
            ))
        )  # fmt: skip
    return Table(
        name="Net benefit",
        title=f"Net benefit of treating by predicted risk of {names.of(result.outcome)}.",
        rows=tuple(rows),
        columns=(
            Column("Threshold risk, %", "number", ("Threshold risk",), ("0.00",)),
            _numeric("Model, apparent"),
            Column(
                f"Model, corrected ({ci}% CI)", "number",
                ("Model, corrected", f"{ci}% CI low", f"{ci}% CI high"), ("0.000",) * 3,
            ),
            _numeric("Treat all"),
        ),
        notes=("Net benefit per patient: true positives less weighted false positives.",
               "Treating nobody has a net benefit of 0."),
    )  # fmt: skip


def _selection_table(result: ValidationResult, names: Names, style: NumberStyle) -> Table:
    """How often each candidate was selected."""
    usable, same = (
        numbers.count(result.facts.get(key, 0))
        for key in ("usable_resamples", "same_selection_resamples")
    )
    return Table(
        name="Selection", title="How often the resamples selected each predictor.",
        columns=(
            Column("Predictor"), Column("In the model"), _numeric("Resamples", "0"),
            _numeric("%", "0.0"),
        ),
        rows=tuple(
            Row("single", (
                Cell(names.of(row["term"])), Cell("yes" if row["in_model"] else "no"),
                _cell(float(row["resamples"]), 0, style),
                Cell(numbers.number(100 * row["share"], 1, style), (_finite(100 * row["share"]),)),
            ))
            for row in rows_of(result.table("selection"))
        ),
        notes=(f"{same} of {usable} resamples selected the same predictors as the model.",),
    )  # fmt: skip


def _resampling_table(result: ValidationResult, style: NumberStyle) -> Table:
    """How many resamples there were, and how far the Monte Carlo error is from its target."""
    facts = result.facts
    share = facts["share_of_target"]
    lines: list[tuple[str, str, float | None]] = [("Quality", str(facts["quality"]), None)]
    lines += [
        (title, numbers.count(facts[key]), float(facts[key]))
        for key, title in _COUNTS.items()
        if numbers.known(facts.get(key)) and (key != "empty_resamples" or facts.get("candidates"))
    ]  # fmt: skip
    lines += [
        (
            "Largest Monte Carlo error, as a share of its target",
            numbers.number(share, 2, style), _finite(share),
        ),
        ("Seed", str(facts["seed"]), None),
    ]  # fmt: skip
    return Table(
        name="Resampling", title="The resamples.",
        columns=(Column(""), Column("Value", "number", ("Value",), ("General",))),
        rows=tuple(
            Row("single", (Cell(title), Cell(text, () if value is None else (value,))))
            for title, text, value in lines
        ),
    )  # fmt: skip
