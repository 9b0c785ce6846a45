"""The figure of cumulative incidence: one panel per cause, numbers at risk under each."""

from __future__ import annotations

import math

from presentation import numbers
from presentation.effects import rows_of
from presentation.follow_up import ALL, group_name, time_text
from presentation.incidence_tables import cause_name, causes_of
from presentation.layers import Layer, Words
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.plot import Panel, Plot, Series
from presentation.survival_figure import (
    below,
    curve_series,
    percent_axis,
    points_of,
    step_line,
    time_axis,
)
from presentation.wording import ci_percent
from stats.result import CurveResult

_TOPS = (5, 10, 20, 40, 60, 80, 100)
_COLUMNS = ("time", "at_risk", "events", "incidence", "ci_low", "ci_high")


def incidence_figures(result: CurveResult, names: Names, style: NumberStyle) -> tuple[Plot, ...]:
    """Without groups all causes in one panel; with groups a panel per cause."""
    causes = causes_of(result)
    top = _top(result)
    panels: tuple[Panel, ...]
    if result.groups:
        panels = tuple(
            _panel(result, names, style, [(cause, g) for g in result.groups], top)
            for cause in causes
        )
        series = curve_series(result, names)
    else:
        panels = (_panel(result, names, style, [(cause, None) for cause in causes], top),)
        series = (
            *(Series(cause_name(result, names, cause)) for cause in causes),
            Series(ALL, tone="ink", listed=False),  # whose numbers at risk stand below
        )
    ci = ci_percent(result.method, result.choices)
    return (
        Plot(
            name="incidence", title=f"Cumulative incidence with {ci}% confidence bands.",
            series=series, panels=panels, columns=min(2, len(panels)),
            notes=("The other events compete; bands start at the first event.",),
            alt=_alt(result, names, style),
        ),
    )  # fmt: skip


def _top(result: CurveResult) -> float:
    """A round upper end of the axis in percent, the same for all panels."""
    table = result.table("points")
    shown = [*table.column("ci_high").tolist(), *table.column("incidence").tolist()]
    largest = 100.0 * max(value for value in shown if not math.isnan(value))
    return float(next((top for top in _TOPS if largest <= top), 100))


def _panel(
    result: CurveResult, names: Names, style: NumberStyle,
    curves: list[tuple[str, str | None]], top: float,
) -> Panel:  # fmt: skip
    time = time_axis(result, names)
    points = points_of(result, _COLUMNS, by=("cause", "group"))
    layers: list[Layer] = [
        step_line(series, points[curve], "incidence", 0.0) for series, curve in enumerate(curves)
    ]
    title = ""
    if result.groups:
        title = cause_name(result, names, curves[0][0])
        p = next(
            row["p_value"] for row in rows_of(result.table("tests"))
            if row["cause"] == curves[0][0]
        ) if len(result.groups) > 1 else math.nan  # fmt: skip
        if not math.isnan(p):
            text = f"Gray's test, {numbers.p_phrase(p, style)}"
            layers.append(Words(x=0.02, y=0.94, text=text, inside=True))
    return Panel(
        x=time, y=percent_axis("Cumulative incidence, %", top), layers=tuple(layers),
        title=title, below=below(result, time, 0 if result.groups else len(curves)),
    )  # fmt: skip


def _alt(result: CurveResult, names: Names, style: NumberStyle) -> str:
    """What the figure shows, in words."""
    del style
    parts: list[str] = []
    for row in rows_of(result.table("summary")):
        name = cause_name(result, names, row["cause"])
        if row["group"] is not None:
            name += f", {group_name(result, names, row['group'])}"
        share = numbers.percent(100 * row["incidence"])
        last = time_text(result, names, row["last_time"])
        parts.append(f"{name}: {row['events']} events in {row['n']}, {share} by {last}")
    return f"Curves of cumulative incidence. {'; '.join(parts)}."
