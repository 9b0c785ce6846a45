"""One analysis of the page: its form on the left, its card on the right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.ui import Tag

from logic import BadInput, Dataset
from tabs._shared import Request, card_server, card_ui
from tabs.clicks import fresh
from tabs.columns import labels_and_units
from tabs.distinct import distinct
from tabs.form import Form, form_server, form_ui
from tabs.habits import Habits
from tabs.loaded import Loaded, generation_of
from tabs.parts import empty_state
from tabs.plan_line import plan_server, plan_ui
from tabs.stay import Stay


def _no_data() -> BadInput:
    """A new error each time: one that is kept would keep the frames that raised it, and with
    them every page that was ever open."""
    return BadInput(
        "There is no dataset yet.", rule="dataset", hint="Upload a file or open an example first."
    )


@module.ui
def analysis_ui(form: Form) -> Tag:
    """Choices on the left, the result card on the right."""
    run = ui.input_action_button("run", "Run analysis", class_="btn-primary")
    return ui.div(
        ui.output_ui("no_data", class_="cs-no-data"),
        ui.div(
            ui.div(
                ui.h2(form.title), form_ui(form),
                ui.div(run, plan_ui("plan"), class_="cs-run"),
                class_="cs-panel",
            ),
            card_ui("card", title=form.empty_title, hint=form.empty_hint),
            class_="cs-work",
        ),
    )  # fmt: skip


@module.server
def analysis_server(
    inputs: Inputs, _outputs: Outputs, _session: Session,
    form: Form, loaded: reactive.Value[Loaded | None], habits: Habits,
    go_to: Callable[[str], None], stay: Stay,
) -> None:  # fmt: skip
    """Fills the form from the dataset and hands complete choices to the card."""

    @reactive.calc
    def dataset() -> Dataset | None:
        now = loaded()
        return None if now is None else now.dataset

    prefix = distinct(lambda: f"g{generation_of(loaded())}_", "g0_")

    @render.ui
    def no_data() -> Tag | None:
        if loaded() is not None:
            return None
        button = ui.input_action_button("to_data", "Go to Data", class_="btn-primary")
        return empty_state("No dataset yet", "Upload a file or open an example first.", button)

    @reactive.effect
    @reactive.event(fresh(inputs.to_data))
    def _() -> None:
        go_to("data")

    def start() -> dict[str, Any]:
        now = loaded()
        suggested = None if now is None else now.source.suggestion
        return (dict(suggested.start) if suggested else {}) | habits.start(form)

    filled = form_server(form, inputs, dataset, prefix, start, page_known=lambda: habits.page_known)

    def request() -> Request:
        now = loaded()
        if now is None:
            raise _no_data()
        return _asked(now, form, filled.choices())

    @reactive.effect
    @reactive.event(fresh(inputs.run))
    def _() -> None:
        habits.learn(form, filled.state())
        if loaded() is not None:  # else the file is on its way back, and the press waits for it
            stay.presses.hear(form.analysis, inputs.run())

    plan_server("plan", request)
    earlier = _earlier(form, inputs, loaded, stay, request)
    card_server("card", request, start=inputs.run, stay=stay, earlier=earlier)

    @reactive.effect
    def _() -> None:
        if dataset() is not None:
            stay.keep_inputs(form.analysis, filled.state())


def _earlier(
    form: Form, inputs: Inputs, loaded: reactive.Value[Loaded | None], stay: Stay,
    request: Callable[[], Request],
) -> Callable[[], Callable[[], Request] | None]:  # fmt: skip
    """What the card shows when the page comes back: what was asked while the line was down, else
    what was shown or computed before."""

    def earlier() -> Callable[[], Request] | None:
        now = loaded()
        if now is None:
            return None
        with reactive.isolate():
            missed = stay.presses.hear(form.analysis, inputs.run() if inputs.run.is_set() else 0)
        if missed:
            return request
        kept = stay.last(form.analysis)
        return None if kept is None else partial(_asked, now, form, kept)

    return distinct(earlier, None)


def _asked(now: Loaded, form: Form, choices: Mapping[str, Any]) -> Request:
    return Request(
        analysis=form.analysis, dataset=now.dataset, name=now.name, choices=choices,
        reading=now.reading, **labels_and_units(now.dataset.variables),
    )  # fmt: skip
