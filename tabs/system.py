"""The tab System: what cache, memory and lanes are doing, while somebody looks.

Every two seconds, and only while the tab is open, the numbers of the moment are asked for beside
the event loop; each part of the page is drawn again only when its own words have changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.ui import Tag, TagList

import logic
from logic import KeeperPass, Look
from tabs import system_charts, system_functions, system_tiles, system_warnings, system_work
from tabs.clicks import fresh
from tabs.distinct import distinct
from tabs.failure import Failure, attempt
from tabs.parts import failure_card, note_list
from tabs.stay import Stay
from tabs.system_entries import entries_server, entries_ui
from tabs.system_keeper import keeper_server, keeper_ui
from tabs.system_states import LIMIT_WORDS

_EVERY_SECONDS = 2.0
T = TypeVar("T")


@module.ui
def system_ui() -> Tag:
    """Every part of the tab, empty."""
    return ui.tags.main(
        ui.div(ui.output_ui("warnings"), _refreshed("tiles")),
        _panel("The last hour", _refreshed("charts"), ui.p(LIMIT_WORDS, class_="cs-hint")),
        _panel("Functions", _refreshed("functions")),
        ui.div(
            _panel("Running now", _refreshed("jobs")),
            _panel("Why it was computed", _refreshed("miss")),
            class_="cs-pair",
        ),
        _panel("What the last runs took", _refreshed("runs")),
        _panel(
            "Entries of the cache",
            ui.p(
                "The results that this page has asked for. What is cleared is computed again when "
                "it is wanted; what another workspace holds too stays.",
                class_="cs-quiet cs-small",
            ),
            entries_ui("entries"),
            keeper_ui("keeper"),
        ),
        class_="cs-system",
    )


def _refreshed(part: str) -> Tag:
    """A part that changes every few seconds is not read out each time."""
    return ui.output_ui(part, aria_live="off")


def _panel(title: str, *parts: Tag | TagList) -> Tag:
    return ui.tags.section(ui.h2(title), *parts, class_="cs-panel")


async def _look(owner: str, keeper: KeeperPass | None) -> Look | Failure:
    return await attempt(logic.in_passing, logic.console().look, owner, keeper)


async def _stop(owner: str, handle: str, keeper: KeeperPass | None) -> bool | Failure:
    return await attempt(logic.in_passing, logic.console().stop, owner, handle, keeper)


@module.server
def system_server(
    inputs: Inputs, _outputs: Outputs, session: Session,
    *, is_open: Callable[[], bool], stay: Stay,
) -> None:  # fmt: skip
    """`is_open()` is a reactive: True while somebody looks at the tab."""
    now: reactive.Value[Look | None] = reactive.Value(None, name="now")
    failed: reactive.Value[Failure | None] = reactive.Value(None, name="failed")
    looking = reactive.ExtendedTask(_look)
    stopping = reactive.ExtendedTask(_stop)
    keeper = keeper_server("keeper", stay=stay)

    @reactive.effect
    def _() -> None:
        if not is_open():
            return
        stay.visit()
        keeper()
        reactive.invalidate_later(_EVERY_SECONDS)
        with reactive.isolate():
            if looking.status() != "running":
                looking.invoke(stay.owner, keeper())

    @reactive.effect
    def _() -> None:
        if looking.status() == "success":
            found = looking.result()
            failed.set(found if isinstance(found, Failure) else None)
            if not isinstance(found, Failure):
                now.set(found)

    @reactive.effect
    @reactive.event(fresh(inputs.stop))
    def _() -> None:
        handle = inputs.stop()
        if isinstance(handle, str):
            stopping.invoke(stay.owner, handle, keeper())

    session.on_ended(looking.cancel)
    session.on_ended(stopping.cancel)
    _draw_health(now, failed)
    _draw_work(now, session)

    def moment() -> float:
        found = now()
        return 0.0 if found is None else found.at

    pulse = distinct(lambda: _pulse(now()), ())
    entries_server("entries", stay=stay, keeper=keeper, pulse=pulse, is_open=is_open, moment=moment)


def _pulse(look: Look | None) -> tuple[object, ...]:
    """Changes when the list of entries may have changed, and with every full minute."""
    if look is None:
        return ()
    counts = look.functions.values()
    return (
        tuple(tier.entries for tier in look.tiers), int(look.at // 60),
        sum(f.calls for f in counts), look.memory.actions.get("shrink cache", 0),
    )  # fmt: skip


def _part(now: reactive.Value[Look | None], read: Callable[[Look], T], start: T) -> Callable[[], T]:
    """What `read` makes of the look, as a reactive of its distinct values."""

    def of_now() -> T:
        look = now()
        return start if look is None else read(look)

    return distinct(of_now, start)


def _draw_health(now: reactive.Value[Look | None], failed: reactive.Value[Failure | None]) -> None:
    amiss = _part(now, system_warnings.warnings_of, ())
    tile = _part(now, system_tiles.tiles_of, ())
    sampled = _part(now, lambda look: look.samples[-1].at_seconds if look.samples else 0.0, None)

    @render.ui
    def warnings() -> Tag | None:
        failure = failed()
        return note_list(amiss(), "Warnings") if failure is None else failure_card(failure)

    @render.ui
    def tiles() -> Tag:
        return system_tiles.tiles_view(tile())

    @render.ui
    def charts() -> Tag | None:
        sampled()
        with reactive.isolate():
            look = now()
        return None if look is None else system_charts.charts_view(system_charts.charts_of(look))


def _draw_work(now: reactive.Value[Look | None], session: Session) -> None:
    rows = _part(now, system_functions.function_rows, None)
    ran = _part(now, system_work.run_rows, None)
    running = _part(now, lambda look: (system_work.job_rows(look), look.jobs_of_others), None)
    why = _part(now, lambda look: (look.last_miss,), None)

    @render.ui
    def functions() -> Tag | None:
        found = rows()
        return None if found is None else system_functions.functions_view(found)

    @render.ui
    def jobs() -> Tag | None:
        found = running()
        return None if found is None else system_work.jobs_view(*found, session.ns("stop"))

    @render.ui
    def runs() -> Tag | None:
        found = ran()
        return None if found is None else system_work.runs_view(found)

    @render.ui
    def miss() -> Tag | TagList | None:
        found = why()
        return None if found is None else system_work.miss_view(*found)
