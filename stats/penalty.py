"""The logistic likelihood with Jeffreys' penalty, and the ascent to its (restricted) maximum.

    l*(b) = l(b) + 1/2 log |X'WX|,  W = p(1 - p)
    U*(b) = X'(y - p + h(1/2 - p)),  h = diagonal of W^1/2 X (X'WX)^-1 X' W^1/2

Firth (1993, doi:10.1093/biomet/80.1.27) derives the score, Heinze & Schemper (2002,
doi:10.1002/sim.1047) apply it to logistic regression. The value needs one pass over the rows;
the score needs a second one, because the hat values depend on the finished information.

The unpenalised information stands in for the Hessian of l*. That makes convergence linear but
quick (the neglected part is of order parameters / rows) and does not move the solution; mixing
each step with the one before takes most of the remaining error away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from stats.design import Design, Floats
from stats.stopping import check_stopped

_TILE_ELEMENTS = 1 << 17  # tiles of 1 MB stay in the L2 cache
_KEPT_ELEMENTS = 1 << 22
_SINGULAR = 1e-14  # squared pivot, unit diagonal, that rounding alone could have produced
_NEAR = 0.3  # squared step, in standard errors, below which two steps are mixed
_LONGEST_STEP = 5.0  # per coefficient of a standardised column
_HALVINGS = 30


@dataclass(slots=True, eq=False)
class Point:
    """The penalised likelihood at `beta`, on the internal (standardised) scale.

    `covariance` is the inverse of `information`, and half' half = covariance.
    """

    beta: Floats
    loglik: float
    penalised: float
    information: Floats
    covariance: Floats
    half: Floats
    probability: Floats


class PenalisedLikelihood:
    """l* of one design and one 0/1 outcome (aligned with `design.rows`).

    Works in two buffers of one tile each: fresh memory for every product would cost more time
    than the arithmetic. A design of up to 32 MB is kept while this object lives, because limits
    and tests pass over it some hundred times; a larger one is built anew in every pass.
    """

    def __init__(self, design: Design, y: Floats) -> None:
        p = design.n_parameters
        self._design = design
        self._y = y
        self._sign = 2.0 * y - 1.0
        self._blocks = _kept_blocks(design)
        self._step = min(max(256, _TILE_ELEMENTS // p), max(1, design.n_rows))
        self._weighted = np.empty((p, self._step))
        self._rotated = np.empty((p, self._step))

    def _tiles(self) -> Iterator[tuple[slice, Floats]]:
        """The transposed design, some thousand rows at a time."""
        for part, x in self._blocks or self._design.blocks():
            check_stopped()
            for start in range(0, len(x), self._step):
                tile = x[start : start + self._step]
                first = part.start + start
                yield slice(first, first + len(tile)), tile.T

    def _weigh(self, x: Floats, p: Floats) -> Floats:
        return np.multiply(x, np.sqrt(p * (1.0 - p)), out=self._weighted[:, : len(p)])

    def at(self, beta: Floats) -> Point | None:
        """l* and the information at `beta`; None where the information is not positive definite."""
        information = np.zeros((len(beta), len(beta)))
        probability = np.empty(len(self._y))
        loglik = 0.0
        for rows, x in self._tiles():
            eta = beta @ x
            loglik += float(log_expit(self._sign[rows] * eta).sum())
            weighted = self._weigh(x, expit(eta, out=probability[rows]))
            information += weighted @ weighted.T
        factor = half_inverse(information)
        if factor is None or not np.isfinite(loglik):
            return None
        half, log_determinant = factor
        return Point(
            beta, loglik, loglik + 0.5 * log_determinant, information, half.T @ half, half,
            probability,
        )  # fmt: skip

    def score(self, point: Point) -> Floats:
        """U* at a point returned by `at`."""
        score = np.zeros(len(point.beta))
        for rows, x in self._tiles():
            p = point.probability[rows]
            weighted = self._weigh(x, p)
            rotated = np.matmul(point.half, weighted, out=self._rotated[:, : len(p)])
            hat = np.einsum("ij,ij->j", rotated, rotated)
            score += x @ (self._y[rows] - p + hat * (0.5 - p))
        return score


def _kept_blocks(design: Design) -> list[tuple[slice, Floats]] | None:
    """Copies of the blocks (a design in one block keeps it itself); None when they are too many."""
    if design.n_rows * design.n_parameters > _KEPT_ELEMENTS:
        return None
    return [
        (part, x if len(x) == design.n_rows else x.copy(order="K")) for part, x in design.blocks()
    ]


def half_inverse(matrix: Floats) -> tuple[Floats, float] | None:
    """H with H'H = matrix^-1, and log |matrix|; None where it is not positive definite.

    Scaled to unit diagonal first, so that neither depends on the units of the columns.
    """
    diagonal = np.diag(matrix)
    if not np.all(np.isfinite(matrix)) or np.any(diagonal <= 0.0):
        return None
    scale = 1.0 / np.sqrt(diagonal)
    try:
        factor = np.linalg.cholesky(matrix * scale[:, None] * scale)
        half = np.linalg.inv(factor) * scale
    except np.linalg.LinAlgError:
        return None
    if np.diag(factor).min() ** 2 < _SINGULAR:
        return None
    log_determinant = 2.0 * float(np.log(np.diag(factor) / scale).sum())
    return half, log_determinant


@dataclass(slots=True, eq=False)
class Climb:
    """Where an ascent ended; `score` is U* there."""

    point: Point
    score: Floats
    steps: int
    settled: bool


def climb(
    model: PenalisedLikelihood,
    starts: Sequence[Floats | None],
    restriction: Floats | None,
    max_iterations: int,
    decrement: float,
) -> Climb | None:
    """Maximise l* from the first usable start, keeping `restriction` @ b as it is there.

    With C the inverse information and R the restriction, steps are
    d = C U* - C R' (R C R')^-1 R C U*. Settled when d' C^-1 d, the squared step in standard
    errors, is below `decrement`. None when l* cannot be computed at any of the starts.
    """
    point = next((p for s in starts if s is not None and (p := model.at(s)) is not None), None)
    if point is None:
        return None
    mixer = Mixer()
    best, stale = np.inf, 0
    score = model.score(point)
    for count in range(max_iterations):
        step = _uphill(point, score, restriction)
        size = float(step @ point.information @ step)
        if size < decrement:
            return Climb(point, score, count, settled=True)
        # Rounding keeps ill-conditioned designs from reaching the goal: when the step has
        # stopped shrinking far below any digit that is printed, this is the maximum.
        stale = 0 if size < 0.25 * best else stale + 1
        best = min(best, size)
        if stale >= 4 and best < 1e-12:
            return Climb(point, score, count, settled=True)
        mixed = mixer.mix(point, step, size)
        following = _ahead(model, point, mixed, size) or _ahead(model, point, step, size)
        if following is None:
            return Climb(point, score, count, settled=best < 1e-12)
        point = following
        score = model.score(point)
    return Climb(point, score, max_iterations, settled=False)


def _uphill(point: Point, score: Floats, restriction: Floats | None) -> Floats:
    step = point.covariance @ score
    if restriction is None:
        return step
    spread = point.covariance @ restriction.T
    return step - spread @ np.linalg.solve(restriction @ spread, restriction @ step)


def _ahead(model: PenalisedLikelihood, point: Point, step: Floats, size: float) -> Point | None:
    """The point after a step, shortened until l* rises by a tenth of the promise size / 2.

    None when it never does, rounding allowed for.
    """
    share = min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
    rounding = 1e-12 * (1.0 + abs(point.penalised))
    for _ in range(_HALVINGS):
        ahead = model.at(point.beta + share * step)
        if ahead is not None:
            rise = ahead.penalised - point.penalised
            if rise >= 0.05 * share * size - rounding:
                return ahead
        share *= 0.5
    return None


class Mixer:
    """Combines a step with the one before so that their common error cancels (Anderson 1965)."""

    def __init__(self) -> None:
        self._beta: Floats | None = None
        self._step: Floats | None = None

    def mix(self, point: Point, step: Floats, size: float) -> Floats:
        """The combined step; the step itself while `size` (squared, in SE) is large."""
        before_beta, before_step = self._beta, self._step
        self._beta, self._step = point.beta, step
        if before_beta is None or before_step is None or size > _NEAR:
            return step
        change = step - before_step
        turned = point.information @ change
        share = float(turned @ step) / max(float(turned @ change), 1e-300)
        if abs(share) > 0.7:
            return step
        return step - share * (point.beta - before_beta + change)
