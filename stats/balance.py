"""Standardised mean differences between groups.

Numbers: (mean_a - mean_b) / S with S = sqrt((s_a^2 + s_b^2) / 2) ("average"), the pooled SD
("pooled", Cohen's d), or that with Hedges' correction ("hedges").

Categories: Mahalanobis distance sqrt(d' V^-1 d) of the shares of all levels but one, V the mean of
both multinomial covariance matrices; it has no sign and does not depend on which level is left out
(Yang & Dalton 2012, SAS Global Forum paper 335; Austin 2009, doi:10.1002/sim.3697). It is infinite
where the groups share no level, and then not given.

Checked against R (`table1`, `table1_three_groups` reference files).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from stats.design import Floats
from stats.effect_sizes import hedges_correction, pooled_sd
from stats.ranks import GroupSummary

FORMS: Final = ("average", "pooled", "hedges", "none")
_NAN: Final = math.nan
_ROUNDING: Final = 10 * np.finfo(np.float64).eps  # of the means: less is no variation


def smd_of_means(first: GroupSummary, second: GroupSummary, form: str = "average") -> float:
    """First minus second; NaN without variation or with too few rows."""
    if form == "average":
        sd = math.sqrt((first.sd**2 + second.sd**2) / 2)
    else:
        sd = pooled_sd(first, second)
    if not sd > _ROUNDING * max(abs(first.mean), abs(second.mean)):
        return _NAN
    factor = hedges_correction(float(first.n + second.n - 2)) if form == "hedges" else 1.0
    return factor * (first.mean - second.mean) / sd


def smd_of_shares(first: Floats, second: Floats) -> float:
    """Distance of two columns of counts over the same levels; NaN where it is not defined."""
    used = first + second > 0
    totals = float(first.sum()), float(second.sum())
    if min(totals) == 0 or not used.any():
        return _NAN
    p, q = first[used] / totals[0], second[used] / totals[1]
    if not np.any((p > 0) & (q > 0)):
        return _NAN
    gap = (p - q)[1:]
    # with an overlap only the vector of ones is lost, and the first level is left out for it
    covariance = 0.5 * (_covariance(p) + _covariance(q))[1:, 1:]
    if len(gap) == 0:
        return 0.0
    return math.sqrt(max(float(gap @ np.linalg.solve(covariance, gap)), 0.0))


def _covariance(shares: Floats) -> Floats:
    return np.diag(shares) - np.outer(shares, shares)
