"""One 2 x 2 table, or several with a common odds ratio, given all margins.

Given the margins, the count a of exposed with the event follows the noncentral hypergeometric
distribution P(a) ~ w(a) psi^a, w(a) = C(n1, a) C(n0, m - a); over strata the weights of the sum
are the convolution of theirs. psi-hat solves E(a) = a seen; the exact limits are those psi at
which the seen or a more extreme count has probability (1 - level)/2.

Two-sided p-values at psi = 1, by convention:

    fisher          sum of the tables no more probable than the one seen (tolerance 1e-7, as R)
    mid-p           the same, tables as probable as the one seen counted half
    twice the tail  twice the smaller one-sided p

(Cornfield 1956; Mehta, Patel & Gray 1985, doi:10.1080/01621459.1985.10478212; Lancaster 1961.)

Checked against R's fisher.test and mantelhaen.test(exact = TRUE) (`twobytwo` and
`mantel_haenszel` reference files), and against sums in whole numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import gammaln

from stats.design import Floats
from stats.proportions import Interval
from stats.roots import root_from
from stats.stopping import check_stopped
from stats.two_levels import TwoByTwo

_TIED: Final = 1e-7
#: Margins of all strata together beyond which the exact distribution of the sum is not made.
MOST_TOGETHER: Final = 4_000


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """`counts` are the possible values of a (or of its sum), `log_weight` their weights at
    psi = 1, `seen` the value observed."""

    counts: Floats
    log_weight: Floats
    seen: int

    def probabilities(self, log_odds: float = 0.0) -> Floats:
        """P(a) at psi = exp(log_odds), in the order of `counts`."""
        check_stopped()
        weight = self.log_weight + log_odds * (self.counts - self.seen)
        weight = np.exp(weight - weight.max())
        return weight / weight.sum()

    @property
    def position(self) -> int:
        """The place of `seen` among `counts`."""
        return int(self.seen - self.counts[0])


def conditional_of(tables: Sequence[TwoByTwo]) -> Conditional | None:
    """The conditional distribution of the sum of a over tables; None when it is too long."""
    spans = [min(t.a + t.b, t.a + t.c) - max(0, t.a - t.d) for t in tables]
    if len(tables) > 1 and sum(spans) > MOST_TOGETHER:
        return None
    log_weight: Floats = np.zeros(1)
    first = seen = 0
    for table in tables:
        check_stopped()
        counts, own = _one_table(table)
        log_weight = own if len(log_weight) == 1 else _convolved(log_weight, own)
        first += int(counts[0])
        seen += table.a
    return Conditional(first + np.arange(len(log_weight), dtype=np.float64), log_weight, seen)


def _one_table(table: TwoByTwo) -> tuple[Floats, Floats]:
    n1, n0, m = table.a + table.b, table.c + table.d, table.a + table.c
    counts = np.arange(max(0, m - n0), min(n1, m) + 1, dtype=np.float64)
    log_weight = _log_choose(n1, counts) + _log_choose(n0, m - counts)
    return counts, log_weight - log_weight.max()


def _log_choose(n: int, k: Floats) -> Floats:
    return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)


def _convolved(left: Floats, right: Floats) -> Floats:
    """Log weights of the sum of two counts.

    In logs: the weights of one table span more powers of ten than a double holds, and the limits
    of the odds ratio look at its far ends.
    """
    if len(left) < len(right):
        left, right = right, left
    total = np.full(len(left) + len(right) - 1, -np.inf)
    for i, weight in enumerate(right):
        part = total[i : i + len(left)]
        np.logaddexp(part, left + weight, out=part)
        if i % 64 == 0:
            check_stopped()
    return total - total.max()


def conditional_odds_ratio(distribution: Conditional, ci_level: float) -> Interval:
    """Conditional maximum likelihood estimate and exact limits; 0 or infinite at the ends."""
    k, last = distribution.position, len(distribution.counts) - 1
    if last == 0:
        return Interval(math.nan, 0.0, math.inf)
    tail = (1.0 - ci_level) / 2.0
    away = distribution.counts - distribution.seen

    def mean(log_odds: float) -> float:
        return float(distribution.probabilities(log_odds) @ away)

    def above(log_odds: float) -> float:
        return float(distribution.probabilities(log_odds)[k:].sum()) - tail

    def below(log_odds: float) -> float:
        return tail - float(distribution.probabilities(log_odds)[: k + 1].sum())

    start = _rough(distribution)
    inner = 0 < k < last
    estimate = math.exp(root_from(mean, start)) if inner else (0.0 if k == 0 else math.inf)
    low = 0.0 if k == 0 else math.exp(root_from(above, start))
    high = math.inf if k == last else math.exp(root_from(below, start))
    return Interval(estimate, low, high)


def _rough(distribution: Conditional) -> float:
    """A log odds ratio to start from: where the weights balance around the count seen."""
    k, last = distribution.position, len(distribution.counts) - 1
    left, right = max(k - 1, 0), min(k + 1, last)
    return float(distribution.log_weight[left] - distribution.log_weight[right]) / (right - left)


def fisher_p(distribution: Conditional) -> float:
    """Two-sided p: tables no more probable than the one seen."""
    p = distribution.probabilities()
    return min(1.0, float(p[p <= p[distribution.position] * (1 + _TIED)].sum()))


def mid_p(distribution: Conditional) -> float:
    """Two-sided mid-p: as `fisher_p`, tables as probable as the one seen counted half."""
    p = distribution.probabilities()
    seen = p[distribution.position]
    tied = np.abs(p - seen) <= _TIED * seen
    return float(p[(p < seen) & ~tied].sum() + 0.5 * p[tied].sum())


def one_sided_p(distribution: Conditional) -> tuple[float, float]:
    """P(a or fewer) and P(a or more) at an odds ratio of 1."""
    p, k = distribution.probabilities(), distribution.position
    return min(1.0, float(p[: k + 1].sum())), min(1.0, float(p[k:].sum()))
