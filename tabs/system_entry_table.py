"""The entries of the cache as a table, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shiny import ui
from shiny.ui import Tag

from logic import Cleared, EntryFacts
from tabs.words import binary_words, counted, duration_words, long_words


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """One entry in words."""

    handle: str
    name: str
    cells: tuple[str, ...]


def entry_rows(entries: Sequence[EntryFacts], at: float) -> tuple[EntryRow, ...]:
    """Age, time to expiry, size, cost, hits, tiers; `at` is the moment, seconds since 1970."""
    return tuple(
        EntryRow(
            handle=entry.handle, name=entry.name,
            cells=(
                long_words(at - entry.created_at),
                long_words(entry.expires_at - at) if entry.expires_at > at else "expired",
                binary_words(entry.size_bytes),
                "–" if entry.cost_seconds is None else duration_words(entry.cost_seconds),
                "–" if entry.hits is None else f"{entry.hits:,}",
                ", ".join(entry.tiers),
            ),
        )
        for entry in entries
    )  # fmt: skip


def cleared_words(found: Cleared) -> str:
    """What Clear has done."""
    words = (
        f"{counted(found.removed, 'entry', 'entries')} cleared "
        "(one that stood in two tiers counts twice)."
        if found.removed
        else "Nothing was cleared."
    )
    if found.shared:
        words += (
            f" {counted(found.shared, 'entry', 'entries')} "
            f"{'stays' if found.shared == 1 else 'stay'}, because another workspace holds the same."
        )
    return words


def entries_view(rows: Sequence[EntryRow], sends: str) -> Tag:
    """The table; `sends` is the input that gets the handle of the entry to clear."""
    if not rows:
        return ui.p("No entry. Run an analysis, and its result is kept here.", class_="cs-quiet")
    words = ("Function", "Age", "Expires in", "Size", "Cost", "Hits", "Tiers", "")
    body = [
        ui.tags.tr(
            ui.tags.th(row.name, scope="row"), *[ui.tags.td(cell) for cell in row.cells],
            ui.tags.td(
                ui.tags.button(
                    "Clear", type="button", class_="btn-plain", data_sends=sends,
                    data_value=row.handle, data_key=f"clear-{row.handle}",
                    aria_label=f"Clear this entry of {row.name}",
                )
            ),
        )
        for row in rows
    ]  # fmt: skip
    head = ui.tags.thead(ui.tags.tr(*[ui.tags.th(word, scope="col") for word in words]))
    return ui.div(
        ui.tags.table(head, ui.tags.tbody(*body), class_="cs-table cs-numbers cs-entries"),
        class_="cs-scroll", tabindex="0", role="region", aria_label="Entries of the cache",
    )  # fmt: skip
