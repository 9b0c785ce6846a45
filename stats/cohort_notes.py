"""What the reader of a cohort table has to be told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from stats.cohort_rows import Described
from stats.design import SAME
from stats.grouped import Groups, pairs_of
from stats.result import Note
from stats.tested import Tested
from stats.variables import quote_list

#: Moment skewness beyond which the median is proposed.
SKEWED: Final = 1.0


def notes_on_cohort(
    described: Sequence[Described],
    groups: Groups,
    tested: Sequence[tuple[str, Tested]],
    choices: Mapping[str, Any],
) -> list[Note]:
    """Notes on the groups, on each variable and on what could not be computed."""
    notes = notes_on_groups(groups)
    for d in described:
        notes += _notes_on_variable(d, groups, choices)
    tests = dict(tested)
    for d in described:
        name = d.term.name
        if name in tests and not tests[name].done and _varies(d) and len(_used(d)) > 1:
            text = (
                f'"{name}" has too few known values, or no variation, in a group, so no test was '
                "made. Read its numbers without one, or join groups."
            )
            notes.append(Note("no_test", "caution", text, name))
    return notes


def notes_on_groups(groups: Groups) -> list[Note]:
    """Rows without a group, levels without rows, one group only."""
    if not groups.name:
        return []
    notes: list[Note] = []
    lost = len(groups.codes) - groups.n_known
    if lost:
        text = (
            f'{lost:,} of {len(groups.codes):,} rows have no value of "{groups.name}" and are left '
            "out. Fill them in if the values are known."
        )
        notes.append(Note("group_missing", "info", text, groups.name))
    if groups.empty:
        text = (
            f'No row has "{groups.name}" = {quote_list(groups.empty)}, so there is no such column. '
            "Nothing has to be done if that is expected."
        )
        notes.append(Note("empty_group", "info", text, groups.name))
    if len(groups.levels) == 1:
        text = (
            f'Every row has "{groups.name}" = "{groups.levels[0]}", so there is nothing to compare '
            "with. Choose a column with two or more values."
        )
        notes.append(Note("one_group", "caution", text, groups.name))
    return notes


def _used(d: Described) -> list[int]:
    return [i for i, n in enumerate(d.known) if n]


def _varies(d: Described) -> bool:
    if d.counts is not None:
        return int((d.counts.sum(axis=1) > 0).sum()) > 1
    if d.overall is None or d.overall.n < 2:
        return False
    low, high = d.overall.low, d.overall.high
    return high - low > SAME * max(abs(low), abs(high))


def _notes_on_variable(d: Described, groups: Groups, choices: Mapping[str, Any]) -> list[Note]:
    name, n = d.term.name, sum(d.known)
    if n == 0:
        text = f'"{name}" has no values. Take it out of the variables, or check its missing codes.'
        return [Note("no_values", "warning", text, name)]
    notes: list[Note] = []
    if not _varies(d):
        text = (
            f'"{name}" has the same value in all {n:,} rows that have one, so groups cannot differ '
            "in it. Take it out if that is expected."
        )
        notes.append(Note("constant", "info", text, name))
    if d.counts is None:
        notes += _notes_on_number(d, choices)
    notes += _notes_on_small_groups(d, groups)
    return notes + _notes_on_balance(d, groups, choices)


def _notes_on_number(d: Described, choices: Mapping[str, Any]) -> list[Note]:
    name = d.term.name
    notes: list[Note] = []
    overall = d.overall
    if overall is not None and (overall.low, overall.high) == (0.0, 1.0) and _only_zero_one(d):
        text = (
            f'"{name}" is used as a number although it holds 0 and 1 only. Declare it binary to '
            "show counts and percentages."
        )
        notes.append(Note("zero_one_continuous", "info", text, name))
    elif abs(d.skewness) > SKEWED and choices["statistics"].get(name) == "mean":
        side = "high" if d.skewness > 0 else "low"
        text = (
            f'"{name}" is skewed towards {side} values (skewness {d.skewness:.1f}), so its mean '
            "and SD describe few patients. Choose the median for it."
        )
        notes.append(Note("skewed", "info", text, name))
    return notes


def _only_zero_one(d: Described) -> bool:
    """Mean square equals mean only for 0 and 1."""
    o = d.overall
    if o is None or o.n < 2:
        return False
    variance = o.sd * o.sd * (o.n - 1) / o.n
    return math.isclose(variance, o.mean * (1 - o.mean), rel_tol=1e-9)


def _notes_on_small_groups(d: Described, groups: Groups) -> list[Note]:
    """Groups in which mean, SD or percentages do not exist."""
    if len(groups.levels) < 2 and (d.counts is not None or sum(d.known) > 1):
        return []
    name = d.term.name
    empty = [groups.levels[i] for i, n in enumerate(d.known) if n == 0]
    alone = [groups.levels[i] for i, n in enumerate(d.known) if n == 1 and d.counts is None]
    notes: list[Note] = []
    if empty:
        text = (
            f'"{name}" has no values where "{groups.name}" is {quote_list(empty)}. Read nothing '
            "into its difference."
        )
        notes.append(Note("no_values_in_group", "caution", text, name))
    if alone:
        where = f' where "{groups.name}" is {quote_list(alone)}' if groups.name else ""
        text = f'"{name}" has a single value{where}, so an SD cannot be given. Join small groups.'
        notes.append(Note("one_value", "caution", text, name))
    return notes


def _notes_on_balance(d: Described, groups: Groups, choices: Mapping[str, Any]) -> list[Note]:
    form, name = choices["smd"], d.term.name
    if form == "none" or len(groups.levels) < 2:
        return []
    known = d.known
    pairs = [(a, b) for a, b in pairs_of(len(known)) if known[a] and known[b]]
    missing = [p for p in pairs if math.isnan(d.smd(*p, form))]
    if not missing:
        return []
    a, b = (groups.levels[i] for i in missing[0])
    if d.counts is not None:
        text = (
            f'"{name}" has no level that both "{a}" and "{b}" have, so their standardised '
            "difference is not defined. The groups differ completely in it."
        )
        return [Note("no_shared_level", "caution", text, name)]
    text = (
        f'"{name}" does not vary within "{a}" and "{b}" (or has too few values), so it has no '
        "standardised difference. Compare the values themselves."
    )
    return [Note("no_variation", "info", text, name)]
