"""Follow-up times as the survival analyses read them: every check before any counting.

The event is never guessed, rows that cannot be used are counted by reason and named by number,
and every level of the event column is either an event or said to be censored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stats.design import Bools, Floats, Ints
from stats.errors import BadInput, NotEstimable
from stats.life_table import Sample, sample_of, without_rounding
from stats.ranks import LARGEST_VALUE
from stats.result import Note
from stats.variables import Dataset, quote_list

#: More groups than this make neither a readable figure nor a sensible test.
MOST_GROUPS: Final = 30
MOST_STRATA: Final = 1_000
MOST_EVENT_LEVELS: Final = 20
_UNDERSTOOD: Final = (
    {"0": False, "1": True}, {"no": False, "yes": True}, {"false": False, "true": True},
)  # fmt: skip
_NAMED_ROWS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns of one analysis and what they are for."""

    time: str
    event: str
    entry: str | None = None
    group: str | None = None
    strata: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Those that were chosen, in the order of use."""
        every = (self.time, self.event, self.entry, self.group, self.strata)
        return tuple(name for name in every if name is not None)


@dataclass(frozen=True, slots=True, eq=False)
class FollowUp:
    """The usable rows: `causes` is 0 for censored, else the cause from 1; `groups` and `strata`
    are codes into `levels` and of the strata (0 where there are none)."""

    exits: Floats
    causes: Ints
    entries: Floats | None
    groups: Ints
    levels: tuple[str, ...]
    strata: Ints
    n_causes: int
    exclusions: Mapping[str, int]
    notes: tuple[Note, ...]

    def samples(self) -> list[Sample]:
        """One sample per group (one in all without groups)."""
        return self._split(self.groups, max(len(self.levels), 1))

    def samples_by_stratum(self) -> list[list[Sample]]:
        """For each stratum one sample per group."""
        k = max(len(self.levels), 1)
        n_strata = int(self.strata.max(initial=0)) + 1
        cells = self._split(self.strata * k + self.groups, n_strata * k)
        return [cells[start : start + k] for start in range(0, len(cells), k)]

    def everyone(self) -> Sample:
        """All rows as one sample."""
        return sample_of(self.exits, self.causes, self.entries, self.n_causes)

    def _split(self, codes: Ints, n_parts: int) -> list[Sample]:
        if n_parts == 1:
            return [self.everyone()]
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes, minlength=n_parts))
        exits, causes = self.exits[order], self.causes[order]
        entries = None if self.entries is None else self.entries[order]
        samples: list[Sample] = []
        for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
            part = slice(start, end)
            own = None if entries is None else entries[part]
            samples.append(sample_of(exits[part], causes[part], own, self.n_causes))
        return samples


def check_columns(dataset: Dataset, columns: Columns) -> None:
    """BadInput for a column that is absent, has two roles, or is of a kind that cannot serve."""
    names = columns.names
    for name in names:
        dataset.variable(name)
        if names.count(name) > 1:
            raise BadInput(
                f'"{name}" was chosen twice, for two different roles.', column=name,
                rule="one role per column", hint="Choose another column for one of them.",
            )  # fmt: skip
    for name, role in ((columns.time, "follow-up time"), (columns.entry, "entry time")):
        if name is not None:
            _number_column(dataset, name, role)
    present_levels(dataset, columns.event)
    for name, role, most in (
        (columns.group, "groups", MOST_GROUPS), (columns.strata, "strata", MOST_STRATA),
    ):  # fmt: skip
        if name is not None:
            _group_column(dataset, name, role, most)


def _number_column(dataset: Dataset, name: str, role: str) -> None:
    kind = dataset.variable(name).kind
    if kind == "continuous":
        return
    hint = "Change its kind in the variable table, or choose another column."
    if kind == "date":
        hint = "Compute the time between two dates in a column of its own and choose that."
    raise BadInput(
        f'"{name}" is {kind}, and a {role} must be a number.', column=name,
        rule="a time is a number", found=kind, hint=hint,
    )  # fmt: skip


def _group_column(dataset: Dataset, name: str, role: str, most: int) -> None:
    variable = dataset.variable(name)
    if variable.kind in ("date", "identifier"):
        what = "a date" if variable.kind == "date" else "an identifier"
        raise BadInput(
            f'"{name}" is {what} and cannot define {role}.', column=name, rule=role,
            found=variable.kind, hint="Choose a column with a few values.",
        )  # fmt: skip
    n = _n_values(dataset, name)
    if n > most:
        raise BadInput(
            f'"{name}" has {n:,} different values; at most {most:,} {role} can be compared.',
            column=name, rule=role, found=str(n), hint="Make a column with fewer categories.",
        )  # fmt: skip


def _n_values(dataset: Dataset, name: str) -> int:
    """Different values; numbers are counted without making labels of them."""
    if dataset.variable(name).kind == "continuous":
        return dataset.remember(
            ("different values", name), lambda: int(dataset.column(name).nunique())
        )
    return len(dataset.factor(name).categories)


def present_levels(dataset: Dataset, event: str) -> tuple[str, ...]:
    """The levels of the event column that occur, in order. BadInput when there are none, or so
    many that it cannot be an event column."""
    return dataset.remember(("present levels", event), lambda: _present_levels(dataset, event))


def _present_levels(dataset: Dataset, event: str) -> tuple[str, ...]:
    if dataset.variable(event).kind == "continuous":
        _few_endings(event, _n_values(dataset, event))
    factor = dataset.factor(event)
    codes = np.asarray(factor.codes)
    counts = np.bincount(codes[codes >= 0], minlength=len(factor.categories))
    present = tuple(str(c) for c, n in zip(factor.categories, counts, strict=True) if n)
    if not present:
        raise BadInput(
            f'The event column "{event}" has no values.', column=event, rule="event",
            found="0 values", hint="Choose another column, or check its missing codes.",
        )  # fmt: skip
    _few_endings(event, len(present))
    return present


def _few_endings(event: str, n: int) -> None:
    if n > MOST_EVENT_LEVELS:
        raise BadInput(
            f'"{event}" has {n:,} different values; an event column has a few.', column=event,
            rule="event", found=str(n),
            hint="Choose the column that says whether the event happened.",
        )  # fmt: skip


def chosen_levels(dataset: Dataset, event: str, wanted: object) -> tuple[str, ...]:
    """One level or several as labels, in the column's order, each once.

    A level of 0/1, no/yes or FALSE/TRUE may be chosen even when only the other one occurs.
    """
    several = isinstance(wanted, Iterable) and not isinstance(wanted, str)
    values = list(wanted) if several else [wanted]  # type: ignore[arg-type]
    present = present_levels(dataset, event)
    labels = [_level(dataset, event, value, present) for value in values]
    order = [str(c) for c in dataset.factor(event).categories]
    return tuple(sorted(dict.fromkeys(labels), key=lambda x: (*order, x).index(x)))


def _level(dataset: Dataset, event: str, value: object, present: Sequence[str]) -> str:
    try:
        return dataset.level_of(event, value)
    except BadInput:
        coding = _coding(present)
        label = str(value).casefold()
        label = label if coding is None or label in coding else str(value).removesuffix(".0")
        if coding is None or label not in coding:
            raise
        return label


def _coding(present: Sequence[str]) -> Mapping[str, bool] | None:
    words = {level.casefold() for level in present}
    return next((coding for coding in _UNDERSTOOD if words <= coding.keys()), None)


def assumed_event(event: str, present: Sequence[str]) -> str:
    """The event of a 0/1, no/yes or FALSE/TRUE column. BadInput for any other coding."""
    coding = _coding(present)
    if coding is None:
        raise BadInput(
            f'Which value of "{event}" is the event: {quote_list(present)}?', column=event,
            rule="event", found=quote_list(present),
            hint="Choose the event; Clinstat does not guess it.",
        )  # fmt: skip
    happened = next(word for word, is_event in coding.items() if is_event)
    return next((level for level in present if level.casefold() == happened), happened)


def read_follow_up(dataset: Dataset, columns: Columns, causes: Sequence[Sequence[str]]) -> FollowUp:
    """The usable rows. `causes` are the levels of each cause; every other level is censored.

    NotEstimable when no row can be used; BadInput for infinite and absurdly large times.
    """
    factor = dataset.factor(columns.event)
    lookup = np.zeros(len(factor.categories) + 1, dtype=np.intp)
    lookup[-1] = -1
    for code, levels in enumerate(causes, start=1):
        for level in levels:
            lookup[:-1][np.asarray(factor.categories).astype(str) == level] = code
    cause = lookup[np.asarray(factor.codes)]
    exits = _numbers(dataset, columns.time)
    entries = None if columns.entry is None else _numbers(dataset, columns.entry)
    groups, levels = _codes(dataset, columns.group)
    strata, _ = _codes(dataset, columns.strata)
    kept, exclusions, notes = _usable(columns, exits, cause, entries, groups, strata)
    if not kept.any():
        raise NotEstimable(
            f"No row can be used: {_lost(exclusions) or 'the file has no rows'}.",
            rule="usable rows", found="0",
            hint="Check the chosen columns and their missing codes.",
        )  # fmt: skip
    times = without_rounding([t[kept] for t in (exits, entries) if t is not None])
    codes, occurring, empty = _occurring(groups[kept], levels)
    stratum = np.unique(strata[kept], return_inverse=True)[1] if columns.strata else strata[kept]
    notes += _group_notes(columns.group, empty) + _zero_notes(columns, exits[kept])
    return FollowUp(
        times[0], cause[kept], times[1] if entries is not None else None, codes, occurring,
        stratum, len(causes), exclusions, tuple(notes),
    )  # fmt: skip


def _numbers(dataset: Dataset, name: str) -> Floats:
    values = dataset.column(name).to_numpy(dtype=np.float64, na_value=np.nan)
    large = np.abs(values) > LARGEST_VALUE
    if large.any():
        row = int(np.flatnonzero(large)[0]) + 1
        raise BadInput(
            f'"{name}" holds a value too large to be a time (row {row}).', column=name,
            rule="finite times", found="too large",
            hint="Correct the value, or list it as a missing code.",
        )  # fmt: skip
    return values


def _codes(dataset: Dataset, name: str | None) -> tuple[Ints, tuple[str, ...]]:
    if name is None:
        return np.zeros(dataset.n_rows, dtype=np.intp), ()
    factor = dataset.factor(name)
    return np.asarray(factor.codes).astype(np.intp), tuple(str(c) for c in factor.categories)


def _occurring(groups: Ints, levels: Sequence[str]) -> tuple[Ints, tuple[str, ...], list[str]]:
    """Codes into the levels that occur, these, and those that do not."""
    if not levels:
        return groups, (), []
    there = np.bincount(groups, minlength=len(levels)) > 0
    occurring = tuple(level for level, has in zip(levels, there, strict=True) if has)
    empty = [level for level, has in zip(levels, there, strict=True) if not has]
    return (np.cumsum(there) - 1)[groups], occurring, empty


def _usable(
    columns: Columns, exits: Floats, cause: Ints, entries: Floats | None, groups: Ints,
    strata: Ints,
) -> tuple[Bools, dict[str, int], list[Note]]:  # fmt: skip
    """The rows that can be used; each other row is counted under its first reason."""
    faults: list[tuple[str, Bools, str, str]] = [
        ("event missing", cause < 0, columns.event, ""),
        ("time missing", np.isnan(exits), columns.time, ""),
        ("time negative", exits < 0, columns.time, "a negative time"),
    ]
    if entries is not None and columns.entry is not None:
        late = "an entry that is not before the end of follow-up"
        faults += [
            ("entry missing", np.isnan(entries), columns.entry, ""),
            ("entry not before time", entries >= exits, columns.entry, late),
        ]
    for name, codes, reason in (
        (columns.group, groups, "group missing"), (columns.strata, strata, "stratum missing"),
    ):  # fmt: skip
        if name is not None:
            faults.append((reason, codes < 0, name, ""))
    kept = np.ones(len(exits), dtype=np.bool_)
    exclusions: dict[str, int] = {}
    notes: list[Note] = []
    for reason, wrong, name, words in faults:
        own = kept & wrong
        n = int(np.count_nonzero(own))
        exclusions[reason] = n
        kept &= ~wrong
        if n:
            notes.append(_left_out(name, own, n, words))
    return kept, exclusions, notes


def _left_out(name: str, rows: Bools, n: int, words: str) -> Note:
    where = _rows(rows, n)
    if words:
        text = f'"{name}" holds {words} in {where}, left out. Correct the values in the file.'
        return Note("bad_times", "warning", text, name)
    text = f'"{name}" has no value in {where}, left out. Fill it in if the value is known.'
    return Note("missing_values", "info", text, name)


def _rows(rows: Bools, n: int) -> str:
    """`row 3`, `rows 3, 5 and 7`, `rows 1, 2, 3, 4, 5, 6, 7, 8 and 12 more`."""
    shown = [f"{row + 1}" for row in np.flatnonzero(rows)[:_NAMED_ROWS].tolist()]
    if n == 1:
        return f"row {shown[0]}"
    if n > len(shown):
        return f"rows {', '.join(shown)} and {n - len(shown):,} more"
    return f"rows {', '.join(shown[:-1])} and {shown[-1]}"


def _lost(exclusions: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} in {n:,}" for reason, n in exclusions.items() if n)


def _group_notes(group: str | None, empty: Sequence[str]) -> list[Note]:
    if group is None or not empty:
        return []
    text = f'No usable row has "{group}" = {quote_list(empty)}; it is not shown.'
    return [Note("empty_group", "info", text, group)]


def _zero_notes(columns: Columns, exits: NDArray[np.float64]) -> list[Note]:
    n = int(np.count_nonzero(exits == 0))
    if not n:
        return []
    what = "row has" if n == 1 else "rows have"
    text = (
        f'{n:,} {what} "{columns.time}" = 0 and count as at risk at time 0 only. Check whether '
        "follow-up of these patients is known."
    )
    return [Note("zero_times", "info", text, columns.time)]
