"""The views of a result card, and the line that says where the result came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shiny import Inputs, reactive, render, ui
from shiny.module import resolve_id
from shiny.ui import Tag, TagList

from presentation.numbers import PLAIN, STYLES, NumberStyle
from stats.result import OutcomeResult
from tabs import _downloads, _views
from tabs._answer import Answer
from tabs._figure import FigureNames, draw_figure
from tabs.parts import note_list
from tabs.words import duration_words

_SOURCES: Mapping[str, str] = {
    "computed": "Computed in", "shared": "Computed, shared with another run, in",
    "memory": "From memory in", "disk": "From disk in", "redis": "From the shared store in",
    "partial": "So far, after",
}  # fmt: skip


def frame(inputs: Inputs) -> TagList:
    """Head, notes and the five views; each view is drawn when it is looked at."""
    styles = {key: style.title for key, style in STYLES.items()}
    with reactive.isolate():
        style = inputs.style() if inputs.style.is_set() else PLAIN.key
    return TagList(
        ui.div(
            ui.output_ui("badge", inline=True),
            ui.div(
                ui.input_select("style", "Numbers", styles, selected=style, width="auto"),
                _downloads.menu(),
                class_="cs-tools",
            ),
            class_="cs-card-head",
        ),
        ui.output_ui("changed"),
        ui.output_ui("notes"),
        ui.navset_underline(
            ui.nav_panel("Table", ui.output_ui("table")),
            ui.nav_panel("Figure", ui.output_ui("which_figure"), ui.output_ui("figure")),
            ui.nav_panel("Details", ui.output_ui("details")),
            ui.nav_panel("Methods", _copied("methods")),
            ui.nav_panel("Code", _copied("code")),
            id="view",
        ),
    )


def _copied(output: str) -> TagList:
    button = ui.tags.button(
        "Copy text", type="button", class_="btn btn-outline btn-sm cs-copy",
        data_copies=resolve_id(output),
    )  # fmt: skip
    return TagList(button, ui.output_ui(output))


def style_of(inputs: Inputs) -> Callable[[], NumberStyle]:
    """The style of numbers that the reader has chosen, as a reactive."""

    def style() -> NumberStyle:
        return STYLES.get(inputs.style(), PLAIN) if inputs.style.is_set() else PLAIN

    return style


def draw_views(
    inputs: Inputs, answer: Callable[[], Answer | None], style: Callable[[], NumberStyle]
) -> FigureNames:
    """One render per view; gives the names of the figures."""

    @render.ui
    def badge() -> Tag | None:
        found = answer()
        return None if found is None else badge_of(found)

    @render.ui
    def notes() -> Tag | None:
        found = answer()
        return None if found is None else notes_of(found)

    @render.ui
    def table() -> Tag | None:
        found = answer()
        return None if found is None else _views.table_view(found, style())

    @render.ui
    def details() -> TagList | None:
        found = answer()
        return None if found is None else _views.details_view(found, style())

    @render.ui
    def methods() -> Tag | None:
        found = answer()
        return None if found is None else _views.methods_view(found)

    @render.ui
    def code() -> Tag | None:
        found = answer()
        return None if found is None else _views.code_view(found)

    return draw_figure(inputs, answer, style)


def badge_of(answer: Answer) -> Tag:
    """`Computed in 24 ms at 14:03`."""
    run = answer.run
    before = _SOURCES.get(run.source, "Ready in")
    saved = None
    if run.source not in ("computed", "shared") and run.cost_seconds > 0:
        saved = f" (computed once in {duration_words(run.cost_seconds)})"
    moment = ui.Tag(
        "clinstat-time",
        answer.at.strftime("%H:%M"),
        datetime=answer.at.isoformat(timespec="seconds"),
    )
    return ui.span(
        ui.tags.b(f"{before} {duration_words(run.seconds)}"), " at ", moment, saved,
        class_="cs-badge", role="status", data_source=run.source,
    )  # fmt: skip


def notes_of(answer: Answer) -> Tag | None:
    """What a reviewer would say about the result, the gravest first."""
    distinct = dict.fromkeys((n.severity, n.text, "") for n in answer.result.notes)
    return note_list(distinct, "Notes on this result")


def changed_line() -> Tag:
    """The choices on the left no longer are those of the result."""
    return ui.p(
        "The choices have changed since this result was made. Run the analysis again.",
        class_="cs-note cs-note-caution", role="status",
    )  # fmt: skip


def stopped_line(kept: Answer | None) -> Tag:
    """What Cancel has done, and how what it kept falls short."""
    words = "The analysis was stopped before its end."
    if kept is not None:
        words += " Below stands what it had found by then; "
        words += (
            "its intervals are Wald's." if isinstance(kept.result, OutcomeResult)
            else "its precision is that of fewer repeats."
        )  # fmt: skip
    return ui.p(words, class_="cs-quiet", role="status")


def running_line() -> Tag:
    """Shown only when it takes long enough to be read."""
    return ui.div(
        ui.p("Computing", role="status"),
        ui.output_ui("bar"),
        ui.input_action_button("cancel", "Cancel", class_="btn-outline"),
        class_="cs-running cs-late",
    )
