"""Checks of an adjusted Cox model: proportional hazards, collinearity, influential rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from stats.collinearity import collinearity_frame, vif_of
from stats.cox_model import CoxFit
from stats.design import Design
from stats.diagnostics import no_diagnostics
from stats.proportional_hazards import proportional_hazards
from stats.result import Note, OutcomeDiagnostics
from stats.score_residuals import LARGEST, displacement
from stats.term_models import TermModel
from stats.variables import quote_list

TEST = "Grambsch-Therneau"
_CAUTION = 0.05
_TOP_ROWS = 5


def hazard_tests(model: TermModel, transform: str) -> dict[str, list[Any]]:
    """The test of proportional hazards per term and (term missing) global; empty without a
    maximum-likelihood fit."""
    table: dict[str, list[Any]] = {
        "term": [], "test": [], "statistic": [], "df": [], "p_value": [], "transform": [],
    }  # fmt: skip
    fit = _fit_of(model)
    if fit is None or fit.penalised:
        return table
    design = fit.model.design
    for test in proportional_hazards(fit.model, fit.found, transform, design.term_columns):
        table["term"].append(None if test.term is None else design.terms[test.term].name)
        table["test"].append(TEST)
        table["statistic"].append(test.statistic)
        table["df"].append(float(test.df))
        table["p_value"].append(test.p_value)
        table["transform"].append(transform)
    return table


def _fit_of(model: TermModel) -> CoxFit | None:
    kept = None if model.fitted is None else model.fitted.kept
    return kept if isinstance(kept, CoxFit) else None


def hazard_notes(model: TermModel, tests: Mapping[str, list[Any]]) -> list[Note]:
    """Terms whose hazard ratio changes with time, and tests that could not be made."""
    fit = _fit_of(model)
    notes: list[Note] = []
    if fit is not None and fit.penalised:
        text = (
            "Proportional hazards were not tested, because the test needs a maximum-likelihood "
            "fit. Look at the survival curves of the groups."
        )
        return [Note("hazards_not_tested", "info", text)]
    changing = [
        str(term) for term, p in zip(tests["term"], tests["p_value"], strict=True)
        if term is not None and p < _CAUTION
    ]  # fmt: skip
    if changing:
        what = "changes" if len(changing) == 1 else "change"
        text = (
            f"The hazard ratio of {quote_list(changing)} {what} with time (test of proportional "
            f"hazards, p below {_CAUTION:g}), so it is an average over the follow-up. Stratify by "
            "it, or report periods of follow-up apart."
        )
        notes.append(Note("non_proportional", "caution", text, changing[0]))
    if any(np.isnan(p) for p in tests["p_value"]):
        text = (
            "Proportional hazards could not be tested for every term, because the events carry "
            "too little information on change with time. Look at the survival curves instead."
        )
        notes.append(Note("hazards_not_tested", "info", text))
    return notes


def cox_diagnostics(model: TermModel) -> OutcomeDiagnostics:
    """Collinearity of the design, rows that move the coefficients most, events per parameter.

    `cooks_distance` is d'I d / p with d the change of the coefficients when the row is left out
    (to first order, without the penalty of a penalised fit); leverage has no meaning here.
    """
    fit = _fit_of(model)
    if fit is None:
        return no_diagnostics()
    empty = no_diagnostics()
    design, n_events = fit.model.design, fit.model.risk.n_events
    size = design.n_rows * len(design.columns)
    influence = _influence(fit, design) if size <= LARGEST and not fit.penalised else None
    return OutcomeDiagnostics(
        collinearity=collinearity_frame(design, vif_of(design)),
        influence=empty.influence if influence is None else influence,
        calibration=empty.calibration,
        facts={
            "events_per_parameter": n_events / max(1, len(design.columns)),
            "influence_examined": influence is not None,
        },
    )


def _influence(fit: CoxFit, design: Design) -> dict[str, Any]:
    beta = fit.found.point.beta
    rows, distance, moved = displacement(fit.model, beta, fit.covariance, _TOP_ROWS)
    scales = design.scales / design.spread
    errors = np.sqrt(np.diag(fit.covariance))
    column = np.argmax(np.abs(moved) / errors[:, None], axis=0)
    at = [design.columns[int(j)] for j in column]
    return {
        "row": design.rows[rows] + 1,
        "cooks_distance": distance,
        "leverage": np.full(len(rows), np.nan),
        "term": [design.terms[c.term].name for c in at],
        "level": [design.terms[c.term].levels[c.level] if c.level >= 0 else None for c in at],
        "dfbeta": moved[column, np.arange(len(rows))] * scales[column],
    }
