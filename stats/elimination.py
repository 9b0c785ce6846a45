"""Backward elimination by AIC of a logistic model, with counts as weights.

From the model of all columns the term whose removal lowers AIC most is taken out, until no removal
lowers it. A removal costs its likelihood ratio LR and saves 2 per column. With d^2 the Wald
statistic of the term and R the largest sqrt(x'Cx) over the rows (C the inverse information at the
maximum), the logistic loss, self-concordant in Bach's sense, cannot rise by less than

    LR >= 2 (exp(-R d) + R d - 1) / R^2

when the coefficients of the term are brought to 0, wherever the others go. Removals that this rules
out are not fitted; the others are, each from the Wald estimate of its maximum.

Source: Bach 2010, Self-concordant analysis for logistic regression, proposition 1,
doi:10.1214/09-EJS521 (with |x'v| <= R sqrt(v'Hv) in place of his R |v|).

Checked against a plain loop over statsmodels' Logit.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stats.design import Design, Floats
from stats.errors import NotEstimable
from stats.logistic import invert

_SMALLER: Final = 1e-9  # a difference of AIC that is rounding
_NEAR: Final = (
    1e-8  # squared decrement: half of it is then missing from the log-likelihood to 1e-12
)
_CLOSE: Final = 1e-3
_ROUNDS: Final = 40
_HALVINGS: Final = 30
_MAX_PREDICTOR: Final = 500.0


class Removal(NamedTuple):
    """A term (its index in the design) that was taken out, and AIC without it."""

    term: int
    aic: float


@dataclass(frozen=True, slots=True, eq=False)
class Elimination:
    """AIC of the model of all terms, the removals in order, the terms that are left."""

    aic: float
    removed: tuple[Removal, ...]
    held: tuple[int, ...]


class _Point(NamedTuple):
    beta: Floats
    loglik: float
    score: Floats
    information: Floats | None


class _Rows(NamedTuple):
    """The outcome of the rows of a design and how often each counts (None: once)."""

    y: Floats
    weights: Floats | None


def eliminate_backward(
    design: Design,
    y: Floats,
    start: Floats,
    *,
    weights: NDArray[Any] | None = None,
    forced: Collection[int] = (),
) -> Elimination:
    """Backward elimination by AIC.

    Parameters
    ----------
    design : columns linearly independent; the model of all of them has a maximum.
    y : 0/1 per row of the design.
    start : coefficients near that maximum, intercept first.
    weights : how often each row counts.
    forced : terms (indices) that are never taken out.
    """
    rows = _Rows(y, None if weights is None else weights.astype(np.float64))
    held = sorted(design.term_columns)
    point = _maximum(design, rows, start, list(range(design.n_parameters)))
    first = current = 2.0 * design.n_parameters - 2.0 * point.loglik
    removed: list[Removal] = []
    while True:
        place = {t: [j + 1 for j in c] for t, c in design.term_columns.items()}
        open_to = {t: c for t, c in place.items() if t not in forced}
        best = _cheapest(design, rows, point, open_to)
        if best is None or not best[0] < -_SMALLER * max(1.0, abs(current)):
            break
        change, term, start = best
        current += change
        held.remove(term)
        removed.append(Removal(term, current))
        left = [j for j in range(design.n_parameters) if j not in place[term]]
        design = design.take([j - 1 for j in left[1:]])
        if not held:
            break
        point = _maximum(design, rows, start[left], list(range(len(left))))
    return Elimination(first, tuple(removed), tuple(held))


def _cheapest(
    design: Design, rows: _Rows, point: _Point, place: Mapping[int, list[int]]
) -> tuple[float, int, Floats] | None:
    """The removal that lowers AIC most: change of AIC, term, coefficients without it. Where none
    lowers it, None or one that does not."""
    if not place or point.information is None:
        return None
    covariance = invert(point.information)
    if covariance is None:
        raise NotEstimable("The information of the model is singular.", rule="adjust")
    reach = _reach(design, covariance)
    trials = sorted(_trial(t, c, point.beta, covariance, reach) for t, c in place.items())
    best: tuple[float, int, Floats] | None = None
    for _, term, least in trials:
        if least >= (0.0 if best is None else min(best[0], 0.0)):
            continue
        columns = place[term]
        moved = point.beta - covariance[:, columns] @ np.linalg.solve(
            covariance[np.ix_(columns, columns)], point.beta[columns]
        )
        moved[columns] = 0.0
        kept = [j for j in range(len(moved)) if j not in columns]
        found = _maximum(design, rows, moved, kept)
        change = 2.0 * (point.loglik - found.loglik) - 2.0 * len(columns)
        if best is None or (change, -term) < (best[0], -best[1]):
            best = (change, term, found.beta)
    return best


def _trial(
    term: int, columns: list[int], beta: Floats, covariance: Floats, reach: float
) -> tuple[float, int, float]:
    """What removing a term does to AIC: by Wald, the term, and at least."""
    own = beta[columns]
    wald = float(own @ np.linalg.solve(covariance[np.ix_(columns, columns)], own))
    spent = 2.0 * len(columns)
    far = reach * math.sqrt(max(wald, 0.0))
    # the series avoids the cancellation of a small argument
    least = wald * (1.0 - far / 3.0) if far < 1e-3 else (
        2.0 * (math.expm1(-far) + far) / (reach * reach)
    )  # fmt: skip
    return wald - spent, term, least - spent


def _reach(design: Design, covariance: Floats) -> float:
    """The largest sqrt(x'Cx)."""
    largest = 0.0
    for _, x in design.blocks():
        largest = max(largest, float(np.einsum("ij,ij->i", x @ covariance, x).max()))
    return math.sqrt(largest)


def _maximum(design: Design, rows: _Rows, start: Floats, free: list[int]) -> _Point:
    """Newton on the coefficients in `free` (the others stay), its steps halved while the likelihood
    falls; the log-likelihood and coefficients are those of the maximum. From a start at the maximum
    the information is that of the maximum too; else it may be missing."""
    inner = np.ix_(free, free)
    step, curved = np.zeros(len(start)), True
    point = _evaluate(design, rows, start, curvature=True)
    inverse = None
    for _ in range(_ROUNDS):
        if curved:
            inverse = None if point.information is None else invert(point.information[inner])
        if inverse is None:
            break
        step[free] = inverse @ point.score[free]
        gain = float(step @ point.score)
        if gain <= _NEAR:
            return point._replace(beta=point.beta + step, loglik=point.loglik + 0.5 * gain)
        curved = gain > _CLOSE or not curved  # a last step needs no other curvature
        moved = _ascend(design, rows, point, step, curvature=curved)
        if moved is None:
            break
        point = moved
    raise NotEstimable(
        "The maximum of a model without one of its predictors was not reached.", rule="adjust",
        hint="Look for extreme values among the predictors, or name the adjustment set.",
    )  # fmt: skip


def _ascend(
    design: Design, rows: _Rows, point: _Point, step: Floats, *, curvature: bool
) -> _Point | None:
    slack = 1e-12 * (1.0 + abs(point.loglik))
    for halving in range(_HALVINGS):
        beta = point.beta + step * 0.5**halving
        moved = _evaluate(design, rows, beta, curvature=curvature)
        if moved.loglik >= point.loglik - slack:
            return moved
    return None


def _evaluate(design: Design, rows: _Rows, beta: Floats, *, curvature: bool) -> _Point:
    """Log-likelihood, score and, on request, information."""
    loglik, score = 0.0, np.zeros(len(beta))
    total = np.zeros((len(beta), len(beta))) if curvature else None
    for part, x in design.blocks():
        predictor = x @ beta
        np.clip(predictor, -_MAX_PREDICTOR, _MAX_PREDICTOR, out=predictor)
        odds = np.exp(predictor)
        both = odds + 1.0
        risk = odds / both
        y, often = rows.y[part], 1.0 if rows.weights is None else rows.weights[part]
        loglik += float((often * (y * predictor - np.log(both))).sum())
        score += (often * (y - risk)) @ x
        if total is not None:
            half = x.T * np.sqrt(often * risk / both)
            total += half @ half.T
    return _Point(beta, loglik, score, total)
