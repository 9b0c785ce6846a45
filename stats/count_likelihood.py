"""Poisson and negative binomial (NB2) log-likelihoods with log link and an offset.

With mu = exp(x'b + offset) and, for NB2, variance mu + a mu^2 and t = log a the last parameter
(theta = 1/a):

    Poisson  sum y log mu - mu - log y!
    NB2      sum lgamma(y + theta) - lgamma(theta) - log y! + theta log theta + y log mu
                 - (y + theta) log(theta + mu)

Informations are observed ones; for NB2 those of b and t together, as Stata and statsmodels use.
(Lawless 1987, doi:10.2307/3314912; Hilbe 2011.) Checked against glm, MASS::glm.nb refined on the
joint likelihood (the `poisson_negbin` reference file), statsmodels and numerical derivatives.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from stats.design import Design, Floats
from stats.likelihood import Point

_MAX_PREDICTOR = 500.0
_TILE_ELEMENTS = 1 << 17


class PoissonLikelihood:
    """Likelihood of the coefficients of `design`, intercept first; y and offset per row."""

    exact_curvature = True

    def __init__(self, design: Design, y: Floats, offset: Floats) -> None:
        self.design = design
        self.y = y
        self.offset = offset
        self.n_parameters = design.n_parameters
        # taken off row by row: sums of large parts would lose the digits that matter
        self._factorial = gammaln(y + 1.0)

    def means(self, beta: Floats) -> Floats:
        """The fitted mean of every row."""
        mu = np.empty(self.design.n_rows)
        for part, x in self.design.blocks():
            mu[part] = np.exp(np.minimum(x @ beta + self.offset[part], _MAX_PREDICTOR))
        return mu

    def at(self, beta: Floats) -> Point:
        """Log-likelihood, score and information."""
        value, score = 0.0, np.zeros(len(beta))
        information = np.zeros((len(beta), len(beta)))
        for part, x in self.design.blocks():
            eta = np.minimum(x @ beta + self.offset[part], _MAX_PREDICTOR)
            mu = np.exp(eta)
            value += float((self.y[part] * eta - mu - self._factorial[part]).sum())
            score += (self.y[part] - mu) @ x
            information += (x.T * mu) @ x
        return Point(beta, value, score, information)

    def points(self, beta: Floats) -> tuple[Floats, Floats]:
        """Values (K,) and scores (p, K) at each column of `beta`."""
        value, score = np.zeros(beta.shape[1]), np.zeros(beta.shape)
        for part, x in self.design.blocks():
            step = max(64, _TILE_ELEMENTS // beta.shape[1])
            for first in range(0, len(x), step):
                own = slice(part.start + first, min(part.start + first + step, part.stop))
                tile = x[first : first + step]
                eta = tile @ beta + self.offset[own, None]
                np.minimum(eta, _MAX_PREDICTOR, out=eta)
                y, mu = self.y[own, None], np.exp(eta)
                value += (y * eta - mu - self._factorial[own, None]).sum(axis=0)
                score += tile.T @ (y - mu)
        return value, score


class NegativeBinomialLikelihood:
    """Likelihood of the coefficients and of log a, which stands last."""

    exact_curvature = True

    def __init__(self, design: Design, y: Floats, offset: Floats) -> None:
        self.design = design
        self.y = y
        self.offset = offset
        self.n_parameters = design.n_parameters + 1
        # taken off row by row: sums of large parts would lose the digits that matter
        self._factorial = gammaln(y + 1.0)

    def means(self, beta: Floats) -> Floats:
        """The fitted mean of every row, for coefficients without log a."""
        mu = np.empty(self.design.n_rows)
        for part, x in self.design.blocks():
            mu[part] = np.exp(np.minimum(x @ beta + self.offset[part], _MAX_PREDICTOR))
        return mu

    def at(self, beta: Floats) -> Point:
        """Log-likelihood, score and observed information of all parameters."""
        p = self.design.n_parameters
        value, score = 0.0, np.zeros(p + 1)
        information = np.zeros((p + 1, p + 1))
        theta = float(np.exp(-beta[-1]))
        for part, x in self.design.blocks():
            y = self.y[part]
            eta = np.minimum(x @ beta[:-1] + self.offset[part], _MAX_PREDICTOR)
            mu = np.exp(eta)
            own, slope, bend = _dispersion_terms(y, mu, theta)
            value += float((own + y * eta - self._factorial[part]).sum())
            share = theta / (theta + mu)
            score[:p] += ((y - mu) * share) @ x
            score[-1] -= theta * slope
            weight = mu * share * (y + theta) / (theta + mu)
            information[:p, :p] += (x.T * weight) @ x
            cross = (theta * mu * (y - mu) / np.square(theta + mu)) @ x
            information[:p, -1] += cross
            information[-1, -1] -= theta * theta * bend + theta * slope
        information[-1, :p] = information[:p, -1]
        return Point(beta, value, score, information)

    def points(self, beta: Floats) -> tuple[Floats, Floats]:
        """Values (K,) and scores (p + 1, K) at each column of `beta`."""
        k = beta.shape[1]
        value, score = np.zeros(k), np.zeros(beta.shape)
        theta = np.exp(-beta[-1])
        for part, x in self.design.blocks():
            step = max(64, _TILE_ELEMENTS // k)
            for first in range(0, len(x), step):
                own = slice(part.start + first, min(part.start + first + step, part.stop))
                tile, y = x[first : first + step], self.y[own, None]
                eta = np.minimum(tile @ beta[:-1] + self.offset[own, None], _MAX_PREDICTOR)
                mu = np.exp(eta)
                total = theta + mu
                rows = y * eta - (y + theta) * np.log(total) + gammaln(y + theta)
                rows += theta * np.log(theta) - gammaln(theta) - self._factorial[own, None]
                value += rows.sum(axis=0)
                slope = (digamma(y + theta) - np.log(total) - (y + theta) / total).sum(axis=0)
                slope += len(y) * (1.0 + np.log(theta) - digamma(theta))
                score[:-1] += tile.T @ ((y - mu) * theta / total)
                score[-1] -= theta * slope
        return value, score


def _dispersion_terms(y: Floats, mu: Floats, theta: float) -> tuple[Floats, float, float]:
    """The log-likelihood of each row without y log mu and constants, and the derivatives of its
    sum by theta."""
    total, n = theta + mu, len(y)
    value = gammaln(y + theta) - (y + theta) * np.log(total)
    value += theta * np.log(theta) - float(gammaln(theta))
    slope = float((digamma(y + theta) - np.log(total) - (y + theta) / total).sum())
    slope += n * (1.0 + np.log(theta) - float(digamma(theta)))
    bend = float((polygamma(1, y + theta) - 2.0 / total + (y + theta) / np.square(total)).sum())
    bend += n * (1.0 / theta - float(polygamma(1, theta)))
    return value, slope, bend


def expected_information(design: Design, mu: Floats, alpha: float) -> Floats:
    """X' diag(mu / (1 + a mu)) X: the information of the coefficients with a held fixed."""
    total = np.zeros((design.n_parameters, design.n_parameters))
    for part, x in design.blocks():
        total += (x.T * (mu[part] / (1.0 + alpha * mu[part]))) @ x
    return total


def sandwich(
    design: Design, residual: Floats, covariance: Floats, cluster: np.ndarray | None
) -> Floats:
    """A (sum e^2 x x') A, or with e x summed over clusters (codes per row) and G / (G - 1).

    `residual` is the derivative of the log-likelihood by the linear predictor, `covariance` the
    inverse information A.
    """
    p = design.n_parameters
    if cluster is None:
        meat = np.zeros((p, p))
        for part, x in design.blocks():
            meat += (x.T * np.square(residual[part])) @ x
        return covariance @ meat @ covariance
    _, codes = np.unique(cluster, return_inverse=True)
    sums = np.zeros((int(codes.max()) + 1, p))
    for part, x in design.blocks():
        own = x * residual[part][:, None]
        for j in range(p):
            sums[:, j] += np.bincount(codes[part], weights=own[:, j], minlength=len(sums))
    moved = sums @ covariance
    return len(sums) / max(len(sums) - 1, 1) * moved.T @ moved
