"""The data, a page at a time: the browser never holds more than one page."""

from __future__ import annotations

from html import escape

import pandas as pd
from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.ui import HTML, TagList

from presentation.text import visible
from tabs.distinct import distinct
from tabs.loaded import Loaded, generation_of
from tabs.pager import pager_server, pager_ui

ROWS_PER_PAGE = 50
COLUMNS_PER_PAGE = 40
_MOST_CHARACTERS = 200


@module.ui
def preview_ui() -> TagList:
    """Pagers of rows and columns, and one page of the table."""
    return TagList(
        ui.div(pager_ui("rows"), pager_ui("columns"), class_="cs-pagers"), ui.output_ui("page")
    )


@module.server
def preview_server(
    _inputs: Inputs, _outputs: Outputs, _session: Session, loaded: reactive.Value[Loaded | None]
) -> None:
    """Pages through the rows as imported."""
    generation = distinct(lambda: generation_of(loaded()), 0)

    def n_rows() -> int:
        now = loaded()
        return 0 if now is None else now.dataset.n_rows

    def n_columns() -> int:
        now = loaded()
        return 0 if now is None else len(now.dataset.names)

    first_row = pager_server(
        "rows", what="Rows", size=ROWS_PER_PAGE, count=n_rows, restart=generation
    )
    first_column = pager_server(
        "columns", what="Columns", size=COLUMNS_PER_PAGE, count=n_columns, restart=generation
    )

    @render.ui
    def page() -> HTML | None:
        now = loaded()
        if now is None:
            return None
        names = now.dataset.names[first_column() :][:COLUMNS_PER_PAGE]
        rows = now.dataset.raw[list(names)].iloc[first_row() :][:ROWS_PER_PAGE]
        return page_html(rows, first_row())


def page_html(rows: pd.DataFrame, first: int) -> HTML:
    """One page of rows as a table; every name and value is escaped. `first` counts from 0."""
    columns = [_cells(rows.iloc[:, j]) for j in range(rows.shape[1])]
    head = "".join(f'<th scope="col"><bdi>{_safe(str(name))}</bdi></th>' for name in rows.columns)
    body = [
        f'<tr><th scope="row" class="cs-rownumber">{first + i + 1}</th>{"".join(cells)}</tr>'
        for i, cells in enumerate(zip(*columns, strict=True))
    ]
    return HTML(
        '<div class="cs-preview-box" tabindex="0" role="region" aria-label="Rows of the dataset">'
        '<table class="cs-preview"><thead><tr><th scope="col" class="cs-rownumber">Row</th>'
        f"{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _cells(column: pd.Series) -> list[str]:
    is_number = pd.api.types.is_numeric_dtype(column.dtype)
    form = ' class="cs-figure"' if is_number else ""
    absent = list(column.isna())
    return [
        '<td class="cs-absent" title="missing">–</td>' if gone else f"<td{form}>{_text(value)}</td>"
        for value, gone in zip(list(column), absent, strict=True)
    ]


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, pd.Timestamp):
        whole = value == value.normalize()
        return value.strftime("%Y-%m-%d" if whole else "%Y-%m-%d %H:%M")
    return f"<bdi>{_safe(str(value)[:_MOST_CHARACTERS])}</bdi>"


def _safe(text: str) -> str:
    return escape(visible(text))
