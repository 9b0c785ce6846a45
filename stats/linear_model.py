"""One linear model of one design: differences in means with t intervals, and measures of fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from stats.design import Bools, Design, Floats, Ints, same_value
from stats.least_squares import LeastSquares, covariance_of, fit_least_squares, joint_test
from stats.term_models import FittedModel

FACTS = (
    "df_residual", "r_squared", "adj_r_squared", "sigma", "f_statistic", "f_df", "f_p",
    "loglik", "aic", "bic", "intercept", "intercept_std_error",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class LinearFit:
    """What was fitted, for the checks of the adjusted model."""

    design: Design
    fit: LeastSquares
    covariance: Floats


@dataclass(eq=False)
class LinearFamily:
    """Linear models of one outcome (`stats.term_models.Family`); `y` has one entry per row of the
    file, NaN where it is missing."""

    outcome: str
    y: Floats
    known: Bools
    robust: str | None
    cluster: Ints | None
    ci_level: float
    effect: str = "mean difference"
    method: str = "least squares"
    fact_names: Sequence[str] = FACTS
    intercept: bool = True
    events: Floats | None = None

    @property
    def interval(self) -> str:
        """The standard errors that the t intervals rest on."""
        if self.cluster is not None:
            return "t, cluster-robust standard errors"
        return "t" if self.robust is None else f"t, {self.robust} standard errors"

    def arrange(self, rows: Ints) -> Ints:
        """The order of the file."""
        return rows

    def refusal(self, rows: Ints) -> str | None:
        """A constant outcome cannot be explained."""
        if same_value(self.y[rows]):
            return (
                f'"{self.outcome}" has the same value in all {len(rows):,} rows. Choose another '
                "outcome, or check its missing codes."
            )
        return None

    def fit(self, design: Design, *, crude: bool) -> FittedModel:
        """Fit by least squares. NotEstimable as `stats.least_squares` says."""
        y = self.y[design.rows]
        fit = fit_least_squares(design, y)
        cluster = None if self.cluster is None else self.cluster[design.rows]
        covariance, df = covariance_of(design, fit, self.robust, cluster)
        scales = design.scales / design.spread * fit.spread
        coef = fit.beta[1:] * scales
        error = np.sqrt(np.maximum(np.diag(covariance)[1:], 0.0)) * scales
        reach = float(stdtrit(df, 0.5 + self.ci_level / 2.0)) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            t = coef / error  # fewer clusters than columns can leave an error of zero
        p_term = {
            term: joint_test(fit.beta, covariance, [j + 1 for j in columns], df)[1]
            for term, columns in design.term_columns.items()
        }
        return FittedModel(
            design=design, method=self.method, interval=self.interval, coef=coef,
            std_error=error, low=coef - reach, high=coef + reach, statistic=t,
            df=np.full(len(coef), df), p_value=2.0 * stdtr(df, -np.abs(t)), p_term=p_term,
            facts=_facts(design, fit, covariance, df),
            kept=None if crude else LinearFit(design, fit, covariance),
        )  # fmt: skip


def _facts(design: Design, fit: LeastSquares, covariance: Floats, df: float) -> dict[str, float]:
    n, k = design.n_rows, design.n_parameters
    intercept, _ = design.reported(fit.beta)
    error = math.sqrt(design.reported_covariance(covariance)[0, 0])
    share = 1.0 - fit.rss / fit.tss
    f, p = joint_test(fit.beta, covariance, range(1, k), df)
    # normal likelihood at the estimate, sigma by maximum likelihood
    loglik = -0.5 * n * (math.log(2.0 * math.pi * fit.rss / n) + 1.0) - n * math.log(fit.spread)
    return {
        "df_residual": float(fit.df),
        "r_squared": share,
        "adj_r_squared": 1.0 - (1.0 - share) * (n - 1) / fit.df,
        "sigma": math.sqrt(fit.sigma2) * fit.spread,
        "f_statistic": f, "f_df": float(k - 1), "f_p": p,
        "loglik": loglik,
        "aic": -2.0 * loglik + 2.0 * (k + 1),
        "bic": -2.0 * loglik + math.log(n) * (k + 1),
        "intercept": fit.centre + fit.spread * intercept,
        "intercept_std_error": fit.spread * error,
    }  # fmt: skip
