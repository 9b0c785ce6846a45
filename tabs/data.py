"""Tab Data: a file or an example comes in, is read, looked at and described."""

from __future__ import annotations

from collections.abc import Callable

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.module import resolve_id
from shiny.ui import Tag, TagList

from logic import ReadChoices
from tabs import (
    arrival,
    examples,
    import_report,
    keeping,
    preview,
    reading,
    session_card,
    variables_editor,
)  # fmt: skip
from tabs.clicks import fresh
from tabs.distinct import distinct
from tabs.failure import Failure
from tabs.habits import Habits
from tabs.loaded import Loaded, Source, generation_of
from tabs.parts import empty_state, failure_card
from tabs.starting import start_when
from tabs.stay import Stay
from tabs.words import limit_words

_ACCEPT = [".csv", ".tsv", ".txt", ".tab", ".dat", ".xlsx"]
_START = empty_state(
    "Start with a dataset",
    "Upload a table with one row per patient, or open one of the examples. "
    "The file stays on this server.",
)

Read = Callable[[Source, ReadChoices], None]


@module.ui
def data_ui(*, upload_bytes: int) -> Tag:
    """Source on the left; what was read on the right."""
    source = ui.div(
        ui.h2("Dataset"),
        _upload(upload_bytes),
        ui.output_ui("reading_form"),
        ui.h3("Or open an example", class_="cs-or"),
        examples.list_of(examples.catalogue(), resolve_id("example")),
        session_card.session_ui("session", upload_bytes=upload_bytes),
        keeping.keeping_ui("keeping"),
        class_="cs-panel",
    )
    found = ui.div(ui.output_ui("progress"), ui.output_ui("found"), class_="cs-panel")
    return ui.tags.main(source, found, class_="cs-work")


def _upload(limit_bytes: int) -> Tag:
    """The file field; the page's script refuses a file above the limit before it is sent."""
    field = ui.input_file(
        "file", "Upload a file", accept=_ACCEPT, button_label="Choose file",
        placeholder="No file yet",
    )  # fmt: skip
    return ui.div(
        field,
        ui.p(
            f"CSV, TSV, TXT or XLSX, one row per patient, at most {limit_words(limit_bytes)}.",
            class_="cs-hint",
        ),
        ui.div(class_="cs-upload-message", role="alert"),
        data_max_bytes=str(limit_bytes),
        data_too_large=arrival.too_large(limit_bytes).sentence,
    )


@module.server
def data_server(
    inputs: Inputs, _outputs: Outputs, _session: Session,
    loaded: reactive.Value[Loaded | None], go_to: Callable[[str], None], stay: Stay,
    habits: Habits,
) -> None:  # fmt: skip
    """Reads files into `loaded`; the variable table editor changes it."""
    task = reactive.ExtendedTask(arrival.read)
    failure: reactive.Value[Failure | None] = reactive.Value(None, name="failure")

    def read(source: Source, choices: ReadChoices) -> None:
        with reactive.isolate():
            generation = generation_of(loaded()) + 1
        task.cancel()
        stay.saver.flush()
        task.invoke(source, choices, generation, stay.whose)

    @reactive.effect
    def _() -> None:
        if task.status() == "success":
            found = task.result()
            if isinstance(found, Failure):
                failure.set(found)
            else:
                failure.set(None)
                stay.saver.forget()
                habits.forget()
                loaded.set(found)

    @reactive.effect
    @reactive.event(fresh(inputs.to_outcome))
    def _() -> None:
        go_to("outcome")

    _watch_sources(inputs, read)

    def look_into_it() -> None:
        reading.reading_server("reading", loaded, lambda now, choices: read(now.source, choices))
        variables_editor.variables_server("variables", loaded)
        preview.preview_server("preview", loaded)

    start_when(lambda: loaded() is not None, look_into_it)

    def clear() -> None:
        task.cancel()
        failure.set(None)
        habits.forget()
        loaded.set(None)

    session_card.session_server("session", loaded, stay, habits)
    keeping.keeping_server("keeping", stay, clear)
    _draw(task, loaded, failure)


def _watch_sources(inputs: Inputs, read: Read) -> None:
    @reactive.effect
    @reactive.event(fresh(inputs.file))
    def _() -> None:
        files = inputs.file()
        if files:
            file = files[0]
            read(Source(file["datapath"], file["name"], file["size"]), ReadChoices())

    @reactive.effect
    @reactive.event(fresh(inputs.example))
    def _() -> None:
        chosen = examples.by_key(str(inputs.example()))
        if chosen is not None:
            read(Source(str(chosen.path), chosen.file, suggestion=chosen.suggestion), ReadChoices())


def _draw(
    task: reactive.ExtendedTask[..., Loaded | Failure],
    loaded: reactive.Value[Loaded | None],
    failure: reactive.Value[Failure | None],
) -> None:
    generation = distinct(lambda: generation_of(loaded()), 0)

    @render.ui
    def reading_form() -> Tag | None:
        return reading.reading_ui("reading") if generation() else None

    @render.ui
    def progress() -> Tag | None:
        if task.status() == "running":
            return ui.div("Reading the file", class_="cs-running cs-late", role="status")
        failed = failure()
        return None if failed is None else failure_card(failed)

    @render.ui
    def found() -> Tag | TagList | None:
        # Drawn once per file: an edit of the variable table must not close the view.
        if not generation():
            return _START if failure() is None else None
        with reactive.isolate():
            now = loaded()
        return None if now is None else _found(now)


def _found(now: Loaded) -> TagList:
    button = ui.input_action_button("to_outcome", "Continue to Outcome", class_="btn-primary")
    views = ui.navset_underline(
        ui.nav_panel(
            "Import report", ui.div(import_report.report_of(now.report), class_="cs-import")
        ),
        ui.nav_panel("Variables", variables_editor.variables_ui("variables")),
        ui.nav_panel("Preview", preview.preview_ui("preview")),
        id="view",
    )
    head = ui.div(
        ui.h2(ui.tags.bdi(now.name)), ui.div(button, class_="cs-tools"), class_="cs-card-head"
    )
    return TagList(head, views)
