"""What looks odd in a column and is kept as it is: said, never changed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ingest.notes import cells, groups, listed, quoted
from ingest.report import ImportNote
from ingest.values import MISSING_LIKE, is_number

_SENTINELS = (-9999.0, -999.0, -99.0, -9.0, -1.0, 99.0, 888.0, 999.0, 8888.0, 9999.0, 99999.0,
              999999.0)  # fmt: skip
_CENSORED = re.compile(
    r"(?:<=|>=|<|>|\u2264|\u2265|less than|more than|under|over)\s*[0-9.,]+\s*\Z", re.IGNORECASE
)
_MARKED = re.compile(
    r"[(\[]?[~\u2248\u00b1$\u20ac\u0e3f]?\s?[+-]?[0-9][0-9.,]*\s?[^\s0-9][^0-9]{0,24}\Z"
)
_FREE_TEXT = 20_000  # a column of more different words has no levels to speak of
_DATE_NAME = re.compile(r"date|\bdob\b|birth|_dt\b|\u0e27\u0e31\u0e19", re.IGNORECASE)
_YEAR_NAME = re.compile(r"year|\byr\b|\u0e1b\u0e35|\u0e1e\.\u0e28|date", re.IGNORECASE)
_DECIDE_LIMIT = (
    "To analyse it as a number, decide how such values count (for example as half the limit), "
    "change them in the file and upload it again."
)
_TAKE_OUT = (
    "To analyse it as a number, take the signs or units out of the cells and upload the file again."
)
_MISSING_CODES = (
    "If it means that the value is missing, list it as a missing code in the variable table."
)


def number_oddities(name: str, values: NDArray[np.float64]) -> list[ImportNote]:
    """Sentinel-like values, Excel date serials and Buddhist-era years in a column of numbers."""
    known = values[~np.isnan(values)]
    if not len(known):
        return []
    notes = _sentinels(name, known)
    whole = bool((known == np.floor(known)).all())
    if whole and _DATE_NAME.search(name) and known.min() >= 10_000 and known.max() <= 80_000:
        notes.append(ImportNote(
            "excel_serials", "caution",
            f'"{name}" holds whole numbers such as {int(known[0])}, which may be Excel day '
            "numbers instead of dates.",
            "Format the column as a date (2024-01-31) in the spreadsheet and upload it again.",
            column=name,
        ))  # fmt: skip
    if whole and _YEAR_NAME.search(name) and known.min() >= 2440 and known.max() <= 2660:
        notes.append(ImportNote(
            "buddhist_years", "caution",
            f'"{name}" holds years such as {int(known[0])}, which may be of the Buddhist era.',
            "Subtract 543 in the file where they meet years of the common era.", column=name,
        ))  # fmt: skip
    return notes


def _sentinels(name: str, known: NDArray[np.float64]) -> list[ImportNote]:
    candidate = np.isin(known, _SENTINELS)
    if not candidate.any() or candidate.all():
        return []
    others = known[~candidate]
    low, high = float(others.min()), float(others.max())
    found: list[str] = []
    count = 0
    for value in np.unique(known[candidate]).tolist():
        below = value < 0 <= low and value < low
        above = value > high and value - high > max(0.5 * (high - low), 3.0)
        if below or above:
            found.append(str(int(value)))
            count += int((known == value).sum())
    if not found:
        return []
    return [ImportNote(
        "sentinel_values", "caution",
        f'"{name}" holds {listed(found)} in {cells(count)}, far from its other values '
        f"({low:g} to {high:g}); it was read as a number.",
        _MISSING_CODES, column=name,
    )]  # fmt: skip


def text_oddities(name: str, texts: Sequence[str], counts: Sequence[int]) -> list[ImportNote]:
    """Censored values, numbers with marks, words that may mean missing, look-alike levels."""
    rest = [
        (t, c) for t, c in zip(texts, counts, strict=True)
        if not is_number(t) and not is_number(t, ",")
    ]  # fmt: skip
    if len(rest) > _FREE_TEXT:
        return []
    notes = _marked_numbers(name, rest)
    total, words = sum(counts), sum(count for _, count in rest)
    if 0 < words * 2 < total and not notes:
        found = quoted(text for text, _ in rest)
        notes.append(ImportNote(
            "numbers_and_text", "caution",
            f'"{name}" holds numbers and also {found}, so it was read as text.',
            "Correct them, or list them as missing codes and make the column continuous.",
            column=name,
        ))  # fmt: skip
    maybe = [(t, c) for t, c in rest if t.casefold() in MISSING_LIKE or t in ("na", "N.A.")]
    if maybe:
        notes.append(ImportNote(
            "missing_like", "info",
            f'"{name}" holds {quoted(t for t, _ in maybe)} in {cells(sum(c for _, c in maybe))}; '
            "it was read as a value.", _MISSING_CODES, column=name,
        ))  # fmt: skip
    return notes + _similar_levels(name, texts)


def _marked_numbers(name: str, rest: list[tuple[str, int]]) -> list[ImportNote]:
    notes = []
    for code, pattern, what, remedy in (
        ("censored_values", _CENSORED, "values beyond a limit of detection",
         _DECIDE_LIMIT),
        ("numbers_with_marks", _MARKED, "numbers with a sign or unit",
         _TAKE_OUT),
    ):  # fmt: skip
        found = [(t, c) for t, c in rest if len(t) < 60 and pattern.match(t)]
        if found:
            notes.append(ImportNote(
                code, "warning" if code == "censored_values" else "caution",
                f'"{name}" holds {what} in {cells(sum(c for _, c in found))} '
                f"({quoted(t for t, _ in found)}), so the whole column was read as text.",
                remedy, column=name,
            ))  # fmt: skip
    return notes


def _similar_levels(name: str, texts: Sequence[str]) -> list[ImportNote]:
    if len(texts) > 5_000:
        return []
    spelled: dict[str, list[str]] = {}
    for text in texts:
        spelled.setdefault("".join(text.casefold().split()), []).append(text)
    alike = [group for group in spelled.values() if len(group) > 1]
    if not alike:
        return []
    return [ImportNote(
        "similar_levels", "caution",
        f'"{name}" has levels that differ only by capitals or blanks: '
        f"{groups(alike)}; they were kept apart.",
        "If they mean the same, give them one spelling in the file.", column=name,
    )]  # fmt: skip
