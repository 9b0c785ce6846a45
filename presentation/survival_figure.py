"""The Kaplan-Meier figure: curves with bands and censor ticks, numbers at risk under them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from presentation import numbers
from presentation.effects import rows_of
from presentation.follow_up import group_name, groups_of, time_text, time_title
from presentation.layers import CensorTicks, Layer, Line, Words
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.plot import Axis, Below, BelowRow, Panel, Plot, Series, axis
from presentation.survival_tables import test_name
from presentation.text import joined
from presentation.ticks import ticks
from presentation.wording import ci_percent
from stats.result import CurveResult

#: Steps narrower than this part of the axis cannot be told apart.
_GRAIN = 1 / 1500
_MOST_STEPS = 2000
_LINE = 0.01  # half the width of a line, as a part of the axis
_COLUMNS = ("time", "at_risk", "events", "censored", "survival", "ci_low", "ci_high")


def survival_figures(result: CurveResult, names: Names, style: NumberStyle) -> tuple[Plot, ...]:
    """One figure: survival in percent against time, each group its curve."""
    time = time_axis(result, names)
    layers: list[Layer] = []
    points = points_of(result, _COLUMNS)
    for series, group in enumerate(groups_of(result)):
        layers += _curve(series, points[group])
    tests = rows_of(result.table("tests"))
    if tests and not math.isnan(tests[0]["p_value"]):
        text = f"{test_name(result)}, {numbers.p_phrase(tests[0]['p_value'], style)}"
        layers.append(Words(x=0.02, y=0.06, text=text, inside=True))
    ci = ci_percent(result.method, result.choices)
    return (
        Plot(
            name="survival", title=f"Kaplan–Meier estimates with {ci}% confidence bands.",
            series=curve_series(result, names),
            panels=(
                Panel(
                    x=time, y=percent_axis("Survival, %", 100.0), layers=tuple(layers),
                    below=below(result, time),
                ),
            ),
            notes=("Upright strokes: follow-up that ended without the event.",),
            alt=_alt(result, names, style),
        ),
    )  # fmt: skip


def curve_series(result: CurveResult, names: Names) -> tuple[Series, ...]:
    """One series per group; ink for one curve alone."""
    tone = "group" if result.groups else "ink"
    return tuple(Series(group_name(result, names, g), tone=tone) for g in groups_of(result))


def time_axis(result: CurveResult, names: Names) -> Axis:
    """From 0 to the last time, with ticks at the times of the numbers at risk."""
    listed = sorted({row["time"] for row in rows_of(result.table("chosen")) if row["listed"]})
    last = max([*result.table("summary").column("last_time").tolist(), *listed])
    return axis(time_title(result, names), 0.0, last, at=listed)


def percent_axis(title: str, top: float) -> Axis:
    """From 0 to `top`, with room for the width of a line that lies on either end."""
    at = ticks(0.0, top, log=False)
    return axis(title, -_LINE * top, (1 + _LINE) * top, at=at, air=False)


def below(result: CurveResult, time: Axis, first: int = 0) -> Below:
    """The numbers at risk of each group at the ticks; `first` is the series of the first group."""
    rows = rows_of(result.table("chosen"))
    counts = {(row["group"], row["time"]): row["at_risk"] for row in rows}
    return Below(
        "Number at risk",
        tuple(
            BelowRow(first + i, tuple(numbers.count(counts[g, tick.value]) for tick in time.ticks))
            for i, g in enumerate(groups_of(result))
        ),
    )


def points_of(
    result: CurveResult, names: Sequence[str], by: Sequence[str] = ("group",)
) -> dict[Any, dict[str, list[Any]]]:
    """The `points` of each curve as lists, by what tells the curves apart."""
    table = result.table("points")
    columns = {name: table.column(name).tolist() for name in names}
    own = [table.column(name).tolist() for name in by]
    keys = own[0] if len(own) == 1 else list(zip(*own, strict=True))
    found: dict[Any, dict[str, list[Any]]] = {}
    first = 0
    for i in range(1, len(keys) + 1):  # the points of a curve stand together
        if i == len(keys) or keys[i] != keys[first]:
            found[keys[first]] = {name: values[first:i] for name, values in columns.items()}
            first = i
    return found


def step_line(series: int, own: Mapping[str, list[Any]], value: str, start: float) -> Line:
    """A step curve in percent from `start` at time 0, with its band.

    Where a limit is not defined the band is as narrow as the curve.
    """
    time = own["time"]
    rows = visible_steps(time, own["events"])
    x, y, low, high, hover = [0.0], [start], [start], [start], [f"0: {start:g}%"]
    for i in rows:
        percent = 100.0 * own[value][i]
        below, above = (
            percent if math.isnan(own[name][i]) else 100.0 * own[name][i]
            for name in ("ci_low", "ci_high")
        )
        x.append(time[i])
        y.append(percent)
        low.append(below)
        high.append(above)
        limits = f" ({below:.1f} to {above:.1f})" if above > below else ""
        hover.append(f"{time[i]:g}: {percent:.1f}%{limits}, {own['at_risk'][i]} at risk")
    return Line(
        series=series, x=tuple(x), y=tuple(y), low=tuple(low), high=tuple(high), step=True,
        hover=tuple(hover),
    )  # fmt: skip


def _curve(series: int, own: Mapping[str, list[Any]]) -> list[Layer]:
    line = step_line(series, own, "survival", 100.0)
    ends = visible_steps(own["time"], own["censored"], ends=False)
    if not ends:
        return [line]
    strokes = CensorTicks(
        series=series,
        x=tuple(own["time"][i] for i in ends),
        y=tuple(100.0 * own["survival"][i] for i in ends),
        hover=tuple(f"{own['time'][i]:g}: {own['censored'][i]} censored" for i in ends),
    )
    return [line, strokes]


def visible_steps(time: Sequence[float], counts: Sequence[int], *, ends: bool = True) -> list[int]:
    """The rows to draw: where something is counted and, with `ends`, the last row.

    Of very many, the last one of each hairline's width.
    """
    rows = [i for i, n in enumerate(counts) if n > 0]
    if ends and time and (not rows or rows[-1] != len(time) - 1):
        rows.append(len(time) - 1)
    if len(rows) <= _MOST_STEPS:
        return rows
    grain = time[-1] * _GRAIN
    return list({int(time[i] / grain): i for i in rows}.values())


def _alt(result: CurveResult, names: Names, style: NumberStyle) -> str:
    """What the figure shows, in words."""
    summary = rows_of(result.table("summary"))
    parts = [
        f"{group_name(result, names, row['group'])}: {row['events']} events in {row['n']}, "
        f"{_median_words(result, names, row['median'])}"
        for row in summary
    ]
    last = time_text(result, names, max(row["last_time"] for row in summary))
    text = f"Kaplan–Meier curves from 0 to {last}. {'; '.join(parts)}."
    return text + _test_words(result, style)


def _median_words(result: CurveResult, names: Names, median: float) -> str:
    if math.isnan(median):
        return "median not reached"
    return f"median {time_text(result, names, median)}"


def _test_words(result: CurveResult, style: NumberStyle) -> str:
    said: Sequence[str] = [
        f"{test_name(result)}: {numbers.p_phrase(row['p_value'], style)}"
        for row in rows_of(result.table("tests"))
    ]
    return f" {joined(list(said))}." if said else ""
