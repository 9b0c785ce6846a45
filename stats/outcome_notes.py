"""The sentences a careful reviewer would write next to an outcome model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stats.adjusted import AdjustedModel
from stats.result import Note, OutcomeDiagnostics
from stats.terms import BinaryOutcome
from stats.variables import Dataset, quote_list

_COMMON_OUTCOME = 0.10
_COMPLETE_SHARE = 0.80
_EVENTS_PER_PARAMETER = 10.0
_VIF_CAUTION = 10.0
_COOKS_CAUTION = 1.0
_SHIFT = 0.05


def notes_on_data(
    dataset: Dataset, outcome: BinaryOutcome, zero_one: Sequence[str], *, risks: bool = False
) -> list[Note]:
    """What is assumed about outcome and predictors; `risks`: risk ratios stand beside."""
    name = outcome.name
    notes: list[Note] = []
    if outcome.assumed:
        text = (
            f'The event was taken to be "{name}" = "{outcome.event}". Choose the event to say '
            "otherwise."
        )
        notes.append(Note("event_assumed", "info", text, name))
    if zero_one:
        what = "is used" if len(zero_one) == 1 else "are used"
        text = (
            f"{quote_list(zero_one)} {what} as numbers (odds ratio per 1 unit). Declare such a "
            "column binary to show its two levels."
        )
        notes.append(Note("zero_one_continuous", "info", text, zero_one[0]))
    missing = dataset.n_rows - int(outcome.known.sum()) - outcome.without_cluster
    if missing:
        text = (
            f'{missing:,} of {dataset.n_rows:,} rows have no value of "{name}" and are left out '
            "everywhere. Fill them in if the values are known."
        )
        notes.append(Note("outcome_missing", "info", text, name))
    share = float(outcome.y.sum()) / max(int(outcome.known.sum()), 1)
    if share > _COMMON_OUTCOME:
        text = (
            f"The event is common ({100 * share:.0f} %), so odds ratios lie further from 1 than "
            "risk ratios. Do not read them as risk ratios; "
            f"{'those stand' if risks else 'choose the risk measures to have those'} beside them."
        )
        notes.append(Note("common_outcome", "info", text, name))
    return notes


def notes_on_model(
    model: AdjustedModel, outcome: BinaryOutcome, diagnostics: OutcomeDiagnostics
) -> list[Note]:
    """Cautions on the adjusted model: complete cases, events, collinearity, influence."""
    if model.numbers is None:
        return []
    notes: list[Note] = []
    known = int(outcome.known.sum())
    used = len(model.rows)
    if used < _COMPLETE_SHARE * known:
        notes.append(_complete_cases(model, outcome, used, known))
    facts = diagnostics.facts
    per_parameter = facts["events_per_parameter"]
    if per_parameter < _EVENTS_PER_PARAMETER:
        notes.append(
            Note(
                "events_per_parameter", "caution",
                f"The adjusted model has {per_parameter:.1f} events per parameter; below 10 "
                "estimates may be unstable. Use fewer predictors, or Firth's method.",
            )
        )  # fmt: skip
    notes += _collinearity(diagnostics)
    notes += _influence(diagnostics)
    return notes


def _complete_cases(model: AdjustedModel, outcome: BinaryOutcome, used: int, known: int) -> Note:
    lacking = [
        (int(np.count_nonzero(outcome.known & ~t.known)), t.name)
        for i, t in enumerate(model.terms) if i not in model.left_out
    ]  # fmt: skip
    n_worst, worst = max(lacking)
    return Note(
        "complete_cases", "caution",
        f"The adjusted model uses {used:,} of {known:,} rows ({100 * used / known:.0f} %) because "
        f'the others lack a predictor; "{worst}" lacks most ({n_worst:,}). Leave it out, or '
        "consider multiple imputation.",
        worst,
    )  # fmt: skip


def _collinearity(diagnostics: OutcomeDiagnostics) -> list[Note]:
    table = diagnostics.table("collinearity")
    terms, scaled = table.column("term"), table.column("gvif_scaled")
    high = [str(t) for t, v in zip(terms, scaled, strict=True) if v * v > _VIF_CAUTION]
    if not high:
        return []
    names = list(dict.fromkeys(high))
    return [
        Note(
            "collinearity", "caution",
            f"{quote_list(names)} can largely be predicted from the other predictors (variance "
            "inflation above 10), which widens the intervals. Keep one of the variables that "
            "measure the same thing.",
            names[0],
        )
    ]  # fmt: skip


def _influence(diagnostics: OutcomeDiagnostics) -> list[Note]:
    table = diagnostics.table("influence")
    distance = table.column("cooks_distance")
    if not len(distance) or not distance[0] > _COOKS_CAUTION:
        return []
    row = int(table.column("row")[0])
    return [
        Note(
            "influence", "caution",
            f"Row {row} alone moves the adjusted model strongly (Cook's distance "
            f"{distance[0]:.1f}). Check its values; do not drop it only for that.",
        )
    ]  # fmt: skip


def note_on_shift(n_crude: Sequence[int], n_adjusted: int) -> list[Note]:
    """Crude and adjusted estimates that rest on different patients."""
    largest = max(n_crude, default=0)
    if not n_adjusted or largest <= n_adjusted * (1 + _SHIFT):
        return []
    return [
        Note(
            "different_rows", "info",
            f"Crude estimates use up to {largest:,} rows, the adjusted model {n_adjusted:,}. "
            'Choose "common sample" to compare them on the same rows.',
        )
    ]  # fmt: skip
