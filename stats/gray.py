"""Gray's test that a cause has the same cumulative incidence in every group.

Gray RJ (1988), A class of k-sample tests for comparing the cumulative incidence of a competing
risk, Ann Stat 16:1141-54, doi:10.1214/aos/1176350951, with rho = 0.

A patient who failed of another cause stays, in expectation, in the risk set of the
subdistribution: group k counts R_k = n_k (1 - F_k(t-)) / S_k(t-), where S_k is free of any event.
The score is the sum of d_k - d R_k / R. Its variance follows each group's martingales through
F_k and S_k; with

    a_jk(t) = r_j (1[j = k] - r_k / sum r),  r = n / S(t-),
    C_jk(t) = what a_jk dF0 / (1 - F0(t-)) adds after t,

an event of the cause at t in group k moves score j by a_jk + (1 - (1 - F0(t)) / S_k(t)) C_jk, and
one of another cause by (1 - F0(t)) / S_k(t) C_jk.

Checked against R's cmprsk::cuminc (`competing_risks` reference file) and simulation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from stats.design import Floats
from stats.life_table import Sample, event_times
from stats.log_rank import ChiSquare, quadratic_form
from stats.stopping import check_stopped

_BLOCK: Final = 4096  # event times worked on at once


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """One group at its own event times: S and F just after each, and the events of the cause and
    of all others there. Longer by one: the values before the first time stand in front."""

    sample: Sample
    times: Floats
    free: Floats
    incidence: Floats
    own: Floats
    other: Floats

    def at(self, times: Floats) -> _Group:
        """The same at the event times of all groups."""
        after = np.searchsorted(self.times, times, side="right")
        before = np.searchsorted(self.times, times, side="left")
        happened = after > before
        return _Group(
            self.sample.at_risk(times).astype(np.float64),
            np.where(happened, self.own[after], 0.0), np.where(happened, self.other[after], 0.0),
            self.free[before], self.free[after], self.incidence[before],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """One group at some event times: `before` and `free` are S before and after each,
    `incidence` is F before it."""

    at_risk: Floats
    own: Floats
    other: Floats
    before: Floats
    free: Floats
    incidence: Floats

    @property
    def ratio(self) -> Floats:
        """The r of the module's formula: n / S(t-), 0 where nobody is at risk."""
        return np.divide(
            self.at_risk, self.before, out=np.zeros(len(self.before)), where=self.at_risk > 0
        )


def gray_test(strata: Iterable[Sequence[Sample]], cause: int) -> ChiSquare:
    """The test for one cause (from 0), scores and variances added over strata."""
    score, variance = np.zeros(0), np.zeros((0, 0))
    for samples in strata:
        check_stopped()
        own, spread = _stratum(samples, cause)
        score = own if not len(score) else score + own
        variance = spread if not len(variance) else variance + spread
    return quadratic_form(score, variance)


def _stratum(samples: Sequence[Sample], cause: int) -> tuple[Floats, Floats]:
    """Score and its variance, in blocks of times from the last to the first, so that what is
    still to come (C) is at hand."""
    times = event_times(samples)
    steps = [_steps(sample, cause) for sample in samples]
    pooled, events = np.zeros(len(times)), np.zeros(len(times))
    for group in steps:
        check_stopped()
        at = group.at(times)
        pooled += at.ratio
        events += at.own
    growth = np.divide(events, pooled, out=np.zeros(len(times)), where=pooled > 0)
    common = np.cumsum(growth)  # F0, the incidence when all groups share it
    k = len(samples)
    score, variance, to_come = np.zeros(k), np.zeros((k, k)), np.zeros((k, k))
    for start in reversed(range(0, len(times), _BLOCK)):
        check_stopped()
        block = slice(start, start + _BLOCK)
        parts = [group.at(times[block]) for group in steps]
        score += _scores(parts, events[block])
        _add_variance(variance, to_come, parts, pooled[block], growth[block], common[block])
    return score, variance


def _steps(sample: Sample, cause: int) -> _Steps:
    times = event_times([sample])
    n = sample.at_risk(times)
    own = sample.events_at(times, cause)
    other = np.zeros(len(times))
    for c in range(len(sample.died)):
        if c != cause:
            other += sample.events_at(times, c)
    free = np.concatenate([[1.0], np.cumprod(1.0 - (own + other) / n)])
    incidence = np.concatenate([[0.0], np.cumsum(free[:-1] * own / n)])
    return _Steps(
        sample, times, free, incidence, np.concatenate([[0.0], own]),
        np.concatenate([[0.0], other]),
    )  # fmt: skip


def _scores(parts: Sequence[_Group], events: Floats) -> Floats:
    adjusted = np.stack([p.ratio * (1.0 - p.incidence) for p in parts])
    hazard = np.divide(events, adjusted.sum(axis=0), out=np.zeros(len(events)), where=events > 0)
    return np.array([p.own.sum() for p in parts]) - adjusted @ hazard


def _add_variance(
    variance: Floats, to_come: Floats, parts: Sequence[_Group], pooled: Floats, growth: Floats,
    common: Floats,
) -> None:  # fmt: skip
    """Add one block to `variance`; `to_come` is C after the block and becomes C before it."""
    ratios = np.stack([p.ratio for p in parts])
    remaining = 1.0 - (common - growth)
    hazard = np.divide(growth, remaining, out=np.zeros(len(growth)), where=remaining > 0)
    together = np.round(growth * pooled)  # events of the cause at each time
    for k, p in enumerate(parts):
        a = -ratios * np.divide(p.ratio, pooled, out=np.zeros(len(pooled)), where=pooled > 0)
        a[k] += p.ratio
        a[:, p.at_risk == 0] = 0.0
        adds = a * hazard
        after = to_come[:, [k]] + adds.sum(axis=1, keepdims=True) - np.cumsum(adds, axis=1)
        to_come[:, k] += adds.sum(axis=1)
        left = np.divide(1.0 - common, p.free, out=np.zeros(len(common)), where=p.free > 0)
        there = p.at_risk > 0
        spread = np.divide(
            p.before * growth, p.at_risk, out=np.zeros(len(growth)), where=there
        ) * _ties(together, pooled * p.before)  # fmt: skip
        moved = a + (1.0 - left) * after
        variance += (moved * spread) @ moved.T
        spread = np.divide(
            np.square(p.before) * p.other, np.square(p.at_risk), out=np.zeros(len(growth)),
            where=there & (p.free > 0),
        ) * _ties(p.other, p.at_risk)  # fmt: skip
        moved = left * after
        variance += (moved * spread) @ moved.T


def _ties(d: Floats, n: Floats) -> Floats:
    """1 - (d - 1) / (n - 1) where several fail together, else 1."""
    return 1.0 - np.divide(
        np.maximum(d - 1.0, 0.0), n - 1.0, out=np.zeros(len(d)), where=(d > 1) & (n > 1)
    )
