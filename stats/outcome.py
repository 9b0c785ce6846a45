"""`analyze_outcome`: descriptives, crude and adjusted odds ratios of a binary outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stats.adjusted import AdjustedModel, fit_adjusted
from stats.descriptives import describe_by_outcome
from stats.design import Term
from stats.errors import BadInput
from stats.outcome_notes import notes_on_data, notes_on_model
from stats.outcome_report import adjusted_result, crude_result, diagnostics_of
from stats.ranks import OutcomeRanks, rank_terms
from stats.result import EffectsResult, OutcomeResult
from stats.terms import (
    BinaryOutcome,
    binary_outcome,
    build_term,
    check_predictors,
    column_names,
    resolve_references,
    resolve_scale,
    zero_one_numbers,
)
from stats.univariable import fit_crude
from stats.variables import Dataset, as_dataset, quote_list

_METHODS = ("auto", "likelihood", "firth")
_INTERVALS = ("profile", "wald")


def analyze_outcome(
    data: Dataset | pd.DataFrame,
    *,
    outcome: str,
    predictors: Sequence[str],
    event: object = None,
    references: Mapping[str, object] | None = None,
    exposure: str | None = None,
    adjust: str | Sequence[str] = "all",
    method: str = "auto",
    interval: str = "profile",
    ci_level: float = 0.95,
    common_sample: bool = False,
    scale: Mapping[str, object] | None = None,
    hosmer_lemeshow: bool = False,
    seed: int = 1,
) -> OutcomeResult:
    """Crude and adjusted odds ratios of a binary outcome, with descriptives and diagnostics.

    Parameters
    ----------
    data : one row per patient; a DataFrame or a Dataset with its variable table. Rows are
        dropped only for the variables that an estimate uses.
    outcome : column with two values.
    predictors : columns, in the order of the table.
    event : the level that counts as the event (1, 1.0 and "1" are the same label). May be left
        out for 0/1, no/yes and FALSE/TRUE only.
    references : predictor -> reference level; else the variable table's, else the first level.
    exposure : one of the predictors; the others are then shown as "adjusted for".
    adjust : "all" predictors, or the names of those in the adjusted model.
    method : "auto" (maximum likelihood; Firth's penalty for models whose covariates separate
        the outcome), "likelihood" or "firth".
    interval : "profile" (likelihood-ratio p) or "wald" (z, Wald p).
    ci_level : in (0, 1).
    common_sample : crude estimates on the rows of the adjusted model instead of their own.
    scale : continuous predictor -> units of its odds ratio: a number, "iqr" or "sd".
    hosmer_lemeshow : add the test to the diagnostics.
    seed : of simulated exact p-values (tables too large to enumerate).

    Returns
    -------
    OutcomeResult. `crude.effects` and `adjusted.effects` have a row per term and level with
    coef and std_error on the log-odds scale and estimate, ci_low, ci_high as odds ratios;
    `crude.fit` one row per predictor, `adjusted.fit` one row.

    Raises
    ------
    BadInput : unknown column or level, outcome without two values, event not chosen.

    Notes
    -----
    Logistic regression by maximum likelihood; profile-likelihood limits are exact roots.
    p_term is the likelihood-ratio p of the whole term.

    References
    ----------
    Venzon & Moolgavkar 1988, doi:10.2307/2347496. Firth 1993, doi:10.1093/biomet/80.1.27.
    Heinze & Schemper 2002, doi:10.1002/sim.1047. DeLong et al. 1988, doi:10.2307/2531595.

    Checked against
    ---------------
    R glm, logistf algorithm, pROC and car (tests/reference), statsmodels Logit.
    """
    dataset = as_dataset(data)
    asked = {
        "outcome": outcome, "predictors": predictors, "event": event, "references": references,
        "exposure": exposure, "adjust": adjust, "method": method, "interval": interval,
        "ci_level": ci_level, "common_sample": common_sample, "scale": scale,
        "hosmer_lemeshow": hosmer_lemeshow, "seed": seed,
    }  # fmt: skip
    return _analyze(dataset, prepare(dataset, asked)[1])


def _analyze(dataset: Dataset, choices: Mapping[str, Any]) -> OutcomeResult:
    found = binary_outcome(dataset, choices["outcome"], choices["event"])
    terms = [
        build_term(dataset, n, choices["references"].get(n), choices["scale"].get(n, 1.0))
        for n in choices["predictors"]
    ]
    model = _adjusted_model(terms, found, choices)
    ranked = rank_terms(terms, found.y, found.known)
    crude = _crude(terms, found, model, ranked, choices)
    adjusted = adjusted_result(model, found, choices)
    diagnostics = diagnostics_of(model, found, choices)
    descriptives, tests = describe_by_outcome(
        terms, found.y, found.known, event_label=found.event, other_label=found.other,
        seed=choices["seed"], ranked=ranked,
    )  # fmt: skip
    notes = notes_on_data(dataset, found, zero_one_numbers(terms))
    notes += notes_on_model(model, found, diagnostics)
    return OutcomeResult(
        analysis="analyze_outcome", choices=choices, n_rows=dataset.n_rows,
        n_used=adjusted.n_used, exclusions=adjusted.exclusions,
        notes=(*notes, *crude.notes, *adjusted.notes), references=adjusted.references,
        method=_method(adjusted.method, choices, tests),
        outcome=found.name, event=found.event, other=found.other,
        descriptives=descriptives, tests=tests,
        crude=crude, adjusted=adjusted, diagnostics=diagnostics,
    )  # fmt: skip


def _options(choices: Mapping[str, Any]) -> dict[str, Any]:
    return {name: choices[name] for name in ("method", "interval", "ci_level")}


def _adjusted_model(
    terms: Sequence[Term], found: BinaryOutcome, choices: Mapping[str, Any]
) -> AdjustedModel:
    names = choices["predictors"] if choices["adjust"] == "all" else choices["adjust"]
    return fit_adjusted([t for t in terms if t.name in names], found, **_options(choices))


def _crude(
    terms: Sequence[Term], found: BinaryOutcome, model: AdjustedModel,
    ranked: Sequence[OutcomeRanks | None], choices: Mapping[str, Any],
) -> EffectsResult:  # fmt: skip
    """Crude models on their own rows, or all on the rows of the adjusted model."""
    known = found.known
    if choices["common_sample"]:
        known = np.zeros_like(known)
        known[model.rows] = True
        ranked = rank_terms(terms, found.y, known)
    fits = fit_crude(terms, found.y, known, ranked=ranked, **_options(choices))
    return crude_result(terms, fits, found, known, choices, len(model.rows))


def _method(
    facts: Mapping[str, Any], choices: Mapping[str, Any], tests: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    used = tuple(dict.fromkeys(str(t) for t in tests["test"] if t))
    return {**facts, "tests": used, "common_sample": choices["common_sample"]}


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check every choice before any work; the columns named and the choices in full.

    `event` stays None when it was left out, so that the note about it is part of the result.
    """
    outcome = str(choices["outcome"])
    dataset.variable(outcome)
    predictors = column_names(choices["predictors"], "predictors")
    check_predictors(dataset, predictors, outcome=outcome)
    found = binary_outcome(dataset, outcome, choices["event"])
    exposure = choices["exposure"]
    if exposure is not None and exposure not in predictors:
        raise BadInput(
            f'The exposure "{exposure}" is not among the predictors.', column=str(exposure),
            rule="exposure", hint=f"Choose one of {quote_list(predictors)}.",
        )  # fmt: skip
    complete = {
        "outcome": outcome,
        "predictors": predictors,
        "event": None if choices["event"] is None else found.event,
        "references": resolve_references(dataset, predictors, choices["references"]),
        "exposure": exposure,
        "adjust": _adjust(choices["adjust"], predictors, exposure),
        "method": _one_of("method", choices["method"], _METHODS),
        "interval": _one_of("interval", choices["interval"], _INTERVALS),
        "ci_level": _level(choices["ci_level"]),
        "common_sample": bool(choices["common_sample"]),
        "scale": resolve_scale(dataset, predictors, choices["scale"]),
        "hosmer_lemeshow": bool(choices["hosmer_lemeshow"]),
        "seed": int(choices["seed"]),
    }
    return (outcome, *predictors), complete


def _adjust(
    wanted: str | Sequence[str], predictors: Sequence[str], exposure: str | None
) -> str | tuple[str, ...]:
    if wanted == "all":
        return "all"
    names = column_names(wanted, "adjustment set")
    for name in names:
        if name not in predictors:
            raise BadInput(
                f'The adjustment set names "{name}", which is not among the predictors.',
                column=name, rule="adjust", hint="Add it to the predictors, or take it out here.",
            )  # fmt: skip
    chosen = {*names, exposure} if exposure else set(names)
    ordered = tuple(p for p in predictors if p in chosen)
    if not ordered:
        raise BadInput(
            "The adjustment set is empty.", rule="adjust", hint='Name predictors, or use "all".'
        )
    return ordered


def _one_of(rule: str, value: object, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise BadInput(
            f'The {rule} "{value}" is not known.', rule=rule, found=str(value),
            hint=f"Choose {quote_list(allowed)}.",
        )  # fmt: skip
    return str(value)


def _level(value: object) -> float:
    if not isinstance(value, (int, float)) or not 0.5 <= value < 1.0:
        raise BadInput(
            f"The confidence level must lie between 0.5 and 1, not {value}.", rule="ci_level",
            found=str(value), hint="The usual level is 0.95.",
        )  # fmt: skip
    return float(value)
