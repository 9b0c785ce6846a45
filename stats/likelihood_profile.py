"""Profile-likelihood limits and likelihood-ratio tests of any smooth concave log-likelihood.

Every limit and every restricted model is a point with its own coefficients; all of them are
moved together, with the covariance at the maximum as their common curvature and Anderson mixing
for what that gets wrong. Points that do not settle so are finished one by one with their own
curvature. Either way the fixed point is the exact root.

With g the score and C the inverse information, the limit of coefficient j is the point with all
other scores zero and l = l_max - q/2 (Venzon & Moolgavkar 1988, doi:10.2307/2347496), reached by

    d = C (g + k e_j),   k^2 = 2 (l - l_target + g'C g / 2) / C_jj,

and the maximum under b_G = 0 by d = C g - C_G (C_GG)^-1 (b_G + (C g)_G).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stats.design import Floats, Ints
from stats.likelihood import Likelihood, Maximum, Relaxation
from stats.logistic import invert
from stats.stopping import check_stopped

_ROUNDS = 40
_ALONE_ROUNDS = 60
_LIMIT_ERROR = 1e-7  # estimated distance of a limit from the root, in standard errors
_TEST_ERROR = 1e-9  # error of a restricted log-likelihood, after its last step is added
_TEST_STEP = 1e-5  # a step this short changes a log-likelihood by less than 1e-10
_FAR = 50.0  # standard errors; a step this long has left the range of the quadratic model
_SETTLED_GAIN = 1e-10  # of a log-likelihood whose maximum is climbed
_BISECTIONS = 80
_REACH = 60.0  # widest search of a limit along the path, in doublings of a standard error


@dataclass(frozen=True, slots=True, eq=False)
class ProfileLimits:
    """Limits of `columns` (in their order) and likelihood-ratio statistics of `groups`.

    NaN where none was found.
    """

    low: Floats
    high: Floats
    lr: Floats

    def spread_over(self, columns: Sequence[int], count: int) -> ProfileLimits:
        """The limits at their places among `count` columns, NaN elsewhere."""
        low, high = np.full(count, np.nan), np.full(count, np.nan)
        low[list(columns)], high[list(columns)] = self.low, self.high
        return ProfileLimits(low, high, self.lr)


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """Points sought: `column` >= 0 with `side` -1 or 1 for limits; else `groups` held at 0."""

    column: Ints
    side: Floats
    groups: Sequence[Ints]
    target: float

    @property
    def n_limits(self) -> int:
        return len(self.column) - len(self.groups)


def profile(
    model: Likelihood,
    found: Maximum,
    *,
    quantile: float,
    columns: Sequence[int] = (),
    groups: Sequence[Sequence[int]] = (),
    batched: bool = True,
) -> ProfileLimits:
    """Limits of each of `columns` and the likelihood-ratio statistic of each of `groups`.

    `quantile` is the chi-square quantile (1 df) of the confidence level; indices count the
    parameters of `model`. `batched` false: each point by its own curvature from the start (a
    likelihood that the curvature at its maximum describes badly).
    """
    covariance = found.covariance
    if covariance is None:
        none = np.full(len(columns), np.nan)
        return ProfileLimits(none, none.copy(), np.full(len(groups), np.nan))
    n = len(columns)
    held = [np.asarray(g, dtype=np.intp) for g in groups]
    search = _Search(
        column=np.concatenate([list(columns), list(columns), [-1] * len(held)]).astype(np.intp),
        side=np.concatenate([-np.ones(n), np.ones(n), np.zeros(len(held))]),
        groups=held,
        target=found.point.loglik - quantile / 2.0,
    )
    beta = _start(found.point.beta, covariance, search, quantile)
    loglik = np.full(beta.shape[1], np.nan)
    settled = np.zeros(len(loglik), dtype=np.bool_)
    if batched:
        _together(model, found, search, beta, loglik, settled)
    for k in np.flatnonzero(~settled).tolist():
        settled[k] = _alone(model, found, search, beta, loglik, k)
    at = np.where(settled, beta[np.maximum(search.column, 0), np.arange(len(settled))], np.nan)
    ratio = np.maximum(2.0 * (found.point.loglik - loglik), 0.0)
    return ProfileLimits(at[:n], at[n : 2 * n], np.where(settled, ratio, np.nan)[2 * n :])


def _start(top: Floats, covariance: Floats, search: _Search, quantile: float) -> Floats:
    beta = np.repeat(top[:, None], len(search.column), axis=1)
    error = np.sqrt(np.diag(covariance))
    for k, j in enumerate(search.column.tolist()):
        if j >= 0:
            beta[:, k] += search.side[k] * np.sqrt(quantile) / error[j] * covariance[:, j]
        else:
            _hold(covariance, beta, search.groups[k - search.n_limits], k)
    return beta


def _hold(covariance: Floats, beta: Floats, group: Ints, k: int) -> None:
    inner = covariance[np.ix_(group, group)]
    beta[:, k] -= covariance[:, group] @ np.linalg.solve(inner, beta[group, k])
    beta[group, k] = 0.0


def _steps(
    covariance: Floats, search: _Search, active: Ints, beta: Floats, loglik: Floats, score: Floats
) -> Floats:
    step = covariance @ score
    column = search.column[active]
    limit = np.flatnonzero(column >= 0)
    if len(limit):
        j = column[limit]
        half = 0.5 * np.einsum("ij,ij->j", score[:, limit], step[:, limit])
        room = np.maximum(2.0 * (loglik[limit] - search.target + half) / covariance[j, j], 0.0)
        step[:, limit] += covariance[:, j] * (search.side[active[limit]] * np.sqrt(room))
    for k in np.flatnonzero(column < 0).tolist():
        group = search.groups[active[k] - search.n_limits]
        inner = covariance[np.ix_(group, group)]
        excess = np.linalg.solve(inner, beta[group, k] + step[group, k])
        step[:, k] -= covariance[:, group] @ excess
    return step


def _together(
    model: Likelihood, found: Maximum, search: _Search,
    beta: Floats, loglik: Floats, settled: np.ndarray,
) -> None:  # fmt: skip
    """Chord steps with Anderson mixing of depth one; points leave as they settle."""
    information, covariance = found.point.information, found.covariance
    if covariance is None:
        return
    total = beta.shape[1]
    active = np.arange(total)
    size, rate = np.full(total, np.inf), np.full(total, 0.5)
    past_step, past_move = np.zeros_like(beta), np.zeros_like(beta)
    for turn in range(_ROUNDS):
        if not len(active):
            break
        check_stopped()
        value, score = model.points(beta[:, active])
        loglik[active] = value
        step = _steps(covariance, search, active, beta[:, active], value, score)
        length = np.sqrt(np.maximum(np.einsum("ij,ij->j", step, information @ step), 0.0))
        if turn:
            # a lucky step does not count for more than a third of the rate seen before
            seen = length / np.maximum(size[active], 1e-300)
            rate[active] = np.clip(np.maximum(seen, rate[active] / 3.0), 1e-3, 0.9)
        test = search.column[active] < 0
        error = length * rate[active] / (1.0 - rate[active])
        error[test] *= length[test]  # the gain of the last step is added below
        size[active] = length
        move = step.copy()
        if turn:
            change = step - past_step[:, active]
            move -= _mixing(information, change, step) * (past_move[:, active] + change)
        past_step[:, active] = step
        near = error <= np.where(test, _TEST_ERROR, _LIMIT_ERROR)
        move[:, near] = step[:, near]
        gain = np.einsum("ij,ij->j", step, score - 0.5 * (information @ step))
        loglik[active[near]] += gain[near]
        beta[:, active] += move
        past_move[:, active] = move
        settled[active[near]] = True
        lost = ~np.isfinite(length) | (length > _FAR)
        active = active[~near & ~lost]


def _mixing(information: Floats, change: Floats, step: Floats) -> Floats:
    metric = information @ change
    below = np.einsum("ij,ij->j", change, metric)
    weight = np.einsum("ij,ij->j", step, metric) / np.where(below > 0, below, 1.0)
    return np.where(below > 0, np.clip(weight, -2.0, 1.0), 0.0)


def _alone(
    model: Likelihood, found: Maximum, search: _Search, beta: Floats, loglik: Floats, k: int
) -> bool:
    """Newton with the point's own curvature; for limits, failing that, a search along the path."""
    one = np.array([k])
    top = found.point.beta
    beta[:, k] = top + 0.5 * (beta[:, k] - top)
    if not np.all(np.isfinite(beta[:, k])):
        beta[:, k] = top
    relaxed = Relaxation(exact=model.exact_curvature)
    for _ in range(_ALONE_ROUNDS):
        check_stopped()
        point = model.at(beta[:, k])
        own = point.inverse()
        if own is None or not np.isfinite(point.loglik):
            break
        value, score = np.array([point.loglik]), point.score[:, None]
        step = _steps(own, search, one, beta[:, one], value, score)[:, 0]
        length = float(np.sqrt(max(step @ point.information @ step, 0.0)))
        loglik[k] = point.loglik + float(step @ (point.score - 0.5 * point.information @ step))
        beta[:, k] += relaxed.move(step * min(1.0, 2.0 / max(length, 1e-300)), point.information)
        if length < (_LIMIT_ERROR if search.column[k] >= 0 else _TEST_STEP):
            return True
    if search.column[k] < 0:
        return False
    column, side = int(search.column[k]), float(search.side[k])
    error = 1.0 if found.covariance is None else float(np.sqrt(found.covariance[column, column]))
    limit = limit_along_path(model, top, column, side, search.target, error)
    beta[column, k] = limit
    return bool(np.isfinite(limit))


def limit_along_path(
    model: Likelihood, start: Floats, column: int, side: float, target: float, error: float
) -> float:
    """Where the profile log-likelihood of one coefficient falls to `target`, walking from
    `start` to one side; NaN when it does not fall so far. Slower than Newton and safe."""
    point = start.copy()
    inner = outer = float(start[column])
    width, above, below = error, 0.0, -1.0
    for _ in range(int(_REACH)):
        outer += side * width
        loglik, point = constrained_maximum(model, point, column, outer)
        if not np.isfinite(loglik):
            return np.nan
        below = loglik - target
        if below < 0.0:
            break
        inner, above, width = outer, below, 1.5 * width
    else:
        return np.nan
    # regula falsi; the end that stays loses half its weight (Illinois)
    last = 0
    for _ in range(_BISECTIONS):
        share = float(np.clip(above / (above - below), 0.02, 0.98)) if above > 0.0 else 0.5
        middle = inner + share * (outer - inner)
        loglik, point = constrained_maximum(model, point, column, middle)
        value = loglik - target
        now = -1 if value < 0.0 else 1
        halved = 0.5 if now == last else 1.0
        last = now
        if value < 0.0:
            outer, below, above = middle, value, above * halved
        else:
            inner, above, below = middle, value, below * halved
        if abs(outer - inner) < 1e-9 * (1.0 + abs(outer)) or abs(value) < 1e-11:
            return middle
    return 0.5 * (inner + outer)


def constrained_maximum(
    model: Likelihood, start: Floats, column: int, value: float
) -> tuple[float, Floats]:
    """The largest log-likelihood with one coefficient held at `value`, and where it is."""
    free = np.delete(np.arange(len(start)), column)
    beta = start.copy()
    beta[column] = value
    point = model.at(beta)
    relaxed = Relaxation(exact=model.exact_curvature)
    for _ in range(_ALONE_ROUNDS):
        check_stopped()
        if not len(free):
            break
        own = invert(point.information[np.ix_(free, free)])
        if own is None:
            break
        step = own @ point.score[free]
        length = float(np.sqrt(max(point.score[free] @ step, 0.0)))
        if length < 1e-8:
            break
        inner = point.information[np.ix_(free, free)]
        step = relaxed.move(step * min(1.0, 5.0 / length), inner)
        moved, share = None, 1.0
        for _halving in range(30):
            trial = point.beta.copy()
            trial[free] += share * step
            moved = model.at(trial)
            if moved.loglik >= point.loglik:
                break
            share, moved = share / 2.0, None
        if moved is None or moved.loglik - point.loglik < _SETTLED_GAIN:
            break
        point = moved
    return point.loglik, point.beta
