"""Logistic regression with Firth's penalty 1/2: estimates, profile limits and LR tests.

The estimate exists under separation, too. Limits and tests use the penalised likelihood, and
a restricted model keeps the information of the full design in its penalty, as logistf does
(Heinze & Schemper 2002, doi:10.1002/sim.1047).

A limit of the contrast c'b solves l* = l*max - q/2 with the other scores zero. With C the
inverse information at the current point, U* the score and q the chi-square quantile, the step is

    d = C (U* - k c),  k^2 = (2 (l* - l*max) + q + U*'C U*) / c'C c

(Venzon & Moolgavkar 1988, doi:10.2307/2347496).

Checked against the `firth` reference files of R and the published 2 x 2 case 0/22 v 90/378.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chdtri

from stats.design import Design, Floats
from stats.errors import NotEstimable
from stats.penalty import Mixer, PenalisedLikelihood, climb

#: Stands for the intercept (where every predictor is 0 in its own units) in lists of columns.
INTERCEPT: Final = -1

_ESTIMATE_DECREMENT = 1e-18  # squared step, in standard errors, at which an estimate is final
_TEST_DECREMENT = 1e-11  # enough for a maximum: its value errs by less than this
_LIMIT_ERROR = 1e-7  # estimated distance of a limit from the root, in standard errors
_LIMIT_ROUNDS = 12  # ordinary limits take 5 to 9; the rest go the safe way
_ROOT = 1e-9  # the same for a limit found along the path
_PATIENCE = 1000  # steps of a restricted maximum; a flat ridge far out may take some hundred
_FARTHEST = 1e4  # standard errors from the estimate at which the search for a limit is given up


@dataclass(frozen=True, slots=True, eq=False)
class FirthFit:
    """A penalised fit on the internal (standardised) scale, intercept first.

    `covariance` is (X'WX)^-1. `loglik` is without the penalty at the penalised estimate;
    `penalised_loglik` is for the columns in their own units (log |X'WX| depends on units).
    `score_norm` is the largest absolute component of U*.
    """

    beta: Floats
    information: Floats
    covariance: Floats
    probability: Floats
    loglik: float
    penalised_loglik: float
    score_norm: float
    steps: int
    converged: bool


def fit_firth(
    design: Design, y: Floats, *, start: Floats | None = None, max_iterations: int = 100
) -> FirthFit:
    """Maximise l*.

    The columns of `design` must be linearly independent (alias them away first); `y` holds 0/1
    per row of the design; `start` coefficients on the internal scale, equal risk for all rows
    when not given.

    NotEstimable when the columns are dependent or the iteration does not settle.
    """
    model = PenalisedLikelihood(design, y)
    level = np.zeros(design.n_parameters)
    level[0] = np.log((y.sum() + 0.5) / (len(y) - y.sum() + 0.5))
    top = climb(model, [start, level], None, max_iterations, _ESTIMATE_DECREMENT)
    if top is None:
        raise NotEstimable(
            "Firth's penalty cannot be computed: the predictors carry the same information "
            f"({design.n_parameters} parameters on {design.n_rows} rows).",
            rule="independent columns", hint="Leave out a predictor that repeats others.",
        )  # fmt: skip
    if not top.settled:
        raise NotEstimable(
            f"The penalised model did not settle within {max_iterations} steps.",
            rule="convergence",
            hint="Use fewer predictors, or join levels that hold few rows.",
        )
    point = top.point
    return FirthFit(
        beta=point.beta,
        information=point.information,
        covariance=point.covariance,
        probability=point.probability,
        loglik=point.loglik,
        penalised_loglik=point.penalised + float(np.log(design.spread).sum()),
        score_norm=float(np.abs(top.score).max()),
        steps=top.steps,
        converged=True,
    )


def penalised_lr(
    design: Design,
    y: Floats,
    fit: FirthFit,
    groups: Sequence[Sequence[int]],
    *,
    progress: Callable[[float], None] | None = None,
) -> Floats:
    """Penalised likelihood-ratio statistic of each group of columns being zero.

    `groups` hold indices into `design.columns` (or INTERCEPT): one column per coefficient,
    the columns of a term, or all columns for the test of the model. The chi-square df is the
    size of the group. NaN where a restricted maximum is not found. `progress` receives the
    fraction done and may raise.
    """
    model = PenalisedLikelihood(design, y)
    summit = fit.penalised_loglik - float(np.log(design.spread).sum())
    known: dict[tuple[int, ...], float] = {}
    for i, group in enumerate(groups):
        key = tuple(sorted(set(group)))
        if key not in known:
            restriction = np.array([_contrast(design, j) for j in key])
            known[key] = _restricted_lr(model, fit, summit, restriction) if key else 0.0
        if progress is not None:
            progress((i + 1) / len(groups))
    return np.array([known[tuple(sorted(set(group)))] for group in groups])


def profile_firth(
    design: Design,
    y: Floats,
    fit: FirthFit,
    *,
    ci_level: float = 0.95,
    columns: Sequence[int] | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Floats, Floats]:
    """Limits of the penalised profile likelihood, on the internal scale.

    `columns` are indices into `design.columns`, all of them when None; INTERCEPT asks for the
    intercept with every predictor at 0 in its own units. Limits are exact roots (to 1e-7
    standard errors); NaN where none is found. `progress` receives the fraction done and may
    raise.
    """
    model = PenalisedLikelihood(design, y)
    summit = fit.penalised_loglik - float(np.log(design.spread).sum())
    quantile = float(chdtri(1.0, 1.0 - ci_level))
    wanted = range(len(design.columns)) if columns is None else columns
    low, high = np.empty(len(wanted)), np.empty(len(wanted))
    for i, column in enumerate(wanted):
        contrast = _contrast(design, column)
        low[i] = _limit(_Side(model, fit, contrast, -1.0, summit, quantile))
        high[i] = _limit(_Side(model, fit, contrast, 1.0, summit, quantile))
        if progress is not None:
            progress((i + 1) / len(wanted))
    return low, high


def _contrast(design: Design, column: int) -> Floats:
    """The vector c with c'b = the coefficient of that column (internal scale) or the intercept."""
    contrast = np.zeros(design.n_parameters)
    if column == INTERCEPT:
        contrast[0] = 1.0
        contrast[1:] = -design.centre / design.spread
    else:
        contrast[column + 1] = 1.0
    return contrast


def _restricted_lr(
    model: PenalisedLikelihood, fit: FirthFit, summit: float, restriction: Floats
) -> float:
    spread = fit.covariance @ restriction.T
    start = fit.beta - spread @ np.linalg.solve(restriction @ spread, restriction @ fit.beta)
    found = climb(model, [start, np.zeros_like(start)], restriction, _PATIENCE, _TEST_DECREMENT)
    if found is None or not found.settled:
        return np.nan
    return max(0.0, 2.0 * (summit - found.point.penalised))


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """The search for one limit: of contrast'b, below (sign -1) or above (+1) the estimate."""

    model: PenalisedLikelihood
    fit: FirthFit
    contrast: Floats
    sign: float
    summit: float  # l* at the estimate, internal scale
    quantile: float


def _limit(side: _Side) -> float:
    model, contrast = side.model, side.contrast
    reach = side.fit.covariance @ contrast
    estimate = float(contrast @ side.fit.beta)
    wald = side.sign * np.sqrt(side.quantile / float(contrast @ reach)) * reach
    point = model.at(side.fit.beta + wald)
    mixer, before = Mixer(), side.quantile
    for _ in range(_LIMIT_ROUNDS):
        if point is None:
            break
        score = model.score(point)
        reach = point.covariance @ contrast
        step = point.covariance @ score
        above = 2.0 * (point.penalised - side.summit) + side.quantile
        inside = above + float(score @ step)
        if inside <= 0.0:
            break
        step = step + side.sign * np.sqrt(inside / float(contrast @ reach)) * reach
        size = float(step @ point.information @ step)
        distance = side.sign * (float(contrast @ point.beta) - estimate)
        # What remains after this step shrinks as the steps do. A step too short to make up for
        # the distance of l* from its target comes from a numerically singular point.
        remains = size / np.sqrt(max(before, size))
        closes = abs(above) <= 10.0 * np.sqrt(side.quantile * size) + _ROOT
        if remains < _LIMIT_ERROR and closes and distance > 0.0:
            return float(contrast @ (point.beta + step))
        before = size
        step = mixer.mix(point, step, size)
        # The distance from the estimate at most doubles: far out the quadratic model misleads.
        share = max(distance, 1e-3) / max(abs(float(contrast @ step)), 1e-300)
        point = model.at(point.beta + min(1.0, share) * step)
    return _limit_along_path(side)


def _limit_along_path(side: _Side) -> float:
    """The same limit by walking outwards from the estimate.

    Slower, and safe where l* has more than one summit far out (several predictors separate),
    because each restricted maximum starts from the one before. Regula falsi on
    sqrt(2 (l*max - l*)), which is nearly a straight line in the contrast.
    """
    path = _Path(side)
    inner, inner_value = 0.0, -np.sqrt(side.quantile)
    outer = 0.5 * np.sqrt(side.quantile) * path.error
    outer_value = path.excess(outer)
    while outer_value < 0.0 and outer < _FARTHEST * path.error:
        inner, inner_value, outer = outer, outer_value, 1.4 * outer
        outer_value = path.excess(outer)
    if not outer_value >= 0.0:
        return np.nan
    for _ in range(100):
        if outer - inner <= _LIMIT_ERROR * path.error:
            break
        share = float(np.clip(-inner_value / (outer_value - inner_value), 0.03, 0.97))
        middle = inner + share * (outer - inner)
        value = path.excess(middle)
        if np.isnan(value):
            return np.nan
        if abs(value) < _ROOT:
            return path.value(middle)
        if value < 0.0:
            inner, inner_value = middle, value
        else:
            outer, outer_value = middle, value
    return path.value(0.5 * (inner + outer))


class _Path:
    """Restricted maxima on one side of the estimate, each started from the nearest one known."""

    def __init__(self, side: _Side) -> None:
        reach = side.fit.covariance @ side.contrast
        variance = float(side.contrast @ reach)
        self.error = float(np.sqrt(variance))
        self._side = side
        self._estimate = float(side.contrast @ side.fit.beta)
        self._direction = reach / variance
        self._known = {0.0: side.fit.beta}

    def value(self, distance: float) -> float:
        """The contrast at a distance from the estimate."""
        return self._estimate + self._side.sign * distance

    def excess(self, distance: float) -> float:
        """sqrt(2 (l*max - l*)) - sqrt(q) at that distance; NaN when no maximum is found."""
        side = self._side
        nearest = self._known[min(self._known, key=lambda d: abs(d - distance))]
        shift = self.value(distance) - float(side.contrast @ nearest)
        start = nearest + shift * self._direction
        found = climb(side.model, [start], side.contrast[None, :], _PATIENCE, _TEST_DECREMENT)
        if found is None or not found.settled:
            return np.nan
        self._known[distance] = found.point.beta
        drop = max(0.0, 2.0 * (side.summit - found.point.penalised))
        return float(np.sqrt(drop) - np.sqrt(side.quantile))
