"""Placements of one marker: what the ROC curve, its area and DeLong's variance are made of.

With n1 events and n0 others, the placement of an event is the share of others below it, ties
counted half; that of another row is the share of events above it. Their means are both the area;
their variances give DeLong's variance, their covariances over markers that of paired areas:

    var A = S10 / n1 + S01 / n0,   cov(A, B) alike

One sort per marker: O(n log n) (DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595; by
midranks Sun & Xu 2014, doi:10.1109/LSP.2014.2337313).

Checked against pROC (the `roc` reference file) and against all pairs counted one by one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from stats.design import Bools, Floats, Ints
from stats.proportions import NONE, Interval, normal_quantile
from stats.ranks import Concordance, concordance_of_counts, sort_order
from stats.stopping import check_stopped


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """A marker sorted so that the first rows are called positive first.

    `thresholds` are the distinct values in that order, `events` and `others` the rows at each.
    `falling` is true for a marker whose high values speak for the event.
    """

    thresholds: Floats
    events: Floats
    others: Floats
    falling: bool

    @property
    def n_events(self) -> int:
        """Rows with the event."""
        return int(self.events.sum())

    @property
    def n_others(self) -> int:
        """Rows without."""
        return int(self.others.sum())

    def concordance(self) -> Concordance:
        """The area with DeLong's variance."""
        # ascending towards the event
        return concordance_of_counts(self.events[::-1], self.others[::-1])[1]


def ordered_marker(values: Floats, event: Bools, *, higher: bool) -> Ordered:
    """Counts at each distinct value. `values` has no NaN; `higher` speaks for the event."""
    check_stopped()
    order = sort_order(values)
    if higher:
        order = order[::-1]
    sorted_values = values[order]
    starts = _starts(sorted_values)
    rows = np.diff(starts, append=len(values)).astype(np.float64)
    events = np.add.reduceat(event[order], starts, dtype=np.intp).astype(np.float64)
    return Ordered(sorted_values[starts], events, rows - events, higher)


def _starts(sorted_values: Floats) -> Ints:
    return np.concatenate(([0], np.flatnonzero(sorted_values[1:] != sorted_values[:-1]) + 1))


class Placements(NamedTuple):
    """Placements of the events and of the others, in the order of the rows given."""

    of_events: Floats
    of_others: Floats

    @property
    def area(self) -> float:
        """Mean of the placements."""
        return float(self.of_events.mean())


def placements(values: Floats, event: Bools, *, higher: bool) -> Placements:
    """One entry per event and per other row. `values` has no NaN."""
    check_stopped()
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = _starts(ordered)
    sizes = np.diff(starts, append=len(values))
    here = event[order]
    events = np.add.reduceat(here, starts, dtype=np.intp).astype(np.float64)
    others = sizes - events
    n1, n0 = float(events.sum()), float(others.sum())
    below = (np.cumsum(others) - 0.5 * others) / n0
    above = 1.0 - (np.cumsum(events) - 0.5 * events) / n1
    placed = np.empty(len(values))
    placed[order] = np.where(here, np.repeat(below, sizes), np.repeat(above, sizes))
    if not higher:
        placed = 1.0 - placed
    return Placements(placed[event], placed[~event])


class PairedAreas(NamedTuple):
    """Two areas on the same rows."""

    area_a: float
    area_b: float
    std_error: float
    covariance: float
    statistic: float
    p_value: float
    interval: Interval


#: Where two areas cannot be compared.
NOT_COMPARED = PairedAreas(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, NONE)


def compare_paired(a: Placements, b: Placements, ci_level: float) -> PairedAreas:
    """DeLong's test of equal areas: z = (A - B) / sqrt(var A + var B - 2 cov).

    NaN where a group has fewer than two rows, or where the markers rank all rows alike.
    """
    gap = a.area - b.area
    covariance = covariance_of(a, b)
    variance = covariance_of(a, a) + covariance_of(b, b) - 2.0 * covariance
    if not variance > 1e-15 * max(covariance_of(a, a), covariance_of(b, b), 1e-300):
        none = Interval(gap, math.nan, math.nan)
        return PairedAreas(a.area, b.area, math.nan, covariance, math.nan, math.nan, none)
    error = math.sqrt(variance)
    z, half = gap / error, normal_quantile(ci_level) * error
    p = 2.0 * float(ndtr(-abs(z)))
    limits = Interval(gap, max(gap - half, -1.0), min(gap + half, 1.0))
    return PairedAreas(a.area, b.area, error, covariance, z, p, limits)


def covariance_of(a: Placements, b: Placements) -> float:
    """DeLong's covariance of two areas on the same rows; NaN below two rows in a group."""
    n1, n0 = len(a.of_events), len(a.of_others)
    if n1 < 2 or n0 < 2:
        return math.nan
    first = (a.of_events - a.of_events.mean()) @ (b.of_events - b.of_events.mean()) / (n1 - 1)
    second = (a.of_others - a.of_others.mean()) @ (b.of_others - b.of_others.mean()) / (n0 - 1)
    return float(first / n1 + second / n0)


def hanley_mcneil_error(area: float, n_events: int, n_others: int) -> float:
    """Standard error of an area by Hanley & McNeil 1982 (doi:10.1148/radiology.143.1.7063747)."""
    one = area / (2.0 - area)
    two = 2.0 * area * area / (1.0 + area)
    square = area * area
    variance = (
        area * (1.0 - area) + (n_events - 1) * (one - square) + (n_others - 1) * (two - square)
    ) / (n_events * n_others)
    return math.sqrt(max(variance, 0.0))


def area_interval(found: Concordance, ci_level: float, method: str) -> Interval:
    """Normal limits cut to [0, 1] ("delong"), or normal on the logit scale ("logit").

    NaN limits where the variance is 0 or unknown.
    """
    area, variance = found
    if not variance > 0.0 or not 0.0 < area < 1.0:
        return Interval(area, math.nan, math.nan)
    half = normal_quantile(ci_level) * math.sqrt(variance)
    if method == "delong":
        return Interval(area, max(area - half, 0.0), min(area + half, 1.0))
    log_odds, half = math.log(area / (1.0 - area)), half / (area * (1.0 - area))
    low, high = (1.0 / (1.0 + math.exp(-(log_odds + s * half))) for s in (-1.0, 1.0))
    return Interval(area, low, high)
