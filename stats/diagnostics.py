"""How well a fitted binary model describes the data that made it, and which rows move it.

All measures are apparent (same data). With p the fitted probability, C the covariance of the
coefficients, x a row of the design, q = x'Cx, w = p(1 - p) and k the number of parameters:

    leverage  h = w q
    Cook      D = (y - p)^2 q / ((1 - h)^2 k)
    dfbeta    b - b(without the row) = C x (y - p) / (1 - h), one Newton step

(Pregibon 1981, doi:10.1214/aos/1176345513). Fitted probabilities that differ by rounding only
count as tied, so that the order of the rows changes nothing.

Checked against R (the `logistic` reference files: glm, pROC, hoslem.test) and statsmodels
(GLMInfluence, calibration refits).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.special import chdtrc, expit, ndtri

from stats.collinearity import collinearity_frame, vif_of
from stats.design import Bools, Design, Floats, Ints
from stats.ranks import concordance_of_counts
from stats.result import OutcomeDiagnostics

_TIED = 1e-12  # difference of linear predictors that rounding can make
_TOP_ROWS = 5
_GROUPS = 10
_TILE_ELEMENTS = 1 << 17


class Discrimination(NamedTuple):
    """C-statistic (area under the ROC curve) with DeLong's standard error and interval."""

    area: float
    std_error: float
    low: float
    high: float


class Calibration(NamedTuple):
    """Intercept with the slope held at 1, and slope with its own intercept.

    Both by logistic regression of y on the linear predictor; NaN where that has no maximum.
    """

    intercept: float
    slope: float


class HosmerLemeshow(NamedTuple):
    """Chi-square over groups of predicted risk, df = groups - 2."""

    statistic: float
    df: int
    p_value: float


class RiskGroups(NamedTuple):
    """Groups of rising predicted risk: rows, events, and the sum of the probabilities."""

    n: Floats
    events: Floats
    expected: Floats


class Influence(NamedTuple):
    """One entry per row of the design."""

    cooks_distance: Floats
    leverage: Floats


def fit_measures(loglik: float, loglik_null: float, *, n: int, parameters: int) -> dict[str, float]:
    """`aic`, `bic`, `mcfadden_r2`, `nagelkerke_r2` of a binary model.

    `parameters` counts the intercept. McFadden: 1 - l / l0. Nagelkerke (1991,
    doi:10.1093/biomet/78.3.691): (1 - exp(2 (l0 - l) / n)) / (1 - exp(2 l0 / n)). NaN where the
    null model fits perfectly.
    """
    deviance = -2.0 * loglik
    measures = {
        "aic": deviance + 2.0 * parameters,
        "bic": deviance + parameters * math.log(n) if n else math.nan,
        "mcfadden_r2": math.nan,
        "nagelkerke_r2": math.nan,
    }
    if loglik_null < 0.0:
        measures["mcfadden_r2"] = 1.0 - loglik / loglik_null
        gain = math.expm1(2.0 * (loglik_null - loglik) / n)
        measures["nagelkerke_r2"] = gain / math.expm1(2.0 * loglik_null / n)
    return measures


def brier_score(y: Floats | Bools, probability: Floats) -> float:
    """Mean of (p - y)^2."""
    return float(np.mean(np.square(probability - y)))


def discrimination(
    y: Floats | Bools, probability: Floats, *, ci_level: float = 0.95
) -> Discrimination:
    """C-statistic of fitted probabilities, normal interval cut to [0, 1]; O(n log n).

    Checked against pROC::ci.auc(method = "delong").
    """
    order, starts = _ordered(probability)
    n = np.diff(starts, append=len(order)).astype(np.float64)
    events = np.add.reduceat(np.asarray(y, dtype=np.float64)[order], starts)
    _, found = concordance_of_counts(events, n - events)
    low, high = found.limits(float(ndtri(0.5 + ci_level / 2.0)))
    return Discrimination(found.area, math.sqrt(found.variance), low, high)


def _ordered(probability: Floats) -> tuple[Ints, Ints]:
    """Rows by rising probability, and where each run of tied rows starts."""
    order = np.argsort(probability)
    p = probability[order]
    step = _TIED * p[1:] * (1.0 - p[1:]) + 2.3e-16 * (p[1:] > 0.5)  # 1 - p has absolute rounding
    return order, np.concatenate(([0], np.flatnonzero(np.diff(p) > step) + 1))


def risk_groups(y: Floats | Bools, probability: Floats, groups: int = _GROUPS) -> RiskGroups:
    """Groups cut at the type-7 quantiles of p, closed on the right; equal cuts fall together."""
    order, starts = _ordered(probability)
    n = len(order)
    runs = np.diff(starts, append=n)
    p = np.repeat(probability[order][starts], runs)
    places = np.arange(1, groups) * (n - 1) / groups
    below = places.astype(np.intp)
    low, high = p[below], p[np.minimum(below + 1, n - 1)]
    cuts = np.unique(np.concatenate([low + (places - below) * (high - low), p[-1:]]))
    cuts = cuts[(cuts > p[0]) | (cuts == p[-1])]  # the first group is closed on both sides
    group = np.searchsorted(cuts, p, side="left")
    cells = len(cuts)

    def total(weights: Floats) -> Floats:
        return np.bincount(group, weights=weights, minlength=cells).astype(np.float64)

    count = total(np.ones(n))
    kept = count > 0
    events, expected = total(np.asarray(y, dtype=np.float64)[order]), total(probability[order])
    return RiskGroups(count[kept], events[kept], expected[kept])


def hosmer_lemeshow(found: RiskGroups) -> HosmerLemeshow:
    """Hosmer & Lemeshow's test; NaN with fewer than three groups.

    Checked against ResourceSelection::hoslem.test (R); ties of p make its groups differ.
    """
    df = len(found.n) - 2
    others = found.n - found.expected
    if df < 1 or found.expected.min() <= 0.0 or others.min() <= 0.0:
        return HosmerLemeshow(math.nan, max(df, 0), math.nan)
    difference = np.square(found.events - found.expected)
    statistic = float((difference / found.expected + difference / others).sum())
    return HosmerLemeshow(statistic, df, float(chdtrc(df, statistic)))


def calibration(y: Floats | Bools, probability: Floats) -> Calibration:
    """Calibration intercept (slope 1) and slope of fitted probabilities.

    For maximum likelihood they are 0 and 1 by construction; a penalised model shrinks, so its
    slope is above 1. Checked against statsmodels Logit and GLM with an offset.
    """
    y = np.asarray(y, dtype=np.float64)
    inside = np.clip(probability, 1e-16, 1.0 - 1e-16)
    predictor = np.log(inside) - np.log1p(-inside)
    ones = np.ones((len(y), 1))
    intercept = _newton(y, ones, predictor)
    both = _newton(y, np.column_stack([ones, predictor]), np.zeros(len(y)), start=(0.0, 1.0))
    return Calibration(intercept[0], both[1])


def _newton(
    y: Floats, x: Floats, offset: Floats, start: tuple[float, ...] = (0.0,)
) -> tuple[float, ...]:
    """Maximum-likelihood coefficients of a logistic model of one or two columns, else NaN."""
    beta = np.array(start)
    for _ in range(30):
        p = expit(offset + x @ beta)
        score = x.T @ (y - p)
        weight = p * (1.0 - p)
        information = (x * weight[:, None]).T @ x
        if not np.linalg.cond(information) < 1e14:
            break
        step = np.linalg.solve(information, score)
        if float(step @ score) < 1e-20 * len(y):
            return tuple(float(b) for b in beta + step)
        beta = beta + step * min(1.0, 5.0 / float(np.abs(step).max()))
    return (math.nan,) * len(beta)


def influence(
    design: Design, y: Floats | Bools, probability: Floats, covariance: Floats
) -> Influence:
    """Cook's distance and leverage of every row.

    `covariance` is the inverse information on the internal scale. Checked against statsmodels
    GLMInfluence.
    """
    y = np.asarray(y, dtype=np.float64)
    k = design.n_parameters
    squared = np.empty(design.n_rows)
    step = max(256, _TILE_ELEMENTS // k)
    buffer = np.empty((k, min(step, max(1, design.n_rows))))
    for part, x in design.blocks():
        for start in range(0, len(x), step):
            tile = x[start : start + step]
            moved = np.matmul(covariance, tile.T, out=buffer[:, : len(tile)])
            first = part.start + start
            squared[first : first + len(tile)] = np.einsum("ij,ij->j", moved, tile.T)
    leverage = probability * (1.0 - probability) * squared
    with np.errstate(divide="ignore"):  # a leverage of 1: the row alone decides its fit
        distance = np.square((y - probability) / (1.0 - leverage)) * squared / k
    return Influence(distance, leverage)


def dfbeta(
    design: Design,
    y: Floats | Bools,
    probability: Floats,
    covariance: Floats,
    rows: Ints,
) -> Floats:
    """Change of the reported coefficients (rows x columns) by each of some rows of the design.

    b - b(without the row) by one step, per `Term.scale` units; divide by the standard errors
    for DFBETAS. `rows` count from 0 within the design.
    """
    x = design.rows_at(rows)
    p = probability[rows]
    moved = x @ covariance
    leverage = p * (1.0 - p) * np.einsum("ij,ij->i", moved, x)
    pull = (np.asarray(y, dtype=np.float64)[rows] - p) / (1.0 - leverage)
    return moved[:, 1:] * pull[:, None] * (design.scales / design.spread)


def diagnose(
    design: Design,
    y: Floats | Bools,
    probability: Floats,
    covariance: Floats,
    *,
    hosmer_lemeshow_test: bool = False,
    gram_matrix: Floats | None = None,
) -> OutcomeDiagnostics:
    """Collinearity, influence, calibration and the scalar facts of a fitted model.

    `covariance` belongs to the internal scale; where it holds NaN (coefficients without an
    estimate) there is no influence table. `gram_matrix` is X'X of the design, where the caller
    has it. Facts: `events_per_parameter` (rows with the rarer outcome per coefficient, intercept
    not counted), `calibration_intercept`, `calibration_slope`, and on request
    `hosmer_lemeshow_statistic`, `_df`, `_p`.
    """
    events = float(np.sum(y))
    groups = risk_groups(y, probability)
    found = calibration(y, probability)
    facts: dict[str, Any] = {
        "events_per_parameter": min(events, len(y) - events) / max(1, len(design.columns)),
        "calibration_intercept": found.intercept,
        "calibration_slope": found.slope,
    }
    if hosmer_lemeshow_test:
        test = hosmer_lemeshow(groups)
        facts |= {
            "hosmer_lemeshow_statistic": test.statistic,
            "hosmer_lemeshow_df": test.df,
            "hosmer_lemeshow_p": test.p_value,
        }
    return OutcomeDiagnostics(
        collinearity=collinearity_frame(design, vif_of(design, gram_matrix=gram_matrix)),
        influence=_influence_frame(design, y, probability, covariance),
        calibration={
            "group": np.arange(1, len(groups.n) + 1),
            "n": groups.n.astype(np.int64),
            "predicted": groups.expected / groups.n,
            "observed": groups.events / groups.n,
        },
        facts=facts,
    )


def no_diagnostics() -> OutcomeDiagnostics:
    """The diagnostics of a model that could not be fitted: empty tables, no facts."""
    tables = {
        name: {column: [] for column in vars(OutcomeDiagnostics)[name].columns}
        for name in ("collinearity", "influence", "calibration")
    }
    return OutcomeDiagnostics(**tables)


def _influence_frame(
    design: Design, y: Floats | Bools, probability: Floats, covariance: Floats
) -> dict[str, Any]:
    """The rows with the largest Cook's distance, each with the coefficient that it moves most."""
    if not np.all(np.isfinite(covariance)):
        top: Ints = np.empty(0, dtype=np.intp)
        distance, leverage = np.empty(0), np.empty(0)
    else:
        distance, leverage = influence(design, y, probability, covariance)
        top = _largest(distance, _TOP_ROWS)
    moved = dfbeta(design, y, probability, covariance, top)
    errors = np.sqrt(np.diag(design.reported_covariance(covariance)))[1:]
    column: Ints = np.argmax(np.abs(moved) / errors, axis=1).astype(np.intp) if len(top) else top
    at = [design.columns[int(j)] for j in column]
    return {
        "row": design.rows[top] + 1,
        "cooks_distance": distance[top],
        "leverage": leverage[top],
        "term": [design.terms[c.term].name for c in at],
        "level": [design.terms[c.term].levels[c.level] if c.level >= 0 else None for c in at],
        "dfbeta": moved[np.arange(len(top)), column],
    }


def _largest(values: Floats, count: int) -> Ints:
    """Rows of the largest values, largest first; of equal values the earlier row."""
    least = np.partition(values, -count)[-count] if len(values) > count else -np.inf
    found = np.flatnonzero(values >= least)
    return found[np.argsort(-values[found], kind="stable")][:count]
