"""Profile-likelihood limits and likelihood-ratio tests of a logistic model, all at once.

Every limit and every restricted model is a point with its own coefficients but the same
design, so all of them are moved together: one pass over the rows multiplies the design with a
matrix that has one column per problem. The curvature of the full model serves all problems
(a chord), and Anderson mixing makes up for its being a little wrong. The fixed point of the
iteration is the exact root, whatever the curvature used. In large designs the way there is
computed in single precision (`stats.neighbourhood`), and only its end in double.

Limit of coefficient j: the point where l(b) = l_max - q/2 and every other score is zero
(Venzon & Moolgavkar 1988, doi:10.2307/2347496). With g the score, C the covariance at the
maximum and d the step, g - C^-1 d = -k e_j and the quadratic model of l give

    d = C (g + k e_j),   k^2 = 2 (l - l_target + g'C g / 2) / C_jj.

Restriction b_G = 0: d = C g - C_G (C_GG)^-1 (b_G + (C g)_G).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stats.design import Bools, Design, Floats, Ints
from stats.logistic import LogisticFit, information, invert
from stats.neighbourhood import near_maximum, score_by_sample
from stats.restrictions import Restrictions, hold, restrictions

_ROUNDS = 40
_LIMIT_ERROR = 1e-7  # estimated distance of a limit from the root, in standard errors
_TEST_ERROR = 1e-9  # error of a restricted log-likelihood, after its last step is added
_TILE_ELEMENTS = 1 << 15
_LARGE = 1 << 27  # rows x columns x problems from which single precision saves time
_APPROACHES = 8
_TEST_APPROACH = 1e-5  # expected length of the next step, in standard errors, that ends the
_LIMIT_APPROACH = 1e-6  # approach in single precision
_MOST_INFLATED = 1e4  # variance inflation up to which single precision finds restricted maxima
_MAX_PREDICTOR = 500.0


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Limits on the internal scale, one per design column (the intercept left out), and
    likelihood-ratio statistics: `lr_column` per column, `lr_group` per group asked for.
    NaN where the iteration did not settle."""

    low: Floats
    high: Floats
    lr_column: Floats
    lr_group: Floats


@dataclass(slots=True, eq=False)
class _Problems:
    """Points under way: `beta` has one column per problem.

    `column` >= 0 names the coefficient whose limit is sought, `side` -1 or +1 its direction;
    `groups` name the coefficients held at zero where `column` is -1; `held` says how their steps
    bend, by the shared curvature.
    """

    beta: Floats
    column: Ints
    side: Floats
    groups: list[Ints]
    held: list[Restrictions]


def profile_logistic(
    design: Design,
    xty: Floats,
    fit: LogisticFit,
    *,
    quantile: float,
    groups: Sequence[Sequence[int]] = (),
    limits: bool = True,
    columns: Sequence[int] | None = None,
    shared_curvature: bool = True,
) -> Profile:
    """Limits of every coefficient and likelihood-ratio statistics of columns and groups.

    Parameters
    ----------
    xty : X'y of the design.
    fit : the certified maximum.
    quantile : chi-square quantile (1 df) of the confidence level.
    groups : column indices (from 0, the intercept not counted) tested together.
    columns : the single columns to test (None = all; the others get NaN).
    shared_curvature : False where the curvature of the full model says little (separated data):
        each problem is then solved by Newton with its own.

    Checked against the exact roots (`profile_ci`) in the `logistic` reference files of R.
    """
    p = design.n_parameters - 1
    tested = list(range(p)) if columns is None else list(columns)
    singles = [np.array([j + 1]) for j in tested]
    many = [np.asarray(g, dtype=np.intp) + 1 for g in groups]
    problems = _start(fit, p if limits else 0, singles + many, quantile)
    target = fit.loglik - quantile / 2.0
    loglik = np.full(problems.beta.shape[1], np.nan)
    settled = np.zeros(len(loglik), dtype=bool)
    if shared_curvature:
        _solve(design, xty, fit, problems, loglik, settled, target)
    _finish_alone(design, xty, fit, problems, loglik, settled, target)
    n_limits = 2 * p if limits else 0
    values = np.where(settled, problems.beta[np.maximum(problems.column, 0), range(len(settled))],
                      np.nan)  # fmt: skip
    statistic = np.where(settled, np.maximum(2.0 * (fit.loglik - loglik), 0.0), np.nan)[n_limits:]
    none = np.full(p, np.nan)
    lr_column = none.copy()
    lr_column[tested] = statistic[: len(tested)]
    return Profile(
        low=values[:p] if limits else none,
        high=values[p:n_limits] if limits else none,
        lr_column=lr_column,
        lr_group=statistic[len(tested) :],
    )


def _start(fit: LogisticFit, n_limits: int, groups: list[Ints], quantile: float) -> _Problems:
    covariance = fit.covariance
    se = np.sqrt(np.diag(covariance))
    reach = covariance[:, 1 : n_limits + 1] * (np.sqrt(quantile) / se[1 : n_limits + 1])
    restricted = np.repeat(fit.beta[:, None], len(groups), axis=1)
    held = restrictions(covariance, groups)
    bent, every = np.zeros_like(restricted), np.arange(len(groups))
    if len(groups):
        hold(held, restricted, bent, (every, every, every))
        restricted += bent
    for one in held:
        restricted[one.groups, one.places[:, None]] = 0.0
    beta = np.concatenate(
        [fit.beta[:, None] - reach, fit.beta[:, None] + reach, restricted], axis=1
    )
    columns = np.arange(1, n_limits + 1)
    none = np.full(len(groups), -1)
    return _Problems(
        beta=beta,
        column=np.concatenate([columns, columns, none]),
        side=np.concatenate([-np.ones(n_limits), np.ones(n_limits), np.zeros(len(groups))]),
        groups=groups,
        held=held,
    )


def evaluate_points(
    design: Design, xty: Floats, beta: Floats, scored: int | None = None
) -> tuple[Floats, Floats]:
    """Log-likelihood at each column of `beta`, and the score at the first `scored` (None: all)."""
    p, k = beta.shape
    few = k if scored is None else scored
    softplus, fitted, product = np.zeros(k), np.zeros((p, few)), np.empty((p, few))
    tile = min(max(64, _TILE_ELEMENTS // max(k, 1)), max(design.n_rows, 1))
    memory = design.scratch("tile", 2 * tile * k).reshape(2, -1)
    points = np.ascontiguousarray(beta.T)
    for _, block in design.blocks():
        for start in range(0, len(block), tile):
            x = block[start : start + tile].T
            odds, above = (m[: k * x.shape[1]].reshape(k, -1) for m in memory)
            np.matmul(points, x, out=odds)
            np.minimum(odds, _MAX_PREDICTOR, out=odds)
            np.exp(odds, out=odds)
            np.add(odds, 1.0, out=above)
            if few:
                odds[:few] /= above[:few]
                fitted += np.matmul(x, odds[:few].T, out=product)
            softplus += np.log(above, out=above).sum(axis=1)
    return xty @ beta - softplus, xty[:, None] - fitted


def _steps(
    inverse: Floats, problems: _Problems, active: Ints,
    loglik: Floats, score: Floats, target: float, *, shared: bool,
) -> Floats:  # fmt: skip
    step = inverse @ score
    n_limits = len(problems.column) - len(problems.groups)
    first = int(active.searchsorted(n_limits))  # limits come before tests
    if first:
        j = problems.column[active[:first]]
        side = problems.side[active[:first]]
        half = 0.5 * np.vecdot(score[:, :first].T, step[:, :first].T)
        room = np.maximum(2.0 * (loglik[:first] - target + half) / inverse[j, j], 0.0)
        step[:, :first] += inverse[:, j] * (side * np.sqrt(room))
    if first < len(active):
        test, tests = active[first:], np.arange(first, len(active))
        places = test - n_limits
        if shared:
            held = problems.held
        else:
            held = restrictions(inverse, [problems.groups[k] for k in places.tolist()])
            places = np.arange(len(places))
        hold(held, problems.beta, step, (places, test, tests))
    return step


def _solve(
    design: Design, xty: Floats, fit: LogisticFit, problems: _Problems,
    loglik: Floats, settled: Bools, target: float,
) -> None:  # fmt: skip
    """Move all problems by the shared curvature; they leave as they settle."""
    chord = _Chord(fit, problems, target)
    active = np.arange(len(problems.column))
    found = active[:0]
    if design.n_rows * problems.beta.size >= _LARGE:
        active, found = _approach(design, fit, problems, chord)
    n_limits = len(problems.column) - len(problems.groups)
    allowed = np.where(problems.column < 0, _TEST_ERROR, _LIMIT_ERROR)
    for _ in range(_ROUNDS):
        if not len(active) + len(found):
            break
        at = chord.places(active)
        beta = problems.beta[:, np.concatenate([active, found]) if len(found) else at]
        value, score = evaluate_points(design, xty, beta, len(active))
        loglik[found], settled[found] = value[len(active) :], True
        found, value = found[:0], value[: len(active)]
        if not len(active):
            break
        chord.look(active, value, score)
        rate = chord.rate[at]
        error = chord.length * rate / (1.0 - rate)
        tests = slice(int(active.searchsorted(n_limits)), None)
        error[tests] *= chord.length[tests]  # the step's gain is added by its quadratic model
        near = error <= allowed[at]
        loglik[at] = value + np.where(near, _gain(fit.information, score, chord.step), 0.0)
        settled[at] = near
        if near.all() and not tests.start:
            break
        chord.move(active, near)
        active = active[~near & ~chord.lost]


def _approach(
    design: Design, fit: LogisticFit, problems: _Problems, chord: _Chord
) -> tuple[Ints, Ints]:
    """The problems moved near their roots in single precision: those that go on, and those whose
    point is good enough, so that only their log-likelihood is still wanted.

    A restricted maximum that is `_TEST_APPROACH` standard errors away costs half the square of
    that in log-likelihood. In single precision its place is known relative to the distance moved,
    unless columns nearly repeat one another: then every point goes on.
    """
    is_test = problems.column < 0
    enough = np.where(is_test, _TEST_APPROACH, _LIMIT_APPROACH)
    distinct = np.max(np.diag(fit.covariance) * np.diag(fit.information)) <= _MOST_INFLATED
    if is_test.any():
        _sampled_step(design, fit, problems, np.flatnonzero(is_test))
    good = np.zeros(len(is_test), dtype=np.bool_)
    active = np.arange(len(is_test))
    for _ in range(_APPROACHES):
        if not len(active):
            break
        n_limits = int(np.count_nonzero(~is_test[active]))
        value, score = near_maximum(design, fit, problems.beta[:, active], n_limits)
        chord.look(active, fit.loglik + value, score)
        near = chord.length * chord.seen <= enough[active]
        chord.move(active, near)
        good[active[near]] = distinct
        active = active[~near & ~chord.lost]
    sound = np.isfinite(problems.beta).all(axis=0)
    good &= is_test & sound
    return np.flatnonzero(sound & ~good), np.flatnonzero(good)


def _sampled_step(design: Design, fit: LogisticFit, problems: _Problems, tests: Ints) -> None:
    """Move the restricted maxima by the score that a sample tells, at a tenth of a pass's price."""
    score = score_by_sample(design, fit, problems.beta[:, tests])
    problems.beta[:, tests] += _steps(
        fit.covariance, problems, tests, np.empty(0), score, np.nan, shared=True
    )


class _Chord:
    """Steps by the curvature of the full model, with Anderson mixing of depth one.

    `size`, `rate`, `past_step`, `past_move` belong to all problems: the length of the last step
    in standard errors, how steps shrink, and the last steps. `step`, `length`, `seen` (the length
    over the one before) and `lost` belong to the problems looked at last.
    """

    def __init__(self, fit: LogisticFit, problems: _Problems, target: float) -> None:
        self._fit, self._problems, self._target = fit, problems, target
        total = problems.beta.shape[1]
        self.size, self.rate = np.full(total, np.inf), np.full(total, 0.5)
        self._past_step = np.zeros_like(problems.beta)
        self._past_move = np.zeros_like(problems.beta)
        self.step, self.length, self.seen = np.empty((0, 0)), np.empty(0), np.empty(0)
        self.lost = np.empty(0, dtype=np.bool_)

    def look(self, active: Ints, loglik: Floats, score: Floats) -> None:
        """Find the step of each problem from its log-likelihood and score."""
        fit, at = self._fit, self.places(active)
        before = self.size[at]
        self.step = _steps(
            fit.covariance, self._problems, active, loglik, score, self._target, shared=True
        )
        squared = np.vecdot(self.step.T, (fit.information @ self.step).T)
        self.length = np.sqrt(np.maximum(squared, 0.0))
        moved = np.isfinite(before)
        self.seen = np.where(moved, self.length / np.maximum(before, 1e-300), 1.0)
        # a lucky step does not count for more than a third of the rate seen before
        rate = self.rate[at]
        careful = np.minimum(np.maximum(np.maximum(self.seen, rate / 3.0), 1e-3), 0.9)
        self.rate[at] = np.where(moved, careful, rate)
        self.lost = ~(self.length <= 50.0)

    def move(self, active: Ints, near: Bools) -> None:
        """Take the steps, mixed with the ones before; a problem `near` its root takes the plain
        step, because its error estimate assumes one."""
        step, at = self.step, self.places(active)
        change = step - self._past_step[:, at]
        weight = _mixing(self._fit.information, change, step)
        weight[near | ~np.isfinite(self.size[at])] = 0.0
        moved = step - weight * (self._past_move[:, at] + change)
        self._past_step[:, at] = step
        self._past_move[:, at] = moved
        self._problems.beta[:, at] += moved
        self.size[at] = self.length

    def places(self, active: Ints) -> Ints | slice:
        """The places of the active problems; of all of them without a copy."""
        return slice(None) if len(active) == len(self.size) else active


def _gain(information_: Floats, score: Floats, step: Floats) -> Floats:
    """What the last, small step adds to the log-likelihood, by its quadratic model."""
    return np.vecdot(step.T, (score - 0.5 * (information_ @ step)).T)


def _mixing(information_: Floats, change: Floats, step: Floats) -> Floats:
    change, metric = change.T, (information_ @ change).T
    below = np.vecdot(change, metric)
    some = below > 0
    weight = np.vecdot(step.T, metric) / np.where(some, below, 1.0)
    return np.where(some, np.minimum(np.maximum(weight, -2.0), 1.0), 0.0)


def _finish_alone(
    design: Design, xty: Floats, fit: LogisticFit, problems: _Problems,
    loglik: Floats, settled: Bools, target: float,
) -> None:  # fmt: skip
    """Newton with each point's own Hessian for the few that the shared one did not bring home."""
    for k in np.flatnonzero(~settled):
        one = np.array([k])
        problems.beta[:, k] = fit.beta + 0.5 * (problems.beta[:, k] - fit.beta)
        if not np.all(np.isfinite(problems.beta[:, k])):
            problems.beta[:, k] = fit.beta
        for _ in range(_ROUNDS):
            beta = problems.beta[:, one]
            value, score = evaluate_points(design, xty, beta)
            own = information(design, fitted_probability(design, beta[:, 0]))
            inverse = invert(own)
            if inverse is None:
                break
            step = _steps(inverse, problems, one, value, score, target, shared=False)
            length = float(np.sqrt(max(step[:, 0] @ own @ step[:, 0], 0.0)))
            loglik[k] = value[0] + _gain(own, score, step)[0]
            problems.beta[:, k] += step[:, 0] * min(1.0, 2.0 / max(length, 1e-300))
            if length < _LIMIT_ERROR:
                settled[k] = True
                break


def fitted_probability(design: Design, beta: Floats) -> Floats:
    """Fitted probabilities of the design's rows at `beta`."""
    p = np.empty(design.n_rows)
    for part, x in design.blocks():
        p[part] = 1.0 / (1.0 + np.exp(-np.clip(x @ beta, -_MAX_PREDICTOR, _MAX_PREDICTOR)))
    return p
