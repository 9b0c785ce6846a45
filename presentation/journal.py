"""The table that goes into the paper: one row per predictor and level, crude beside adjusted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, Literal

from presentation import numbers
from presentation.details import collinearity_table
from presentation.effects import (
    EffectRow,
    abbreviation,
    effect_rows,
    model_facts,
    null_value,
    term_df,
    terms_of,
)
from presentation.extra_methods import selection_words
from presentation.fitted import Series, series_of
from presentation.names import Names, names_of
from presentation.notes import general_notes, notes_by_term
from presentation.numbers import PLAIN, NumberStyle
from presentation.table import Cell, Column, Footnotes, Row, Spanner, Table
from presentation.text import joined
from stats.result import CollinearityResult, EffectsResult, OutcomeResult, Result

#: What stands before the estimates: events of rows with their share, both without a share (an
#: event may happen more than once), or rows alone.
Counts = Literal["events of rows", "events and rows", "rows"]
_COUNT_COLUMNS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "events of rows": ("Events/n (%)", ("events", "n", "%"), ("0", "0", "0.0")),
    "events and rows": ("Events/n", ("events", "n"), ("0", "0")),
    "rows": ("n", ("n",), ("0",)),
}


@dataclass
class _Page:
    """What all rows of one table share."""

    series: tuple[Series, ...]
    names: Names
    style: NumberStyle
    footnotes: Footnotes
    term_notes: dict[str, tuple[str, ...]]
    shown_terms: frozenset[str]
    shows_missing: bool
    counts: Counts


@singledispatch
def table_of(
    result: Result,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> Table:
    """The main table of any result.

    `labels` and `units` are by column name. TypeError for a result that has no table form.
    """
    known = f"labels {labels!r}, units {units!r}, style {style.key!r}"
    raise TypeError(f"no table is known for {type(result).__name__} ({known})")


@table_of.register
def _(
    result: OutcomeResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> Table:
    names = names_of(result.choices, labels, units)
    outcome = names.of(result.outcome)
    series = (series_of("Crude", result.crude), series_of("Adjusted", result.adjusted))
    effect = result.adjusted.effect
    facts = model_facts(result.adjusted)
    events = facts.get("events")
    used = f"{result.n_used} of {result.n_rows} rows"
    if isinstance(events, (int, float)) and numbers.known(events):
        used += f", {numbers.count(events)} events"
    return crude_and_adjusted_table(
        series, names, style,
        name="Odds ratios" if effect == "odds ratio" else "Estimates",
        title=f"Crude and adjusted {effect}s for {outcome}{_chosen_by_data(result)}.",
        subtitle=f"Event: {outcome} = {result.event}. Adjusted model: {used}.",
        of=result, choices=result.choices, exposure=exposure_of(result),
    )  # fmt: skip


@table_of.register
def _(
    result: EffectsResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> Table:
    names = names_of(result.choices, labels, units)
    effect = result.effect[:1].upper() + result.effect[1:]
    return crude_and_adjusted_table(
        (series_of("", result),), names, style,
        name="Estimates", title=f"{effect}s.",
        subtitle=f"{result.n_used} of {result.n_rows} rows used.",
        of=result, choices=result.choices, exposure=None,
    )  # fmt: skip


@table_of.register
def _(
    result: CollinearityResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> Table:
    names = names_of(result.choices, labels, units)
    table = collinearity_table(result.table("collinearity"), names, style)
    return Table(
        name=table.name, title=table.title, columns=table.columns, rows=table.rows,
        subtitle=f"{result.n_used} of {result.n_rows} rows used.",
        footnotes=table.footnotes, notes=(*table.notes, *general_notes((result,))),
    )  # fmt: skip


def _chosen_by_data(result: OutcomeResult) -> str:
    how = selection_words(result.choices.get("adjust"))
    return f" (adjusted model selected by the data: {how})" if how else ""


def exposure_of(result: OutcomeResult) -> str | None:
    """The predictor declared as exposure, or None."""
    exposure = result.choices.get("exposure")
    return exposure if isinstance(exposure, str) and exposure else None


def covariates_of(result: OutcomeResult) -> tuple[str, ...]:
    """The terms of the adjusted model other than the exposure."""
    return tuple(t for t in terms_of(effect_rows(result.adjusted)) if t != exposure_of(result))


def crude_and_adjusted_table(
    series: tuple[Series, ...],
    names: Names,
    style: NumberStyle,
    *,
    name: str,
    title: str,
    subtitle: str,
    of: Result,
    choices: Mapping[str, Any],
    exposure: str | None,
    counts: Counts = "events of rows",
) -> Table:
    """Columns, rows and footnotes of one series of estimates or of several beside each other; in
    exposure mode only the exposure's rows. `counts` says what the second column holds."""
    first = series[0]
    later = tuple(t for s in series[1:] for t in terms_of(s.rows))
    terms = tuple(dict.fromkeys((*terms_of(first.rows), *later)))
    if exposure in terms:
        terms = (exposure,)
    sources = (of, *(s.result for s in series if s.result is not of))
    page = _Page(
        series, names, style, Footnotes(), notes_by_term(sources),
        frozenset(terms), any(row.missing > 0 for row in first.rows if row.term in terms), counts,
    )  # fmt: skip
    adjusted = series[-1]
    adjusted_for = tuple(t for t in terms_of(adjusted.rows) if t != exposure)
    columns = _columns(page, choices, adjusted_for if exposure else None)
    rows = tuple(row for term in terms for row in _term_rows(page, term))
    start = 3 if page.shows_missing else 2
    return Table(
        name=name, title=title, subtitle=subtitle, columns=columns, rows=rows,
        spanners=tuple(
            Spanner(s.title, start + 2 * i, start + 2 * i + 1)
            for i, s in enumerate(series) if s.title
        ),
        footnotes=page.footnotes.done(),
        notes=(*_abbreviations(first.result.effect), *general_notes(sources, skip_terms=terms)),
    )  # fmt: skip


def _abbreviations(effect: str) -> tuple[str, ...]:
    short = abbreviation(effect)
    own = f"{short}, {effect}; " if short.isupper() else ""
    return (f"{own}CI, confidence interval.",)


def _columns(
    page: _Page, choices: Mapping[str, Any], adjusted_for: tuple[str, ...] | None
) -> tuple[Column, ...]:
    title, parts, formats = _COUNT_COLUMNS[page.counts]
    columns = [
        Column("Characteristic"),
        Column(
            title, "number", parts, formats,
            mark=page.footnotes.mark(_sample_sentence(choices)) if len(page.series) > 1 else "",
        ),
    ]  # fmt: skip
    if page.shows_missing:
        columns.append(Column("Missing", "number", ("missing",), ("0",)))
    for series in page.series:
        short = abbreviation(series.result.effect)
        title = f"{short} ({series.ci}% CI)"
        columns += [
            Column(
                title, "number", (short, f"{series.ci}% CI low", f"{series.ci}% CI high"),
                ("0.00####", "0.00####", "0.00####"),
                mark=page.footnotes.marks(
                    series.model_sentence(page.names, page.shown_terms),
                    _adjustment_sentence(page, series, adjusted_for),
                ),
            ),
            Column(
                page.style.p_symbol, "number", (page.style.p_symbol,), ("General",),
                mark=page.footnotes.marks(series.p_sentence()),
            ),
        ]  # fmt: skip
    return tuple(columns)


def _sample_sentence(choices: Mapping[str, Any]) -> str:
    if choices.get("common_sample"):
        return "Counts and crude estimates are those of the rows of the adjusted model."
    return (
        "Rows with a known outcome and a known value of the predictor; "
        "the crude estimates use these rows."
    )


def _adjustment_sentence(page: _Page, series: Series, adjusted_for: tuple[str, ...] | None) -> str:
    if adjusted_for is None or series.title == "Crude":
        return ""
    if not adjusted_for:
        return "Adjusted for: nothing (the exposure is the only predictor)."
    return f"Adjusted for: {joined([page.names.of(t) for t in adjusted_for])}."


def _term_rows(page: _Page, term: str) -> list[Row]:
    """The rows of one term: one for a continuous term, heading and levels for a factor."""
    own = list(page.series[0].by_term.get(term, ()))
    if not own:
        own = [row for s in page.series for row in s.by_term.get(term, ())]
    own = list({row.key: row for row in own}.values())
    note_mark = page.footnotes.marks(*page.term_notes.get(term, ()))
    if len(own) == 1 and own[0].level is None:
        title = Cell(page.names.with_step(term), mark=note_mark)
        return [_row("single", page, title, own[0], None)]
    title = Cell(page.names.with_unit(term), mark=note_mark)
    heading = [title, Cell()]
    if page.shows_missing:
        heading.append(_missing_cell(own[0].missing))
    for series in page.series:
        heading += [Cell(), _term_p_cell(page, series, term)]
    rows = [Row("heading", tuple(heading))]
    for row in own:
        kind = "reference" if row.is_reference else "level"
        rows.append(_row(kind, page, Cell(row.level or ""), row, term))
    return rows


def _row(kind: Any, page: _Page, title: Cell, own: EffectRow, factor: str | None) -> Row:
    cells = [title, _count_cell(page, own)]
    if page.shows_missing:
        cells.append(Cell() if factor else _missing_cell(own.missing))
    for series in page.series:
        found = series.by_key.get(own.key)
        cells += [Cell(), Cell()] if found is None else _estimate_cells(page, series, found)
    return Row(kind, tuple(cells))


def _count_cell(page: _Page, own: EffectRow) -> Cell:
    if page.counts == "rows":
        return Cell(numbers.count(own.n), _finite(own.n))
    if page.counts == "events and rows":
        text = f"{numbers.count(own.events)}/{numbers.count(own.n)}"
        return Cell(text, _finite(own.events, own.n))
    share = 100.0 * own.events / own.n if own.n else math.nan
    text = numbers.events_of(own.events, own.n, page.style)
    return Cell(text, _finite(own.events, own.n, share))


def _missing_cell(missing: float) -> Cell:
    return Cell(numbers.count(missing), _finite(missing))


def _finite(*values: float | None) -> tuple[float | None, ...]:
    return tuple(v if v is not None and math.isfinite(v) else None for v in values)


def _term_p_cell(page: _Page, series: Series, term: str) -> Cell:
    """The p of a factor with its df; empty for two levels, whose p stands on the level's row."""
    rows = series.by_term.get(term, ())
    df = term_df(rows, term)
    p = rows[0].p_term if rows else math.nan
    if df < 2:
        return Cell()
    if math.isnan(p):
        return Cell(numbers.NOT_ESTIMABLE, (None,), _why_not(page, term))
    return Cell(f"{numbers.p_value(p, page.style)} ({df} df)", (p,))


def _estimate_cells(page: _Page, series: Series, row: EffectRow) -> list[Cell]:
    null = null_value(series.result.effect)
    if row.is_reference:
        return [Cell(f"{null:g} (reference)", (null, None, None)), Cell()]
    mark = _method_mark(page, series, row.term)
    if row.is_estimable and math.isnan(row.ci_low) and math.isnan(row.ci_high):
        mark = _together(mark, page.footnotes.mark("No interval could be computed."))
    if not row.is_estimable:
        why = _why_not(page, row.term, empty=_is_empty_level(series, row))
        mark = _together(mark, why)
    text = numbers.estimate_with_interval(
        row.estimate, row.ci_low, row.ci_high, page.style, null=null
    )
    p_mark = mark if math.isnan(row.p_value) else ""
    return [
        Cell(text, _finite(row.estimate, row.ci_low, row.ci_high), mark),
        Cell(numbers.p_value(row.p_value, page.style), _finite(row.p_value), p_mark),
    ]


def _together(*marks: str) -> str:
    return ",".join(dict.fromkeys(mark for mark in marks if mark))


def _why_not(page: _Page, term: str, *, empty: bool = False) -> str:
    if empty:
        return page.footnotes.mark("Not estimable: no rows at this level.")
    own = page.term_notes.get(term, ())
    return page.footnotes.marks(*(own or ("Not estimable from these data.",)))


def _is_empty_level(series: Series, row: EffectRow) -> bool:
    """True for a level without rows of a term that has rows elsewhere."""
    others = any(r.n > 0 for r in series.by_term[row.term])
    return row.level is not None and row.n == 0 and others


def _method_mark(page: _Page, series: Series, term: str) -> str:
    """The mark of a model that was fitted in another way than its neighbours."""
    return page.footnotes.marks(series.exception_sentence(term, page.style.p_symbol))
