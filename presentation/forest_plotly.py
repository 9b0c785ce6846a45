"""A forest plot as plain Plotly JSON for the page. Plotly's Python package is not used.

The background is transparent and the text takes the colour given, so that light and dark pages both
work. Texts are escaped, because Plotly reads a subset of HTML in labels.
"""

from __future__ import annotations

import math
import textwrap
from typing import Any

from presentation import palette
from presentation.forest import ForestMark, ForestPlot, ForestRow
from presentation.table import decimal_padding
from presentation.text import shortened
from presentation.to_html import plotly_text

_TEXT_PX = 12
_LETTER_PX = 6.2  # mean width of a letter at that size
_ROW_PX = 27
_PLOT_PX = 280
_LABEL_LETTERS = 34
_CLEAR = "rgba(0,0,0,0)"


def forest_figure(
    plot: ForestPlot, *, font_colour: str = palette.INK, font_family: str = "inherit"
) -> dict[str, Any]:
    """`{"data", "layout", "config"}` for `Plotly.newPlot`.

    `layout["meta"]["min_width_px"]` is the width below which texts would overlap: the page lets
    the figure scroll sideways there. The height follows from the number of rows.
    """
    labels = [_label(row) for row in plot.rows]
    label_px = _LETTER_PX * max((_longest_line(label) for label in labels), default=0) + 22
    widths = [_column_px(plot, i) for i in range(len(plot.column_titles))]
    total = label_px + sum(widths) + _PLOT_PX
    lefts, domain = _columns(plot, widths, label_px, total)
    data = [_series_trace(plot, name) for name in plot.series]
    data += [t for name in plot.series if (t := _arrow_trace(plot, name)) is not None]
    layout: dict[str, Any] = {
        **_frame(plot, font_colour, font_family),
        "legend": {
            "orientation": "h", "x": sum(domain) / 2, "xanchor": "center", "y": 1,
            "yanchor": "bottom", "bgcolor": _CLEAR, "itemclick": False, "itemdoubleclick": False,
        },
        "xaxis": _x_axis(plot, domain, font_colour),
        "yaxis": {
            "range": [len(plot.rows) - 0.5, -0.5], "fixedrange": True, "showticklabels": False,
            "showgrid": False, "zeroline": False, "ticks": "",
        },
        "shapes": [_null_line(plot), _rule(1.0, font_colour)],
        "annotations": [*_label_texts(labels), *_column_texts(plot, lefts), *_notes(plot)],
        "meta": {"min_width_px": math.ceil(total + 16)},
    }  # fmt: skip
    config = {
        "displaylogo": False, "responsive": True, "displayModeBar": False, "scrollZoom": False,
        "doubleClick": False,
    }  # fmt: skip
    return {"data": data, "layout": layout, "config": config}


def _frame(plot: ForestPlot, colour: str, family: str) -> dict[str, Any]:
    """Size, margins, colours and behaviour of the whole figure."""
    notes_px = 16 * len(plot.notes)
    return {
        "height": 108 + _ROW_PX * len(plot.rows) + notes_px,
        "margin": {"l": 8, "r": 8, "t": 48, "b": 60 + notes_px},
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "font": {"color": colour, "size": _TEXT_PX, "family": family},
        "showlegend": len(plot.series) > 1,
        "dragmode": False,
        "hovermode": "closest",
    }


def _null_line(plot: ForestPlot) -> dict[str, Any]:
    return {
        "type": "line", "xref": "x", "yref": "paper", "x0": plot.null, "x1": plot.null,
        "y0": 0, "y1": 1, "layer": "below", "line": {"color": palette.HAIRLINE, "width": 1},
    }  # fmt: skip


def _columns(
    plot: ForestPlot, widths: list[float], label_px: float, total: float
) -> tuple[list[float], tuple[float, float]]:
    """Left ends of the text columns and the domain of the axis, as shares of the whole width."""
    lefts: list[float] = []
    domain = (0.0, 1.0)
    x = label_px
    for i in range(len(widths) + 1):
        if i == plot.right_from:
            domain = ((x + 8) / total, (x + _PLOT_PX - 14) / total)
            x += _PLOT_PX
        if i < len(widths):
            lefts.append(x / total)
            x += widths[i]
    return lefts, domain


def _column_px(plot: ForestPlot, index: int) -> float:
    letters = max((len(row.texts[index]) for row in plot.rows), default=0)
    return _LETTER_PX * max(letters, len(plot.column_titles[index]) * 1.08) + 16


def _label(row: ForestRow) -> str:
    lines = textwrap.wrap(row.label, _LABEL_LETTERS, max_lines=2, placeholder=" …") or [""]
    indent = "" if row.kind in {"heading", "single"} else "\u00a0" * 4
    return "<br>".join(indent + plotly_text(line) for line in lines)


def _longest_line(label: str) -> int:
    return max(len(part) for part in label.split("<br>"))


def _marks(plot: ForestPlot, series: str) -> list[tuple[float, ForestMark]]:
    """The marks of one series with their heights; two series stand slightly apart."""
    shift = 0.0
    if len(plot.series) > 1:
        shift = -0.15 if series == plot.series[0] else 0.15
    return [
        (i + shift, mark)
        for i, row in enumerate(plot.rows)
        for mark in row.marks
        if mark.series == series
    ]


def _series_trace(plot: ForestPlot, series: str) -> dict[str, Any]:
    marks = _marks(plot, series)
    colour = palette.SERIES_COLOURS[series]
    adjusted = series == "adjusted"
    return {
        "type": "scatter", "mode": "markers", "name": series.capitalize(),
        "x": [m.estimate for _, m in marks], "y": [y for y, _ in marks],
        "error_x": {
            "type": "data", "symmetric": False, "thickness": 1.5, "width": 0, "color": colour,
            "array": [m.high - m.estimate for _, m in marks],
            "arrayminus": [m.estimate - m.low for _, m in marks],
        },
        "marker": {
            "symbol": "square" if adjusted else "circle-open", "size": 8, "color": colour,
            "line": {"width": 0 if adjusted else 1.8, "color": colour},
        },
        "text": [plotly_text(m.hover) for _, m in marks],
        "hovertemplate": "%{text}<extra></extra>", "cliponaxis": False,
    }  # fmt: skip


def _arrow_trace(plot: ForestPlot, series: str) -> dict[str, Any] | None:
    ends = [(y, plot.low, "triangle-left") for y, m in _marks(plot, series) if m.arrow_low]
    ends += [(y, plot.high, "triangle-right") for y, m in _marks(plot, series) if m.arrow_high]
    if not ends:
        return None
    return {
        "type": "scatter", "mode": "markers", "showlegend": False, "hoverinfo": "skip",
        "x": [x for _, x, _ in ends], "y": [y for y, _, _ in ends], "cliponaxis": False,
        "marker": {
            "symbol": [s for _, _, s in ends], "size": 8, "color": palette.SERIES_COLOURS[series],
        },
    }  # fmt: skip


def _x_axis(plot: ForestPlot, domain: tuple[float, float], colour: str) -> dict[str, Any]:
    ends = [plot.low, plot.high]
    return {
        "type": "log" if plot.log else "linear", "domain": list(domain), "fixedrange": True,
        "range": [math.log10(x) for x in ends] if plot.log else ends,
        "tickmode": "array", "tickvals": list(plot.ticks),
        "ticktext": [f"{t:g}".replace("-", "\u2212") for t in plot.ticks],
        "showgrid": False, "zeroline": False, "ticks": "outside", "tickcolor": colour,
        "showline": True, "linecolor": colour,
        "title": {"text": _axis_title(plot), "standoff": 8, "font": {"size": _TEXT_PX}},
    }  # fmt: skip


def _axis_title(plot: ForestPlot) -> str:
    """Names the event too, because the figure has no title of its own."""
    scale = " (log scale)" if plot.log else ""
    return plotly_text(shortened(plot.title, 2 * _LABEL_LETTERS) + scale)


def _rule(y: float, colour: str) -> dict[str, Any]:
    return {
        "type": "line", "xref": "paper", "yref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y,
        "line": {"color": colour, "width": 0.7},
    }  # fmt: skip


def _label_texts(labels: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "showarrow": False, "xref": "paper", "x": 0, "xanchor": "left", "align": "left",
            "yref": "y", "y": i, "yanchor": "middle", "text": label,
        }
        for i, label in enumerate(labels)
    ]  # fmt: skip


def _column_texts(plot: ForestPlot, lefts: list[float]) -> list[dict[str, Any]]:
    common = {"showarrow": False, "xref": "paper", "xanchor": "left", "align": "left"}
    texts: list[dict[str, Any]] = [
        {
            **common, "x": x, "yref": "paper", "y": 1, "yanchor": "bottom", "yshift": 2,
            "text": f"<b>{plotly_text(title)}</b>",
        }
        for x, title in zip(lefts, plot.column_titles, strict=True)
    ]  # fmt: skip
    for c, x in enumerate(lefts):
        column = tuple(row.texts[c] for row in plot.rows)
        for y, (text, pad) in enumerate(zip(column, decimal_padding(column), strict=True)):
            place = {"x": x, "yref": "y", "y": y, "yanchor": "middle"}
            if text:
                texts.append({**common, **place, "text": pad + plotly_text(text)})
    return texts


def _notes(plot: ForestPlot) -> list[dict[str, Any]]:
    return [
        {
            "showarrow": False, "xref": "paper", "x": 0, "xanchor": "left", "align": "left",
            "yref": "paper", "y": 0, "yanchor": "top", "yshift": -48 - 16 * i,
            "text": plotly_text(note), "font": {"size": _TEXT_PX - 1},
        }
        for i, note in enumerate(plot.notes)
    ]  # fmt: skip
