"""What an adjusted model says about itself: terms left out, dependence, separation."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from stats.collinearity import Aliased, column_title
from stats.design import SAME, Bools, Design, Floats, Ints, Term, same_value
from stats.rare.separation import Separation
from stats.result import Note

_FIRST = 12  # rows that are looked at before these
_HEAD = 256  # rows that are looked at before all of them


def without_information(terms: Sequence[Term], known: Bools) -> tuple[set[int], list[Note]]:
    """Terms (by index) without values, or with one value, where the outcome is `known`."""
    left_out: set[int] = set()
    notes: list[Note] = []
    for i, term in enumerate(terms):
        if _plainly_varies(term, known):
            continue
        values = term.values[known & term.known]
        if not len(values):
            left_out.add(i)
            text = (
                f'"{term.name}" has no values and was left out of the adjusted model. Take it out '
                "of the predictors, or check its missing codes."
            )
            notes.append(Note("no_values", "warning", text, term.name))
        elif same_value(values):
            left_out.add(i)
            text = (
                f'"{term.name}" has the same value in every row and was left out of the '
                "adjusted model; take it out of the predictors."
            )
            notes.append(Note("constant", "warning", text, term.name))
    return left_out, notes


def _plainly_varies(term: Term, known: Bools) -> bool:
    """Whether the first rows already hold values that differ by more than rounding."""
    first = term.values[:_FIRST].tolist()
    shown = [v for v, k in zip(first, known[:_FIRST].tolist(), strict=True) if k]
    shown = [v for v in shown if (v >= 0 if term.kind == "factor" else not math.isnan(v))]
    # twice the tolerance: no value further down can make the difference look like rounding
    if shown and max(shown) - min(shown) > 2.0 * SAME * max(map(abs, shown)):
        return True
    head = slice(_HEAD)
    values = term.values[head][known[head] & (term.values[head] == term.values[head])]
    if term.kind == "factor":
        values = values[values >= 0]
    return len(values) > 0 and not same_value(values, 2.0 * SAME)


def nothing_left(outcome: str, n_rows: int, n_terms: int) -> Note:
    """Why there is no adjusted model: no terms, no complete rows, or one outcome in them."""
    if not n_terms:
        text = (
            "No predictor has two different values, so there is no adjusted model. Choose other "
            "predictors."
        )
        return Note("no_adjusted_model", "warning", text)
    if n_rows:
        what = f'All {n_rows} complete rows have the same value of "{outcome}"'
    else:
        what = "No row has values for the outcome and all predictors of the adjusted model"
    text = (
        f"{what}, so there is no adjusted model. Leave out the predictors with most missing values."
    )
    return Note("no_adjusted_model", "warning", text)


def too_few_rows(n_rows: int, n_parameters: int) -> Note:
    """More parameters than rows."""
    text = (
        f"The adjusted model would need {n_parameters} parameters and has {n_rows} complete "
        "rows. Leave out some predictors."
    )
    return Note("too_few_rows", "warning", text)


def aliased_notes(design: Design, aliased: Sequence[Aliased]) -> list[Note]:
    """Columns that earlier ones determine."""
    notes = []
    for found in aliased:
        others = [column_title(design, j) for j in found.depends_on]
        source = " and ".join(others[:4]) if others else "the constant"
        text = (
            f"In the adjusted model {column_title(design, found.column)} is fully determined "
            f"by {source}, so its own effect cannot be estimated. Take one of them out."
        )
        name = design.terms[design.columns[found.column].term].name
        notes.append(Note("aliased", "warning", text, name))
    return notes


def empty_references(terms: Sequence[Term], rows: Ints, left_out: Collection[int]) -> list[Note]:
    """A reference level without rows leaves nothing to compare with."""
    notes = []
    for i, term in enumerate(terms):
        if term.kind != "factor" or i in left_out:
            continue
        if term.reference in term.values[rows[:_FIRST]].tolist():
            continue
        head = term.values[rows[:_HEAD]]
        if np.any(head == term.reference):
            continue
        if not np.any(term.values[rows] == term.reference):
            text = (
                f'No row of the adjusted model has "{term.name}" = '
                f'"{term.levels[term.reference]}", its reference. Choose another reference.'
            )
            notes.append(Note("empty_reference", "warning", text, term.name))
    return notes


def separation_note(design: Design, found: Separation, method: str) -> Note:
    """What separates, and what is done about it."""
    remedy = (
        "so its odds ratio has no finite estimate; choose Firth's method, or merge levels."
        if method == "likelihood"
        else "so the adjusted model uses Firth's penalised likelihood."
    )
    term = design.terms[design.columns[found.columns[0]].term].name if found.columns else None
    text = f"In the adjusted model {cause_of(design, found)}, {remedy}"
    return Note("separation", "caution", text, term)


def cause_of(design: Design, found: Separation) -> str:
    """What separates, as a clause."""
    if not found.causes:
        titles = [column_title(design, j) for j in found.columns]
        where = "every row" if found.kind == "complete" else "some rows"
        return f"{' and '.join(titles[:5])} together predict the outcome without error in {where}"
    parts = []
    for cause in found.causes[:3]:
        term = design.terms[cause.term]
        if cause.level >= 0:
            who = "every row" if cause.event else "no row"
            parts.append(f'{who} with "{term.name}" = "{term.levels[cause.level]}" has the event')
        else:
            side = "high" if cause.event else "low"
            parts.append(f'only {side} values of "{term.name}" have the event')
    return " and ".join(parts)


def lost_limits(design: Design, low: Floats, high: Floats) -> list[Note]:
    """Profile limits that were not found (NaN)."""
    notes = []
    for column in np.flatnonzero(np.isnan(low) | np.isnan(high)).tolist():
        if design.terms[design.columns[column].term].bends:
            continue  # no limit of a curve's coefficients is shown
        text = (
            f"No profile limit was found for {column_title(design, column)}; its "
            "interval is incomplete. Choose Wald intervals, or fewer predictors."
        )
        name = design.terms[design.columns[column].term].name
        notes.append(Note("limit_not_found", "warning", text, name))
    return notes
