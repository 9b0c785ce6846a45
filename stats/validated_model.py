"""The model that is validated: fitted on its own rows, and how it is made anew in a resample.

Where the data chose its predictors, the choice is part of the procedure. Choice, model and
resamples then use the rows that are complete in all candidates (as rms::validate with bw=TRUE):
other rows would change with the choice, and predictions for them with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from stats.adjusted import AdjustedModel, ModelNumbers, fit_adjusted
from stats.collinearity import find_aliased
from stats.design import Bools, Design, Floats, Term, complete_rows, make_design
from stats.errors import NotEstimable
from stats.logistic import Sums, fit_logistic, sums
from stats.model_notes import without_information
from stats.optimism import CI_LEVEL
from stats.refit import NO_MODEL, SEPARATED, FullFit, Refits, Refitter
from stats.resampling import Counts, canonical_order
from stats.reselection import Reselection, columns_of, reselection
from stats.result import Note
from stats.selection import BACKWARD, eliminate, is_selection, screen
from stats.terms import BinaryOutcome, build_term
from stats.univariable import fit_crude
from stats.variables import Dataset

_REASONS: Final = ("no_adjusted_model", "too_few_rows")


@dataclass(frozen=True, slots=True, eq=False)
class ValidatedModel:
    """One model and its making.

    `design` holds every column that a resample may use, on the rows in the order of their
    values; `beta` is on its scale. `candidates` and `chosen` are empty where the data had no
    choice; `left_out` are then the notes on candidates that tell nothing.
    """

    model: AdjustedModel
    numbers: ModelNumbers
    design: Design
    beta: Floats
    y: Floats
    refitter: Refitter
    candidates: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    left_out: tuple[Note, ...] = ()
    _reselection: Reselection | None = None

    def remake(self, counts: Counts) -> tuple[Refits, Bools | None]:
        """The whole procedure in each resample: its model, and the candidates that it holds."""
        if self._reselection is None:
            return self.refitter.refit(counts), None
        held, lost = self._reselection.held(counts)
        refits = self.refitter.refit(counts, columns_of(self.design, held))
        refits.how[lost & (refits.how != NO_MODEL)] = SEPARATED
        return refits, held


def validated_model(
    dataset: Dataset, outcome: BinaryOutcome, choices: Mapping[str, Any]
) -> ValidatedModel:
    """Select where the data are to choose, and fit. NotEstimable where there is no model."""
    adjust = choices["adjust"]
    by_data = is_selection(adjust)
    names = choices["predictors"] if adjust == "all" or by_data else adjust
    terms = [
        build_term(dataset, n, choices["references"].get(n), choices["scale"].get(n, 1.0))
        for n in names
    ]
    return _selected(terms, outcome, choices) if by_data else _named(terms, outcome, choices)


def _named(
    terms: Sequence[Term], outcome: BinaryOutcome, choices: Mapping[str, Any]
) -> ValidatedModel:
    model = fit_adjusted(
        terms, outcome, method=choices["method"], interval="wald", ci_level=CI_LEVEL
    )
    own, numbers, start = fitted(model)
    used = [own.terms[i] for i in sorted({c.term for c in own.columns})]
    rows = canonical_order(used, model.rows, outcome.y)
    design = Design(own.terms, rows, own.columns, own.centre, own.spread)
    y = outcome.y[rows].astype(np.float64)
    full = FullFit(numbers.beta, numbers.covariance, start.row_norm)
    refitter = Refitter(design, y, full, choices["method"])
    return ValidatedModel(model, numbers, design, numbers.beta, y, refitter)


def _selected(
    terms: Sequence[Term], outcome: BinaryOutcome, choices: Mapping[str, Any]
) -> ValidatedModel:
    left_out, said = without_information(terms, outcome.known)
    candidates = [t for i, t in enumerate(terms) if i not in left_out]
    complete = np.zeros_like(outcome.known)
    complete[complete_rows(candidates, outcome.known)] = True
    seen = replace(outcome, known=complete & bool(candidates))
    method = choices["method"]
    names = _chosen(candidates, seen, choices)
    chosen = [t for t in candidates if t.name in names]
    model = fit_adjusted(chosen, seen, method=method, interval="wald", ci_level=CI_LEVEL)
    own, numbers, _ = fitted(model)
    rows = canonical_order(candidates, model.rows, outcome.y)
    design = make_design(candidates, rows)
    y = outcome.y[rows].astype(np.float64)
    independent, full = _full_fit(design, y)
    refitter = Refitter(design, y, full, method)
    again = reselection(choices["adjust"], method, design, y, independent)
    return ValidatedModel(
        model, numbers, design, _moved(own, numbers.beta, design), y, refitter,
        tuple(t.name for t in candidates), tuple(t.name for t in chosen), tuple(said), again,
    )  # fmt: skip


def _chosen(
    candidates: Sequence[Term], seen: BinaryOutcome, choices: Mapping[str, Any]
) -> tuple[str, ...]:
    """The selection of the outcome model, on the rows that are complete in all candidates."""
    adjust = choices["adjust"]
    y = seen.y[seen.known]
    if not len(y) or y.all() or not y.any():
        return tuple(t.name for t in candidates)  # the model itself says why there is none
    if adjust.startswith(BACKWARD):
        names = eliminate(candidates, seen, None).names
    else:
        fits = fit_crude(
            candidates, seen.y, seen.known, method=choices["method"], interval="wald",
            ci_level=CI_LEVEL,
        )  # fmt: skip
        p_values = {f.term: f.lr_p if f.p_term is None else f.p_term for f in fits}
        names = screen(candidates, p_values, float(adjust.partition(":")[2]), None).names
    if not names:
        raise NotEstimable(
            f'No predictor passed the selection "{adjust}", so there is no model to validate.',
            rule="adjust", hint="Name the adjustment set, or choose all predictors.",
        )  # fmt: skip
    return names


def _full_fit(design: Design, y: Floats) -> tuple[Refitter, FullFit]:
    """Where resamples start: the model of all candidates, dependent columns at 0. The refitter is
    that of its independent columns; without a finite maximum everything starts at the risk of
    all."""
    start = sums(design, y)
    lost = {a.column for a in find_aliased(design, gram_matrix=start.gram)}
    kept = [j for j in range(len(design.columns)) if j not in lost]
    whole = design.take(kept)
    fit = fit_logistic(whole, y)
    p, places = design.n_parameters, np.array([0, *(j + 1 for j in kept)])
    beta, covariance = np.zeros(p), np.zeros((p, p))
    share = float(y.mean())
    beta[0] = np.log(share / (1.0 - share))
    own = FullFit(beta[places], covariance[np.ix_(places, places)], start.row_norm)
    if fit.certified:
        beta[places] = fit.beta
        covariance[np.ix_(places, places)] = fit.covariance
        own = FullFit(fit.beta, fit.covariance, start.row_norm)
    independent = Refitter(whole, y, own, "likelihood")
    return independent, FullFit(beta, covariance, start.row_norm)


def _moved(own: Design, beta: Floats, design: Design) -> Floats:
    """The coefficients of one design on the scale of another that has all of its columns."""
    place = {
        (design.terms[c.term].name, c.level): j for j, c in enumerate(design.columns)
    }  # fmt: skip
    at = np.array([place[own.terms[c.term].name, c.level] for c in own.columns], dtype=np.intp)
    slopes = beta[1:] / own.spread
    found = np.zeros(design.n_parameters)
    found[at + 1] = slopes * design.spread[at]
    found[0] = beta[0] + slopes @ (design.centre[at] - own.centre)
    return found


def fitted(model: AdjustedModel) -> tuple[Design, ModelNumbers, Sums]:
    """What a model with finite estimates is made of; NotEstimable for any other."""
    design, numbers, start = model.design, model.numbers, model.sums
    if design is not None and numbers is not None and start is not None and not numbers.runaway:
        return design, numbers, start
    if model.reason is not None:
        raise NotEstimable(
            f"There are no finite estimates to validate: {model.reason}.", rule="separation",
            hint='Choose the method "auto" or "firth", or merge levels.',
        )  # fmt: skip
    why = [note.text for note in model.notes if note.code in _REASONS]
    raise NotEstimable(why[-1] if why else "There is no model to validate.", rule="model")
