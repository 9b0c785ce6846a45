"""The sentences that a careful reviewer writes next to any regression model of terms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stats.design import Bools, Term
from stats.result import Note, OutcomeDiagnostics
from stats.term_models import TermModel
from stats.terms import zero_one_numbers
from stats.variables import quote_list

_COMPLETE_SHARE = 0.80
_PER_PARAMETER = 10.0
_VIF_CAUTION = 10.0
_COOKS_CAUTION = 1.0
_SHIFT = 0.05


def zero_one_note(terms: Sequence[Term], effect: str) -> list[Note]:
    """Columns of 0 and 1 that are used as numbers."""
    names = zero_one_numbers(terms)
    if not names:
        return []
    what = "is used as a number" if len(names) == 1 else "are used as numbers"
    text = (
        f"{quote_list(names)} {what} ({effect} per 1 unit). Declare such a column binary to show "
        "its two levels."
    )
    return [Note("zero_one_continuous", "info", text, names[0])]


def sample_notes(
    crude_sizes: Sequence[int], adjusted: TermModel, known: Bools, *, common_sample: bool
) -> list[Note]:
    """Complete cases that are few, and crude and adjusted estimates on different rows."""
    used, usable = len(adjusted.rows), int(known.sum())
    if adjusted.fitted is None:
        return []
    notes: list[Note] = []
    if used < _COMPLETE_SHARE * usable:
        lacking = [
            (int(np.count_nonzero(known & ~t.known)), t.name)
            for i, t in enumerate(adjusted.terms) if i not in adjusted.left_out
        ]  # fmt: skip
        n_worst, worst = max(lacking)
        text = (
            f"The adjusted model uses {used:,} of {usable:,} rows ({100 * used / usable:.0f} %) "
            f'because the others lack a predictor; "{worst}" lacks most ({n_worst:,}). Leave it '
            "out, or consider multiple imputation."
        )
        notes.append(Note("complete_cases", "caution", text, worst))
    largest = max(crude_sizes, default=0)
    if not common_sample and largest > used * (1 + _SHIFT):
        text = (
            f"Crude estimates use up to {largest:,} rows, the adjusted model {used:,}. "
            'Choose "common sample" to compare them on the same rows.'
        )
        notes.append(Note("different_rows", "info", text))
    return notes


def per_parameter_note(what: str, count: float, parameters: int) -> list[Note]:
    """Fewer than ten events (or rows) per parameter."""
    if not parameters or count >= _PER_PARAMETER * parameters:
        return []
    text = (
        f"The adjusted model has {count / parameters:.1f} {what} per parameter; below 10 "
        "estimates may be unstable. Use fewer predictors."
    )
    return [Note(f"{what}_per_parameter", "caution", text)]


def diagnostic_notes(diagnostics: OutcomeDiagnostics) -> list[Note]:
    """Collinearity and rows that move the model alone."""
    table = diagnostics.table("collinearity")
    scaled = table.column("gvif_scaled")
    names = list(
        dict.fromkeys(
            str(t)
            for t, v in zip(table.column("term"), scaled, strict=True)
            if v * v > _VIF_CAUTION
        )
    )
    notes: list[Note] = []
    if names:
        text = (
            f"{quote_list(names)} can largely be predicted from the other predictors (variance "
            "inflation above 10), which widens the intervals. Keep one of the variables that "
            "measure the same thing."
        )
        notes.append(Note("collinearity", "caution", text, names[0]))
    influence = diagnostics.table("influence")
    distance = influence.column("cooks_distance")
    if len(distance) and distance[0] > _COOKS_CAUTION:
        row = int(influence.column("row")[0])
        text = (
            f"Row {row} alone moves the adjusted model strongly (distance {distance[0]:.1f}). "
            "Check its values; do not drop it only for that."
        )
        notes.append(Note("influence", "caution", text))
    return notes
