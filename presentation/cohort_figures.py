"""Figures of a cohort table: how alike the groups are, and who was left out."""

from __future__ import annotations

import math

from presentation import numbers
from presentation.effects import rows_of
from presentation.flow import FlowBox, FlowChart
from presentation.layers import Points, Rule
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.plot import Panel, Plot, Series, axis, category_axis
from presentation.text import joined
from stats.result import SummaryResult

#: Beyond this a difference is customarily called an imbalance (Austin 2009).
IMBALANCE = 0.1
_MOST_VARIABLES = 60


def balance_figure(result: SummaryResult, names: Names, style: NumberStyle) -> Plot | None:
    """Absolute standardised differences, the largest of all pairs of groups, by variable."""
    sizes: dict[str, float] = {}
    for row in rows_of(result.table("balance")):
        size = abs(row["smd"])
        if not math.isnan(size):
            sizes[row["variable"]] = max(size, sizes.get(row["variable"], 0.0))
    shown = sorted(sizes, key=lambda name: -sizes[name])[:_MOST_VARIABLES]
    if not shown:
        return None
    x = tuple(sizes[name] for name in shown)
    places = tuple(float(i) for i in range(len(shown)))
    hover = tuple(f"{names.of(n)}: {numbers.number(sizes[n], 3, style)}" for n in shown)
    notes = [f"Vertical line: {numbers.number(IMBALANCE, 1, style)}."]
    if len(result.groups) > 2:
        notes.append("The largest difference of all pairs of groups.")
    if len(sizes) > len(shown):
        notes.append(f"The {len(shown)} largest of {len(sizes)} variables.")
    by = names.of(result.group or "")
    return Plot(
        name="Balance", title=f"Standardised mean differences by {by}",
        series=(Series("", tone="ink"),),
        panels=(
            Panel(
                x=axis("Absolute standardised mean difference", 0.0, max(*x, 2 * IMBALANCE)),
                y=category_axis("", [names.of(n) for n in shown], down=True),
                layers=(
                    Rule(at=IMBALANCE, upright=True, dash="dash"),
                    Points(series=0, x=x, y=places, hover=hover),
                ),
            ),
        ),
        notes=tuple(notes), alt=_alt(sizes, names, style, by),
    )  # fmt: skip


def _alt(sizes: dict[str, float], names: Names, style: NumberStyle, by: str) -> str:
    large = [n for n in sizes if sizes[n] > IMBALANCE]
    worst = max(sizes, key=lambda name: sizes[name])
    text = (
        f"Dot plot of the absolute standardised mean differences of {len(sizes)} variables by {by}"
        f". The largest is {numbers.number(sizes[worst], 2, style)} ({names.of(worst)}). "
    )
    if not large:
        return f"{text}None exceeds {IMBALANCE}."
    verb = "exceeds" if len(large) == 1 else "exceed"
    return f"{text}{len(large)} {verb} {IMBALANCE}: {joined([names.of(n) for n in large[:8]])}."


def cohort_flow(result: SummaryResult, names: Names) -> FlowChart:
    """Rows of the file, rows without a group, and the groups."""
    group = names.of(result.group or "")
    lost = {reason: n for reason, n in result.exclusions.items() if n}
    exits = tuple(f"{group} missing: {n}" for n in lost.values())
    sizes = result.facts["group_sizes"]
    boxes = (
        FlowBox((f"Rows of the file: {result.n_rows}",)),
        FlowBox((f"Rows with a group: {result.n_used}",), exits),
    )
    arms = tuple(FlowBox((level, f"n = {sizes[level]}")) for level in result.groups)
    words = ", ".join(f"{level} {sizes[level]}" for level in result.groups)
    return FlowChart(
        name="Flow", title="Flow of rows", boxes=boxes, arms=arms,
        alt=f"Of {result.n_rows} rows, {result.n_used} have a value of {group}: {words}.",
    )  # fmt: skip
