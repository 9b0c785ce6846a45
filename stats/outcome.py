"""`analyze_outcome`: descriptives, crude and adjusted odds ratios of a binary outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from stats.adjusted import AdjustedModel, add_profile, fit_adjusted
from stats.cluster_robust import (
    cluster_notes,
    robust_crude,
    robust_model,
    with_clusters,
)
from stats.descriptives import describe_by_outcome
from stats.design import Bools, Ints, Term
from stats.model_choices import adjustment, build_terms, exposure_among
from stats.named_choices import confidence_level, one_of
from stats.outcome_extras import extras_of, further_choices
from stats.outcome_notes import notes_on_data, notes_on_model
from stats.outcome_report import adjusted_result, crude_result, diagnostics_of
from stats.ranks import OutcomeRanks, rank_terms
from stats.result import EffectsResult, Note, OutcomeDiagnostics, OutcomeResult
from stats.selection import (
    BACKWARD,
    Selection,
    eliminate,
    is_selection,
    screen,
    selection_choice,
    selection_note,
)
from stats.splines import bend
from stats.terms import (
    BinaryOutcome,
    binary_outcome,
    check_predictors,
    column_names,
    resolve_references,
    resolve_scale,
    zero_one_numbers,
)
from stats.two_by_k import LevelTables, tabulate
from stats.univariable import fit_crude
from stats.variables import Dataset, as_dataset

_METHODS = ("auto", "likelihood", "firth")
_INTERVALS = ("profile", "wald")
_LONG = 1 << 21  # rows x predictors from which the limits are waited for
_FIRST_SHARE = 0.4  # of the time of a long run, until Wald's limits are known
_FIRST: Mapping[str, Any] = MappingProxyType(  # what is known then
    {"interval": "wald", "risk_measures": False, "subgroups": ()}
)

Progress = Callable[[float, OutcomeResult], object]


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
    splines: Mapping[str, int] | Sequence[str] | None = None,
    cluster: str | None = None,
    risk_measures: bool = False,
    subgroups: Sequence[str] | None = None,
    seed: int = 1,
    progress: Progress | None = None,
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
    adjust : "all" predictors, the names of those in the adjusted model, or a selection by the data
        (with a caution): "screen:0.2" or "backward:aic" (`stats.selection`).
    method : "auto" (maximum likelihood; Firth's penalty for models whose covariates separate
        the outcome), "likelihood" or "firth".
    interval : "profile" (likelihood-ratio p) or "wald" (z, Wald p).
    ci_level : in (0, 1).
    common_sample : crude estimates on the rows of the adjusted model instead of their own.
    scale : continuous predictor -> units of its odds ratio: a number, "iqr" or "sd".
    hosmer_lemeshow : add the test to the diagnostics.
    splines : continuous predictors that enter the adjusted model as restricted cubic splines: names
        (4 knots each) or name -> 3, 4 or 5 knots (`stats.splines`). Their crude rows stay those of
        a straight line; shape tests and curves are in `extras`.
    cluster : column whose rows belong together (a patient, a centre): cluster-robust errors
        (CR1), Wald intervals and tests (`stats.cluster_robust`).
    risk_measures : add risk ratios (modified Poisson) and standardised risk differences to
        `extras` (`stats.risk_ratio`).
    subgroups : categorical columns; the exposure's effect within each of their levels and a test of
        interaction stand in `extras` (`stats.subgroups`).
    seed : of simulated exact p-values (tables too large to enumerate).
    progress : of a long run with profile limits, called once with the fraction done and the
        result with Wald limits; what it raises ends the analysis.

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
        "hosmer_lemeshow": hosmer_lemeshow, "splines": splines, "cluster": cluster,
        "risk_measures": risk_measures, "subgroups": subgroups, "seed": seed,
    }  # fmt: skip
    _, choices, found = _checked(dataset, asked)
    return _analyze(dataset, choices, found, progress)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """What a result is made of besides the models' limits."""

    dataset: Dataset
    found: BinaryOutcome
    clusters: Ints | None
    terms: Sequence[Term]
    selected: Selection | None
    said: Sequence[Note]
    ranked: Sequence[OutcomeRanks | None]
    tables: LevelTables
    diagnostics: OutcomeDiagnostics


def _analyze(
    dataset: Dataset, choices: Mapping[str, Any], outcome: BinaryOutcome,
    progress: Progress | None,
) -> OutcomeResult:  # fmt: skip
    found, clusters = with_clusters(dataset, outcome, choices["cluster"])
    terms = build_terms(dataset, choices)
    selected = _selected(terms, found, clusters, choices)
    long = (
        choices["interval"] == "profile" and choices["method"] != "firth"
        and dataset.n_rows * len(terms) >= _LONG
    )  # fmt: skip
    first = {**choices, **_FIRST} if long else choices
    model, said = _adjusted_model(terms, found, selected, first)
    work = _Work(
        dataset,
        found,
        clusters,
        terms,
        selected,
        said,
        rank_terms(terms, found.y, found.known),
        _tables(terms, found, found.known),
        diagnostics_of(model, found, choices),
    )
    if long:
        if progress is not None:
            progress(_FIRST_SHARE, _result(work, model, first))
        if model.fit is not None:
            add_profile(model, model.fit, choices["ci_level"])
        elif model.numbers is not None and model.numbers.interval == "Wald":  # separated
            model = _adjusted_model(terms, found, selected, choices)[0]
    return _result(work, model, choices)


def _result(work: _Work, model: AdjustedModel, choices: Mapping[str, Any]) -> OutcomeResult:
    dataset, found, clusters = work.dataset, work.found, work.clusters
    missing = _missing(work)
    crude = _crude(work, model, missing, choices)
    reported = model
    if clusters is not None:
        reported = robust_model(model, found.y, clusters, choices["ci_level"])
    adjusted = adjusted_result(reported, found, choices, missing)
    descriptives, tests = describe_by_outcome(
        work.terms, found.y, found.known, event_label=found.event, other_label=found.other,
        seed=choices["seed"], ranked=work.ranked, tables=work.tables,
    )  # fmt: skip
    zero_one = zero_one_numbers(work.terms)
    notes = notes_on_data(dataset, found, zero_one, risks=choices["risk_measures"])
    notes += notes_on_model(model, found, work.diagnostics)
    if clusters is not None:
        notes += cluster_notes(choices["cluster"], clusters, model.rows)
    extras, more = extras_of(dataset, reported, found, clusters, work.selected, choices)
    notes += [*work.said, *more]
    return OutcomeResult(
        analysis="analyze_outcome", choices=choices, n_rows=dataset.n_rows,
        n_used=adjusted.n_used, exclusions=adjusted.exclusions,
        notes=(*notes, *crude.notes, *adjusted.notes), references=adjusted.references,
        method=_method(adjusted.method, choices, tests),
        outcome=found.name, event=found.event, other=found.other,
        descriptives=descriptives, tests=tests,
        crude=crude, adjusted=adjusted, diagnostics=work.diagnostics,
        extras=extras,
    )  # fmt: skip


def _options(choices: Mapping[str, Any]) -> dict[str, Any]:
    return {name: choices[name] for name in ("method", "interval", "ci_level")}


def _selected(
    terms: Sequence[Term], found: BinaryOutcome, clusters: Ints | None, choices: Mapping[str, Any]
) -> Selection | None:
    """What the data chose, where they were asked to."""
    adjust, exposure = choices["adjust"], choices["exposure"]
    if not is_selection(adjust):
        return None
    if adjust.startswith(BACKWARD):
        return eliminate(bend(terms, found, choices["splines"])[0], found, exposure)
    fits = fit_crude(
        terms, found.y, found.known, method=choices["method"], interval="wald",
        ci_level=choices["ci_level"],
    )  # fmt: skip
    if clusters is not None:
        fits = robust_crude(terms, fits, found.y, found.known, clusters, choices["ci_level"])
    p_values = {f.term: f.lr_p if f.p_term is None else f.p_term for f in fits}
    return screen(terms, p_values, float(adjust.partition(":")[2]), exposure)


def _adjusted_model(
    terms: Sequence[Term], found: BinaryOutcome, selected: Selection | None,
    choices: Mapping[str, Any],
) -> tuple[AdjustedModel, list[Note]]:  # fmt: skip
    """The adjusted model, and what is to be said about the terms that it was given."""
    names = choices["predictors"] if choices["adjust"] == "all" else choices["adjust"]
    said: list[Note] = []
    if selected is not None:
        names, said = selected.names, selection_note(choices["adjust"], selected)
    chosen = [t for t in terms if t.name in names]
    if choices["splines"]:
        chosen, more = bend(chosen, found, choices["splines"])
        said += more
    model = fit_adjusted(chosen, found, **_options(choices))
    if not chosen:
        model.notes.clear()  # nothing was selected, which is said
    return model, said


def _crude(
    work: _Work, model: AdjustedModel, missing: Mapping[str, int], choices: Mapping[str, Any]
) -> EffectsResult:
    """Crude models on their own rows, or all on the rows of the adjusted model."""
    terms, found, clusters = work.terms, work.found, work.clusters
    known, ranked, tables = found.known, work.ranked, work.tables
    if choices["common_sample"]:
        known = np.zeros_like(known)
        known[model.rows] = True
        ranked, tables = rank_terms(terms, found.y, known), _tables(terms, found, known)
    fits = fit_crude(terms, found.y, known, ranked=ranked, tables=tables, **_options(choices))
    if clusters is not None:
        fits = robust_crude(terms, fits, found.y, known, clusters, choices["ci_level"])
    return crude_result(terms, fits, found, known, choices, missing, len(model.rows))


def _tables(terms: Sequence[Term], found: BinaryOutcome, known: Bools) -> LevelTables:
    """Level by outcome of every factor that has levels."""
    return tabulate([t for t in terms if t.kind == "factor" and t.levels], found.y, known)


def _missing(work: _Work) -> dict[str, int]:
    """Rows with a known outcome and no value of the predictor, for each."""
    terms, n_known = work.terms, int(np.count_nonzero(work.found.known))
    missing = dict.fromkeys((term.name for term in terms), n_known)
    for term, ranks in zip(terms, work.ranked, strict=True):
        if ranks is not None:
            missing[term.name] = n_known - ranks.overall.n
    factors = [t.name for t in terms if t.kind == "factor" and t.levels]
    return missing | dict(zip(factors, work.tables.missing.tolist(), strict=True))


def _method(
    facts: Mapping[str, Any], choices: Mapping[str, Any], tests: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    used = tuple(dict.fromkeys(str(t) for t in tests["test"] if t))
    return {**facts, "tests": used, "common_sample": choices["common_sample"]}


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check every choice before any work; the columns named and the choices in full.

    `event` stays None when it was left out, so that the note about it is part of the result.
    """
    return _checked(dataset, choices)[:2]


def _checked(
    dataset: Dataset, choices: Mapping[str, Any]
) -> tuple[tuple[str, ...], dict[str, Any], BinaryOutcome]:
    outcome = str(choices["outcome"])
    dataset.variable(outcome)
    predictors = column_names(choices["predictors"], "predictors")
    check_predictors(dataset, predictors, outcome=outcome)
    found = binary_outcome(dataset, outcome, choices["event"])
    exposure = exposure_among(predictors, choices["exposure"])
    adjust = choices["adjust"]
    if is_selection(adjust):
        adjust = selection_choice(adjust, choices["method"])
    else:
        adjust = adjustment(adjust, predictors, exposure)
    roles = {"outcome": outcome, "exposure": exposure}
    further = further_choices(dataset, choices, roles, predictors, adjust)
    interval = one_of("interval", choices["interval"], _INTERVALS)
    complete = {
        "outcome": outcome,
        "predictors": predictors,
        "event": None if choices["event"] is None else found.event,
        "references": resolve_references(dataset, predictors, choices["references"]),
        "exposure": exposure,
        "adjust": adjust,
        "method": one_of("method", choices["method"], _METHODS),
        "interval": interval if further["cluster"] is None else "wald",
        "ci_level": confidence_level(choices["ci_level"]),
        "common_sample": bool(choices["common_sample"]),
        "scale": resolve_scale(dataset, predictors, choices["scale"]),
        "hosmer_lemeshow": bool(choices["hosmer_lemeshow"]),
        **further,
        "seed": int(choices["seed"]),
    }
    others = [n for n in (further["cluster"], *further["subgroups"]) if n and n not in predictors]
    return (outcome, *others, *predictors), complete, found
