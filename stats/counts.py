"""`fit_counts`: crude and adjusted rate ratios of a count, with time at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from stats.count_checks import count_diagnostics, count_tests, dispersion_notes
from stats.count_model import NEGATIVE_BINOMIAL, POISSON, ROBUST, CountFamily
from stats.design import Bools, Floats, Ints
from stats.errors import BadInput
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
from stats.time_to_event import codes_of, rows_in_words
from stats.variables import Dataset, as_dataset

_FAMILIES: Final = (POISSON, NEGATIVE_BINOMIAL)
_INTERVALS: Final = ("profile", "wald")
_INFORMATION: Final = ("observed", "expected")
_LARGEST_COUNT: Final = 1e7  # likelihoods of larger counts lose the digits that tests need
_CITED: Final[Mapping[str, str]] = {
    "nb": (
        "Lawless JF. Negative binomial and mixed Poisson regression. Can J Stat 1987;15:209-25. "
        "doi:10.2307/3314912"
    ),
    "profile": "Venzon & Moolgavkar 1988, doi:10.2307/2347496",
    "robust": (
        "White H. A heteroskedasticity-consistent covariance matrix estimator and a direct test "
        "for heteroskedasticity. Econometrica 1980;48:817-38. doi:10.2307/1912934"
    ),
}


def fit_counts(
    data: Dataset | pd.DataFrame,
    *,
    outcome: str,
    predictors: Sequence[str],
    family: str = "poisson",
    person_time: str | None = None,
    references: Mapping[str, object] | None = None,
    exposure: str | None = None,
    adjust: str | Sequence[str] = "all",
    robust: str | None = None,
    interval: str = "profile",
    ci_level: float = 0.95,
    information: str = "observed",
    cluster: str | None = None,
    scale: Mapping[str, object] | None = None,
    common_sample: bool = False,
) -> ModelResult:
    """Crude and adjusted rate ratios by Poisson or negative binomial (NB2) regression.

    Parameters
    ----------
    outcome : counts, whole numbers from 0.
    predictors, references, exposure, adjust, scale, common_sample, ci_level : as in
        `analyze_outcome`.
    family : "poisson" or "negative_binomial" (variance mu + alpha mu^2, theta = 1 / alpha).
    person_time : column with the time (or persons) at risk, above 0; its log is the offset.
        Without it every row counts the same time.
    robust : None, "HC0", "HC1" (sandwich) or, for Poisson, "quasi" (variance scaled by the Pearson
        dispersion, t tests). With one of them, or with `cluster`, intervals are Wald's.
    interval : "profile" (likelihood-ratio p) or "wald".
    information : standard errors of the negative binomial from the joint "observed" information of
        coefficients and dispersion (as Stata and statsmodels) or from the "expected" one with theta
        held fixed (as R's glm.nb). Profile limits let theta vary.

    Returns
    -------
    ModelResult. `effects` with rate ratios and `events` the sum of the counts; `fit` with deviance,
    Pearson dispersion and theta; AIC and BIC of the negative binomial count theta. `tests`:
    goodness of fit by the deviance (Poisson), or the likelihood ratio against Poisson (half of
    chi-square, 1 df).

    Raises
    ------
    BadInput : unknown column, a count that is negative or not whole, an unknown choice.

    References
    ----------
    Lawless 1987, doi:10.2307/3314912. White 1980, doi:10.2307/1912934.

    Checked against
    ---------------
    R glm, sandwich and MASS::glm.nb refined on the joint likelihood (tests/reference), statsmodels.
    """
    dataset = as_dataset(data)
    asked = {
        "outcome": outcome, "predictors": predictors, "family": family,
        "person_time": person_time, "references": references, "exposure": exposure,
        "adjust": adjust, "robust": robust, "interval": interval, "ci_level": ci_level,
        "information": information, "cluster": cluster, "scale": scale,
        "common_sample": common_sample,
    }  # fmt: skip
    return _fit(dataset, prepare(dataset, asked)[1])


def _fit(dataset: Dataset, choices: Mapping[str, Any]) -> ModelResult:
    name, time = choices["outcome"], choices["person_time"]
    y = _counts(dataset, name)
    persons = np.ones(len(y)) if time is None else _numbers(dataset, time)
    codes = None if choices["cluster"] is None else codes_of(dataset, choices["cluster"])
    known, exclusions, notes = _known(name, time, y, persons, codes)
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = np.log(persons)  # rows without a positive time are not used
    family = CountFamily(
        name, np.where(known, y, 0.0), np.where(known, offset, 0.0), known, choices["family"],
        choices["robust"], codes, choices["information"], choices["interval"],
        choices["ci_level"],
    )  # fmt: skip
    terms = build_terms(dataset, choices)
    adjusted = fit_adjusted_model(adjusted_terms(terms, choices), family)
    within = only_rows(known, adjusted.rows) if choices["common_sample"] else None
    crude = fit_crude_models(terms, family, within)
    about = AnalysisFacts(
        analysis="fit_counts", choices=choices, n_file=dataset.n_rows, exclusions=exclusions,
        method=_method(family, choices), references=_references(choices),
    )  # fmt: skip
    tests, diagnostics = count_tests(adjusted), count_diagnostics(adjusted)
    models = (
        effects_result(crude, family, about),
        effects_result(tables_of(family, [adjusted], crude=False), family, about),
    )
    columns = 0 if adjusted.fitted is None else len(adjusted.fitted.design.columns)
    model_based = choices["robust"] is None and choices["cluster"] is None
    every = (
        *notes, *zero_one_note(terms, "rate ratio"),
        *sample_notes(crude.sizes, adjusted, known, common_sample=choices["common_sample"]),
        *per_parameter_note("events", float(family.y[adjusted.rows].sum()), columns),
        *diagnostic_notes(diagnostics), *dispersion_notes(adjusted, model_based=model_based),
        *models[0].notes, *models[1].notes,
    )  # fmt: skip
    return ModelResult(
        analysis="fit_counts", choices=choices, n_rows=dataset.n_rows, n_used=models[1].n_used,
        exclusions=models[1].exclusions, notes=every, references=tuple(about.references),
        method=models[1].method, outcome=name, crude=models[0], adjusted=models[1], tests=tests,
        curves=no_curves(), diagnostics=diagnostics,
    )  # fmt: skip


def _numbers(dataset: Dataset, name: str) -> Floats:
    return np.asarray(build_term(dataset, name, None).values, dtype=np.float64)


def _counts(dataset: Dataset, name: str) -> Floats:
    y = _numbers(dataset, name)
    faults = (
        (y < 0, "negative"), (y != np.floor(y), "not whole"),
        (y > _LARGEST_COUNT, "above ten million, too large for a model of counts,"),
    )  # fmt: skip
    for wrong, what in faults:
        hit = np.flatnonzero(wrong & ~np.isnan(y))
        if len(hit):
            row = int(hit[0])
            raise BadInput(
                f'"{name}" is {what} in row {row + 1} ({y[row]:g}), and counts are whole numbers '
                "from 0.",
                column=name, rule="counts", found=f"{y[row]:g}",
                hint="Choose another outcome, or correct the value.",
            )  # fmt: skip
    return y


def _known(
    name: str, time: str | None, y: Floats, persons: Floats, cluster: Ints | None
) -> tuple[Bools, dict[str, int], list[Note]]:
    faults: list[tuple[str, Bools]] = [
        ("outcome missing", np.isnan(y)), ("time at risk missing", np.isnan(persons)),
        ("time at risk not above 0", persons <= 0),
    ]  # fmt: skip
    if cluster is not None:
        faults.append(("cluster missing", cluster < 0))
    known = np.ones(len(y), dtype=np.bool_)
    exclusions: dict[str, int] = {}
    notes: list[Note] = []
    for reason, wrong in faults:
        own = known & wrong
        known &= ~wrong
        if not own.any():
            continue
        exclusions[reason] = int(np.count_nonzero(own))
        if reason == "time at risk not above 0":
            text = (
                f'"{time}" is 0 or negative in {rows_in_words(np.flatnonzero(own))}, left out. '
                "Correct the values in the file."
            )
            notes.append(Note("bad_times", "warning", text, time))
    lost = int(np.count_nonzero(~known))
    if lost:
        text = (
            f'{lost:,} of {len(y):,} rows have no usable "{name}" or time at risk and are left out '
            "everywhere. Fill them in if the values are known."
        )
        notes.append(Note("outcome_missing", "info", text, name))
    return known, exclusions, notes


def _method(family: CountFamily, choices: Mapping[str, Any]) -> dict[str, Any]:
    poisson = choices["family"] == POISSON
    return {
        "model": "Poisson regression" if poisson else "negative binomial regression",
        "estimator": family.method, "interval": family.interval,
        "ci_level": choices["ci_level"], "adjust": choices["adjust"],
        "exposure": choices["exposure"], "person_time": choices["person_time"],
        "robust": choices["robust"], "cluster": choices["cluster"],
        "information": None if poisson else choices["information"],
        "common_sample": choices["common_sample"],
    }  # fmt: skip


def _references(choices: Mapping[str, Any]) -> tuple[str, ...]:
    keys = ["nb"] if choices["family"] == NEGATIVE_BINOMIAL else []
    robust = choices["robust"] in ("HC0", "HC1") or choices["cluster"] is not None
    keys += ["robust"] if robust else ["profile"] if choices["interval"] == "profile" else []
    return tuple(_CITED[k] for k in keys)


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check every choice before any work; the columns named and the choices in full.

    With robust or cluster-robust standard errors the interval is Wald's.
    """
    outcome = str(choices["outcome"])
    time = None if choices["person_time"] is None else str(choices["person_time"])
    cluster = None if choices["cluster"] is None else str(choices["cluster"])
    for role, name in (("count", outcome), ("time at risk", time)):
        if name is not None and dataset.variable(name).kind != "continuous":
            kind = dataset.variable(name).kind
            raise BadInput(
                f'"{name}" is {kind}, and a {role} must be a number.', column=name, rule=role,
                found=kind, hint="Choose another column, or change its kind in the variable table.",
            )  # fmt: skip
    if time == outcome:
        raise BadInput(
            f'"{outcome}" was chosen both as the count and as the time at risk.', column=outcome,
            rule="time at risk", hint="Choose another column for one of them.",
        )  # fmt: skip
    if cluster is not None:
        dataset.variable(cluster)
    roles = {"outcome": outcome, "time at risk": time, "cluster": cluster}
    shared = term_choices(dataset, choices, roles)
    family = one_of("family", choices["family"], _FAMILIES)
    robust = choices["robust"]
    if robust is not None:
        robust = one_of("robust", robust, ROBUST if family == POISSON else ROBUST[:2])
    interval = one_of("interval", choices["interval"], _INTERVALS)
    complete = {
        "outcome": outcome, **shared, "family": family, "person_time": time, "robust": robust,
        "interval": interval if robust is None and cluster is None else "wald",
        "information": one_of("information", choices["information"], _INFORMATION),
        "cluster": cluster,
    }  # fmt: skip
    named = (outcome, *(n for n in (time, cluster) if n), *shared["predictors"])
    return tuple(dict.fromkeys(named)), complete
