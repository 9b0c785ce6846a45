"""The price of a run, beside the button that starts it."""

from __future__ import annotations

from collections.abc import Callable

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.ui import Tag

import logic
from logic import Plan, StatsError
from tabs._answer import Request
from tabs.failure import Failure, attempt


async def _plan(request: Request) -> Plan | Failure:
    return await attempt(
        logic.in_passing, logic.plan, request.analysis, request.dataset, **request.choices
    )


@module.ui
def plan_ui() -> Tag:
    """Empty until the choices are complete."""
    return ui.output_ui("price", inline=True)


@module.server
def plan_server(
    _inputs: Inputs, _outputs: Outputs, _session: Session, request: Callable[[], Request]
) -> None:
    """Plans `request()` whenever a choice changes; a choice that is missing has no price."""
    task = reactive.ExtendedTask(_plan)
    plan: reactive.Value[Plan | None] = reactive.Value(None, name="plan")

    @reactive.effect
    def _() -> None:
        task.cancel()
        try:
            asked = request()
        except StatsError:
            plan.set(None)
            return
        task.invoke(asked)

    @reactive.effect
    def _() -> None:
        if task.status() == "success":
            found = task.result()
            plan.set(None if isinstance(found, Failure) else found)

    @render.ui
    def price() -> Tag | None:
        found = plan()
        if found is None:
            return None
        if found.fits:
            return ui.span(found.sentence, class_="cs-quiet cs-small")
        return ui.span(found.sentence, class_="cs-small", role="status")
