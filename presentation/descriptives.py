"""Rows of the file by outcome group: counts, means, medians, missing values, tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from presentation import numbers
from presentation.effects import rows_of
from presentation.names import Names, names_of
from presentation.numbers import PLAIN, NumberStyle
from presentation.table import Cell, Column, Footnotes, Row, RowKind, Spanner, Table
from presentation.wording import compared_by, test_words
from stats.result import OutcomeResult

_PARTS = ("n, mean or median", "%, SD or Q1", "Q3")
_FORMATS = ("General", "General", "General")


@dataclass
class _Variable:
    """The statistics of one variable: (level, group, stat) -> value; group None is overall."""

    name: str
    levels: list[str] = field(default_factory=list)
    values: dict[tuple[str | None, str | None, str], float] = field(default_factory=dict)

    def get(self, stat: str, group: str | None, level: str | None = None) -> float:
        """One statistic; NaN when it was not given."""
        return self.values.get((level, group, stat), math.nan)

    def rows_in(self, group: str | None) -> float:
        """Rows of a group, missing ones included; NaN when it cannot be told."""
        missing = self.get("missing", group)
        if self.levels:
            known = sum(self.get("n", group, level) for level in self.levels)
        else:
            known = self.get("n", group)
        return known + (0.0 if math.isnan(missing) else missing)


@dataclass
class _Page:
    names: Names
    style: NumberStyle
    groups: tuple[str | None, ...]
    footnotes: Footnotes
    tests: Mapping[str, Sequence[Mapping[str, object]]]


def descriptives_table(
    result: OutcomeResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> Table:
    """One block of rows per variable: overall, without and with the event, p with its test."""
    names = names_of(result.choices, labels, units)
    variables = _read(result)
    groups = (None, result.other, result.event)
    tests: dict[str, list[Mapping[str, object]]] = {}
    for row in rows_of(result.table("tests")):
        tests.setdefault(row["variable"], []).append(row)
    page = _Page(names, style, groups, Footnotes(), tests)
    rows = tuple(row for v in variables for row in _variable_rows(page, v))
    outcome = names.of(result.outcome)
    columns = [Column("Characteristic")]
    for title, group in zip(("Overall", result.other, result.event), groups, strict=True):
        n = max((v.rows_in(group) for v in variables), default=math.nan)
        columns.append(Column(f"{title} (N = {numbers.count(n)})", "number", _PARTS, _FORMATS))
    columns.append(Column(style.p_symbol, "number", (style.p_symbol,), ("General",)))
    return Table(
        name="Descriptives",
        title=f"Characteristics of the rows by {outcome}.",
        columns=tuple(columns),
        rows=rows,
        spanners=(Spanner(outcome, 2, 3),),
        footnotes=page.footnotes.done(),
        notes=(
            "Percentages are of the rows with a known value.",
            "SD, standard deviation; Q1 and Q3, first and third quartile.",
        ),
    )


def _read(result: OutcomeResult) -> list[_Variable]:
    found: dict[str, _Variable] = {}
    for row in rows_of(result.table("descriptives")):
        variable = found.setdefault(row["variable"], _Variable(row["variable"]))
        level = row["level"]
        if level is not None and level not in variable.levels:
            variable.levels.append(level)
        variable.values[level, row["group"], row["stat"]] = row["value"]
    return list(found.values())


def _variable_rows(page: _Page, variable: _Variable) -> list[Row]:
    title = page.names.with_unit(variable.name)
    blank = tuple(Cell() for _ in page.groups)
    if variable.levels:
        title += ", n (%)"
    rows = [Row("heading", (Cell(title), *blank, _p_cell(page, variable, None)))]
    if variable.levels:
        rows += [_level_row(page, variable, level) for level in variable.levels]
    else:
        rows += _continuous_rows(page, variable)
    if any(variable.get("missing", group) > 0 for group in page.groups):
        missing = [variable.get("missing", group) for group in page.groups]
        cells = [Cell(numbers.count(m), (_finite(m), None, None)) for m in missing]
        rows.append(_line("line", "Missing", cells, Cell()))
    return rows


def _line(kind: RowKind, title: str, cells: list[Cell], p: Cell) -> Row:
    return Row(kind, (Cell(title), *cells, p))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _level_row(page: _Page, variable: _Variable, level: str) -> Row:
    cells = []
    for group in page.groups:
        n = variable.get("n", group, level)
        share = variable.get("percent", group, level)
        text = numbers.count_with_percent(n, share, page.style)
        cells.append(Cell(text, (_finite(n), _finite(share), None)))
    return _line("level", level, cells, Cell())


def _continuous_rows(page: _Page, variable: _Variable) -> list[Row]:
    style = page.style
    decimals = numbers.spread_decimals(variable.get("sd", None))
    means, medians = [], []
    for group in page.groups:
        mean, sd = variable.get("mean", group), variable.get("sd", group)
        quartiles = [variable.get(stat, group) for stat in ("median", "q1", "q3")]
        means.append(
            Cell(
                numbers.mean_with_sd(mean, sd, decimals, style),
                (_finite(mean), _finite(sd), None),
            )
        )
        medians.append(
            Cell(
                numbers.median_with_quartiles(
                    quartiles[0], quartiles[1], quartiles[2], decimals, style
                ),
                tuple(_finite(q) for q in quartiles),
            )
        )
    left, right = style.quartile_brackets
    return [
        _line("line", "Mean (SD)", means, _p_cell(page, variable, "mean")),
        _line("line", f"Median {left}Q1, Q3{right}", medians, _p_cell(page, variable, "median")),
    ]


def _p_cell(page: _Page, variable: _Variable, of: str | None) -> Cell:
    """The p of the test of means or of ranks on its own line; any other on the heading."""
    for test in page.tests.get(variable.name, ()):
        code = str(test["test"] or "")
        compares = None if variable.levels else compared_by(code)
        if compares == of:
            return _tested(page, code, float(str(test["p_value"])), float(str(test["mc_error"])))
    return Cell()


def _tested(page: _Page, code: str, p: float, error: float) -> Cell:
    if math.isnan(p):
        mark = page.footnotes.mark("No test: these data do not allow one.")
        return Cell(numbers.NOT_ESTIMABLE, (None,), mark)
    words = test_words(code)
    text = f"{words[:1].upper()}{words[1:]}"
    if error > 0:
        text += f", p simulated with a standard error of {error:.1g}"
    return Cell(numbers.p_value(p, page.style), (p,), page.footnotes.mark(f"{text}."))
