"""The odds ratios of strata under one another, with the crude and the pooled one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from presentation import numbers
from presentation.association import some_of
from presentation.effects import rows_of
from presentation.figures import Figure
from presentation.forest import ForestMark, ForestPlot, ForestRow
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.text import visible
from presentation.ticks import ticks
from presentation.wording import ci_percent
from stats.result import AccuracyResult

_WIDEST = 10.0  # an interval is cut where it leaves so many times its estimate


def strata_forest(result: AccuracyResult, names: Names, style: NumberStyle) -> tuple[Figure, ...]:
    """The forest plot of the strata; none where no odds ratio can be drawn."""
    rows = _shown(result)
    drawn = [r for r in rows.values() if _drawable(r)]
    if not drawn:
        return ()
    low, high = _axis(drawn)
    method = result.method
    exposure, outcome = names.of(method["exposure"]), names.of(method["outcome"])
    stratum = names.of(method["stratum"])
    ci = ci_percent(method, result.choices)
    lines = [ForestRow("heading", stratum, ("", ""))]
    lines += [
        _line("level" if scope == "stratum" else "single", label, row, (low, high), style)
        for (scope, label), row in rows.items()
    ]
    title = f"Odds ratio of {outcome} = {method['event']} by {stratum}"
    marks = [m.hover for line in lines for m in line.marks]
    plot = ForestPlot(
        title=title, axis_title="Odds ratio (log scale)",
        column_titles=("Events/n", f"OR ({ci}% CI)"), right_from=1, series=("adjusted",),
        rows=tuple(lines), null=1.0, log=True, low=low, high=high,
        ticks=ticks(low, high, log=True), notes=_notes(lines, exposure, method),
        alt=f"Forest plot. {title}. {some_of(marks)}.", name="strata",
    )  # fmt: skip
    return (plot,)


def _shown(result: AccuracyResult) -> dict[tuple[str, str], Mapping[str, Any]]:
    """(scope, label) -> the odds ratio to draw: strata, then crude, then pooled."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    later: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows_of(result.table("measures")):
        if row["measure"] != "odds_ratio":
            continue
        if row["scope"] == "stratum":
            found.setdefault(("stratum", row["stratum"]), row)
        else:
            label = "Crude" if row["scope"] == "crude" else "Pooled (Mantel–Haenszel)"
            later.setdefault((row["scope"], label), row)
    return found | later


def _drawable(row: Mapping[str, Any]) -> bool:
    return 1e-6 < row["estimate"] < 1e6


def _axis(rows: list[Mapping[str, Any]]) -> tuple[float, float]:
    lows, highs = [2 / 3], [3 / 2]
    for row in rows:
        value = row["estimate"]
        low, high = (value if math.isnan(row[k]) else row[k] for k in ("ci_low", "ci_high"))
        lows.append(max(low, value / _WIDEST))
        highs.append(min(high, value * _WIDEST))
    low, high = min(lows), max(highs)
    air = math.exp(0.04 * math.log(high / low))
    return low / air, high * air


def _line(
    kind: Any, label: str, row: Mapping[str, Any], span: tuple[float, float], style: NumberStyle
) -> ForestRow:
    values = row["estimate"], row["ci_low"], row["ci_high"]
    text = numbers.estimate_with_interval(*values, style, null=1.0)
    marks: tuple[ForestMark, ...] = ()
    if _drawable(row):
        low, high = (values[0] if math.isnan(v) else v for v in values[1:])
        marks = (
            ForestMark(
                "adjusted", values[0], max(low, span[0]), min(high, span[1]), low < span[0],
                high > span[1], visible(f"{label}: odds ratio {text}"),
            ),
        )  # fmt: skip
    counts = f"{numbers.count(row['events'])}/{numbers.count(row['n'])}"
    return ForestRow(kind, label, (counts, text), marks)


def _notes(lines: list[ForestRow], exposure: str, method: Mapping[str, Any]) -> tuple[str, ...]:
    notes = [f"{exposure}: {method['exposed']} against {method['unexposed']}."]
    if any(m.arrow_low or m.arrow_high for line in lines for m in line.marks):
        notes.append("An arrow: the interval goes on beyond the axis.")
    return tuple(notes)
