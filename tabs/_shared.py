"""The result card of every analysis: run off the event loop, then shown in five views.

    start = button        request() reads the inputs and names an analysis and its choices
    card_server           runs it in one ExtendedTask, keeps the answer, draws the views

Inputs are read before the task starts. Nothing here awaits inside an effect or a render: one
reactive lock is shared by all users. The job itself belongs to the workspace: this card only
looks at it, and a card of a page that comes back looks at the same one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.ui import Tag, TagList

from logic import StatsError
from tabs import _card, _downloads
from tabs._answer import Answer, Request
from tabs._progress import progress_line
from tabs._run import CardRun
from tabs.clicks import fresh
from tabs.distinct import distinct
from tabs.parts import empty_state, failure_card
from tabs.stay import Stay

__all__ = ["Request", "card_server", "card_ui"]


@module.ui
def card_ui(*, title: str, hint: str) -> Tag:
    """The card with an empty state that says what to do."""
    return ui.div(
        ui.div(
            empty_state(title, hint), class_="cs-hint-box",
        ),
        ui.output_ui("progress"),
        ui.output_ui("result", class_="cs-result"),
        class_="cs-panel cs-card",
    )  # fmt: skip


@module.server
def card_server(
    inputs: Inputs, _outputs: Outputs, session: Session,
    request: Callable[[], Request], *, start: Callable[[], object], stay: Stay,
    earlier: Callable[[], Callable[[], Request] | None],
) -> reactive.Value[Answer | None]:  # fmt: skip
    """Runs `request()` whenever `start` fires; gives the answer as a reactive.

    `earlier()` asks for what this card showed or was computing before the line was lost, or for
    what was asked of it while the line was down.
    """
    style = _card.style_of(inputs)
    run = CardRun(stay, style)

    @reactive.effect
    @reactive.event(fresh(start))
    def _() -> None:
        run.begin(request)

    @reactive.effect
    @reactive.event(earlier)
    def _() -> None:
        asked = earlier()
        if asked is not None and run.answer() is None:
            run.begin(asked)

    @reactive.effect
    @reactive.event(fresh(inputs.cancel))
    def _() -> None:
        run.stop()

    session.on_ended(run.task.cancel)
    _draw(inputs, run)
    figure_names = _card.draw_views(inputs, run.shown, style)
    _downloads.offer(inputs, run.held, figure_names)

    @render.ui
    def changed() -> Tag | None:
        found = run.answer()
        return _card.changed_line() if found is not None and _differs(found, request) else None

    return run.answer


def _draw(inputs: Inputs, run: CardRun) -> None:
    """The frame of the card: what runs, what failed, or the views."""
    has_answer = distinct(lambda: run.shown() is not None, start=False)

    @render.ui
    def bar() -> Tag | None:
        return progress_line(run.so_far.fraction())

    @render.ui
    def progress() -> Tag | TagList | None:
        if run.stopped():
            return _card.stopped_line(run.so_far.partial())
        if run.task.status() == "running":
            return _card.running_line()
        failed = run.failure()
        return None if failed is None else failure_card(failed)

    @render.ui
    def result() -> TagList | None:
        # Drawn once: a later answer keeps the view and the number style that are open.
        return _card.frame(inputs) if has_answer() else None


def _differs(found: Answer, request: Callable[[], Request]) -> bool:
    try:
        now = request()
    except StatsError:
        return True
    before = found.request
    return now.dataset is not before.dataset or _listed(now.choices) != _listed(before.choices)


def _listed(value: Any) -> Any:
    """Choices that came back from the workspace hold lists where others hold tuples."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value
