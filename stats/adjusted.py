"""The adjusted logistic model: which terms enter, how it is fitted, what each row says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import chdtrc, chdtri, ndtr, ndtri

from stats import model_notes
from stats.collinearity import find_aliased
from stats.design import (
    Design,
    Floats,
    Ints,
    Term,
    complete_rows,
    make_design,
)
from stats.effect_rows import NAN, NOT_ESTIMABLE, Effect, EffectRows, counts_by_level
from stats.errors import NotEstimable
from stats.firth import fit_firth, penalised_lr, profile_firth
from stats.logistic import LogisticFit, Sums, fit_logistic, null_loglik, sums
from stats.profile import profile_logistic
from stats.rare.separation import Separation, find_separation
from stats.result import Note
from stats.separated import climb_separated, profile_separated
from stats.terms import BinaryOutcome

_VANISHED = 1e-7  # a risk this small on the climb is one that goes to zero


@dataclass(frozen=True, slots=True, eq=False)
class ModelNumbers:
    """A fitted model on the internal scale, whatever fitted it.

    `low`, `high`, `lr_column` have one entry per design column; `lr_term` one per term index.
    Coefficients of `runaway` columns have no finite estimate; what `beta` and `covariance` hold
    for them is only how far the climb went.
    """

    estimator: str
    interval: str
    beta: Floats
    covariance: Floats
    probability: Floats
    loglik: float
    loglik_null: float
    lr_model: float
    low: Floats
    high: Floats
    statistic: Floats
    p_value: Floats
    lr_term: Mapping[int, float]
    penalised_loglik: float = NAN
    runaway: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class AdjustedModel:
    """The adjusted model with everything its tables are made of.

    `design` and `numbers` are None when nothing could be estimated; `notes` then say why.
    """

    terms: Sequence[Term]
    rows: Ints
    design: Design | None = None
    numbers: ModelNumbers | None = None
    aliased: set[tuple[int, int]] = field(default_factory=set)
    left_out: set[int] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)
    reason: str | None = None
    sums: Sums | None = None


def fit_adjusted(
    terms: Sequence[Term], outcome: BinaryOutcome, *, method: str, interval: str, ci_level: float
) -> AdjustedModel:
    """Fit one model of all terms on their complete rows.

    A term without values or with one value only is left out with a note (it would take rows
    and tell nothing); a column that others determine is not estimable and says so.
    """
    left_out, notes = model_notes.without_information(terms, outcome.known)
    usable = [t for i, t in enumerate(terms) if i not in left_out]
    rows = complete_rows(usable, outcome.known) if usable else np.empty(0, dtype=np.intp)
    model = AdjustedModel(terms, rows, left_out=left_out, notes=notes)
    y = outcome.y[rows]
    if not usable or not len(rows) or y.all() or not y.any():
        model.notes.append(model_notes.nothing_left(outcome.name, len(rows), len(usable)))
        return model
    full = make_design(terms, rows) if not left_out else _partial_design(terms, rows, left_out)
    found = sums(full, y.astype(np.float64))
    aliased = find_aliased(full, gram_matrix=found.gram)
    model.notes += model_notes.aliased_notes(full, aliased)
    keep = [j for j in range(len(full.columns)) if j not in {a.column for a in aliased}]
    model.aliased = {(full.columns[a.column].term, full.columns[a.column].level) for a in aliased}
    if not keep or len(rows) <= len(keep) + 1:
        model.notes.append(model_notes.too_few_rows(len(rows), len(full.columns) + 1))
        return model
    model.design = full if len(keep) == len(full.columns) else full.take(keep)
    chosen = [0, *(j + 1 for j in keep)]
    model.sums = Sums(found.gram[np.ix_(chosen, chosen)], found.xty[chosen], found.row_norm)
    model.notes += model_notes.empty_references(terms, rows, left_out)
    try:
        _fit(model, y.astype(np.float64), method=method, interval=interval, ci_level=ci_level)
    except NotEstimable as error:
        model.notes.append(Note("no_adjusted_model", "warning", f"No adjusted model: {error}"))
    if model.numbers is not None:
        low, high = model.numbers.low, model.numbers.high
        model.notes += model_notes.lost_limits(model.design, low, high)
    return model


def _partial_design(terms: Sequence[Term], rows: Ints, left_out: set[int]) -> Design:
    kept = [i for i in range(len(terms)) if i not in left_out]
    design = make_design([terms[i] for i in kept], rows)
    columns = [replace(c, term=kept[c.term]) for c in design.columns]
    return Design(terms, rows, columns, design.centre, design.spread)


def _fit(model: AdjustedModel, y: Floats, *, method: str, interval: str, ci_level: float) -> None:
    design = model.design
    if design is None or model.sums is None:
        return
    groups = design.term_columns()
    if method != "firth":
        xty = model.sums.xty
        fit = fit_logistic(design, y, start=model.sums)
        found = None if fit.certified else find_separation(design, y)
        if found is None:
            if not fit.certified:
                raise NotEstimable(
                    "the maximum was not reached, although nothing separates the outcome.",
                    hint="Look for extreme values among the predictors, or leave some out.",
                )
            model.numbers = _likelihood(design, xty, fit, groups, interval, ci_level)
            return
        model.notes.append(model_notes.separation_note(design, found, method))
        model.reason = model_notes.cause_of(design, found)
        if method == "likelihood":
            model.numbers = _runaway(design, y, model.sums, found, groups, interval, ci_level)
            return
        interval = "profile"  # Wald limits of a separated term would mislead (rule 5)
    model.numbers = _firth(design, y, groups, interval, ci_level)


def _likelihood(
    design: Design, xty: Floats, fit: LogisticFit, groups: Mapping[int, Sequence[int]],
    interval: str, ci_level: float,
) -> ModelNumbers:  # fmt: skip
    many = {t: c for t, c in groups.items() if len(c) > 1}
    profile = profile_logistic(
        design, xty, fit, quantile=float(chdtri(1, 1 - ci_level)),
        groups=list(many.values()), limits=interval == "profile",
        columns=None if interval == "profile" else [c[0] for c in groups.values() if len(c) == 1],
    )  # fmt: skip
    lr_term = {t: float(profile.lr_column[c[0]]) for t, c in groups.items() if len(c) == 1}
    lr_term |= dict(zip(many, (float(v) for v in profile.lr_group), strict=True))
    numbers = ModelNumbers(
        "maximum likelihood", "profile likelihood", fit.beta, fit.covariance, fit.probability,
        fit.loglik, fit.loglik_null, 2.0 * (fit.loglik - fit.loglik_null),
        profile.low, profile.high, profile.lr_column, chdtrc(1, profile.lr_column), lr_term,
    )  # fmt: skip
    return numbers if interval == "profile" else _with_wald(numbers, ci_level)


def _with_wald(numbers: ModelNumbers, ci_level: float) -> ModelNumbers:
    beta, se = numbers.beta[1:], np.sqrt(np.diag(numbers.covariance))[1:]
    z = beta / se
    reach = float(ndtri(0.5 + ci_level / 2.0)) * se
    return replace(
        numbers, interval="Wald", low=beta - reach, high=beta + reach,
        statistic=z, p_value=2.0 * ndtr(-np.abs(z)),
    )  # fmt: skip


def _runaway(
    design: Design, y: Floats, start: Sums, found: Separation,
    groups: Mapping[int, Sequence[int]], interval: str, ci_level: float,
) -> ModelNumbers:  # fmt: skip
    climb = climb_separated(design, y, start, found.runaway, found.runaway_directions)
    many = {t: c for t, c in groups.items() if len(c) > 1}
    profile = profile_separated(
        design,
        start.xty,
        climb,
        quantile=float(chdtri(1, 1 - ci_level)),
        groups=list(many.values()),
    )
    lr_term = {t: float(profile.lr_column[c[0]]) for t, c in groups.items() if len(c) == 1}
    lr_term |= dict(zip(many, (float(v) for v in profile.lr_group), strict=True))
    fit = climb.fit
    numbers = ModelNumbers(
        "maximum likelihood", "profile likelihood", fit.beta, fit.covariance, fit.probability,
        fit.loglik, fit.loglik_null, 2.0 * (fit.loglik - fit.loglik_null),
        profile.low, profile.high, profile.lr_column, chdtrc(1, profile.lr_column), lr_term,
    )  # fmt: skip
    if interval != "profile":
        numbers = _with_wald(numbers, ci_level)
    low, high = numbers.low.copy(), numbers.high.copy()
    statistic, p_value = numbers.statistic.copy(), numbers.p_value.copy()
    lost = list(climb.runaway)
    low[lost], high[lost] = profile.low[lost], profile.high[lost]
    statistic[lost] = profile.lr_column[lost]
    p_value[lost] = chdtrc(1, profile.lr_column[lost])
    return replace(
        numbers, low=low, high=high, statistic=statistic, p_value=p_value, runaway=climb.runaway,
        probability=_at_the_limit(fit.probability),
    )  # fmt: skip


def _at_the_limit(probability: Floats) -> Floats:
    """Risks that the climb drives to 0 or 1, at their limit."""
    rounded = np.where(probability < _VANISHED, 0.0, probability)
    return np.where(probability > 1.0 - _VANISHED, 1.0, rounded)


def _firth(
    design: Design, y: Floats, groups: Mapping[int, Sequence[int]], interval: str, ci_level: float
) -> ModelNumbers:
    fit = fit_firth(design, y)
    p = len(design.columns)
    singles = [[j] for j in range(p)] if interval == "profile" else []
    asked = singles + [list(c) for c in groups.values()] + [list(range(p))]
    tests = np.asarray(penalised_lr(design, y, fit, asked))
    by_term = dict(zip(groups, tests[len(singles) : -1].tolist(), strict=True))
    none = np.full(p, np.nan)
    low, high = profile_firth(design, y, fit, ci_level=ci_level) if singles else (none, none)
    column = tests[:p] if singles else none
    numbers = ModelNumbers(
        "Firth's penalised likelihood", "penalised profile likelihood", fit.beta,
        fit.covariance, fit.probability, fit.loglik, null_loglik(y), float(tests[-1]),
        low, high, column, chdtrc(1, column), by_term, fit.penalised_loglik,
    )  # fmt: skip
    return numbers if singles else _with_wald(numbers, ci_level)


def add_adjusted_rows(rows: EffectRows, model: AdjustedModel, outcome: BinaryOutcome) -> None:
    """One row per term and level of the model, reference rows included."""
    position: dict[tuple[int, int], int] = {}
    reported = scales = None
    if model.design is not None and model.numbers is not None:
        position = {(c.term, c.level): j for j, c in enumerate(model.design.columns)}
        scales = model.design.scales / model.design.spread
        reported = np.sqrt(np.diag(model.numbers.covariance))[1:] * scales
    for i, term in enumerate(model.terms):
        missing = int(np.count_nonzero(outcome.known & ~term.known))
        p_term, effects = _term_effects(model, i, term, position, scales, reported)
        used = model.rows if i not in model.left_out else model.rows[:0]
        if term.kind == "continuous":
            rows.add(
                term, -1, effects.get(-1, NOT_ESTIMABLE), n=len(used),
                events=int(outcome.y[used].sum()), missing=missing, p_term=p_term,
            )  # fmt: skip
            continue
        n, events = counts_by_level(term, used, outcome.y)
        for level in range(len(term.levels)):
            share = {
                "n": int(n[level]), "events": int(events[level]), "missing": missing,
                "p_term": p_term,
            }  # fmt: skip
            if level == term.reference:
                rows.add_reference(term, **share)  # type: ignore[arg-type]
            else:
                rows.add(term, level, effects.get(level, NOT_ESTIMABLE), **share)  # type: ignore[arg-type]


def _term_effects(
    model: AdjustedModel, index: int, term: Term, position: Mapping[tuple[int, int], int],
    scales: Floats | None, std_errors: Floats | None,
) -> tuple[float, dict[int, Effect]]:  # fmt: skip
    numbers = model.numbers
    if numbers is None or scales is None or std_errors is None or index in model.left_out:
        return NAN, {}
    levels = [-1] if term.kind == "continuous" else range(len(term.levels))
    present = {level: position[index, level] for level in levels if (index, level) in position}
    if not present:
        return NAN, {}
    p_term = float(chdtrc(len(present), numbers.lr_term.get(index, NAN)))
    if term.kind == "factor" and not np.any(term.values[model.rows] == term.reference):
        return p_term, {}
    effects = {
        level: Effect(
            coef=NAN if j in numbers.runaway else float(numbers.beta[j + 1] * scales[j]),
            std_error=NAN if j in numbers.runaway else float(std_errors[j]),
            low=float(numbers.low[j] * scales[j]),
            high=float(numbers.high[j] * scales[j]),
            statistic=float(numbers.statistic[j]),
            df=NAN if numbers.interval == "Wald" and j not in numbers.runaway else 1.0,
            p_value=float(numbers.p_value[j]),
        )
        for level, j in present.items()
    }
    return p_term, effects
