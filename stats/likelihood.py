"""Maximising a concave log-likelihood by Newton's method, with proof that a maximum exists.

The models of this package (Cox, counts) have log-likelihoods whose third derivative along any
direction is at most (reach of that direction) times the second, where the reach is the largest
difference (Cox) or size (Poisson) of the linear predictor along it. With Newton decrement
v = sqrt(s'Cs) and R the largest reach in the metric of the information, v R <= 1/2 then proves
that the maximum exists and lies within 2v (Bach 2010, proposition 2, doi:10.1214/09-EJS521).
Where the likelihood rises to infinity v R stays near 1 however far Newton walks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stats.design import Design, Floats
from stats.logistic import invert

_SETTLED = 1e-9  # Newton decrement, in standard errors
_STEPS = 30
_HALVINGS = 30
_CAREFUL = 0.7  # part of the first step where the curvature is not exact


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A log-likelihood with its derivatives at `beta`; `covariance` where they needed it."""

    beta: Floats
    loglik: float
    score: Floats
    information: Floats
    covariance: Floats | None = None

    def inverse(self) -> Floats | None:
        """The inverse of the information; None where it is singular."""
        return invert(self.information) if self.covariance is None else self.covariance


class Likelihood(Protocol):
    """A log-likelihood of p coefficients."""

    n_parameters: int
    #: Whether `Point.information` is minus the second derivative. A penalised likelihood has
    #: more curvature than that, up to twice as much, so that full steps would overshoot.
    exact_curvature: bool

    def at(self, beta: Floats) -> Point:
        """Value, score and information at `beta`."""
        ...

    def points(self, beta: Floats) -> tuple[Floats, Floats]:
        """Values (K,) and scores (p, K) at each column of `beta` (p, K)."""
        ...


class Relaxation:
    """Shortens steps that overshoot, by Aitken's dynamic relaxation; exact Newton steps stay."""

    def __init__(self, *, exact: bool) -> None:
        self.factor = 1.0 if exact else _CAREFUL
        self._exact = exact
        self._before: Floats | None = None

    def move(self, step: Floats, information: Floats) -> Floats:
        """The part of `step` to go."""
        if not self._exact and self._before is not None:
            change = step - self._before
            size = float(change @ information @ change)
            if size > 0.0:
                share = -float(change @ information @ self._before) / size
                self.factor = float(np.clip(self.factor * share, 0.2, 1.5))
        self._before = step
        return self.factor * step


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """Where Newton ended: `covariance` is None where the information is singular; `decrement`
    the length of the next step in standard errors; `first` the point it started from."""

    point: Point
    covariance: Floats | None
    decrement: float
    steps: int
    first: Point

    @property
    def settled(self) -> bool:
        """Whether the score vanished; that does not prove that a maximum exists."""
        return self.covariance is not None and self.decrement <= 1e-6


def maximise(
    model: Likelihood, start: Floats, *, max_steps: int = _STEPS, first: Point | None = None
) -> Maximum:
    """Newton's method with halved steps from `start` (`first` is the point there, where the caller
    has it).

    Ends when the decrement is below 1e-9 or no step raises the likelihood. Returns whatever was
    reached: see `Maximum.settled` and `is_proven`.
    """
    point = first = model.at(start) if first is None else first
    steps, decrement, relaxed = 0, np.inf, Relaxation(exact=model.exact_curvature)
    covariance = point.inverse()
    while covariance is not None:
        step = covariance @ point.score
        decrement = float(np.sqrt(max(point.score @ step, 0.0)))
        if decrement <= _SETTLED or steps >= max_steps:
            break
        moved = _ascend(model, point, relaxed.move(step, point.information))
        steps += 1
        if moved is None:
            break
        point = moved
        covariance = point.inverse()
    return Maximum(point, covariance, decrement, steps, first)


def _ascend(model: Likelihood, point: Point, step: Floats) -> Point | None:
    slack = 1e-12 * (1.0 + abs(point.loglik))
    for halving in range(_HALVINGS):
        moved = model.at(point.beta + step * 0.5**halving)
        if moved.loglik >= point.loglik - slack and np.all(np.isfinite(moved.information)):
            return moved
    return None


def reach_of(design: Design, covariance: Floats, *, intercept: bool) -> float:
    """The largest sqrt(x'Cx) over the rows of a design (without its intercept on request)."""
    skip = 0 if intercept else 1
    largest = 0.0
    for _, x in design.blocks():
        own = x[:, skip:]
        largest = max(largest, float(np.einsum("ij,ij->i", own @ covariance, own).max()))
    return float(np.sqrt(largest))


def is_proven(found: Maximum, reach: float, n_rows: int) -> bool:
    """Whether a maximum provably exists near where Newton ended.

    A score of nothing but rounding proves nothing, so rounding counts as decrement.
    """
    if found.covariance is None or not np.isfinite(found.decrement):
        return False
    rounding = n_rows * float(np.finfo(np.float64).eps)
    return bool((found.decrement + rounding * reach) * reach <= 0.5)
