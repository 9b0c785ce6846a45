"""How `evaluate_roc` is printed: areas, thresholds, comparisons, curves, methods."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from presentation import numbers
from presentation.association import (
    ADJUSTMENT_WORDS,
    cited,
    estimate_column,
    fixed_cell,
    percent_cell,
    ratio_cell,
)
from presentation.citations import Citations
from presentation.curves import CURVES, CurvePrinter
from presentation.effects import rows_of
from presentation.follow_up import count_cell, count_column, events_cell, p_cell, p_column
from presentation.names import Names
from presentation.notes import general_notes
from presentation.numbers import NumberStyle
from presentation.paragraphs import assembled, rows_sentence, software_sentence
from presentation.roc_figure import roc_figures
from presentation.table import Cell, Column, Footnotes, Row, Spanner, Table
from presentation.text import joined
from presentation.wording import ci_percent
from stats.result import CurveResult

_RULES = {
    "youden": "largest Youden index", "sensitivity": "sensitivity of at least",
    "specificity": "specificity of at least", "value": "given",
}  # fmt: skip


def areas_table(result: CurveResult, names: Names, style: NumberStyle) -> Table:
    """One row per marker: events, area, and the threshold of the largest Youden index."""
    footnotes, truth = Footnotes(), names.of(result.method["truth"])
    summary = rows_of(result.table("summary"))
    best = _best(result)
    shows_missing = any(row["missing"] for row in summary)
    columns = [
        Column("Marker"), Column("Events/n (%)", "number", ("events", "n", "%"), ("0", "0", "0.0")),
    ]  # fmt: skip
    if shows_missing:
        columns.append(count_column("Missing"))
    limits = "DeLong's" if result.choices["interval"] == "delong" else "DeLong's, logit scale"
    columns.append(estimate_column("Area", result, "0.000", footnotes.mark(f"{limits} interval.")))
    columns.append(p_column(style, mark=footnotes.mark("Test that the area is 0.5 (DeLong).")))
    first = len(columns)
    if best:
        columns += [
            Column("Threshold", "number", ("Threshold",), ("General",)),
            estimate_column("Sensitivity, %", result, "0.0"),
            estimate_column("Specificity, %", result, "0.0"),
        ]  # fmt: skip
    rows = tuple(_area_row(row, best, result, names, style, shows_missing) for row in summary)
    return Table(
        name="Areas", title=f"Areas under the ROC curve for {truth}.",
        subtitle=f"Event: {truth} = {result.method['event']}.", columns=tuple(columns), rows=rows,
        spanners=(Spanner("At the largest Youden index", first, first + 2),) if best else (),
        footnotes=footnotes.done(),
        notes=("CI, confidence interval.", *_joint(result, style), *general_notes((result,))),
    )  # fmt: skip


def _best(result: CurveResult) -> dict[str, Mapping[str, Any]]:
    """Marker -> its first threshold with the largest Youden index."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows_of(result.table("chosen")):
        if row["rule"] == "youden":
            found.setdefault(row["group"], row)
    return found


def _area_row(
    row: Mapping[str, Any], best: Mapping[str, Mapping[str, Any]], result: CurveResult,
    names: Names, style: NumberStyle, shows_missing: bool,
) -> Row:  # fmt: skip
    cells = [Cell(names.with_unit(row["group"])), events_cell(row["events"], row["n"], style)]
    if shows_missing:
        cells.append(count_cell(row["missing"]))
    cells.append(fixed_cell(row["area"], row["ci_low"], row["ci_high"], 3, style))
    cells.append(p_cell(row["p_value"], style))
    at = best.get(row["group"])
    if at is not None:
        cells += [_threshold(at, result, style), *_shares(at, style)]
    elif best:
        cells += [Cell(), Cell(), Cell()]
    return Row("single", tuple(cells))


def _shares(row: Mapping[str, Any], style: NumberStyle) -> list[Cell]:
    return [
        percent_cell(row[name], row[f"{name}_low"], row[f"{name}_high"], style)
        for name in ("sensitivity", "specificity")
    ]


def _threshold(row: Mapping[str, Any], result: CurveResult, style: NumberStyle) -> Cell:
    """The value (or level) from which on rows are called positive."""
    value, sign = row["threshold"], "≥"
    if result.choices["direction"][row["group"]] == "lower":
        sign = "≤"
    if row["level"] is not None:
        return Cell(f"{sign} {row['level']}", (value,))
    if math.isinf(value):
        return Cell("none", (None,))
    shown = f"{value:.6g}".replace("-", numbers.MINUS).replace(".", style.decimal)
    return Cell(f"{sign} {shown}", (value,))


def _joint(result: CurveResult, style: NumberStyle) -> tuple[str, ...]:
    return tuple(
        f"All areas equal (DeLong, {row['n']} rows that know every marker): "
        f"{numbers.p_phrase(row['p_value'], style)}."
        for row in rows_of(result.table("tests"))
    )


def more_roc_tables(result: CurveResult, names: Names, style: NumberStyle) -> tuple[Table, ...]:
    """Comparisons of markers, and every threshold looked at."""
    tables: list[Table] = []
    if result.table("pairwise").n_rows:
        tables.append(_pairs_table(result, names, style))
    if result.table("chosen").n_rows:
        tables += [_thresholds_table(result, names, style), _values_table(result, names, style)]
    return tuple(tables)


def _pairs_table(result: CurveResult, names: Names, style: NumberStyle) -> Table:
    footnotes = Footnotes()
    found = rows_of(result.table("pairwise"))
    adjusted = result.choices["adjust"] != "none" and len(found) > 1
    rows: list[Row] = []
    for row in found:
        cells = [
            Cell(f"{names.of(row['group_a'])} against {names.of(row['group_b'])}"),
            count_cell(row["n"]),
            *(Cell(numbers.number(row[k], 3, style), _one(row[k])) for k in ("area_a", "area_b")),
            fixed_cell(row["difference"], row["ci_low"], row["ci_high"], 3, style),
            p_cell(row["p_value"], style),
        ]
        rows.append(
            Row("single", (*cells, *([p_cell(row["p_adjusted"], style)] if adjusted else [])))
        )
    delong = footnotes.mark("DeLong's test for paired areas, on the rows that know both markers.")
    columns = [
        Column("Markers"), count_column("n"),
        Column("First area", "number", ("First area",), ("0.000",)),
        Column("Second area", "number", ("Second area",), ("0.000",)),
        estimate_column("Difference", result, "0.000"), p_column(style, mark=delong),
    ]  # fmt: skip
    if adjusted:
        words = ADJUSTMENT_WORDS[result.choices["adjust"]]
        mark = footnotes.mark(f"Adjusted for the number of comparisons by {words}.")
        columns.append(p_column(style, f"{style.p_symbol}, adjusted", mark))
    return Table(
        name="Markers compared", title="Areas compared.", columns=tuple(columns),
        rows=tuple(rows), footnotes=footnotes.done(), notes=("CI, confidence interval.",),
    )  # fmt: skip


def _one(value: float) -> tuple[float | None]:
    return (value if math.isfinite(value) else None,)


def _thresholds_table(result: CurveResult, names: Names, style: NumberStyle) -> Table:
    """Sensitivity, specificity and likelihood ratios at each threshold."""
    rows = tuple(
        Row("single", (
            Cell(names.with_unit(row["group"])), _threshold(row, result, style), Cell(_rule(row)),
            *_shares(row, style),
            *(ratio_cell(row[k], row[f"{k}_low"], row[f"{k}_high"], style)
              for k in ("lr_positive", "lr_negative")),
        ))
        for row in rows_of(result.table("chosen"))
    )  # fmt: skip
    return Table(
        name="Thresholds", title="Thresholds.", rows=rows,
        columns=(
            Column("Marker"), Column("Positive", "number", ("Threshold",), ("General",)),
            Column("Chosen by"), estimate_column("Sensitivity, %", result, "0.0"),
            estimate_column("Specificity, %", result, "0.0"),
            estimate_column("Positive likelihood ratio", result),
            estimate_column("Negative likelihood ratio", result),
        ),
        notes=("CI, confidence interval.", _limits_words(result)),
    )  # fmt: skip


def _limits_words(result: CurveResult) -> str:
    exact = result.choices["proportion_interval"] == "exact"
    kind = "Exact (Clopper–Pearson)" if exact else "Wilson's score"
    return f"{kind} intervals of proportions; log intervals of likelihood ratios."


def _rule(row: Mapping[str, Any]) -> str:
    words = _RULES[row["rule"]]
    asked = row["rule"] in ("sensitivity", "specificity")
    return f"{words} {numbers.percent(100.0 * row['target'])}" if asked else words


def _values_table(result: CurveResult, names: Names, style: NumberStyle) -> Table:
    """Counts and predictive values at each threshold, at the prevalence of these rows."""
    cells = ("true_positive", "false_positive", "false_negative", "true_negative")
    rows = tuple(
        Row("single", (
            Cell(names.with_unit(row["group"])), _threshold(row, result, style),
            *(count_cell(row[c]) for c in cells),
            *(percent_cell(row[k], row[f"{k}_low"], row[f"{k}_high"], style)
              for k in ("ppv", "npv")),
            fixed_cell(row["youden"], row["youden_low"], row["youden_high"], 2, style),
        ))
        for row in rows_of(result.table("chosen"))
    )  # fmt: skip
    titles = ("True positive", "False positive", "False negative", "True negative")
    return Table(
        name="Predictive values", title="Counts and predictive values at the thresholds.",
        columns=(
            Column("Marker"), Column("Positive", "number", ("Threshold",), ("General",)),
            *(count_column(t) for t in titles),
            estimate_column("Positive predictive value, %", result, "0.0"),
            estimate_column("Negative predictive value, %", result, "0.0"),
            estimate_column("Youden's index", result, "0.00"),
        ),
        rows=rows,
        notes=(
            "CI, confidence interval.", "Predictive values belong to the prevalence in these rows.",
        ),
    )  # fmt: skip


def roc_methods(result: CurveResult, names: Names, versions: Mapping[str, str]) -> str:
    """Markers, directions, areas, comparison, thresholds, rows and software, with references."""
    cite, choices = Citations(), result.choices
    truth, markers = names.of(result.method["truth"]), choices["markers"]
    ci = ci_percent(result.method, choices)
    listed = joined(
        [f"{names.of(m)} ({choices['direction'][m]} values indicate the event)" for m in markers]
    )
    scale = " on the logit scale" if choices["interval"] == "logit" else ""
    curves = (
        f"How well {listed} told {truth} = {result.method['event']} from {result.method['other']} "
        "was described by receiver operating characteristic (ROC) curves."
    )
    areas = (
        f"{ci}% confidence intervals of the areas use DeLong's variance{scale}"
        f"{cited(cite, result, 'DeLong ER')}."
    )
    said = [curves, areas]
    if len(markers) > 1:
        adjust = ADJUSTMENT_WORDS.get(choices["adjust"]) if len(markers) > 2 else None
        by = f", adjusted for multiple comparisons by {adjust}" if adjust else ""
        said.append(
            "Areas were compared with DeLong's test for paired data on the rows that know both "
            f"markers{by}."
        )
    if choices["youden"]:
        youden = cited(cite, result, "Youden WJ")
        said.append(f"Thresholds with the largest Youden index{youden} were sought in the data.")
    exact = choices["proportion_interval"] == "exact"
    kind = "exact (Clopper–Pearson)" if exact else "Wilson's score"
    said.append(f"Intervals of sensitivity and specificity are {kind} intervals.")
    paragraphs = [" ".join(said), rows_sentence(result), software_sentence(versions, cite)]
    cite.add(result.references)
    return assembled(paragraphs, cite)


CURVES.add(
    "roc",
    CurvePrinter(
        table=areas_table, more_tables=more_roc_tables, figures=roc_figures, methods=roc_methods
    ),
)
