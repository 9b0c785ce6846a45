"""Exact distributions of rank statistics, with ties: permutations counted, none drawn.

Doubled mean ranks are whole numbers, so the distribution of a sum of ranks is a polynomial: each
observation of score s multiplies by (1 + x q^s), x counting the members of the first group
(Streitberg & Roehmel's shift algorithm, 1986). All terms are positive and are kept as
probabilities, so that the smallest tail is as exact as the largest.

Checked against R's coin and wilcox.test (`table1`, `paired` reference files) and enumeration.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.special import bdtr

from stats.design import Floats
from stats.errors import BadInput
from stats.stopping import check_stopped

#: Additions that an exact p-value may take: about two seconds.
_MOST_WORK: Final = 1.5e9
_MOST_CELLS: Final = 6_000_000  # of the table of states: 48 MB


def exact_rank_sum_p(ties: Floats, n1: float, n2: float, u: float) -> float:
    """Two-sided p of Mann-Whitney's U given the ties: P(|U - E U| at least as far).

    `ties` are the numbers of equal values, ascending. BadInput when there are too many rows.
    """
    scores = _doubled_ranks(ties)
    small, swap = (n1, n1 > n2) if n1 <= n2 else (n2, True)
    m, n = int(small), len(scores)
    # from here on the smaller group; its sum of doubled ranks seen from the lowest possible
    centre = m * (n + 1)  # expected sum of doubled ranks
    own_u = n1 * n2 - u if swap else u
    gap = abs(2 * own_u + m * (m + 1) - centre)
    least = int(scores[:m].sum())
    width = int(scores[n - m :].sum()) - least + 1
    work = float(n) * m * width / 3
    if work > _MOST_WORK or (m + 1) * (least + width) > _MOST_CELLS:
        raise BadInput(
            f"The exact test would have to count the arrangements of {n:,} rows, which are too "
            "many.",
            rule="exact", found=str(n), hint='Choose the normal approximation (exact="auto").',
        )  # fmt: skip
    chances = _subset_sums(scores, m)
    sums = np.arange(len(chances), dtype=np.float64)
    far = np.abs(sums - centre) >= gap - 1e-6
    return min(1.0, float(chances[far].sum()))


def _doubled_ranks(ties: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    counts = ties.astype(np.intp)
    last = np.cumsum(counts)
    doubled = 2 * last - counts + 1
    return np.repeat(doubled, counts)


def _subset_sums(scores: np.ndarray[tuple[int], np.dtype[np.intp]], m: int) -> Floats:
    """Probability of each sum of m of the scores, all subsets equally likely.

    `table[j, s]`: probability that j of the scores seen so far are in the subset, with sum s.
    """
    n = len(scores)
    largest = int(scores[n - m :].sum()) if m else 0
    table = np.zeros((m + 1, largest + 1))
    table[0, 0] = 1.0
    reach = 0
    for i, score in enumerate(scores.tolist()):
        if i % 8 == 0:
            check_stopped()
        upper = min(m, i + 1)
        lower = max(1, m - (n - 1 - i))
        reach = min(reach + score, largest)
        left = n - i  # scores not yet placed, this one included
        # chance to be taken, given how many are taken already: (m - j) / left
        taken = (m - np.arange(lower - 1, upper)) / left
        stay = 1.0 - (m - np.arange(lower, upper + 1)) / left
        into = table[lower - 1 : upper, : reach + 1 - score] * taken[:, None]
        table[lower : upper + 1, : reach + 1] *= stay[:, None]
        table[lower : upper + 1, score : reach + 1] += into
        table[0] *= 1.0 - m / left
    return table[m]


def exact_signed_rank_p(ties: Floats, positive: float) -> float:
    """Two-sided p of Wilcoxon's V given the ties of the absolute differences."""
    scores = _doubled_ranks(ties)
    total = int(scores.sum())
    if float(total) * len(scores) > _MOST_WORK:
        raise BadInput(
            f"The exact test would have to count the signs of {len(scores):,} pairs, which are "
            "too many.",
            rule="exact", found=str(len(scores)),
            hint='Choose the normal approximation (exact="auto").',
        )  # fmt: skip
    chances = np.zeros(total + 1)
    chances[0] = 1.0
    reach = 0
    for i, score in enumerate(scores.tolist()):
        if i % 64 == 0:
            check_stopped()
        reach += score
        moved = 0.5 * chances[: reach + 1 - score]
        chances[: reach + 1] *= 0.5
        chances[score : reach + 1] += moved
    gap = abs(2 * positive - total / 2)
    far = np.abs(np.arange(total + 1) - total / 2) >= gap - 1e-6
    return min(1.0, float(chances[far].sum()))


def exact_binomial_p(successes: int, n: int) -> float:
    """Two-sided p of `successes` in n fair tosses: twice the smaller tail, at most 1."""
    return min(1.0, 2 * float(bdtr(min(successes, n - successes), n, 0.5))) if n else math.nan
