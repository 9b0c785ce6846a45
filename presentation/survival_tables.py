"""Kaplan-Meier results as tables: the main one, chosen times, pairs of groups, follow-up."""

from __future__ import annotations

import math
from typing import Any

from presentation import numbers
from presentation.effects import rows_of
from presentation.follow_up import (
    NOT_REACHED,
    count_cell,
    count_column,
    event_words,
    events_cell,
    group_name,
    group_rows,
    groups_of,
    interval_column,
    main_times,
    p_cell,
    p_column,
    time_decimals,
    time_text,
    time_title,
    time_unit,
    with_interval,
)
from presentation.names import Names
from presentation.notes import general_notes
from presentation.numbers import NumberStyle
from presentation.table import Cell, Column, Footnotes, Row, Spanner, Table
from presentation.wording import ci_percent
from stats.result import CurveResult

_ABBREVIATIONS = "CI, confidence interval; NR, not reached."


def survival_table(result: CurveResult, names: Names, style: NumberStyle) -> Table:
    """Events, median and restricted mean of each group, survival at chosen times, and the test."""
    summary = {row["group"]: row for row in rows_of(result.table("summary"))}
    chosen = rows_of(result.table("chosen"))
    times = main_times(chosen)
    at = {(row["group"], float(row["time"])): row for row in chosen}
    notes = Footnotes()
    ci = ci_percent(result.method, result.choices)
    decimals = time_decimals([row["last_time"] for row in summary.values()])
    cells: dict[str | None, list[Cell]] = {}
    for group in groups_of(result):
        row = summary[group]
        own = [events_cell(row["events"], row["n"], style), _median(row, "median", decimals, style)]
        own += [_percent(at[group, t], style) for t in times]
        own.append(with_interval(row["rmst"], row["rmst_low"], row["rmst_high"], decimals, style))
        cells[group] = own + ([Cell()] if result.groups else [])
    columns = _columns(result, names, style, times, notes)
    heading = [Cell() for _ in columns[2:]]
    tests = rows_of(result.table("tests"))
    heading.append(p_cell(tests[0]["p_value"], style) if tests else Cell())
    spanners = (Spanner(f"Survival, % ({ci}% CI)", 3, 2 + len(times)),) if times else ()
    return Table(
        name="Survival", title=_title(result, names),
        subtitle=f"{result.n_used} of {result.n_rows} rows used.",
        columns=columns, rows=group_rows(result, names, cells, heading), spanners=spanners,
        footnotes=notes.done(), notes=(_ABBREVIATIONS, *general_notes((result,))),
    )  # fmt: skip


def _title(result: CurveResult, names: Names) -> str:
    by = f" by {names.of(result.choices['group'])}" if result.groups else ""
    return f"Survival{by}. Event: {event_words(result, names, result.method['event'])}."


def _columns(
    result: CurveResult, names: Names, style: NumberStyle, times: tuple[float, ...],
    notes: Footnotes,
) -> tuple[Column, ...]:  # fmt: skip
    ci = ci_percent(result.method, result.choices)
    unit = time_unit(result, names)
    unit = f", {unit}" if unit else ""
    tau = time_text(result, names, float(result.facts["tau"]))
    median = interval_column(f"Median{unit} ({ci}% CI)", result)
    mean = interval_column(f"Restricted mean{unit} ({ci}% CI)", result)
    columns = [
        Column("Group" if result.groups else ""),
        Column("Events/n (%)", "number", ("events", "n", "%"), ("0", "0", "0.0")),
        _marked(median, notes.mark(_median_sentence(result))),
    ]
    limits = notes.mark(f"{ci}% confidence limits by the {result.choices['interval']} method.")
    columns += [
        _marked(interval_column(time_text(result, names, t), result), limits) for t in times
    ]
    columns.append(_marked(mean, notes.mark(f"Area under the curve up to {tau}.")))
    if result.groups:
        columns.append(p_column(style, mark=notes.mark(_test_sentence(result, names))))
    return tuple(columns)


def _marked(column: Column, mark: str) -> Column:
    return Column(column.title, column.align, column.parts, column.formats, mark)


def _median_sentence(result: CurveResult) -> str:
    text = "Kaplan–Meier estimate with limits where the confidence band reaches 50%"
    rule = (
        "; where survival is exactly 50% for a while, the middle of that time"
        if result.choices["median_rule"] == "midpoint"
        else "; where survival is exactly 50% for a while, its beginning"
    )
    return f"{text}{rule}."


def test_name(result: CurveResult) -> str:
    """`Log-rank test`, `Fleming-Harrington test (rho = 1)`."""
    test, rho = str(result.method.get("test") or ""), result.method.get("rho")
    name = "Log-rank test" if test == "log-rank" else f"{test} test"
    return f"{name} (rho = {rho:g})" if test == "Fleming-Harrington" else name


def _test_sentence(result: CurveResult, names: Names) -> str:
    strata = result.choices.get("strata")
    return f"{test_name(result)}{f', stratified by {names.of(strata)}' if strata else ''}."


def _median(row: dict[str, Any], name: str, decimals: int, style: NumberStyle) -> Cell:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return with_interval(row[name], low, high, decimals, style, missing=NOT_REACHED)


def _percent(row: dict[str, Any], style: NumberStyle) -> Cell:
    return with_interval(row["survival"], row["ci_low"], row["ci_high"], 1, style, scale=100.0)


def more_survival_tables(
    result: CurveResult, names: Names, style: NumberStyle
) -> tuple[Table, ...]:
    """Survival at times, pairs of groups, length of follow-up."""
    tables = [times_table(result, names, style)]
    if result.table("tests").n_rows:
        tables += [_test(result, names, style), _pairs(result, names, style)]
    tables.append(_follow_up(result, names, style))
    return tuple(tables)


def times_table(result: CurveResult, names: Names, style: NumberStyle) -> Table:
    """Numbers at risk, events so far and survival at every listed or chosen time."""
    rows: list[Row] = []
    found = rows_of(result.table("chosen"))
    for group in groups_of(result):
        if group is not None:
            name = Cell(group_name(result, names, group))
            rows.append(Row("heading", (name, Cell(), Cell(), Cell(), Cell())))
        for row in (r for r in found if r["group"] == group):
            cells = (
                Cell(f"{row['time']:g}"), count_cell(row["at_risk"]), count_cell(row["events"]),
                count_cell(row["censored"]), _percent(row, style),
            )  # fmt: skip
            rows.append(Row("single" if group is None else "level", cells))
    ci = ci_percent(result.method, result.choices)
    return Table(
        name="Survival at times", title="Survival and numbers at risk.",
        subtitle="Events and censored are counted from the start.",
        columns=(
            Column(time_title(result, names)), count_column("At risk"), count_column("Events"),
            count_column("Censored"), interval_column(f"Survival, % ({ci}% CI)", result),
        ),
        rows=tuple(rows), notes=("CI, confidence interval.",),
    )  # fmt: skip


def _test(result: CurveResult, names: Names, style: NumberStyle) -> Table:
    """Observed and expected events of each group behind the test."""
    cells = {
        row["group"]: [_number(row[key], 1, style) for key in ("observed", "expected")]
        for row in rows_of(result.table("summary"))
    }
    test = rows_of(result.table("tests"))[0]
    weighted = "" if result.method.get("test") == "log-rank" else "Weighted "
    columns = tuple(
        Column(title, "number", (title,), ("0.0",))
        for title in (f"{weighted}Observed".capitalize(), f"{weighted}Expected".capitalize())
    )
    statistic = (
        f"Chi-square {numbers.number(test['statistic'], 2, style)}, {test['df']:.0f} df, "
        f"{numbers.p_phrase(test['p_value'], style)}."
    )
    return Table(
        name="Test", title=f"{_test_sentence(result, names)[:-1]}: events.", subtitle=statistic,
        columns=(Column("Group"), *columns),
        rows=group_rows(result, names, cells, [Cell(), Cell()]),
    )  # fmt: skip


def _pairs(result: CurveResult, names: Names, style: NumberStyle) -> Table:
    notes = Footnotes()
    ci = ci_percent(result.method, result.choices)
    adjusted = result.choices["pairwise"] == "holm" and result.table("pairwise").n_rows > 1
    rows: list[Row] = []
    for row in rows_of(result.table("pairwise")):
        a, b = (group_name(result, names, row[key]) for key in ("group_a", "group_b"))
        cells = [Cell(f"{b} against {a}"), p_cell(row["p_value"], style)]
        if adjusted:
            cells.append(p_cell(row["p_adjusted"], style))
        decimals = time_decimals([abs(row["rmst_difference"])])
        cells.append(_contrast(row, "rmst_difference", decimals, style))
        cells.append(p_cell(row["rmst_difference_p"], style))
        cells.append(_contrast(row, "rmst_ratio", 2, style))
        cells.append(p_cell(row["rmst_ratio_p"], style))
        rows.append(Row("single", tuple(cells)))
    columns = [Column("Groups"), p_column(style, mark=notes.mark(_test_sentence(result, names)))]
    if adjusted:
        holm = notes.mark("Adjusted for the number of pairs by Holm's method.")
        columns.append(p_column(style, f"{style.p_symbol}, adjusted", holm))
    first = len(columns)
    columns += [
        interval_column(f"Difference ({ci}% CI)", result, "0.00"), p_column(style),
        interval_column(f"Ratio ({ci}% CI)", result, "0.000"), p_column(style),
    ]  # fmt: skip
    tau = time_text(result, names, float(result.facts["tau"]))
    return Table(
        name="Pairs of groups", title="Pairs of groups compared.", columns=tuple(columns),
        rows=tuple(rows), footnotes=notes.done(),
        spanners=(Spanner(f"Restricted mean survival time to {tau}", first, first + 3),),
        notes=("CI, confidence interval.",),
    )  # fmt: skip


def _contrast(row: dict[str, Any], name: str, decimals: int, style: NumberStyle) -> Cell:
    return with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"], decimals, style)


def _number(value: float, decimals: int, style: NumberStyle) -> Cell:
    return Cell(numbers.number(value, decimals, style), (value if math.isfinite(value) else None,))


def _follow_up(result: CurveResult, names: Names, style: NumberStyle) -> Table:
    """Length of follow-up, person-time, and when a quarter and three quarters had the event."""
    notes = Footnotes()
    ci = ci_percent(result.method, result.choices)
    cells: dict[str | None, list[Cell]] = {}
    for row in rows_of(result.table("summary")):
        decimals = time_decimals([row["last_time"]])
        cells[row["group"]] = [
            count_cell(row["n"]), _median(row, "follow_up_median", decimals, style),
            _number(row["last_time"], decimals, style),
            _number(row["person_time"], decimals, style),
            _median(row, "first_quartile", decimals, style),
            _median(row, "third_quartile", decimals, style),
        ]  # fmt: skip
    reverse = notes.mark("Kaplan–Meier with censoring as the event.")
    columns = (
        Column("Group" if result.groups else ""), count_column("n"),
        _marked(interval_column(f"Median follow-up ({ci}% CI)", result), reverse),
        Column("Longest", "number", ("Longest",), ("0.0",)),
        Column("Person-time", "number", ("Person-time",), ("0.0",)),
        interval_column(f"25% had the event by ({ci}% CI)", result),
        interval_column(f"75% had the event by ({ci}% CI)", result),
    )  # fmt: skip
    heading = [Cell() for _ in columns[1:]]
    return Table(
        name="Follow-up", title=f"Follow-up ({time_title(result, names)}).", columns=columns,
        rows=group_rows(result, names, cells, heading), footnotes=notes.done(),
        notes=(_ABBREVIATIONS,),
    )  # fmt: skip
