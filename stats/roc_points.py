"""The ROC curve as points, and thresholds on it.

A threshold t calls positive every value at or beyond it (>= t, or <= t for a marker whose low
values speak for the event). A curve keeps all its distinct thresholds up to `MOST_POINTS`; of a
longer one it keeps points so close together that no other lies further than 1/2000 from them
along the axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from stats.design import Floats, Ints
from stats.placements import Ordered
from stats.two_levels import TwoByTwo

MOST_POINTS: Final = 5_000
_MOST_TIES: Final = 10
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """True and false positives at each threshold of `ordered`, the strictest first."""

    ordered: Ordered
    true_positives: Floats
    false_positives: Floats

    def table_at(self, index: int) -> TwoByTwo:
        """The 2 x 2 table of the threshold at `index`; -1 calls no row positive."""
        n1, n0 = self.ordered.n_events, self.ordered.n_others
        a = int(self.true_positives[index]) if index >= 0 else 0
        b = int(self.false_positives[index]) if index >= 0 else 0
        return TwoByTwo(a, b, n1 - a, n0 - b)


def curve_of(ordered: Ordered) -> RocCurve:
    """The curve of a sorted marker."""
    return RocCurve(ordered, np.cumsum(ordered.events), np.cumsum(ordered.others))


def youden_indices(curve: RocCurve) -> list[int]:
    """The thresholds with the largest sensitivity + specificity - 1; several when tied.

    Compared in whole numbers, so that ties are exact. None where no threshold is better than
    calling every row positive.
    """
    n1, n0 = curve.ordered.n_events, curve.ordered.n_others
    gain = curve.true_positives * n0 - curve.false_positives * n1
    if gain.max() <= 0.0:
        return []
    return [int(i) for i in np.flatnonzero(gain == gain.max())[:_MOST_TIES]]


def index_at_sensitivity(curve: RocCurve, wanted: float) -> int:
    """The strictest threshold with at least this sensitivity."""
    share = curve.true_positives / curve.ordered.n_events
    return int(np.searchsorted(share, wanted - _ROUNDING))


def index_at_specificity(curve: RocCurve, wanted: float) -> int:
    """The most lenient threshold with at least this specificity; -1 when there is none."""
    share = 1.0 - curve.false_positives / curve.ordered.n_others
    return int(np.count_nonzero(share >= wanted - _ROUNDING)) - 1


def index_at_value(curve: RocCurve, value: float) -> int:
    """The observed threshold that calls the same rows positive as `value`; -1 for none."""
    thresholds = curve.ordered.thresholds
    beyond = thresholds >= value if curve.ordered.falling else thresholds <= value
    return int(np.count_nonzero(beyond)) - 1


def kept_points(curve: RocCurve, also: list[int]) -> Ints:
    """Indices of the thresholds to keep, ascending; `also` are kept in any case."""
    n = len(curve.ordered.thresholds)
    if n <= MOST_POINTS:
        return np.arange(n)
    way = (
        curve.true_positives / curve.ordered.n_events
        + curve.false_positives / curve.ordered.n_others
    )
    room = MOST_POINTS - len(also) - 1
    near = np.searchsorted(way, np.linspace(way[0], way[-1], room))
    inside = [i for i in also if i >= 0]
    return np.unique(np.concatenate((near, inside, [n - 1]))).astype(np.intp)
