"""Rows split into groups: who belongs where, and each group's values in ascending order.

Quartiles have the three definitions that statistics packages print (Hyndman & Fan 1996,
doi:10.1080/00031305.1996.10473566): type 7 (R, Excel), type 6 (SPSS, Minitab) and type 2 (SAS,
Stata). Means of groups are taken from centred sums, so that a large constant added to the values
costs no digits.

Checked against R's quantile, mean and sd (`table1` reference files).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from stats.design import SAME, Bools, Floats, Ints
from stats.errors import BadInput
from stats.ranks import GroupSummary
from stats.variables import Dataset

#: Columns of a printed table: more groups than this cannot be read side by side.
MOST_GROUPS: Final = 30
_NO_ROWS = GroupSummary(0, *([math.nan] * 7))


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The grouping of the rows of a file.

    `levels` are those that occur, in their order; `codes` has one entry per row of the file, -1
    where the group is not known. `order` lists the rows with a known group, group by group, and
    `starts` where each begins in it. `empty` are the levels that no row has.
    """

    name: str
    levels: tuple[str, ...]
    codes: Ints
    order: Ints
    starts: Ints
    empty: tuple[str, ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows of each group."""
        return tuple(int(n) for n in np.diff(self.starts))

    @property
    def n_known(self) -> int:
        """Rows with a known group."""
        return len(self.order)

    def rows(self, group: int) -> Ints:
        """Rows of the file that belong to a group, in file order."""
        return self.order[self.starts[group] : self.starts[group + 1]]

    def keeping(self, rows: Bools) -> Groups:
        """The same groups with only some of the rows; groups may become empty."""
        codes = np.where(rows, self.codes, -1)
        return make_groups(self.name, self.levels, codes, self.empty)


def group_rows(dataset: Dataset, name: str) -> Groups:
    """The groups that a column makes. BadInput for a date, an identifier, or too many levels."""
    variable = dataset.variable(name)
    if variable.kind in ("date", "identifier"):
        what = "a date" if variable.kind == "date" else "an identifier"
        raise BadInput(
            f'"{name}" is {what} and cannot make groups.', column=name, rule="kind of a group",
            found=variable.kind, hint="Choose a categorical column.",
        )  # fmt: skip
    factor = dataset.factor(name)
    codes = np.asarray(factor.codes).astype(np.intp)
    counts = np.bincount(codes + 1, minlength=len(factor.categories) + 1)[1:]
    labels = [str(c) for c in factor.categories]
    present = np.flatnonzero(counts)
    if len(present) > MOST_GROUPS:
        raise BadInput(
            f'"{name}" has {len(present):,} different values; at most {MOST_GROUPS} groups can '
            "be compared.",
            column=name, rule="groups", found=str(len(present)),
            hint="Choose a column with fewer values, or group its levels.",
        )  # fmt: skip
    lookup = np.full(len(labels) + 1, -1, dtype=np.intp)
    lookup[present] = np.arange(len(present))
    empty = tuple(label for label, n in zip(labels, counts, strict=True) if not n)
    return make_groups(name, tuple(labels[i] for i in present), lookup[codes], empty)


def one_group(n_rows: int) -> Groups:
    """All rows as one group without a name."""
    return make_groups("", ("",), np.zeros(n_rows, dtype=np.intp))


def make_groups(
    name: str, levels: tuple[str, ...], codes: Ints, empty: tuple[str, ...] = ()
) -> Groups:
    """Groups from codes per row (-1 = no group); levels without rows keep their place."""
    # few levels: the stable sort of small integers is a radix sort, linear in the rows
    order = np.argsort(codes.astype(np.int8), kind="stable")
    counts = np.bincount(codes + 1, minlength=len(levels) + 1)
    starts = np.concatenate(([0], np.cumsum(counts[1:])))
    return Groups(name, levels, codes, order[counts[0] :], starts, empty)


def split_values(values: Floats, groups: Groups) -> list[Floats]:
    """The known values of each group, ascending."""
    by_group = values[groups.order]
    parts: list[Floats] = []
    for first, last in zip(groups.starts[:-1], groups.starts[1:], strict=True):
        part = by_group[first:last]
        missing = np.isnan(part)
        parts.append(np.sort(part[~missing] if missing.any() else part))
    return parts


def level_counts(codes: Ints, n_levels: int, groups: Groups) -> Floats:
    """Rows at each level (rows of the array) in each group (columns)."""
    width = len(groups.levels) + 1
    key = (codes.astype(np.intp) + 1) * width + groups.codes + 1
    table = np.bincount(key, minlength=(n_levels + 1) * width)
    return table.reshape(n_levels + 1, width)[1:, 1:].astype(np.float64)


def summarise_values(ordered: Floats, quartile_type: int = 7) -> GroupSummary:
    """n, mean, SD, median, quartiles and extremes of ascending values; NaN where undefined."""
    n = len(ordered)
    if n == 0:
        return _NO_ROWS
    low, high = ordered.item(0), ordered.item(-1)
    if low == high:
        return GroupSummary(n, low, 0.0 if n > 1 else math.nan, low, low, low, low, high)
    middle = ordered.item(n // 2)
    centred = ordered - middle
    shift = float(centred.sum()) / n
    centred -= shift
    sd = math.sqrt(float(np.square(centred, out=centred).sum()) / (n - 1))
    median, q1, q3 = (quantile(ordered, share, quartile_type) for share in (0.5, 0.25, 0.75))
    return GroupSummary(n, middle + shift, sd, median, q1, q3, low, high)


def quantile(ordered: Floats, share: float, kind: int = 7) -> float:
    """A quantile of ascending values by Hyndman & Fan's definition 7, 6 or 2."""
    n = len(ordered)
    if kind == 2:
        place = n * share
        below = math.floor(place + 4 * math.ulp(place))
        if abs(place - below) > 4 * math.ulp(place):
            return ordered.item(min(below, n - 1))
        return 0.5 * (ordered.item(max(below - 1, 0)) + ordered.item(min(below, n - 1)))
    place = (n - 1) * share if kind == 7 else min(max((n + 1) * share - 1, 0.0), n - 1.0)
    below = int(place)
    part = place - below
    low = ordered.item(below)
    return low if part == 0 else (1 - part) * low + part * ordered.item(below + 1)


def skewness(ordered: Floats) -> float:
    """Moment skewness g1 = m3 / m2^1.5; NaN below three rows or without variation."""
    z = _standard(ordered)
    return math.nan if z is None else float((z * z * z).mean())


def excess_kurtosis(ordered: Floats) -> float:
    """Moment kurtosis g2 = m4 / m2^2 - 3; NaN below four rows or without variation."""
    z = _standard(ordered) if len(ordered) > 3 else None
    return math.nan if z is None else float(np.square(z * z).mean()) - 3.0


def _standard(values: Floats) -> Floats | None:
    """Deviations from the mean in units of the (1 / n) SD."""
    if len(values) < 3 or constant(values):
        return None
    centred = values - values.mean()
    spread = math.sqrt(float(np.square(centred).mean()))
    return centred / spread if spread > 0 else None


def constant(values: Floats) -> bool:
    """Whether values differ by no more than rounding; true for none or one."""
    if len(values) < 2:
        return True
    low, high = float(values.min()), float(values.max())
    return not high - low > SAME * max(abs(low), abs(high))


def is_factor(dataset: Dataset, name: str) -> bool:
    """Whether a column is treated as levels rather than as numbers."""
    return isinstance(dataset.column(name).dtype, pd.CategoricalDtype)


def pairs_of(count: int) -> Sequence[tuple[int, int]]:
    """(0, 1), (0, 2), ..., (1, 2), ...: every pair of groups once."""
    return [(a, b) for a in range(count) for b in range(a + 1, count)]
