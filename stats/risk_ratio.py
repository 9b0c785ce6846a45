"""Risk ratios and standardised risk differences beside the odds ratios of an outcome model.

Risk ratio: modified Poisson regression on the rows and columns of the adjusted model - a Poisson
model with log link of the 0/1 outcome, whose errors are made honest by the sandwich estimator
A (sum e^2 x x') A (HC0; with clusters their scores are summed and G / (G - 1) is applied).
Zou 2004, doi:10.1093/aje/kwh090; Zou & Donner 2013, doi:10.1177/0962280211427759.

Standardised risk difference: the adjusted logistic model predicts the risk of every row as if it
had this level, and as if it had the reference (a continuous predictor: as it is, and `Term.scale`
units more); the two means are subtracted. Its error follows by the delta method from the
coefficients' covariance, the patients held fixed. Localio, Margolis & Berlin 2007,
doi:10.1016/j.jclinepi.2006.12.001; Muller & MacLehose 2014, doi:10.1093/ije/dyu029.

Checked against statsmodels (GLM Poisson with HC0 and clustered covariance; plain prediction
loops with numerical derivatives) and, for one factor alone, the closed forms of the 2x2 table.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, ndtr, ndtri

from stats.adjusted import AdjustedModel, ModelNumbers
from stats.count_likelihood import PoissonLikelihood, sandwich
from stats.design import Bools, Design, Floats, Ints
from stats.errors import NotEstimable
from stats.likelihood import is_proven, maximise, reach_of
from stats.result import Note

RISK_RATIO = "risk ratio"
RISK_DIFFERENCE = "risk difference"
_COLUMNS = (
    "measure", "term", "level", "reference", "risk", "risk_reference", "estimate", "std_error",
    "ci_low", "ci_high", "statistic", "p_value",
)  # fmt: skip
_NAN = math.nan


@dataclass(frozen=True, slots=True)
class Contrast:
    """One comparison of a term: a level (index) with its reference, or -1: a step of its units."""

    term: int
    level: int
    columns: tuple[int, ...]


def risks_of(
    model: AdjustedModel, y: Bools, cluster: Ints | None, ci_level: float
) -> tuple[dict[str, list[Any]], list[Note]]:
    """The columns of `OutcomeExtras.risks`: a risk ratio and a risk difference per term and level.

    `model` has the covariance that is reported; `y` and `cluster` have one entry per row of the
    file. Spline terms have no single contrast and are left out. Where the Poisson model has no
    maximum its ratios are missing, with a note.
    """
    design, numbers = model.design, model.numbers
    if design is None or numbers is None:
        return {name: [] for name in _COLUMNS}, []
    quantile = float(ndtri(0.5 + ci_level / 2.0))
    notes: list[Note] = []
    ratios: tuple[Floats, Floats] | None = None
    try:
        ratios = modified_poisson(design, y[design.rows].astype(np.float64), cluster)
    except NotEstimable as error:
        notes.append(Note("no_risk_ratio", "warning", f"No risk ratios: {error}"))
    contrasts = list(_contrasts(model, design))
    rows = [_ratio_row(design, contrast, ratios, quantile) for contrast in contrasts]
    rows += [_difference_row(design, numbers, contrast, quantile) for contrast in contrasts]
    if numbers.estimator != "maximum likelihood":
        notes.append(_note_on_penalty())
    return {name: [row[name] for row in rows] for name in _COLUMNS}, notes


def _contrasts(model: AdjustedModel, design: Design) -> Iterator[Contrast]:
    place = design.term_columns
    for t, term in enumerate(model.terms):
        if term.bends or t not in place:
            continue
        if term.kind == "factor" and not np.any(term.values[model.rows] == term.reference):
            continue  # nothing to compare with
        for j in place[t]:
            yield Contrast(t, design.columns[j].level, tuple(place[t]))


def modified_poisson(
    design: Design, y: Floats, cluster: Ints | None
) -> tuple[Floats, Floats]:  # fmt: skip
    """Coefficients (log risk ratios, intercept first) and their robust covariance, both on the
    internal scale of the design. NotEstimable where the Poisson model has no maximum."""
    model = PoissonLikelihood(design, y, np.zeros(len(y)))
    start = np.zeros(design.n_parameters)
    start[0] = math.log(float(y.mean()))
    found = maximise(model, start)
    bread = found.covariance
    if bread is None or not is_proven(
        found, reach_of(design, bread, intercept=True), design.n_rows
    ):
        raise NotEstimable(
            "a level without events has no finite ratio.", hint="Merge levels without events."
        )
    beta = found.point.beta
    codes = None if cluster is None else cluster[design.rows]
    return beta, sandwich(design, y - model.means(beta), bread, codes)


def _place(design: Design, contrast: Contrast) -> int:
    return next(j for j in contrast.columns if design.columns[j].level == contrast.level)


def _labels(design: Design, contrast: Contrast) -> dict[str, Any]:
    term = design.terms[contrast.term]
    factor = contrast.level >= 0
    return {
        "term": term.name,
        "level": term.levels[contrast.level] if factor else None,
        "reference": term.levels[term.reference] if factor else None,
    }


def _ratio_row(
    design: Design, contrast: Contrast, ratios: tuple[Floats, Floats] | None, quantile: float
) -> dict[str, Any]:
    row = {
        "measure": RISK_RATIO, **_labels(design, contrast), "risk": _NAN, "risk_reference": _NAN,
        "estimate": _NAN, "std_error": _NAN, "ci_low": _NAN, "ci_high": _NAN, "statistic": _NAN,
        "p_value": _NAN,
    }  # fmt: skip
    if ratios is None:
        return row
    j = _place(design, contrast)
    beta, covariance = ratios
    scale = float(design.scales[j] / design.spread[j])
    coef = float(beta[j + 1]) * scale
    error = math.sqrt(max(float(covariance[j + 1, j + 1]), 0.0)) * scale
    z = coef / error if error > 0.0 else _NAN
    limits = [coef, coef - quantile * error, coef + quantile * error]
    estimate, low, high = np.exp(np.minimum(limits, 700.0)).tolist()
    return row | {
        "estimate": estimate, "std_error": error, "ci_low": low, "ci_high": high,
        "statistic": z, "p_value": float(2.0 * ndtr(-abs(z))),
    }  # fmt: skip


def _difference_row(
    design: Design, numbers: ModelNumbers, contrast: Contrast, quantile: float
) -> dict[str, Any]:
    """Standardised risks of both sides, their difference and its delta-method error."""
    risk, risk_slope, base, base_slope = _standardised(design, numbers.beta, contrast)
    gradient = risk_slope - base_slope
    difference = risk - base
    variance = float(gradient @ numbers.covariance @ gradient)
    error = math.sqrt(variance) if variance > 0.0 else _NAN
    if set(contrast.columns) & set(numbers.runaway):
        difference = error = risk = base = _NAN
    z = difference / error
    return {
        "measure": RISK_DIFFERENCE, **_labels(design, contrast), "risk": risk,
        "risk_reference": base, "estimate": difference, "std_error": error,
        "ci_low": difference - quantile * error, "ci_high": difference + quantile * error,
        "statistic": z, "p_value": float(2.0 * ndtr(-abs(z))),
    }  # fmt: skip


def _standardised(
    design: Design, beta: Floats, contrast: Contrast
) -> tuple[float, Floats, float, Floats]:
    """Mean risk and its gradient with the level (or one step more), then with the reference."""
    own = [j + 1 for j in contrast.columns]
    j = _place(design, contrast) + 1
    step = float(design.scales[j - 1] / design.spread[j - 1])
    factor = contrast.level >= 0
    sums = np.zeros((2, 1 + len(beta)))
    for _, x in design.blocks():
        eta = x @ beta
        rest = eta - x[:, own] @ beta[own] if factor else eta
        for side, moved in enumerate((rest + beta[j] * (1.0 if factor else step), rest)):
            risk = expit(moved)
            slope = risk * (1.0 - risk)
            sums[side, 0] += risk.sum()
            weighted = slope @ x
            if factor:
                weighted[own] = 0.0
                if side == 0:
                    weighted[j] = slope.sum()
            elif side == 0:
                weighted[j] += step * slope.sum()
            sums[side, 1:] += weighted
    sums /= design.n_rows
    return float(sums[0, 0]), sums[0, 1:], float(sums[1, 0]), sums[1, 1:]


def _note_on_penalty() -> Note:
    text = (
        "Risk differences rest on the penalised model and are shrunk like its odds ratios; risk "
        "ratios come from an unpenalised Poisson model. Do not mix them in one statement."
    )
    return Note("risks_beside_penalty", "caution", text)
