"""Figures of a comparison: the distribution by group, and who was left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from presentation import numbers
from presentation.comparison_words import name_of_test
from presentation.effects import rows_of
from presentation.flow import FlowBox, FlowChart
from presentation.layers import Bars, Box, Layer, Points, Segments
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.plot import Panel, Plot, Series, axis, category_axis
from presentation.statistics_cells import Summarised, summarised
from stats.result import ComparisonResult

_BOX_WIDTH = 0.5
_JITTER = 0.16
#: The golden ratio's fraction spreads consecutive points evenly, the same way each time.
_GOLDEN = 0.6180339887498949


def distribution_figure(result: ComparisonResult, names: Names, style: NumberStyle) -> Plot:
    """Boxes with points for numbers, joined for paired subjects; bars of percent for levels."""
    variable = summarised(result.table("summary"))[0]
    titles = [_title(result, names, g) for g in result.groups]
    across = category_axis("" if result.method["wide"] else names.of(result.group), titles)
    if variable.is_number:
        series, layers, values = _number_layers(result, variable, titles)
        unit = "The measurement" if result.method["wide"] else names.with_unit(result.value)
        up = axis(unit, min(values, default=0.0), max(values, default=1.0))
        notes = _number_notes(result)
    else:
        series, layers = _level_layers(result, variable)
        tallest = max((y for la in layers if isinstance(la, Bars) for y in la.y), default=100.0)
        # bars stand on the axis, so that their lengths can be compared
        up = axis("Percent", 0.0, min(100.0, 10.0 * math.ceil(tallest / 10 + 0.01)), air=False)
        notes = ("Percentages are of the known values of each group.",)
    subject = "the measurement" if result.method["wide"] else names.of(result.value)
    by = "occasion" if result.method["wide"] else names.of(result.group)
    return Plot(
        name="Distribution", title=f"Distribution of {subject} by {by}", series=series,
        panels=(Panel(x=across, y=up, layers=tuple(layers)),), notes=notes,
        alt=_alt(result, variable, titles, style),
    )  # fmt: skip


def _title(result: ComparisonResult, names: Names, group: str) -> str:
    return names.of(group) if result.method["wide"] else group


def _number_layers(
    result: ComparisonResult, variable: Summarised, titles: list[str]
) -> tuple[tuple[Series, ...], list[Layer], list[float]]:
    """One series per group and a last one, muted, for the lines of paired subjects."""
    points = rows_of(result.table("points"))
    series = [Series(title, listed=False) for title in titles]
    layers: list[Layer] = []
    joined_up = [p for p in points if p["part"] == "point" and p["subject"] > 0]
    if joined_up:
        series.append(Series("", tone="muted", listed=False))
        layers.append(_lines(joined_up, result.groups, len(titles)))
    for i, group in enumerate(result.groups):
        own = [p for p in points if p["group"] == group]
        box = _box(i, group, variable, own)
        layers += [] if box is None else [box]
        values = [p["value"] for p in own if p["part"] == "point"]
        if values:
            layers.append(_jittered(i, values, spread=0.0 if joined_up else _JITTER))
    return tuple(series), layers, [p["value"] for p in points]


def _box(i: int, group: str, variable: Summarised, own: Sequence[Mapping[str, Any]]) -> Box | None:
    five = [variable.get(stat, group) for stat in ("q1", "median", "q3")]
    ends = {p["part"]: p["value"] for p in own if p["part"] != "point"}
    if not ends or any(math.isnan(v) for v in five):
        return None
    q1, median, q3 = five
    low, high = min(ends["whisker_low"], q1), max(ends["whisker_high"], q3)
    return Box(
        series=i, at=float(i), low=low, q1=q1, median=median, q3=q3, high=high,
        mean=variable.get("mean", group), width=_BOX_WIDTH,
        hover=(f"{group}: median {median:.4g}, quartiles {q1:.4g} and {q3:.4g}",),
    )  # fmt: skip


def _jittered(i: int, values: list[float], *, spread: float) -> Points:
    shifts = (spread * (2 * ((j * _GOLDEN) % 1.0) - 1) for j in range(len(values)))
    return Points(
        series=i, x=tuple(i + s for s in shifts), y=tuple(values), size="small", filled=False
    )


def _lines(points: Sequence[Mapping[str, Any]], groups: tuple[str, ...], series: int) -> Segments:
    """Straight pieces between consecutive occasions of each subject."""
    at = {(p["subject"], p["group"]): p["value"] for p in points}
    subjects = sorted({p["subject"] for p in points})
    pieces = [
        (float(j), at[s, groups[j]], float(j + 1), at[s, groups[j + 1]])
        for s in subjects
        for j in range(len(groups) - 1)
    ]
    x, y, x_end, y_end = zip(*pieces, strict=True) if pieces else ((), (), (), ())
    return Segments(series=series, x=x, y=y, x_end=x_end, y_end=y_end)


def _number_notes(result: ComparisonResult) -> tuple[str, ...]:
    text = (
        "Boxes: quartiles and median; whiskers: the last values within 1.5 interquartile ranges; "
        "diamond: mean."
    )
    points = result.table("points")
    shown = sum(part == "point" for part in points.column("part").tolist())
    if shown >= result.n_used:
        return (text,)
    return text, f"{shown} of {result.n_used} values are drawn as points, evenly chosen."


def _level_layers(
    result: ComparisonResult, variable: Summarised
) -> tuple[tuple[Series, ...], list[Layer]]:
    """Bars side by side, one series per level."""
    levels = variable.levels or [""]
    width = 0.8 / len(levels)
    layers: list[Layer] = []
    for j, level in enumerate(levels):
        shares = [variable.get("percent", g, level) for g in result.groups]
        counts = [variable.get("n", g, level) for g in result.groups]
        known = [i for i, share in enumerate(shares) if math.isfinite(share)]
        layers.append(
            Bars(
                series=j, width=width * 0.92,
                x=tuple(i + (j - (len(levels) - 1) / 2) * width for i in known),
                y=tuple(shares[i] for i in known),
                hover=tuple(f"{level}: {counts[i]:.0f} ({shares[i]:.1f}%)" for i in known),
            )
        )  # fmt: skip
    return tuple(Series(level) for level in levels), layers


def _alt(
    result: ComparisonResult, variable: Summarised, titles: list[str], style: NumberStyle
) -> str:
    parts: list[str] = []
    for title, group in zip(titles, result.groups, strict=True):
        if variable.is_number:
            median = numbers.number(variable.get("median", group), variable.decimals(), style)
            parts.append(f"{title}: median {median} ({variable.get('n', group):.0f} values)")
        else:
            shares = ", ".join(
                f"{level} {numbers.percent(variable.get('percent', group, level), style)}"
                for level in variable.levels[:6]
            )
            parts.append(f"{title}: {shares}")
    kind = "Box plots" if variable.is_number else "Bars"
    text = f"{kind} by group. {'; '.join(parts)}."
    if len(result.groups) < 2:
        return text
    test = rows_of(result.table("tests"))[0]
    words = name_of_test(test["test"])
    phrase = numbers.p_phrase(test["p_value"], style)
    return f"{text} {words[:1].upper()}{words[1:]}: {phrase}."


def comparison_flow(result: ComparisonResult, names: Names) -> FlowChart:
    """Rows of the file, rows left out for each reason, and the groups."""
    lost = {reason: n for reason, n in result.exclusions.items() if n}
    exits = tuple(f"{reason[:1].upper()}{reason[1:]}: {n}" for reason, n in lost.items())
    if len(exits) > 1:
        exits = (f"Left out: {sum(lost.values())}", *exits)
    boxes = (
        FlowBox((f"Rows of the file: {result.n_rows}",)),
        FlowBox((f"Rows compared: {result.n_used}",), exits),
    )
    variable = summarised(result.table("summary"))[0]
    sizes = {group: round(variable.get("n", group)) for group in result.groups}
    titles = {group: _title(result, names, group) for group in result.groups}
    arms = tuple(FlowBox((titles[g], f"n = {sizes[g]}")) for g in result.groups)
    words = ", ".join(f"{titles[g]} {sizes[g]}" for g in result.groups)
    return FlowChart(
        name="Flow", title="Flow of rows", boxes=boxes, arms=arms,
        alt=f"Of {result.n_rows} rows, {result.n_used} are compared: {words}.",
    )  # fmt: skip
