"""The forest plot as a description; `plotly` and `to_image` draw the same one.

Sizes and places are not decided here, only what is shown: rows in order, text columns, marks with
their limits cut to the axis, ticks. All numbers in it are finite.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from presentation import numbers
from presentation.effects import (
    EffectRow,
    abbreviation,
    effect_rows,
    null_value,
    term_df,
    terms_of,
)
from presentation.names import Names, names_of
from presentation.numbers import PLAIN, NumberStyle
from presentation.text import visible
from presentation.ticks import ticks
from presentation.wording import ci_percent
from stats.result import EffectsResult, ModelResult, OutcomeResult

SeriesName = Literal["adjusted", "crude"]
ForestKind = Literal["single", "heading", "level", "reference"]
Shown = Literal["both", "adjusted", "crude"]

#: An interval is cut where it leaves this many-fold distance of its estimate.
_WIDEST_RATIO = 10.0


@dataclass(frozen=True, slots=True)
class ForestMark:
    """One estimate with its interval, already cut to the axis.

    `arrow_low`, `arrow_high`: the interval goes on beyond the axis. `hover` says it in words.
    """

    series: SeriesName
    estimate: float
    low: float
    high: float
    arrow_low: bool
    arrow_high: bool
    hover: str


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One line: its label, the texts of the columns beside the plot, its marks."""

    kind: ForestKind
    label: str
    texts: tuple[str, ...]
    marks: tuple[ForestMark, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", visible(self.label))
        object.__setattr__(self, "texts", tuple(map(visible, self.texts)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestPlot:
    """A whole plot. `column_titles` belong to `ForestRow.texts`; the columns from `right_from` on
    stand to the right of the plot. `alt` says in words what the plot shows.
    """

    title: str
    axis_title: str
    column_titles: tuple[str, ...]
    right_from: int
    series: tuple[SeriesName, ...]
    rows: tuple[ForestRow, ...]
    null: float
    log: bool
    low: float
    high: float
    ticks: tuple[float, ...]
    notes: tuple[str, ...] = ()
    alt: str = ""
    name: str = "forest plot"

    def __post_init__(self) -> None:
        for name in ("title", "axis_title", "alt", "name"):
            object.__setattr__(self, name, visible(getattr(self, name)))
        for name in ("column_titles", "notes"):
            object.__setattr__(self, name, tuple(map(visible, getattr(self, name))))
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(
                "the axis of a forest plot needs low < high, both above 0 on a log axis"
            )


def forest_of(
    result: OutcomeResult | ModelResult | EffectsResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
    show: Shown = "both",
) -> ForestPlot:
    """The forest plot of crude and adjusted effects (of the only effects of an `EffectsResult`).

    In exposure mode it shows the exposure's rows only.
    """
    names = names_of(result.choices, labels, units)
    exposure, of = None, ""
    sources: dict[SeriesName, EffectsResult] = {}
    if not isinstance(result, EffectsResult):
        if show != "adjusted":
            sources["crude"] = result.crude
        if show != "crude":
            sources["adjusted"] = result.adjusted
        of = f" for {names.of(result.outcome)}"
        of += f" = {result.event}" if isinstance(result, OutcomeResult) else ""
        exposure = result.choices.get("exposure")
    else:
        sources["adjusted"] = result
    found: dict[SeriesName, tuple[EffectRow, ...]] = {
        name: effect_rows(source) for name, source in sources.items()
    }
    terms = tuple(dict.fromkeys(t for rows in found.values() for t in terms_of(rows)))
    terms = (exposure,) if exposure in terms else terms
    kept: dict[SeriesName, tuple[EffectRow, ...]] = {
        name: tuple(r for r in rows if r.term in terms) for name, rows in found.items()
    }
    last: SeriesName = next(reversed(sources))
    effect = sources[last].effect
    low, high = _axis([r for rows in kept.values() for r in rows], null_value(effect))
    sheet = _Sheet(kept, last, names, style, effect, low, high)
    ci = ci_percent(sources[last].method, sources[last].choices, result.choices)
    return _describe(sheet, terms, f"{_capital(effect)}s{of}", ci)


@dataclass(frozen=True)
class _Sheet:
    """What all rows share. `last` is the series whose p-values are printed."""

    found: Mapping[SeriesName, tuple[EffectRow, ...]]
    last: SeriesName
    names: Names
    style: NumberStyle
    effect: str
    low: float
    high: float

    def estimate_text(self, row: EffectRow | None) -> str:
        """`1.52 (1.10 to 2.08)`, `1 (reference)`, or nothing where the series lacks the row."""
        if row is None:
            return ""
        null = null_value(self.effect)
        if row.is_reference:
            return f"{null:g} (reference)"
        return numbers.estimate_with_interval(
            row.estimate, row.ci_low, row.ci_high, self.style, null=null
        )

    def mark(self, name: SeriesName, row: EffectRow, label: str) -> ForestMark | None:
        """The mark of one estimate; None for a reference and for what has no place on the axis."""
        if row.is_reference or not row.is_estimable:
            return None
        if not self.low <= row.estimate <= self.high:
            return None
        low, high = (row.estimate if math.isnan(x) else x for x in (row.ci_low, row.ci_high))
        words = f"{label}: {name} {abbreviation(self.effect)} {self.estimate_text(row)}"
        return ForestMark(
            name, row.estimate, max(low, self.low), min(high, self.high),
            low < self.low, high > self.high, visible(words),
        )  # fmt: skip


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _describe(sheet: _Sheet, terms: Iterable[str], title: str, ci: str) -> ForestPlot:
    null = null_value(sheet.effect)
    log = null == 1.0
    short = abbreviation(sheet.effect)
    several = len(sheet.found) > 1
    rows = [row for term in terms for row in _term_rows(sheet, term)]
    estimates = tuple(
        f"{_capital(name)} {short} ({ci}% CI)" if several else f"{short} ({ci}% CI)"
        for name in sheet.found
    )
    return ForestPlot(
        title=title,
        axis_title=f"{_capital(sheet.effect)}{' (log scale)' if log else ''}",
        column_titles=(_count_title(sheet), *estimates, sheet.style.p_symbol),
        right_from=1, series=tuple(sheet.found), rows=tuple(rows), null=null, log=log,
        low=sheet.low, high=sheet.high, ticks=ticks(sheet.low, sheet.high, log=log),
        notes=_notes(rows, sheet.last if several else None, sheet.style),
        alt=_alt(title, rows),
    )  # fmt: skip


def _count_title(sheet: _Sheet) -> str:
    every = [row for rows in sheet.found.values() for row in rows]
    return "Events/n" if any(math.isfinite(row.events) for row in every) else "n"


def _term_rows(sheet: _Sheet, term: str) -> list[ForestRow]:
    own: dict[str, dict[Any, EffectRow]] = {
        name: {r.key: r for r in rows if r.term == term} for name, rows in sheet.found.items()
    }
    keys = list(dict.fromkeys(key for rows in own.values() for key in rows))
    rows: list[ForestRow] = []
    if not (len(keys) == 1 and keys[0][1] is None):
        rows.append(ForestRow("heading", sheet.names.with_unit(term), _heading_texts(sheet, term)))
    for key in keys:
        present = {name: by_key[key] for name, by_key in own.items() if key in by_key}
        rows.append(_line(sheet, term, present))
    return rows


def _line(sheet: _Sheet, term: str, present: Mapping[str, EffectRow]) -> ForestRow:
    first = next(iter(present.values()))
    kind: ForestKind = "single" if first.level is None else "level"
    if first.is_reference:
        kind = "reference"
    label = sheet.names.with_step(term) if first.level is None else first.level
    last = present.get(sheet.last)
    shows_p = last is not None and not last.is_reference
    texts = (
        _events(first),
        *(sheet.estimate_text(present.get(name)) for name in sheet.found),
        numbers.p_value(last.p_value, sheet.style) if last is not None and shows_p else "",
    )
    full = label if first.level is None else f"{sheet.names.of(term)}, {label}"
    marks = tuple(
        mark for name in sheet.found if name in present
        if (mark := sheet.mark(name, present[name], full)) is not None
    )  # fmt: skip
    return ForestRow(kind, label, texts, marks)


def _events(row: EffectRow) -> str:
    if not math.isfinite(row.events):
        return numbers.count(row.n)
    return f"{numbers.count(row.events)}/{numbers.count(row.n)}"


def _heading_texts(sheet: _Sheet, term: str) -> tuple[str, ...]:
    """Empty columns, and the p of a factor of three or more levels."""
    rows = sheet.found[sheet.last]
    p = next((r.p_term for r in rows if r.term == term), math.nan)
    shown = numbers.p_value(p, sheet.style) if term_df(rows, term) > 1 else ""
    return ("", *("" for _ in sheet.found), shown)


def _axis(rows: list[EffectRow], null: float) -> tuple[float, float]:
    """Axis limits: all estimates, and their intervals as far as they stay readable."""
    log = null == 1.0
    lows, highs = [null], [null]
    for row in rows:
        if row.is_reference or not row.is_estimable or (log and row.estimate <= 0):
            continue
        bottom = row.ci_low if math.isfinite(row.ci_low) else row.estimate
        top = row.ci_high if math.isfinite(row.ci_high) else row.estimate
        if log:
            bottom = max(bottom, row.estimate / _WIDEST_RATIO)
            top = min(top, row.estimate * _WIDEST_RATIO)
        lows.append(bottom)
        highs.append(top)
    low, high = min(lows), max(highs)
    if not log:
        pad = 0.05 * (high - low) or 1.0
        return low - pad, high + pad
    # At least from 2/3 to 3/2, so that a null result does not look like a large one.
    low, high = min(low, 2 / 3), max(high, 3 / 2)
    # Estimates beyond a millionfold are not estimates that an axis can show.
    low, high = max(low, 1e-6), min(high, 1e6)
    pad = 0.04 * math.log(high / low)
    return low * math.exp(-pad), high * math.exp(pad)


def _notes(rows: list[ForestRow], p_of: str | None, style: NumberStyle) -> tuple[str, ...]:
    notes = []
    if p_of is not None:
        notes.append(f"{style.p_symbol} belongs to the {p_of} estimate.")
    if any(m.arrow_low or m.arrow_high for row in rows for m in row.marks):
        notes.append("An arrow: the interval goes on beyond the axis.")
    if any(text[:1] == numbers.NOT_ESTIMABLE for row in rows for text in row.texts):
        notes.append(f"{numbers.NOT_ESTIMABLE}, not estimable.")
    return tuple(notes)


def _alt(title: str, rows: list[ForestRow]) -> str:
    marks = [m.hover for row in rows for m in row.marks]
    shown = "; ".join(marks[:12])
    more = f"; and {len(marks) - 12} more" if len(marks) > 12 else ""
    return f"Forest plot. {title}. {shown}{more}."
