"""Crude models of continuous predictors: which fit each column gets, and its numbers.

Ordinary columns go through the batched fit a tile at a time. A column whose groups do not
overlap has no maximum: it gets Firth's penalty (auto, firth), or the supremum of its
likelihood, which is that of the rows at the one value both groups share (likelihood).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import chdtrc, ndtr, xlog1py, xlogy

from stats.crude_notes import rises
from stats.design import Bools, Floats, Ints, Term
from stats.one_slope import TILE, SlopeLikelihood, Tile, make_tile
from stats.ranks import OutcomeRanks
from stats.slope_fit import maximise, profile_limits
from stats.slope_search import FEW_ROWS, ColumnSearch, Summit
from stats.stopping import check_stopped

_NAN = math.nan
_SMALLEST_SD = 1e-150  # below it squares underflow: the column counts as constant


@dataclass(slots=True, eq=False)
class SlopeFit:
    """One fit on the scale of the user's units (`Term.scale` for the coefficient).

    `gain` is the unpenalised log-likelihood less that of the intercept alone; `lr_statistic`
    is penalised for Firth; `brier` the mean squared residual; `settled` is False when a search
    did not come to rest.
    """

    firth: bool
    profile: bool
    separated: bool
    coef: float
    std_error: float
    ci_low: float
    ci_high: float
    statistic: float
    p_value: float
    gain: float
    penalised_loglik: float
    lr_statistic: float
    brier: float
    intercept: float
    intercept_std_error: float
    settled: bool


@dataclass(frozen=True, slots=True)
class SlopeChoices:
    """What was asked for; `quantile` is the normal one of the interval. Without `limits` those of
    profiles are NaN."""

    method: Literal["auto", "likelihood", "firth"]
    profile: bool
    quantile: float
    limits: bool = True

    @property
    def searches(self) -> bool:
        """Whether limits have to be searched for."""
        return self.profile and self.limits


def estimable(ranks: OutcomeRanks) -> bool:
    """True when a slope can be estimated: both outcomes, and two distinct values."""
    return (
        ranks.event.n > 0
        and ranks.other.n > 0
        and not ranks.constant
        and ranks.overall.sd > _SMALLEST_SD
    )


def separated(ranks: OutcomeRanks) -> bool:
    """True when the ranges of the groups touch in one value or not at all."""
    return rises(ranks) or ranks.event.high <= ranks.other.low


def fit_slopes(
    terms: Sequence[Term],
    ranks: Sequence[OutcomeRanks],
    y: Bools,
    known: Bools,
    choices: SlopeChoices,
) -> list[SlopeFit | None]:
    """Fit every continuous term; None where nothing can be estimated."""
    fits: list[SlopeFit | None] = [None] * len(terms)
    rows = np.flatnonzero(known & ~y), np.flatnonzero(known & y)
    usable = [i for i, r in enumerate(ranks) if estimable(r)]
    apart = {i for i in usable if separated(ranks[i])}
    ordinary = [i for i in usable if i not in apart or choices.method == "firth"]
    plain = SlopeLikelihood(penalised=choices.method == "firth")
    memory = np.empty(max(TILE, len(rows[0]) + len(rows[1])) if usable else 0)
    for group in _groups(ordinary, len(rows[0]) + len(rows[1])):
        check_stopped()
        tile = _tile(terms, ranks, rows, group, memory)
        null = tile.null_loglik.tolist()
        for j, fit in enumerate(_fit_tile(plain, tile, choices)):
            i = group[j]
            fits[i] = _reported(fit, null[j], terms[i], ranks[i], choices.quantile)
    left = [i for i in usable if fits[i] is None and i not in ordinary]
    penalised = SlopeLikelihood(penalised=True) if left else plain
    for i in left:
        check_stopped()
        tile = _tile(terms, ranks, rows, [i], memory)
        if choices.method == "auto":
            always = replace(choices, method="firth", profile=True)
            fit = _fit_tile(penalised, tile, always)[0]
        else:
            fit = _supremum(plain, tile, ranks[i], _shared(terms[i], ranks[i], rows), choices)
        null = float(tile.null_loglik[0])
        fits[i] = _reported(fit, null, terms[i], ranks[i], choices.quantile)
    for i in apart:
        if (fit := fits[i]) is not None:
            fit.separated = True
    return fits


def _groups(columns: Sequence[int], n_rows: int) -> Iterator[list[int]]:
    size = max(1, TILE // max(1, n_rows))
    for start in range(0, len(columns), size):
        yield list(columns[start : start + size])


def _tile(
    terms: Sequence[Term], ranks: Sequence[OutcomeRanks], rows: tuple[Ints, Ints], at: list[int],
    memory: Floats,
) -> Tile:  # fmt: skip
    return make_tile(
        [np.asarray(terms[i].values, dtype=np.float64) for i in at], *rows,
        np.array([ranks[i].overall.mean for i in at]),
        np.array([ranks[i].overall.sd for i in at]),
        memory,
    )  # fmt: skip


@dataclass(slots=True, eq=False)
class _Standard:
    """One fit on the scale of z.

    `s` are the moments S_0, S_1, S_2 of the information. `objective` is the gain over the null
    model with the penalty, if any, `gain` the same without.
    """

    firth: bool
    profile: bool
    b0: float
    b1: float
    s: tuple[float, float, float]
    low: float
    high: float
    gain: float
    objective: float
    lr_statistic: float
    squares: float
    settled: bool


def _fit_tile(likelihood: SlopeLikelihood, tile: Tile, choices: SlopeChoices) -> list[_Standard]:
    peak = maximise(likelihood, tile)
    limits = None
    few = likelihood.penalised and tile.z.shape[1] <= FEW_ROWS
    if choices.searches and peak.settled.any() and not few:
        limits = profile_limits(likelihood, tile, peak, choices.quantile)
    null = _penalised_null(tile).tolist() if likelihood.penalised else [0.0] * len(tile.z)
    moments = peak.at.moments
    squares = moments.squared_residuals + tile.events
    # a line for each column: b0, b1, the objective, the squared residuals, S_0, S_1, S_2
    lines = np.array([peak.b0, peak.b1, peak.at.gain, squares, *moments.s]).T.tolist()
    settled = peak.settled.tolist()
    rooted = [False] * len(null) if limits is None else (peak.settled & limits.settled).tolist()
    found: list[_Standard] = []
    for j, own in enumerate(lines):
        top, low, high = None, _NAN, _NAN
        if not settled[j]:
            top = ColumnSearch(likelihood, tile.one(j)).maximise()
        elif choices.searches and not rooted[j]:
            top = Summit(own[0], own[1], peak.at.column(j), settled=True)
        if limits is not None and rooted[j]:
            low, high = limits.low.item(j), limits.high.item(j)
        elif choices.searches and top is not None and top.settled:
            search = ColumnSearch(likelihood, tile.one(j))
            low = search.limit(top, -1.0, choices.quantile)
            high = search.limit(top, 1.0, choices.quantile)
        alone = None if settled[j] or top is None else _line(top, tile.events[j])
        b0, b1, gain, squares, s0, s1, s2 = alone or own
        log_d = 0.5 * math.log(s0 * s2 - s1**2) if likelihood.penalised else 0.0
        found.append(
            _Standard(
                firth=likelihood.penalised, profile=choices.profile, b0=b0, b1=b1,
                s=(s0, s1, s2), low=low, high=high, gain=gain - log_d, objective=gain,
                lr_statistic=max(0.0, 2 * (gain - null[j])), squares=squares,
                settled=top is None or top.settled,
            )
        )  # fmt: skip
    return found


def _line(top: Summit, events: float) -> list[float]:
    """The numbers of a maximum that was searched for alone."""
    moments = top.value.moments
    squares = float(moments.squared_residuals[0] + events)
    return [top.b0, top.b1, top.gain, squares, *(float(s[0]) for s in moments.s)]


def _penalised_null(tile: Tile) -> Floats:
    """Largest penalised objective at slope 0: one row is added to either outcome."""
    n = tile.events + tile.others
    p = (tile.events + 1) / (n + 2)
    log_d = np.log(n * tile.squares - (tile.sum_other + tile.sum_event) ** 2)
    loglik = xlogy(tile.events + 1, p) + xlog1py(tile.others + 1, -p)
    return loglik - tile.null_loglik + 0.5 * log_d


def _shared(term: Term, ranks: OutcomeRanks, rows: tuple[Ints, Ints]) -> tuple[float, float]:
    """Others and events at the value that both groups share (0, 0 when there is none)."""
    edge = ranks.event.low if rises(ranks) else ranks.event.high
    others, events = (float(np.count_nonzero(term.values[r] == edge)) for r in rows)
    return (others, events) if others > 0 else (0.0, 0.0)


def _supremum(
    likelihood: SlopeLikelihood,
    tile: Tile,
    ranks: OutcomeRanks,
    shared: tuple[float, float],
    choices: SlopeChoices,
) -> _Standard:
    """What remains without a maximum: the supremum, one finite limit, the likelihood ratio."""
    others, events = shared
    both = max(others + events, 1.0)
    top = xlogy(events, events / both) + xlogy(others, others / both)
    gain = float(top - tile.null_loglik[0])
    direction = 1.0 if rises(ranks) else -1.0
    limit = ColumnSearch(likelihood, tile).separated_limit(gain, direction, choices.quantile)
    return _Standard(
        firth=False, profile=True, b0=_NAN, b1=_NAN, s=(_NAN, _NAN, _NAN),
        low=limit if direction > 0 else -math.inf, high=math.inf if direction > 0 else limit,
        gain=gain, objective=gain, lr_statistic=2 * gain, squares=others * events / both,
        settled=True,
    )  # fmt: skip


def _reported(
    fit: _Standard, null: float, term: Term, ranks: OutcomeRanks, quantile: float
) -> SlopeFit:
    """Back to the user's units, with tests and limits as the interval says."""
    mean, sd = ranks.overall.mean, ranks.overall.sd
    s0, s1, s2 = fit.s
    unit = term.scale / sd
    residual = s2 - s1**2 / s0
    error = 1 / math.sqrt(residual) if residual > 0 else _NAN
    centre = s1 / s0 + mean / sd
    usable = 1.0 if fit.settled else _NAN
    z = fit.b1 / error
    low, high = fit.low, fit.high
    if not fit.profile:
        low, high = fit.b1 - quantile * error, fit.b1 + quantile * error
    return SlopeFit(
        firth=fit.firth, profile=fit.profile, separated=False, settled=fit.settled,
        coef=fit.b1 * unit * usable, std_error=error * unit * usable,
        ci_low=low * unit * usable, ci_high=high * unit * usable,
        statistic=(fit.lr_statistic if fit.profile else z) * usable,
        p_value=_p_value(fit, z) * usable,
        gain=fit.gain * usable,
        # log |X'WX| in the units of the column
        penalised_loglik=(fit.objective + null + math.log(sd)) * usable if fit.firth else _NAN,
        lr_statistic=fit.lr_statistic * usable,
        brier=fit.squares / (ranks.event.n + ranks.other.n) * usable,
        intercept=(fit.b0 - fit.b1 * mean / sd) * usable,
        intercept_std_error=math.sqrt(1 / s0 + centre**2 * error**2) * usable,
    )  # fmt: skip


def _p_value(fit: _Standard, z: float) -> float:
    if fit.profile:
        return float(chdtrc(1.0, fit.lr_statistic))
    return 2 * float(ndtr(-abs(z)))
