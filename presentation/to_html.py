"""Tables and whole results as HTML. The only place that escapes: every text passes `_escaped`."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from htmltools import HTML, Tag, TagChild, tags

from presentation.flow import FlowBox, FlowChart
from presentation.table import INDENTED, Cell, Column, Row, Table, decimal_padding
from presentation.text import visible

_STYLE_SHEET = Path(__file__).with_name("print.css")


def html_table(table: Table) -> HTML:
    """A semantic table: caption, column and row scopes, footnotes in the foot.

    Classes: `cs-table` on the table; `cs-number` and `cs-text` on cells; `cs-heading`, `cs-single`,
    `cs-level`, `cs-reference`, `cs-line`, `cs-indented` on rows; `cs-notes` on the foot;
    `cs-title`, `cs-subtitle`, `cs-spanner`. Written directly, not through tag objects: a table of
    some hundred rows is drawn while other users wait.
    """
    padding = [
        decimal_padding(table.column_texts(i)) if column.align == "number" else None
        for i, column in enumerate(table.columns)
    ]
    body = [
        _body_row(row, [None if p is None else p[r] for p in padding])
        for r, row in enumerate(table.rows)
    ]
    caption = _tag("span", _escaped(table.title), "cs-title")
    if table.subtitle:
        caption += " " + _tag("span", _escaped(table.subtitle), "cs-subtitle")
    parts = [
        _tag("caption", caption),
        _tag("thead", "".join(_head_rows(table))),
        _tag("tbody", "".join(body)),
        _foot(table),
    ]
    return HTML(_tag("table", "".join(parts), "cs-table"))


def _escaped(text: str) -> str:
    return escape(text, quote=True)


def _tag(name: str, inside: str, css: str = "", more: str = "") -> str:
    """One element around markup that is already escaped; `more` are our own attributes."""
    shown = f' class="{css}"' if css else ""
    return f"<{name}{shown}{more}>{inside}</{name}>"


def _marked(text: str, mark: str) -> str:
    """Text, isolated from the writing direction of its neighbours, and its footnote mark."""
    return f"<bdi>{_escaped(text)}</bdi>{_mark(mark)}"


def _mark(mark: str) -> str:
    return _tag("sup", _escaped(mark)) if mark else ""


def _head_rows(table: Table) -> list[str]:
    """One row of column titles, under a row of spanners where there are any."""
    titles = _tag("tr", "".join(_column_head(column) for column in table.columns))
    if not table.spanners:
        return [titles]
    starts = {s.first: s for s in table.spanners}
    cells: list[str] = []
    i = 0
    while i < len(table.columns):
        spanner = starts.get(i)
        if spanner is None:
            cells.append("<td></td>")
            i += 1
            continue
        width = spanner.last - spanner.first + 1
        scope = f' scope="colgroup" colspan="{width}"'
        cells.append(_tag("th", _marked(spanner.title, ""), "cs-spanner", scope))
        i += width
    return [_tag("tr", "".join(cells)), titles]


def _column_head(column: Column) -> str:
    if not column.title:
        return "<td></td>"
    css = "cs-number" if column.align == "number" else "cs-text"
    return _tag("th", _marked(column.title, column.mark), css, ' scope="col"')


def _body_row(row: Row, padding: list[str | None]) -> str:
    first, *others = row.cells
    cells = [_tag("th", _marked(first.text, first.mark), more=' scope="row"')]
    cells += [_body_cell(cell, pad) for cell, pad in zip(others, padding[1:], strict=True)]
    indented = " cs-indented" if row.kind in INDENTED else ""
    return _tag("tr", "".join(cells), f"cs-{row.kind}{indented}")


def _body_cell(cell: Cell, pad: str | None) -> str:
    if pad is None:
        return _tag("td", _marked(cell.text, cell.mark), "cs-text")
    # The figure spaces line up the decimal signs; they mean nothing to a listener.
    filler = _tag("span", pad, more=' aria-hidden="true"') if pad else ""
    return _tag("td", filler + _escaped(cell.text) + _mark(cell.mark), "cs-number")


def _foot(table: Table) -> str:
    lines = [_tag("p", f"{_mark(n.mark)} {_escaped(n.text)}") for n in table.footnotes]
    lines += [_tag("p", _escaped(note)) for note in table.notes]
    if not lines:
        return ""
    cell = _tag("td", "".join(lines), more=f' colspan="{len(table.columns)}"')
    return _tag("tfoot", _tag("tr", cell), "cs-notes")


def html_paragraphs(text: str) -> list[Tag]:
    """Plain text as paragraphs, one per non-empty line."""
    return [tags.p(visible(line)) for line in text.splitlines() if line.strip()]


def html_page(
    tables: tuple[Table, ...],
    figures: tuple[tuple[bytes, str], ...],
    methods: str,
    title: str,
) -> str:
    """A document that stands alone: no script, no outside file.

    `figures` are SVG files, each with its words for those who cannot see it. They are embedded as
    images, so that nothing inside them is live.
    """
    parts: list[TagChild] = [tags.h1(visible(title))] if title else []
    parts += [tags.section(html_table(table)) for table in tables]
    for svg, words in figures:
        source = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"
        parts.append(tags.figure(tags.img(src=source, alt=words)))
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


def html_flow(chart: FlowChart) -> HTML:
    """A flow chart as a list: read from top to bottom, wrapped to any width of the page.

    Classes: `cs-flow` on the list, `cs-flow-box`, `cs-flow-exit` on its boxes, `cs-flow-arms` on
    the list of groups.
    """
    items = "".join(_flow_item(box) for box in chart.boxes)
    if chart.arms:
        arms = "".join(_tag("li", _flow_box(arm.lines, "cs-flow-box")) for arm in chart.arms)
        items += _tag("li", _tag("ul", arms, "cs-flow-arms"))
    notes = "".join(_tag("p", _escaped(note), "cs-small") for note in chart.notes)
    return HTML(_tag("ol", items, "cs-flow") + notes)


def _flow_item(box: FlowBox) -> str:
    leaving = _flow_box(box.exits, "cs-flow-exit") if box.exits else ""
    return _tag("li", leaving + _flow_box(box.lines, "cs-flow-box"))


def _flow_box(lines: tuple[str, ...], css: str) -> str:
    return _tag("div", "".join(_tag("p", _marked(line, "")) for line in lines), css)


def plotly_text(text: str) -> str:
    """Text that Plotly, which reads a subset of HTML in labels, prints letter by letter."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
