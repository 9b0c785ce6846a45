"""The Grambsch-Therneau test of proportional hazards, as an exact score test.

The model with coefficients b + theta g(t) is proportional when theta = 0. With the information
at the estimate, I_00 = sum V_k, I_01 = sum g_k V_k, I_11 = sum g_k^2 V_k over the event times,
and the score U = sum g_k (x - mean), the statistic of the columns c of a term is

    U_c' [I_11,cc - I_01,c' I_00^-1 I_01,c]^-1 U_c,  chi-square.

This is what cox.zph of R's survival has computed since its version 3; earlier versions and
other programs give an approximation that assumes V_k to be constant. g is one minus the
Kaplan-Meier estimate just before the time ("km"), the rank of the event, the time or its log.
(Grambsch & Therneau 1994, doi:10.1093/biomet/81.3.515.) Checked against cox.zph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from stats.design import Floats
from stats.likelihood import Maximum
from stats.partial_likelihood import PartialLikelihood
from stats.risk_sets import RiskSets

TRANSFORMS = ("km", "rank", "identity", "log")


@dataclass(frozen=True, slots=True)
class HazardTest:
    """`term` is an index into the design's terms, None for the global test."""

    term: int | None
    statistic: float
    df: int
    p_value: float


def proportional_hazards(
    model: PartialLikelihood, found: Maximum, transform: str, terms: Mapping[int, Sequence[int]]
) -> list[HazardTest]:
    """One test per term (index -> its columns) and the global one, in that order."""
    covariance = found.covariance
    if covariance is None or not model.n_parameters:
        return []
    g = transformed_times(model, transform)
    g = g - np.average(g, weights=model.risk.deaths)
    width = float(np.abs(g).max(initial=0.0))
    if width == 0.0:  # all events at one time: nothing can change with time
        return []
    g = g / width
    _, once = model.weights(found.point.beta, g)
    score = -_product(model, once.weight)
    for part, x in model.design.blocks():
        events = np.zeros(model.risk.n_rows)
        events[model.risk.death_rows] = np.repeat(g, model.risk.deaths)
        score += x.T[1:] @ events[part]
    cross = model.information(once)
    _, twice = model.weights(found.point.beta, g * g)
    own = model.information(twice) - cross @ covariance @ cross
    tests = [_test(term, score, own, list(columns)) for term, columns in terms.items()]
    return [*tests, _test(None, score, own, list(range(model.n_parameters)))]


def _product(model: PartialLikelihood, weight: Floats) -> Floats:
    total = np.zeros(model.n_parameters)
    for part, x in model.design.blocks():
        total += x.T[1:] @ weight[part]
    return total


def _test(term: int | None, score: Floats, variance: Floats, columns: Sequence[int]) -> HazardTest:
    inner = variance[np.ix_(columns, columns)]
    scale = np.sqrt(np.maximum(np.diag(inner), 0.0))
    df = len(columns)
    if not np.all(scale > 0.0) or not np.linalg.cond(inner / np.outer(scale, scale)) < 1e12:
        return HazardTest(term, np.nan, df, np.nan)
    u = score[list(columns)]
    statistic = float(u @ np.linalg.solve(inner, u))
    return HazardTest(term, statistic, df, float(chdtrc(df, statistic)))


def transformed_times(model: PartialLikelihood, transform: str) -> Floats:
    """The function g at each event time, (D,); strata share one curve and one ranking."""
    risk = model.risk
    if transform == "identity":
        return risk.times.copy()
    if transform == "log":
        return np.log(np.maximum(risk.times, np.finfo(np.float64).tiny))
    n_moments = int(risk.moment.max()) + 1
    if transform == "rank":
        left = np.bincount(risk.moment, minlength=n_moments)
        of_moment = np.cumsum(left) - 0.5 * (left - 1.0)
    else:
        of_moment = _died_before(risk, n_moments)
    return of_moment[risk.moment[risk.ends - 1]]


def _died_before(risk: RiskSets, n_moments: int) -> Floats:
    """One minus the Kaplan-Meier estimate just before each moment, all strata together."""
    left = np.bincount(risk.moment, minlength=n_moments)
    under = np.cumsum(left[::-1])[::-1]
    if risk.entered is not None:
        came = np.bincount(risk.entered, minlength=n_moments)
        under = under - np.cumsum(came[::-1])[::-1]
    died = np.bincount(risk.moment[risk.death_rows], minlength=n_moments)
    kept = 1.0 - died / np.maximum(under, 1)
    return 1.0 - np.concatenate([[1.0], np.cumprod(kept)[:-1]])
