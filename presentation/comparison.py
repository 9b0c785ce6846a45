"""A comparison of groups on paper: the main table, its companions, text and figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from presentation import numbers
from presentation.comparison_figures import comparison_flow, distribution_figure
from presentation.comparison_methods import comparison_methods
from presentation.comparison_tables import more_comparison_tables
from presentation.comparison_words import INTERVALS, name_of_test, why_this_test
from presentation.effects import rows_of
from presentation.figures import Figure, figures_of, more_tables_of
from presentation.journal import table_of
from presentation.methods import methods_text
from presentation.names import Names, names_of
from presentation.notes import general_notes
from presentation.numbers import PLAIN, NumberStyle
from presentation.statistics_cells import (
    Summarised,
    finite,
    group_column,
    level_cell,
    line,
    mean_cell,
    median_cell,
    summarised,
)
from presentation.table import Cell, Column, Footnotes, Row, Spanner, Table
from presentation.wording import ci_percent
from stats.result import ComparisonResult

#: The effect that stands on the row of means, of medians, and over the levels.
_EFFECTS = {
    "mean": "mean difference",
    "median": "median of differences",
    "levels": "risk difference",
}
_OF_MEANS = frozenset({"welch", "student", "welch-anova", "anova", "paired-t"})


@dataclass
class _Page:
    result: ComparisonResult
    names: Names
    style: NumberStyle
    footnotes: Footnotes
    variable: Summarised
    effects: Mapping[str, Mapping[str, Any]]

    @property
    def shows_difference(self) -> bool:
        """Whether a difference of two groups stands in the table."""
        return any(measure in self.effects for measure in _EFFECTS.values())


@table_of.register
def _(
    result: ComparisonResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> Table:
    names = names_of(result.choices, labels, units)
    variable = summarised(result.table("summary"))[0]
    effects = {row["measure"]: row for row in rows_of(result.table("effects"))}
    page = _Page(result, names, style, Footnotes(), variable, effects)
    columns = _columns(page)
    rows = _number_rows(page) if variable.is_number else _level_rows(page)
    group = "Occasion" if result.method["wide"] else names.of(result.group)
    spanners = (Spanner(group, 1, len(result.groups)),) if len(result.groups) > 1 else ()
    return Table(
        name="Comparison", title=f"{value_title(result, names)} by {group_words(result, names)}.",
        subtitle=_used(result), columns=columns, rows=tuple(rows), spanners=spanners,
        footnotes=page.footnotes.done(),
        notes=(*_abbreviations(page), *_why(result), *general_notes((result,))),
    )  # fmt: skip


def value_title(result: ComparisonResult, names: Names) -> str:
    """The variable as it is called in print; of several columns, "the measurement"."""
    return "The measurement" if result.method["wide"] else names.of(result.value)


def group_words(result: ComparisonResult, names: Names) -> str:
    """The column of groups, or "occasion" for a wide layout."""
    return result.group if result.method["wide"] else names.of(result.group)


def group_title(result: ComparisonResult, names: Names, group: str) -> str:
    """A group's level; of a wide layout the label of its column."""
    return names.of(group) if result.method["wide"] else group


def _used(result: ComparisonResult) -> str:
    if result.method["paired"]:
        return f"{result.method['subjects']} subjects, {result.n_rows} rows of the file."
    return f"{result.n_used} of {result.n_rows} rows used."


def _why(result: ComparisonResult) -> tuple[str, ...]:
    return (why_this_test(result.method),) if len(result.groups) > 1 else ()


def _columns(page: _Page) -> tuple[Column, ...]:
    result, style = page.result, page.style
    columns = [Column("Characteristic")]
    for group in result.groups:
        title = group_title(result, page.names, group)
        columns.append(group_column(title, page.variable.rows_in(group)))
    if page.shows_difference:
        ci = ci_percent(result.method, result.choices)
        parts = ("difference", f"{ci}% CI low", f"{ci}% CI high")
        first, second = (group_title(result, page.names, g) for g in result.groups)
        mark = page.footnotes.mark(f"{first} minus {second}.")
        title = f"Difference ({ci}% CI)"
        columns.append(Column(title, "number", parts, ("0.00####",) * 3, mark))
    columns.append(Column(style.p_symbol, "number", (style.p_symbol,), ("General",)))
    return tuple(columns)


def _number_rows(page: _Page) -> list[Row]:
    result, style = page.result, page.style
    title = "The measurement" if result.method["wide"] else page.names.with_unit(result.value)
    left, right = style.quartile_brackets
    blank = [Cell() for _ in result.groups]
    rows = [line("heading", Cell(title), blank, _right(page, "", Cell()))]
    of_means = result.method["test"] in _OF_MEANS
    for kind, words, make in (
        ("mean", "Mean (SD)", mean_cell),
        ("median", f"Median {left}Q1, Q3{right}", median_cell),
    ):
        cells = [make(page.variable, group, style) for group in result.groups]
        own = (kind == "mean") == of_means
        rows.append(
            line("line", Cell(words), cells, _right(page, kind, _p(page) if own else Cell()))
        )
    return rows


def _level_rows(page: _Page) -> list[Row]:
    result, style = page.result, page.style
    title = "The measurement" if result.method["wide"] else page.names.of(result.value)
    blank = [Cell() for _ in result.groups]
    rows = [line("heading", Cell(f"{title}, n (%)"), blank, _right(page, "levels", _p(page)))]
    for level in page.variable.levels:
        cells = [level_cell(page.variable, group, level, style) for group in result.groups]
        rows.append(line("level", Cell(level), cells, _right(page, "", Cell())))
    return rows


def _right(page: _Page, kind: str, p: Cell) -> list[Cell]:
    """The difference that belongs to a row, and its p."""
    if not page.shows_difference:
        return [p]
    found = page.effects.get(_EFFECTS.get(kind, ""))
    if found is None:
        return [Cell(), p]
    values = [found[name] for name in ("estimate", "ci_low", "ci_high")]
    scale = 100.0 if kind == "levels" else 1.0
    shown = [scale * v for v in values]
    text = numbers.estimate_with_interval(shown[0], shown[1], shown[2], page.style, null=0.0)
    how = INTERVALS.get(found["interval"], found["interval"])
    what = {
        "mean": "Difference of means", "median": "Hodges–Lehmann estimate",
        "levels": f"Difference of {page.result.method['event']} in percentage points",
    }[kind]  # fmt: skip
    mark = page.footnotes.mark(f"{what}; interval: {how}.")
    return [Cell(text, tuple(finite(v) for v in shown), mark), p]


def _p(page: _Page) -> Cell:
    """The p of the chosen test."""
    test = rows_of(page.result.table("tests"))[0]
    if math.isnan(test["p_value"]):
        mark = page.footnotes.mark("No test: these data do not allow one.")
        return Cell(numbers.NOT_ESTIMABLE, (None,), mark)
    words = name_of_test(test["test"])
    text = f"{words[:1].upper()}{words[1:]}"
    if test["mc_error"] > 0:
        text += f", p simulated with a standard error of {test['mc_error']:.1g}"
    mark = page.footnotes.mark(f"{text}.")
    return Cell(numbers.p_value(test["p_value"], page.style), (test["p_value"],), mark)


def _abbreviations(page: _Page) -> tuple[str, ...]:
    words = ["CI, confidence interval"] if page.shows_difference else []
    if page.variable.is_number:
        words.append("SD, standard deviation; Q1 and Q3, first and third quartile")
    return ("; ".join(words) + ".",) if words else ()


@more_tables_of.register
def _(
    result: ComparisonResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Table, ...]:
    return more_comparison_tables(result, names_of(result.choices, labels, units), style)


@figures_of.register
def _(
    result: ComparisonResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Figure, ...]:
    names = names_of(result.choices, labels, units)
    return distribution_figure(result, names, style), comparison_flow(result, names)


@methods_text.register
def _(
    result: ComparisonResult,
    *,
    versions: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> str:
    return comparison_methods(result, names_of(result.choices, labels, units), versions)
