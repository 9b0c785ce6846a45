"""Cells of means, medians and counts by group, from the long `summary` of a result."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from presentation import numbers
from presentation.effects import rows_of
from presentation.numbers import NumberStyle
from presentation.table import Cell, Column, Row, RowKind
from stats.result import FrozenTable

#: What a cell of such a column holds for a spreadsheet.
PARTS = ("n, mean or median", "%, SD or Q1", "Q3")
FORMATS = ("General", "General", "General")


@dataclass
class Summarised:
    """The statistics of one variable: (level, group, stat) -> value; group None is overall."""

    name: str
    levels: list[str] = field(default_factory=list)
    values: dict[tuple[str | None, str | None, str], float] = field(default_factory=dict)

    def get(self, stat: str, group: str | None, level: str | None = None) -> float:
        """One statistic; NaN when it is not known."""
        return self.values.get((level, group, stat), math.nan)

    def rows_in(self, group: str | None) -> float:
        """Rows of a group, those without a value included."""
        return self.get("n", group) + self.get("missing", group)

    @property
    def is_number(self) -> bool:
        """Whether it has a mean, known or not, rather than levels."""
        return any(stat == "mean" for _, _, stat in self.values)

    def decimals(self) -> int:
        """Decimals of means and medians: what the SD of all values supports."""
        return numbers.spread_decimals(self.get("sd", None))


def summarised(table: FrozenTable) -> list[Summarised]:
    """The variables of a `summary` table in their order."""
    found: dict[str, Summarised] = {}
    for row in rows_of(table):
        own = found.setdefault(row["variable"], Summarised(row["variable"]))
        level = row["level"]
        if level is not None and level not in own.levels:
            own.levels.append(level)
        own.values[level, row["group"], row["stat"]] = row["value"]
    return list(found.values())


def group_column(title: str, rows: float) -> Column:
    """`Placebo (N = 120)`."""
    return Column(f"{title} (N = {numbers.count(rows)})", "number", PARTS, FORMATS)


def finite(value: float) -> float | None:
    """The number, or None where there is none."""
    return value if math.isfinite(value) else None


def mean_cell(variable: Summarised, group: str | None, style: NumberStyle) -> Cell:
    """`63.2 (11.4)`."""
    mean, sd = variable.get("mean", group), variable.get("sd", group)
    text = numbers.mean_with_sd(mean, sd, variable.decimals(), style)
    return Cell(text, (finite(mean), finite(sd), None))


def median_cell(variable: Summarised, group: str | None, style: NumberStyle) -> Cell:
    """`63.0 [55.0, 71.0]`."""
    q = [variable.get(stat, group) for stat in ("median", "q1", "q3")]
    text = numbers.median_with_quartiles(q[0], q[1], q[2], variable.decimals(), style)
    return Cell(text, tuple(finite(v) for v in q))


def range_cell(variable: Summarised, group: str | None, style: NumberStyle) -> Cell:
    """`23.0 to 91.0`."""
    low, high = variable.get("min", group), variable.get("max", group)
    if not math.isfinite(low):
        return Cell(numbers.NOT_ESTIMABLE, (None, None, None))
    shown = [numbers.number(v, variable.decimals(), style) for v in (low, high)]
    return Cell(f"{shown[0]} to {shown[1]}", (finite(low), finite(high), None))


def level_cell(variable: Summarised, group: str | None, level: str, style: NumberStyle) -> Cell:
    """`34 (28.3%)`."""
    n, share = variable.get("n", group, level), variable.get("percent", group, level)
    text = numbers.count_with_percent(n, share, style)
    return Cell(text, (finite(n), finite(share), None))


def missing_cell(variable: Summarised, group: str | None) -> Cell:
    """How many rows have no value."""
    missing = variable.get("missing", group)
    return Cell(numbers.count(missing), (finite(missing), None, None))


def statistic_words(statistic: str, style: NumberStyle) -> str:
    """`mean (SD)` or `median [Q1, Q3]`."""
    left, right = style.quartile_brackets
    return "mean (SD)" if statistic == "mean" else f"median {left}Q1, Q3{right}"


def line(kind: RowKind, title: Cell, cells: list[Cell], more: list[Cell]) -> Row:
    """A row of a title, a cell per group, and what stands right of them."""
    return Row(kind, (title, *cells, *more))
