"""Strata of 2 x 2 tables pooled (Mantel & Haenszel 1959), and whether they agree.

With a, b exposed with and without the event, c, d unexposed, n1 = a + b, n0 = c + d, m = a + c,
N the rows of a stratum; sums go over strata:

    odds ratio       sum(ad/N) / sum(bc/N); variance of the log: Robins, Breslow & Greenland 1986
                     (doi:10.2307/2531052)
    risk ratio       sum(a n0/N) / sum(c n1/N); variance: Greenland & Robins 1985
                     (doi:10.2307/2530643)
    risk difference  sum((a n0 - c n1)/N) / sum(n1 n0/N); variance: Sato 1989 (doi:10.2307/2531784)
    CMH              (|sum(a - n1 m/N)| - k)^2 / sum(n1 n0 m (N - m) / (N^2 (N - 1))), k = 0, or
                     with continuity correction 1/2 (0 where the distance is smaller, as in R)
    Breslow-Day      sum (a - A)^2 / V at the pooled odds ratio, A the expected count and V its
                     asymptotic variance; Tarone 1985 (doi:10.1093/biomet/72.1.91) subtracts
                     (sum (a - A))^2 / sum V
    Woolf            sum w (log OR - mean)^2, w the inverse variance of a log odds ratio; strata
                     with an empty cell get 0.5 in each

Strata without exposed, without unexposed, without events or without others carry no information
on the odds ratio and are not counted in the degrees of freedom.

Checked against R's mantelhaen.test (`mantel_haenszel` reference files) and statsmodels'
StratifiedTable; the risk difference against McNemar's variance for matched pairs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from stats.design import Bools, Floats
from stats.proportions import NONE, Interval, log_interval, normal_quantile
from stats.two_levels import TwoByTwo


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """Cells of each stratum as float arrays."""

    a: Floats
    b: Floats
    c: Floats
    d: Floats

    @classmethod
    def of(cls, tables: Sequence[TwoByTwo]) -> Strata:
        """From tables; those without rows are left out."""
        cells = np.array([[t.a, t.b, t.c, t.d] for t in tables if t.n], dtype=np.float64)
        a, b, c, d = cells.reshape(-1, 4).T
        return cls(a, b, c, d)

    @property
    def exposed(self) -> Floats:
        """Rows exposed."""
        return self.a + self.b

    @property
    def unexposed(self) -> Floats:
        """Rows not exposed."""
        return self.c + self.d

    @property
    def events(self) -> Floats:
        """Rows with the event."""
        return self.a + self.c

    @property
    def n(self) -> Floats:
        """Rows."""
        return self.a + self.b + self.c + self.d

    @property
    def informative(self) -> Bools:
        """True where no margin is empty."""
        full = (self.exposed > 0) & (self.unexposed > 0)
        return full & (self.events > 0) & (self.events < self.n)


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """NaN where the data allow no test."""

    statistic: float
    df: float
    p_value: float


_NO_TEST = ChiSquare(math.nan, math.nan, math.nan)


def _tested(statistic: float, df: int) -> ChiSquare:
    return ChiSquare(statistic, float(df), float(chdtrc(float(df), statistic)))


def pooled_odds_ratio(s: Strata, ci_level: float) -> Interval:
    """Mantel-Haenszel odds ratio; without limits where it is 0 or infinite."""
    r, q = s.a * s.d / s.n, s.b * s.c / s.n
    top, bottom = float(r.sum()), float(q.sum())
    if top == 0.0 or bottom == 0.0:
        empty = top == bottom
        return NONE if empty else Interval(0.0 if top == 0.0 else math.inf, math.nan, math.nan)
    same, cross = (s.a + s.d) / s.n, (s.b + s.c) / s.n
    variance = (
        float(same @ r) / (2 * top * top)
        + float(same @ q + cross @ r) / (2 * top * bottom)
        + float(cross @ q) / (2 * bottom * bottom)
    )
    return log_interval(top / bottom, math.sqrt(variance), ci_level)


def pooled_risk_ratio(s: Strata, ci_level: float) -> Interval:
    """Mantel-Haenszel risk ratio; without limits where it is 0 or infinite."""
    top = float((s.a * s.unexposed / s.n).sum())
    bottom = float((s.c * s.exposed / s.n).sum())
    if top == 0.0 or bottom == 0.0:
        empty = top == bottom
        return NONE if empty else Interval(0.0 if top == 0.0 else math.inf, math.nan, math.nan)
    terms = (s.events * s.exposed * s.unexposed - s.a * s.c * s.n) / (s.n * s.n)
    variance = max(float(terms.sum()), 0.0) / (top * bottom)
    return log_interval(top / bottom, math.sqrt(variance), ci_level)


def pooled_risk_difference(s: Strata, ci_level: float) -> Interval:
    """Mantel-Haenszel risk difference with Sato's variance."""
    n1, n0, n = s.exposed, s.unexposed, s.n
    weight = float((n1 * n0 / n).sum())
    if weight == 0.0:
        return NONE
    gap = float(((s.a * n0 - s.c * n1) / n).sum()) / weight
    p = (n1 * n1 * s.c - n0 * n0 * s.a + n1 * n0 * (n0 - n1) / 2) / (n * n)
    q = (s.a * s.d + s.c * s.b) / (2 * n)
    variance = max(gap * float(p.sum()) + float(q.sum()), 0.0) / (weight * weight)
    half = normal_quantile(ci_level) * math.sqrt(variance)
    return Interval(gap, max(gap - half, -1.0), min(gap + half, 1.0))


def cochran_mantel_haenszel(s: Strata, *, continuity: bool) -> ChiSquare:
    """Test of no association within strata, df 1."""
    n = s.n
    used = n > 1
    expected = s.exposed * s.events / n
    spread = s.exposed * s.unexposed * s.events * (n - s.events)
    variance = float((spread[used] / (n[used] ** 2 * (n[used] - 1))).sum())
    if variance <= 0.0:
        return _NO_TEST
    distance = abs(float((s.a - expected).sum()))
    correction = 0.5 if continuity and distance >= 0.5 else 0.0
    return _tested((distance - correction) ** 2 / variance, 1)


def breslow_day(s: Strata, odds_ratio: float, *, tarone: bool) -> ChiSquare:
    """Test that the strata have one odds ratio, df = informative strata - 1."""
    used = s.informative
    k = int(np.count_nonzero(used))
    if k < 2 or not 0.0 < odds_ratio < math.inf:
        return _NO_TEST
    n1, n0, m = s.exposed[used], s.unexposed[used], s.events[used]
    fitted = _fitted(n1, n0, m, odds_ratio)
    variance = 1.0 / (1 / fitted + 1 / (m - fitted) + 1 / (n1 - fitted) + 1 / (n0 - m + fitted))
    gap = s.a[used] - fitted
    statistic = float((gap * gap / variance).sum())
    if tarone:
        statistic -= float(gap.sum()) ** 2 / float(variance.sum())
    return _tested(max(statistic, 0.0), k - 1)


def _fitted(n1: Floats, n0: Floats, m: Floats, odds_ratio: float) -> Floats:
    """Expected a at this odds ratio: the root of a quadratic between its bounds."""
    linear = n0 - m + odds_ratio * (n1 + m)
    root = np.sqrt(linear * linear + 4 * (1 - odds_ratio) * odds_ratio * n1 * m)
    # the form without cancellation for the sign of the linear term
    with np.errstate(divide="ignore", invalid="ignore"):
        other = (root - linear) / (2 * (1 - odds_ratio))
    return np.where(linear >= 0, 2 * odds_ratio * n1 * m / (linear + root), other)


def woolf(s: Strata, ci_level: float) -> tuple[Interval, ChiSquare]:
    """Inverse-variance odds ratio, and Woolf's test that the strata have one odds ratio."""
    used = s.informative
    k = int(np.count_nonzero(used))
    if k == 0:
        return NONE, _NO_TEST
    cells = np.array([s.a[used], s.b[used], s.c[used], s.d[used]])
    cells = np.where(cells.min(axis=0) == 0, cells + 0.5, cells)
    log_odds = np.log(cells[0]) + np.log(cells[3]) - np.log(cells[1]) - np.log(cells[2])
    weight = 1.0 / (1.0 / cells).sum(axis=0)
    mean = float(weight @ log_odds / weight.sum())
    pooled = log_interval(math.exp(mean), 1.0 / math.sqrt(float(weight.sum())), ci_level)
    if k < 2:
        return pooled, _NO_TEST
    return pooled, _tested(float(weight @ (log_odds - mean) ** 2), k - 1)
