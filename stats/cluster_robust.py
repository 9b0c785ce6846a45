"""Cluster-robust (sandwich) errors of logistic models.

Rows of one cluster (a patient, a centre) may depend on each other. With A the inverse information
and s_g the score of cluster g,

    V = G / (G - 1)  A (sum_g s_g s_g') A,    G clusters (the form CR1 of likelihood models)

Estimates stay those of maximum likelihood; intervals and tests are Wald's with V, normal and
chi-square. Liang & Zeger 1986, doi:10.1093/biomet/73.1.13 (independence working correlation);
the factor is that of Stata's vce(cluster). Checked against statsmodels' GLM with cov_type
"cluster", brought to the same factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import chdtrc, expit, ndtr, ndtri

from stats.adjusted import AdjustedModel, ModelNumbers
from stats.count_likelihood import sandwich
from stats.design import Bools, Design, Floats, Ints, Term, make_design
from stats.errors import BadInput
from stats.least_squares import joint_test
from stats.logistic import information, invert
from stats.result import Note
from stats.terms import BinaryOutcome
from stats.time_to_event import codes_of
from stats.univariable import CrudeFit
from stats.variables import Dataset

ROBUST = "robust Wald"
_FEW_CLUSTERS = 30


def cluster_choice(
    dataset: Dataset, name: object, outcome: str, predictors: Sequence[str]
) -> str | None:
    """The cluster column, or None. BadInput where it is the outcome or a predictor."""
    if name is None:
        return None
    column = str(name)
    dataset.variable(column)
    if column == outcome or column in predictors:
        role = "the outcome" if column == outcome else "a predictor"
        raise BadInput(
            f'"{column}" is {role} and cannot also be the cluster.', column=column, rule="cluster",
            hint="Choose the column that names the patient or the centre.",
        )  # fmt: skip
    return column


def with_clusters(
    dataset: Dataset, outcome: BinaryOutcome, column: str | None
) -> tuple[BinaryOutcome, Ints | None]:
    """The outcome on rows whose cluster is known, and the cluster codes of all rows."""
    if column is None:
        return outcome, None
    codes = codes_of(dataset, column)
    known = outcome.known & (codes >= 0)
    if len(np.unique(codes[known])) < 2:
        raise BadInput(
            f'All rows with a known outcome have the same value of "{column}", or none.',
            column=column, rule="cluster", hint="Choose another cluster column, or none.",
        )  # fmt: skip
    lost = int(np.count_nonzero(outcome.known & ~known))
    return replace(outcome, known=known, without_cluster=lost), codes


def cluster_notes(column: str, codes: Ints, rows: Ints) -> list[Note]:
    """A caution where there are few clusters among the rows of the adjusted model."""
    n_clusters = len(np.unique(codes[rows]))
    if not 0 < n_clusters < _FEW_CLUSTERS:
        return []
    text = (
        f'The adjusted model rests on {n_clusters} values of "{column}"; with fewer than '
        f"{_FEW_CLUSTERS} clusters robust intervals tend to be too narrow. Read them with caution."
    )
    return [Note("few_clusters", "caution", text, column)]


def robust_model(
    model: AdjustedModel, y: Bools, cluster: Ints, ci_level: float
) -> AdjustedModel:  # fmt: skip
    """The same model with cluster-robust errors; as it is, with a note, where it has no maximum.

    `y` and `cluster` have one entry per row of the file.
    """
    design, numbers = model.design, model.numbers
    if design is None or numbers is None:
        return model
    if numbers.estimator != "maximum likelihood" or numbers.runaway:
        return replace(model, notes=[*model.notes, _not_used("The adjusted model", None)])
    residual = y[design.rows] - numbers.probability
    covariance = _covariance(design, residual, numbers.covariance, cluster)
    return replace(model, numbers=_with_robust(design, numbers, covariance, ci_level))


def _covariance(design: Design, residual: Floats, bread: Floats, cluster: Ints) -> Floats:
    own = cluster[design.rows]
    if len(own) == 0 or (own == own[0]).all():
        return np.full_like(bread, np.nan)
    return sandwich(design, residual, bread, own)


def _with_robust(
    design: Design, numbers: ModelNumbers, covariance: Floats, ci_level: float
) -> ModelNumbers:
    beta = numbers.beta[1:]
    z, low, high, p_value = _wald(beta, np.sqrt(np.diag(covariance))[1:], ci_level)
    terms = design.term_columns
    tests = {t: wald_statistic(beta, covariance[1:, 1:], columns) for t, columns in terms.items()}
    return replace(
        numbers, interval=ROBUST, covariance=covariance, low=low, high=high, statistic=z,
        p_value=p_value, lr_term=tests,
    )  # fmt: skip


def _wald(
    beta: Floats, std_error: Floats, ci_level: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """z, limits and two-sided p."""
    error = np.where(std_error > 0.0, std_error, np.nan)
    z, reach = beta / error, float(ndtri(0.5 + ci_level / 2.0)) * error
    return z, beta - reach, beta + reach, 2.0 * ndtr(-np.abs(z))


def wald_statistic(beta: Floats, covariance: Floats, columns: Sequence[int]) -> float:
    """Chi-square of some coefficients being zero together; NaN where V does not tell them apart
    (fewer clusters than coefficients)."""
    if not np.all(np.isfinite(covariance)):
        return float("nan")
    return joint_test(beta, covariance, columns, np.inf)[0] * len(columns)


def robust_crude(
    terms: Sequence[Term], fits: Sequence[CrudeFit], y: Bools, known: Bools, cluster: Ints,
    ci_level: float,
) -> list[CrudeFit]:  # fmt: skip
    """The crude fits with cluster-robust errors; Firth's fits stay, with a note."""
    found = []
    for term, fit in zip(terms, fits, strict=True):
        if fit.method != "maximum likelihood" or fit.separated:
            note = _not_used(f'The crude model of "{term.name}"', term.name)
            found.append(fit._replace(notes=(*fit.notes, note)))
        elif np.isfinite(fit.loglik):
            found.append(_robust_fit(term, fit, y, known, cluster, ci_level))
        else:
            found.append(fit)
    return found


def _robust_fit(
    term: Term, fit: CrudeFit, y: Bools, known: Bools, cluster: Ints, ci_level: float
) -> CrudeFit:
    design = make_design([term], np.flatnonzero(known & term.known))
    at = [max(c.level, 0) for c in design.columns]  # place in the fit's arrays
    coef = fit.coef[at]
    if not at or not np.all(np.isfinite(coef)) or not np.isfinite(fit.intercept):
        return fit
    slopes = coef / design.scales
    beta = np.concatenate([[fit.intercept + slopes @ design.centre], slopes * design.spread])
    probability = np.concatenate([expit(x @ beta) for _, x in design.blocks()])
    bread = invert(information(design, probability))
    if bread is None:
        return fit
    covariance = _covariance(design, y[design.rows] - probability, bread, cluster)
    back = design.reported_covariance(covariance)
    error = np.sqrt(np.diag(back))
    z, low, high, p_value = _wald(coef, error[1:], ci_level)
    together = wald_statistic(beta[1:], covariance[1:, 1:], range(len(at)))

    def placed(values: Floats) -> Floats:
        full = np.full(len(fit.coef), np.nan)
        full[at] = values
        return full

    return fit._replace(
        std_error=placed(error[1:]), ci_low=placed(low), ci_high=placed(high),
        statistic=placed(z), df=placed(np.full(len(at), np.nan)), p_value=placed(p_value),
        p_term=float(chdtrc(len(at), together)), intercept_std_error=float(error[0]),
        interval="robust",
    )  # fmt: skip


def _not_used(which: str, term: str | None) -> Note:
    text = (
        f"{which} takes no account of the clusters, because robust standard errors belong to "
        "maximum likelihood. Merge levels without events to keep the clusters."
    )
    return Note("cluster_not_used", "caution", text, term)
