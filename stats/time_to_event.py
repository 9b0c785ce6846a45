"""Follow-up row by row, as regression on time to an event sees it.

A row is usable when its time and event and, where they were asked for, its entry, stratum and
cluster are known, its time is not negative and its entry lies before its time. Rows that are not
are told apart by reason, impossible times by row number. Every known value of the event column
that is not the event is censoring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stats.design import Bools, Floats, Ints
from stats.follow_up import Columns, assumed_event, check_columns, chosen_levels, present_levels
from stats.result import Note
from stats.terms import build_term
from stats.variables import Dataset, quote_list

_ROWS_NAMED = 8


@dataclass(frozen=True, slots=True, eq=False)
class TimeToEvent:
    """One entry per row of the file. `stratum` and `cluster` are codes from 0 (None: not asked
    for); where `known` is false the other arrays mean nothing."""

    columns: Columns
    event_levels: tuple[str, ...]
    censored_levels: tuple[str, ...]
    time: Floats
    entry: Floats | None
    event: Bools
    stratum: Ints | None
    cluster: Ints | None
    known: Bools
    exclusions: Mapping[str, int]
    notes: tuple[Note, ...]


def event_of(dataset: Dataset, columns: Columns, wanted: object) -> tuple[str, ...]:
    """The labels that count as the event, after a check of all columns. BadInput as
    `stats.follow_up` says; without a choice only 0/1, no/yes and FALSE/TRUE are understood."""
    check_columns(dataset, columns)
    if wanted is None:
        return (assumed_event(columns.event, present_levels(dataset, columns.event)),)
    return chosen_levels(dataset, columns.event, wanted)


def read_time_to_event(
    dataset: Dataset, columns: Columns, wanted: object, cluster: str | None = None
) -> TimeToEvent:
    """The follow-up of every row. BadInput for a time too large to compute with."""
    chosen = event_of(dataset, columns, wanted)
    factor = dataset.factor(columns.event)
    levels = [str(c) for c in factor.categories]
    codes = np.asarray(factor.codes)
    time = _numbers(dataset, columns.time)
    entry = None if columns.entry is None else _numbers(dataset, columns.entry)
    stratum = None if columns.strata is None else codes_of(dataset, columns.strata)
    group = None if cluster is None else codes_of(dataset, cluster)
    known, exclusions, notes = _usable(columns, time, codes, entry, stratum, group)
    present = {levels[i] for i in np.unique(codes[known]) if i >= 0}
    censored = tuple(level for level in levels if level in present and level not in chosen)
    assumed = wanted is None
    return TimeToEvent(
        columns=columns, event_levels=chosen, censored_levels=censored, time=time, entry=entry,
        event=np.isin(codes, [i for i, level in enumerate(levels) if level in chosen]),
        stratum=stratum, cluster=group, known=known, exclusions=exclusions,
        notes=tuple(notes + _event_notes(columns, chosen, censored, assumed=assumed)),
    )  # fmt: skip


def _numbers(dataset: Dataset, name: str) -> Floats:
    return np.asarray(build_term(dataset, name, None).values, dtype=np.float64)


def codes_of(dataset: Dataset, name: str) -> Ints:
    """Codes from 0 of the values of any column, -1 where it is missing."""
    column = dataset.column(name)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(dataset.factor(name).codes, dtype=np.intp)
    return np.asarray(pd.factorize(column)[0], dtype=np.intp)


def _usable(
    columns: Columns, time: Floats, event: Ints, entry: Floats | None, stratum: Ints | None,
    cluster: Ints | None,
) -> tuple[Bools, dict[str, int], list[Note]]:  # fmt: skip
    """The usable rows; each other row is counted under its first reason."""
    faults: list[tuple[str, Bools, str]] = [
        ("event missing", event < 0, ""),
        ("time missing", np.isnan(time), ""),
        ("time negative", time < 0, f'"{columns.time}" is negative in'),
    ]
    if entry is not None:
        late = f'"{columns.entry}" does not lie before "{columns.time}" in'
        faults += [
            ("entry missing", np.isnan(entry), ""),
            ("entry not before time", entry >= time, late),
        ]
    if stratum is not None:
        faults.append(("stratum missing", stratum < 0, ""))
    if cluster is not None:
        faults.append(("cluster missing", cluster < 0, ""))
    known = np.ones(len(time), dtype=np.bool_)
    exclusions: dict[str, int] = {}
    notes: list[Note] = []
    for reason, wrong, words in faults:
        own = known & wrong
        if own.any():
            exclusions[reason] = int(np.count_nonzero(own))
            if words:
                text = f"{words} {rows_in_words(np.flatnonzero(own))}, left out."
                remedy = "Correct the values in the file."
                notes.append(Note("bad_times", "warning", f"{text} {remedy}", columns.time))
        known &= ~wrong
    return known, exclusions, notes


def rows_in_words(rows: Ints) -> str:
    """`row 3`, `rows 3, 5 and 7`, `rows 1, 2, 3, 4, 5, 6, 7, 8 and 12 more` (from 1)."""
    shown = [f"{row + 1}" for row in rows[:_ROWS_NAMED].tolist()]
    if len(rows) == 1:
        return f"row {shown[0]}"
    if len(rows) > _ROWS_NAMED:
        return f"rows {', '.join(shown)} and {len(rows) - _ROWS_NAMED:,} more"
    return f"rows {', '.join(shown[:-1])} and {shown[-1]}"


def _event_notes(
    columns: Columns, chosen: Sequence[str], censored: Sequence[str], *, assumed: bool
) -> list[Note]:
    name = columns.event
    notes: list[Note] = []
    if assumed:
        text = (
            f'The event was taken to be "{name}" = "{chosen[0]}". Choose the event to say '
            "otherwise."
        )
        notes.append(Note("event_assumed", "info", text, name))
    if len(censored) > 1:
        text = (
            f'"{name}" also has the values {quote_list(censored)}, all taken as censoring. If one '
            "of them prevents the event, this is the hazard of the event alone; estimate the risk "
            "by cumulative incidence."
        )
        notes.append(Note("other_values_censored", "info", text, name))
    return notes
