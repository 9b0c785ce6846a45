"""Finding the maximum of the negative binomial likelihood, coefficients and dispersion together.

For a fixed dispersion the likelihood is concave in the coefficients, so it is climbed in turns:
coefficients, dispersion, and at last both together by Newton. Without overdispersion the maximum
lies at a = 0, where the model is Poisson's; whether it does is told by the derivative there,
sum((y - mu)^2 - y) / 2 at the Poisson fit.
"""

from __future__ import annotations

import numpy as np

from stats.count_likelihood import NegativeBinomialLikelihood
from stats.design import Floats
from stats.likelihood import Maximum, Point, maximise

_TURNS = 25
_CLOSE = 1e-4  # gain of a turn below which Newton on all parameters takes over
_BOUNDS = (-25.0, 12.0)  # of log a


class _Coefficients:
    """The likelihood with log a held fixed."""

    exact_curvature = True

    def __init__(self, model: NegativeBinomialLikelihood, log_alpha: float) -> None:
        self.model = model
        self.log_alpha = log_alpha
        self.n_parameters = model.n_parameters - 1

    def at(self, beta: Floats) -> Point:
        point = self.model.at(np.append(beta, self.log_alpha))
        return Point(beta, point.loglik, point.score[:-1], point.information[:-1, :-1])

    def points(self, beta: Floats) -> tuple[Floats, Floats]:
        held = np.full((1, beta.shape[1]), self.log_alpha)
        value, score = self.model.points(np.concatenate([beta, held]))
        return value, score[:-1]


def is_overdispersed(y: Floats, mu: Floats) -> bool:
    """Whether the likelihood rises when a leaves 0, at the Poisson fit."""
    excess = np.square(y - mu) - y
    # rounding of a perfectly equidispersed sample does not count
    return float(excess.sum()) > 1e-9 * float(y.sum())


def fit_negative_binomial(
    model: NegativeBinomialLikelihood, start: Floats, mu: Floats
) -> Maximum | None:
    """The maximum over coefficients and log a from the Poisson coefficients `start` with means
    `mu`; None when it was not found."""
    excess = float((np.square(model.y - mu) - model.y).sum()) / float(np.square(mu).sum())
    log_alpha = float(np.clip(np.log(max(excess, 1e-4)), -9.0, 4.0))
    beta, best = start, -np.inf
    for _ in range(_TURNS):
        found = maximise(_Coefficients(model, log_alpha), beta)
        beta = found.point.beta
        log_alpha, value = _best_dispersion(model, beta, log_alpha)
        gain, best = value - best, value
        if gain < _CLOSE:
            joint = maximise(model, np.append(beta, log_alpha))
            if joint.settled and joint.point.loglik >= best - 1e-6:
                return joint
            if gain < 1e-12:
                return None
    return None


def _best_dispersion(
    model: NegativeBinomialLikelihood, beta: Floats, log_alpha: float
) -> tuple[float, float]:
    """The log a that is best for these coefficients (Newton, kept in bounds), and its value."""
    point = model.at(np.append(beta, log_alpha))
    for _ in range(50):
        slope, bend = float(point.score[-1]), float(point.information[-1, -1])
        step = slope / bend if bend > 0 else float(np.sign(slope))
        step = float(np.clip(step, -2.0, 2.0))
        moved, trial = point, log_alpha
        for _halving in range(30):
            trial = float(np.clip(log_alpha + step, *_BOUNDS))
            moved = model.at(np.append(beta, trial))
            if moved.loglik >= point.loglik or abs(step) < 1e-10:
                break
            step /= 2.0
        if moved.loglik < point.loglik:
            break
        shift, log_alpha, point = abs(trial - log_alpha), trial, moved
        if shift < 1e-8:
            break
    return log_alpha, point.loglik
