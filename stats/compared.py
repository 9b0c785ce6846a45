"""What is compared: one variable in several groups, or on several occasions of the same subjects.

Three layouts come to one form: a value and a group column; the same with a column that says which
rows belong to one subject (`paired_by`); or several columns that hold the same measurement of each
row (wide). Only subjects with a value in every group enter a paired comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stats.design import Bools, Floats, Ints, Term
from stats.errors import BadInput, NotEstimable
from stats.grouped import Groups, group_rows, is_factor, make_groups, split_values
from stats.terms import build_term
from stats.variables import Dataset, quote_list

Kind = Literal["number", "ordered", "category"]
#: What the columns of a wide layout are called together.
OCCASION: Final = "occasion"


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """The variable, its groups and, for paired data, a row per subject.

    `term.values` and `groups.codes` have one entry per measurement; `table` (subjects x groups)
    holds numbers or level codes and is None for independent groups. `rows` are the 1-based rows
    of the file in each line of `table` (its first group).
    """

    name: str
    term: Term
    groups: Groups
    kind: Kind
    n_rows: int
    n_used: int
    exclusions: dict[str, int]
    table: Floats | None = None

    @property
    def paired(self) -> bool:
        """Whether the same subjects are seen in every group."""
        return self.table is not None

    @property
    def n_groups(self) -> int:
        """Groups that have rows."""
        return len(self.groups.levels)

    def numbers(self) -> list[Floats]:
        """Ascending known values of each group; levels as 0, 1, 2, ..."""
        values = np.asarray(self.term.values, dtype=np.float64)
        if self.term.kind == "factor":
            values = np.where(values < 0, np.nan, values)
        return split_values(values, self.groups)


def compared_columns(
    dataset: Dataset, value: str | tuple[str, ...], group: str | None, paired_by: str | None
) -> Compared:
    """Read the columns in any of the three layouts."""
    if isinstance(value, tuple):
        found = _wide(dataset, value)
    elif group is not None and paired_by is not None:
        found = _paired(dataset, value, group, paired_by)
    else:
        found = _independent(dataset, value, str(group))
    if found.n_used == 0:
        what = "in every group" if found.paired else "and a group"
        raise NotEstimable(
            f'No {"subject" if found.paired else "row"} has a value of "{found.name}" {what}.',
            rule="rows with values", found="0",
            hint="Choose columns that were recorded together.",
        )  # fmt: skip
    return found


def kind_of(dataset: Dataset, name: str) -> Kind:
    """Whether a column holds numbers, ordered levels or levels without order."""
    if not is_factor(dataset, name):
        return "number"
    return "ordered" if dataset.variable(name).kind == "ordered" else "category"


def _independent(dataset: Dataset, value: str, group: str) -> Compared:
    term, groups = build_term(dataset, value, None), group_rows(dataset, group)
    known = term.known
    used = groups.keeping(known)
    n_used = used.n_known
    lost = {
        "group missing": dataset.n_rows - groups.n_known,
        "value missing": groups.n_known - n_used,
    }
    return Compared(
        value, term, _without_empty(used), kind_of(dataset, value), dataset.n_rows, n_used, lost
    )


def _without_empty(groups: Groups) -> Groups:
    """Groups that lost all their rows are named among the empty ones."""
    kept = [i for i, n in enumerate(groups.sizes) if n]
    if len(kept) == len(groups.levels):
        return groups
    lookup = np.full(len(groups.levels) + 1, -1, dtype=np.intp)
    lookup[kept] = np.arange(len(kept))
    gone = tuple(level for i, level in enumerate(groups.levels) if i not in kept)
    levels = tuple(groups.levels[i] for i in kept)
    return make_groups(groups.name, levels, lookup[groups.codes], (*groups.empty, *gone))


def _paired(dataset: Dataset, value: str, group: str, paired_by: str) -> Compared:
    term, groups = build_term(dataset, value, None), group_rows(dataset, group)
    subject, names = pd.factorize(dataset.column(paired_by), use_na_sentinel=True)
    in_group, named = groups.codes >= 0, subject >= 0
    usable = in_group & named & term.known
    groups = _without_empty(groups.keeping(usable))
    k, at = max(len(groups.levels), 1), np.flatnonzero(usable)
    cell = subject[at] * k + groups.codes[at]
    _refuse_twice(cell, at, (value, group, paired_by), groups.levels)
    row_of = np.full(len(names) * k, -1, dtype=np.intp)
    row_of[cell] = at
    rows = row_of.reshape(-1, k)
    rows = rows[(rows >= 0).all(axis=1)]
    rows = rows[np.argsort(rows.min(axis=1), kind="stable")]
    n_used = int(rows.size)
    lost = {
        "group missing": int((~in_group).sum()),
        "subject missing": int((in_group & ~named).sum()),
        "value missing": int((in_group & named & ~term.known).sum()),
        "subject incomplete": len(at) - n_used,
    }
    return _from_table(
        value, group, groups.levels, rows, term, kind_of(dataset, value), dataset.n_rows, lost
    )


def _refuse_twice(cell: Ints, at: Ints, names: tuple[str, str, str], levels: Sequence[str]) -> None:
    """A subject may have one value in each group."""
    order = np.argsort(cell, kind="stable")
    twice = np.flatnonzero(np.diff(cell[order]) == 0)
    if len(twice) == 0:
        return
    first, second = (int(at[order[i]]) + 1 for i in (twice[0], twice[0] + 1))
    value, group, paired_by = names
    level = levels[int(cell[order[twice[0]]]) % len(levels)]
    raise BadInput(
        f'Rows {first} and {second} have the same "{paired_by}" and both have "{group}" = "{level}"'
        f', so "{value}" cannot be paired.',
        column=paired_by, rule="one value per subject and group", found=str(len(twice)),
        hint="Keep one of such rows, or choose another column that tells subjects apart.",
    )  # fmt: skip


def _from_table(
    value: str, group: str, levels: tuple[str, ...], rows: NDArray[np.intp], term: Term,
    kind: Kind, n_rows: int, lost: dict[str, int],
) -> Compared:  # fmt: skip
    """A comparison of complete subjects from the rows of the file in each group."""
    table = np.asarray(term.values)[rows].astype(np.float64).reshape(-1, max(len(levels), 1))
    return _paired_form(value, group, levels, table, term, kind, n_rows, int(rows.size), lost)


def _paired_form(
    value: str, group: str, levels: tuple[str, ...], table: Floats, term: Term,
    kind: Kind, n_rows: int, n_used: int, lost: dict[str, int],
) -> Compared:  # fmt: skip
    codes = np.tile(np.arange(len(levels)), len(table))
    flat = table.ravel()
    values = flat.astype(np.intp) if term.kind == "factor" else flat
    own = Term(value, term.kind, values, term.levels)
    return Compared(
        value, own, make_groups(group, levels, codes), kind, n_rows, n_used, lost, table
    )


def _wide(dataset: Dataset, names: tuple[str, ...]) -> Compared:
    kinds: set[Kind] = {kind_of(dataset, name) for name in names}
    if len(kinds) > 1:
        raise BadInput(
            f"{quote_list(names)} are not of one kind, so they cannot be the same measurement.",
            column=names[0], rule="one kind", found=", ".join(sorted(kinds)),
            hint="Choose columns of one kind, or change their kinds in the variable table.",
        )  # fmt: skip
    terms = [build_term(dataset, name, None) for name in names]
    levels = tuple(dict.fromkeys(level for t in terms for level in t.levels))
    known = np.ones(dataset.n_rows, dtype=np.bool_)
    for term in terms:
        known &= term.known
    table = np.column_stack([_relabelled(t, levels, known) for t in terms])
    name = ", ".join(names)
    term = Term(name, terms[0].kind, np.zeros(0), levels)
    lost = {"value missing": dataset.n_rows - int(known.sum())}
    return _paired_form(
        name, OCCASION, names, table, term, kinds.pop(), dataset.n_rows, int(known.sum()), lost
    )


def _relabelled(term: Term, levels: tuple[str, ...], known: Bools) -> Floats:
    """The known values of one column, level codes in the common order."""
    values = np.asarray(term.values)[known]
    if term.kind != "factor":
        return values.astype(np.float64)
    place = np.array([levels.index(level) for level in term.levels] or [0], dtype=np.float64)
    return place[values.astype(np.intp)]
