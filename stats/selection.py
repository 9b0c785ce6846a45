"""Data-driven selection of the predictors of an adjusted model, labelled as such.

    screen:0.2     those whose crude likelihood-ratio p (of the whole predictor) is below 0.2
    backward:aic   from all predictors, the one whose removal lowers AIC most is taken out, until
                   no removal lowers it; every model on the rows complete in all predictors

An exposure always stays. Both make intervals and p-values of the final model too optimistic
(Harrell 2015, Regression Modeling Strategies, 4.3; Sun, Shook & Kay 1996,
doi:10.1016/0895-4356(96)00025-X); they are offered because readers ask for them. The final model is
fitted again on its own complete rows.

Checked against a plain loop over statsmodels' Logit (AIC) and its likelihood-ratio tests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stats.collinearity import find_aliased
from stats.design import Term, complete_rows, make_design
from stats.elimination import eliminate_backward
from stats.errors import BadInput, NotEstimable
from stats.logistic import fit_logistic
from stats.model_notes import without_information
from stats.result import Note
from stats.terms import BinaryOutcome

SCREEN, BACKWARD = "screen", "backward"
_BACKWARD_AIC = "backward:aic"

Columns = dict[str, list[Any]]


def is_selection(adjust: object) -> bool:
    """Whether a choice of `adjust` lets the data choose."""
    return isinstance(adjust, str) and adjust.partition(":")[0] in (SCREEN, BACKWARD)


def selection_choice(adjust: str, method: str) -> str:
    """The choice in its plain form: "screen:0.2" or "backward:aic". BadInput for any other."""
    kind, _, detail = adjust.strip().lower().partition(":")
    if kind == BACKWARD:
        if detail not in ("", "aic"):
            raise BadInput(
                f'Backward selection by "{detail}" is not known.', rule="adjust", found=adjust,
                hint='Choose "backward:aic".',
            )  # fmt: skip
        if method == "firth":
            raise BadInput(
                "Backward selection by AIC needs maximum likelihood, not Firth's penalty.",
                rule="adjust", hint="Name the adjustment set, or choose the automatic method.",
            )  # fmt: skip
        return _BACKWARD_AIC
    try:
        limit = float(detail or "0.2")
    except ValueError:
        limit = math.nan
    if not 0.0 < limit < 1.0:
        raise BadInput(
            f'The limit of screening must lie between 0 and 1, not "{detail}".', rule="adjust",
            found=adjust, hint='For example "screen:0.2".',
        )  # fmt: skip
    return f"{SCREEN}:{limit:.10g}"


@dataclass(slots=True)
class Selection:
    """The names of the adjusted model, the steps (`OutcomeExtras.selection`) and what is said."""

    names: tuple[str, ...] = ()
    steps: list[tuple[int, str | None, str, float, float]] = field(default_factory=list)

    def add(
        self, step: int, term: str | None, action: str, *, p: float = math.nan,
        aic: float = math.nan,
    ) -> None:  # fmt: skip
        """One line of the table."""
        self.steps.append((step, term, action, p, aic))

    def columns(self) -> Columns:
        """The columns of `OutcomeExtras.selection`."""
        turned = list(zip(*self.steps, strict=True)) or [()] * 5
        names = ("step", "term", "action", "p_value", "aic")
        return {name: list(values) for name, values in zip(names, turned, strict=True)}


def screen(
    terms: Sequence[Term], p_values: Mapping[str, float], limit: float, exposure: str | None
) -> Selection:
    """Predictors whose crude p is below `limit`; one without a p does not enter."""
    found = Selection()
    names = []
    for term in terms:
        p = p_values.get(term.name, math.nan)
        forced = term.name == exposure
        enters = forced or p < limit
        action = "kept as exposure" if forced else "entered" if enters else "not entered"
        found.add(1, term.name, action, p=p)
        names += [term.name] if enters else []
    found.names = tuple(names)
    return found


def eliminate(terms: Sequence[Term], outcome: BinaryOutcome, exposure: str | None) -> Selection:
    """Backward elimination by AIC. NotEstimable where the full model has no maximum."""
    left_out, _ = without_information(terms, outcome.known)
    candidates = [t for i, t in enumerate(terms) if i not in left_out]
    rows = complete_rows(candidates, outcome.known)
    y = outcome.y[rows].astype(np.float64)
    if not len(rows) or y.min() == y.max():
        return Selection(tuple(t.name for t in terms))  # the model itself says why there is none
    design = make_design(candidates, rows)
    aliased = {a.column for a in find_aliased(design)}
    design = design.take([j for j in range(len(design.columns)) if j not in aliased])
    full = fit_logistic(design, y)
    if not full.certified:
        raise NotEstimable(
            "Backward selection needs a model of all predictors that has finite estimates.",
            rule="adjust", hint="Merge levels without events, or name the adjustment set.",
        )  # fmt: skip
    forced = [i for i, t in enumerate(candidates) if t.name == exposure]
    path = eliminate_backward(design, y, full.beta, forced=forced)
    found = Selection(tuple(candidates[t].name for t in path.held))
    found.add(0, None, "all candidates", aic=path.aic)
    for step, removal in enumerate(path.removed, start=1):
        found.add(step, candidates[removal.term].name, "removed", aic=removal.aic)
    return found


def selection_words(adjust: object) -> str:
    """How a selection chooses, in words."""
    kind, _, detail = str(adjust).partition(":")
    return f"crude p below {detail}" if kind == SCREEN else "backward elimination by AIC"


def selection_note(adjust: str, selection: Selection) -> list[Note]:
    """The caution that goes with every selected model."""
    how = selection_words(adjust)
    text = (
        f"The data chose the predictors of the adjusted model ({how}), so its p-values are too "
        "small and its intervals too narrow. Name the adjustment set beforehand where you can."
    )
    notes = [Note("data_driven_selection", "caution", text)]
    if not selection.names:
        text = (
            f"No predictor passed the selection ({how}), so there is no adjusted model. Name the "
            "adjustment set."
        )
        notes.append(Note("nothing_selected", "warning", text))
    return notes
