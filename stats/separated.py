"""What maximum likelihood can still say when covariates separate the outcome.

No finite maximum exists: some coefficients run to infinity while the likelihood rises to a
limit. The limit of the likelihood, the coefficients that stay finite, the likelihood-ratio
tests and one profile limit of each runaway coefficient are all well defined; the runaway
coefficients and their standard errors are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stats.design import Design, Floats
from stats.logistic import LogisticFit, Sums, fit_logistic, information, invert
from stats.profile import Profile, evaluate_points, fitted_probability, profile_logistic

_CLIMB_STEPS = 22  # each step adds about 1 to a runaway coefficient: the rest is below e-22
_BISECTIONS = 60
_REACH = 40.0


@dataclass(frozen=True, slots=True, eq=False)
class SeparatedFit:
    """The climb as far as it is useful: `fit.loglik` is the likelihood's limit to 1e-9."""

    fit: LogisticFit
    runaway: tuple[int, ...]
    directions: tuple[int, ...]


def climb_separated(
    design: Design, y: Floats, start: Sums, runaway: Sequence[int], directions: Sequence[int]
) -> SeparatedFit:
    """Newton towards the supremum; `runaway` are column indices (intercept not counted) and
    `directions` the signs of their infinities."""
    fit = fit_logistic(design, y, start=start, max_steps=_CLIMB_STEPS, newton_only=True)
    return SeparatedFit(fit, tuple(runaway), tuple(directions))


def profile_separated(
    design: Design, xty: Floats, found: SeparatedFit, *, quantile: float,
    groups: Sequence[Sequence[int]],
) -> Profile:  # fmt: skip
    """Limits and tests against the likelihood's limit.

    A runaway coefficient has one finite limit; the other is -inf or +inf as `directions` says
    (both where the sign of its infinity is not determined).
    Checked against the profile limit of the separated term in R (`synth_messy__logistic`).
    """
    profile = profile_logistic(
        design, xty, found.fit, quantile=quantile, groups=groups, shared_curvature=False
    )
    low, high = profile.low.copy(), profile.high.copy()
    target = found.fit.loglik - quantile / 2.0
    for column, sign in zip(found.runaway, found.directions, strict=True):
        low[column], high[column] = -np.inf, np.inf
        if sign:
            finite = _finite_limit(design, xty, found.fit.beta, column + 1, sign, target)
            low[column], high[column] = (finite, np.inf) if sign > 0 else (-np.inf, finite)
    return Profile(low, high, profile.lr_column, profile.lr_group)


def _finite_limit(
    design: Design, xty: Floats, beta: Floats, column: int, sign: int, target: float
) -> float:
    """The value at which the profile likelihood, rising towards `sign` infinity, is `target`."""
    point = beta.copy()

    def above(value: float) -> float:
        nonlocal point
        loglik, point = constrained_loglik(design, xty, point, column, value)
        return loglik - target

    inner = 0.0
    while above(inner) > 0 and abs(inner) < _REACH:
        inner -= 2.0 * sign
    outer = inner
    while above(outer) < 0 and abs(outer) < _REACH:
        outer += 2.0 * sign
    for _ in range(_BISECTIONS):
        middle = 0.5 * (inner + outer)
        if above(middle) < 0:
            inner = middle
        else:
            outer = middle
        if abs(outer - inner) < 1e-9:
            break
    return 0.5 * (inner + outer)


def constrained_loglik(
    design: Design, xty: Floats, start: Floats, column: int, value: float
) -> tuple[float, Floats]:
    """The largest log-likelihood with one coefficient (internal scale, intercept = 0) held."""
    free = np.delete(np.arange(len(start)), column)
    beta = start.copy()
    beta[column] = value
    loglik = -np.inf
    for _ in range(60):
        values, scores = evaluate_points(design, xty, beta[:, None])
        score = scores[free, 0]
        own = information(design, fitted_probability(design, beta))[np.ix_(free, free)]
        inverse = invert(own)
        gained, loglik = float(values[0]) - loglik, float(values[0])
        if inverse is None:
            break
        step = inverse @ score
        length = float(np.sqrt(max(score @ step, 0.0)))
        if length < 1e-9 or 0 <= gained < 1e-11:
            break
        beta[free] += step * min(1.0, 2.0 / length)
    return loglik, beta
