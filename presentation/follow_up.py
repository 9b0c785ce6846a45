"""Words and cells that tables and figures of follow-up times share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from presentation import numbers
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.table import Cell, Column, Row
from presentation.wording import ci_percent
from stats.result import CurveResult

ALL: str = "All patients"
NOT_REACHED: str = "NR"
#: So many chosen times have a column of their own in the main table.
MOST_TIME_COLUMNS = 4
_BARE = frozenset({"yes", "no", "true", "false"})


def groups_of(result: CurveResult) -> tuple[str | None, ...]:
    """The groups, or None alone where there are none."""
    return result.groups or (None,)


def group_title(result: CurveResult, names: Names) -> str:
    """The group variable as it is called in print; empty without groups."""
    group = result.choices.get("group")
    return names.of(group) if isinstance(group, str) else ""


def group_name(result: CurveResult, names: Names, group: str | None) -> str:
    """A group on its own: the level, with the variable in front where the level says little."""
    if group is None:
        return ALL
    bare = group.casefold() in _BARE or not any(letter.isalpha() for letter in group)
    return f"{group_title(result, names)}: {group}" if bare else group


def event_words(result: CurveResult, names: Names, levels: Sequence[str]) -> str:
    """`Status = died or relapsed`."""
    return f"{names.of(str(result.choices['event']))} = {' or '.join(levels)}"


def time_unit(result: CurveResult, names: Names) -> str:
    """The unit of the time column; empty when it is not known."""
    return names.units.get(str(result.choices["time"])) or ""


def time_title(result: CurveResult, names: Names) -> str:
    """The time column with its unit: `Follow-up, days`."""
    return names.with_unit(str(result.choices["time"]))


def time_text(result: CurveResult, names: Names, time: float) -> str:
    """`365 days`, or `365` when the unit is not known."""
    unit = time_unit(result, names)
    return f"{time:g} {unit}" if unit else f"{time:g}"


def with_interval(
    value: float, low: float, high: float, decimals: int, style: NumberStyle, *,
    scale: float = 1.0, missing: str = numbers.NOT_ESTIMABLE,
) -> Cell:  # fmt: skip
    """`84.9 (79.1 to 89.2)`; `missing` stands for what is not known, alone where nothing is."""
    values = [None if math.isnan(v) else scale * v for v in (value, low, high)]
    if all(v is None for v in values):
        return Cell(missing, (None, None, None))
    shown, below, above = (
        missing if v is None else numbers.number(v, decimals, style) for v in values
    )
    if all(v is None for v in values[1:]) and missing != NOT_REACHED:
        return Cell(shown, tuple(values))
    return Cell(f"{shown} ({numbers.between(below, above, style)})", tuple(values))


def interval_column(title: str, result: CurveResult, form: str = "0.0") -> Column:
    """A column of estimates with limits."""
    ci = ci_percent(result.method, result.choices)
    return Column(
        title, "number", (title or "Estimate", f"{ci}% CI low", f"{ci}% CI high"), (form,) * 3
    )


def p_cell(p: float, style: NumberStyle, mark: str = "") -> Cell:
    """A p-value."""
    return Cell(numbers.p_value(p, style), (None if math.isnan(p) else p,), mark)


def p_column(style: NumberStyle, title: str = "", mark: str = "") -> Column:
    """A column of p-values."""
    shown = title or style.p_symbol
    return Column(shown, "number", (shown,), ("General",), mark=mark)


def count_column(title: str) -> Column:
    """A column of counts."""
    return Column(title, "number", (title,), ("0",))


def count_cell(n: float) -> Cell:
    """A count."""
    return Cell(numbers.count(n), (float(n),))


def events_cell(events: int, n: int, style: NumberStyle) -> Cell:
    """`34/120 (28.3%)`."""
    share = 100.0 * events / n if n else None
    return Cell(numbers.events_of(events, n, style), (float(events), float(n), share))


def time_decimals(times: Sequence[float]) -> int:
    """Decimals that the size of the times asks for."""
    largest = max((t for t in times if math.isfinite(t)), default=0.0)
    return min(numbers.decimals_by_size(largest), 3) if largest > 0 else 0


def group_rows(
    result: CurveResult, names: Names, cells: Mapping[str | None, Sequence[Cell]],
    heading: Sequence[Cell],
) -> tuple[Row, ...]:  # fmt: skip
    """A heading with the group variable and one row per group; one row alone without groups.

    `heading` are the cells behind the variable's name; without groups they are not used.
    """
    if not result.groups:
        return (Row("single", (Cell(ALL), *cells[None])),)
    rows = [Row("heading", (Cell(group_title(result, names)), *heading))]
    rows += [Row("level", (Cell(str(g)), *cells[g])) for g in result.groups]
    return tuple(rows)


def main_times(chosen: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    """The chosen times that have columns in the main table; none when there are too many."""
    asked = tuple(dict.fromkeys(float(row["time"]) for row in chosen if row["asked"]))
    return asked if len(asked) <= MOST_TIME_COLUMNS else ()
