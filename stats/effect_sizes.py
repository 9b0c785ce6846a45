"""Sizes of differences between groups, with intervals.

Standardised differences: Cohen's d = difference / pooled SD and Hedges' g = J d, with the exact
J = Gamma(m / 2) / (sqrt(m / 2) Gamma((m - 1) / 2)), m degrees of freedom (Hedges 1981,
doi:10.3102/10769986006002107). Limits invert the noncentral t, for eta-squared and its kin the
noncentral F and for Cramer's V the noncentral chi-square distribution (Steiger 2004,
doi:10.1037/1082-989X.9.2.164). The probability of superiority P(X > Y) + P(X = Y) / 2 has
Newcombe's interval, method 5 (2006, doi:10.1002/sim.2324), which holds at 0 and 1 too; the
rank-biserial correlation is 2 P - 1. Risk differences: Newcombe's hybrid score interval
(`stats.proportions`); for pairs Bonett & Price's (2012, doi:10.3102/1076998611411915).

Checked against R (`table1`, `paired`, `twobytwo` reference files), Newcombe's published example
56/70 v 48/80, and scipy's noncentral distributions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from scipy.special import chndtr, gammaln, ncfdtr, nctdtr, ndtri

from stats.mean_tests import VarianceTable
from stats.proportions import newcombe_difference
from stats.ranks import GroupSummary
from stats.roots import root_between

_NAN: Final = math.nan


class Effect(NamedTuple):
    """An effect size. Not computable is NaN."""

    measure: str
    estimate: float = _NAN
    low: float = _NAN
    high: float = _NAN


def pooled_sd(first: GroupSummary, second: GroupSummary) -> float:
    """Square root of the pooled variance; NaN below three rows or without variation."""
    df = first.n + second.n - 2
    if df < 1 or min(first.n, second.n) < 1:
        return _NAN
    squares = [(g.n - 1) * g.sd * g.sd if g.n > 1 else 0.0 for g in (first, second)]
    pooled = math.sqrt(sum(squares) / df)
    return pooled if pooled > 0 else _NAN


def hedges_correction(df: float) -> float:
    """Exact factor that takes the small-sample bias out of a standardised difference."""
    if df < 2:
        return _NAN
    return math.exp(float(gammaln(df / 2) - gammaln((df - 1) / 2))) / math.sqrt(df / 2)


def cohens_d(first: GroupSummary, second: GroupSummary, ci_level: float) -> Effect:
    """Difference of means in pooled SDs."""
    sd = pooled_sd(first, second)
    if not sd > 0:
        return Effect("Cohen's d")
    d = (first.mean - second.mean) / sd
    root = math.sqrt(first.n * second.n / (first.n + second.n))
    low, high = noncentral_t_limits(d * root, float(first.n + second.n - 2), ci_level)
    return Effect("Cohen's d", d, low / root, high / root)


def cohens_dz(mean: float, sd: float, n: int, ci_level: float) -> Effect:
    """Mean of paired differences in SDs of the differences."""
    if n < 2 or not sd > 0:
        return Effect("Cohen's d of the differences")
    d, root = mean / sd, math.sqrt(n)
    low, high = noncentral_t_limits(d * root, float(n - 1), ci_level)
    return Effect("Cohen's d of the differences", d, low / root, high / root)


def corrected(effect: Effect, df: float, measure: str) -> Effect:
    """A standardised difference and its limits times Hedges' correction."""
    j = hedges_correction(df)
    return Effect(measure, j * effect.estimate, j * effect.low, j * effect.high)


def noncentral_t_limits(t: float, df: float, ci_level: float) -> tuple[float, float]:
    """Noncentralities at which `t` lies at the edges of its distribution."""
    if t < 0:
        low, high = noncentral_t_limits(-t, df, ci_level)
        return -high, -low
    if math.isnan(t):
        return _NAN, _NAN
    tail = (1 - ci_level) / 2
    reach = 10 + 2 * t

    def below(nc: float) -> float:
        p = float(nctdtr(df, nc, t))
        # far from t the library gives up, where the probability is 1 or 0 to the last digit
        return (1.0 if nc < t else 0.0) if math.isnan(p) else p

    found = [_falling(below, share, t - reach, t + reach) for share in (1 - tail, tail)]
    return found[0], found[1]


def noncentral_f_limits(f: float, df: float, df2: float, ci_level: float) -> tuple[float, float]:
    """Noncentralities of an observed F; the lower one is 0 where F is small."""
    tail = (1 - ci_level) / 2
    return _from_zero(lambda nc: float(ncfdtr(df, df2, nc, f)), tail, df * f)


def noncentral_chi_square_limits(
    statistic: float, df: float, ci_level: float
) -> tuple[float, float]:
    """Noncentralities of an observed chi-square."""
    tail = (1 - ci_level) / 2
    return _from_zero(lambda nc: float(chndtr(statistic, df, nc)), tail, statistic)


def _from_zero(below: Callable[[float], float], tail: float, start: float) -> tuple[float, float]:
    """Limits of a noncentrality that cannot be negative; `below` falls with it."""
    if not math.isfinite(start):
        return _NAN, _NAN
    found: list[float] = []
    for share in (1 - tail, tail):
        if below(0.0) <= share:
            found.append(0.0)
            continue
        high = max(2 * start, 1.0)
        while below(high) > share and high < 1e12:
            high *= 2
        found.append(_falling(below, share, 0.0, high))
    return found[0], found[1]


def _falling(function: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Where a falling function meets `target`, looked for beyond the ends too; else NaN."""
    for _ in range(60):
        if function(low) >= target:
            break
        low -= 2 * (high - low)
    for _ in range(60):
        if function(high) <= target:
            break
        high += 2 * (high - low)
    if not function(low) >= target >= function(high):
        return _NAN
    return root_between(lambda x: target - function(x), low, high)


def eta_squared(table: VarianceTable, ci_level: float) -> Effect:
    """Share of the variance between groups."""
    f = table.f
    if math.isnan(f):
        return Effect("eta squared")
    n = table.df + table.df_within + 1
    low, high = noncentral_f_limits(f, table.df, table.df_within, ci_level)
    share = table.between / (table.between + table.within)
    return Effect("eta squared", share, low / (low + n), high / (high + n))


def omega_squared(table: VarianceTable, ci_level: float) -> Effect:
    """The same with less bias: (B - df W / df_w) / (B + W + W / df_w); below 0 it is 0.

    Its limits are those of the population share that eta squared estimates too.
    """
    eta = eta_squared(table, ci_level)
    if math.isnan(eta.estimate):
        return Effect("omega squared")
    mean_square = table.within / table.df_within
    top = table.between - table.df * mean_square
    omega = max(0.0, top / (table.between + table.within + mean_square))
    return Effect("omega squared", omega, eta.low, eta.high)


def superiority(u: float, n1: int, n2: int, ci_level: float) -> Effect:
    """P(first > second) + half P(equal)."""
    name = "probability of superiority"
    if min(n1, n2) < 1 or math.isnan(u):
        return Effect(name)
    theta = u / (n1 * n2)
    z = float(ndtri(0.5 + ci_level / 2))
    m = (n1 + n2) / 2 - 1

    def half(t: float) -> float:
        spread = t * (1 - t) * (1 + m * (1 - t) / (2 - t) + m * t / (1 + t)) / (n1 * n2)
        return z * math.sqrt(max(spread, 0.0))

    def distance(t: float) -> float:
        return theta - t - half(t)

    def mirrored(t: float) -> float:
        return theta - t + half(t)

    # at 0 and 1 themselves the spread is 0, which is a root that is not meant
    low = 0.0 if theta == 0 else _falling(distance, 0.0, 0.0, min(theta, 1 - 1e-12))
    high = 1.0 if theta == 1 else _falling(mirrored, 0.0, max(theta, 1e-12), 1.0)
    return Effect(name, theta, low, high)


def rank_biserial(chance: Effect) -> Effect:
    """2 P - 1 of a probability of superiority."""
    return Effect("rank-biserial correlation", *(2 * v - 1 for v in chance[1:]))


def epsilon_squared(h: float, n: int) -> Effect:
    """Of Kruskal & Wallis' H: H / (n - 1), the share of the variance of the ranks."""
    return Effect("epsilon squared", h / (n - 1) if n > 1 else _NAN)


def cramers_v(statistic: float, df: float, n: int, smaller: int, ci_level: float) -> Effect:
    """sqrt(chi-square / (n (smaller - 1))), `smaller` of rows and columns with rows."""
    if math.isnan(statistic) or smaller < 2:
        return Effect("Cramér's V")
    scale = n * (smaller - 1)
    low, high = noncentral_chi_square_limits(statistic, df, ci_level)
    limits = [min(math.sqrt(v / scale), 1.0) for v in (low, high)]
    return Effect("Cramér's V", min(math.sqrt(statistic / scale), 1.0), limits[0], limits[1])


def risk_difference(
    events: tuple[float, float], totals: tuple[float, float], ci_level: float
) -> Effect:
    """First risk minus second."""
    found = newcombe_difference(events[0], totals[0], events[1], totals[1], ci_level)
    return Effect("risk difference", *found)


def paired_risk_difference(
    only_first: float, only_second: float, n: int, ci_level: float
) -> Effect:
    """Risk at the first occasion minus at the second, from the discordant pairs."""
    if n < 1:
        return Effect("risk difference")
    z = float(ndtri(0.5 + ci_level / 2))
    a, b = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half = z * math.sqrt((a + b - (a - b) ** 2) / (n + 2))
    low, high = max(a - b - half, -1.0), min(a - b + half, 1.0)
    return Effect("risk difference", (only_first - only_second) / n, low, high)
