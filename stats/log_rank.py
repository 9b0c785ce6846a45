"""Tests of equal survival in k groups: log-rank, weighted and stratified.

At each event time the events expected in a group are the pooled events times its share of those
at risk; sums of weighted differences are referred to their hypergeometric variance.

Checked against R's survdiff (rho 0 and 1, and strata) and statsmodels' survdiff (Gehan,
Tarone-Ware).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chdtrc

from stats.design import Floats, Ints
from stats.life_table import Sample, event_times
from stats.stopping import check_stopped

_BLOCK: Final = 4096  # event times worked on at once
_RANK: Final = 1e-9  # eigenvalues of a correlation matrix below this are rounding


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Weighted observed and expected events of each group and the variance of their difference."""

    observed: Floats
    expected: Floats
    variance: Floats


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """A statistic, its degrees of freedom and p; NaN and 0 where there is nothing to compare."""

    statistic: float
    df: int
    p_value: float


NOTHING: Final = ChiSquare(float("nan"), 0, float("nan"))


def log_rank_scores(
    strata: Iterable[Sequence[Sample]], weights: str = "logrank", rho: float = 1.0
) -> Scores:
    """Sums over strata, each a sequence of one sample per group.

    `weights`: "logrank" 1, "gehan-breslow" n, "tarone-ware" sqrt(n), "fleming-harrington"
    S(t-)^rho with the pooled Kaplan-Meier estimate of the stratum, just before the event.
    """
    total: Scores | None = None
    for samples in strata:
        check_stopped()
        own = _stratum(samples, weights, rho)
        total = own if total is None else Scores(
            total.observed + own.observed,
            total.expected + own.expected,
            total.variance + own.variance,
        )  # fmt: skip
    return total or Scores(np.zeros(0), np.zeros(0), np.zeros((0, 0)))


def _stratum(samples: Sequence[Sample], weights: str, rho: float) -> Scores:
    k = len(samples)
    times = event_times(samples)
    d = sum((s.events_at(times) for s in samples), np.zeros(len(times), dtype=np.intp))
    n = sum((s.at_risk(times) for s in samples), np.zeros(len(times), dtype=np.intp))
    weight = _weights(weights, rho, d, n)
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for start in range(0, len(times), _BLOCK):
        check_stopped()
        part = slice(start, start + _BLOCK)
        risk = np.stack([s.at_risk(times[part]) for s in samples]) / n[part]
        spread = np.divide(
            d[part] * (n[part] - d[part]), n[part] - 1.0,
            out=np.zeros(len(times[part])), where=n[part] > 1,
        )  # fmt: skip
        expected += risk @ (weight[part] * d[part])
        shared = risk * (weight[part] ** 2 * spread)
        between = -(shared @ risk.T)
        # exactly 0 for a group that is alone at risk whenever something happens
        np.fill_diagonal(between, (shared * (1.0 - risk)).sum(axis=1))
        variance += between
    for group, sample in enumerate(samples):
        place = np.searchsorted(times, sample.died[0])
        observed[group] = weight[place].sum()
    return Scores(observed, expected, variance)


def _weights(kind: str, rho: float, d: Ints, n: Ints) -> Floats:
    if kind == "gehan-breslow":
        return n.astype(np.float64)
    if kind == "tarone-ware":
        return np.sqrt(n)
    if kind == "fleming-harrington":
        before = np.concatenate([[1.0], np.cumprod((n - d) / n)[:-1]]) if len(n) else np.zeros(0)
        return before**rho
    return np.ones(len(n))


def compare(scores: Scores) -> ChiSquare:
    """The test that observed and expected events agree in every group."""
    return quadratic_form(scores.observed - scores.expected, scores.variance)


def quadratic_form(difference: Floats, variance: Floats) -> ChiSquare:
    """The form difference' variance^- difference; its degrees of freedom are the rank.

    The differences of k groups add up to 0, so the rank is k - 1; less where groups were never at
    risk together. NOTHING when no two groups can be compared.
    """
    spread = np.sqrt(np.diag(variance))
    own = np.flatnonzero(spread > 0)
    if len(own) < 2:
        return NOTHING
    scale = spread[own]
    values, vectors = np.linalg.eigh(variance[np.ix_(own, own)] / np.outer(scale, scale))
    kept = values > _RANK
    parts = vectors[:, kept].T @ (difference[own] / scale)
    statistic, df = float(parts**2 @ (1.0 / values[kept])), int(kept.sum())
    return ChiSquare(statistic, df, float(chdtrc(df, statistic)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down adjusted p; NaN stays NaN and is not counted."""
    p = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted.tolist()
