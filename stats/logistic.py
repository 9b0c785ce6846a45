"""Logistic regression by maximum likelihood on a blocked design.

The design matrix is streamed in row blocks, so the memory of a fit does not grow with
rows x columns. Newton's method starts from the linear-discriminant step (the Gram matrix is
needed anyway), takes one fresh Hessian, then chord steps until the score vanishes, and ends
with the Hessian at the maximum, from which the standard errors come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stats.design import Design, Floats

_DECREMENT = 1e-10  # Newton decrement in standard errors at which the score has vanished
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


@dataclass(slots=True)
class _State:
    beta: Floats
    loglik: float
    score: Floats


def null_loglik(y: Floats) -> float:
    """Log-likelihood of the model without predictors: n1 log(n1/n) + n0 log(n0/n)."""
    n, n1 = len(y), float(y.sum())
    n0 = n - n1
    return (n1 * np.log(n1 / n) if n1 else 0.0) + (n0 * np.log(n0 / n) if n0 else 0.0)


def gram(design: Design) -> Floats:
    """X'X of the standardised design, intercept first."""
    total = np.zeros((design.n_parameters, design.n_parameters))
    for _, x in design.blocks():
        total += x.T @ x
    return total


def score_total(design: Design, y: Floats) -> Floats:
    """X'y: with it, a gradient pass needs the fitted probabilities only."""
    total = np.zeros(design.n_parameters)
    for part, x in design.blocks():
        total += y[part] @ x
    return total


def _evaluate(design: Design, xty: Floats, beta: Floats, probability: Floats) -> _State:
    softplus = 0.0
    fitted = np.zeros(len(beta))
    for part, x in design.blocks():
        eta = x @ beta
        np.clip(eta, -_MAX_PREDICTOR, _MAX_PREDICTOR, out=eta)
        odds = np.exp(eta)
        eta = odds + 1.0
        p = np.divide(odds, eta, out=probability[part])
        softplus += float(np.log(eta, out=eta).sum())
        fitted += p @ x
    return _State(beta, float(xty @ beta) - softplus, xty - fitted)


def information(design: Design, probability: Floats) -> Floats:
    """X'WX with W = p(1 - p)."""
    total = np.zeros((design.n_parameters, design.n_parameters))
    for part, x in design.blocks():
        p = probability[part]
        weighted = x * np.sqrt(p * (1.0 - p))[:, None]
        total += weighted.T @ weighted
    return total


def invert(matrix: Floats) -> Floats | None:
    """Inverse of a symmetric positive definite matrix; None where it is not one.

    Scaled to unit diagonal first, so that the test does not depend on units. A pivot below
    1e-13 means that rounding alone could have produced it.
    """
    diagonal = np.diag(matrix)
    if not np.all(np.isfinite(matrix)) or np.any(diagonal <= 0):
        return None
    scale = 1.0 / np.sqrt(diagonal)
    try:
        factor = np.linalg.cholesky(matrix * scale[:, None] * scale)
    except np.linalg.LinAlgError:
        return None
    if np.min(np.diag(factor)) ** 2 < 1e-13:
        return None
    half = np.linalg.inv(factor)
    return (half.T @ half) * scale[:, None] * scale


def fit_logistic(
    design: Design,
    y: Floats,
    *,
    gram_matrix: Floats | None = None,
    xty: Floats | None = None,
    max_steps: int = 60,
    newton_only: bool = False,
) -> LogisticFit:
    """Maximise the binomial log-likelihood.

    Parameters
    ----------
    design : columns linearly independent (alias them away first).
    y : 0/1 per row of the design, both values present.
    gram_matrix, xty : `gram(design)` and `score_total(design, y)` where the caller has them.
    newton_only : take a fresh Hessian at every step (for a climb that never ends).

    Notes
    -----
    Returns whatever was reached after `max_steps`; `certified` says whether it is the maximum.

    Checked against statsmodels Logit (Newton) to 1e-8 and the `logistic` reference files of R.
    """
    probability = np.empty(design.n_rows)
    xty = score_total(design, y) if xty is None else xty
    mean = float(y.mean())
    start = np.zeros(design.n_parameters)
    start[0] = np.log(mean / (1.0 - mean))
    grams = gram(design) if gram_matrix is None else gram_matrix
    hessian = grams * (mean * (1.0 - mean))
    state = _evaluate(design, xty, start, probability)
    inverse = invert(hessian)
    steps, last, stale = 0, np.inf, True
    while inverse is not None and steps < max_steps:
        step = inverse @ state.score
        decrement = float(np.sqrt(max(state.score @ step, 0.0)))
        if decrement < _DECREMENT:
            break
        if steps and (stale or newton_only or _chord_is_slow(decrement, last, design.n_parameters)):
            inverse = invert(information(design, probability))
            if inverse is None:
                break
            stale = False
            step = inverse @ state.score
            decrement = float(np.sqrt(max(state.score @ step, 0.0)))
        last = decrement
        moved = _ascend(design, xty, state, step, probability)
        steps += 1
        if moved is None:
            break
        state = moved
    return _finish(design, y, state, probability, steps)


def _chord_is_slow(decrement: float, last: float, n_parameters: int) -> bool:
    """Whether a new Hessian costs less than the chord steps that the old one still needs."""
    rate = decrement / last
    if rate > 0.5:
        return True
    steps_left = np.log(_DECREMENT / decrement) / np.log(rate)
    return bool(steps_left > 3.0 + n_parameters / 40.0)


def _ascend(
    design: Design, xty: Floats, state: _State, step: Floats, probability: Floats
) -> _State | None:
    """The step, halved until the likelihood does not fall; None when rounding is reached."""
    slack = 1e-12 * (1.0 + abs(state.loglik))
    for halving in range(12):
        moved = _evaluate(design, xty, state.beta + step * 0.5**halving, probability)
        if moved.loglik >= state.loglik - slack:
            return moved
    _evaluate(design, xty, state.beta, probability)
    return None


def _finish(
    design: Design, y: Floats, state: _State, probability: Floats, steps: int
) -> LogisticFit:
    hessian = information(design, probability)
    covariance = invert(hessian)
    certified = covariance is not None and certificate(design, state.score, covariance)
    if covariance is None:
        covariance = np.full_like(hessian, np.nan)
    return LogisticFit(
        beta=state.beta, information=hessian, covariance=covariance, probability=probability,
        loglik=state.loglik, loglik_null=null_loglik(y), steps=steps, certified=certified,
    )  # fmt: skip


def certificate(design: Design, score: Floats, covariance: Floats) -> bool:
    """Whether a maximum provably exists near this point.

    The logistic loss is self-concordant in Bach's sense: with Newton decrement v = sqrt(s'Cs)
    and R the largest sqrt(x'Cx) over the rows, v R <= 1/2 proves that the maximum exists and
    lies within 2v. On separated data v R stays near 1 however far Newton walks.

    Source: Bach 2010, Self-concordant analysis for logistic regression, proposition 2,
    doi:10.1214/09-EJS521.
    """
    decrement = float(np.sqrt(max(score @ covariance @ score, 0.0)))
    if not np.isfinite(decrement):
        return False
    length = max(float(np.einsum("ij,ij->i", x, x).max()) for _, x in design.blocks())
    if decrement * np.sqrt(length * float(np.linalg.norm(covariance, 2))) <= 0.5:
        return True  # a bound on R that needs no product with every row
    largest = max(float(np.einsum("ij,ij->i", x @ covariance, x).max()) for _, x in design.blocks())
    return decrement * np.sqrt(largest) <= 0.5
