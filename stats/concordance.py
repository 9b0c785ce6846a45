"""Harrell's concordance of a risk score with follow-up, and its standard error.

A pair of rows of one stratum counts when one has the event while the other is at risk and has
no event at that very time. It is concordant when the one with the event has the higher risk;
tied risks count half. With c_i the concordance and n_i the number of row i's pairs, the variance
is the infinitesimal jackknife's, the sum of ((c_i - C n_i) / N)^2.

All counts come from one merge in O(n log n). (Harrell et al. 1982,
doi:10.1001/jama.1982.03320430047030; Therneau & Watson 2017, the concordance vignette of
survival.) Checked against `concordance` of R's survival and against counting all pairs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from stats.design import Bools, Floats, Ints
from stats.risk_sets import RiskSets

_TIED = 1e-12  # risk scores whose difference rounding can make, relative to their range


class SurvivalConcordance(NamedTuple):
    """Concordance with its standard error; NaN where no pair can be compared."""

    value: float
    std_error: float
    pairs: float


def survival_concordance(score: Floats, risk: RiskSets) -> SurvivalConcordance:
    """Concordance of `score` (higher = earlier event), one entry per row of `risk`."""
    n = risk.n_rows
    rank = _ranks(score)
    # rows with an event at the same time share a place and are not compared
    places = 2 * risk.at_exit + risk.event if n else risk.at_exit
    total, agree = _pairs(risk.stratum, places, rank, np.ones(n, np.bool_), risk.event)
    if risk.entry_order is not None and risk.at_entry is not None:
        # not yet observed at the event: entries stand just before the events at their time
        both = np.concatenate([risk.stratum, risk.stratum])
        place = np.concatenate([2 * risk.at_entry, 2 * risk.at_exit + 1])
        waiting = np.arange(2 * n) < n
        out, out_agree = _pairs(
            both, place, np.concatenate([rank, rank]), waiting,
            np.concatenate([np.zeros(n, np.bool_), risk.event]),
        )  # fmt: skip
        total -= out[:n] + out[n:]
        agree -= out_agree[:n] + out_agree[n:]
    pairs = float(total.sum()) / 2.0
    if pairs <= 0.0:
        return SurvivalConcordance(math.nan, math.nan, 0.0)
    value = float(agree.sum()) / 2.0 / pairs
    spread = np.square((agree - value * total) / pairs)
    return SurvivalConcordance(value, float(np.sqrt(spread.sum())), pairs)


def _ranks(score: Floats) -> Ints:
    """Ranks from 0; scores that differ by rounding only share one."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    if not len(ordered):
        return order
    allowed = _TIED * max(float(ordered[-1] - ordered[0]), 1e-3)
    codes = np.empty(len(order), dtype=np.intp)
    codes[order] = np.concatenate([[0], np.cumsum(np.diff(ordered) > allowed)])
    return codes


def _pairs(
    stratum: Ints, place: Ints, rank: Ints, point: Bools, query: Bools
) -> tuple[Floats, Floats]:
    """For every entry, the pairs it is in and how many of them agree (ties count half).

    A pair is a query and a point of its stratum at a smaller place; it agrees when the query
    has the higher rank.
    """
    total, agree = np.zeros(len(place)), np.zeros(len(place))
    if not len(place):
        return total, agree
    order = np.lexsort((rank, stratum))
    group = stratum[order]  # rows that still stand together
    levels = int(place.max()).bit_length()
    for level in range(levels - 1, -1, -1):
        late = (place[order] >> level & 1).astype(np.bool_)
        _count(order, group, rank[order], late, point, query, total, agree)
        order, group = _split(order, group, late)
    return total, agree


def _count(
    order: Ints, group: Ints, rank: Ints, late: Bools, point: Bools, query: Bools,
    total: Floats, agree: Floats,
) -> None:  # fmt: skip
    """Add the pairs between the early points and the late queries of each group."""
    points = (point[order] & ~late).astype(np.float64)
    queries = (query[order] & late).astype(np.float64)
    new_group = np.diff(group, prepend=-1) != 0
    new_rank = new_group | (np.diff(rank, prepend=-1) != 0)
    head, tail = _spans(new_group)
    first, last = _spans(new_rank)
    for own, other, higher in ((queries, points, False), (points, queries, True)):
        summed = np.concatenate([[0.0], np.cumsum(other)])
        all_ = summed[tail] - summed[head]
        same = summed[last] - summed[first]
        beyond = summed[tail] - summed[last] if higher else summed[first] - summed[head]
        total[order] += own * all_
        agree[order] += own * (beyond + 0.5 * same)


def _spans(starts: Bools) -> tuple[Ints, Ints]:
    """For each entry, where its run begins and where the next one begins."""
    at = np.flatnonzero(starts)
    run = np.cumsum(starts) - 1
    return at[run], np.append(at[1:], len(starts))[run]


def _split(order: Ints, group: Ints, late: Bools) -> tuple[Ints, Ints]:
    """Each group parted into its early and its late rows, the order within them kept."""
    parted = np.argsort(2 * group + late, kind="stable")
    key = (2 * group + late)[parted]
    return order[parted], np.cumsum(np.diff(key, prepend=key[0]) != 0)
