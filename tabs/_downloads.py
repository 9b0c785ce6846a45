"""Files of a result. They are made in the heavy lane when they are asked for."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import PurePath

from shiny import Inputs, reactive, render, ui
from shiny.session import require_active_session
from shiny.ui import Tag, TagList

import logic
from presentation.exports import MEDIA_TYPES
from presentation.numbers import PLAIN, STYLES, NumberStyle
from presentation.to_csv import csv_bytes
from tabs import _views
from tabs._answer import Answer
from tabs._figure import FigureNames, chosen_figure
from tabs.failure import Failure, attempt_elsewhere

_DOCUMENTS = {
    "docx": "Word", "xlsx": "Excel", "html": "Web page (HTML)", "csv": "CSV (main table)",
}  # fmt: skip
_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u202a-\u202e\u2066-\u2069]+')
_FIGURES = {"svg": "SVG", "png": "PNG", "pdf": "PDF"}


class DownloadFailed(Exception):
    """Ends a download that could not be made; the reader has been told why."""


def menu() -> Tag:
    """The button Download with its menu."""
    return ui.div(
        ui.tags.button(
            "Download", type="button", class_="btn btn-outline dropdown-toggle",
            data_bs_toggle="dropdown", aria_expanded="false",
        ),
        ui.div(
            ui.h6("Document", class_="dropdown-header"),
            *_links(_DOCUMENTS),
            ui.h6("Figure", class_="dropdown-header"),
            ui.output_ui("figure_files"),
            class_="dropdown-menu dropdown-menu-end",
        ),
        class_="dropdown",
    )  # fmt: skip


def _links(kinds: Mapping[str, str]) -> list[Tag]:
    return [ui.download_link(_id(k), title, class_="dropdown-item") for k, title in kinds.items()]


def _id(kind: str) -> str:
    return f"save_{kind}"


def offer(inputs: Inputs, answer: Callable[[], Answer | None], figure_names: FigureNames) -> None:
    """One download handler per kind of file; those of figures where there is one."""
    for kind in (*_DOCUMENTS, *_FIGURES):
        _offer(kind, inputs, answer, figure_names)

    def figure_files() -> TagList | Tag:
        if figure_names():
            return TagList(*_links(_FIGURES))
        return ui.span("None for this analysis", class_="dropdown-item disabled")

    # drawn before the menu is opened for the first time
    output = require_active_session(None).output(suspend_when_hidden=False)
    output(render.ui(figure_files))


def _offer(
    kind: str, inputs: Inputs, answer: Callable[[], Answer | None], figure_names: FigureNames
) -> None:
    session = require_active_session(None)

    def filename() -> str:
        found = answer()
        name = _plain(found.request.name) if found else "clinstat"
        words = [name, found.request.analysis if found else "result"]
        chosen, names = _chosen(inputs, figure_names)
        if kind in _FIGURES and len(names) > 1:
            words.append(_plain(names[chosen]))
        return f"{' '.join(words)}.{kind}"

    async def content() -> AsyncIterator[bytes]:
        found = answer()
        style = STYLES.get(inputs.style(), PLAIN)
        chosen, _ = _chosen(inputs, figure_names)
        # A download runs outside the reactive lock: waiting here holds up nobody.
        made = (
            Failure("There is no result to save.")
            if found is None
            else await attempt_elsewhere(_render, kind, found, style, chosen)
        )
        if isinstance(made, Failure):
            await session.send_custom_message("clinstat-notice", {"text": made.sentence})
            raise DownloadFailed
        yield made

    content.__name__ = _id(kind)
    session.output(id=_id(kind), suspend_when_hidden=False)(
        render.download_link(filename=filename, media_type=MEDIA_TYPES[kind])(content)
    )


def _chosen(inputs: Inputs, figure_names: FigureNames) -> tuple[int, tuple[str, ...]]:
    """The figure on show and the names of all; a download runs outside the reactive world."""
    with reactive.isolate():
        names = figure_names()
        return chosen_figure(inputs, len(names)), names


def _render(kind: str, answer: Answer, style: NumberStyle, chosen: int) -> bytes:
    tables = (_views.main_table(answer, style),)
    if kind == "csv":  # needs no library, so nobody waits for a process
        return csv_bytes(tables)
    if kind in ("docx", "html", "xlsx"):
        tables = (*tables, *_views.more_tables(answer, style))
    return logic.render_export(
        kind, tables=tables, figures=_views.figures(answer, style), chosen=chosen,
        methods=_views.methods(answer), title=tables[0].title,
    )  # fmt: skip


def _plain(name: str) -> str:
    """A dataset's name without its ending, fit for a file name on every system."""
    stem = _UNFIT.sub("_", PurePath(name).stem if "." in name else name)
    return stem[:60].strip(" ._") or "clinstat"
