"""Hodges and Lehmann's estimates with intervals: the shift between two groups, the pseudo-median.

The shift is the median of all differences between a value of one group and a value of the other;
the pseudo-median of paired differences that of all Walsh averages (d_i + d_j) / 2, i <= j. Limits
are the order statistics that invert the rank test: ranks from the exact distribution where the
test is exact, else from the normal one (Hodges & Lehmann 1963, doi:10.1214/aoms/1177704172; Bauer
1972, doi:10.1080/01621459.1972.10481279). The differences are never listed: an order statistic is
found by narrowing an interval of values and counting, in n log n steps each.

Checked against enumeration of all differences.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtri

from stats.design import Floats, Ints
from stats.rank_tests import RankSums, SignedRanks, cubes
from stats.stopping import check_stopped

_LISTED: Final = 250_000  # differences that are simply sorted
_ROWS_OF_TIES: Final = 2  # rows of equal differences of which one is taken


class Shift(NamedTuple):
    """Estimate and limits, in the units of the values."""

    estimate: float
    low: float
    high: float


_NOTHING = Shift(math.nan, math.nan, math.nan)


def hodges_lehmann_shift(
    first: Floats, second: Floats, ranks: RankSums, *, ci_level: float
) -> Shift:
    """First minus second, from ascending values and their ranks."""
    n1, n2 = len(first), len(second)
    if min(n1, n2) == 0:
        return _NOTHING
    n = n1 + n2
    variance = n1 * n2 / 12 * ((n + 1) - ranks.tie_sum / (n * (n - 1)))
    tail = (1 - ci_level) / 2
    rank = _exact_rank(rank_sum_counts(n1, n2), tail) if max(n1, n2) < 50 else 0
    if max(n1, n2) >= 50 or bool((ranks.ties > 1).any()):
        rank = _normal_rank(n1 * n2 / 2, variance, tail)
    pick = _of_differences(first, second)
    return _shift(pick, n1 * n2, rank)


def pseudo_median(differences: Floats, ranks: SignedRanks, *, ci_level: float) -> Shift:
    """The pseudo-median of paired differences (zeros are left out of the limits' ranks only)."""
    n = len(differences)
    if n == 0:
        return _NOTHING
    tail = (1 - ci_level) / 2
    if n < 50 and ranks.zeros == 0 and not bool((ranks.ties > 1).any()):
        rank = _exact_rank(signed_rank_counts(n), tail)
    else:
        variance = n * (n + 1) * (2 * n + 1) / 24 - cubes(ranks.ties) / 48
        rank = _normal_rank(n * (n + 1) / 4, variance, tail)
    return _shift(_of_walsh(np.sort(differences)), n * (n + 1) // 2, rank)


def _shift(pick: Callable[[int], float], count: int, rank: int) -> Shift:
    """Median and the `rank`-th value from either end."""
    middle = pick((count + 1) // 2)
    if count % 2 == 0:
        middle = 0.5 * (middle + pick(count // 2 + 1))
    if not 1 <= rank <= (count + 1) // 2:
        return Shift(middle, math.nan, math.nan)
    return Shift(middle, pick(rank), pick(count + 1 - rank))


def _exact_rank(counts: Floats, tail: float) -> int:
    """The rank whose limits have at most the wanted error on each side; 0 when there is none."""
    below = np.cumsum(counts) / counts.sum()
    return int(np.searchsorted(below, tail * (1 + 1e-12)))


def _normal_rank(mean: float, variance: float, tail: float) -> int:
    """The same rank from the normal distribution with continuity correction."""
    place = mean + float(ndtri(tail)) * math.sqrt(max(variance, 0.0)) - 0.5
    return max(0, math.ceil(place - 1e-9))


def rank_sum_counts(n1: int, n2: int) -> Floats:
    """Arrangements with each value of U, without ties (the Gaussian binomial), up to its middle."""
    ways = np.zeros(n1 * n2 // 2 + 1)
    ways[0] = 1.0
    for i in range(1, n1 + 1):
        if n2 + i < len(ways):
            ways[n2 + i :] -= ways[: -(n2 + i)].copy()
        for start in range(i):
            ways[start::i] = np.cumsum(ways[start::i])
    return np.append(ways, max(math.comb(n1 + n2, n1) - float(ways.sum()), 0.0))


def signed_rank_counts(n: int) -> Floats:
    """Sign patterns with each value of V, without ties."""
    ways = np.zeros(n * (n + 1) // 2 + 1)
    ways[0] = 1.0
    for i in range(1, n + 1):
        ways[i:] += ways[:-i].copy()
    return ways


def _of_differences(first: Floats, second: Floats) -> Callable[[int], float]:
    """The r-th smallest of all first_i - second_j."""
    if len(first) * len(second) <= _LISTED:
        every = np.sort(np.subtract.outer(first, second).ravel())
        return lambda r: every.item(r - 1)
    total = len(first) * len(second)

    def ends(value: float) -> Ints:
        # first_i - second_j <= value  <=>  second_j >= first_i - value
        return np.searchsorted(second, first - value, side="left")

    def count(value: float) -> int:
        return total - int(ends(value).sum())

    def between(low: float, high: float, rows: int) -> Floats:
        row, column = _ranges(ends(high), ends(low), rows)
        return np.sort(first[row] - second[column])

    span = float(first[0] - second[-1]), float(first[-1] - second[0])
    return lambda r: _selected(count, between, r, total, span)


def _of_walsh(ordered: Floats) -> Callable[[int], float]:
    """The r-th smallest of all (d_i + d_j) / 2, i <= j."""
    n = len(ordered)
    if n * n <= _LISTED:
        i, j = np.triu_indices(n)
        every = np.sort((ordered[i] + ordered[j]) / 2)
        return lambda r: every.item(r - 1)

    def ends(value: float) -> Ints:
        return np.searchsorted(ordered, 2 * value - ordered, side="right")

    def count(value: float) -> int:
        own = int(np.searchsorted(ordered, value, side="right"))
        return (int(ends(value).sum()) + own) // 2

    def between(low: float, high: float, rows: int) -> Floats:
        row, column = _ranges(ends(low), ends(high), rows)
        once = row <= column
        return np.sort((ordered[row[once]] + ordered[column[once]]) / 2)

    span = float(ordered[0]), float(ordered[-1])
    return lambda r: _selected(count, between, r, n * (n + 1) // 2, span)


def _ranges(first: Ints, last: Ints, rows: int) -> tuple[Ints, Ints]:
    """Row numbers and all columns from `first` up to `last` of the first rows that have any."""
    sizes = np.maximum(last - first, 0)
    sizes[np.flatnonzero(sizes)[rows:]] = 0
    row = np.repeat(np.arange(len(first)), sizes)
    starts = np.cumsum(sizes) - sizes
    return row, np.arange(len(row)) - starts[row] + first[row]


def _selected(
    count: Callable[[float], int], between: Callable[[float, float, int], Floats], rank: int,
    total: int, span: tuple[float, float],
) -> float:  # fmt: skip
    """The value of that rank: the bracket is narrowed by counting, its content is listed.

    Steps aim where the rank would lie if the counts rose evenly, every third one at the middle.
    Ties too many to list are followed down to the last digit, and one of them is given.
    """
    low, high = span
    grain = 4e-16 * max(abs(low), abs(high))
    low -= max(abs(low), abs(high)) * 1e-15  # nothing lies at or below
    below, at_most, step = 0, total, 0
    while at_most - below > _LISTED:
        check_stopped()
        step += 1
        share = (rank - below) / (at_most - below) if step % 3 else 0.5
        value = low + (high - low) * min(max(share, 1e-3), 1 - 1e-3)
        if not low < value < high or high - low <= grain:
            tied = between(low, high, _ROWS_OF_TIES)
            return tied.item(-1) if len(tied) else high
        found = count(value)
        if found >= rank:
            high, at_most = value, found
        else:
            low, below = value, found
    listed = between(low, high, at_most)
    return listed.item(min(max(rank - below - 1, 0), len(listed) - 1)) if len(listed) else high
