"""Profile-likelihood limits and likelihood-ratio tests of a logistic model, all at once.

Every limit and every restricted model is a point with its own coefficients but the same
design, so all of them are moved together: one pass over the rows multiplies the design with a
matrix that has one column per problem. The curvature of the full model serves all problems
(a chord), and Anderson mixing makes up for its being a little wrong. The fixed point of the
iteration is the exact root, whatever the curvature used.

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

_ROUNDS = 40
_LIMIT_ERROR = 1e-7  # estimated distance of a limit from the root, in standard errors
_TEST_ERROR = 1e-9  # error of a restricted log-likelihood, after its last step is added
_TILE_ELEMENTS = 1 << 16
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
    `group` names the coefficients held at zero where `column` is -1.
    """

    beta: Floats
    column: Ints
    side: Floats
    groups: list[Ints]


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
    restricted += _held(covariance, restricted, groups, np.zeros_like(restricted))
    for k, group in enumerate(groups):
        restricted[group, k] = 0.0
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
    )


def evaluate_points(design: Design, xty: Floats, beta: Floats) -> tuple[Floats, Floats]:
    """Log-likelihood and score at each column of `beta`."""
    k = beta.shape[1]
    softplus = np.zeros(k)
    fitted = np.zeros(beta.shape)
    tile = max(64, _TILE_ELEMENTS // max(k, 1))
    memory = design.scratch("points", 2 * tile * k).reshape(2, tile, k)
    for _, block in design.blocks():
        for start in range(0, len(block), tile):
            x = block[start : start + tile]
            odds, above = memory[0, : len(x)], memory[1, : len(x)]
            np.matmul(x, beta, out=odds)
            np.minimum(odds, _MAX_PREDICTOR, out=odds)
            np.exp(odds, out=odds)
            np.add(odds, 1.0, out=above)
            odds /= above
            fitted += x.T @ odds
            softplus += np.log(above, out=above).sum(axis=0)
    return xty @ beta - softplus, xty[:, None] - fitted


def _steps(
    inverse: Floats, problems: _Problems, active: Ints,
    loglik: Floats, score: Floats, target: float,
) -> Floats:  # fmt: skip
    step = inverse @ score
    column, side = problems.column[active], problems.side[active]
    limit = np.flatnonzero(column >= 0)
    if len(limit):
        j = column[limit]
        half = 0.5 * np.einsum("ij,ij->j", score[:, limit], step[:, limit])
        room = np.maximum(2.0 * (loglik[limit] - target + half) / inverse[j, j], 0.0)
        step[:, limit] += inverse[:, j] * (side[limit] * np.sqrt(room))
    test = np.flatnonzero(column < 0)
    if len(test):
        n_limits = len(problems.column) - len(problems.groups)
        groups = [problems.groups[k - n_limits] for k in active[test]]
        step[:, test] = _held(inverse, problems.beta[:, active[test]], groups, step[:, test])
    return step


def _held(inverse: Floats, beta: Floats, groups: Sequence[Ints], step: Floats) -> Floats:
    """The steps, bent so that each column's group of coefficients ends at zero."""
    single = np.flatnonzero([len(group) == 1 for group in groups])
    if len(single):
        j = np.concatenate([groups[k] for k in single.tolist()])
        excess = (beta[j, single] + step[j, single]) / inverse[j, j]
        step[:, single] -= inverse[:, j] * excess
    for k in np.flatnonzero([len(group) > 1 for group in groups]).tolist():
        group = groups[k]
        inner = inverse[np.ix_(group, group)]
        step[:, k] -= inverse[:, group] @ np.linalg.solve(inner, beta[group, k] + step[group, k])
    return step


def _solve(
    design: Design, xty: Floats, fit: LogisticFit, problems: _Problems,
    loglik: Floats, settled: Bools, target: float,
) -> None:  # fmt: skip
    """Chord iteration with Anderson mixing of depth one; problems leave as they settle."""
    total = problems.beta.shape[1]
    active = np.arange(total)
    size = np.full(total, np.inf)
    rate = np.full(total, 0.5)
    past_step = np.zeros_like(problems.beta)
    past_move = np.zeros_like(problems.beta)
    allowed = np.where(problems.column >= 0, _LIMIT_ERROR, _TEST_ERROR)
    for turn in range(_ROUNDS):
        if not len(active):
            break
        beta = problems.beta[:, active]
        value, score = evaluate_points(design, xty, beta)
        loglik[active] = value
        step = _steps(fit.covariance, problems, active, value, score, target)
        length = np.sqrt(np.maximum(np.einsum("ij,ij->j", step, fit.information @ step), 0.0))
        if turn:
            # a lucky step does not count for more than a third of the rate seen before
            seen = length / np.maximum(size[active], 1e-300)
            rate[active] = np.clip(np.maximum(seen, rate[active] / 3.0), 1e-3, 0.9)
        error = length * rate[active] / (1.0 - rate[active])
        test = problems.column[active] < 0
        error[test] *= length[test]  # the step's gain is added by its quadratic model
        size[active] = length
        move = step.copy()
        if turn:
            change = step - past_step[:, active]
            weight = _mixing(fit.information, change, step)
            move -= weight * (past_move[:, active] + change)
        past_step[:, active] = step
        # a point close to its root takes the plain step: its error estimate assumes one
        near = error <= allowed[active]
        move[:, near] = step[:, near]
        loglik[active[near]] += _gain(fit.information, score[:, near], step[:, near])
        problems.beta[:, active] = beta + move
        past_move[:, active] = move
        settled[active[near]] = True
        lost = ~np.isfinite(length) | (length > 50.0)
        active = active[~near & ~lost]


def _gain(information_: Floats, score: Floats, step: Floats) -> Floats:
    """What the last, small step adds to the log-likelihood, by its quadratic model."""
    return np.einsum("ij,ij->j", step, score - 0.5 * (information_ @ step))


def _mixing(information_: Floats, change: Floats, step: Floats) -> Floats:
    metric = information_ @ change
    below = np.einsum("ij,ij->j", change, metric)
    weight = np.einsum("ij,ij->j", step, metric) / np.where(below > 0, below, 1.0)
    return np.where(below > 0, np.clip(weight, -2.0, 1.0), 0.0)


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
            step = _steps(inverse, problems, one, value, score, target)
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
