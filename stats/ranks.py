"""The values of two outcome groups, each sorted once, and all that follows from their order.

From the sorted groups come quartiles and extremes, the Mann-Whitney statistic with its tie sum,
and the concordance (area under the ROC curve) with DeLong's variance. Sorting numbers is several
times faster than sorting row numbers by them, so the groups are never put in one order where no
value occurs twice: counting the others below each event (a search in sorted numbers) says where
the events stand among the others, and so everything else.

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
from stats.sorting import Sorter
from stats.stopping import check_stopped

#: Groups smaller than this without ties get the exact distribution of U, as in R.
EXACT_BELOW: Final = 50
#: Larger numbers are refused: their squares overflow.
LARGEST_VALUE: Final = 1e150
_WHOLE: Final = 2**53  # sums of whole numbers below it are exact
_FEW: Final = 2_000  # rows that are merged sooner than searched


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


class _Room:
    """Memory for the two groups of one column after the other."""

    def __init__(self, events: Ints, others: Ints) -> None:
        self.rows = (events, others)
        self.held = (np.empty(len(events)), np.empty(len(others)))
        self.places = np.arange(len(events), dtype=np.float64)
        self._sorter = Sorter(max(len(events), len(others)))
        self.spare = self._sorter.spare

    def sorted_groups(self, values: Floats) -> tuple[Floats, Floats]:
        """Ascending values of events and others without NaN, valid until the next call."""
        return self._sorted(values, 0), self._sorted(values, 1)

    def _sorted(self, values: Floats, group: int) -> Floats:
        held = values.take(self.rows[group], out=self.held[group], mode="clip")
        self._sorter.sort(held)  # NaN come last
        if len(held) and math.isnan(held.item(-1)):
            return held[: int(held.searchsorted(math.nan))]
        return held


def rank_terms(terms: Sequence[Term], y: Bools, known: Bools) -> list[OutcomeRanks | None]:
    """`OutcomeRanks` of each continuous term; None for factors.

    `y` and `known` have one entry per row of the file; only rows with `known` count. Raises
    BadInput for infinite numbers.
    """
    room = _Room(np.flatnonzero(known & y), np.flatnonzero(known & ~y))
    found: list[OutcomeRanks | None] = []
    for term in terms:
        if term.kind == "factor":
            found.append(None)
            continue
        check_stopped()
        values = np.asarray(term.values, dtype=np.float64)
        events, others = room.sorted_groups(values)
        _refuse_extremes(term.name, values, events, others)
        found.append(_summarise(events, others, room))
    return found


def _refuse_extremes(name: str, values: Floats, *groups: Floats) -> None:
    """BadInput for infinite numbers and for numbers whose squares overflow."""
    if all(len(g) == 0 or max(-g.item(0), g.item(-1)) <= LARGEST_VALUE for g in groups):
        return
    row = int(np.flatnonzero(np.abs(values) > LARGEST_VALUE)[0])
    found = float(values[row])
    word = f"the number {found:.3g}" if math.isfinite(found) else "an infinite number"
    raise BadInput(
        f'"{name}" holds {word} in row {row + 1}, which cannot be calculated with.',
        column=name, rule="finite numbers", found=word,
        hint="Correct the value, or list it as a missing code.",
    )  # fmt: skip


def _summarise(events: Floats, others: Floats, room: _Room) -> OutcomeRanks:
    """`OutcomeRanks` of two ascending groups; what `room` holds besides is overwritten."""
    below = others.searchsorted(events)
    ours, theirs = _describe(events, room.spare), _describe(others, room.spare)
    u, tie_sum, concordance = _pairs(events, others, below, room)
    if len(events) + len(others) <= _FEW:
        merged: Floats | _Merged = np.concatenate((events, others))
        merged.sort()
    else:
        merged = _Merged(events, others, below)
    overall = _pool(merged, theirs, ours)
    return OutcomeRanks(theirs, ours, overall, u, tie_sum, concordance)


class _Merged:
    """The two groups in one order, without putting them there.

    Event k stands at the place k + below[k], `below` the others with smaller values.
    """

    def __init__(self, events: Floats, others: Floats, below: Ints) -> None:
        self._events, self._others, self._below = events, others, below

    def __len__(self) -> int:
        return len(self._events) + len(self._others)

    def item(self, place: int) -> float:
        """The value at a place (from 0)."""
        below = self._below.item
        before, end = 0, len(self._events)  # events at smaller places
        while before < end:
            middle = (before + end) // 2
            if middle + below(middle) < place:
                before = middle + 1
            else:
                end = middle
        if before < len(self._events) and before + below(before) == place:
            return self._events.item(before)
        return self._others.item(place - before)


def _describe(ordered: Floats, spare: Floats) -> GroupSummary:
    n = len(ordered)
    if n == 0:
        return _NO_ROWS
    low, high = ordered.item(0), ordered.item(-1)
    if low == high:
        return GroupSummary(n, low, 0.0 if n > 1 else math.nan, low, low, low, low, high)
    mean = float(ordered.sum()) / n
    centred = np.subtract(ordered, mean, out=spare[:n])
    sd = math.sqrt(float(centred @ centred) / (n - 1))
    return GroupSummary(n, mean, sd, *_quartiles(ordered), low, high)


def _pool(ordered: Floats | _Merged, a: GroupSummary, b: GroupSummary) -> GroupSummary:
    """Mean and SD of both groups together, from those of each (no cancellation)."""
    if a.n == 0 or b.n == 0:
        return b if a.n == 0 else a
    n = a.n + b.n
    low, high = min(a.low, b.low), max(a.high, b.high)
    if low == high:
        return GroupSummary(n, low, 0.0, low, low, low, low, high)
    gap = a.mean - b.mean
    between = gap * gap * a.n * (b.n / n)
    within = sum(g.sd * g.sd * (g.n - 1) for g in (a, b) if g.n > 1)
    mean = a.mean + (b.mean - a.mean) * (b.n / n)
    sd = math.sqrt((within + between) / (n - 1))
    return GroupSummary(n, mean, sd, *_quartiles(ordered), low, high)


def _quartiles(ordered: Floats | _Merged) -> tuple[float, float, float]:
    """Median, first and third quartile."""
    last, item = len(ordered) - 1, ordered.item
    found: list[float] = []
    for share in (0.5, 0.25, 0.75):
        place = last * share
        below = int(place)
        part = place - below
        low = item(below)
        found.append(low if part == 0 else (1 - part) * low + part * item(below + 1))
    return found[0], found[1], found[2]


def _pairs(
    events: Floats, others: Floats, below: Ints, room: _Room
) -> tuple[float, float, Concordance]:
    n1, n0 = len(events), len(others)
    if n1 + n0 == 0:
        return math.nan, 0.0, Concordance(math.nan, math.nan)
    if _tied(events, others, below, room.spare):
        return _tied_pairs(events, others)
    if n1 == 0 or n0 == 0:
        return 0.0, 0.0, Concordance(math.nan, math.nan)
    counts, places = room.spare[:n1], room.places[:n1]
    np.copyto(counts, below)
    u = float(counts.sum())
    if n1 * n0 * max(n1, n0) < _WHOLE:
        # sums of whole numbers, exact in any order; as many others as `below` rises by before
        # event k have k events below them, hence their sum of squares, summed by parts
        first, wins = round(float(counts @ counts)), round(u)
        second = n0 * n1 * n1 - 2 * round(float(counts @ places)) - wins
        losses = n1 * n0 - wins
        squares = (first * n1 - wins * wins) / n1, (second * n0 - losses * losses) / n0
        return u, 0.0, delong(u, *squares, n1, n0)
    between = np.diff(below, prepend=0, append=n0)
    second = float(between @ np.square(np.arange(n1 + 1) - (n1 - u / n0)))
    counts -= u / n1
    squares = float(counts @ counts), second
    return u, 0.0, delong(u, *squares, n1, n0)


def _tied(events: Floats, others: Floats, below: Ints, spare: Floats) -> bool:
    """Whether any value occurs twice, within a group or between them; overwrites `spare`."""
    if (events[1:] == events[:-1]).any() or (others[1:] == others[:-1]).any():
        return True
    # the only other that can equal an event is the first that is not below it
    found = int(below.searchsorted(len(others)))
    if not found:
        return False
    nearest = others.take(below[:found], out=spare[:found], mode="clip")
    return bool((nearest == events[:found]).any())


def _tied_pairs(events: Floats, others: Floats) -> tuple[float, float, Concordance]:
    """From the rows at each distinct value; merging two sorted runs takes one pass."""
    joined = np.concatenate([others, events])
    order = np.argsort(joined, kind="stable")
    ordered, event = joined[order], order >= len(others)
    starts = np.concatenate(([0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1))
    rows = np.diff(starts, append=len(ordered)).astype(np.float64)
    at_value = np.add.reduceat(event, starts, dtype=np.intp).astype(np.float64)
    u, concordance = concordance_of_counts(at_value, rows - at_value)
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
    return u, delong(u, *squares, n1, n0)


def concordances_of_counts(events: Floats, others: Floats, starts: Ints) -> list[Concordance]:
    """`concordance_of_counts` of several tables one below the other; each (with at least one
    value) begins at its place in `starts`."""
    n1, n0 = np.add.reduceat(events, starts), np.add.reduceat(others, starts)
    own = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(events)))
    # sums of whole numbers are exact: what lies below counts from the first value of the table
    events_below = np.cumsum(events) - 0.5 * events - (np.cumsum(n1) - n1)[own]
    others_below = np.cumsum(others) - 0.5 * others - (np.cumsum(n0) - n0)[own]
    u = np.add.reduceat(events * others_below, starts)
    with np.errstate(divide="ignore", invalid="ignore"):
        events_below -= (n1 - u / n0)[own]
        others_below -= (u / n1)[own]
    above = np.add.reduceat(others_below**2 * events, starts)
    below = np.add.reduceat(events_below**2 * others, starts)
    numbers = np.array([u, above, below, n1, n0]).T.tolist()
    return [
        delong(*line) if line[3] and line[4] else Concordance(math.nan, math.nan)
        for line in numbers
    ]  # fmt: skip


def delong(u: float, above: float, below: float, n1: float, n0: float) -> Concordance:
    """From U and the sums of squared deviations of the placements (`above` of the events, `below`
    of the others), with n1 events and n0 others."""
    if n1 < 2 or n0 < 2:
        return Concordance(u / (n1 * n0), math.nan)
    first = above / ((n1 - 1) * n0**2)
    second = below / ((n0 - 1) * n1**2)
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
