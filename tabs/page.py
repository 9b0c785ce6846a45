"""The page around the tabs: navigation, status line, footer."""

from __future__ import annotations

from shiny import Inputs, Outputs, Session, reactive, render, ui
from shiny.ui import Tag, TagChild, TagList

import logic
from tabs import data, outcome
from tabs.loaded import Loaded
from tabs.words import memory_words

_USE = "For research; not for decisions about individual patients."
_INTRODUCTION = "Clinstat: statistics for clinicians"


def page(*, version: str, upload_bytes: int) -> Tag:
    """The whole page. `version` marks style sheet and script, so that an update is seen."""
    return ui.page_navbar(
        ui.nav_panel("Data", data.data_ui("data", upload_bytes=upload_bytes), value="data"),
        ui.nav_panel("Outcome", outcome.outcome_ui("outcome"), value="outcome"),
        ui.nav_spacer(),
        ui.nav_control(ui.input_dark_mode(id="mode")),
        id="tab",
        title="Clinstat",
        window_title=_INTRODUCTION,
        header=TagList(_head(version), _status_line(), ui.div(class_="cs-notice", role="alert")),
        footer=ui.tags.footer(_USE, f" Clinstat {version}.", class_="cs-footer"),
        lang="en",
    )


def _head(version: str) -> TagChild:
    return ui.head_content(
        ui.tags.meta(name="viewport", content="width=device-width, initial-scale=1"),
        ui.tags.link(rel="icon", href="clinstat.svg", type="image/svg+xml"),
        ui.tags.link(rel="stylesheet", href=f"styles.css?v={version}"),
        ui.tags.script(src=f"clinstat.js?v={version}", defer=""),
    )


def _status_line() -> Tag:
    return ui.div(
        ui.output_ui("status"),
        ui.span("Connecting", class_="cs-connection", data_state="waiting", role="status"),
        class_="cs-status",
    )


def serve(_inputs: Inputs, _outputs: Outputs, session: Session) -> None:
    """One session: the dataset that the tabs share, and the tabs."""
    loaded: reactive.Value[Loaded | None] = reactive.Value(None)

    def go_to(tab: str) -> None:
        ui.update_navset("tab", selected=tab, session=session)

    session.on_ended(logic.collect_soon)
    data.data_server("data", loaded, go_to)
    outcome.outcome_server("outcome", loaded, go_to)

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
