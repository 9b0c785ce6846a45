"""Checks of an adjusted count model: dispersion, zeros, collinearity, influential rows.

With w = mu / (1 + a mu) the weight of a row, h = w x'Cx its leverage and r its Pearson residual,
Cook's distance is r^2 h / (k (1 - h)^2). Checked against statsmodels' GLM influence.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import chdtrc

from stats.collinearity import collinearity_frame, vif_of
from stats.count_model import CountFit
from stats.design import Floats
from stats.diagnostics import no_diagnostics
from stats.result import Note, OutcomeDiagnostics
from stats.term_models import TermModel

DEVIANCE = "deviance goodness of fit"
AGAINST_POISSON = "likelihood ratio against Poisson"
_OVERDISPERSED = 1.5
_TOP_ROWS = 5


def count_tests(model: TermModel) -> dict[str, list[Any]]:
    """Goodness of fit of a Poisson model, or the test of a negative binomial one against it."""
    table: dict[str, list[Any]] = {
        "term": [], "test": [], "statistic": [], "df": [], "p_value": [],
    }  # fmt: skip
    if model.fitted is None:
        return table
    facts = model.fitted.facts
    if math.isnan(facts["lr_alpha"]):
        statistic, df = facts["deviance"], facts["df_residual"]
        row = (None, DEVIANCE, statistic, df, float(chdtrc(df, statistic)))
    else:
        p = facts["lr_alpha_p"] if facts["lr_alpha"] else 1.0
        row = (None, AGAINST_POISSON, facts["lr_alpha"], 1.0, p)
    return {name: [entry] for name, entry in zip(table, row, strict=True)}


def _fit_of(model: TermModel) -> CountFit | None:
    kept = None if model.fitted is None else model.fitted.kept
    return kept if isinstance(kept, CountFit) else None


def dispersion_notes(model: TermModel, *, model_based: bool) -> list[Note]:
    """Counts that vary more than a Poisson model with model-based errors allows for."""
    if model.fitted is None or not model_based:
        return []
    facts = model.fitted.facts
    ratio = facts["dispersion"]
    if facts["alpha"] or not math.isnan(facts["lr_alpha"]) or not ratio > _OVERDISPERSED:
        return []
    text = (
        f"The counts vary {ratio:.1f} times as much as a Poisson model says, so its intervals are "
        "too narrow. Choose robust standard errors or the negative binomial model."
    )
    return [Note("overdispersion", "caution", text)]


def count_diagnostics(model: TermModel) -> OutcomeDiagnostics:
    """Collinearity, the rows with the largest Cook's distance, zeros observed and expected."""
    fit = _fit_of(model)
    empty = no_diagnostics()
    if fit is None or model.fitted is None:
        return empty
    design = fit.design
    a, mu = fit.alpha, fit.mu
    none = np.power(1.0 + a * mu, -1.0 / a) if a else np.exp(-mu)
    return OutcomeDiagnostics(
        collinearity=collinearity_frame(design, vif_of(design)),
        influence=_influence(fit),
        calibration=empty.calibration,
        facts={
            "events_per_parameter": float(fit.y.sum()) / max(1, len(design.columns)),
            "zeros_observed": float(np.count_nonzero(fit.y == 0)),
            "zeros_expected": float(none.sum()),
        },
    )


def _influence(fit: CountFit) -> dict[str, Any]:
    design, k = fit.design, fit.design.n_parameters
    weight = fit.mu / (1.0 + fit.alpha * fit.mu)
    leverage = np.empty(design.n_rows)
    for part, x in design.blocks():
        leverage[part] = weight[part] * np.einsum("ij,ij->i", x @ fit.covariance, x)
    rest: Floats = np.maximum(1.0 - leverage, 1e-10)
    pearson = (fit.y - fit.mu) / np.sqrt(fit.mu * (1.0 + fit.alpha * fit.mu))
    alone = leverage > 1.0 - 1e-10  # a row that decides its own fit moves only its own level
    distance = np.where(alone, 0.0, np.square(pearson / rest) * leverage / k)
    top = np.lexsort((design.rows, -distance))[:_TOP_ROWS]
    pull = pearson[top] * np.sqrt(weight[top]) / rest[top]
    moved = (design.rows_at(top) @ fit.covariance)[:, 1:] * pull[:, None]
    errors = np.sqrt(np.diag(fit.covariance)[1:])
    column = np.argmax(np.abs(moved) / errors, axis=1)
    scales = design.scales / design.spread
    at = [design.columns[int(j)] for j in column]
    return {
        "row": design.rows[top] + 1,
        "cooks_distance": distance[top],
        "leverage": leverage[top],
        "term": [design.terms[c.term].name for c in at],
        "level": [design.terms[c.term].levels[c.level] if c.level >= 0 else None for c in at],
        "dfbeta": moved[np.arange(len(top)), column] * scales[column],
    }
