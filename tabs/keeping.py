"""What is kept on this server, where and how long, in plain words; and the way to end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.module import resolve_id
from shiny.ui import Tag, TagList

import logic
from tabs.clicks import fresh
from tabs.failure import Failure, attempt
from tabs.receipt import NOTHING, receipt_lines
from tabs.stay import Stay
from tabs.words import span_words


def kept_words(settings: logic.Settings) -> tuple[str, ...]:
    """Sentences about what the settings in force keep, where and how long."""
    idle = span_words(settings.workspace_idle_seconds)
    whole = span_words(settings.workspace_seconds)
    store = " and in the store that several servers share" if settings.redis_url else ""
    shared = (
        " Whoever opens exactly the same file here may get the same results from memory."
        if settings.cache_scope == "shared"
        else ""
    )
    words = (
        "Your file, your choices and your results stay on this server, so that a lost connection "
        "or a closed page loses nothing. Nothing is sent anywhere else."
    )
    limits = (
        f"They are deleted {idle} after you last used them and at the latest {whole} after you "
        "began, within the hour."
    )
    results = (
        f"Results stand in memory, on the disk of this server{store}; they go with the rest, at "
        f"the latest after {span_words(settings.cache_ttl_seconds)}.{shared}"
    )
    return words, limits, results


@module.ui
def keeping_ui() -> Tag:
    """The statement, and the button that ends it."""
    return ui.div(
        ui.h3("What is kept here", class_="cs-or"),
        ui.output_ui("kept"),
        ui.tags.button(
            "Forget my data", type="button", class_="btn btn-outline btn-sm",
            data_opens=resolve_id("question"),
        ),
        _question(),
        class_="cs-keeping",
    )  # fmt: skip


@module.server
def keeping_server(
    inputs: Inputs, _outputs: Outputs, session: Session, stay: Stay, clear: Callable[[], None]
) -> None:
    """Forgets on a confirmed wish; `clear()` empties what the page still holds."""
    task = reactive.ExtendedTask(_forget)

    @render.ui
    def kept() -> TagList:
        return TagList(*[ui.p(s, class_="cs-small cs-quiet") for s in kept_words(logic.settings())])

    @reactive.effect
    @reactive.event(fresh(inputs.sure))
    def _() -> None:
        visit = stay.visit()
        stay.forgotten()
        clear()  # first: nothing may begin anew for a workspace that is about to go
        task.invoke(visit)

    @reactive.effect
    async def _() -> None:
        if task.status() != "success":
            return
        found = task.result()
        if isinstance(found, Failure):
            await stay.tell(found.sentence)
        else:
            await session.send_custom_message("clinstat-forgotten", {"lines": [*found]})


async def _forget(visit: logic.Visit | None) -> tuple[str, ...] | Failure:
    if visit is None:
        return (NOTHING,)
    found: Any = await attempt(logic.in_passing, _end, visit)
    return found if isinstance(found, Failure) else receipt_lines(found)


def _end(visit: logic.Visit) -> logic.Receipt | None:
    try:
        return logic.desk().forget(visit)
    except logic.WorkspaceGone:
        return None  # it expired, or was forgotten from another page


def _question() -> Tag:
    """Asked once more, in a dialog of the browser's own."""
    title = resolve_id("question_title")
    return ui.Tag(
        "dialog",
        ui.h2("Forget my data?", id=title),
        ui.p(
            "This deletes your file, the variable table, your choices and your results from this "
            "server. It cannot be undone. What you downloaded stays on your computer."
        ),
        ui.div(
            ui.tags.button(
                "Keep everything", type="button", class_="btn btn-outline", data_closes="",
            ),
            ui.input_action_button(
                "sure", "Delete everything", class_="btn-primary", data_closes=""
            ),
            class_="cs-tools",
        ),
        id=resolve_id("question"), class_="cs-dialog", aria_labelledby=title,
    )  # fmt: skip
