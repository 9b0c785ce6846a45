"""Checks of an adjusted linear model: equal spread, normal residuals, influence, collinearity.

Breusch-Pagan in Koenker's studentised form: n R2 of the squared residuals on the predictors,
chi-square (Koenker 1981, doi:10.1016/0304-4076(81)90062-2). Cook's distance
e^2 h / (k s^2 (1 - h)^2). Checked against lmtest::bptest, shapiro.test, cooks.distance and
hatvalues of R, and against statsmodels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import chdtrc

from stats.collinearity import collinearity_frame, vif_of
from stats.design import Design, Floats
from stats.diagnostics import no_diagnostics
from stats.least_squares import LeastSquares
from stats.linear_model import LinearFit
from stats.normality import MOST_VALUES, SHAPIRO, shapiro_wilk
from stats.result import Note, OutcomeDiagnostics
from stats.term_models import TermModel

BREUSCH_PAGAN = "Breusch-Pagan (studentised)"
_TOP_ROWS = 5
_CAUTION = 0.05


def residual_tests(model: TermModel) -> dict[str, list[Any]]:
    """Tests of equal spread and of normal residuals of the adjusted model; empty without one."""
    table: dict[str, list[Any]] = {
        "term": [], "test": [], "statistic": [], "df": [], "p_value": [],
    }  # fmt: skip
    kept = _fit_of(model)
    if kept is None:
        return table
    statistic = _breusch_pagan(kept.design, kept.fit)
    df = float(kept.design.n_parameters - 1)
    rows = [(BREUSCH_PAGAN, statistic, df, float(chdtrc(df, statistic)))]
    if kept.design.n_rows <= MOST_VALUES:
        found = shapiro_wilk(np.sort(kept.fit.residuals))
        if found.done:
            rows.append((SHAPIRO, found.statistic, math.nan, found.p_value))
    for test, value, degrees, p in rows:
        for name, entry in zip(table, (None, test, value, degrees, p), strict=True):
            table[name].append(entry)
    return table


def _fit_of(model: TermModel) -> LinearFit | None:
    kept = None if model.fitted is None else model.fitted.kept
    return kept if isinstance(kept, LinearFit) else None


def _breusch_pagan(design: Design, fit: LeastSquares) -> float:
    squared = np.square(fit.residuals)
    about = squared - squared.mean()
    total = float(about @ about)
    if not total > 0.0:
        return 0.0
    products = np.zeros(design.n_parameters)
    for part, x in design.blocks():
        products += about[part] @ x
    return design.n_rows * float(products @ fit.inverse @ products) / total


def linear_diagnostics(model: TermModel) -> OutcomeDiagnostics:
    """Collinearity, the rows with the largest Cook's distance, and scalar facts."""
    kept = _fit_of(model)
    if kept is None:
        return no_diagnostics()
    design, fit = kept.design, kept.fit
    distance = _cook(design, fit)
    steps = np.diff(fit.residuals)
    return OutcomeDiagnostics(
        collinearity=collinearity_frame(design, vif_of(design)),
        influence=_influence(kept, distance),
        calibration=no_diagnostics().calibration,
        facts={
            "rows_per_parameter": design.n_rows / design.n_parameters,
            "durbin_watson": float(steps @ steps) / fit.rss,
            "largest_cooks_distance": float(distance.max()),
            "largest_leverage": float(fit.leverage.max()),
        },
    )


def _cook(design: Design, fit: LeastSquares) -> Floats:
    rest = 1.0 - fit.leverage
    alone = rest < 1e-10  # a row that decides its own fit moves only its own coefficient
    safe = np.where(alone, 1.0, rest)
    found = np.square(fit.residuals / safe) * fit.leverage / (fit.sigma2 * design.n_parameters)
    return np.where(alone, 0.0, found)


def _influence(kept: LinearFit, distance: Floats) -> dict[str, Any]:
    design, fit = kept.design, kept.fit
    top = np.lexsort((design.rows, -distance))[:_TOP_ROWS]
    x = design.rows_at(top)
    rest = np.maximum(1.0 - fit.leverage[top], 1e-10)
    moved = (x @ fit.inverse)[:, 1:] * (fit.residuals[top] / rest)[:, None]
    errors = np.sqrt(np.diag(fit.inverse)[1:] * fit.sigma2)
    column = np.argmax(np.abs(moved) / errors, axis=1)
    scales = design.scales / design.spread * fit.spread
    at = [design.columns[int(j)] for j in column]
    return {
        "row": design.rows[top] + 1,
        "cooks_distance": distance[top],
        "leverage": fit.leverage[top],
        "term": [design.terms[c.term].name for c in at],
        "level": [design.terms[c.term].levels[c.level] if c.level >= 0 else None for c in at],
        "dfbeta": moved[np.arange(len(top)), column] * scales[column],
    }


def residual_notes(model: TermModel, tests: dict[str, list[Any]], *, robust: bool) -> list[Note]:
    """Unequal spread that classical errors ignore, and what was not tested."""
    kept = _fit_of(model)
    if kept is None:
        return []
    notes: list[Note] = []
    found = dict(zip(tests["test"], tests["p_value"], strict=True))
    if found.get(BREUSCH_PAGAN, 1.0) < _CAUTION and not robust:
        text = (
            "The spread of the residuals changes with the predictors (Breusch-Pagan test, p below "
            f"{_CAUTION:g}), so the standard errors may be wrong. Choose robust standard errors "
            "(HC3)."
        )
        notes.append(Note("unequal_spread", "caution", text))
    if SHAPIRO not in found and kept.design.n_rows > MOST_VALUES:
        text = (
            f"Normality of the residuals was not tested, because with more than {MOST_VALUES:,} "
            "rows any departure is significant and none matters for the intervals. Look at the "
            "rows with large residuals instead."
        )
        notes.append(Note("normality_not_tested", "info", text))
    return notes
