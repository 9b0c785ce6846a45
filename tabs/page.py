"""The page around the tabs: navigation, status line, footer."""

from __future__ import annotations

from shiny import Inputs, Outputs, Session, reactive, render, ui
from shiny.ui import Tag, TagChild, TagList

import logic
from tabs import data
from tabs.analyses import TABS
from tabs.habits import Habits
from tabs.isolation import end_isolated_contexts
from tabs.loaded import Loaded
from tabs.returning import return_server
from tabs.several import tab_server, tab_ui
from tabs.starting import start_when
from tabs.stay import Stay
from tabs.system import system_server, system_ui
from tabs.words import memory_words

_USE = "For research; not for decisions about individual patients."
_INTRODUCTION = "Clinstat: statistics for clinicians"


def page(*, version: str, upload_bytes: int) -> Tag:
    """The whole page. `version` marks style sheet and script, so that an update is seen."""
    end_isolated_contexts()
    return ui.page_navbar(
        ui.nav_panel("Data", data.data_ui("data", upload_bytes=upload_bytes), value="data"),
        *[ui.nav_panel(tab.title, tab_ui(tab), value=tab.key) for tab in TABS],
        ui.nav_spacer(),
        ui.nav_panel("System", system_ui("system"), value="system"),
        ui.nav_control(ui.input_dark_mode(id="mode")),
        id="tab",
        title="Clinstat",
        window_title=_INTRODUCTION,
        header=TagList(
            _head(version),
            _status_line(),
            ui.div(class_="cs-notice", role="alert"),
            ui.div(class_="cs-receipt", role="status", hidden=""),
        ),
        footer=ui.tags.footer(_USE, f" Clinstat {version}.", class_="cs-footer"),
        lang="en",
    )


def _head(version: str) -> TagChild:
    return ui.head_content(
        ui.tags.meta(name="viewport", content="width=device-width, initial-scale=1"),
        ui.tags.link(rel="icon", href="clinstat.svg", type="image/svg+xml"),
        ui.tags.link(rel="stylesheet", href=f"styles.css?v={version}"),
        ui.tags.script(src=f"conditions.js?v={version}", defer=""),
        ui.tags.script(src=f"clinstat.js?v={version}", defer=""),
        ui.tags.script(src=f"answers.js?v={version}", defer=""),
        ui.tags.script(src=f"line.js?v={version}", defer=""),
        ui.tags.script(src=f"session.js?v={version}", defer=""),
        ui.tags.script(src=f"system.js?v={version}", defer=""),
    )


def _status_line() -> Tag:
    return ui.div(
        ui.output_ui("status"),
        ui.span("Connecting", class_="cs-connection", data_state="waiting", role="status"),
        class_="cs-status",
    )


def serve(inputs: Inputs, _outputs: Outputs, session: Session) -> None:
    """One session: the dataset that the tabs share, and the tabs."""
    loaded: reactive.Value[Loaded | None] = reactive.Value(None, name="loaded")

    def go_to(tab: str, within: str = "tab") -> None:
        ui.update_navset(within, selected=tab, session=session)

    session.allow_reconnect("force")
    session.on_ended(logic.collect_soon)
    stay, habits = Stay(inputs, session), Habits()
    return_server(inputs, stay, loaded, habits, go_to)
    data.data_server("data", loaded, go_to, stay, habits)
    for tab in TABS:
        tab_server(tab, inputs, loaded, habits, go_to, stay)

    def looks_at_system() -> bool:
        return inputs.tab.is_set() and inputs.tab() == "system"

    start_when(looks_at_system, lambda: system_server("system", is_open=looks_at_system, stay=stay))

    @render.ui
    def status() -> TagList:
        now = loaded()
        if now is None:
            return TagList(ui.span("No dataset yet"))
        dataset = now.dataset
        return TagList(
            ui.span("Dataset ", ui.tags.bdi(now.name)),
            ui.span(f"{dataset.n_rows:,} rows, {len(dataset.names):,} columns"),
            ui.span(f"{memory_words(dataset.size_bytes)} of memory"),
        )
