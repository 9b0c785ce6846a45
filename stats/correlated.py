"""One correlation with its interval and test, from two columns without missing values.

    pearson   product-moment r
    spearman  the same of average ranks
    partial   -P_ab / sqrt(P_aa P_bb), P the inverse correlation matrix of a, b and what is held
              constant (of ranks for Spearman); k variables held constant cost k rows

Intervals on Fisher's z = atanh r, with variance

    fisher          1 / (n - k - 3)
    bonett_wright   (1 + rho^2/2) / (n - k - 3), Spearman (Bonett & Wright 2000,
                    doi:10.1007/BF02294183)
    fieller         1.06 / (n - k - 3), Spearman; 0.437 / (n - 4), Kendall (Fieller, Hartley &
                    Pearson 1957, doi:10.1093/biomet/44.3-4.470)

Tests: t = r sqrt(df / (1 - r^2)), df = n - k - 2; for ranks see `stats.spearman`, `stats.kendall`.

Checked against R's cor.test and partial correlations (`correlation` reference files), scipy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import stdtr

from stats.design import SAME, Floats
from stats.kendall import kendall_tau
from stats.proportions import normal_quantile
from stats.spearman import EXACT_UP_TO, SERIES_BELOW, spearman_p
from stats.stopping import check_stopped

_PERFECT: Final = 1e-14
_SINGULAR: Final = 1e-10


@dataclass(frozen=True, slots=True)
class Correlated:
    """`test` names the distribution behind p: t, exact, series, normal; "" for none.

    `why_not` says what is missing: constant, few_rows, perfect, singular; "" when nothing is.
    """

    coefficient: float
    low: float
    high: float
    statistic: float
    df: float
    p_value: float
    test: str
    why_not: str = ""


def nothing(why: str) -> Correlated:
    """No correlation at all."""
    nan = math.nan
    return Correlated(nan, nan, nan, nan, nan, nan, "", why)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A column centred and of length one (of its ranks for Spearman); `unit` is None where it is
    constant. `tied` is true when values repeat."""

    unit: Floats | None
    tied: bool


def scored(values: Floats, *, ranks: bool) -> Scored:
    """Centre and scale a column without missing values."""
    check_stopped()
    tied = False
    if ranks:
        values, tied = average_ranks(values)
    if len(values) == 0:
        return Scored(None, tied)
    centred = values - values.mean()
    largest = float(np.abs(centred).max())
    size = float(np.abs(values).max())
    if largest <= SAME * size:
        return Scored(None, tied)
    centred /= largest  # so that no square overflows
    return Scored(centred / math.sqrt(float(centred @ centred)), tied)


def average_ranks(values: Floats) -> tuple[Floats, bool]:
    """Ranks from 1, ties sharing their mean rank, and whether there are ties."""
    order = np.argsort(values)
    ordered = values[order]
    starts = np.concatenate(([0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1))
    sizes = np.diff(starts, append=len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (sizes + 1) / 2.0, sizes)
    return ranks, len(starts) < len(values)


def product_moment(
    a: Scored, b: Scored, *, method: str, interval: str, exact: bool, ci_level: float
) -> Correlated:
    """Pearson's or Spearman's correlation of two scored columns."""
    if a.unit is None or b.unit is None:
        return nothing("constant")
    n = len(a.unit)
    if n < 3:
        return nothing("few_rows")
    r = float(a.unit @ b.unit)
    found = tested(r, n, 0, interval, ci_level)
    untied = not (a.tied or b.tied)
    if method == "pearson" or not exact or not untied or n >= SERIES_BELOW:
        return found
    p_value = spearman_p(found.coefficient, n)
    if p_value is None:
        return found
    name = "exact" if n <= EXACT_UP_TO else "series"
    return Correlated(
        found.coefficient, found.low, found.high, math.nan, math.nan, p_value, name, found.why_not
    )  # fmt: skip


def partial(columns: Sequence[Scored], *, interval: str, ci_level: float) -> Correlated:
    """Correlation of the first two columns with the others held constant."""
    units = [c.unit for c in columns if c.unit is not None]
    if len(units) < len(columns):
        return nothing("constant")
    n, k = len(units[0]), len(units) - 2
    if n < k + 3:
        return nothing("few_rows")
    matrix = np.stack(units) @ np.stack(units).T
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < _SINGULAR:
        return nothing("singular")
    inverse = (vectors / values) @ vectors.T
    r = -float(inverse[0, 1]) / math.sqrt(float(inverse[0, 0] * inverse[1, 1]))
    return tested(r, n, k, interval, ci_level)


def kendall(a: Floats, b: Floats, *, exact: bool, ci_level: float) -> Correlated:
    """Kendall's tau-b of two columns."""
    found = kendall_tau(a, b, exact=exact)
    if math.isnan(found.tau):
        return nothing("constant" if len(a) > 1 else "few_rows")
    low, high, why = limits(found.tau, 0.437, len(a) - 4, ci_level)
    test = "exact" if found.exact else "normal"
    return Correlated(found.tau, low, high, found.z, math.nan, found.p_value, test, why)


def tested(r: float, n: int, k: int, interval: str, ci_level: float) -> Correlated:
    """Interval and t test of a product-moment correlation with k variables held constant."""
    perfect = 1.0 - abs(r) < _PERFECT
    r = math.copysign(1.0, r) if perfect else r
    factor = {"bonett_wright": 1.0 + r * r / 2.0, "fieller": 1.06}.get(interval, 1.0)
    low, high, why = limits(r, factor, n - k - 3, ci_level)
    df = float(n - k - 2)
    t = math.copysign(math.inf, r) if perfect else r * math.sqrt(df / ((1.0 - r) * (1.0 + r)))
    return Correlated(r, low, high, t, df, 2.0 * float(stdtr(df, -abs(t))), "t", why)


def limits(r: float, factor: float, room: int, ci_level: float) -> tuple[float, float, str]:
    """tanh(atanh r -+ z sqrt(factor / room)), and why there are none."""
    if room <= 0:
        return math.nan, math.nan, "few_rows"
    if abs(r) >= 1.0:
        return math.nan, math.nan, "perfect"
    half = normal_quantile(ci_level) * math.sqrt(factor / room)
    centre = math.atanh(r)
    return math.tanh(centre - half), math.tanh(centre + half), ""
