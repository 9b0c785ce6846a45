"""Models of terms, crude and adjusted, whatever likelihood they maximise.

A *family* (Cox, linear, count) fits one design and says what it found per column. Here stands
what all families share: which terms can enter, on which rows, what is not estimable and why, and
how the numbers become the rows of an effects table and of a fit table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from stats import crude_notes, model_notes
from stats.collinearity import find_aliased
from stats.design import Bools, Design, Floats, Ints, Term, complete_rows, make_design
from stats.effect_rows import NAN, NOT_ESTIMABLE, Effect, EffectRows
from stats.errors import NotEstimable
from stats.result import EffectsResult, Note

_FAR = 700.0  # exp() of a coefficient beyond this has no finite or no positive number
_COUNTS = ("n", "events", "parameters")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FittedModel:
    """A fitted model; arrays have one entry per column of `design` (which may hold fewer columns
    than were asked for), on the coefficient scale that is reported. NaN where not estimable.

    `p_term` is keyed by term index, `facts` become columns of the fit table, `reason` says why
    another estimator than the usual one was needed.
    """

    design: Design
    method: str
    interval: str
    coef: Floats
    std_error: Floats
    low: Floats
    high: Floats
    statistic: Floats
    df: Floats
    p_value: Floats
    p_term: Mapping[int, float]
    facts: Mapping[str, float]
    notes: tuple[Note, ...] = ()
    reason: str | None = None
    kept: Any = None


class Family(Protocol):
    """What a kind of model must know."""

    @property
    def effect(self) -> str:
        """`hazard ratio`, `rate ratio` or `mean difference`."""
        ...

    @property
    def method(self) -> str:
        """The usual estimator."""
        ...

    @property
    def interval(self) -> str:
        """How intervals are usually made."""
        ...

    @property
    def fact_names(self) -> Sequence[str]:
        """Columns of the fit table after n, events and parameters, in order."""
        ...

    @property
    def known(self) -> Bools:
        """Rows of the file with a usable outcome."""
        ...

    @property
    def events(self) -> Floats | None:
        """What `events` counts, one entry per row of the file; None where nothing is counted."""
        ...

    @property
    def outcome(self) -> str:
        """The outcome, as notes name it."""
        ...

    @property
    def intercept(self) -> bool:
        """Whether the model has an intercept."""
        ...

    def arrange(self, rows: Ints) -> Ints:
        """The rows in the order in which the family wants its design."""
        ...

    def refusal(self, rows: Ints) -> str | None:
        """Why nothing can be fitted on these rows, as a clause; None where something can."""
        ...

    def fit(self, design: Design, *, crude: bool) -> FittedModel:
        """Fit a design whose columns are linearly independent; NotEstimable with a sentence."""
        ...


@dataclass(slots=True, eq=False)
class TermModel:
    """One model with all that its table rows are made of; `fitted` is None where there is none."""

    terms: Sequence[Term]
    rows: Ints
    fitted: FittedModel | None = None
    left_out: set[int] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)

    @property
    def position(self) -> dict[tuple[int, int], int]:
        """(term, level) -> column of the fitted design."""
        if self.fitted is None:
            return {}
        return {(c.term, c.level): j for j, c in enumerate(self.fitted.design.columns)}


def no_curves() -> dict[str, list[Any]]:
    """The curves of a model without splines."""
    return {name: [] for name in ("term", "x", "estimate", "ci_low", "ci_high")}


@dataclass(slots=True, eq=False)
class ModelTables:
    """What is kept of models once they are fitted: their table rows, the rows of the file that
    they used together, their sizes and notes."""

    effects: EffectRows
    fit: dict[str, list[Any]]
    used: Bools
    sizes: list[int] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    firth_models: int = 0

    def add(self, model: TermModel, family: Family, *, crude: bool) -> None:
        """Take over a model's numbers."""
        _add_rows(self.effects, model, family)
        for name, value in _fit_row(model, family, crude=crude).items():
            self.fit[name].append(value)
        self.used[model.rows] = True
        self.sizes.append(len(model.rows))
        self.notes += [*model.notes, *_unit_notes(model, family)]
        if model.fitted is not None:
            self.reasons += [model.fitted.reason] if model.fitted.reason else []
            self.firth_models += model.fitted.method.startswith("Firth")


def _unit_notes(model: TermModel, family: Family) -> list[Note]:
    """Ratios per unit that no number can hold, because the unit is far from the data."""
    fitted = model.fitted
    if fitted is None or "ratio" not in family.effect:
        return []
    far = {
        model.terms[column.term].name
        for column, coef in zip(fitted.design.columns, fitted.coef.tolist(), strict=True)
        if abs(coef) > _FAR
    }
    return [
        Note(
            "unit", "caution",
            f'One unit of "{name}" is far more or less than its values differ, so the '
            f"{family.effect} per unit cannot be written. Choose other units for it.",
            name,
        )
        for name in sorted(far)
    ]  # fmt: skip


def tables_of(family: Family, models: Iterable[TermModel], *, crude: bool) -> ModelTables:
    """The tables of models, which are let go one by one (each holds its rows and risk sets)."""
    names = ("term", "method", "interval", *_COUNTS, *family.fact_names)
    tables = ModelTables(
        EffectRows(ratio="ratio" in family.effect), {name: [] for name in names},
        np.zeros(len(family.known), dtype=np.bool_),
    )  # fmt: skip
    for model in models:
        tables.add(model, family, crude=crude)
    return tables


def fit_crude_models(
    terms: Sequence[Term], family: Family, known: Bools | None = None
) -> ModelTables:
    """One model per term on its own rows (those of `known` where that is given)."""
    allowed = family.known if known is None else known
    return tables_of(family, (_crude(term, family, allowed) for term in terms), crude=True)


def _crude(term: Term, family: Family, known: Bools) -> TermModel:
    rows = np.flatnonzero(known & term.known)
    model = TermModel([term], rows)
    values = term.values[rows]
    if not len(values):
        model.notes.append(crude_notes.no_values(term.name))
    elif values.min() == values.max():
        first = values[0]
        shown = f"{first:.6g}" if term.kind == "continuous" else f'"{term.levels[int(first)]}"'
        model.notes.append(crude_notes.constant(term.name, shown, len(rows)))
    else:
        model.notes += _factor_levels(term, rows)
        _fit(model, family, crude=True)
    return model


def _factor_levels(term: Term, rows: Ints) -> list[Note]:
    if term.kind != "factor":
        return []
    n = np.bincount(term.values[rows], minlength=len(term.levels)).astype(np.float64)
    none = np.zeros(len(n), dtype=np.bool_)
    return crude_notes.factor_notes(term, n, n, none, firth=False)


def fit_adjusted_model(terms: Sequence[Term], family: Family) -> TermModel:
    """One model of all terms on their complete rows.

    A term without values or with one value only is left out with a note; a column that others
    determine is not estimable and says so.
    """
    left_out, notes = model_notes.without_information(terms, family.known)
    usable = [t for i, t in enumerate(terms) if i not in left_out]
    rows = complete_rows(usable, family.known) if usable else np.empty(0, dtype=np.intp)
    model = TermModel(terms, rows, left_out=left_out, notes=notes)
    if not usable or not len(rows):
        model.notes.append(model_notes.nothing_left(family.outcome, len(rows), len(usable)))
        return model
    model.notes += model_notes.empty_references(terms, rows, left_out)
    _fit(model, family, crude=False)
    return model


def _fit(model: TermModel, family: Family, *, crude: bool) -> None:
    refusal = family.refusal(model.rows)
    if refusal is not None:
        model.notes.append(_no_model(model, refusal, crude=crude))
        return
    design = _design(model, family.arrange(model.rows))
    aliased = find_aliased(design) if len(design.columns) > 1 else []
    if not crude:
        model.notes += model_notes.aliased_notes(design, aliased)
    lost = {a.column for a in aliased}
    keep = [j for j in range(len(design.columns)) if j not in lost]
    spent = len(keep) + family.intercept
    if not keep or len(model.rows) <= spent:
        model.notes.append(_too_few_rows(model, spent, crude=crude))
        return
    try:
        model.fitted = family.fit(design.take(keep) if lost else design, crude=crude)
    except NotEstimable as error:
        model.notes.append(_no_model(model, str(error), crude=crude))
        return
    model.notes += model.fitted.notes


def _design(model: TermModel, rows: Ints) -> Design:
    if not model.left_out:
        return make_design(model.terms, rows)
    kept = [i for i in range(len(model.terms)) if i not in model.left_out]
    design = make_design([model.terms[i] for i in kept], rows)
    columns = [replace(c, term=kept[c.term]) for c in design.columns]
    return Design(model.terms, rows, columns, design.centre, design.spread)


def _no_model(model: TermModel, why: str, *, crude: bool) -> Note:
    if crude:
        name = model.terms[0].name
        return Note("no_crude_model", "warning", f'No crude model of "{name}": {why}', name)
    return Note("no_adjusted_model", "warning", f"No adjusted model: {why}")


def _too_few_rows(model: TermModel, parameters: int, *, crude: bool) -> Note:
    if not crude:
        return model_notes.too_few_rows(len(model.rows), parameters)
    term = model.terms[0]
    text = (
        f'The crude model of "{term.name}" would need {parameters} parameters and has '
        f"{len(model.rows)} rows. Leave the predictor out, or group its levels."
    )
    return Note("too_few_rows", "warning", text, term.name)


def _add_rows(rows: EffectRows, model: TermModel, family: Family) -> None:
    """One row per term and level of the model, reference rows included."""
    for i, term in enumerate(model.terms):
        missing = int(np.count_nonzero(family.known & ~term.known))
        p_term, effects = _term_effects(model, i, term)
        used = model.rows if i not in model.left_out else model.rows[:0]
        if term.kind == "continuous":
            rows.add(
                term, -1, effects.get(-1, NOT_ESTIMABLE), n=len(used),
                events=_events(family, used), missing=missing, p_term=p_term,
            )  # fmt: skip
            continue
        codes = term.values[used]
        n = np.bincount(codes.astype(np.intp), minlength=len(term.levels))
        for level in range(len(term.levels)):
            counts = {"n": int(n[level]), "events": _events(family, used[codes == level])}
            if level == term.reference:
                rows.add_reference(term, **counts, missing=missing, p_term=p_term)
            else:
                effect = effects.get(level, NOT_ESTIMABLE)
                rows.add(term, level, effect, **counts, missing=missing, p_term=p_term)


def _events(family: Family, rows: Ints) -> Any:
    """How many events the rows hold; NaN for an outcome without events."""
    return NAN if family.events is None else round(float(family.events[rows].sum()))


def _term_effects(model: TermModel, index: int, term: Term) -> tuple[float, dict[int, Effect]]:
    fitted = model.fitted
    if fitted is None or index in model.left_out:
        return NAN, {}
    p_term = fitted.p_term.get(index, NAN)
    if term.kind == "factor" and not np.any(term.values[model.rows] == term.reference):
        return p_term, {}  # nothing to compare with
    position = model.position
    levels = [-1] if term.kind == "continuous" else range(len(term.levels))
    return p_term, {
        level: Effect(
            coef=float(fitted.coef[j]), std_error=float(fitted.std_error[j]),
            low=float(fitted.low[j]), high=float(fitted.high[j]),
            statistic=float(fitted.statistic[j]), df=float(fitted.df[j]),
            p_value=float(fitted.p_value[j]),
        )
        for level in levels
        if (j := position.get((index, level))) is not None
    }  # fmt: skip


def _fit_row(model: TermModel, family: Family, *, crude: bool) -> dict[str, Any]:
    fitted = model.fitted
    facts = {} if fitted is None else fitted.facts
    parameters = 0 if fitted is None else len(fitted.design.columns) + family.intercept
    return {
        "term": model.terms[0].name if crude else None,
        "method": family.method if fitted is None else fitted.method,
        "interval": family.interval if fitted is None else fitted.interval,
        "n": len(model.rows),
        "events": _events(family, model.rows),
        "parameters": parameters,
        **{name: facts.get(name, NAN) for name in family.fact_names},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisFacts:
    """What the effects results of one analysis share."""

    analysis: str
    choices: Mapping[str, Any]
    n_file: int
    exclusions: Mapping[str, int]
    method: Mapping[str, Any]
    references: Sequence[str]


def effects_result(
    tables: ModelTables, family: Family, about: AnalysisFacts, notes: Sequence[Note] = ()
) -> EffectsResult:
    """The effects and the fit of the crude models or of the adjusted one.

    `AnalysisFacts.exclusions` are the rows lost before any predictor was looked at.
    """
    n_used = int(tables.used.sum())
    lost = about.n_file - n_used - sum(about.exclusions.values())
    every = {**about.exclusions, "predictor missing": lost} if lost else dict(about.exclusions)
    facts = {**about.method, "firth_models": tables.firth_models}
    if tables.reasons:
        facts["reason"] = tables.reasons[0]
    fit = {
        name: values
        if name in ("term", "method", "interval")
        else np.array(values, dtype=None if name in _COUNTS else np.float64)
        for name, values in tables.fit.items()
    }
    return EffectsResult(
        analysis=about.analysis, choices=about.choices, n_rows=about.n_file, n_used=n_used,
        exclusions=every, notes=(*tables.notes, *notes), references=tuple(about.references),
        method=facts, effect=family.effect, effects=tables.effects.columns(), fit=fit,
    )  # fmt: skip
