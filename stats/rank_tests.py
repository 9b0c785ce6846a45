"""Tests of ranks: Mann-Whitney, Kruskal-Wallis, Wilcoxon's signed ranks, Friedman.

Ties get their mean rank and the variance its tie correction. Normal p-values have the continuity
correction unless it is switched off. Exact p-values come from `stats.exact_ranks`; by default they
are used as R's wilcox.test does: without ties (and, for signed ranks, without zero differences)
below 50 rows in each group. Differences of signed ranks are rounded to a relative 1e-9 before they
are ranked, so that 1.1 - 0.8 and 0.5 - 0.2 are a tie; zero differences are left out (Wilcoxon
1945, doi:10.2307/3001968).

Checked against R's wilcox.test, kruskal.test and friedman.test, and coin (`table1`, `posthoc`,
`paired` reference files).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr

from stats.design import Floats
from stats.exact_ranks import exact_rank_sum_p, exact_signed_rank_p
from stats.grouped import constant
from stats.stopping import check_stopped
from stats.tested import Tested

MANN_WHITNEY: Final = "Mann-Whitney"
MANN_WHITNEY_EXACT: Final = "Mann-Whitney exact"
KRUSKAL: Final = "Kruskal-Wallis"
WILCOXON: Final = "Wilcoxon signed rank"
WILCOXON_EXACT: Final = "Wilcoxon signed rank exact"
FRIEDMAN: Final = "Friedman"

#: "auto" as R decides, "exact" also with ties, "normal" never exact
Exact = Literal["auto", "exact", "normal"]
_EXACT_BELOW: Final = 50
_BLOCK_CELLS: Final = 500_000  # pairs of values compared at once: some megabytes
_SAME_DIFFERENCE: Final = 1e-9  # of the largest value: less is the same difference


def cubes(ties: Floats) -> float:
    """Sum of t^3 - t over groups of t equal values."""
    return float(((ties * ties - 1) * ties).sum())


@dataclass(frozen=True, slots=True, eq=False)
class RankSums:
    """Values of k groups ranked together.

    `ties` are the numbers of equal values at each distinct value, ascending, and `counts` the
    same by group (distinct values x groups).
    """

    n: Floats
    sums: Floats
    ties: Floats
    counts: Floats
    constant: bool

    @property
    def tie_sum(self) -> float:
        """Sum of t^3 - t over groups of t equal values."""
        return cubes(self.ties)

    @property
    def mean_ranks(self) -> Floats:
        """Mean rank of each group (NaN for one without rows)."""
        return np.divide(self.sums, self.n, out=np.full(len(self.n), np.nan), where=self.n > 0)

    def u_of(self, group: int) -> float:
        """Mann-Whitney's U of one group against all others."""
        n = float(self.n[group])
        return float(self.sums[group]) - n * (n + 1) / 2


def rank_groups(parts: Sequence[Floats]) -> RankSums:
    """Rank the ascending values of several groups together."""
    sizes = np.array([len(p) for p in parts], dtype=np.float64)
    values = np.concatenate(parts) if parts else np.zeros(0)
    order = np.argsort(values, kind="stable")  # merges runs that are sorted already
    ordered = values[order]
    group = np.repeat(np.arange(len(parts)), sizes.astype(np.intp))[order]
    new = np.ones(len(ordered), dtype=np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    place = np.cumsum(new) - 1
    distinct = int(new.sum())
    ties = np.bincount(place, minlength=distinct).astype(np.float64)
    middle = np.cumsum(ties) - (ties - 1) / 2
    sums = np.bincount(group, weights=middle[place], minlength=len(parts)).astype(np.float64)
    if len(parts) * distinct <= 2_000_000:
        key = np.bincount(place * len(parts) + group, minlength=distinct * len(parts))
        counts = key.reshape(distinct, len(parts)).astype(np.float64)
    else:
        counts = np.zeros((0, len(parts)))
    return RankSums(sizes, sums, ties, counts, constant(ordered[[0, -1]]) if distinct else True)


def mann_whitney(ranks: RankSums, *, exact: Exact = "auto", continuity: bool = True) -> Tested:
    """Two groups; U counts the pairs in which the first has the larger value, ties as half."""
    n1, n2 = float(ranks.n[0]), float(ranks.n[1])
    if min(n1, n2) == 0:
        return Tested(MANN_WHITNEY)
    u = ranks.u_of(0)
    if ranks.constant:
        return Tested(MANN_WHITNEY, u)
    tied = bool((ranks.ties > 1).any())
    small = max(n1, n2) < _EXACT_BELOW and not tied
    if exact == "exact" or (exact == "auto" and small):
        return Tested(MANN_WHITNEY_EXACT, u, p_value=exact_rank_sum_p(ranks.ties, n1, n2, u))
    n = n1 + n2
    variance = n1 * n2 / 12 * ((n + 1) - ranks.tie_sum / (n * (n - 1)))
    distance = abs(u - n1 * n2 / 2) - (0.5 if continuity else 0.0)
    return Tested(MANN_WHITNEY, u, p_value=_two_sided(distance, variance))


def _two_sided(distance: float, variance: float) -> float:
    """Normal p of a distance from the expected value (already corrected)."""
    return min(1.0, 2 * float(ndtr(-max(distance, 0.0) / math.sqrt(variance))))


def kruskal_wallis(ranks: RankSums) -> Tested:
    """H with its tie correction; groups without rows are left out."""
    used = ranks.n > 0
    k, n = int(used.sum()), float(ranks.n.sum())
    if k < 2 or ranks.constant:
        return Tested(KRUSKAL)
    gaps = ranks.sums[used] / ranks.n[used] - (n + 1) / 2
    h = 12 / (n * (n + 1)) * float(ranks.n[used] @ gaps**2)
    h /= 1 - ranks.tie_sum / (n**3 - n)
    return Tested(KRUSKAL, h, float(k - 1), float(chdtrc(k - 1, h)))


@dataclass(frozen=True, slots=True, eq=False)
class SignedRanks:
    """Ranks of absolute differences, zeros left out: `positive` is Wilcoxon's V.

    `ties` are the numbers of equal absolute differences, ascending.
    """

    n: int
    zeros: int
    positive: float
    ties: Floats

    @property
    def rank_biserial(self) -> float:
        """(V - V') / (V + V'), V' the sum of the negative ranks (Kerby 2014)."""
        total = self.n * (self.n + 1) / 2
        return 2 * self.positive / total - 1 if self.n else math.nan


def tidy_differences(first: Floats, second: Floats) -> Floats:
    """First minus second, rounded so that equal differences of decimal numbers are equal."""
    gap = first - second
    largest = float(np.maximum(np.abs(first), np.abs(second)).max(initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return gap
    step = 10.0 ** math.floor(math.log10(largest * _SAME_DIFFERENCE))
    rounded = np.round(gap / step) * step if step > 0 else gap
    return rounded + 0.0  # no negative zero


def rank_signed(differences: Floats) -> SignedRanks:
    """Rank absolute differences (already tidy, see `tidy_differences`)."""
    kept = differences[differences != 0]
    _, place, counts = np.unique(np.abs(kept), return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    positive = float(ranks[place][kept > 0].sum()) if len(kept) else 0.0
    return SignedRanks(len(kept), len(differences) - len(kept), positive, counts.astype(np.float64))


def wilcoxon_signed_rank(
    ranks: SignedRanks, *, exact: Exact = "auto", continuity: bool = True
) -> Tested:
    """V, the sum of the ranks of positive differences, against its symmetric distribution."""
    n = ranks.n
    if n == 0:
        return Tested(WILCOXON)
    small = n < _EXACT_BELOW and ranks.zeros == 0 and not (ranks.ties > 1).any()
    if exact == "exact" or (exact == "auto" and small):
        p = exact_signed_rank_p(ranks.ties, ranks.positive)
        return Tested(WILCOXON_EXACT, ranks.positive, p_value=p)
    variance = n * (n + 1) * (2 * n + 1) / 24 - cubes(ranks.ties) / 48
    distance = abs(ranks.positive - n * (n + 1) / 4) - (0.5 if continuity else 0.0)
    return Tested(WILCOXON, ranks.positive, p_value=_two_sided(distance, variance))


@dataclass(frozen=True, slots=True, eq=False)
class BlockRanks:
    """Ranks within each block (rows: blocks, columns: treatments): their sums and tie term."""

    blocks: int
    sums: Floats
    tie_sum: float

    @property
    def variance_term(self) -> float:
        """Tie-corrected k (k + 1): less sum(t^3 - t) / (n (k - 1)); zero if all blocks are tied."""
        k = len(self.sums)
        return k * (k + 1) - self.tie_sum / (self.blocks * (k - 1)) if self.blocks else 0.0


def rank_within(table: Floats) -> BlockRanks:
    """Rank the columns of each row of a table without missing values."""
    n, k = table.shape
    sums, tie_sum = np.zeros(k), 0.0
    step = max(1, _BLOCK_CELLS // (k * k))
    for first in range(0, n, step):
        check_stopped()
        block = table[first : first + step]
        below = (block[:, :, None] > block[:, None, :]).sum(axis=2)
        same = (block[:, :, None] == block[:, None, :]).sum(axis=2)
        sums += (below + (same + 1) / 2).sum(axis=0)
        # each of t tied values meets t equal ones: the sum of same^2 - 1 is that of t^3 - t
        tie_sum += float((same * same - 1).sum())
    return BlockRanks(n, sums, tie_sum)


def friedman(ranks: BlockRanks) -> Tested:
    """Friedman's chi-square with its tie correction."""
    n, k = ranks.blocks, len(ranks.sums)
    if n < 2 or k < 2 or not ranks.variance_term > 1e-12:
        return Tested(FRIEDMAN)
    gaps = ranks.sums - n * (k + 1) / 2
    q = 12 * float(gaps @ gaps) / (n * ranks.variance_term)
    return Tested(FRIEDMAN, q, float(k - 1), float(chdtrc(k - 1, q)))


def kendalls_w(chi_square: float, blocks: int, treatments: int) -> float:
    """Concordance of the blocks, from Friedman's chi-square."""
    return chi_square / (blocks * (treatments - 1))


def dunn_z(ranks: RankSums, pairs: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """Dunn's z of each pair of groups, tie-corrected: mean rank of the first minus the second.

    Dunn (1964, doi:10.1080/00401706.1964.10490181).
    """
    n = float(ranks.n.sum())
    spread = n * (n + 1) / 12 - ranks.tie_sum / (12 * (n - 1)) if n > 1 else math.nan
    means = ranks.mean_ranks
    found = np.full(len(pairs), np.nan)
    for i, (a, b) in enumerate(pairs):
        error = spread * (1 / ranks.n[a] + 1 / ranks.n[b]) if min(ranks.n[[a, b]]) > 0 else 0.0
        if error > 0 and not ranks.constant:
            found[i] = (means[a] - means[b]) / math.sqrt(error)
    return found
