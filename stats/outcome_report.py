"""Fits of an outcome analysis as result objects: effects tables, fit tables, diagnostics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from scipy.special import chdtrc

from stats.adjusted import AdjustedModel, ModelNumbers, add_adjusted_rows
from stats.cluster_robust import ROBUST
from stats.design import Bools, Design, Term
from stats.diagnostics import (
    RiskOrder,
    brier_score,
    diagnose,
    discrimination,
    fit_measures,
    no_diagnostics,
)
from stats.effect_rows import NAN, EffectRows
from stats.frozen import numbers
from stats.outcome_notes import note_on_shift
from stats.result import EffectsResult, OutcomeDiagnostics
from stats.terms import BinaryOutcome
from stats.univariable import CrudeFit

CITATIONS = {
    "profile": "Venzon & Moolgavkar 1988, doi:10.2307/2347496",
    "firth": "Firth 1993, doi:10.1093/biomet/80.1.27",
    "penalised": "Heinze & Schemper 2002, doi:10.1002/sim.1047",
    "spline": "Durrleman & Simon 1989, doi:10.1002/sim.4780080504",
    "poisson": "Zou 2004, doi:10.1093/aje/kwh090",
    "cluster": "Liang & Zeger 1986, doi:10.1093/biomet/73.1.13",
    "delong": "DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595",
}
_CRUDE_FACTS = (
    "n", "events", "parameters", "intercept", "intercept_std_error", "loglik", "loglik_null",
    "penalised_loglik", "lr_statistic", "lr_df", "lr_p", "aic", "bic", "mcfadden_r2",
    "nagelkerke_r2", "brier", "c_statistic",
)  # fmt: skip
_FIT_FACTS = (*_CRUDE_FACTS, "c_statistic_low", "c_statistic_high")
_facts_of = attrgetter(*_CRUDE_FACTS, "c_low", "c_high")
_RUNAWAY_ERROR = 1e3  # no intercept that exists is as uncertain as one that runs away
_COUNTS = ("n", "events", "parameters")


def crude_result(
    terms: Sequence[Term], fits: Sequence[CrudeFit], outcome: BinaryOutcome, known: Bools,
    choices: Mapping[str, Any], missing: Mapping[str, int], n_adjusted: int,
) -> EffectsResult:  # fmt: skip
    """One model per predictor. `known` marks the rows that crude models may use, `missing` counts
    the rows with a known outcome and no value, by term."""
    rows = EffectRows()
    used = np.zeros(len(known), dtype=bool)
    for term, fit in zip(terms, fits, strict=True):
        _add_crude_rows(rows, term, fit, missing[term.name])
        if not used.all():
            used |= term.known
    used &= known
    notes = [note for fit in fits for note in fit.notes]
    estimators = [_named(fit.method) for fit in fits]
    if not choices["common_sample"]:
        notes += note_on_shift([fit.n for fit in fits], n_adjusted)
    return EffectsResult(
        analysis="analyze_outcome", choices=choices, n_rows=len(known), n_used=int(used.sum()),
        exclusions=_exclusions(outcome, used), notes=tuple(notes), effect="odds ratio",
        effects=rows.columns(), fit=_crude_fit_table(terms, fits, estimators),
        references=_citations(estimators, choices), method=_facts(estimators, choices),
    )  # fmt: skip


def _add_crude_rows(rows: EffectRows, term: Term, fit: CrudeFit, missing: int) -> None:
    rows.add_levels(
        term,
        (fit.coef, fit.std_error, fit.ci_low, fit.ci_high, fit.statistic, fit.df, fit.p_value),
        n=fit.level_n, events=fit.level_events, missing=missing,
        p_term=fit.lr_p if fit.p_term is None else fit.p_term,
    )  # fmt: skip


def _named(method: str) -> str:
    return "Firth's penalised likelihood" if method.startswith("Firth") else "maximum likelihood"


def _interval_name(estimator: str, interval: str) -> str:
    if interval == "robust":
        return ROBUST
    if interval == "wald":
        return "Wald"
    return (
        "profile likelihood"
        if estimator == "maximum likelihood"
        else ("penalised profile likelihood")
    )


def _crude_fit_table(
    terms: Sequence[Term], fits: Sequence[CrudeFit], estimators: list[str]
) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = {
        "term": [t.name for t in terms],
        "method": estimators,
        "interval": [_interval_name(e, f.interval) for e, f in zip(estimators, fits, strict=True)],
    }
    facts = list(zip(*map(_facts_of, fits), strict=True)) or [()] * len(_FIT_FACTS)
    table |= {name: list(values) for name, values in zip(_FIT_FACTS, facts, strict=True)}
    return {k: _array(k, v) for k, v in table.items()}


def _array(name: str, values: list[Any]) -> Any:
    if name in ("term", "method", "interval"):
        return values
    return numbers(values, "count" if name in _COUNTS else "float")


def adjusted_result(
    model: AdjustedModel, outcome: BinaryOutcome, choices: Mapping[str, Any],
    missing: Mapping[str, int],
) -> EffectsResult:  # fmt: skip
    """The one adjusted model; without estimates (and with a note) where there is none."""
    rows = EffectRows()
    add_adjusted_rows(rows, model, outcome, missing)
    used = np.zeros(len(outcome.y), dtype=bool)
    used[model.rows] = True
    estimator = model.numbers.estimator if model.numbers else "maximum likelihood"
    facts = _facts([estimator], choices)
    if model.reason:
        facts["reason"] = model.reason
    return EffectsResult(
        analysis="analyze_outcome", choices=choices, n_rows=len(used), n_used=int(used.sum()),
        exclusions=_exclusions(outcome, used), notes=tuple(model.notes), effect="odds ratio",
        effects=rows.columns(), fit=_adjusted_fit_table(model, outcome, choices),
        references=_citations([estimator], choices), method=facts,
    )  # fmt: skip


def _adjusted_fit_table(
    model: AdjustedModel, outcome: BinaryOutcome, choices: Mapping[str, Any]
) -> dict[str, Any]:
    y = outcome.y[model.rows]
    facts: dict[str, Any] = dict.fromkeys(_FIT_FACTS, NAN)
    facts |= {"n": len(y), "events": int(y.sum()), "parameters": 0}
    estimator = "maximum likelihood"
    interval = _interval_name(estimator, choices["interval"])
    if model.design is not None and model.numbers is not None:
        estimator, interval = model.numbers.estimator, model.numbers.interval
        facts |= _model_facts(
            model.design, model.numbers, y, choices["ci_level"], model.risk_order()
        )
    table: dict[str, list[Any]] = {"term": [None], "method": [estimator], "interval": [interval]}
    table |= {name: [value] for name, value in facts.items()}
    return {k: _array(k, v) for k, v in table.items()}


def _model_facts(
    design: Design, numbers: ModelNumbers, y: Bools, ci_level: float, order: RiskOrder | None
) -> dict[str, float]:
    intercept, _ = design.reported(numbers.beta)
    p = design.n_parameters
    c = discrimination(y, numbers.probability, ci_level=ci_level, ordered=order)
    intercept_error = design.intercept_error(numbers.covariance)
    if numbers.runaway and intercept_error > _RUNAWAY_ERROR:
        intercept = intercept_error = NAN
    return {
        "parameters": p,
        "intercept": intercept,
        "intercept_std_error": intercept_error,
        "loglik": numbers.loglik,
        "loglik_null": numbers.loglik_null,
        "penalised_loglik": numbers.penalised_loglik,
        "lr_statistic": numbers.lr_model,
        "lr_df": p - 1,
        "lr_p": float(chdtrc(p - 1, numbers.lr_model)),
        **fit_measures(numbers.loglik, numbers.loglik_null, n=len(y), parameters=p),
        "brier": brier_score(y, numbers.probability),
        "c_statistic": c.area,
        "c_statistic_low": c.low,
        "c_statistic_high": c.high,
    }


def diagnostics_of(
    model: AdjustedModel, outcome: BinaryOutcome, choices: Mapping[str, Any]
) -> OutcomeDiagnostics:
    """Collinearity, influence, calibration of the adjusted model; empty tables without one."""
    if model.design is None or model.numbers is None:
        return no_diagnostics()
    numbers = model.numbers
    # influence is not defined where coefficients have no estimate
    covariance = np.full_like(numbers.covariance, NAN) if numbers.runaway else numbers.covariance
    gram = model.sums.gram if model.sums else None
    return diagnose(
        model.design, outcome.y[model.rows], numbers.probability, covariance,
        hosmer_lemeshow_test=choices["hosmer_lemeshow"], gram_matrix=gram,
        ordered=model.risk_order(), dependence=model.dependence,
    )  # fmt: skip


def _exclusions(outcome: BinaryOutcome, used: Bools) -> dict[str, int]:
    no_outcome = int(np.count_nonzero(~outcome.known)) - outcome.without_cluster
    no_predictor = int(np.count_nonzero(outcome.known & ~used))
    found = {
        "outcome missing": no_outcome, "cluster missing": outcome.without_cluster,
        "predictor missing": no_predictor,
    }  # fmt: skip
    return {reason: rows for reason, rows in found.items() if rows}


def _citations(estimators: Sequence[str], choices: Mapping[str, Any]) -> tuple[str, ...]:
    keys = ["profile"] if choices["interval"] == "profile" else []
    keys += ["poisson"] if choices["risk_measures"] else []
    keys += ["spline"] if choices["splines"] else []
    keys += ["cluster"] if choices["cluster"] is not None else []
    if any(e.startswith("Firth") for e in estimators):
        keys += ["firth", "penalised"]
    return tuple(CITATIONS[k] for k in [*keys, "delong"])


def _facts(estimators: Sequence[str], choices: Mapping[str, Any]) -> dict[str, Any]:
    firth = [e for e in estimators if e.startswith("Firth")]
    estimator = firth[0] if firth and len(firth) == len(estimators) else "maximum likelihood"
    robust = choices["cluster"] is not None and estimator == "maximum likelihood"
    return {
        "model": "logistic regression",
        "estimator": estimator,
        "firth_models": len(firth),
        "interval": _interval_name(estimator, "robust" if robust else choices["interval"]),
        "ci_level": choices["ci_level"],
        "adjust": choices["adjust"],
        "exposure": choices["exposure"],
    }
