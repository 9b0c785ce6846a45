"""Kendall's tau-b with ties, in O(n log n).

Rows sorted by x (then y); the discordant pairs are the inversions of the ranks of y (Knight 1966,
doi:10.1080/01621459.1966.10480879), counted bit by bit: within rows that agree in all higher bits
of the rank, pairs in which a 1 stands before a 0 in this bit.

    S = concordant - discordant,  tau_b = S / sqrt((n0 - n1)(n0 - n2)),  n0 = n(n-1)/2,
    n1, n2 the pairs tied in x and in y (Kendall 1945, doi:10.1093/biomet/33.3.239)

z = S / sqrt(var S) with the variance corrected for ties; without ties and below 50 rows the exact
distribution: the numbers of permutations with k inversions are the coefficients of
prod (1 + q + ... + q^(i-1)), i = 1..n.

Checked against R's cor.test (`correlation` reference files), scipy and all pairs counted.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from stats.design import Floats, Ints
from stats.stopping import check_stopped

#: Below this many rows without ties the p-value is exact, as in R.
EXACT_BELOW: Final = 50


class Kendall(NamedTuple):
    """`tau` NaN where a column is constant; `z` is NaN for an exact p."""

    tau: float
    z: float
    p_value: float
    exact: bool


def kendall_tau(x: Floats, y: Floats, *, exact: bool) -> Kendall:
    """tau-b and its two-sided p; exact where `exact` allows it and there are no ties."""
    n = len(x)
    x_ranks, x_counts = _dense(x)
    y_ranks, y_counts = _dense(y)
    pairs = n * (n - 1) / 2.0
    tied_x, tied_y = _pairs(x_counts), _pairs(y_counts)
    if n < 2 or pairs in (tied_x, tied_y):
        return Kendall(math.nan, math.nan, math.nan, exact=False)
    order = np.lexsort((y_ranks, x_ranks))
    joint = x_ranks[order] * np.int64(len(y_counts)) + y_ranks[order]
    tied_both = _pairs(np.diff(_starts(joint), append=n))
    discordant = inversions(y_ranks[order])
    s = pairs - tied_x - tied_y + tied_both - 2.0 * discordant
    tau = s / (math.sqrt(pairs - tied_x) * math.sqrt(pairs - tied_y))
    tau = max(-1.0, min(1.0, tau))
    if exact and n < EXACT_BELOW and tied_x == tied_y == 0.0:
        return Kendall(tau, math.nan, _exact_p(n, round(pairs - discordant)), exact=True)
    z = s / math.sqrt(_variance(n, x_counts, y_counts))
    return Kendall(tau, z, 2.0 * float(ndtr(-abs(z))), exact=False)


def _dense(values: Floats) -> tuple[Ints, Ints]:
    """Ranks without gaps from 0, and how many rows have each."""
    check_stopped()
    order = np.argsort(values)
    ordered = values[order]
    new = np.concatenate(([False], ordered[1:] != ordered[:-1]))
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = np.cumsum(new)
    return ranks, np.bincount(ranks)


def _starts(sorted_values: Ints) -> Ints:
    return np.concatenate(([0], np.flatnonzero(np.diff(sorted_values)) + 1))


def _pairs(counts: Ints) -> float:
    t = counts.astype(np.float64)
    return float((t * (t - 1)).sum()) / 2.0


def inversions(ranks: Ints) -> float:
    """Pairs i < j with ranks[i] > ranks[j]; ranks are whole numbers from 0."""
    rows = np.asarray(ranks, dtype=np.int64)
    total = 0.0
    for bit in range(int(rows.max(initial=0)).bit_length() - 1, -1, -1):
        check_stopped()
        one = (rows >> bit) & 1
        starts = _starts(rows >> (bit + 1))
        sizes = np.diff(starts, append=len(rows))
        seen = np.cumsum(one) - one  # ones in front of each row
        ones_before = seen - np.repeat(seen[starts], sizes)
        total += float(ones_before[one == 0].sum())
        # stable: the zeros of each group first, then its ones
        first = np.repeat(starts, sizes)
        zeros = sizes - np.add.reduceat(one, starts)
        place = np.where(
            one == 1,
            first + np.repeat(zeros, sizes) + ones_before,
            np.arange(len(rows)) - ones_before,
        )
        moved = np.empty_like(rows)
        moved[place] = rows
        rows = moved
    return total


def _variance(n: int, x_counts: Ints, y_counts: Ints) -> float:
    """Variance of S with ties in both columns."""
    t, u = x_counts.astype(np.float64), y_counts.astype(np.float64)
    both = [(t * (t - 1)).sum() * (u * (u - 1)).sum() / (2.0 * n * (n - 1))]
    if n > 2:
        three = (t * (t - 1) * (t - 2)).sum() * (u * (u - 1) * (u - 2)).sum()
        both.append(three / (9.0 * n * (n - 1) * (n - 2)))
    plain = n * (n - 1.0) * (2.0 * n + 5) - sum(
        float((c * (c - 1) * (2 * c + 5)).sum()) for c in (t, u)
    )
    return plain / 18.0 + float(sum(both))


def _exact_p(n: int, concordant: int) -> float:
    """Twice the smaller tail of the number of concordant pairs, at most 1."""
    ways: NDArray[np.float64] = np.ones(1)
    for i in range(2, n + 1):
        ways = np.convolve(ways, np.ones(i)) / i
    lower = float(ways[: concordant + 1].sum())
    upper = float(ways[concordant:].sum())
    return min(1.0, 2.0 * min(lower, upper))
