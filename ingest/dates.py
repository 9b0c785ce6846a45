"""Dates: read only where every cell of the column can mean one day and no other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

BUDDHIST_YEARS = range(2400, 2660)
_ISO = re.compile(
    r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})"
    r"(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6})[0-9]*)?)?)?\Z"
)
_PARTS = re.compile(
    r"([0-9]{1,2})([-/. ])([0-9]{1,2}|[A-Za-z]{3,9})\2([0-9]{4}|[0-9]{2})"
    r"(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?\Z"
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july",
         "aug august", "sep sept september", "oct october", "nov november", "dec december"), 1,
    )
    for name in names.split()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dates:
    """What a column of date-like texts is.

    `values` (datetime64[us], one per text) is None when the texts are dates but cannot be read
    safely; `why` then says so: "ambiguous", "mixed", "buddhist", "two-digit years", "impossible".
    `order` is how day and month stand.
    """

    values: NDArray[np.datetime64] | None
    order: str = ""
    why: str = ""
    example: str = ""


def read_dates(texts: Sequence[str], order: str | None = None) -> Dates | None:
    """The dates that `texts` write; None when they are not dates.

    `order` ("day first" or "month first") is the user's choice for 03/04/2024. Without one, a
    column is read only when some day is above 12 and nothing contradicts.
    """
    if not texts or not all(len(text) <= 32 and text[:1].isdigit() for text in texts):
        return None
    iso = [_ISO.match(text) for text in texts]
    parts = [_PARTS.match(text) for text in texts]
    if not any(iso) and not any(parts):
        return None
    if not all(a or b for a, b in zip(iso, parts, strict=True)):
        return None
    if any(iso) and any(parts):
        other = next(t for t, m in zip(texts, iso, strict=True) if m is None)
        return Dates(None, why="mixed", example=other)
    if any(iso):
        fields = [_iso_fields(match) for match in iso if match]
        return _build(texts, fields, "year first")
    return _parted(texts, [match for match in parts if match], order)


def _iso_fields(match: re.Match[str]) -> tuple[int, ...]:
    year, _, month, day, hour, minute, second, fraction = match.groups(default="0")
    return (int(year), int(month), int(day), int(hour), int(minute), int(second),
            int(fraction.ljust(6, "0")))  # fmt: skip


def _parted(texts: Sequence[str], matches: list[re.Match[str]], order: str | None) -> Dates | None:
    names = [match[3].isalpha() for match in matches]
    if any(names):
        if any(m[3].isalpha() and m[3].lower() not in _MONTHS for m in matches):
            return None
        if not all(names):
            return Dates(None, why="mixed", example=texts[names.index(False)])
        order = "day first"
    short = next((i for i, match in enumerate(matches) if len(match[4]) == 2), None)
    if short is not None:
        return Dates(None, why="two-digit years", example=texts[short])
    pairs = [(_month_number(match[1]), _month_number(match[3])) for match in matches]
    if order is None:
        above = (any(a > 12 for a, _ in pairs), any(b > 12 for _, b in pairs))
        if above[0] == above[1]:
            odd = next((t for t, p in zip(texts, pairs, strict=True) if p[0] > 12), texts[0])
            return Dates(None, why="mixed" if above[0] else "ambiguous", example=odd)
        order = "day first" if above[0] else "month first"
    fields = []
    for match, (first, second) in zip(matches, pairs, strict=True):
        day, month = (first, second) if order == "day first" else (second, first)
        clock = [int(part or 0) for part in match.groups()[4:7]]
        fields.append((int(match[4]), month, day, *clock, 0))
    return _build(texts, fields, order)


def _month_number(text: str) -> int:
    return _MONTHS.get(text.lower(), 0) if text.isalpha() else int(text)


def _build(texts: Sequence[str], fields: list[tuple[int, ...]], order: str) -> Dates:
    values = np.empty(len(fields), dtype="datetime64[us]")
    for i, parts in enumerate(fields):
        if parts[0] in BUDDHIST_YEARS:
            return Dates(None, order, "buddhist", texts[i])
        try:
            year, month, day, hour, minute, second, fraction = parts
            values[i] = datetime(year, month, day, hour, minute, second, fraction)  # noqa: DTZ001
        except ValueError:
            return Dates(None, order, "impossible", texts[i])
    return Dates(values, order, example=texts[0])
