"""The tables beside a comparison: pairs of groups, effect sizes, tests, checks, rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from presentation import numbers
from presentation.comparison_words import ADJUSTED, INTERVALS, POSTHOC, name_of_test
from presentation.details import exclusions_table
from presentation.effects import rows_of
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.statistics_cells import finite
from presentation.table import Cell, Column, Footnotes, Row, Table
from presentation.wording import ci_percent
from stats.result import ComparisonResult

_READING = (
    "A small p speaks against normality, or against equal spreads; in large groups it does so for "
    "trifles, in small ones it misses much."
)


def more_comparison_tables(
    result: ComparisonResult, names: Names, style: NumberStyle
) -> tuple[Table, ...]:
    """What the paper needs first: pairs and effect sizes; then tests, checks and rows."""
    found = [
        _pairs(result, names, style), _effects(result, names, style), _tests(result, style),
        _checks(result, names, style),
    ]  # fmt: skip
    tables = [t for t in found if t.rows]
    if result.exclusions:
        tables.append(exclusions_table(result))
    return tuple(tables)


def _title(result: ComparisonResult, names: Names, group: str) -> str:
    return names.of(group) if result.method["wide"] else group


def _pairs(result: ComparisonResult, names: Names, style: NumberStyle) -> Table:
    """Each pair of groups with its difference and p."""
    notes = Footnotes()
    rows = rows_of(result.table("pairwise"))
    ci = ci_percent(result.method, result.choices)
    shown = any(not math.isnan(row["estimate"]) for row in rows)
    with_limits = any(not math.isnan(row["ci_low"]) for row in rows)
    what = _difference_title(result, ci, with_limits=with_limits)
    columns = [Column("Groups")]
    if shown:
        parts = ("difference", f"{ci}% CI low", f"{ci}% CI high")
        columns.append(
            Column(what, "number", parts, ("0.00####",) * 3, notes.mark(_pair_sentence(result)))
        )
    alone = "Of each pair by itself." if shown else f"Of each pair by itself: {_words(result)}."
    columns.append(_p_column(style, style.p_symbol, notes.mark(alone)))
    adjusted = _adjusted_sentence(result)
    if adjusted:
        columns.append(_p_column(style, f"{style.p_symbol}, adjusted", notes.mark(adjusted)))
    lines: list[Row] = []
    for row in rows:
        a, b = (_title(result, names, row[key]) for key in ("group_a", "group_b"))
        cells = [Cell(f"{a} minus {b}" if shown else f"{a} and {b}")]
        if shown:
            cells.append(_interval_cell(row, style))
        cells.append(_p_cell(row["p_value"], style))
        if adjusted:
            cells.append(_p_cell(row["p_adjusted"], style))
        lines.append(Row("single", tuple(cells)))
    return Table(
        name="Pairs of groups", title="Pairs of groups compared.", columns=tuple(columns),
        rows=tuple(lines), footnotes=notes.done() if lines else (),
        notes=("CI, confidence interval.",) if with_limits else (),
    )  # fmt: skip


def _difference_title(result: ComparisonResult, ci: str, *, with_limits: bool) -> str:
    if result.method["posthoc"] == "dunn":
        return "Difference of mean ranks"
    kind = "Simultaneous" if result.method["simultaneous"] else "Single"
    return f"Difference ({kind.lower()} {ci}% CI)" if with_limits else "Difference"


def _words(result: ComparisonResult) -> str:
    """The method of the comparisons of pairs."""
    return POSTHOC.get(result.method["posthoc"], result.method["posthoc"])


def _pair_sentence(result: ComparisonResult) -> str:
    words = _words(result)
    event = result.method["event"]
    of = f"; differences of the share of {event}" if words == POSTHOC["mcnemar"] and event else ""
    return f"{words[:1].upper()}{words[1:]}{of}."


def _adjusted_sentence(result: ComparisonResult) -> str:
    if result.method["simultaneous"]:
        return "Adjusted for the number of groups by the studentized range."
    how = ADJUSTED.get(result.method["adjustment"], "")
    return f"Adjusted for the number of pairs by {how}." if how else ""


def _p_column(style: NumberStyle, title: str, mark: str = "") -> Column:
    del style
    return Column(title, "number", (title,), ("General",), mark)


def _p_cell(p: float, style: NumberStyle) -> Cell:
    return Cell(numbers.p_value(p, style), (finite(p),))


def _interval_cell(row: Mapping[str, Any], style: NumberStyle, null: float | None = 0.0) -> Cell:
    values = tuple(row[name] for name in ("estimate", "ci_low", "ci_high"))
    text = numbers.estimate_with_interval(values[0], values[1], values[2], style, null=null)
    return Cell(text, tuple(finite(v) for v in values))


def _effects(result: ComparisonResult, names: Names, style: NumberStyle) -> Table:
    notes = Footnotes()
    ci = ci_percent(result.method, result.choices)
    lines: list[Row] = []
    for row in rows_of(result.table("effects")):
        measure = row["measure"]
        mark = ""
        if row["interval"] != "none":
            how = INTERVALS.get(row["interval"], row["interval"])
            mark = notes.mark(f"Interval: {how}.")
        elif not math.isnan(row["estimate"]):
            mark = notes.mark("No interval is established.")
        cell = _interval_cell(row, style)
        cells = (Cell(f"{measure[:1].upper()}{measure[1:]}"), Cell(cell.text, cell.numbers, mark))
        lines.append(Row("single", cells))
    parts = ("estimate", f"{ci}% CI low", f"{ci}% CI high")
    columns = (
        Column("Measure"), Column(f"Estimate ({ci}% CI)", "number", parts, ("0.00####",) * 3),
    )  # fmt: skip
    first = " minus ".join(_title(result, names, g) for g in result.groups)
    order = (f"Differences are {first}.",) if len(result.groups) == 2 else ()
    return Table(
        name="Effect sizes", title="Effect sizes.", columns=columns, rows=tuple(lines),
        footnotes=notes.done(), notes=(*order, "CI, confidence interval."),
    )  # fmt: skip


def _degrees(row: Mapping[str, Any]) -> str:
    shown = [f"{row[name]:.4g}" for name in ("df", "df2") if not math.isnan(row[name])]
    return ", ".join(shown)


def _statistic_cells(row: Mapping[str, Any], style: NumberStyle) -> tuple[Cell, ...]:
    statistic = row["statistic"]
    known = math.isfinite(statistic)
    return (
        Cell(numbers.estimate(statistic, style) if known else "", (finite(statistic),)),
        Cell(_degrees(row), (finite(row["df"]), finite(row["df2"]))),
        _p_cell(row["p_value"], style),
    )


def _statistic_columns(style: NumberStyle) -> tuple[Column, ...]:
    return (
        Column("Statistic", "number", ("statistic",), ("0.000",)),
        Column("df", "number", ("df", "df of the denominator"), ("General", "General")),
        _p_column(style, style.p_symbol),
    )


def _tests(result: ComparisonResult, style: NumberStyle) -> Table:
    """The chosen test first, then those that answer the same question in another way."""
    notes = Footnotes()
    lines: list[Row] = []
    found = rows_of(result.table("tests"))
    for row in found:
        words = name_of_test(row["test"])
        mark = ""
        if row["chosen"] and len(found) > 1:
            mark = notes.mark("The test of this comparison; the others decide nothing.")
        title = Cell(f"{words[:1].upper()}{words[1:]}", mark=mark)
        lines.append(Row("single", (title, *_statistic_cells(row, style))))
    return Table(
        name="Tests", title="Tests.", columns=(Column("Test"), *_statistic_columns(style)),
        rows=tuple(lines) if len(result.groups) > 1 else (),
        footnotes=notes.done(), notes=("df, degrees of freedom.",),
    )  # fmt: skip


def _checks(result: ComparisonResult, names: Names, style: NumberStyle) -> Table:
    """Shapes and spreads; a reader looks at the figure as well."""
    lines: list[Row] = []
    for row in rows_of(result.table("checks")):
        words = name_of_test(row["check"])
        of = ""
        if row["group"] is not None:
            of = f": {_title(result, names, row['group'])}"
        elif result.method["paired"]:
            of = ": differences"
        title = Cell(f"{words[:1].upper()}{words[1:]}{of}")
        lines.append(Row("single", (title, *_statistic_cells(row, style))))
    return Table(
        name="Checks", title="Normality and equality of spreads.",
        subtitle="They are shown for information and did not choose the test.",
        columns=(Column("Check"), *_statistic_columns(style)), rows=tuple(lines),
        notes=(_READING, "df, degrees of freedom."),
    )  # fmt: skip
