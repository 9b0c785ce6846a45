"""Two columns of two levels each, and the 2 x 2 table that they make.

The level that is looked for (the event, a positive test, the exposed) is chosen, never guessed:
only {0, 1}, {no, yes} and {FALSE, TRUE} are understood without a choice, with a note.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from stats.design import Bools
from stats.errors import BadInput, NotEstimable
from stats.result import Note
from stats.variables import Dataset, quote_list

_UNDERSTOOD: Final = ({"no": 0, "yes": 1}, {"0": 0, "1": 1}, {"false": 0, "true": 1})


@dataclass(frozen=True, slots=True)
class Role:
    """What a column is for: `name` ("the exposure"), `found` ("the exposed level"), the choice
    that names that level, and `missing`, the reason of an exclusion."""

    name: str
    found: str
    choice: str
    missing: str


OUTCOME: Final = Role("the outcome", "the event", "event", "outcome missing")
TRUTH: Final = Role("the reference standard", "the event", "event", "truth missing")
EXPOSURE: Final = Role("the exposure", "the exposed level", "exposed", "exposure missing")
TEST: Final = Role("the test", "a positive result", "positive", "test missing")


@dataclass(frozen=True, slots=True, eq=False)
class TwoLevels:
    """One column with two levels; `is_yes` and `known` have an entry per row of the file.

    `yes` is the level looked for, `no` the other one.
    """

    name: str
    role: Role
    yes: str
    no: str
    is_yes: Bools
    known: Bools
    assumed: bool


def two_levels(dataset: Dataset, name: str, chosen: object, role: Role) -> TwoLevels:
    """The column as two levels. BadInput unless it has exactly two and the one looked for is
    chosen or understood.

    A level that never occurs is accepted where the variable table (or the category dtype) lists
    two levels and the choice is made.
    """
    kind = dataset.variable(name).kind
    if kind in ("date", "identifier"):
        what = "a date" if kind == "date" else "an identifier"
        raise BadInput(
            f'"{name}" is {what} and cannot be {role.name}.', column=name, rule=role.choice,
            found=kind, hint="Choose a column with two levels.",
        )  # fmt: skip
    factor = dataset.factor(name)
    levels = [str(c) for c in factor.categories]
    codes = np.asarray(factor.codes)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    present = [level for level, n in zip(levels, counts, strict=True) if n]
    yes = None if chosen is None else dataset.level_of(name, chosen)
    pair = _pair(name, present, levels, yes, role)
    if yes is None:
        yes = _understood(pair)
    if yes is None:
        raise BadInput(
            f'Which value of "{name}" is {role.found}, {quote_list(pair)}?',
            column=name, rule=role.choice, found=quote_list(pair),
            hint=f"Choose it ({role.choice}); Clinstat does not guess it.",
        )  # fmt: skip
    if yes not in pair:
        raise BadInput(
            f'No row of "{name}" has the value "{yes}".', column=name, rule=role.choice, found=yes,
            hint=f"Its values are {quote_list(pair)}.",
        )  # fmt: skip
    no = next(level for level in pair if level != yes)
    return TwoLevels(
        name, role, yes, no, codes == levels.index(yes), codes >= 0, chosen is None
    )  # fmt: skip


def _pair(
    name: str, present: Sequence[str], levels: Sequence[str], yes: str | None, role: Role
) -> Sequence[str]:
    """The two levels of a column."""
    if len(present) == 2:
        return present
    if len(present) == 1 and len(levels) == 2 and yes is not None:
        return levels
    if not present:
        found, hint = "has no values", "Choose another column, or check its missing codes."
    elif len(present) == 1:
        found = f'has the same value in every row, "{present[0]}"'
        hint = "Two values are needed; choose another column."
    else:
        found = f"has {len(present):,} values: {quote_list(present, 5)}"
        hint = "Exactly two are needed; list the others as missing codes, or choose another."
    raise BadInput(
        f'"{name}" {found}, and cannot be {role.name}.', column=name, rule="two levels",
        found=str(len(present)), hint=hint,
    )  # fmt: skip


def _understood(pair: Sequence[str]) -> str | None:
    words = {level.casefold(): level for level in pair}
    for coding in _UNDERSTOOD:
        if words.keys() == coding.keys():
            return next(words[word] for word, looked_for in coding.items() if looked_for)
    return None


@dataclass(frozen=True, slots=True)
class TwoByTwo:
    """Counts: a = row yes and column yes, b = row yes and column no, c = row no and column yes,
    d = neither."""

    a: int
    b: int
    c: int
    d: int

    @property
    def n(self) -> int:
        """All rows."""
        return self.a + self.b + self.c + self.d

    @property
    def has_zero(self) -> bool:
        """True when a cell is empty."""
        return min(self.a, self.b, self.c, self.d) == 0

    @property
    def smallest_expected(self) -> float:
        """The smallest count expected without association."""
        rows = min(self.a + self.b, self.c + self.d)
        columns = min(self.a + self.c, self.b + self.d)
        return rows * columns / self.n if self.n else math.nan


def cross(rows: TwoLevels, columns: TwoLevels, where: Bools | None = None) -> TwoByTwo:
    """The table of two columns, on the rows known in both (and `where`)."""
    used = rows.known & columns.known
    if where is not None:
        used &= where
    cell = (2 * ~rows.is_yes + ~columns.is_yes)[used]
    a, b, c, d = (int(n) for n in np.bincount(cell, minlength=4))
    return TwoByTwo(a, b, c, d)


def exclusions_of(n_rows: int, *columns: TwoLevels) -> tuple[int, dict[str, int]]:
    """Rows used, and the rows that each column in turn leaves out."""
    left = np.ones(n_rows, dtype=np.bool_)
    lost: dict[str, int] = {}
    for column in columns:
        lost[column.role.missing] = int(np.count_nonzero(left & ~column.known))
        left &= column.known
    return int(np.count_nonzero(left)), lost


def refuse_no_rows(n_used: int, *columns: TwoLevels) -> None:
    """NotEstimable when no row has a value in all columns."""
    if n_used == 0:
        names = quote_list(column.name for column in columns)
        raise NotEstimable(
            f"No row has a value in all of {names}.", rule="complete rows", found="0",
            hint="Choose columns that were recorded in the same rows.",
        )  # fmt: skip


def counts_frame(table: TwoByTwo, rows: TwoLevels, columns: TwoLevels) -> dict[str, list[Any]]:
    """The four cells as the `counts` frame of an AccuracyResult."""
    return {
        "row": [rows.yes, rows.yes, rows.no, rows.no],
        "column": [columns.yes, columns.no, columns.yes, columns.no],
        "n": [table.a, table.b, table.c, table.d],
    }


def assumed_notes(*columns: TwoLevels) -> list[Note]:
    """One note for each column whose level was understood, not chosen."""
    return [
        Note(
            "event_assumed", "info",
            f'"{column.yes}" was taken to be {column.role.found} of "{column.name}". Choose it '
            "to say otherwise.", column.name,
        )
        for column in columns if column.assumed
    ]  # fmt: skip


def different_columns(named: Mapping[str, str]) -> None:
    """BadInput when one column is named in two roles (role -> column)."""
    seen: dict[str, str] = {}
    for role, name in named.items():
        if name in seen:
            raise BadInput(
                f'"{name}" was chosen both as {seen[name]} and as {role}.', column=name,
                rule="different columns", hint="Choose a different column for each.",
            )  # fmt: skip
        seen[name] = role
