"""Table 1 on paper: the cohort overall and by group, differences, tests, all statistics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from presentation import numbers
from presentation.cohort_figures import balance_figure, cohort_flow
from presentation.cohort_methods import cohort_methods
from presentation.comparison_words import name_of_test
from presentation.details import exclusions_table
from presentation.effects import rows_of
from presentation.figures import Figure, figures_of, more_tables_of
from presentation.journal import table_of
from presentation.methods import methods_text
from presentation.names import Names, names_of
from presentation.notes import general_notes, notes_by_term
from presentation.numbers import PLAIN, NumberStyle
from presentation.statistics_cells import (
    Summarised,
    finite,
    group_column,
    level_cell,
    line,
    mean_cell,
    median_cell,
    missing_cell,
    range_cell,
    statistic_words,
    summarised,
)
from presentation.table import Cell, Column, Footnotes, Row, Spanner, Table
from stats.result import SummaryResult

_SMD_WORDS = {
    "average": "difference of means over the square root of the average variance",
    "pooled": "difference of means over the pooled standard deviation",
    "hedges": "difference of means over the pooled standard deviation, with Hedges' correction",
}


@dataclass
class _Page:
    result: SummaryResult
    names: Names
    style: NumberStyle
    footnotes: Footnotes
    term_notes: Mapping[str, tuple[str, ...]]
    smd: Mapping[str, float]
    tests: Mapping[str, tuple[str, float, float]]

    @property
    def groups(self) -> tuple[str | None, ...]:
        """Overall, then each group."""
        return (None, *self.result.groups)

    @property
    def shows_smd(self) -> bool:
        """Whether there are differences to show."""
        return len(self.result.groups) > 1 and self.result.choices["smd"] != "none"

    @property
    def shows_p(self) -> bool:
        """Whether tests were asked for."""
        return len(self.tests) > 0


@table_of.register
def _(
    result: SummaryResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> Table:
    page = _page(result, names_of(result.choices, labels, units), style)
    variables = summarised(result.table("summary"))
    columns = _columns(page, variables)  # first, so that its footnotes come first
    rows = tuple(row for v in variables for row in _variable_rows(page, v))
    by = f" by {page.names.of(result.group)}" if result.group is not None else ""
    spanners = ()
    if result.group is not None and result.groups:
        spanners = (Spanner(page.names.of(result.group), 2, 1 + len(result.groups)),)
    return Table(
        name="Table 1", title=f"Characteristics of the patients{by}.",
        subtitle=f"{result.n_used} of {result.n_rows} rows.",
        columns=columns, rows=rows, spanners=spanners, footnotes=page.footnotes.done(),
        notes=(*_abbreviations(page, variables), *general_notes((result,), _terms(variables))),
    )  # fmt: skip


def _page(result: SummaryResult, names: Names, style: NumberStyle) -> _Page:
    tests = {
        row["variable"]: (row["test"], row["p_value"], row["mc_error"])
        for row in rows_of(result.table("tests"))
    }
    smd: dict[str, float] = {}
    for row in rows_of(result.table("balance")):
        size = abs(row["smd"])
        known = smd.get(row["variable"], math.nan)
        smd[row["variable"]] = (
            size if math.isnan(known) else max(known, 0.0 if math.isnan(size) else size)
        )
    return _Page(result, names, style, Footnotes(), notes_by_term((result,)), smd, tests)


def _terms(variables: list[Summarised]) -> list[str]:
    return [v.name for v in variables]


def _columns(page: _Page, variables: list[Summarised]) -> tuple[Column, ...]:
    columns = [Column("Characteristic")]
    sizes = page.result.facts["group_sizes"]
    for group in page.groups:
        rows = page.result.n_used if group is None else sizes[group]
        columns.append(group_column("Overall" if group is None else group, rows))
    if page.shows_smd:
        columns.append(Column("SMD", "number", ("SMD",), ("0.000",), _smd_mark(page, variables)))
    if page.shows_p:
        columns.append(Column(page.style.p_symbol, "number", (page.style.p_symbol,), ("General",)))
    return tuple(columns)


def _smd_mark(page: _Page, variables: list[Summarised]) -> str:
    parts: list[str] = []
    if any(v.is_number for v in variables):
        parts.append(f"of a number, {_SMD_WORDS[page.result.choices['smd']]}")
    if any(not v.is_number for v in variables):
        parts.append("of a category, Mahalanobis distance of the shares of its levels")
    largest = "; the largest of all pairs of groups" if len(page.result.groups) > 2 else ""
    return page.footnotes.mark(
        f"Absolute standardised mean difference: {'; '.join(parts)}{largest}."
    )


def _variable_rows(page: _Page, variable: Summarised) -> list[Row]:
    name, style = variable.name, page.style
    mark = page.footnotes.marks(*page.term_notes.get(name, ()))
    right = [*_smd_cells(page, variable), *_p_cells(page, variable)]
    title = page.names.with_unit(name)
    if variable.is_number:
        statistic = page.result.choices["statistics"].get(name, "mean")
        make = mean_cell if statistic == "mean" else median_cell
        cells = [make(variable, group, style) for group in page.groups]
        words = statistic_words(statistic, style)
        rows = [line("single", Cell(f"{title}, {words}", mark=mark), cells, right)]
    else:
        blank = [Cell() for _ in page.groups]
        rows = [line("heading", Cell(f"{title}, n (%)", mark=mark), blank, right)]
        rows += [
            line(
                "level", Cell(level), [level_cell(variable, g, level, style) for g in page.groups],
                [Cell() for _ in right],
            )
            for level in variable.levels
        ]  # fmt: skip
    if any(variable.get("missing", group) > 0 for group in page.groups):
        cells = [missing_cell(variable, group) for group in page.groups]
        rows.append(line("line", Cell("Missing"), cells, [Cell() for _ in right]))
    return rows


def _smd_cells(page: _Page, variable: Summarised) -> list[Cell]:
    if not page.shows_smd:
        return []
    size = page.smd.get(variable.name, math.nan)
    mark = page.footnotes.mark("Not defined for these data.") if math.isnan(size) else ""
    return [Cell(numbers.number(size, 3, page.style), (finite(size),), mark)]


def _p_cells(page: _Page, variable: Summarised) -> list[Cell]:
    if not page.shows_p:
        return []
    code, p, error = page.tests[variable.name]
    if math.isnan(p):
        mark = page.footnotes.mark("No test: these data do not allow one.")
        return [Cell(numbers.NOT_ESTIMABLE, (None,), mark)]
    words = name_of_test(code)
    text = f"{words[:1].upper()}{words[1:]}"
    if error > 0:
        text += f", p simulated with a standard error of {error:.1g}"
    return [Cell(numbers.p_value(p, page.style), (p,), page.footnotes.mark(f"{text}."))]


def _abbreviations(page: _Page, variables: list[Summarised]) -> tuple[str, ...]:
    statistics = set(page.result.choices["statistics"].values())
    words: list[str] = []
    if "mean" in statistics:
        words.append("SD, standard deviation")
    if "median" in statistics:
        words.append("Q1 and Q3, first and third quartile")
    if page.shows_smd:
        words.append("SMD, standardised mean difference")
    found = ["; ".join(words) + "."] if words else []
    if any(not v.is_number for v in variables):
        found.insert(0, "Percentages are of the rows with a known value.")
    return tuple(found)


@more_tables_of.register
def _(
    result: SummaryResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Table, ...]:
    names = names_of(result.choices, labels, units)
    found = [_all_statistics(result, names, style)]
    if result.table("balance").n_rows and len(result.groups) > 2:
        found.append(_pairs(result, names, style))
    if result.exclusions:
        found.append(exclusions_table(result))
    return tuple(t for t in found if t.rows)


def _all_statistics(result: SummaryResult, names: Names, style: NumberStyle) -> Table:
    """Mean, median and range of every number, whichever the main table shows."""
    groups: tuple[str | None, ...] = (None, *result.groups)
    rows: list[Row] = []
    left, right = style.quartile_brackets
    for v in summarised(result.table("summary")):
        if not v.is_number:
            continue
        blank = [Cell() for _ in groups]
        rows.append(line("heading", Cell(names.with_unit(v.name)), blank, []))
        for title, make in (
            ("Mean (SD)", mean_cell), (f"Median {left}Q1, Q3{right}", median_cell),
            ("Lowest to highest", range_cell),
        ):  # fmt: skip
            cells = [make(v, group, style) for group in groups]
            rows.append(line("line", Cell(title), cells, []))
        known = [Cell(numbers.count(v.get("n", g)), (finite(v.get("n", g)), None, None))
                 for g in groups]  # fmt: skip
        rows.append(line("line", Cell("Known values"), known, []))
    sizes = result.facts["group_sizes"]
    columns = [Column("Characteristic")] + [
        group_column("Overall" if g is None else g, result.n_used if g is None else sizes[g])
        for g in groups
    ]
    return Table(
        name="All statistics", title="Every statistic of the numbers.", columns=tuple(columns),
        rows=tuple(rows), notes=("SD, standard deviation; Q1 and Q3, first and third quartile.",),
    )  # fmt: skip


def _pairs(result: SummaryResult, names: Names, style: NumberStyle) -> Table:
    """The standardised difference of each pair of groups."""
    found = rows_of(result.table("balance"))
    pairs = list(dict.fromkeys((row["group_a"], row["group_b"]) for row in found))
    sizes = {(row["variable"], row["group_a"], row["group_b"]): row["smd"] for row in found}
    rows = tuple(
        Row("single", (
            Cell(names.of(name)),
            *(Cell(numbers.number(sizes[name, a, b], 3, style), (finite(sizes[name, a, b]),))
              for a, b in pairs),
        ))
        for name in dict.fromkeys(row["variable"] for row in found)
    )  # fmt: skip
    columns = [Column("Characteristic")] + [
        Column(f"{a} minus {b}", "number", (f"{a} minus {b}",), ("0.000",)) for a, b in pairs
    ]
    return Table(
        name="Balance", title="Standardised mean differences of all pairs of groups.",
        columns=tuple(columns), rows=rows,
        notes=("Those of categories are distances and have no sign.",),
    )  # fmt: skip


@figures_of.register
def _(
    result: SummaryResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Figure, ...]:
    names = names_of(result.choices, labels, units)
    found: list[Figure] = []
    balance = balance_figure(result, names, style)
    if balance is not None:
        found.append(balance)
    if result.group is not None:
        found.append(cohort_flow(result, names))
    return tuple(found)


@methods_text.register
def _(
    result: SummaryResult,
    *,
    versions: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> str:
    return cohort_methods(result, names_of(result.choices, labels, units), versions)
