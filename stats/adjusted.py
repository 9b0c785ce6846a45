"""The adjusted logistic model: which terms enter, how it is fitted, what each row says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import chdtrc, chdtri, ndtr, ndtri

from stats import model_notes
from stats.collinearity import Dependence, dependence_of, find_aliased
from stats.design import (
    Design,
    Floats,
    Ints,
    Term,
    complete_rows,
    make_design,
)
from stats.diagnostics import RiskOrder, risk_order
from stats.effect_rows import NAN, NOT_ESTIMABLE, REFERENCE, Effect, EffectRows, counts_by_level
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

    `design` and `numbers` are None when nothing could be estimated; `notes` then say why. `fit` is
    the maximum of the likelihood, where there is one.
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
    dependence: Dependence | None = None
    fit: LogisticFit | None = None
    _order: RiskOrder | None = None

    def risk_order(self) -> RiskOrder | None:
        """The rows by fitted probability, sorted once; None without a fitted model."""
        if self._order is None and self.numbers is not None:
            self._order = risk_order(self.numbers.probability)
        return self._order


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
    dependence = dependence_of(full, found.gram)
    aliased = find_aliased(full, dependence=dependence)
    model.notes += model_notes.aliased_notes(full, aliased)
    lost = {a.column for a in aliased}
    keep = [j for j in range(len(full.columns)) if j not in lost]
    model.aliased = {(full.columns[j].term, full.columns[j].level) for j in lost}
    if not keep or len(rows) <= len(keep) + 1:
        model.notes.append(model_notes.too_few_rows(len(rows), len(full.columns) + 1))
        return model
    model.design, model.sums, model.dependence = full, found, dependence
    if len(keep) < len(full.columns):
        model.design, chosen = full.take(keep), [0, *(j + 1 for j in keep)]
        model.dependence = None
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
    groups = design.term_columns
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
            model.fit = fit
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


def add_profile(model: AdjustedModel, fit: LogisticFit, ci_level: float) -> None:
    """Turn the Wald limits and tests of a model with this maximum into those of the profile
    likelihood."""
    design, sums_, numbers = model.design, model.sums, model.numbers
    if design is None or sums_ is None or numbers is None:
        return
    tested = {c[0]: numbers.lr_term[t] for t, c in design.term_columns.items() if len(c) == 1}
    profile = profile_logistic(
        design, sums_.xty, fit, quantile=float(chdtri(1, 1 - ci_level)),
        columns=[j for j in range(len(design.columns)) if j not in tested],
    )  # fmt: skip
    statistic = profile.lr_column.copy()
    statistic[list(tested)] = list(tested.values())
    model.numbers = replace(
        numbers, interval="profile likelihood", low=profile.low, high=profile.high,
        statistic=statistic, p_value=chdtrc(1, statistic),
    )  # fmt: skip
    model.notes += model_notes.lost_limits(design, profile.low, profile.high)


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


def add_adjusted_rows(
    rows: EffectRows, model: AdjustedModel, outcome: BinaryOutcome, missing: Mapping[str, int]
) -> None:
    """One row per term and level of the model, reference rows included. `missing` says of each
    term how many rows with a known outcome have no value of it."""
    y = outcome.y[model.rows].astype(np.intp)
    n_events = int(y.sum())
    design, place = model.design, {} if model.design is None else model.design.term_columns
    effects = _column_effects(model)
    sums = None
    if design is not None and model.sums is not None and not model.aliased:
        sums = model.sums.gram[0].tolist(), model.sums.xty.tolist()  # whole numbers
    for i, term in enumerate(model.terms):
        lacking = missing[term.name]
        used = model.rows[:0] if i in model.left_out else model.rows
        columns = place.get(i, ())
        p_term, found = _term_effects(model, i, term, columns, effects)
        if term.kind == "continuous":
            rows.add(
                term, -1, found.get(-1, NOT_ESTIMABLE), n=len(used),
                events=n_events if len(used) else 0, missing=lacking, p_term=p_term,
            )  # fmt: skip
            continue
        if design is not None and sums is not None and columns:
            at = {design.columns[j].level: j + 1 for j in columns}
            counts = [[int(line[at[v]]) if v in at else 0 for v in range(len(term.levels))]
                      for line in sums]  # fmt: skip
            for count, total in zip(counts, (len(used), n_events), strict=True):
                count[term.reference] = total - sum(count)
        else:
            counts = [c.tolist() for c in counts_by_level(term, used, y[: len(used)])]
        if term.levels and counts[0][term.reference] == 0:
            found = {}  # nothing to compare with
        for level, (n, events) in enumerate(zip(*counts, strict=True)):
            effect = found.get(level, NOT_ESTIMABLE) if level != term.reference else REFERENCE
            rows.add(term, level, effect, n=n, events=events, missing=lacking, p_term=p_term)


def _column_effects(model: AdjustedModel) -> list[Effect]:
    """What each column of the design says, on the users' scale; empty without a model."""
    design, numbers = model.design, model.numbers
    if design is None or numbers is None:
        return []
    scales = design.scales / design.spread
    coef, error = numbers.beta[1:] * scales, design.reported_errors(numbers.covariance)
    df = np.full(len(scales), NAN if "Wald" in numbers.interval else 1.0)
    lost = list(numbers.runaway)
    coef[lost], error[lost], df[lost] = NAN, NAN, 1.0
    columns = (
        coef, error, numbers.low * scales, numbers.high * scales, numbers.statistic, df,
        numbers.p_value,
    )  # fmt: skip
    return [Effect(*line) for line in np.array(columns).T.tolist()]


def _term_effects(
    model: AdjustedModel, index: int, term: Term, columns: Sequence[int],
    effects: Sequence[Effect],
) -> tuple[float, dict[int, Effect]]:  # fmt: skip
    """The p-value of a term, and the effect of each level of it that has one."""
    design, numbers = model.design, model.numbers
    if design is None or numbers is None or not columns or index in model.left_out:
        return NAN, {}
    statistic = numbers.lr_term.get(index, NAN)
    p_term = float(chdtrc(len(columns), statistic))
    if term.bends:  # a curve has a test, and no single coefficient
        test = Effect(statistic=statistic, df=float(len(columns)), p_value=p_term)
        return p_term, {-1: test}
    return p_term, {design.columns[j].level: effects[j] for j in columns}
