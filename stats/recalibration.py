"""Small logistic models of one outcome on many predictions at once.

How well predictions agree with what happened is itself a logistic regression of the outcome on
the linear predictor: with an intercept alone (calibration in the large), with intercept and
slope, or with a restricted cubic spline (the calibration curve). `fit_many` fits such a model
for many sets of predictions side by side, with counts as weights or none.

Newton's method; where the largest change d of a linear predictor is above 1/2, the step is
damped by log(1 + d) / d, which never overshoots for the logistic loss (Sun & Tran-Dinh 2019,
doi:10.1007/s10107-018-1282-4, generalised self-concordance).

Restricted cubic splines: Harrell 2015, Regression Modeling Strategies, section 2.4.5, cubic
terms divided by the square of the distance of the outer knots. Flexible calibration curves: Van
Calster et al. 2016, doi:10.1016/j.jclinepi.2015.12.005.

Checked against statsmodels GLM with frequency weights and offsets.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from stats.design import Bools, Floats, Ints

#: Knots at these quantiles of the linear predictor (Harrell 2015, table 2.3).
KNOT_QUANTILES: Final = {4: (0.05, 0.35, 0.65, 0.95), 3: (0.10, 0.50, 0.90)}

_ROUNDS = 40
_ERROR = 1e-7  # distance from the maximum, in standard errors
_STALE = 0.02
_FULL_STEP = 0.5  # a change of linear predictors at which Newton still contracts by 0.3
_APART = 1e-6  # knots closer than this part of their range are the same


class Beginning(NamedTuple):
    """Where several fits to the same predictions begin: their linear predictors (k x n), and
    score (k x m) and information (k x m x m) there."""

    predictor: Floats
    score: Floats
    information: Floats

    @classmethod
    def at(
        cls, basis: Floats, y: Floats, weights: Floats | None, predictor: Floats, risk: Floats
    ) -> Beginning:
        """At these predictors, whose risks are known."""
        return cls(predictor, _score(basis, y, weights, risk), _information(basis, weights, risk))

    def of(self, m: int) -> Beginning:
        """For the first m columns alone."""
        return Beginning(self.predictor, self.score[:, :m], self.information[:, :m, :m])

    def of_sets(self, sets: Ints) -> Beginning:
        """For some of the k sets alone."""
        return Beginning(*(part[sets] for part in self))


def fit_many(
    basis: Floats,
    y: Floats,
    *,
    weights: Floats | None = None,
    offset: Floats | None = None,
    start: Floats,
    beginning: Beginning | None = None,
) -> Floats:
    """Coefficients (k x m) of the same outcome on k sets of m columns; NaN without a maximum.

    Parameters
    ----------
    basis : k x m x n, the columns (with the constant).
    y : n, 0/1.
    weights : k x n counts, or None.
    offset : k x n, added to the linear predictor, or None.
    start : k x m.
    beginning : of this start, with its offset and weights, where the caller has it.

    A curvature serves on as long as linear predictors have changed by no more than _STALE since:
    by then it errs by that part. Each set stops where the error left is below _ERROR.
    """
    coef = np.array(start, dtype=np.float64)
    k, m = coef.shape
    if beginning is not None:
        predictor = beginning.predictor.copy()
    else:
        predictor = np.matmul(coef[:, None, :], basis)[:, 0, :]
        if offset is not None:
            predictor += offset
    active = np.arange(k)
    inverse, drift = np.zeros((k, m, m)), np.full(k, np.inf)
    usable = np.ones(k, dtype=bool)
    settled = np.zeros(k, dtype=bool)
    for _ in range(_ROUNDS):
        if beginning is not None:
            _, score, information = beginning
            beginning = None
        else:
            fresh = bool((drift[active] > _STALE).any())
            score, information = _derivatives(basis, y, weights, predictor, active, fresh)
        if information is not None:
            inverse[active], usable[active] = invert_many(information)
            drift[active] = 0.0
        step = np.einsum("kij,kj->ki", inverse[active], score)
        size = np.sqrt(np.maximum(np.einsum("ki,ki->k", step, score), 0.0))
        well = usable[active] & np.isfinite(size)
        step[~well] = 0.0
        move = np.matmul(step[:, None, :], _part(basis, active))[:, 0, :]
        change = np.maximum(np.maximum(move.max(axis=1), -move.min(axis=1)), 1e-300)
        share = np.where(change > _FULL_STEP, np.log1p(change) / change, 1.0)
        coef[active] += step * share[:, None]
        drift[active] += change
        last = well & (size * drift[active] < _ERROR)
        settled[active[last]] = True
        going = well & ~last
        if not going.any():
            break
        _advance(predictor, active, move, share)
        active = active[going]
    coef[~settled] = np.nan
    return coef


def _advance(predictor: Floats, active: Ints, move: Floats, share: Floats) -> None:
    if (share < 1.0).any():
        move *= share[:, None]
    if len(active) == len(predictor):
        predictor += move
    else:
        predictor[active] += move


def covariance_of(basis: Floats, coef: Floats) -> Floats:
    """Inverse information (k x m x m) of unweighted fits at `coef`; NaN where there is none."""
    predictor = np.matmul(coef[:, None, :], basis)[:, 0, :]
    active = np.arange(len(coef))
    information = _derivatives(basis, np.zeros(1), None, predictor, active, True)[1]
    if information is None:
        return np.full((len(coef), coef.shape[1], coef.shape[1]), np.nan)
    inverse, usable = invert_many(information)
    inverse[~usable] = np.nan
    return inverse


def risk_of(predictor: Floats) -> Floats:
    """1 / (1 + exp(-lp)); exp alone uses vector instructions."""
    risk = np.negative(predictor)
    with np.errstate(over="ignore"):  # an infinite odds against is a risk of 0
        np.exp(risk, out=risk)
    risk += 1.0
    return np.reciprocal(risk, out=risk)


def _part(values: Floats, active: Ints) -> Floats:
    """The active sets, without a copy while all of them are."""
    return values if len(active) == len(values) else values[active]


def _derivatives(
    basis: Floats, y: Floats, weights: Floats | None, predictor: Floats, active: Ints,
    curvature: bool,
) -> tuple[Floats, Floats | None]:  # fmt: skip
    risk = risk_of(_part(predictor, active))
    counts = None if weights is None else _part(weights, active)
    columns = _part(basis, active)
    if curvature:
        return _score(columns, y, counts, risk), _information(columns, counts, risk)
    return _score(columns, y, counts, risk), None


def _score(columns: Floats, y: Floats, counts: Floats | None, risk: Floats) -> Floats:
    residual = y - risk
    if counts is not None:
        residual *= counts
    return np.matmul(columns, residual[:, :, None])[:, :, 0]


def _information(columns: Floats, counts: Floats | None, risk: Floats) -> Floats:
    spread = np.subtract(1.0, risk)
    spread *= risk
    if counts is not None:
        spread *= counts
    return np.matmul(columns * spread[:, None, :], columns.transpose(0, 2, 1))


def invert_many(matrices: Floats) -> tuple[Floats, Bools]:
    """Inverses of symmetric matrices (k x m x m), and which of them exist.

    Scaled to unit diagonal first. An inverse whose diagonal exceeds 1e13 could have come from
    rounding alone and does not count.
    """
    diagonal: Floats = matrices.diagonal(axis1=1, axis2=2)
    usable: Bools = np.logical_and.reduce((diagonal > 0.0) & (diagonal < np.inf), axis=1)
    scale = 1.0 / np.sqrt(np.where(usable[:, None], diagonal, 1.0))
    scales = scale[:, :, None] * scale[:, None, :]
    scaled = matrices * scales
    scaled[~usable] = np.eye(matrices.shape[1])
    try:
        inverse = np.linalg.inv(scaled)
    except np.linalg.LinAlgError:
        inverse = np.empty_like(scaled)
        for i, matrix in enumerate(scaled):
            try:
                inverse[i] = np.linalg.inv(matrix)
            except np.linalg.LinAlgError:
                inverse[i], usable[i] = np.eye(len(matrix)), False
    spread = inverse.diagonal(axis1=1, axis2=2)
    usable &= ((spread > 0.0) & (spread < 1e13)).all(axis=1)  # NaN where the matrix has any
    return inverse * scales, usable


class Smoother(NamedTuple):
    """The columns of a calibration curve: constant, linear predictor, and its cubic terms.

    Fewer than three knots: a straight line on the logit scale.
    """

    knots: tuple[float, ...]

    def columns(self, predictor: Floats) -> Floats:
        """The columns of k sets: k x n linear predictors -> k x m x n."""
        extra = max(len(self.knots) - 2, 0)
        found = np.empty((len(predictor), 2 + extra, predictor.shape[1]))
        found[:, 0] = 1.0
        found[:, 1] = predictor
        if extra:
            first, before, last = self.knots[0], self.knots[-2], self.knots[-1]
            unit = 1.0 / (last - first) ** 2
            at_last = _cubed(predictor, last)
            at_before = _cubed(predictor, before)
            for j in range(extra):
                knot = self.knots[j]
                term = _cubed(predictor, knot)
                term -= at_before * ((last - knot) / (last - before))
                term += at_last * ((before - knot) / (last - before))
                np.multiply(term, unit, out=found[:, 2 + j])
        return found


def _cubed(values: Floats, knot: float) -> Floats:
    """(values - knot)^3 where positive, else 0."""
    above = np.subtract(values, knot)
    np.maximum(above, 0.0, out=above)
    return above * above * above


def smoother_of(predictor: Floats, wanted: int) -> Smoother:
    """A smoother with `wanted` knots (4 or 3; 0 = a straight line) at the quantiles of the linear
    predictor, or with fewer where its values do not keep that many knots apart."""
    width = max(float(np.ptp(predictor)), 1e-300)
    distinct = len(np.unique(np.round((predictor - predictor.min()) / width, 6)))
    for n_knots, shares in KNOT_QUANTILES.items():
        if n_knots > min(wanted, distinct):
            continue
        knots = np.quantile(predictor, shares)
        if np.diff(knots).min() > _APART * width:
            return Smoother(tuple(float(k) for k in knots))
    return Smoother(())
