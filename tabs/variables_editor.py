"""The variable table: proposed once at import, changed here, used by every analysis."""

from __future__ import annotations

from typing import Any

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.module import resolve_id
from shiny.ui import Tag, TagList

from logic import StatsError
from tabs.clicks import fresh
from tabs.distinct import distinct
from tabs.failure import Failure, failure_of
from tabs.loaded import Loaded, generation_of
from tabs.pager import pager_server, pager_ui
from tabs.variable_edits import edited
from tabs.variable_rows import row_id, variable_row

ROWS_PER_PAGE = 40


@module.ui
def variables_ui() -> TagList:
    """Filter, pager and the rows."""
    return TagList(
        ui.p(
            "Check the kind of each variable: it decides how every analysis treats it. "
            "Changes apply at once.",
            class_="cs-quiet",
        ),
        ui.input_text("filter", "Find a variable", placeholder="Name or label"),
        pager_ui("pages"),
        ui.output_ui("rows"),
    )


@module.server
def variables_server(
    inputs: Inputs, _outputs: Outputs, session: Session, loaded: reactive.Value[Loaded | None]
) -> None:
    """Applies edits to the shared dataset; a refused edit changes nothing and says why."""
    generation = distinct(lambda: generation_of(loaded()), 0)

    @reactive.calc
    def wanted() -> list[int]:
        # An edit must not redraw the table (the reader is typing in it): only a new file does.
        generation()
        with reactive.isolate():
            now = loaded()
        return [] if now is None else _matching(now, inputs.filter() or "")

    first = pager_server(
        "pages", what="Variables", size=ROWS_PER_PAGE,
        count=lambda: len(wanted()), restart=wanted,
    )  # fmt: skip

    @render.ui
    def rows() -> Tag | None:
        shown = wanted()[first() :][:ROWS_PER_PAGE]
        with reactive.isolate():
            now = loaded()
        if now is None:
            return None
        forms = [variable_row(now.dataset, i) for i in shown]
        return ui.div(*forms, class_="cs-variables", data_edits=resolve_id("edit"))

    @reactive.effect
    @reactive.event(fresh(inputs.edit))
    async def _() -> None:
        now, edit = loaded(), inputs.edit()
        if now is not None and isinstance(edit, dict):
            await session.send_custom_message("clinstat-row", _applied(loaded, now, edit))


def _matching(now: Loaded, wish: str) -> list[int]:
    wish = wish.strip().casefold()
    variables = enumerate(now.dataset.variables.values())
    return [i for i, v in variables if wish in f"{v.name}\n{v.label}".casefold()]


def _applied(
    loaded: reactive.Value[Loaded | None], now: Loaded, edit: dict[str, Any]
) -> dict[str, object]:
    """Apply an edit; the message that redraws its row, and where the focus goes."""
    failure: Failure | None = None
    dataset = now.dataset
    try:
        dataset = edited(dataset, edit)
        loaded.set(now.with_dataset(dataset))
    except StatsError as error:
        failure = failure_of(error)
    column = edit.get("column")
    if not isinstance(column, int) or not 0 <= column < len(dataset.names):
        return {"id": "", "html": "", "focus": ""}
    # What the reader typed stands on the page already: the row is drawn anew only where more
    # than the field itself changes.
    as_typed = failure is None and edit.get("field") in ("label", "unit", "reference")
    html = "" if as_typed else str(variable_row(dataset, column, failure))
    return {"id": row_id(column), "html": html, "focus": _focus(edit)}


def _focus(edit: dict[str, Any]) -> str:
    """A moved level keeps the focus on its button; elsewhere the focus stays where it was."""
    if edit.get("field") != "move" or not isinstance(edit.get("level"), int):
        return ""
    way = "up" if edit.get("value") == "up" else "down"
    return f"{way}-{edit['level'] + (-1 if way == 'up' else 1)}"
