"""The product-limit estimate: survival, its variance and interval, quantiles, restricted mean.

Checked against R's survfit, quantile.survfit and survRM2 (`km_logrank`, `km_allcause` reference
files) and worked examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from stats.design import Floats, Ints
from stats.life_table import LifeTable

Interval = Literal["log-log", "log", "plain"]
MedianRule = Literal["midpoint", "first"]

#: A curve this near to a level lies on it: products of fractions do not end exactly at 1/2.
ON_THE_LEVEL: Final = float(np.sqrt(np.finfo(np.float64).eps))


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCurve:
    """Survival just after each distinct time of a life table.

    `variance` is Greenwood's sum d / (n (n - d)), the variance of log survival; NaN once
    survival is 0.
    """

    table: LifeTable
    survival: Floats
    variance: Floats

    @property
    def std_error(self) -> Floats:
        """Greenwood's standard error of survival; NaN where survival is 0."""
        return self.survival * np.sqrt(self.variance)


class Quantile(NamedTuple):
    """A time and its limits; NaN where the curve or its band does not come down so far."""

    time: float
    low: float
    high: float


class RestrictedMean(NamedTuple):
    """Mean survival time up to a horizon and its standard error; NaN beyond the follow-up."""

    mean: float
    std_error: float


def kaplan_meier(table: LifeTable, events: Ints | None = None) -> SurvivalCurve:
    """Kaplan-Meier (1958, doi:10.1080/01621459.1958.10501452) with Greenwood's variance.

    `events` replaces the events of the table (the censored, for the length of follow-up).
    """
    d = table.all_events if events is None else events
    n = table.at_risk
    survival = np.asarray(np.cumprod((n - d) / n), dtype=np.float64)
    left = n.astype(np.float64) * (n - d)
    share = np.divide(d, left, out=np.zeros(len(left)), where=left > 0)
    variance = np.cumsum(share)
    variance[survival == 0] = np.nan
    return SurvivalCurve(table, survival, variance)


def limits(survival: Floats, variance: Floats, interval: str, z: float) -> tuple[Floats, Floats]:
    """Pointwise limits of survival; `variance` is that of log survival, z the normal quantile.

    "log-log" has no limits at 1 and at 0, "log" and "plain" none at 0. Limits are cut at 0 and 1.
    """
    low, high = np.full(len(survival), np.nan), np.full(len(survival), np.nan)
    inside = survival > 0 if interval != "log-log" else (survival > 0) & (survival < 1)
    s, v = survival[inside], np.sqrt(variance[inside])
    if interval == "plain":
        below, above = s - z * s * v, s + z * s * v
    elif interval == "log":
        with np.errstate(over="ignore"):
            below, above = s * np.exp(-z * v), s * np.exp(z * v)
    else:
        log_s = np.log(s)
        with np.errstate(over="ignore"):
            width = np.exp(z * v / -log_s)
            below, above = np.exp(log_s * width), np.exp(log_s / width)
    low[inside], high[inside] = np.maximum(below, 0.0), np.minimum(above, 1.0)
    return low, high


def value_at(time: Floats, values: Floats, at: Floats, start: float) -> Floats:
    """A right-continuous step function at chosen times; `start` before its first step."""
    return np.concatenate([[start], values])[np.searchsorted(time, at, side="right")]


def quantile(curve: SurvivalCurve, low: Floats, high: Floats, level: float, rule: str) -> Quantile:
    """The time at which survival falls to `level`, its limits where the band does.

    Brookmeyer & Crowley 1982 (doi:10.2307/2530286). Where a curve stays exactly at the level for
    a while, "midpoint" takes the middle of that time (R), "first" its beginning.
    """
    time = curve.table.time
    return Quantile(*(_falls_to(time, y, level, rule) for y in (curve.survival, low, high)))


def _falls_to(time: Floats, values: Floats, level: float, rule: str) -> float:
    reached = np.flatnonzero(values <= level + ON_THE_LEVEL)
    if not len(reached):
        return float("nan")
    begin = int(reached[0])
    if rule == "first" or values[begin] < level - ON_THE_LEVEL:
        return float(time[begin])
    below = np.flatnonzero(values[begin:] < level - ON_THE_LEVEL)
    end = begin + int(below[0]) if len(below) else len(time) - 1
    return 0.5 * (float(time[begin]) + float(time[end]))


def restricted_mean(curve: SurvivalCurve, tau: float) -> RestrictedMean:
    """The area under the curve up to `tau` (Royston & Parmar 2013, doi:10.1186/1471-2288-13-152).

    Its variance is the sum over event times of (area from there to tau)^2 d / (n (n - d)). NaN
    when follow-up ends before tau with survivors left.
    """
    time, survival = curve.table.time, curve.survival
    if not len(time) or (time[-1] < tau and survival[-1] > 0):
        return RestrictedMean(float("nan"), float("nan"))
    steps = np.flatnonzero((curve.table.all_events > 0) & (time < tau))
    edges = np.concatenate([[0.0], time[steps], [tau]])
    heights = np.concatenate([[1.0], survival[steps]])
    areas = heights * np.diff(edges)
    after = np.cumsum(areas[:0:-1])[::-1]
    d, n = curve.table.all_events[steps], curve.table.at_risk[steps].astype(np.float64)
    left = n * (n - d)
    variance = np.divide(d, left, out=np.zeros(len(left)), where=left > 0)
    return RestrictedMean(float(areas.sum()), float(np.sqrt(after**2 @ variance)))
