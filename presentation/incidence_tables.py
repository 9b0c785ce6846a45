"""Cumulative incidence as tables: the main one, chosen times, pairs of groups."""

from __future__ import annotations

from typing import Any

from presentation.effects import rows_of
from presentation.follow_up import (
    count_cell,
    count_column,
    events_cell,
    group_name,
    group_title,
    groups_of,
    interval_column,
    main_times,
    p_cell,
    p_column,
    time_text,
    time_title,
    with_interval,
)
from presentation.names import Names
from presentation.notes import general_notes
from presentation.numbers import NumberStyle
from presentation.table import Cell, Column, Footnotes, Row, Spanner, Table
from presentation.wording import ci_percent
from stats.result import CurveResult

#: Fewer patients at risk than these say little.
_FEW = 10


def causes_of(result: CurveResult) -> tuple[str, ...]:
    """The levels that are causes, in order."""
    return tuple(str(cause) for cause in result.choices["causes"])


def cause_name(result: CurveResult, names: Names, cause: str) -> str:
    """A cause on its own: the level, with the column in front where the level says little."""
    if any(letter.isalpha() for letter in cause):
        return cause
    return f"{names.of(str(result.choices['event']))}: {cause}"


def incidence_table(result: CurveResult, names: Names, style: NumberStyle) -> Table:
    """For each cause the events of each group, its incidence at chosen times, and Gray's test."""
    found = rows_of(result.table("chosen"))
    times = main_times(found) or _ends(result)
    at = {(row["cause"], row["group"], float(row["time"])): row for row in found}
    counts = {(row["cause"], row["group"]): row for row in rows_of(result.table("summary"))}
    tests = {row["cause"]: row for row in rows_of(result.table("tests"))}
    rows: list[Row] = []
    for cause in causes_of(result):
        name = Cell(cause_name(result, names, cause))
        own = {
            group: [
                events_cell(counts[cause, group]["events"], counts[cause, group]["n"], style),
                *(_percent(at[cause, group, t], style) for t in times),
            ]
            for group in groups_of(result)
        }
        if not result.groups:
            rows.append(Row("single", (name, *own[None])))
            continue
        blank = [Cell() for _ in (0, *times)]
        p = p_cell(tests[cause]["p_value"], style) if tests else Cell()
        rows.append(Row("heading", (name, *blank, p)))
        for group in result.groups:
            label = Cell(group_name(result, names, group))
            rows.append(Row("level", (label, *own[group], Cell())))
    notes = Footnotes()
    ci = ci_percent(result.method, result.choices)
    by = f" by {group_title(result, names)}" if result.groups else ""
    return Table(
        name="Cumulative incidence", title=f"Cumulative incidence{by}.",
        subtitle=f"{result.n_used} of {result.n_rows} rows used.",
        columns=_columns(result, names, style, times, notes), rows=tuple(rows),
        spanners=(Spanner(f"Incidence, % ({ci}% CI)", 2, 1 + len(times)),) if times else (),
        footnotes=notes.done(),
        notes=("CI, confidence interval.", *general_notes((result,))),
    )  # fmt: skip


def _ends(result: CurveResult) -> tuple[float, ...]:
    """Where no times were chosen: the last two listed ones at which no group is small."""
    rows = [row for row in rows_of(result.table("chosen")) if row["listed"] and row["time"] > 0]
    smallest: dict[float, int] = {}
    for row in rows:
        time = float(row["time"])
        smallest[time] = min(row["at_risk"], smallest.get(time, row["at_risk"]))
    for least in (_FEW, 1):
        full = [t for t, n in smallest.items() if n >= least]
        if full:
            return tuple(full[-2:])
    return ()


def _columns(
    result: CurveResult, names: Names, style: NumberStyle, times: tuple[float, ...],
    notes: Footnotes,
) -> tuple[Column, ...]:  # fmt: skip
    columns = [
        Column("Event"), Column("Events/n (%)", "number", ("events", "n", "%"), ("0", "0", "0.0")),
    ]  # fmt: skip
    ci = ci_percent(result.method, result.choices)
    limits = (
        f"Aalen–Johansen estimate with {ci}% confidence limits by the "
        f"{result.choices['interval']} method; the other events compete."
    )
    mark = notes.mark(limits) if times else ""
    for t in times:
        column = interval_column(time_text(result, names, t), result)
        columns.append(Column(column.title, "number", column.parts, column.formats, mark))
    if result.groups:
        columns.append(p_column(style, mark=notes.mark(_test_sentence(result, names))))
    return tuple(columns)


def _test_sentence(result: CurveResult, names: Names) -> str:
    strata = result.choices.get("strata")
    return f"Gray's test{f', stratified by {names.of(strata)}' if strata else ''}."


def _percent(row: dict[str, Any], style: NumberStyle) -> Cell:
    return with_interval(row["incidence"], row["ci_low"], row["ci_high"], 1, style, scale=100.0)


def more_incidence_tables(
    result: CurveResult, names: Names, style: NumberStyle
) -> tuple[Table, ...]:
    """Incidence at times, and pairs of groups where there are more than two."""
    tables = [_at_times(result, names, style)]
    if len(result.groups) > 2:
        tables.append(_pairs(result, names, style))
    return tuple(tables)


def _at_times(result: CurveResult, names: Names, style: NumberStyle) -> Table:
    """Numbers at risk, events so far and incidence at every listed or chosen time."""
    rows: list[Row] = []
    found = rows_of(result.table("chosen"))
    for cause in causes_of(result):
        for group in groups_of(result):
            name = cause_name(result, names, cause)
            if group is not None:
                name = f"{name}, {group_name(result, names, group)}"
            rows.append(Row("heading", (Cell(name), Cell(), Cell(), Cell())))
            rows += [
                Row(
                    "level",
                    (
                        Cell(f"{row['time']:g}"), count_cell(row["at_risk"]),
                        count_cell(row["events"]), _percent(row, style),
                    ),
                )
                for row in found
                if row["cause"] == cause and row["group"] == group
            ]  # fmt: skip
    ci = ci_percent(result.method, result.choices)
    return Table(
        name="Incidence at times", title="Cumulative incidence and numbers at risk.",
        subtitle="Events are counted from the start.", rows=tuple(rows),
        columns=(
            Column(time_title(result, names)), count_column("At risk"), count_column("Events"),
            interval_column(f"Incidence, % ({ci}% CI)", result),
        ),
        notes=("CI, confidence interval.",),
    )  # fmt: skip


def _pairs(result: CurveResult, names: Names, style: NumberStyle) -> Table:
    notes = Footnotes()
    adjusted = result.choices["pairwise"] == "holm"
    rows: list[Row] = []
    for row in rows_of(result.table("pairwise")):
        a, b = (group_name(result, names, row[key]) for key in ("group_a", "group_b"))
        cells = [
            Cell(cause_name(result, names, row["cause"])), Cell(f"{b} against {a}"),
            p_cell(row["p_value"], style),
        ]  # fmt: skip
        if adjusted:
            cells.append(p_cell(row["p_adjusted"], style))
        rows.append(Row("single", tuple(cells)))
    test = notes.mark(_test_sentence(result, names))
    columns = [Column("Event"), Column("Groups"), p_column(style, mark=test)]
    if adjusted:
        holm = notes.mark("Adjusted for the number of pairs of each event by Holm's method.")
        columns.append(p_column(style, f"{style.p_symbol}, adjusted", holm))
    return Table(
        name="Pairs of groups", title="Pairs of groups compared.", columns=tuple(columns),
        rows=tuple(rows), footnotes=notes.done(),
    )  # fmt: skip
