"""The entries of the cache, a page at a time, and what clears them."""

from __future__ import annotations

from collections.abc import Callable

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.ui import Tag, TagList

import logic
from logic import Cleared, EntryFacts, KeeperPass, Wanted
from tabs.clicks import fresh
from tabs.failure import Failure, attempt
from tabs.pager import pager_server, pager_ui
from tabs.stay import Stay
from tabs.system_entry_table import cleared_words, entries_view, entry_rows

ENTRIES_PER_PAGE = 10
_FUNCTION, _EXPIRED, _ALL = "function", "expired", "all"


@module.ui
def entries_ui() -> TagList:
    """Tools above, the table, the pager."""
    return TagList(
        ui.div(
            ui.output_ui("functions", inline=True),
            ui.input_action_button(_FUNCTION, "Clear this function", class_="btn-outline btn-sm"),
            ui.input_action_button(_EXPIRED, "Clear expired", class_="btn-outline btn-sm"),
            ui.input_action_button(_ALL, "Clear all shown", class_="btn-outline btn-sm"),
            class_="cs-entry-tools",
        ),
        ui.output_ui("said", role="status"),
        ui.output_ui("table"),
        pager_ui("pages"),
    )


@module.server
def entries_server(
    inputs: Inputs, _outputs: Outputs, session: Session,
    *, stay: Stay, keeper: Callable[[], KeeperPass | None], pulse: Callable[[], object],
    is_open: Callable[[], bool], moment: Callable[[], float],
) -> None:  # fmt: skip
    """Asks for the list when `pulse` (what the counters say) changes, while the tab is open."""
    entries: reactive.Value[tuple[EntryFacts, ...]] = reactive.Value((), name="entries")
    told: reactive.Value[str] = reactive.Value("", name="told")
    again: reactive.Value[int] = reactive.Value(0, name="again")
    listing = reactive.ExtendedTask(_list)
    clearing = reactive.ExtendedTask(_clear)

    @reactive.effect
    def _() -> None:
        for changed in (pulse, again, keeper, stay.visit):
            changed()
        if is_open():
            with reactive.isolate():
                listing.invoke(stay.owner, keeper())

    @reactive.effect
    def _() -> None:
        if listing.status() == "success":
            found = listing.result()
            entries.set(() if isinstance(found, Failure) else found)

    @reactive.effect
    def _() -> None:
        if clearing.status() == "success":
            found = clearing.result()
            told.set(found.sentence if isinstance(found, Failure) else cleared_words(found))
            with reactive.isolate():
                again.set(again() + 1)

    def clear(wanted: Wanted) -> None:
        clearing.invoke(stay.owner, wanted, keeper())

    _on_clicks(inputs, clear)
    session.on_ended(listing.cancel)
    session.on_ended(clearing.cancel)
    first = pager_server(
        "pages", what="Entries", size=ENTRIES_PER_PAGE, count=lambda: len(entries()), restart=keeper
    )

    _offer_functions(inputs, entries)

    @render.ui
    def said() -> Tag | None:
        return ui.p(told(), class_="cs-small") if told() else None

    @render.ui
    def table() -> Tag:
        shown = entries()[first() :][:ENTRIES_PER_PAGE]
        with reactive.isolate():
            return entries_view(entry_rows(shown, moment()), session.ns("one"))


async def _list(owner: str, keeper: KeeperPass | None) -> tuple[EntryFacts, ...] | Failure:
    return await attempt(logic.in_passing, logic.console().entries, owner, keeper)


async def _clear(owner: str, wanted: Wanted, keeper: KeeperPass | None) -> Cleared | Failure:
    return await attempt(logic.in_passing, logic.console().clear, owner, wanted, keeper)


def _offer_functions(inputs: Inputs, entries: reactive.Value[tuple[EntryFacts, ...]]) -> None:
    @reactive.calc
    def names() -> tuple[str, ...]:
        return tuple(sorted({entry.name for entry in entries()}))

    @render.ui
    def functions() -> Tag:
        offered = names()
        with reactive.isolate():
            kept = inputs.of() if inputs.of.is_set() else None
        return ui.input_select(
            "of", "Function", list(offered), width="auto",
            selected=kept if kept in offered else None,
        )  # fmt: skip


def _on_clicks(inputs: Inputs, clear: Callable[[Wanted], None]) -> None:
    @reactive.effect
    @reactive.event(fresh(inputs[_FUNCTION]))
    def _() -> None:
        name = inputs.of() if inputs.of.is_set() else None
        if isinstance(name, str) and name:
            clear(Wanted(name=name))

    @reactive.effect
    @reactive.event(fresh(inputs[_EXPIRED]))
    def _() -> None:
        clear(Wanted(expired=True))

    @reactive.effect
    @reactive.event(fresh(inputs[_ALL]))
    def _() -> None:
        clear(Wanted())

    @reactive.effect
    @reactive.event(fresh(inputs.one))
    def _() -> None:
        handle = inputs.one()
        if isinstance(handle, str):
            clear(Wanted(handle=handle))
