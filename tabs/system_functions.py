"""Counts and latency of every function, computed and remembered apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shiny import ui
from shiny.ui import Tag

from logic import Look, Spread
from tabs.system_states import (
    COMPUTED_LIMITS_SECONDS,
    HIT_LIMITS_SECONDS,
    State,
    mark,
    state_up_to,
    worse,
)
from tabs.words import duration_words

_STATISTICS = ("Median", "95 %", "Min", "Max", "SD")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRow:
    """One function as the table shows it."""

    name: str
    calls: int
    hit_rate: str
    computes: int
    computed: tuple[str, ...]
    hits: int
    hit: tuple[str, ...]
    state: State | None


def function_rows(look: Look) -> tuple[FunctionRow, ...]:
    """Most called first."""
    rows: list[FunctionRow] = []
    for name, counts in look.functions.items():
        latency = look.latency.get(name)
        computed = None if latency is None else latency.computed
        hit = None if latency is None else latency.hit
        hits = sum(counts.hits.values())
        rows.append(
            FunctionRow(
                name=name, calls=counts.calls,
                hit_rate=f"{100 * hits / counts.calls:.0f} %" if counts.calls else "–",
                computes=counts.computes, computed=spread_words(computed),
                hits=hits, hit=spread_words(hit),
                state=worse(
                    _state(computed, COMPUTED_LIMITS_SECONDS), _state(hit, HIT_LIMITS_SECONDS)
                ),
            )
        )  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (-row.calls, row.name)))


def _state(found: Spread | None, limits: tuple[float, float]) -> State | None:
    return None if found is None else state_up_to(found.p95_seconds, limits)


def spread_words(found: Spread | None) -> tuple[str, ...]:
    """Median, 95th percentile, least, most, standard deviation."""
    if found is None:
        return ("–",) * len(_STATISTICS)
    numbers = (found.median_seconds, found.p95_seconds, found.min_seconds, found.max_seconds)
    sd = "–" if found.sd_seconds is None else duration_words(found.sd_seconds)
    return (*[duration_words(seconds) for seconds in numbers], sd)


def functions_view(rows: Iterable[FunctionRow]) -> Tag:
    """The table; a sentence while nothing was called."""
    body = [_row(row) for row in rows]
    if not body:
        return ui.p("No analysis was run since the server started.", class_="cs-quiet")
    five = [ui.tags.th(word, scope="col") for word in _STATISTICS]
    head = ui.tags.thead(
        ui.tags.tr(
            *[ui.tags.th(class_="cs-empty-head") for _ in range(4)],
            ui.tags.th("Computed", colspan="6", scope="colgroup", class_="cs-spanner"),
            ui.tags.th("From the cache", colspan="6", scope="colgroup", class_="cs-spanner"),
        ),
        ui.tags.tr(
            *[ui.tags.th(word, scope="col") for word in ("Function", "", "Calls", "Hit rate", "n")],
            *five, ui.tags.th("n", scope="col"), *five,
        ),
    )  # fmt: skip
    return ui.div(
        ui.tags.table(head, ui.tags.tbody(*body), class_="cs-table cs-numbers"),
        class_="cs-scroll", tabindex="0", role="region", aria_label="Functions",
    )  # fmt: skip


def _row(row: FunctionRow) -> Tag:
    cells = (
        f"{row.calls:,}", row.hit_rate, f"{row.computes:,}", *row.computed, f"{row.hits:,}",
        *row.hit,
    )  # fmt: skip
    return ui.tags.tr(
        ui.tags.th(row.name, scope="row"), ui.tags.td(mark(row.state)),
        *[ui.tags.td(cell) for cell in cells],
    )  # fmt: skip
