"""Tables that stand beside the odds ratios of an outcome model: risks, curves, subgroups, the
steps of a selection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from presentation import numbers
from presentation.association import estimate_column, ratio_cell
from presentation.effects import rows_of
from presentation.extra_methods import knot_words
from presentation.follow_up import count_column, p_cell, p_column, with_interval
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.table import Cell, Column, Row, Table
from presentation.wording import estimator_words, is_firth
from stats.result import OutcomeExtras, OutcomeResult

_TESTS = {
    "likelihood ratio": "likelihood-ratio test",
    "Wald": "Wald test",
    "robust Wald": "robust Wald test",
}


def extra_tables(result: OutcomeResult, names: Names, style: NumberStyle) -> tuple[Table, ...]:
    """Those that were asked for."""
    extras = result.extras
    if extras is None:
        return ()
    made = (
        risks_table(result, extras, names, style),
        subgroups_table(result, extras, names, style),
        shapes_table(result, extras, names, style),
        selection_table(extras, names, style),
    )
    return tuple(table for table in made if table.rows)


def _label(row: Mapping[str, Any], names: Names) -> str:
    if row["level"] is None:
        return names.with_step(row["term"])
    return f"{names.of(row['term'])}: {row['level']} against {row['reference']}"


def risks_table(
    result: OutcomeResult, extras: OutcomeExtras, names: Names, style: NumberStyle
) -> Table:
    """Risk ratio, standardised risks and their difference of each term and level."""
    found = rows_of(extras.table("risks"))
    ratios = [row for row in found if row["measure"] == "risk ratio"]
    differences = [row for row in found if row["measure"] == "risk difference"]
    rows = []
    for ratio, difference in zip(ratios, differences, strict=True):
        both = [_percent(difference[key], style) for key in ("risk", "risk_reference")]
        value, low, high = (difference[key] for key in ("estimate", "ci_low", "ci_high"))
        rows.append(
            Row("single", (
                Cell(_label(ratio, names)),
                ratio_cell(ratio["estimate"], ratio["ci_low"], ratio["ci_high"], style),
                p_cell(ratio["p_value"], style), *both,
                with_interval(value, low, high, 1, style, scale=100.0),
                p_cell(difference["p_value"], style),
            ))
        )  # fmt: skip
    errors = "cluster-robust" if result.choices["cluster"] else "robust (sandwich)"
    return Table(
        name="Risks", title=f"Adjusted risks of {names.of(result.outcome)} = {result.event}.",
        rows=tuple(rows),
        columns=(
            Column("Characteristic"), estimate_column("Risk ratio", result), p_column(style),
            Column("Risk, %", "number", ("Risk, %",), ("0.0",)),
            Column("Risk at reference, %", "number", ("Risk at reference, %",), ("0.0",)),
            estimate_column("Risk difference, percentage points", result, "0.0"), p_column(style),
        ),
        notes=(
            f"Risk ratios: modified Poisson regression with {errors} standard errors.",
            ("Risks: means of the adjusted model's predictions, every row as if at this level and "
            "as if at the reference (a continuous predictor: one step more, and as it is); "
            "intervals of their difference by the delta method."),
        ),
    )  # fmt: skip


def _percent(value: float, style: NumberStyle) -> Cell:
    if math.isnan(value):
        return Cell(numbers.NOT_ESTIMABLE, (None,))
    return Cell(numbers.number(100.0 * value, 1, style), (100.0 * value,))


def subgroups_table(
    result: OutcomeResult, extras: OutcomeExtras, names: Names, style: NumberStyle
) -> Table:
    """The exposure's effect within each level, and the interaction test of each column."""
    found = rows_of(extras.table("subgroups"))
    several = len({(row["term"], row["level"]) for row in found}) > 1
    rows: list[Row] = []
    before = None
    for row in found:
        if row["subgroup"] != before:
            before = row["subgroup"]
            p = p_cell(row["p_interaction"], style)
            rows.append(Row("heading", (Cell(names.of(before)), Cell(), Cell(), Cell(), p)))
        label = row["group"]
        if several and row["level"] is not None:
            label = f"{row['group']} ({row['level']} against {row['reference']})"
        mark = " (Firth)" if is_firth(row["method"]) else ""
        rows.append(
            Row("level", (
                Cell(f"{label}{mark}"),
                Cell(f"{numbers.count(row['events'])}/{numbers.count(row['n'])}",
                     (float(row["events"]), float(row["n"]))),
                ratio_cell(row["estimate"], row["ci_low"], row["ci_high"], style),
                p_cell(row["p_value"], style), Cell(),
            ))
        )  # fmt: skip
    exposure = str(result.choices["exposure"] or "")
    firth = any(is_firth(row["method"]) for row in found)
    notes = ["Each subgroup has an adjusted model of its own; the interaction test uses all rows."]
    if firth:
        notes.append(f"Firth, {estimator_words('firth')}, because the outcome is separated there.")
    return Table(
        name="Subgroups", title=f"Odds ratio of {_what(found, exposure, names)} by subgroup.",
        rows=tuple(rows), notes=tuple(notes),
        columns=(
            Column("Subgroup"), Column("Events/n", "number", ("Events", "n"), ("0", "0")),
            estimate_column("OR", result), p_column(style),
            p_column(style, f"{style.p_symbol} of interaction"),
        ),
    )  # fmt: skip


def _what(rows: tuple[dict[str, Any], ...], exposure: str, names: Names) -> str:
    levels = {(row["level"], row["reference"]) for row in rows}
    level, reference = next(iter(levels), (None, None))
    if len(levels) == 1 and level is not None:
        return f"{names.of(exposure)} ({level} against {reference})"
    return names.with_step(exposure) if level is None else names.of(exposure)


def shapes_table(
    result: OutcomeResult, extras: OutcomeExtras, names: Names, style: NumberStyle
) -> Table:
    """Knots, tests of the whole term and of its bend, odds ratio between the quartiles."""
    found = rows_of(extras.table("nonlinearity"))
    rows = tuple(
        Row("single", (
            Cell(names.with_unit(row["term"])), Cell(knot_words(row)),
            ratio_cell(row["estimate"], row["ci_low"], row["ci_high"], style),
            Cell(f"{_short(row['q3'])} against {_short(row['q1'])}"),
            p_cell(row["p_term"], style), p_cell(row["p_value"], style),
        ))
        for row in found
    )  # fmt: skip
    tests = dict.fromkeys(_TESTS[str(row["test"])] for row in found)
    return Table(
        name="Curves", title="Predictors that enter as restricted cubic splines.", rows=rows,
        columns=(
            Column("Predictor"), Column("Knots"), estimate_column("OR", result),
            Column("Third against first quartile"), p_column(style, f"{style.p_symbol}, any"),
            p_column(style, f"{style.p_symbol}, not linear"),
        ),
        notes=(
            f"Not linear: {' or '.join(tests)} of the bends beside the straight line.",
            "Intervals of odds ratios along a curve are Wald's, point by point.",
        ) if found else (),
    )  # fmt: skip


def _short(value: float) -> str:
    return f"{value:.4g}".replace("-", numbers.MINUS)


def selection_table(extras: OutcomeExtras, names: Names, style: NumberStyle) -> Table:
    """What the data chose, step by step."""
    found = rows_of(extras.table("selection"))
    by_aic = any(not math.isnan(row["aic"]) for row in found)
    measure = Column("AIC", "number", ("AIC",), ("0.0",)) if by_aic else p_column(style)
    rows = []
    for row in found:
        value = (
            Cell(numbers.number(row["aic"], 1, style), (row["aic"],))
            if by_aic else p_cell(row["p_value"], style)
        )  # fmt: skip
        term = names.of(row["term"]) if row["term"] is not None else "–"
        rows.append(
            Row("single", (
                Cell(str(int(row["step"])), (float(row["step"]),)), Cell(term),
                Cell(row["action"]), value,
            ))
        )  # fmt: skip
    return Table(
        name="Selection", title="How the data chose the predictors of the adjusted model.",
        rows=tuple(rows),
        columns=(count_column("Step"), Column("Predictor"), Column("What was done"), measure),
        notes=("The final model's p-values and intervals do not know of this choice.",),
    )  # fmt: skip
