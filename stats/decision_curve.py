"""Concordance and net benefit of predictions, from one sort of them.

With the rows sorted by predicted risk, cumulative counts of events and of others give the pairs
in the right order (ties half) and, at each threshold t, who would be treated (risk >= t):

    net benefit = TP/n - FP/n * t / (1 - t)

(Vickers & Elkin 2006, doi:10.1177/0272989X06295361). Treating all: prevalence - (1 - prevalence)
t / (1 - t); treating none: 0.

Checked against pair counting and against the definition, row by row.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stats.design import Floats, Ints
from stats.resampling import Counts
from stats.sorting import ascending

#: Threshold risks 0.01, 0.02, ... 0.99.
THRESHOLDS: Final = np.arange(1, 100) / 100.0
_ODDS: Final = THRESHOLDS / (1.0 - THRESHOLDS)
_CUTS: Final = np.log(THRESHOLDS) - np.log1p(-THRESHOLDS)
_TIED = 1e-12  # difference of linear predictors that rounding can make, relative to their size


class Ranked(NamedTuple):
    """C-statistic, and net benefit at each of THRESHOLDS."""

    area: float
    net_benefit: Floats


class Sorted:
    """One set of linear predictors, sorted: row order, runs of ties, and who is treated."""

    def __init__(self, predictor: Floats) -> None:
        self.order: Ints = ascending(predictor)
        ordered = predictor[self.order]
        tied = _TIED * max(1.0, abs(float(ordered[0])), abs(float(ordered[-1])))
        apart = np.diff(ordered) > tied
        self._starts = None
        if not apart.all():
            self._starts = np.concatenate(([0], np.flatnonzero(apart) + 1))
        # the first row treated at each threshold: a risk that equals it up to rounding counts
        self._first = np.searchsorted(ordered, _CUTS - tied)

    def measure(self, events: NDArray[np.uint8], counts: Counts | None = None) -> Ranked:
        """Of the outcome (1 = event, rows in their own order), each row once or `counts` times.

        NaN without events or without others among the rows counted.
        """
        happened = events[self.order]
        if counts is None and self._starts is None:
            return self._by_places(happened)
        if counts is None:
            cases, others = happened, 1 - happened
            rows_below = np.arange(1.0, len(happened) + 1.0)
        else:
            drawn = counts[self.order]
            cases = drawn * happened
            others = drawn - cases
            rows_below = np.cumsum(drawn, dtype=np.float64)
        cases_below = np.cumsum(cases, dtype=np.float64)
        others_below = rows_below - cases_below
        n1, n0 = float(cases_below[-1]), float(others_below[-1])
        if not n1 or not n0:
            return Ranked(np.nan, np.full(len(THRESHOLDS), np.nan))
        area = self._pairs(cases, others, others_below) / (n1 * n0)
        true = n1 - _before(cases_below, self._first)
        false = n0 - _before(others_below, self._first)
        return Ranked(area, (true - false * _ODDS) / (n1 + n0))

    def _by_places(self, happened: NDArray[np.uint8]) -> Ranked:
        """Of each row once, without ties: the place of an event tells the rows below it."""
        at = np.flatnonzero(happened)
        n1, n0 = len(at), len(happened) - len(at)
        if not n1 or not n0:
            return Ranked(np.nan, np.full(len(THRESHOLDS), np.nan))
        area = (float(at.sum()) - 0.5 * n1 * (n1 - 1)) / (n1 * n0)
        events_before = at.searchsorted(self._first)
        true, false = n1 - events_before, n0 - (self._first - events_before)
        return Ranked(area, (true - false * _ODDS) / (n1 + n0))

    def _pairs(self, cases: Counts, others: Counts, others_below: Floats) -> float:
        """Pairs in which the event has the larger value, ties counted as half."""
        if self._starts is None:
            return float(cases.astype(np.float64) @ others_below)
        run_cases = np.add.reduceat(cases, self._starts, dtype=np.float64)
        run_others = np.add.reduceat(others, self._starts, dtype=np.float64)
        return float(run_cases @ (np.cumsum(run_others) - 0.5 * run_others))


def _before(cumulative: Floats, first: Ints) -> Floats:
    """The cumulative count of the rows before each position."""
    return np.where(first > 0, cumulative[np.maximum(first, 1) - 1], 0.0)


def treat_all(prevalence: float) -> Floats:
    """Net benefit of treating everybody, at each of THRESHOLDS."""
    return prevalence - (1.0 - prevalence) * _ODDS
