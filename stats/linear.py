"""`fit_linear`: crude and adjusted differences in the mean of a continuous outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from stats.design import Bools, Floats
from stats.errors import BadInput
from stats.least_squares import ROBUST
from stats.linear_checks import linear_diagnostics, residual_notes, residual_tests
from stats.linear_model import LinearFamily
from stats.model_choices import adjusted_terms, build_terms, only_rows, term_choices
from stats.named_choices import one_of
from stats.result import ModelResult, Note
from stats.reviewer_notes import (
    diagnostic_notes,
    per_parameter_note,
    sample_notes,
    zero_one_note,
)
from stats.term_models import (
    AnalysisFacts,
    effects_result,
    fit_adjusted_model,
    fit_crude_models,
    no_curves,
    tables_of,
)
from stats.terms import build_term
from stats.time_to_event import codes_of
from stats.variables import Dataset, as_dataset

_CITED: Final[Mapping[str, str]] = {
    "robust": (
        "Long JS, Ervin LH. Using heteroscedasticity consistent standard errors in the linear "
        "regression model. Am Stat 2000;54:217-24. doi:10.1080/00031305.2000.10474549"
    ),
    "spread": (
        "Koenker R. A note on studentizing a test for heteroscedasticity. J Econom 1981;17:107-12. "
        "doi:10.1016/0304-4076(81)90062-2"
    ),
    "normality": (
        "Royston P. Remark AS R94: a remark on algorithm AS 181: the W-test for normality. "
        "J R Stat Soc C 1995;44:547-51. doi:10.2307/2986146"
    ),
}


def fit_linear(
    data: Dataset | pd.DataFrame,
    *,
    outcome: str,
    predictors: Sequence[str],
    references: Mapping[str, object] | None = None,
    exposure: str | None = None,
    adjust: str | Sequence[str] = "all",
    robust: str | None = None,
    ci_level: float = 0.95,
    cluster: str | None = None,
    scale: Mapping[str, object] | None = None,
    common_sample: bool = False,
) -> ModelResult:
    """Crude and adjusted mean differences by least squares, with residual diagnostics.

    Parameters
    ----------
    outcome : continuous column.
    predictors, references, exposure, adjust, scale, common_sample, ci_level : as in
        `analyze_outcome`.
    robust : None (classical standard errors), "HC0", "HC1", "HC2" or "HC3".
    cluster : column whose rows belong together; standard errors are then cluster-robust (CR1) with
        one less than the number of clusters as degrees of freedom, whatever `robust` says.

    Returns
    -------
    ModelResult. `effects` with estimate = coef in units of the outcome and t intervals; p_term is
    the F test of the term (with the covariance chosen). `fit`: R2, adjusted R2, sigma, F, AIC and
    BIC (sigma counts as a parameter, as in R). `tests`: Breusch-Pagan (studentised), Shapiro-Wilk
    of the residuals. `diagnostics`: variance inflation, Cook's distance, leverage.

    Raises
    ------
    BadInput : unknown column, an outcome that is not continuous, an unknown choice.

    References
    ----------
    Long & Ervin 2000, doi:10.1080/00031305.2000.10474549. Koenker 1981,
    doi:10.1016/0304-4076(81)90062-2.

    Checked against
    ---------------
    R lm, sandwich::vcovHC, lmtest::bptest, car (tests/reference) and statsmodels OLS.
    """
    dataset = as_dataset(data)
    asked = {
        "outcome": outcome, "predictors": predictors, "references": references,
        "exposure": exposure, "adjust": adjust, "robust": robust, "ci_level": ci_level,
        "cluster": cluster, "scale": scale, "common_sample": common_sample,
    }  # fmt: skip
    return _fit(dataset, prepare(dataset, asked)[1])


def _fit(dataset: Dataset, choices: Mapping[str, Any]) -> ModelResult:
    name, cluster = choices["outcome"], choices["cluster"]
    y = np.asarray(build_term(dataset, name, None).values, dtype=np.float64)
    codes = None if cluster is None else codes_of(dataset, cluster)
    known, exclusions = _known(y, codes)
    family = LinearFamily(name, y, known, choices["robust"], codes, choices["ci_level"])
    terms = build_terms(dataset, choices)
    adjusted = fit_adjusted_model(adjusted_terms(terms, choices), family)
    within = only_rows(known, adjusted.rows) if choices["common_sample"] else None
    crude = fit_crude_models(terms, family, within)
    about = AnalysisFacts(
        analysis="fit_linear", choices=choices, n_file=dataset.n_rows, exclusions=exclusions,
        method=_method(family, choices), references=_references(choices),
    )  # fmt: skip
    tests, diagnostics = residual_tests(adjusted), linear_diagnostics(adjusted)
    models = (
        effects_result(crude, family, about),
        effects_result(tables_of(family, [adjusted], crude=False), family, about),
    )
    parameters = 0 if adjusted.fitted is None else adjusted.fitted.design.n_parameters
    robust = choices["robust"] is not None or cluster is not None
    notes = (
        *zero_one_note(terms, "difference"), *_missing_note(name, known),
        *sample_notes(crude.sizes, adjusted, known, common_sample=choices["common_sample"]),
        *per_parameter_note("rows", len(adjusted.rows), parameters),
        *diagnostic_notes(diagnostics), *residual_notes(adjusted, tests, robust=robust),
        *models[0].notes, *models[1].notes,
    )  # fmt: skip
    return ModelResult(
        analysis="fit_linear", choices=choices, n_rows=dataset.n_rows, n_used=models[1].n_used,
        exclusions=models[1].exclusions, notes=notes, references=tuple(about.references),
        method=models[1].method, outcome=name, crude=models[0], adjusted=models[1], tests=tests,
        curves=no_curves(), diagnostics=diagnostics,
    )  # fmt: skip


def _known(y: Floats, cluster: Any) -> tuple[Bools, dict[str, int]]:
    known = ~np.isnan(y)
    exclusions = {"outcome missing": int(np.count_nonzero(~known))}
    if cluster is not None:
        lost = known & (cluster < 0)
        exclusions["cluster missing"] = int(np.count_nonzero(lost))
        known &= ~lost
    return known, {reason: n for reason, n in exclusions.items() if n}


def _missing_note(name: str, known: Bools) -> list[Note]:
    missing = int(np.count_nonzero(~known))
    if not missing:
        return []
    text = (
        f'{missing:,} of {len(known):,} rows have no value of "{name}" or no cluster and are '
        "left out everywhere. Fill them in if the values are known."
    )
    return [Note("outcome_missing", "info", text, name)]


def _method(family: LinearFamily, choices: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": "linear regression", "estimator": family.method, "interval": family.interval,
        "ci_level": choices["ci_level"], "adjust": choices["adjust"],
        "exposure": choices["exposure"], "robust": choices["robust"],
        "cluster": choices["cluster"], "common_sample": choices["common_sample"],
    }  # fmt: skip


def _references(choices: Mapping[str, Any]) -> tuple[str, ...]:
    keys = ["robust"] if choices["robust"] or choices["cluster"] else []
    return tuple(_CITED[k] for k in [*keys, "spread", "normality"])


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check every choice before any work; the columns named and the choices in full."""
    outcome = str(choices["outcome"])
    kind = dataset.variable(outcome).kind
    if kind != "continuous":
        raise BadInput(
            f'The outcome "{outcome}" is {kind}, and a linear model needs a number.',
            column=outcome, rule="continuous outcome", found=kind,
            hint="Choose another outcome, or change its kind in the variable table.",
        )  # fmt: skip
    cluster = None if choices["cluster"] is None else str(choices["cluster"])
    if cluster is not None:
        dataset.variable(cluster)
    shared = term_choices(dataset, choices, {"outcome": outcome, "cluster": cluster})
    robust = choices["robust"]
    complete = {
        "outcome": outcome, **shared,
        "robust": None if robust is None else one_of("robust", robust, ROBUST),
        "cluster": cluster,
    }  # fmt: skip
    named = (outcome, *((cluster,) if cluster else ()), *shared["predictors"])
    return tuple(dict.fromkeys(named)), complete
