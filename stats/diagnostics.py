"""How well a fitted binary model describes the data that made it.

All measures are apparent (same data). Fitted probabilities that differ by rounding only count as
tied, so that the order of the rows changes nothing.

Checked against R (the `logistic` reference files: glm, pROC, hoslem.test) and statsmodels
(calibration refits).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.special import chdtrc, expit, ndtri

from stats.collinearity import Dependence, collinearity_frame, vif_of
from stats.design import Bools, Design, Floats, Ints
from stats.influence import dfbeta, most_influential
from stats.ranks import concordance_of_counts
from stats.result import OutcomeDiagnostics

_TIED = 1e-12  # difference of linear predictors that rounding can make
_TOP_ROWS = 5
_GROUPS = 10
_ROUNDS = 30  # of Newton's method for a calibration
_STILL = 1e-20  # squared length of a step, in standard errors per row, that ends it
_LONGEST = 5.0  # of a step in the logit
_SINGULAR = 1e-14  # determinant over squared trace: the inverse of the condition number


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


class RiskOrder(NamedTuple):
    """Rows by rising fitted probability, and where each run of tied rows starts among them."""

    rows: Ints
    starts: Ints


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
    y: Floats | Bools, probability: Floats, *, ci_level: float = 0.95,
    ordered: RiskOrder | None = None,
) -> Discrimination:  # fmt: skip
    """C-statistic of fitted probabilities, normal interval cut to [0, 1]; O(n log n).

    `ordered` is `risk_order(probability)`, where the caller has it.
    Checked against pROC::ci.auc(method = "delong").
    """
    order, starts = risk_order(probability) if ordered is None else ordered
    n = np.diff(starts, append=len(order)).astype(np.float64)
    events = np.add.reduceat(np.asarray(y, dtype=np.float64)[order], starts)
    _, found = concordance_of_counts(events, n - events)
    low, high = found.limits(float(ndtri(0.5 + ci_level / 2.0)))
    return Discrimination(found.area, math.sqrt(found.variance), low, high)


def risk_order(probability: Floats) -> RiskOrder:
    """Rows by rising probability, and where each run of tied rows starts."""
    order = np.argsort(probability)
    p = probability[order]
    step = _TIED * p[1:] * (1.0 - p[1:]) + 2.3e-16 * (p[1:] > 0.5)  # 1 - p has absolute rounding
    return RiskOrder(order, np.concatenate(([0], np.flatnonzero(np.diff(p) > step) + 1)))


def risk_groups(
    y: Floats | Bools, probability: Floats, groups: int = _GROUPS,
    ordered: RiskOrder | None = None,
) -> RiskGroups:  # fmt: skip
    """Groups cut at the type-7 quantiles of p, closed on the right; equal cuts fall together."""
    order, starts = risk_order(probability) if ordered is None else ordered
    n = len(order)
    runs = np.diff(starts, append=n)
    p = np.repeat(probability[order][starts], runs)
    places = np.arange(1, groups) * (n - 1) / groups
    below = places.astype(np.intp)
    low, high = p[below], p[np.minimum(below + 1, n - 1)]
    cuts = np.concatenate([low + (places - below) * (high - low), p[-1:]])
    cuts = cuts[np.diff(cuts, prepend=-np.inf) > 0]  # quantiles ascend
    cuts = cuts[(cuts > p[0]) | (cuts == p[-1])]  # the first group is closed on both sides
    group = np.searchsorted(cuts, p, side="left")
    cells = len(cuts)

    def total(weights: Floats) -> Floats:
        return np.bincount(group, weights=weights, minlength=cells).astype(np.float64)

    count = np.bincount(group, minlength=cells).astype(np.float64)
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
    return Calibration(_shift(y, predictor, inside), _slope(y, predictor, inside))


def _shift(y: Floats, predictor: Floats, p: Floats) -> float:
    """Maximum-likelihood intercept with the predictor as an offset, by Newton from 0, where the
    risks are `p`; else NaN."""
    shift = 0.0
    for _ in range(_ROUNDS):
        score, weight = float((y - p).sum()), float(p @ (1.0 - p))
        if not weight > 0.0:
            break
        step = score / weight
        if step * score < _STILL * len(y):
            return shift + step
        shift += step * min(1.0, _LONGEST / abs(step))
        p = expit(predictor + shift)
    return math.nan


def _slope(y: Floats, predictor: Floats, p: Floats) -> float:
    """Maximum-likelihood slope of y on the predictor and an intercept, by Newton from 1 and 0,
    where the risks are `p`; else NaN."""
    intercept, slope = 0.0, 1.0
    for _ in range(_ROUNDS):
        left, weight = y - p, p * (1.0 - p)
        weighted = weight * predictor
        g0, g1 = float(left.sum()), float(left @ predictor)
        h0, h1, h2 = float(weight.sum()), float(weighted.sum()), float(weighted @ predictor)
        determinant = h0 * h2 - h1 * h1
        if not determinant > _SINGULAR * (h0 + h2) ** 2:
            break
        d0, d1 = (h2 * g0 - h1 * g1) / determinant, (h0 * g1 - h1 * g0) / determinant
        if d0 * g0 + d1 * g1 < _STILL * len(y):
            return slope + d1
        share = min(1.0, _LONGEST / max(abs(d0), abs(d1)))
        intercept, slope = intercept + share * d0, slope + share * d1
        p = expit(intercept + slope * predictor)
    return math.nan


def diagnose(
    design: Design,
    y: Floats | Bools,
    probability: Floats,
    covariance: Floats,
    *,
    hosmer_lemeshow_test: bool = False,
    gram_matrix: Floats | None = None,
    ordered: RiskOrder | None = None,
    dependence: Dependence | None = None,
) -> OutcomeDiagnostics:
    """Collinearity, influence, calibration and the scalar facts of a fitted model.

    `covariance` belongs to the internal scale; where it holds NaN (coefficients without an
    estimate) there is no influence table. `gram_matrix` is X'X of the design, `ordered` the
    `risk_order` of the probabilities, `dependence` the `dependence_of` the design, where the
    caller has them. Facts: `events_per_parameter`
    (rows with the rarer outcome per coefficient, intercept not counted), `calibration_intercept`,
    `calibration_slope`, and on request `hosmer_lemeshow_statistic`, `_df`, `_p`.
    """
    events = float(np.sum(y))
    groups = risk_groups(y, probability, ordered=ordered)
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
        collinearity=collinearity_frame(
            design, vif_of(design, gram_matrix=gram_matrix, dependence=dependence)
        ),
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
        top, (distance, leverage) = most_influential(design, y, probability, covariance, _TOP_ROWS)
    moved = dfbeta(design, y, probability, covariance, top)
    errors = design.reported_errors(covariance)
    column: Ints = np.argmax(np.abs(moved) / errors, axis=1).astype(np.intp) if len(top) else top
    at = [design.columns[int(j)] for j in column]
    return {
        "row": design.rows[top] + 1,
        "cooks_distance": distance,
        "leverage": leverage,
        "term": [design.terms[c.term].name for c in at],
        "level": [design.terms[c.term].levels[c.level] if c.level >= 0 else None for c in at],
        "dfbeta": moved[np.arange(len(top)), column],
    }
