"""Crude logistic models of factors, in closed form from their 2 x k tables.

A model with one factor is saturated: each level has its own fitted risk, the observed one.
With a, b rows with and without the event at a level and c, d at the reference,

    coef = log(a d / (b c)),   std_error^2 = 1/a + 1/b + 1/c + 1/d .

The profile likelihood of a level leaves the other levels saturated, so it depends on the
2 x 2 table of level and reference alone. On the way along the profile the margins of this
table stay fixed and its fitted count x of (level, event) moves; the deviance of the observed
from the fitted table is the likelihood ratio, and a limit is an exact root in x.

Firth's penalty 1/2 log |X'WX| of a saturated model is the sum of 1/2 log p(1-p) over the
levels (X'WX has the determinant prod n p(1-p)), at every point of the parameter space: 1/2 is
added to each cell, and the same formulas give the penalised limits and tests, the penalty
being that of the full design (Firth 1993, doi:10.1093/biomet/80.1.27; Heinze & Schemper 2002).
Standard errors are then sqrt diag (X'WX)^-1 at the penalised estimate.

Checked against R's glm and logistf numbers (`logistic`, `firth` reference files) and
the published case 0/22 v 90/378: odds ratio 0.0708.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, expit, ndtr, xlogy

from stats.design import Bools, Floats, Ints, Term
from stats.ranks import Concordance, concordances_of_counts

_FAR = 600.0  # |u| beyond which expit(u) underflows
_SETTLED = 1e-8  # distance in r from a root; one more (quadratic) step makes it exact
_ROUNDS = 80


@dataclass(frozen=True, eq=False)
class LevelTables:
    """The tables of several factors one below the other.

    Factor t owns the levels `starts[t]` to `starts[t + 1]` (at least one); `reference[t]` is
    the position of its reference level in the stack. `missing` counts rows with known outcome
    and no level.
    """

    events: Floats
    others: Floats
    starts: Ints
    reference: Ints
    missing: Ints

    @cached_property
    def term_of(self) -> Ints:
        """The factor that each level belongs to."""
        return np.repeat(np.arange(len(self.reference)), np.diff(self.starts))

    def sums(self, values: NDArray[np.generic]) -> Floats:
        """Sum of a per-level quantity over the levels of each factor."""
        return np.add.reduceat(values, self.starts[:-1], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class FactorFits:
    """One saturated model per factor.

    Per level (NaN on the reference but for its coefficient 0): `coef`, `std_error`, `ci_low`,
    `ci_high`, `statistic`, `df`, `p_value`, `separated` (all rows or none have the event).
    Per factor: the rest. `gain` is the log-likelihood at the estimate, without the penalty, less
    that of the intercept alone; `lr_statistic` is
    penalised for Firth. `estimable` is False without rows, or with one outcome only.
    """

    coef: Floats
    std_error: Floats
    ci_low: Floats
    ci_high: Floats
    statistic: Floats
    df: Floats
    p_value: Floats
    separated: Bools
    estimable: Bools
    firth: Bools
    profile: Bools
    n: Floats
    events: Floats
    parameters: Floats
    gain: Floats
    penalised_loglik: Floats
    lr_statistic: Floats
    brier: Floats
    concordance: list[Concordance]
    intercept: Floats
    intercept_std_error: Floats


def tabulate(terms: Sequence[Term], y: Bools, known: Bools) -> LevelTables:
    """Count the rows with known outcome of each factor (each has at least one level)."""
    kept = None if known.all() else np.flatnonzero(known)
    outcome = (y if kept is None else y[kept]).astype(np.intp)
    outcome += 2  # the code -1 of missing values comes first
    key = np.empty_like(outcome)
    sizes = [len(term.levels) for term in terms]
    counts: list[NDArray[np.intp]] = []
    for term, size in zip(terms, sizes, strict=True):
        key[:] = term.values if kept is None else term.values.take(kept, mode="clip")
        key *= 2
        key += outcome
        counts.append(np.bincount(key, minlength=2 * size + 2))
    starts = np.concatenate(([0], np.cumsum(sizes, dtype=np.intp)))
    cells = np.concatenate([c[2:] for c in counts]) if counts else np.zeros(0, dtype=np.intp)
    return LevelTables(
        events=cells[1::2].astype(np.float64),
        others=cells[0::2].astype(np.float64),
        starts=starts,
        reference=starts[:-1] + np.array([term.reference for term in terms], dtype=np.intp),
        missing=np.array([c[0] + c[1] for c in counts], dtype=np.intp),
    )


def fit_factors(
    tables: LevelTables,
    *,
    method: Literal["auto", "likelihood", "firth"],
    interval: Literal["profile", "wald"],
    quantile: float,
) -> FactorFits:
    """Fit every factor; `quantile` is the normal one of the interval (1.96 for 95 %).

    `auto` is Firth for the factors with a zero cell. Where the maximum does not exist limits
    and tests come from the profile likelihood whatever `interval` says (a Wald interval does
    not exist there), also when `auto` turns to Firth.
    """
    rows = tables.events + tables.others
    used = rows > 0
    empty_cell = used & ((tables.events == 0) | (tables.others == 0))
    n, events = tables.sums(rows), tables.sums(tables.events)
    estimable = (events > 0) & (events < n)
    split = estimable & (tables.sums(empty_cell) > 0)
    firth = np.full(len(n), True) if method == "firth" else split & (method == "auto")
    firth &= estimable
    profile = np.full(len(n), True) if interval == "profile" else split & (method != "firth")
    half = np.where(firth[tables.term_of] & used, 0.5, 0.0)
    work = _Work(tables, rows, tables.events + half, tables.others + half, estimable, firth)
    return FactorFits(
        **_levels(work, profile, quantile),
        separated=empty_cell & estimable[tables.term_of],
        estimable=estimable, firth=firth, profile=profile, n=n, events=events,
        **_models(work),
    )  # fmt: skip


@dataclass(slots=True, eq=False)
class _Work:
    """Cells `a` (event) and `b`, with Firth's halves where the factor has them."""

    tables: LevelTables
    rows: Floats
    a: Floats
    b: Floats
    estimable: Bools
    firth: Bools


def _levels(work: _Work, profile: Bools, quantile: float) -> dict[str, Floats]:
    """Estimates of the levels other than the reference."""
    tables, rows, a, b = work.tables, work.rows, work.a, work.b
    term_of = tables.term_of
    reference = tables.reference[term_of]
    compared = (rows > 0) & (rows[reference] > 0) & work.estimable[term_of]
    compared[tables.reference] = False
    out = {
        name: np.full(len(rows), np.nan)
        for name in ("coef", "std_error", "ci_low", "ci_high", "statistic", "df", "p_value")
    }
    out["coef"][tables.reference] = 0.0
    at = np.flatnonzero(compared)
    base = reference[at]
    cells = (a[at], b[at], a[base], b[base])
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (a[at] + b[at]) ** 2 / (rows[at] * a[at] * b[at])
        variance += (a[base] + b[base]) ** 2 / (rows[base] * a[base] * b[base])
        coef = np.log(cells[0] * cells[3] / (cells[1] * cells[2]))
    exists = np.isfinite(variance)
    coef[~exists] = np.nan
    variance[~exists] = np.nan
    error = np.sqrt(variance)
    z = coef / error
    out["coef"][at], out["std_error"][at] = coef, error
    out["ci_low"][at], out["ci_high"][at] = coef - quantile * error, coef + quantile * error
    out["statistic"][at], out["p_value"][at] = z, 2 * ndtr(-np.abs(z))
    by_profile = np.flatnonzero(profile[term_of[at]])
    if len(by_profile):
        a1, b1, a0, b0 = (cell[by_profile] for cell in cells)
        place = at[by_profile]
        low, high = log_odds_ratio_limits(a1, b1, a0, b0, quantile)
        out["ci_low"][place], out["ci_high"][place] = low, high
        ratio = merged_deviance(a1, b1, a0, b0)
        out["statistic"][place], out["df"][place] = ratio, 1.0
        out["p_value"][place] = chdtrc(1.0, ratio)
    return out


def _models(work: _Work) -> dict[str, Any]:
    """Measures of each whole model."""
    tables, rows, a, b = work.tables, work.rows, work.a, work.b
    estimable, firth = work.estimable, work.firth
    term_of = tables.term_of
    used = rows > 0
    total = np.where(used, a + b, 1.0)
    risk, no_risk = a / total, b / total
    sums = tables.sums
    first, second = sums(a), sums(b)
    everyone = np.where(estimable, first + second, 1.0)
    overall = np.where(estimable, first / everyone, 0.5)[term_of]
    other = np.where(estimable, second / everyone, 0.5)[term_of]
    ratio = 2 * sums(xlogy(a, risk / overall) + xlogy(b, no_risk / other))
    share = (sums(tables.events) / np.maximum(sums(rows), 1))[term_of]
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = sums(
            xlogy(tables.events, risk / share) + xlogy(tables.others, no_risk / (1 - share))
        )
    penalised = sums(xlogy(a, risk) + xlogy(b, no_risk) + 0.5 * np.log(np.where(used, rows, 1.0)))
    at = tables.reference
    with np.errstate(divide="ignore", invalid="ignore"):
        intercept = np.log(a[at] / b[at])
        error = np.sqrt((a[at] + b[at]) ** 2 / (rows[at] * a[at] * b[at]))
    exists = estimable & np.isfinite(error)
    return {
        "parameters": sums(used),
        "gain": np.where(estimable, gain, np.nan),
        "penalised_loglik": np.where(firth, penalised, np.nan),
        "lr_statistic": np.where(estimable, np.maximum(ratio, 0.0), np.nan),
        "brier": np.where(
            estimable,
            sums(tables.events * no_risk**2 + tables.others * risk**2) / np.maximum(sums(rows), 1),
            np.nan,
        ),
        "concordance": _concordances(tables, risk, estimable),
        "intercept": np.where(exists, intercept, np.nan),
        "intercept_std_error": np.where(exists, error, np.nan),
    }


def _concordances(tables: LevelTables, risk: Floats, estimable: Bools) -> list[Concordance]:
    """Concordance of the fitted risks; levels with the same risk are ties."""
    if not len(estimable):
        return []
    term_of = tables.term_of
    order = np.lexsort((risk, term_of))  # the levels of each factor stay together
    ordered = risk[order]
    change = np.concatenate(([True], (ordered[1:] != ordered[:-1]) | (np.diff(term_of) > 0)))
    starts = np.flatnonzero(change)
    own = term_of[starts]
    first = np.searchsorted(own, np.arange(len(estimable)))  # of each factor, among these
    events = np.add.reduceat(tables.events[order], starts)
    others = np.add.reduceat(tables.others[order], starts)
    return concordances_of_counts(events, others, first)


def merged_deviance(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """Likelihood-ratio chi-square (df 1) of equal risks a/(a+b) and c/(c+d)."""
    m1, m0, n1, n0 = a + c, b + d, a + b, c + d
    n = n1 + n0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 2 * (
            xlogy(a, a * n / (n1 * m1)) + xlogy(b, b * n / (n1 * m0))
            + xlogy(c, c * n / (n0 * m1)) + xlogy(d, d * n / (n0 * m0))
        )  # fmt: skip
    return np.where((m1 > 0) & (m0 > 0), np.maximum(ratio, 0.0), 0.0)


def log_odds_ratio_limits(
    a: Floats, b: Floats, c: Floats, d: Floats, quantile: float
) -> tuple[Floats, Floats]:
    """Profile-likelihood limits of log(a d / (b c)), one table per entry.

    Where a cell is zero the limit on that side is infinite and the other one is finite. The
    unknown is u with x = low + (high - low) expit(u), x the fitted count of cell a; the signed
    root r(u) of the deviance is increasing and nearly linear, and r = -+quantile is solved by
    Newton steps inside a shrinking bracket. Both sides of all tables go at once.
    """
    tables = np.stack([a, b, c, d]).astype(np.float64)
    low_end = np.maximum(0.0, a - d)  # smallest and largest x that the margins allow
    width = np.minimum(a + b, a + c) - low_end
    limits: list[Floats] = []
    open_sides = (a > low_end, a < low_end + width)
    at = [np.flatnonzero(side) for side in open_sides]
    both = np.concatenate(at)
    sign = np.repeat([-1.0, 1.0], [len(at[0]), len(at[1])])
    roots = _roots(tables[:, both], low_end[both], width[both], sign * quantile)
    for side, infinite in enumerate((-np.inf, np.inf)):
        limit = np.full(len(low_end), infinite)
        limit[at[side]] = roots[: len(at[0])] if side == 0 else roots[len(at[0]) :]
        limits.append(limit)
    return limits[0], limits[1]


def _roots(tables: Floats, low_end: Floats, width: Floats, target: Floats) -> Floats:
    """Log odds ratio at which the signed root of the deviance is `target`."""
    a, b, c, d = tables
    # each fitted cell as its own smallest value plus the distance of x from one end
    floor = np.stack([low_end, b - (low_end + width - a), c - (low_end + width - a),
                      d - (a - low_end)])  # fmt: skip
    below, above = a - low_end, low_end + width - a
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.clip(np.log(below / above), -_FAR, _FAR)
        spread = np.sqrt((1 / tables).sum(axis=0))
        u = middle + target * width / (spread * below * above)
    # at a boundary: start where half a row has moved
    moved = np.minimum(0.5, width / 2) / width
    u = np.where(below == 0, np.log(moved / (1 - moved)), u)
    u = np.where(above == 0, -np.log(moved / (1 - moved)), u)
    bracket = np.stack([np.where(target > 0, middle, -_FAR), np.where(target > 0, _FAR, middle)])
    u = np.clip(u, -_FAR / 2, _FAR / 2)
    moving = np.ones(len(u), dtype=bool)
    for _ in range(_ROUNDS):
        left, right = width * expit(u), width * expit(-u)
        fitted = floor + np.stack([left, right, right, left])
        root = np.sqrt(np.maximum(2 * xlogy(tables, tables / fitted).sum(axis=0), 0.0))
        root = np.copysign(root, target)
        away = left - below
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = away / root * (1 / fitted).sum(axis=0) * left * right / width
            step = (target - root) / slope
        bracket[0] = np.where(root < target, u, bracket[0])
        bracket[1] = np.where(root < target, bracket[1], u)
        ahead = u + step
        near = np.abs(target - root) < _SETTLED  # may step onto the edge of its bracket
        inside = near | ((ahead > bracket[0]) & (ahead < bracket[1]))
        u = np.where(moving, np.where(inside, ahead, bracket.mean(axis=0)), u)
        moving &= ~near
        if not moving.any():
            break
    left, right = width * expit(u), width * expit(-u)
    logs = np.log(floor + np.stack([left, right, right, left]))
    return logs[0] + logs[3] - logs[1] - logs[2]
