"""Logistic regression by maximum likelihood on a blocked design.

The design matrix is streamed in row blocks, so the memory of a fit does not grow with
rows x columns. Newton's method starts from the linear-discriminant step (the Gram matrix is
needed anyway), stretched to the length that fits the outcome best (`stats.logistic_start`). It
takes one fresh Hessian, then chord steps until the score vanishes, and ends with the Hessian at
the maximum, from which the standard errors come. In a large design the first steps are taken in
single precision, which halves the time of the passes that decide no digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stats.design import Design, Floats
from stats.logistic_start import approach, stretched

_SETTLED = 1e-8  # Newton decrement, in standard errors, from which one more step is the last
_LEFT = 1e-10  # decrement expected after the last step; it is taken off without another pass
_UNMOVED = 4e-9  # share of any row's weight by which a step changes no digit that is shown
_FAR = 1.0  # decrement from which the next step wants a new Hessian anyway
#: Groups that overlap hold an event and a non-event with predictors in the wrong order (or
#: equal), whatever the coefficients: no likelihood of theirs exceeds log 1/2 + log 1/2.
_OVERLAP_CEILING = -2.0 * np.log(2.0)
_TILE_ELEMENTS = 1 << 17  # 1 MB
_FEW_ROWS = 750  # below it a better start costs more than it saves
_LARGE = 1 << 20  # elements of a design from which single precision saves time
_MAX_PREDICTOR = 500.0  # exp() of a linear predictor beyond this would overflow


@dataclass(frozen=True, slots=True, eq=False)
class LogisticFit:
    """A fitted model on the internal (standardised) scale, intercept first.

    `certified` is true when the maximum provably exists (see `certificate`); all other
    numbers are then those of the maximum. `probability` has one entry per row of the design.
    """

    beta: Floats
    information: Floats
    covariance: Floats
    probability: Floats
    loglik: float
    loglik_null: float
    steps: int
    certified: bool


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What one pass over the design gives: X'X, X'y and a bound on the squared row norm."""

    gram: Floats
    xty: Floats
    row_norm: float


@dataclass(slots=True)
class _State:
    beta: Floats
    loglik: float
    score: Floats
    information: Floats | None = None


def null_loglik(y: Floats) -> float:
    """Log-likelihood of the model without predictors: n1 log(n1/n) + n0 log(n0/n)."""
    n, n1 = len(y), float(y.sum())
    n0 = n - n1
    return (n1 * np.log(n1 / n) if n1 else 0.0) + (n0 * np.log(n0 / n) if n0 else 0.0)


def sums(design: Design, y: Floats) -> Sums:
    """The sums that fitting starts from (intercept first)."""
    p = design.n_parameters
    gram, xty, row_norm = np.zeros((p, p)), np.zeros(p), 0.0
    product, ones = np.empty((p, p)), np.ones(p)
    for part, block in design.blocks():
        gram += np.matmul(block.T, block, out=product)
        xty += y[part] @ block
        if design.kept:
            tile = min(max(256, _TILE_ELEMENTS // p), len(block))
            memory = design.scratch("tile", p * tile)
            for first in range(0, len(block), tile):
                x = block[first : first + tile].T
                squares = np.square(x, out=memory[: x.size].reshape(x.shape))
                row_norm = max(row_norm, float((ones @ squares).max()))
    return Sums(gram, xty, row_norm if design.kept else design.longest_row)


def _evaluate(
    design: Design, xty: Floats, beta: Floats, probability: Floats, *, hessian: bool
) -> _State:
    """Likelihood, score and, on request, information at `beta`; fills `probability`."""
    softplus = 0.0
    fitted = np.zeros(len(beta))
    total = np.zeros((len(beta), len(beta))) if hessian else None
    for part, x in design.blocks():
        eta = x @ beta
        np.minimum(eta, _MAX_PREDICTOR, out=eta)
        odds = np.exp(eta)
        eta = odds + 1.0
        p = np.divide(odds, eta, out=probability[part])
        softplus += float(np.log(eta, out=eta).sum())
        fitted += p @ x
        if total is not None:
            _add_information(total, x, p, design)
    return _State(beta, float(xty @ beta) - softplus, xty - fitted, total)


def _add_information(total: Floats, block: Floats, p: Floats, design: Design) -> None:
    # rows of the transpose are contiguous: the product is then one symmetric rank-k update
    tile = min(max(256, _TILE_ELEMENTS // len(total)), max(design.n_rows, 1))
    memory = design.scratch("tile", len(total) * tile)
    product = design.scratch("product", total.size).reshape(total.shape)
    root = np.sqrt(p * (1.0 - p))
    for first in range(0, len(block), tile):
        x = block[first : first + tile].T
        weighted = memory[: x.size].reshape(x.shape)
        np.multiply(x, root[first : first + tile], out=weighted)
        total += np.matmul(weighted, weighted.T, out=product)


def information(design: Design, probability: Floats) -> Floats:
    """X'WX with W = p(1 - p)."""
    total = np.zeros((design.n_parameters, design.n_parameters))
    for part, x in design.blocks():
        _add_information(total, x, probability[part], design)
    return total


def invert(matrix: Floats) -> Floats | None:
    """Inverse of a symmetric positive definite matrix; None where it is not one.

    Scaled to unit diagonal first, so that the test does not depend on units. A pivot below
    1e-13 means that rounding alone could have produced it.
    """
    diagonal = matrix.diagonal()
    if not (diagonal.min() > 0.0 and diagonal.max() < np.inf):
        return None
    scale = 1.0 / np.sqrt(diagonal)
    scales = scale[:, None] * scale
    try:
        factor = np.linalg.cholesky(matrix * scales)
    except np.linalg.LinAlgError:
        return None
    if not factor.diagonal().min() ** 2 >= 1e-13:  # NaN where the matrix has any
        return None
    half = np.linalg.inv(factor)
    product = half.T @ half
    product *= scales
    return product


def fit_logistic(
    design: Design,
    y: Floats,
    *,
    start: Sums | None = None,
    max_steps: int = 60,
    newton_only: bool = False,
) -> LogisticFit:
    """Maximise the binomial log-likelihood.

    Parameters
    ----------
    design : columns linearly independent (alias them away first).
    y : 0/1 per row of the design, both values present.
    start : `sums(design, y)` where the caller has them.
    newton_only : take a fresh Hessian at every step (for a climb that never ends).

    Notes
    -----
    Returns whatever was reached after `max_steps`; `certified` says whether it is the maximum.

    Checked against statsmodels Logit (Newton) to 1e-8 and the `logistic` reference files of R.
    """
    start = sums(design, y) if start is None else start
    probability = np.full(design.n_rows, float(y.mean()))
    state = _null_state(start, y)
    inverse = invert(start.gram * (probability[0] * (1.0 - probability[0])))
    decrement, rate, steps = np.inf, 1.0, 0
    large = design.n_rows * design.n_parameters >= _LARGE
    if inverse is not None and not newton_only:
        begun = _begin(design, start, y, state, inverse, probability)
        if begun is not None:
            state, inverse, decrement = begun
            steps = 1
    while inverse is not None and steps < max_steps:
        step = inverse @ state.score
        last, decrement = decrement, float(np.sqrt(max(state.score @ step, 0.0)))
        rate = decrement / last if np.isfinite(last) else rate
        stale = state.information is None and (newton_only or _chord_is_slow(
            decrement, rate, design.n_parameters))  # fmt: skip
        if steps and stale and decrement > _SETTLED:
            state.information = information(design, probability)
        if state.information is not None and decrement > _SETTLED:
            inverse = invert(state.information)
            if inverse is None:
                break
            step = inverse @ state.score
            decrement = float(np.sqrt(max(state.score @ step, 0.0)))
        ahead = decrement * min(rate, 0.1)
        if large:  # the bound on what the step moves in any row is far above what it does
            ahead *= min(1.0, _LEFT / _UNMOVED * np.sqrt(start.row_norm * inverse.trace()))
        last_step = decrement <= _SETTLED or ahead <= _LEFT
        # far from the maximum and at the last point the Hessian is needed: take it along
        fused = steps == 0 or decrement > _FAR or last_step
        moved = _ascend(design, start.xty, state, step, probability, hessian=fused)
        steps += 1
        if moved is None:
            break
        state = moved
        if last_step or (state.loglik > _OVERLAP_CEILING and not newton_only):
            break
    return _finish(design, y, state, probability, start.row_norm, steps)


def _begin(
    design: Design, start: Sums, y: Floats, null: _State, inverse: Floats, probability: Floats
) -> tuple[_State, Floats, float] | None:
    """A first point near the maximum, the curvature there, and the decrement before the step
    to it; None where the data are few or the way there is hard (a start like any other)."""
    if design.n_rows < _FEW_ROWS:
        return None
    step = stretched(design, y, null.beta, inverse @ null.score)
    if design.n_rows * design.n_parameters >= _LARGE:
        near = approach(design, y, step, invert)
        if near is None:
            return None
        beta, inverse, decrement = near
        state = _evaluate(design, start.xty, beta, probability, hessian=False)
    else:
        decrement = np.inf
        state = _evaluate(design, start.xty, step, probability, hessian=True)
    return (state, inverse, decrement) if state.loglik > null.loglik else None


def _null_state(start: Sums, y: Floats) -> _State:
    """The model without predictors: its score needs no pass over the rows."""
    mean = float(y.mean())
    beta = np.zeros(len(start.xty))
    beta[0] = np.log(mean / (1.0 - mean))
    return _State(beta, null_loglik(y), start.xty - mean * start.gram[0])


def _chord_is_slow(decrement: float, rate: float, n_parameters: int) -> bool:
    """Whether a new Hessian costs less than the chord steps that the old one still needs."""
    if rate > 0.5 or decrement <= 0.0:
        return True
    steps_left = np.log(_SETTLED / decrement) / np.log(rate)
    return bool(steps_left > 3.0 + n_parameters / 40.0)


def _ascend(
    design: Design, xty: Floats, state: _State, step: Floats, probability: Floats, *, hessian: bool
) -> _State | None:
    """The step, halved until the likelihood does not fall; None when rounding is reached."""
    slack = 1e-12 * (1.0 + abs(state.loglik))
    for halving in range(12):
        beta = state.beta + step * 0.5**halving
        moved = _evaluate(design, xty, beta, probability, hessian=hessian)
        if moved.loglik >= state.loglik - slack:
            return moved
    _evaluate(design, xty, state.beta, probability, hessian=False)
    return None


def _finish(
    design: Design, y: Floats, state: _State, probability: Floats, row_norm: float, steps: int
) -> LogisticFit:
    hessian = state.information
    if hessian is None:
        hessian = information(design, probability)
    covariance = invert(hessian)
    beta, loglik = state.beta, state.loglik
    if covariance is not None:
        step = covariance @ state.score
        twice = float(state.score @ step)
        if twice <= _SETTLED**2:  # so short a step needs no other curvature
            beta, loglik = beta + step, loglik + 0.5 * twice
    certified = (
        covariance is not None
        and state.loglik <= _OVERLAP_CEILING * (1.0 - 1e-12)
        and certificate(design, state.score, covariance, row_norm)
    )
    if covariance is None:
        covariance = np.full_like(hessian, np.nan)
    return LogisticFit(
        beta=beta, information=hessian, covariance=covariance, probability=probability,
        loglik=loglik, loglik_null=null_loglik(y), steps=steps, certified=certified,
    )  # fmt: skip


def certificate(design: Design, score: Floats, covariance: Floats, row_norm: float) -> bool:
    """Whether a maximum provably exists near this point.

    The logistic loss is self-concordant in Bach's sense: with Newton decrement v = sqrt(s'Cs)
    and R the largest sqrt(x'Cx) over the rows, v R <= 1/2 proves that the maximum exists and
    lies within 2v. On separated data v R stays near 1 however far Newton walks. `row_norm`
    bounds x'x; with the trace of C it bounds R without another pass.

    Source: Bach 2010, Self-concordant analysis for logistic regression, proposition 2,
    doi:10.1214/09-EJS521.
    """
    decrement = float(np.sqrt(max(score @ covariance @ score, 0.0)))
    if not np.isfinite(decrement):
        return False
    # a score that is nothing but rounding proves nothing: risks that round to 1 leave none
    rounding = design.n_rows * float(np.finfo(np.float64).eps)
    reach = np.sqrt(row_norm * float(np.trace(covariance)))
    if (decrement + rounding * reach) * reach <= 0.5:
        return True
    largest = max(float(np.einsum("ij,ij->i", x @ covariance, x).max()) for _, x in design.blocks())
    reach = np.sqrt(largest)
    return bool((decrement + rounding * reach) * reach <= 0.5)
