"""Tests of means and of spreads between independent groups, from the moments of each group.

Means: Student's and Welch's t (Welch 1947, doi:10.2307/2332510), analysis of variance, Welch's
analysis of variance (Welch 1951, doi:10.2307/2332579). Spreads: Levene's test about the median
(Brown & Forsythe 1974, doi:10.1080/01621459.1974.10482955) or the mean, Bartlett's test, the F
ratio of two variances, and Fligner & Killeen's rank test (1976, normal scores of the ranks of
distances from the median, as Conover, Johnson & Johnson 1981 have it).

Checked against R's t.test, aov, oneway.test, car::leveneTest, bartlett.test, fligner.test and
var.test (`table1`, `posthoc` and `normality_variance` reference files).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chdtrc, fdtr, fdtrc, ndtri, stdtr, stdtrit

from stats.design import Floats
from stats.grouped import summarise_values
from stats.ranks import GroupSummary
from stats.tested import Tested

STUDENT: Final = "Student t"
WELCH: Final = "Welch t"
ANOVA: Final = "ANOVA"
WELCH_ANOVA: Final = "Welch ANOVA"
BROWN_FORSYTHE: Final = "Levene (median)"
LEVENE: Final = "Levene (mean)"
BARTLETT: Final = "Bartlett"
FLIGNER: Final = "Fligner-Killeen"
VARIANCE_RATIO: Final = "F ratio of variances"

_NAN: Final = math.nan
_ROUNDING: Final = 10 * np.finfo(np.float64).eps  # of the means: less is no variation


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """First mean minus second, with its standard error and degrees of freedom."""

    estimate: float
    std_error: float
    df: float

    def limits(self, ci_level: float) -> tuple[float, float]:
        """Confidence limits of Student's t."""
        half = float(stdtrit(self.df, 0.5 + ci_level / 2)) * self.std_error
        return self.estimate - half, self.estimate + half

    def tested(self, name: str) -> Tested:
        """Test of t against no difference, two-sided; NaN without variation."""
        t = self.estimate / self.std_error if self.std_error > 0 else _NAN
        return Tested(name, t, self.df, 2 * float(stdtr(self.df, -abs(t))))


def mean_difference(
    first: GroupSummary, second: GroupSummary, *, equal_variances: bool
) -> MeanDifference:
    """Student's (equal variances) or Welch's difference.

    With fewer than two rows in a group or without any variation, standard error and degrees of
    freedom are NaN. Student's form needs three rows in all.
    """
    gap = first.mean - second.mean
    ns = (first.n, second.n)
    if min(ns) < 1 or sum(ns) < 3 or (not equal_variances and min(ns) < 2):
        return MeanDifference(gap, _NAN, _NAN)
    squares = [0.0 if g.n < 2 else g.sd * g.sd for g in (first, second)]
    if equal_variances:
        df = float(sum(ns) - 2)
        pooled = sum(v * (n - 1) for v, n in zip(squares, ns, strict=True)) / df
        error = math.sqrt(pooled * (1 / ns[0] + 1 / ns[1]))
    else:
        a, b = squares[0] / ns[0], squares[1] / ns[1]
        error = math.sqrt(a + b)
        share = a / (a + b) if a + b > 0 else _NAN
        df = 1 / (share**2 / (ns[0] - 1) + (1 - share) ** 2 / (ns[1] - 1))
    if not error > _ROUNDING * max(abs(first.mean), abs(second.mean)):
        return MeanDifference(gap, _NAN, _NAN)
    return MeanDifference(gap, error, df)


@dataclass(frozen=True, slots=True)
class VarianceTable:
    """Sums of squares between and within groups, with their degrees of freedom."""

    between: float
    within: float
    df: float
    df_within: float

    @property
    def f(self) -> float:
        """Ratio of the mean squares; NaN where it is not defined."""
        if self.df < 1 or self.df_within < 1 or not self.within > 0:
            return _NAN
        return (self.between / self.df) / (self.within / self.df_within)

    def tested(self, name: str) -> Tested:
        """F against equal means."""
        f = self.f
        return Tested(
            name, f, self.df, float(fdtrc(self.df, self.df_within, f)) if f >= 0 else _NAN,
            self.df_within,
        )  # fmt: skip


def variance_table(groups: Sequence[GroupSummary]) -> VarianceTable:
    """One-way analysis of variance of the groups that have rows."""
    used = [g for g in groups if g.n]
    n = sum(g.n for g in used)
    if not used:
        return VarianceTable(_NAN, _NAN, -1.0, 0.0)
    base = used[0].mean
    grand = base + sum(g.n * (g.mean - base) for g in used) / n
    between = sum(g.n * (g.mean - grand) ** 2 for g in used)
    within = sum((g.n - 1) * g.sd**2 for g in used if g.n > 1)
    if not math.sqrt(within / max(n, 1)) > _ROUNDING * max(abs(g.mean) for g in used):
        within = 0.0
    return VarianceTable(between, within, float(len(used) - 1), float(n - len(used)))


def anova(groups: Sequence[GroupSummary]) -> Tested:
    """Analysis of variance with equal variances."""
    return variance_table(groups).tested(ANOVA)


def welch_anova(groups: Sequence[GroupSummary]) -> Tested:
    """Welch's analysis of variance. NaN when a group with rows has no variation or one row."""
    used = [g for g in groups if g.n]
    k = len(used)
    if k < 2 or any(g.n < 2 or not g.sd > _ROUNDING * abs(g.mean) for g in used):
        return Tested(WELCH_ANOVA)
    n = np.array([g.n for g in used], dtype=np.float64)
    weight = n / np.array([g.sd for g in used]) ** 2
    means = np.array([g.mean for g in used]) - used[0].mean
    total = weight.sum()
    centre = (weight @ means) / total
    spread = float((((1 - weight / total) ** 2) / (n - 1)).sum())
    between = float((weight * (means - centre) ** 2).sum()) / (k - 1)
    f = between / (1 + 2 * (k - 2) / (k * k - 1) * spread)
    df2 = (k * k - 1) / (3 * spread)
    return Tested(WELCH_ANOVA, f, float(k - 1), float(fdtrc(k - 1, df2, f)), df2)


def levene(parts: Sequence[Floats], *, centre: str = "median") -> Tested:
    """Analysis of variance of the distances from each group's median (or mean).

    `parts` are the ascending values of each group.
    """
    distances = [summarise_values(np.sort(np.abs(p - _centre(p, centre)))) for p in parts if len(p)]
    tested = variance_table(distances)
    return tested.tested(BROWN_FORSYTHE if centre == "median" else LEVENE)


def _centre(part: Floats, centre: str) -> float:
    found = summarise_values(part)
    return found.median if centre == "median" else found.mean


def bartlett(groups: Sequence[GroupSummary]) -> Tested:
    """Bartlett's test of equal variances. NaN when a variance is zero or a group has one row."""
    used = [g for g in groups if g.n]
    k = len(used)
    if k < 2 or any(g.n < 2 or not g.sd > _ROUNDING * abs(g.mean) for g in used):
        return Tested(BARTLETT)
    df = np.array([g.n - 1 for g in used], dtype=np.float64)
    logs = 2 * np.log([g.sd for g in used])
    largest = logs.max()
    pooled = largest + math.log(float(df @ np.exp(logs - largest)) / df.sum())
    correction = 1 + (float((1 / df).sum()) - 1 / df.sum()) / (3 * (k - 1))
    statistic = max(float(df.sum() * pooled - df @ logs), 0.0) / correction
    return Tested(BARTLETT, statistic, float(k - 1), float(chdtrc(k - 1, statistic)))


def variance_ratio(first: GroupSummary, second: GroupSummary) -> Tested:
    """F of the first variance over the second, two-sided."""
    if min(first.n, second.n) < 2 or not (first.sd > 0 and second.sd > 0):
        return Tested(VARIANCE_RATIO)
    df, df2 = float(first.n - 1), float(second.n - 1)
    f = (first.sd / second.sd) ** 2
    p = min(1.0, 2 * min(float(fdtr(df, df2, f)), float(fdtrc(df, df2, f))))
    return Tested(VARIANCE_RATIO, f, df, p, df2)


def fligner_killeen(parts: Sequence[Floats]) -> Tested:
    """Rank test of equal spreads, robust to departures from normality."""
    used = [p for p in parts if len(p)]
    if len(used) < 2:
        return Tested(FLIGNER)
    distance = np.concatenate([np.abs(p - summarise_values(p).median) for p in used])
    n = len(distance)
    _, place, counts = np.unique(distance, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    scores = ndtri(0.5 + ranks / (2 * (n + 1)))
    mean = scores.mean()
    variance = float(np.square(scores - mean).sum()) / (n - 1)
    if not variance > 0:
        return Tested(FLIGNER)
    ends = np.cumsum([len(p) for p in used])[:-1]
    statistic = sum(len(s) * (s.mean() - mean) ** 2 for s in np.split(scores, ends)) / variance
    df = float(len(used) - 1)
    return Tested(FLIGNER, float(statistic), df, float(chdtrc(df, statistic)))
