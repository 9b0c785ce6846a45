"""Least squares on a blocked design, with classical and robust covariances.

With A = (X'X)^-1, e the residuals, h the leverages, n rows and k parameters, the covariance is

    classical  A e'e / (n - k)
    HC0, HC1   A (sum e^2 x x') A, times n / (n - k) for HC1
    HC2, HC3   A (sum e^2 / (1 - h) x x') A,  A (sum e^2 / (1 - h)^2 x x') A
    cluster    A (sum_g s_g s_g') A G/(G - 1) (n - 1)/(n - k),  s_g = sum over the cluster of e x

(White 1980, doi:10.2307/1912934; MacKinnon & White 1985, doi:10.1016/0304-4076(85)90158-7; Long &
Ervin 2000, doi:10.1080/00031305.2000.10474549; the cluster form is Stata's.) Limits use t with
n - k degrees of freedom, G - 1 with clusters. The outcome is standardised inside.

Checked against lm, sandwich::vcovHC (the `linear` reference files) and statsmodels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from stats.design import Design, Floats, Ints
from stats.errors import NotEstimable
from stats.logistic import invert, sums

ROBUST = ("HC0", "HC1", "HC2", "HC3")
_EXACT = 1e-20  # residual share of the variation that rounding leaves of a perfect fit
_ALONE = 1e-10  # 1 - leverage of a row that decides its own fit


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquares:
    """A fit of the standardised outcome (y - centre) / spread, intercept first.

    `inverse` is (X'X)^-1; `residuals` and `leverage` have one entry per row of the design; `rss`
    and `tss` the sums of squares about the fit and about the mean.
    """

    beta: Floats
    inverse: Floats
    residuals: Floats
    leverage: Floats
    rss: float
    tss: float
    centre: float
    spread: float
    df: int

    @property
    def sigma2(self) -> float:
        """The residual variance on the standardised scale."""
        return self.rss / self.df


def fit_least_squares(design: Design, y: Floats) -> LeastSquares:
    """Fit one entry of `y` per row of the design. NotEstimable for a constant outcome, a singular
    design and a fit that leaves nothing over."""
    centre, spread = float(y.mean()), float(y.std())
    n, k = design.n_rows, design.n_parameters
    if not spread > 1e-12 * max(abs(centre), 1e-300):
        raise NotEstimable("the outcome has the same value in every row.",
                           hint="Choose another outcome.")  # fmt: skip
    z = (y - centre) / spread
    found = sums(design, z)
    inverse = invert(found.gram)
    if inverse is None or n <= k:
        raise NotEstimable("the predictors carry the same information.",
                           hint="Leave out a predictor that repeats others.")  # fmt: skip
    beta = inverse @ found.xty
    residuals, leverage = np.empty(n), np.empty(n)
    for _ in range(2):  # the second turn takes back what the products lost to rounding
        again = np.zeros(k)
        for part, x in design.blocks():
            residuals[part] = z[part] - x @ beta
            leverage[part] = np.einsum("ij,ij->i", x @ inverse, x)
            again += residuals[part] @ x
        beta = beta + inverse @ again
    for part, x in design.blocks():
        residuals[part] = z[part] - x @ beta
    rss, tss = float(residuals @ residuals), float(z @ z)
    if rss <= _EXACT * tss:
        raise NotEstimable(
            "the predictors give the outcome exactly, so nothing is left to judge errors by.",
            hint="Take out the predictor that the outcome was computed from.",
        )
    return LeastSquares(
        beta, inverse, residuals, np.minimum(leverage, 1.0), rss, tss, centre, spread, n - k
    )


def covariance_of(
    design: Design, fit: LeastSquares, robust: str | None, cluster: Ints | None
) -> tuple[Floats, float]:
    """The covariance of the coefficients of the standardised outcome and the degrees of freedom of
    their t. `cluster` holds codes per row of the design."""
    if cluster is not None:
        return _clustered(design, fit, cluster)
    if robust is None:
        return fit.inverse * fit.sigma2, float(fit.df)
    rest = 1.0 - fit.leverage
    if robust in ("HC2", "HC3") and float(rest.min()) < _ALONE:
        row = int(design.rows[int(np.argmin(rest))]) + 1
        raise NotEstimable(
            f"row {row} alone decides its own fit, for which {robust} is not defined.",
            hint="Choose HC1, or merge the level that has one row.",
        )
    power = {"HC0": 0, "HC1": 0, "HC2": 1, "HC3": 2}[robust]
    weight = np.square(fit.residuals) / rest**power
    meat = np.zeros_like(fit.inverse)
    for part, x in design.blocks():
        meat += (x.T * weight[part]) @ x
    factor = design.n_rows / fit.df if robust == "HC1" else 1.0
    return factor * fit.inverse @ meat @ fit.inverse, float(fit.df)


def _clustered(design: Design, fit: LeastSquares, cluster: Ints) -> tuple[Floats, float]:
    _, codes = np.unique(cluster, return_inverse=True)
    n_clusters = int(codes.max()) + 1
    if n_clusters < 2:
        raise NotEstimable("all rows belong to one cluster.", hint="Choose another cluster column.")
    scores = np.zeros((n_clusters, design.n_parameters))
    for part, x in design.blocks():
        own = x * fit.residuals[part][:, None]
        for j in range(design.n_parameters):
            scores[:, j] += np.bincount(codes[part], weights=own[:, j], minlength=n_clusters)
    factor = n_clusters / (n_clusters - 1) * (design.n_rows - 1) / fit.df
    moved = scores @ fit.inverse
    return factor * moved.T @ moved, float(n_clusters - 1)


def joint_test(
    beta: Floats, covariance: Floats, columns: Sequence[int], df: float
) -> tuple[float, float]:
    """F of some coefficients being zero together, and its p; NaN where they are not independent."""
    chosen = list(columns)
    inner = covariance[np.ix_(chosen, chosen)]
    scale = np.sqrt(np.maximum(np.diag(inner), 0.0))
    if not chosen or not np.all(scale > 0.0):
        return np.nan, np.nan
    if not np.linalg.cond(inner / np.outer(scale, scale)) < 1e13:
        return np.nan, np.nan
    own = beta[chosen]
    statistic = float(own @ np.linalg.solve(inner, own)) / len(chosen)
    return statistic, float(fdtrc(len(chosen), df, statistic))
