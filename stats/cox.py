"""`fit_cox`: crude and adjusted hazard ratios of a time to an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from stats.cox_checks import cox_diagnostics, hazard_notes, hazard_tests
from stats.cox_model import CoxFamily
from stats.design import Term
from stats.errors import BadInput
from stats.follow_up import Columns
from stats.model_choices import adjusted_terms, build_terms, only_rows, term_choices
from stats.named_choices import one_of
from stats.proportional_hazards import TRANSFORMS
from stats.result import ModelResult, Note
from stats.reviewer_notes import (
    diagnostic_notes,
    per_parameter_note,
    sample_notes,
    zero_one_note,
)
from stats.term_models import (
    AnalysisFacts,
    ModelTables,
    TermModel,
    effects_result,
    fit_adjusted_model,
    fit_crude_models,
    no_curves,
    tables_of,
)
from stats.time_to_event import TimeToEvent, event_of, read_time_to_event
from stats.variables import Dataset, as_dataset

_METHODS: Final = ("auto", "likelihood", "firth")
_INTERVALS: Final = ("profile", "wald")
_TIES: Final = ("efron", "breslow")
_COX: Final = (
    "Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187-220. "
    "doi:10.1111/j.2517-6161.1972.tb00899.x"
)
_CITED: Final[Mapping[str, str]] = {
    "efron": (
        "Efron B. The efficiency of Cox's likelihood function for censored data. "
        "J Am Stat Assoc 1977;72:557-65. doi:10.1080/01621459.1977.10480613"
    ),
    "breslow": (
        "Breslow N. Covariance analysis of censored survival data. Biometrics 1974;30:89-99. "
        "doi:10.2307/2529620"
    ),
    "profile": "Venzon & Moolgavkar 1988, doi:10.2307/2347496",
    "firth": "Firth 1993, doi:10.1093/biomet/80.1.27",
    "penalised": (
        "Heinze G, Schemper M. A solution to the problem of monotone likelihood in Cox "
        "regression. Biometrics 2001;57:114-9. doi:10.1111/j.0006-341X.2001.00114.x"
    ),
    "robust": (
        "Lin DY, Wei LJ. The robust inference for the Cox proportional hazards model. "
        "J Am Stat Assoc 1989;84:1074-8. doi:10.1080/01621459.1989.10478874"
    ),
    "hazards": (
        "Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted "
        "residuals. Biometrika 1994;81:515-26. doi:10.1093/biomet/81.3.515"
    ),
    "concordance": (
        "Harrell FE Jr, Califf RM, Pryor DB, Lee KL, Rosati RA. Evaluating the yield of medical "
        "tests. JAMA 1982;247:2543-6. doi:10.1001/jama.1982.03320430047030"
    ),
}


def fit_cox(
    data: Dataset | pd.DataFrame,
    *,
    time: str,
    event: str,
    event_level: object = None,
    predictors: Sequence[str],
    references: Mapping[str, object] | None = None,
    exposure: str | None = None,
    adjust: str | Sequence[str] = "all",
    method: str = "auto",
    ties: str = "efron",
    interval: str = "profile",
    ci_level: float = 0.95,
    entry: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    scale: Mapping[str, object] | None = None,
    common_sample: bool = False,
    zph_transform: str = "km",
) -> ModelResult:
    """Crude and adjusted hazard ratios by Cox's model, with a test of proportional hazards.

    Parameters
    ----------
    data : one row per patient, or per interval of a patient (then with `entry` and `cluster`).
    time : follow-up until the event or until censoring, not negative, in any unit.
    event : column that says how follow-up ended.
    event_level : the level, or levels, that count as the event; all others are censoring. May
        be left out for 0/1, no/yes and FALSE/TRUE only.
    predictors, references, exposure, adjust, scale, common_sample, ci_level : as in
        `analyze_outcome`. Hazard ratios are per unit unless `scale` says otherwise.
    method : "auto" (maximum likelihood; Firth's penalty where the likelihood has no maximum,
        for instance when a group has no event), "likelihood" or "firth".
    ties : "efron" or "breslow".
    interval : "profile" (likelihood-ratio p) or "wald" (z). With `cluster`: robust Wald.
    entry : time at which the row came under observation (left truncation).
    strata : column with a baseline hazard of its own for each value.
    cluster : column whose rows belong together (a patient, a centre).
    zph_transform : "km", "rank", "identity" or "log" of time in the test of proportional hazards.

    Returns
    -------
    ModelResult. `effects` as everywhere, coef on the log hazard scale; `fit` with concordance
    (Harrell) and its standard error; `tests` the Grambsch-Therneau tests by term and global.

    Raises
    ------
    BadInput : unknown column or level, event not chosen, times that are no numbers.

    Notes
    -----
    Rows with a negative time or an entry that is not before the time are left out and named.
    BIC counts events, as R does. The test of proportional hazards is the exact score test (R's
    survival from version 3 on).

    References
    ----------
    Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x. Efron 1977,
    doi:10.1080/01621459.1977.10480613. Grambsch & Therneau 1994, doi:10.1093/biomet/81.3.515.
    Heinze & Schemper 2001, doi:10.1111/j.0006-341X.2001.00114.x.

    Checked against
    ---------------
    R survival's coxph, cox.zph and concordance, a penalised maximisation in R
    (tests/reference), statsmodels' PHReg, and likelihoods written out risk set by risk set.
    """
    dataset = as_dataset(data)
    asked = {
        "time": time, "event": event, "event_level": event_level, "predictors": predictors,
        "references": references, "exposure": exposure, "adjust": adjust, "method": method,
        "ties": ties, "interval": interval, "ci_level": ci_level, "entry": entry,
        "strata": strata, "cluster": cluster, "scale": scale, "common_sample": common_sample,
        "zph_transform": zph_transform,
    }  # fmt: skip
    return _fit(dataset, prepare(dataset, asked)[1])


def _fit(dataset: Dataset, choices: Mapping[str, Any]) -> ModelResult:
    follow_up = read_time_to_event(
        dataset, _columns(choices), choices["event_level"], choices["cluster"]
    )
    family = CoxFamily(
        follow_up, choices["method"], choices["interval"], choices["ci_level"], choices["ties"]
    )
    terms = build_terms(dataset, choices)
    adjusted = fit_adjusted_model(adjusted_terms(terms, choices), family)
    within = only_rows(follow_up.known, adjusted.rows) if choices["common_sample"] else None
    crude = fit_crude_models(terms, family, within)
    about = AnalysisFacts(
        analysis="fit_cox", choices=choices, n_file=dataset.n_rows,
        exclusions=follow_up.exclusions, method=_method(follow_up, choices),
        references=_references(crude, adjusted, choices),
    )  # fmt: skip
    tests = hazard_tests(adjusted, choices["zph_transform"])
    diagnostics = cox_diagnostics(adjusted)
    models = (
        effects_result(crude, family, about),
        effects_result(tables_of(family, [adjusted], crude=False), family, about),
    )
    notes = (
        *follow_up.notes, *_data_notes(follow_up, terms),
        *_model_notes(crude, adjusted, follow_up, choices), *diagnostic_notes(diagnostics),
        *hazard_notes(adjusted, tests), *models[0].notes, *models[1].notes,
    )  # fmt: skip
    return ModelResult(
        analysis="fit_cox", choices=choices, n_rows=dataset.n_rows, n_used=models[1].n_used,
        exclusions=models[1].exclusions, notes=notes, references=tuple(about.references),
        method=models[1].method, outcome=follow_up.columns.event, crude=models[0],
        adjusted=models[1], tests=tests, curves=no_curves(), diagnostics=diagnostics,
    )  # fmt: skip


def _columns(choices: Mapping[str, Any]) -> Columns:
    return Columns(
        time=choices["time"], event=choices["event"], entry=choices["entry"],
        strata=choices["strata"],
    )  # fmt: skip


def _method(follow_up: TimeToEvent, choices: Mapping[str, Any]) -> dict[str, Any]:
    robust = choices["cluster"] is not None
    interval = "profile likelihood" if choices["interval"] == "profile" else "Wald"
    return {
        "model": "Cox regression", "estimator": "maximum likelihood",
        "interval": "robust Wald" if robust else interval, "ci_level": choices["ci_level"],
        "adjust": choices["adjust"], "exposure": choices["exposure"], "ties": choices["ties"],
        "time": choices["time"], "event": choices["event"],
        "event_levels": follow_up.event_levels, "censored_levels": follow_up.censored_levels,
        "entry": choices["entry"], "strata": choices["strata"], "cluster": choices["cluster"],
        "zph_transform": choices["zph_transform"], "zph_version": "exact score test",
        "common_sample": choices["common_sample"],
    }  # fmt: skip


def _references(
    crude: ModelTables, adjusted: TermModel, choices: Mapping[str, Any]
) -> tuple[str, ...]:
    own = adjusted.fitted
    firth = crude.firth_models or (own is not None and own.method.startswith("Firth"))
    keys = [choices["ties"]]
    keys += ["profile"] if choices["interval"] == "profile" else []
    keys += ["robust"] if choices["cluster"] is not None else []
    keys += ["firth", "penalised"] if firth else []
    return (_COX, *(_CITED[k] for k in [*keys, "hazards", "concordance"]))


def _data_notes(follow_up: TimeToEvent, terms: Sequence[Term]) -> list[Note]:
    notes = zero_one_note(terms, "hazard ratio")
    missing = sum(n for reason, n in follow_up.exclusions.items() if reason.endswith("missing"))
    if missing:
        text = (
            f"{missing:,} of {len(follow_up.known):,} rows have no value of the time, the event or "
            "another column that every model needs, and are left out everywhere. Fill them in if "
            "the values are known."
        )
        notes.append(Note("outcome_missing", "info", text, follow_up.columns.time))
    return notes


def _model_notes(
    crude: ModelTables, adjusted: TermModel, follow_up: TimeToEvent,
    choices: Mapping[str, Any],
) -> list[Note]:  # fmt: skip
    notes = sample_notes(
        crude.sizes, adjusted, follow_up.known, common_sample=choices["common_sample"]
    )
    if adjusted.fitted is not None:
        events = int(np.count_nonzero(follow_up.event[adjusted.rows]))
        notes += per_parameter_note("events", events, len(adjusted.fitted.design.columns))
    return notes


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check every choice before any work; the columns named and the choices in full.

    `event_level` stays None when it was left out, so that the note about it is part of the
    result. With a cluster the interval is Wald's, from robust standard errors.
    """
    columns = Columns(
        time=str(choices["time"]), event=str(choices["event"]), entry=_name(choices["entry"]),
        strata=_name(choices["strata"]),
    )  # fmt: skip
    levels = event_of(dataset, columns, choices["event_level"])
    cluster = _name(choices["cluster"])
    if cluster is not None:
        dataset.variable(cluster)
        if cluster in (columns.time, columns.event, columns.entry):
            raise BadInput(
                f'"{cluster}" tells the follow-up and cannot also be the cluster.',
                column=cluster, rule="cluster", hint="Choose the column that names the patient.",
            )  # fmt: skip
    roles = {
        "follow-up time": columns.time, "event": columns.event, "entry time": columns.entry,
        "stratum": columns.strata, "cluster": cluster,
    }  # fmt: skip
    shared = term_choices(dataset, choices, roles)
    interval = one_of("interval", choices["interval"], _INTERVALS)
    complete = {
        "time": columns.time, "event": columns.event,
        "event_level": None if choices["event_level"] is None else levels, **shared,
        "method": one_of("method", choices["method"], _METHODS),
        "ties": one_of("ties", choices["ties"], _TIES),
        "interval": interval if cluster is None else "wald",
        "entry": columns.entry, "strata": columns.strata, "cluster": cluster,
        "zph_transform": one_of("zph_transform", choices["zph_transform"], TRANSFORMS),
    }  # fmt: skip
    named = (*columns.names, *((cluster,) if cluster else ()), *shared["predictors"])
    return tuple(dict.fromkeys(named)), complete


def _name(value: object) -> str | None:
    return None if value is None else str(value)
