"""One sort per continuous column, and all that two outcome groups need from it.

From the sorted column come quartiles and extremes of each group, the Mann-Whitney statistic
with its tie sum, and the concordance (area under the ROC curve) with DeLong's variance. The
sort does not depend on the outcome: `sort_order` may be kept and handed to `rank_terms`.

Concordance of n1 events and n0 others: A = U / (n1 n0), U the number of pairs in which the
event has the larger value, ties counted as half. DeLong, DeLong & Clarke-Pearson (1988,
doi:10.2307/2531595): var A = S10 / n1 + S01 / n0 with the sample variances of the placements.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from stats.design import SAME, Bools, Floats, Ints, Term
from stats.errors import BadInput
from stats.stopping import check_stopped

#: Groups smaller than this without ties get the exact distribution of U, as in R.
EXACT_BELOW: Final = 50
#: Larger numbers are refused: their squares overflow.
LARGEST_VALUE: Final = 1e150


class GroupSummary(NamedTuple):
    """One group of a continuous column; quartiles of type 7 (Hyndman & Fan 1996)."""

    n: int
    mean: float
    sd: float
    median: float
    q1: float
    q3: float
    low: float
    high: float


class Concordance(NamedTuple):
    """P(event has the larger value) + half P(tie), and its DeLong variance.

    `variance` is NaN with fewer than two rows in a group.
    """

    area: float
    variance: float

    def oriented(self, sign: float) -> Concordance:
        """Of a score that rises (sign > 0), falls (< 0) or does not move (0) with the value."""
        if sign > 0:
            return self
        if sign < 0:
            return Concordance(1.0 - self.area, self.variance)
        return Concordance(0.5, 0.0)

    def limits(self, quantile: float) -> tuple[float, float]:
        """Normal limits, cut to [0, 1]."""
        half = quantile * math.sqrt(self.variance) if self.variance >= 0 else math.nan
        return max(self.area - half, 0.0), min(self.area + half, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeRanks:
    """What the sorted column says about two groups; rows without a value are left out.

    `u_statistic` counts pairs in favour of the event; `tie_sum` is the sum of t^3 - t over
    groups of t equal values. Values of a group without rows are NaN.
    """

    other: GroupSummary
    event: GroupSummary
    overall: GroupSummary
    u_statistic: float
    tie_sum: float
    concordance: Concordance

    @property
    def constant(self) -> bool:
        """True when the values differ by no more than rounding (or there is none)."""
        low, high = self.overall.low, self.overall.high
        return not high - low > SAME * max(abs(low), abs(high))


_NO_ROWS = GroupSummary(0, *([math.nan] * 7))


def sort_order(values: Floats) -> Ints:
    """Row numbers in ascending order of value, rows with NaN left out.

    NaN are taken out first: among numbers only, the sort uses vector instructions.
    """
    present = ~np.isnan(values)
    if present.all():
        return np.argsort(values)
    rows = np.flatnonzero(present)
    return rows[np.argsort(values[rows])]


def rank_terms(
    terms: Sequence[Term],
    y: Bools,
    known: Bools,
    *,
    orders: Sequence[Ints | None] | None = None,
) -> list[OutcomeRanks | None]:
    """`OutcomeRanks` of each continuous term; None for factors.

    `y` and `known` have one entry per row of the file; only rows with `known` count. `orders`
    may hold the `sort_order` of each term's values. Raises BadInput for infinite numbers.
    """
    everywhere = bool(known.all())
    kept = None if everywhere else np.flatnonzero(known)
    inside = y if kept is None else y[kept]
    found: list[OutcomeRanks | None] = []
    for i, term in enumerate(terms):
        if term.kind == "factor":
            found.append(None)
            continue
        check_stopped()
        values = np.asarray(term.values, dtype=np.float64)
        order = orders[i] if orders is not None else None
        if order is not None:
            rows = order if everywhere else order[known[order]]
            ordered, events = values[rows], y[rows]
        else:
            own = values if kept is None else values[kept]
            order = sort_order(own)
            ordered, events = own[order], inside[order]
        _refuse_extremes(term.name, values, ordered)
        found.append(summarise(ordered, events))
    return found


def _refuse_extremes(name: str, values: Floats, ordered: Floats) -> None:
    """BadInput for infinite numbers and for numbers whose squares overflow."""
    if len(ordered) == 0 or max(-ordered.item(0), ordered.item(-1)) <= LARGEST_VALUE:
        return
    row = int(np.flatnonzero(np.abs(values) > LARGEST_VALUE)[0])
    found = float(values[row])
    word = f"the number {found:.3g}" if math.isfinite(found) else "an infinite number"
    raise BadInput(
        f'"{name}" holds {word} in row {row + 1}, which cannot be calculated with.',
        column=name, rule="finite numbers", found=word,
        hint="Correct the value, or list it as a missing code.",
    )  # fmt: skip


def summarise(ordered: Floats, event: Bools) -> OutcomeRanks:
    """`OutcomeRanks` of ascending values without NaN and their event flags."""
    at_event = np.flatnonzero(event)
    at_other = np.flatnonzero(~event)
    events = _describe(ordered[at_event])
    others = _describe(ordered[at_other])
    u, tie_sum, concordance = _pairs(ordered, event, at_event, at_other)
    return OutcomeRanks(others, events, _pool(ordered, others, events), u, tie_sum, concordance)


def _describe(ordered: Floats) -> GroupSummary:
    n = len(ordered)
    if n == 0:
        return _NO_ROWS
    low, high = ordered.item(0), ordered.item(-1)
    if low == high:
        return GroupSummary(n, low, 0.0 if n > 1 else math.nan, low, low, low, low, high)
    mean = float(ordered.sum()) / n
    centred = ordered - mean
    sd = math.sqrt(float(centred @ centred) / (n - 1))
    return GroupSummary(n, mean, sd, *_quartiles(ordered), low, high)


def _pool(ordered: Floats, a: GroupSummary, b: GroupSummary) -> GroupSummary:
    """Mean and SD of both groups together, from those of each (no cancellation)."""
    if a.n == 0 or b.n == 0:
        return b if a.n == 0 else a
    n = a.n + b.n
    low, high = ordered.item(0), ordered.item(-1)
    if low == high:
        return GroupSummary(n, low, 0.0, low, low, low, low, high)
    gap = a.mean - b.mean
    between = gap * gap * a.n * (b.n / n)
    within = sum(g.sd * g.sd * (g.n - 1) for g in (a, b) if g.n > 1)
    mean = a.mean + (b.mean - a.mean) * (b.n / n)
    sd = math.sqrt((within + between) / (n - 1))
    return GroupSummary(n, mean, sd, *_quartiles(ordered), low, high)


def _quartiles(ordered: Floats) -> tuple[float, float, float]:
    """Median, first and third quartile."""
    return _quantile(ordered, 0.5), _quantile(ordered, 0.25), _quantile(ordered, 0.75)


def _quantile(ordered: Floats, share: float) -> float:
    place = (len(ordered) - 1) * share
    below = int(place)
    part = place - below
    low = ordered.item(below)
    return low if part == 0 else (1 - part) * low + part * ordered.item(below + 1)


def _pairs(
    ordered: Floats, event: Bools, at_event: Ints, at_other: Ints
) -> tuple[float, float, Concordance]:
    if len(ordered) == 0:
        return math.nan, 0.0, Concordance(math.nan, math.nan)
    change = ordered[1:] != ordered[:-1]
    if change.all():
        n1, n0 = len(at_event), len(at_other)
        others_below = (at_event - np.arange(n1)).astype(np.float64)
        events_below = (at_other - np.arange(n0)).astype(np.float64)
        u = float(others_below.sum())
        if n1 == 0 or n0 == 0:
            return u, 0.0, Concordance(math.nan, math.nan)
        others_below -= u / n1
        events_below -= n1 - u / n0
        squares = float(others_below @ others_below), float(events_below @ events_below)
        return u, 0.0, _delong(u, squares, n1, n0)
    starts = np.concatenate(([0], np.flatnonzero(change) + 1))
    rows = np.diff(starts, append=len(ordered)).astype(np.float64)
    events = np.add.reduceat(event, starts, dtype=np.intp).astype(np.float64)
    u, concordance = concordance_of_counts(events, rows - events)
    return u, float((rows**3 - rows).sum()), concordance


def concordance_of_counts(events: Floats, others: Floats) -> tuple[float, Concordance]:
    """U and concordance from the events and others at each distinct value, ascending."""
    n1, n0 = float(events.sum()), float(others.sum())
    others_below = np.cumsum(others) - 0.5 * others
    u = float(events @ others_below)
    if n1 == 0 or n0 == 0:
        return u, Concordance(math.nan, math.nan)
    events_below = np.cumsum(events) - 0.5 * events
    others_below -= u / n1
    events_below -= n1 - u / n0
    squares = float(others_below**2 @ events), float(events_below**2 @ others)
    return u, _delong(u, squares, n1, n0)


def _delong(u: float, squares: tuple[float, float], n1: float, n0: float) -> Concordance:
    """From U and the sums of squared deviations of the placements (events, others)."""
    if n1 < 2 or n0 < 2:
        return Concordance(u / (n1 * n0), math.nan)
    first = squares[0] / ((n1 - 1) * n0**2)
    second = squares[1] / ((n0 - 1) * n1**2)
    return Concordance(u / (n1 * n0), first / n1 + second / n0)


def mann_whitney_p(ranks: OutcomeRanks) -> tuple[float, bool]:
    """Two-sided p of the Mann-Whitney test, and whether it is exact.

    Exact when both groups are below 50 and there are no ties, else normal with tie and
    continuity correction, as R's wilcox.test does. NaN without two groups or when all values
    are equal.
    """
    n1, n0 = ranks.event.n, ranks.other.n
    if n1 == 0 or n0 == 0 or ranks.constant:
        return math.nan, False
    if ranks.tie_sum == 0 and max(n1, n0) < EXACT_BELOW:
        return _exact_p(n1, n0, round(ranks.u_statistic)), True
    n = n1 + n0
    variance = n1 * n0 / 12 * ((n + 1) - ranks.tie_sum / (n * (n - 1)))
    distance = max(abs(ranks.u_statistic - n1 * n0 / 2) - 0.5, 0.0)
    return min(1.0, 2 * float(ndtr(-distance / math.sqrt(variance)))), False


def _exact_p(n1: int, n0: int, u: int) -> float:
    """Twice the smaller tail of U, at most 1.

    The numbers of arrangements are the coefficients of the Gaussian binomial
    prod (1 - q^(n0+i)) / (1 - q^i), i = 1..n1, needed up to the smaller tail only.
    """
    tail = min(u, n1 * n0 - u)
    ways: NDArray[np.float64] = np.zeros(tail + 1)
    ways[0] = 1.0
    for i in range(1, n1 + 1):
        up = n0 + i
        if up <= tail:
            ways[up:] -= ways[:-up].copy()
        full = -(-len(ways) // i) * i
        ways = np.cumsum(np.pad(ways, (0, full - len(ways))).reshape(-1, i), axis=0)
        ways = ways.reshape(-1)[: tail + 1]
    return min(1.0, 2 * float(ways.sum()) / math.comb(n1 + n0, n1))
