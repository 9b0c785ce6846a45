"""Intervals of proportions, of their differences and of their ratios.

    Wilson        (p + z2/2n +- z sqrt(p q/n + z2/4n2)) / (1 + z2/n)
    exact         Clopper & Pearson: beta quantiles
    Newcombe      difference from the Wilson limits of both proportions (method 10)
    Miettinen     difference by the score test with restricted maximum likelihood, N/(N-1)
    log           ratio: log p1/p2 with variance 1/x1 - 1/n1 + 1/x2 - 1/n2
    Koopman       ratio by the score test with restricted maximum likelihood; finite on one side
                  where x1 or x2 is 0

Wilson 1927 (doi:10.1080/01621459.1927.10502953), Clopper & Pearson 1934
(doi:10.1093/biomet/26.4.404), Newcombe 1998 (doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I),
Miettinen & Nurminen 1985 (doi:10.1002/sim.4780040211), Katz et al. 1978 (doi:10.2307/2530610),
Koopman 1984 (doi:10.2307/2531405).

Checked against R (`twobytwo` and `roc` reference files: binom.test, prop.test), Newcombe's
published example 56/70 against 48/80, and statsmodels.
"""  # noqa: E501 - the DOI has no place to break

from __future__ import annotations

import math
from typing import NamedTuple

from scipy.special import betaincinv, ndtri

from stats.roots import root_between, root_from


class Interval(NamedTuple):
    """An estimate and its limits; NaN where there is none."""

    estimate: float
    low: float
    high: float


NONE = Interval(math.nan, math.nan, math.nan)


def normal_quantile(ci_level: float) -> float:
    """Standard normal quantile of a two-sided interval."""
    return float(ndtri(0.5 + ci_level / 2.0))


def wilson(x: float, n: float, ci_level: float) -> Interval:
    """Wilson's score interval, without continuity correction."""
    if n <= 0:
        return NONE
    z2 = normal_quantile(ci_level) ** 2
    p = x / n
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # at 0 and n one limit is exact; the formula leaves its rounding
    low = 0.0 if x <= 0 else max(centre - half, 0.0)
    high = 1.0 if x >= n else min(centre + half, 1.0)
    return Interval(p, low, high)


def exact(x: float, n: float, ci_level: float) -> Interval:
    """Clopper & Pearson's interval."""
    if n <= 0:
        return NONE
    tail = (1.0 - ci_level) / 2.0
    low = 0.0 if x <= 0 else float(betaincinv(x, n - x + 1, tail))
    high = 1.0 if x >= n else float(betaincinv(x + 1, n - x, 1.0 - tail))
    return Interval(x / n, low, high)


def proportion(x: float, n: float, ci_level: float, method: str) -> Interval:
    """`method` is "wilson" or "exact"."""
    return exact(x, n, ci_level) if method == "exact" else wilson(x, n, ci_level)


def newcombe_difference(x1: float, n1: float, x2: float, n2: float, ci_level: float) -> Interval:
    """p1 - p2 with Newcombe's hybrid score interval, without continuity correction."""
    if n1 <= 0 or n2 <= 0:
        return NONE
    p1, low1, high1 = wilson(x1, n1, ci_level)
    p2, low2, high2 = wilson(x2, n2, ci_level)
    gap = p1 - p2
    below = math.hypot(p1 - low1, high2 - p2)
    above = math.hypot(high1 - p1, p2 - low2)
    return Interval(gap, max(gap - below, -1.0), min(gap + above, 1.0))


def wald_difference(x1: float, n1: float, x2: float, n2: float, ci_level: float) -> Interval:
    """p1 - p2 with the plain normal interval."""
    if n1 <= 0 or n2 <= 0:
        return NONE
    p1, p2 = x1 / n1, x2 / n2
    error = math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    half = normal_quantile(ci_level) * error
    return Interval(p1 - p2, p1 - p2 - half, p1 - p2 + half)


def score_difference(x1: float, n1: float, x2: float, n2: float, ci_level: float) -> Interval:
    """p1 - p2 with Miettinen & Nurminen's score interval."""
    if n1 <= 0 or n2 <= 0:
        return NONE
    gap = x1 / n1 - x2 / n2
    z = normal_quantile(ci_level)

    def excess(delta: float) -> float:
        return _score_statistic(x1, n1, x2, n2, delta) - z

    def shortfall(delta: float) -> float:
        return _score_statistic(x1, n1, x2, n2, delta) + z

    edge = 1.0 - 1e-13  # at -1 and 1 themselves the variance is 0
    low = -1.0 if gap <= -edge else root_between(excess, -edge, gap)
    high = 1.0 if gap >= edge else root_between(shortfall, gap, edge)
    return Interval(gap, low, high)


def _score_statistic(x1: float, n1: float, x2: float, n2: float, delta: float) -> float:
    """Signed z of p1 - p2 = delta, variance at the restricted estimate times N/(N-1)."""
    p2 = _restricted(x1, n1, x2, n2, delta)
    p1 = min(max(p2 + delta, 0.0), 1.0)
    n = n1 + n2
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * (n / (n - 1) if n > 1 else 1.0)
    gap = x1 / n1 - x2 / n2 - delta
    if variance <= 0.0:
        return math.copysign(math.inf, gap) if gap else 0.0
    return gap / math.sqrt(variance)


def _restricted(x1: float, n1: float, x2: float, n2: float, delta: float) -> float:
    """p2 that maximises the likelihood under p1 = p2 + delta: the root of a cubic."""
    n, x = n1 + n2, x1 + x2
    l2 = (n1 + 2 * n2) * delta - n - x
    l1 = (n2 * delta - n - 2 * x2) * delta + x
    l0 = x2 * delta * (1 - delta)
    q = (l2 / (3 * n)) ** 3 - l1 * l2 / (6 * n * n) + l0 / (2 * n)
    inside = (l2 / (3 * n)) ** 2 - l1 / (3 * n)
    p = math.copysign(math.sqrt(max(inside, 0.0)), q)
    if p == 0.0:
        return min(max(-l2 / (3 * n), 0.0), 1.0)
    angle = (math.pi + math.acos(min(max(q / p**3, -1.0), 1.0))) / 3
    return min(max(2 * p * math.cos(angle) - l2 / (3 * n), 0.0), 1.0)


def ratio(x1: float, n1: float, x2: float, n2: float, ci_level: float) -> Interval:
    """p1 / p2 with the log interval; without limits where x1 or x2 is 0."""
    if n1 <= 0 or n2 <= 0 or (x1 <= 0 and x2 <= 0):
        return NONE
    if x1 <= 0 or x2 <= 0:
        return Interval(0.0 if x1 <= 0 else math.inf, math.nan, math.nan)
    estimate = (x1 / n1) / (x2 / n2)
    error = math.sqrt(max(1 / x1 - 1 / n1 + 1 / x2 - 1 / n2, 0.0))
    return log_interval(estimate, error, ci_level)


def score_ratio(x1: float, n1: float, x2: float, n2: float, ci_level: float) -> Interval:
    """p1 / p2 with Koopman's score interval; NaN where both counts are 0."""
    if n1 <= 0 or n2 <= 0 or (x1 <= 0 and x2 <= 0):
        return NONE
    z = normal_quantile(ci_level)

    def above_low(log_ratio: float) -> float:
        return z - _ratio_statistic(x1, n1, x2, n2, math.exp(log_ratio))

    def above_high(log_ratio: float) -> float:
        return -z - _ratio_statistic(x1, n1, x2, n2, math.exp(log_ratio))

    start = math.log((x1 + 0.5) / (n1 + 1.0)) - math.log((x2 + 0.5) / (n2 + 1.0))
    estimate = (x1 / n1) / (x2 / n2) if x2 > 0 else math.inf
    low = 0.0 if x1 <= 0 else math.exp(root_from(above_low, start))
    high = math.inf if x2 <= 0 else math.exp(root_from(above_high, start))
    return Interval(estimate, low, high)


def _ratio_statistic(x1: float, n1: float, x2: float, n2: float, theta: float) -> float:
    """Signed z of p1 = theta p2; p2 at its restricted estimate, the root of a quadratic."""
    a = (n1 + n2) * theta
    b = n1 * theta + x1 + n2 + x2 * theta
    c = x1 + x2
    p2 = 2.0 * c / (b + math.sqrt(max(b * b - 4.0 * a * c, 0.0)))
    p1 = min(theta * p2, 1.0)
    variance = p1 * (1.0 - p1) / n1 + theta * theta * p2 * (1.0 - p2) / n2
    gap = x1 / n1 - theta * x2 / n2
    if variance <= 0.0:
        return math.copysign(math.inf, gap) if gap else 0.0
    return gap / math.sqrt(variance)


def log_interval(estimate: float, error: float, ci_level: float) -> Interval:
    """exp(log estimate -+ z error), `error` on the log scale."""
    reach = math.exp(min(normal_quantile(ci_level) * error, 700.0))
    return Interval(estimate, estimate / reach, estimate * reach)


def odds_ratio(a: float, b: float, c: float, d: float, ci_level: float) -> Interval:
    """Cross product ad / bc with Woolf's log interval; without limits where a cell is 0."""
    if a * d == 0 and b * c == 0:
        return NONE
    if min(a, b, c, d) <= 0:
        return Interval(0.0 if a * d == 0 else math.inf, math.nan, math.nan)
    error = math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    return log_interval((a / b) * (d / c), error, ci_level)
