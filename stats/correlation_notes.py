"""Why correlations or their intervals are missing, and what many pairs mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stats.correlated import Correlated
from stats.result import Note, Severity

_CONSTANT = (
    "have no correlation: one of them has the same value in all {n} rows used. Choose a variable "
    "that varies."
)
_FEW_ROWS = (
    "have too few rows in common ({n}) for {what}. Choose variables recorded in the same rows."
)
_PERFECT = (
    "determine each other exactly in the {n} rows used, so there is no interval. Look whether one "
    "was computed from the other."
)
_SINGULAR = (
    "have no partial correlation: the variables held constant determine one of them, or one "
    "another. Take one of them out."
)
_SENTENCES: Mapping[str, tuple[str, Severity]] = {
    "constant": (_CONSTANT, "warning"),
    "few_rows": (_FEW_ROWS, "caution"),
    "perfect": (_PERFECT, "caution"),
    "singular": (_SINGULAR, "warning"),
}


def notes_on_pairs(
    pairs: Sequence[tuple[str, str, int, Correlated]], choices: Mapping[str, Any]
) -> list[Note]:
    """One note per pair that lacks something, and one on differing numbers of rows.

    `pairs` are (a, b, n, what was found).
    """
    notes = [_note(*pair) for pair in pairs if pair[3].why_not]
    sizes = {n for _, _, n, _ in pairs}
    if len(sizes) > 1 and choices["missing"] == "pairwise":
        text = (
            f"Pairs use different rows, {min(sizes):,} to {max(sizes):,}, because values are "
            'missing. Choose "complete" to have all pairs on the same rows.'
        )
        notes.append(Note("different_rows", "info", text))
    return notes


def _note(a: str, b: str, n: int, found: Correlated) -> Note:
    sentence, severity = _SENTENCES[found.why_not]
    what = "a correlation" if found.test == "" else "an interval"
    text = f'"{a}" and "{b}" ' + sentence.format(n=f"{n:,}", what=what)
    return Note(found.why_not, severity, text, b)
