"""The result card of every analysis: run off the event loop, then shown in five views.

    start = button        request() reads the inputs and names an analysis and its choices
    card_server           runs it in one ExtendedTask, keeps the answer, draws the views

Inputs are read before the task starts. Nothing here awaits inside an effect or a render: one
reactive lock is shared by all users.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.ui import Tag, TagList

import logic
from logic import StatsError
from tabs import _card, _downloads
from tabs._answer import Answer, Request
from tabs.distinct import distinct
from tabs.failure import Failure, attempt, failure_of
from tabs.parts import empty_state, failure_card
from tabs.turn import Turn

__all__ = ["Request", "card_server", "card_ui"]


async def _run(
    request: Request, owner: str, cancel: logic.CancelToken
) -> tuple[logic.CancelToken, Answer | Failure]:
    # What is remembered must not queue behind another user's analysis.
    found = await attempt(
        logic.in_passing, logic.remembered, request.analysis, request.dataset,
        owner=owner, **request.choices,
    )  # fmt: skip
    if found is None:
        found = await attempt(
            logic.submit, request.analysis, request.dataset,
            owner=owner, cancel=cancel, **request.choices,
        )  # fmt: skip
    if isinstance(found, Failure):
        return cancel, found
    return cancel, Answer(request, found, datetime.now(UTC))


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
    request: Callable[[], Request], *, start: Callable[[], object],
) -> reactive.Value[Answer | None]:  # fmt: skip
    """Runs `request()` whenever `start` fires; gives the answer as a reactive."""
    task = reactive.ExtendedTask(_run)
    turn = Turn()
    answer: reactive.Value[Answer | None] = reactive.Value(None)
    failure: reactive.Value[Failure | None] = reactive.Value(None)

    def settle(found: Answer | Failure) -> None:
        failed = isinstance(found, Failure)
        answer.set(None if failed else found)
        failure.set(found if failed else None)

    @reactive.effect
    @reactive.event(start)
    def _() -> None:
        cancel = turn.begin()
        task.cancel()
        try:
            asked = request()
        except StatsError as error:
            settle(failure_of(error))
            return
        task.invoke(asked, session.id, cancel)

    @reactive.effect
    @reactive.event(inputs.cancel)
    def _() -> None:
        turn.stop()
        task.cancel()

    @reactive.effect
    def _() -> None:
        if task.status() == "success":
            cancel, found = task.result()
            if not cancel.cancelled:  # a run may end in the moment in which it is stopped
                settle(found)

    _draw(inputs, task, answer, failure)
    _card.draw_views(inputs, answer)
    _downloads.offer(inputs, answer)

    @render.ui
    def changed() -> Tag | None:
        found = answer()
        return _card.changed_line() if found is not None and _differs(found, request) else None

    return answer


def _draw(
    inputs: Inputs,
    task: reactive.ExtendedTask[..., tuple[logic.CancelToken, Answer | Failure]],
    answer: reactive.Value[Answer | None],
    failure: reactive.Value[Failure | None],
) -> None:
    """The frame of the card: what runs, what failed, or the views."""
    has_answer = distinct(lambda: answer() is not None, start=False)

    @render.ui
    def progress() -> Tag | TagList | None:
        if task.status() == "running":
            return _card.running_line()
        if task.status() == "cancelled":
            return _card.stopped_line()
        failed = failure()
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
    return now.dataset is not found.request.dataset or now.choices != found.request.choices
