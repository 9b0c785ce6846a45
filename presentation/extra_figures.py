"""Figures beside the forest plot of an outcome model: curves of splines, subgroups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from presentation import numbers
from presentation.association import some_of
from presentation.effects import rows_of
from presentation.extra_methods import knot_words
from presentation.forest import ForestMark, ForestPlot, ForestRow
from presentation.layers import Line, Rule
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.plot import Panel, Plot, Series, axis
from presentation.text import visible
from presentation.ticks import ticks
from presentation.wording import ci_percent
from stats.result import OutcomeExtras, OutcomeResult

_WIDEST = 10.0  # a band or interval is cut where it leaves so many times its estimate
_HOVERS = 3  # points of a curve that its alternative text names


def extra_figures(
    result: OutcomeResult, names: Names, style: NumberStyle
) -> tuple[Plot | ForestPlot, ...]:
    """Those that were asked for and can be drawn."""
    extras = result.extras
    if extras is None:
        return ()
    found: list[Plot | ForestPlot] = []
    shapes = {row["term"]: row for row in rows_of(extras.table("nonlinearity"))}
    curves: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(extras.table("curves")):
        if math.isfinite(row["estimate"]) and 1e-6 < row["estimate"] < 1e6:
            curves.setdefault(row["term"], []).append(row)
    for term, points in curves.items():
        found.append(_curve(result, shapes[term], points, names, style))
    subgroups = subgroup_forest(result, extras, names, style)
    return (*found, *([subgroups] if subgroups else []))


def _curve(
    result: OutcomeResult, shape: Mapping[str, Any], points: Sequence[Mapping[str, Any]],
    names: Names, style: NumberStyle,
) -> Plot:  # fmt: skip
    term = shape["term"]
    values = [p["estimate"] for p in points]
    low = min([1.0 / 1.5, *(max(p["ci_low"], p["estimate"] / _WIDEST) for p in points)])
    high = max([1.5, *(min(p["ci_high"], p["estimate"] * _WIDEST) for p in points)])
    against = f"{shape['reference']:.4g}"
    ci = ci_percent(result.method, result.choices)
    title = (
        f"Odds ratio of {names.of(result.outcome)} = {result.event} along {names.of(term)}, "
        f"against {against}"
    )
    said = [
        f"at {p['x']:.4g} "
        + numbers.estimate_with_interval(p["estimate"], p["ci_low"], p["ci_high"], style, null=1.0)
        for p in (points[0], points[len(points) // 2], points[-1])[:_HOVERS]
    ]
    line = Line(
        series=0, x=tuple(p["x"] for p in points), y=tuple(values),
        low=tuple(min(max(p["ci_low"], low), high) for p in points),
        high=tuple(max(min(p["ci_high"], high), low) for p in points),
    )  # fmt: skip
    panel = Panel(
        x=axis(names.with_unit(term), points[0]["x"], points[-1]["x"]),
        y=axis("Odds ratio (log scale)", low, high, log=True),
        layers=(Rule(at=1.0, dash="dash"), line),
    )
    p_bend = numbers.p_phrase(shape["p_value"], style)
    return Plot(
        name=f"curve of {names.of(term)}", title=title, panels=(panel,),
        series=(Series(names.of(term), "ink"),),
        notes=(
            (f"Restricted cubic spline with knots at {knot_words(shape)}; band: {ci}% confidence "
            f"interval, point by point. Not linear: {p_bend}."),
        ),
        alt=f"Curve with band. {title}. Odds ratio {some_of(said)}. Not linear: {p_bend}.",
    )  # fmt: skip


def subgroup_forest(
    result: OutcomeResult, extras: OutcomeExtras, names: Names, style: NumberStyle
) -> ForestPlot | None:
    """The exposure's odds ratio in each subgroup under one another; None without any."""
    found = rows_of(extras.table("subgroups"))
    drawn = [row for row in found if _drawable(row)]
    if not drawn:
        return None
    low, high = _span(drawn)
    several = len({row["level"] for row in found}) > 1
    lines: list[ForestRow] = []
    before = None
    for row in found:
        if row["subgroup"] != before:
            before = row["subgroup"]
            p = numbers.p_value(row["p_interaction"], style)
            lines.append(ForestRow("heading", names.of(before), ("", "", p)))
        lines.append(_line(row, names, (low, high), style, several=several))
    exposure = names.of(str(result.choices["exposure"]))
    title = f"Odds ratio of {exposure} for {names.of(result.outcome)} = {result.event} by subgroup"
    marks = [mark.hover for line in lines for mark in line.marks]
    cut = any(mark.arrow_low or mark.arrow_high for line in lines for mark in line.marks)
    ci = ci_percent(result.method, result.choices)
    contrast = _contrast(drawn[0], exposure) if not several else ""
    notes = (contrast, "An arrow: the interval goes on beyond the axis." if cut else "")
    return ForestPlot(
        title=title, axis_title="Odds ratio (log scale)",
        column_titles=("Events/n", f"Adjusted OR ({ci}% CI)", f"{style.p_symbol} of interaction"),
        right_from=1, series=("adjusted",), rows=tuple(lines), null=1.0, log=True,
        low=low, high=high, ticks=ticks(low, high, log=True),
        notes=tuple(note for note in notes if note),
        alt=f"Forest plot. {title}. {some_of(marks)}.", name="subgroups",
    )  # fmt: skip


def _contrast(row: Mapping[str, Any], exposure: str) -> str:
    if row["level"] is None:
        return ""
    return f"{exposure}: {row['level']} against {row['reference']}."


def _drawable(row: Mapping[str, Any]) -> bool:
    return 1e-6 < row["estimate"] < 1e6


def _limits(row: Mapping[str, Any]) -> tuple[float, float]:
    low, high = (row["estimate"] if math.isnan(row[k]) else row[k] for k in ("ci_low", "ci_high"))
    return low, high


def _span(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    low = min([2 / 3, *(max(_limits(r)[0], r["estimate"] / _WIDEST) for r in rows)])
    high = max([3 / 2, *(min(_limits(r)[1], r["estimate"] * _WIDEST) for r in rows)])
    air = math.exp(0.04 * math.log(high / low))
    return low / air, high * air


def _line(
    row: Mapping[str, Any], names: Names, span: tuple[float, float], style: NumberStyle, *,
    several: bool,
) -> ForestRow:  # fmt: skip
    label = row["group"]
    if several and row["level"] is not None:
        label = f"{label} ({row['level']} against {row['reference']})"
    text = numbers.estimate_with_interval(
        row["estimate"], row["ci_low"], row["ci_high"], style, null=1.0
    )
    marks: tuple[ForestMark, ...] = ()
    if _drawable(row):
        low, high = _limits(row)
        words = f"{names.of(row['subgroup'])}, {label}: adjusted OR {text}"
        marks = (
            ForestMark(
                "adjusted", row["estimate"], max(low, span[0]), min(high, span[1]),
                low < span[0], high > span[1], visible(words),
            ),
        )  # fmt: skip
    counts = f"{numbers.count(row['events'])}/{numbers.count(row['n'])}"
    return ForestRow("level", label, (counts, text, ""), marks)
