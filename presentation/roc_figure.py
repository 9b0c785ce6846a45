"""ROC curves with the line of chance and the chosen thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from presentation import numbers
from presentation.association import some_of
from presentation.effects import rows_of
from presentation.figures import Figure
from presentation.layers import Layer, Line, Points
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.plot import Panel, Plot, Series, axis
from presentation.wording import ci_percent
from stats.result import CurveResult

_MOST_HOVER = 400


def roc_figures(result: CurveResult, names: Names, style: NumberStyle) -> tuple[Figure, ...]:
    """All curves in one square; none where no marker has a curve."""
    table = result.table("points")
    if not table.n_rows:
        return ()
    points: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(table):
        points.setdefault(row["group"], []).append(row)
    drawn = [m for m in result.groups if m in points]
    areas = {row["group"]: row for row in rows_of(result.table("summary"))}
    tone = "ink" if len(drawn) == 1 else "group"
    ci = ci_percent(result.method, result.choices)
    words = {
        m: f"{names.of(m)}, area {_area(areas[m]['area'], style)} "
        f"({ci}% CI {numbers.between(*_limits(areas[m], style), style)})"
        for m in drawn
    }  # fmt: skip
    series = [Series(words[m], tone) for m in drawn]
    series.append(Series("Chance", "muted"))
    layers: list[Layer] = [
        Line(series=len(drawn), x=(0.0, 100.0), y=(0.0, 100.0))
    ]  # fmt: skip
    for i, marker in enumerate(drawn):
        layers += _curve(result, i, marker, points[marker], style)
    truth = names.of(result.method["truth"])
    title = f"ROC curve{'s' if len(drawn) > 1 else ''} for {truth} = {result.method['event']}"
    percent = [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    panel = Panel(
        x=axis("1 − specificity, %", 0, 100, at=percent),
        y=axis("Sensitivity, %", 0, 100, at=percent), layers=tuple(layers), shape="square",
    )  # fmt: skip
    pointed = any(isinstance(layer, Points) for layer in layers)
    notes = ("Points: thresholds of the table.",) if pointed else ()
    plot = Plot(
        name="roc", title=title, panels=(panel,), series=tuple(series), notes=notes,
        alt=f"{title}. {some_of([words[m] for m in drawn])}. The diagonal is chance.",
    )  # fmt: skip
    return (plot,)


def _area(value: float, style: NumberStyle) -> str:
    return numbers.number(value, 3, style)


def _limits(row: dict[str, float], style: NumberStyle) -> tuple[str, str]:
    return _area(row["ci_low"], style), _area(row["ci_high"], style)


def _curve(
    result: CurveResult, series: int, marker: str, own: Sequence[Mapping[str, Any]],
    style: NumberStyle,
) -> list[Layer]:  # fmt: skip
    """The curve, and points at the thresholds that the tables list."""
    x = tuple(100.0 * (1.0 - row["specificity"]) for row in own)
    y = tuple(100.0 * row["sensitivity"] for row in own)
    sign = "≥" if result.choices["direction"][marker] == "higher" else "≤"
    hover = tuple(
        "no row positive" if math.isinf(row["threshold"])
        else f"{sign} {row['threshold']:.6g}: sensitivity {b:.1f}%, specificity {100.0 - a:.1f}%"
        for row, a, b in zip(own, x, y, strict=True)
    ) if len(own) <= _MOST_HOVER else ()  # fmt: skip
    layers: list[Layer] = [Line(series=series, x=x, y=y, hover=hover)]
    chosen = [r for r in rows_of(result.table("chosen")) if r["group"] == marker]
    if chosen:
        layers.append(
            Points(
                series=series,
                x=tuple(100.0 * (1.0 - r["specificity"]) for r in chosen),
                y=tuple(100.0 * r["sensitivity"] for r in chosen),
                hover=tuple(
                    f"threshold {r['threshold']:.6g}: sensitivity "
                    f"{numbers.number(100 * r['sensitivity'], 1, style)}%, specificity "
                    f"{numbers.number(100 * r['specificity'], 1, style)}%"
                    for r in chosen
                ),
            )
        )
    return layers
