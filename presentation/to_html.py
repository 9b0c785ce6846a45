"""Tables and whole results as HTML. The only place that escapes: tags are built, never pasted."""

from __future__ import annotations

import base64
from pathlib import Path

from htmltools import HTML, Tag, TagChild, tags

from presentation.table import INDENTED, Cell, Column, Row, Table, decimal_padding
from presentation.text import visible

_STYLE_SHEET = Path(__file__).with_name("print.css")


def html_table(table: Table) -> Tag:
    """A semantic table: caption, column and row scopes, footnotes in the foot.

    Classes: `cs-table` on the table; `cs-number` on numeric cells; `cs-heading`, `cs-single`,
    `cs-level`, `cs-reference`, `cs-line` on rows; `cs-notes` on the foot; `cs-spanner`.
    """
    padding = [
        decimal_padding(table.column_texts(i)) if column.align == "number" else None
        for i, column in enumerate(table.columns)
    ]
    body = [
        _body_row(row, [None if p is None else p[r] for p in padding])
        for r, row in enumerate(table.rows)
    ]
    foot = _foot(table)
    return tags.table(
        tags.caption(
            tags.span(table.title, class_="cs-title"),
            " " if table.subtitle else None,
            tags.span(table.subtitle, class_="cs-subtitle") if table.subtitle else None,
        ),
        tags.thead(*_head_rows(table)),
        tags.tbody(*body),
        foot,
        class_="cs-table",
    )


def _head_rows(table: Table) -> list[Tag]:
    """One row of column titles, under a row of spanners where there are any."""
    titles = [_column_head(column) for column in table.columns]
    if not table.spanners:
        return [tags.tr(*titles)]
    covered = {s.first: s for s in table.spanners}
    cells: list[Tag] = []
    i = 0
    while i < len(table.columns):
        spanner = covered.get(i)
        if spanner is None:
            cells.append(tags.td())
            i += 1
            continue
        width = spanner.last - spanner.first + 1
        cells.append(
            tags.th(
                tags.bdi(spanner.title), scope="colgroup", colspan=str(width), class_="cs-spanner"
            )
        )
        i += width
    return [tags.tr(*cells), tags.tr(*titles)]


def _column_head(column: Column) -> Tag:
    if not column.title:
        return tags.td()
    return tags.th(
        tags.bdi(column.title), _mark(column.mark), scope="col",
        class_="cs-number" if column.align == "number" else "cs-text",
    )  # fmt: skip


def _body_row(row: Row, padding: list[str | None]) -> Tag:
    first, *others = row.cells
    cells = [tags.th(tags.bdi(first.text), _mark(first.mark), scope="row")]
    for cell, pad in zip(others, padding[1:], strict=True):
        cells.append(_body_cell(cell, pad))
    indented = " cs-indented" if row.kind in INDENTED else ""
    return tags.tr(*cells, class_=f"cs-{row.kind}{indented}")


def _body_cell(cell: Cell, pad: str | None) -> Tag:
    if pad is None:
        return tags.td(tags.bdi(cell.text), _mark(cell.mark), class_="cs-text")
    # The figure spaces line up the decimal signs; they mean nothing to a listener.
    filler = tags.span(pad, aria_hidden="true") if pad else None
    return tags.td(filler, cell.text, _mark(cell.mark), class_="cs-number")


def _mark(mark: str) -> TagChild:
    return tags.sup(mark) if mark else None


def _foot(table: Table) -> Tag | None:
    if not table.footnotes and not table.notes:
        return None
    lines = [tags.p(tags.sup(note.mark), " ", note.text) for note in table.footnotes]
    lines += [tags.p(note) for note in table.notes]
    cell = tags.td(*lines, colspan=str(len(table.columns)))
    return tags.tfoot(tags.tr(cell), class_="cs-notes")


def html_paragraphs(text: str) -> list[Tag]:
    """Plain text as paragraphs, one per non-empty line."""
    return [tags.p(visible(line)) for line in text.splitlines() if line.strip()]


def html_page(
    tables: tuple[Table, ...], figure_svg: bytes | None, figure_text: str, methods: str, title: str
) -> str:
    """A document that stands alone: no script, no outside file.

    The figure is embedded as an image, so that nothing inside it is live.
    """
    parts: list[TagChild] = [tags.h1(visible(title))] if title else []
    parts += [tags.section(html_table(table)) for table in tables]
    if figure_svg is not None:
        data = base64.b64encode(figure_svg).decode("ascii")
        source = f"data:image/svg+xml;base64,{data}"
        parts.append(tags.figure(tags.img(src=source, alt=figure_text)))
    if methods.strip():
        parts.append(tags.section(tags.h2("Methods"), *html_paragraphs(methods)))
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    page = tags.html(
        tags.head(
            tags.meta(charset="utf-8"),
            tags.meta(name="viewport", content="width=device-width, initial-scale=1"),
            tags.meta({"http-equiv": "Content-Security-Policy"}, content=policy),
            tags.title(visible(title) or "Results"),
            tags.style(HTML(_STYLE_SHEET.read_text(encoding="utf-8"))),
        ),
        tags.body(tags.main(*parts)),
        lang="en",
    )
    return f"<!doctype html>\n{page}\n"


def plotly_text(text: str) -> str:
    """Text that Plotly, which reads a subset of HTML in labels, prints letter by letter."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
