"""What is asked of predictions: discrimination, calibration, accuracy, net benefit, many at once.

    c_statistic              concordance, ties half
    calibration_slope        b of logit P(y) = a + b lp, lp the linear predictor
    calibration_intercept    a of logit P(y) = a + lp (calibration in the large)
    recalibration_intercept  a of the first model, beside its slope (as in rms)
    brier                    mean of (p - y)^2

and two curves: the calibration curve (risk as a spline of lp, at a grid of predicted risks) and
net benefit over thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from stats.decision_curve import THRESHOLDS, Sorted
from stats.design import Bools, Floats
from stats.recalibration import Beginning, Smoother, covariance_of, fit_many, risk_of, smoother_of
from stats.resampling import Counts
from stats.stopping import check_stopped

#: The measures, in the order of the table.
MEASURES: Final = (
    "c_statistic", "calibration_slope", "calibration_intercept", "recalibration_intercept",
    "brier",
)  # fmt: skip
#: What maximum likelihood gives on its own data, whatever they are.
_BY_CONSTRUCTION: Final = {
    "calibration_slope": 1.0, "calibration_intercept": 0.0, "recalibration_intercept": 0.0,
}  # fmt: skip

_GRID_POINTS = 50
_OUTER = 5  # the grid runs from the 5th smallest to the 5th largest predicted risk
_TILE_ELEMENTS = 1 << 15
_FLAT = 1e-7  # predictions that differ by less are the same: no line goes through one point


@dataclass(slots=True, eq=False)
class Performance:
    """One row per set of predictions: the MEASURES, the calibration curve, the net benefit."""

    measures: Floats
    curve: Floats
    net_benefit: Floats

    @classmethod
    def empty(cls, k: int, grid: int) -> Performance:
        """Room for k sets, all NaN."""
        return cls(
            np.full((k, len(MEASURES)), np.nan),
            np.full((k, grid), np.nan),
            np.full((k, len(THRESHOLDS)), np.nan),
        )


class ApparentCurve(NamedTuple):
    """The calibration curve on the data of the model, with its pointwise Wald band."""

    observed: Floats
    low: Floats
    high: Floats


class Assessor:
    """Measures predictions of one outcome, on the rows themselves or on resamples of them."""

    def __init__(self, predictor: Floats, y: Floats, n_knots: int) -> None:
        self.smoother: Smoother = smoother_of(predictor, n_knots)
        self.grid = _grid(predictor)
        self._y = y
        self._events: NDArray[np.uint8] = y.astype(np.uint8)
        logit = np.log(self.grid) - np.log1p(-self.grid)
        self._at_grid = self.smoother.columns(logit[None])[0]

    def assess(
        self, predictor: Floats, counts: Counts | None, likelihood: Bools
    ) -> tuple[Performance, Performance]:
        """On the resamples that the predictions come from, and on the original rows.

        `predictor` is k x n, `counts` k x n (None: the original rows; the first answer is then
        the second). `likelihood` marks sets that maximise the likelihood of their own resample,
        for which the straight-line calibration there is known.
        """
        k, n = predictor.shape
        own = Performance.empty(k, len(self.grid))
        other = Performance.empty(k, len(self.grid))
        step = max(1, _TILE_ELEMENTS // n)
        for first in range(0, k, step):
            check_stopped()
            part = slice(first, first + step)
            drawn = None if counts is None else counts[part]
            self._ranked(predictor[part], drawn, own, other, first)
            self._fitted(predictor[part], drawn, likelihood[part], own, other, part)
        return (other if counts is None else own), other

    def _ranked(
        self, predictor: Floats, counts: Counts | None,
        own: Performance, other: Performance, first: int,
    ) -> None:  # fmt: skip
        for i, row in enumerate(predictor):
            ordered = Sorted(row)
            found = ordered.measure(self._events)
            other.measures[first + i, 0], other.net_benefit[first + i] = found
            if counts is not None:
                found = ordered.measure(self._events, counts[i])
                own.measures[first + i, 0], own.net_benefit[first + i] = found

    def _fitted(
        self, predictor: Floats, counts: Counts | None, likelihood: Bools,
        own: Performance, other: Performance, part: slice,
    ) -> None:  # fmt: skip
        risk = risk_of(predictor)
        squared = np.square(risk - self._y)
        basis = self.smoother.columns(predictor)
        beginning = Beginning.at(basis, self._y, None, predictor, risk)
        self._lines(basis, None, other, part, beginning)
        other.measures[part, MEASURES.index("brier")] = squared.mean(axis=1)
        other.curve[part] = self._curve(basis, None, beginning)
        if counts is None:
            return
        weights = counts.astype(np.float64)
        n = predictor.shape[1]
        own.measures[part, MEASURES.index("brier")] = (
            np.einsum("kn,kn->k", weights, squared) / n
        )  # fmt: skip
        beginning = Beginning.at(basis, self._y, weights, predictor, risk)
        for name, value in _BY_CONSTRUCTION.items():
            own.measures[part, MEASURES.index(name)] = value
        others = np.flatnonzero(~likelihood)
        if len(others):
            found = Performance.empty(len(others), 0)
            self._lines(
                basis[others], weights[others], found, slice(None), beginning.of_sets(others)
            )
            columns = [MEASURES.index(name) for name in _BY_CONSTRUCTION]
            rows = others + part.start
            own.measures[np.ix_(rows, columns)] = found.measures[:, columns]
        own.curve[part] = self._curve(basis, weights, beginning)

    def _lines(
        self, basis: Floats, weights: Floats | None, into: Performance, part: slice,
        beginning: Beginning,
    ) -> None:  # fmt: skip
        """The straight-line calibrations."""
        k = len(basis)
        both = fit_many(
            basis[:, :2], self._y, weights=weights, start=np.tile([0.0, 1.0], (k, 1)),
            beginning=beginning.of(2),
        )  # fmt: skip
        large = fit_many(
            basis[:, :1], self._y, weights=weights, offset=basis[:, 1], start=np.zeros((k, 1)),
            beginning=beginning.of(1),
        )  # fmt: skip
        both[np.ptp(basis[:, 1], axis=1) < _FLAT] = np.nan
        into.measures[part, MEASURES.index("calibration_slope")] = both[:, 1]
        into.measures[part, MEASURES.index("calibration_intercept")] = large[:, 0]
        into.measures[part, MEASURES.index("recalibration_intercept")] = both[:, 0]

    def _curve(self, basis: Floats, weights: Floats | None, beginning: Beginning) -> Floats:
        """The calibration curve of each set, from the predictions as they are."""
        start = np.zeros((len(basis), basis.shape[1]))
        start[:, 1] = 1.0
        coef = fit_many(basis, self._y, weights=weights, start=start, beginning=beginning)
        coef[np.ptp(basis[:, 1], axis=1) < _FLAT] = np.nan
        return expit(coef @ self._at_grid)

    def apparent_curve(self, predictor: Floats, ci_level: float) -> ApparentCurve:
        """The curve of one set of predictions on the original rows, with a Wald band on the
        logit scale (the predictions taken as given)."""
        basis = self.smoother.columns(predictor[None])
        start = np.zeros((1, basis.shape[1]))
        start[0, 1] = 1.0
        coef = fit_many(basis, self._y, start=start)
        logit = coef[0] @ self._at_grid
        covariance = covariance_of(basis, coef)[0]
        variance = np.einsum("ig,ij,jg->g", self._at_grid, covariance, self._at_grid)
        reach = float(ndtri(0.5 + ci_level / 2.0)) * np.sqrt(variance)
        return ApparentCurve(expit(logit), expit(logit - reach), expit(logit + reach))


def _grid(predictor: Floats) -> Floats:
    """Equally spaced predicted risks inside the range of the data (as rms::calibrate)."""
    ordered = np.sort(expit(predictor))
    outer = min(_OUTER, len(ordered)) - 1
    low, high = ordered[outer], ordered[-1 - outer]
    if not low < high:
        low, high = ordered[0], ordered[-1]
    inside = np.clip([low, high], 1e-12, 1.0 - 1e-12)
    return np.linspace(inside[0], inside[1], _GRID_POINTS)
