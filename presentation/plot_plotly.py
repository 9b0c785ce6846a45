"""A figure of panels as plain Plotly JSON for the page. Plotly's Python package is not used.

The numbers under an axis are annotations at its ticks, so they stay under them at every width of
the page; the name of each group stands in a line of its own, so that no name can push the axis
aside on a narrow screen. The notes of the figure are left to the page, which wraps them.
"""

from __future__ import annotations

import math
import textwrap
from typing import Any

from presentation.layer_plotly import Canvas, draw_layer, legend_look
from presentation.layers import Cells
from presentation.plot import Axis, Panel, Plot
from presentation.text import shortened
from presentation.to_html import plotly_text

_TEXT_PX = 12
_LETTER_PX = 6.4
_TICK_LETTERS = 18
_NAME_LETTERS = 38  # of a name in the legend or beside numbers, on the narrowest page
_ROW_PX = 15
_STROKE = "\u2501\u2501"
_STROKE_PX = 20
_CLEAR = "rgba(0,0,0,0)"
_HEIGHTS = {"wide": 300.0, "square": 340.0, "low": 90.0}
_SIDE_PX = 430  # of a square panel: it is no use wider


def panels_figure(plot: Plot, *, font_colour: str, font_family: str) -> dict[str, Any]:
    """`{"data", "layout", "config"}`: see `presentation.to_plotly`."""
    columns = min(plot.columns, len(plot.panels))
    rows = [plot.panels[i : i + columns] for i in range(0, len(plot.panels), columns)]
    tops, height = _tops(rows)
    data: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    for r, row in enumerate(rows):
        for c, panel in enumerate(row):
            number = "" if r == c == 0 else str(r * columns + c + 1)
            on = Canvas(plot, panel, f"x{number}", f"y{number}", font_colour)
            for layer in panel.layers:
                draw_layer(layer, on)
            data += on.traces
            shapes += on.shapes
            domain = (tops[r][0] / height, tops[r][1] / height)
            axes[f"xaxis{number}"] = _x_axis(panel.x, (c, columns), on, font_colour)
            axes[f"yaxis{number}"] = _y_axis(panel.y, domain, on, font_colour)
            annotations += [*on.annotations, *_below(plot, panel, on), *_heading(panel, on)]
    data += [_legend_entry(plot, i, font_colour) for i in plot.listed]
    layout = {
        **_frame(plot, rows, height, font_colour, font_family), **axes, "shapes": shapes,
        "annotations": annotations,
    }  # fmt: skip
    config = {
        "displaylogo": False, "responsive": True, "displayModeBar": False, "scrollZoom": False,
        "doubleClick": False,
    }  # fmt: skip
    return {"data": data, "layout": layout, "config": config}


def _panel_px(panel: Panel) -> float:
    if any(isinstance(layer, Cells) for layer in panel.layers):
        return min(max(40 * (panel.y.high - panel.y.low), 160), 640)
    return _HEIGHTS[panel.shape]


def _under_px(panel: Panel) -> float:
    """Room for everything under the axis line of a panel."""
    below = 0 if panel.below is None else _ROW_PX * (1 + 2 * len(panel.below.rows)) + 8
    return _tick_px(panel.x) + (22 if panel.x.title else 0) + below


def _tick_px(axis: Axis) -> float:
    """Height of the texts under an axis; names that have no room side by side stand upright."""
    longest = max((len(t.text) for t in axis.ticks), default=0)
    if _stands_upright(axis):
        return 12 + _LETTER_PX * min(longest, _TICK_LETTERS)
    return 12 + 14 * max((1 + _tick(t.text).count("<br>") for t in axis.ticks), default=1)


def _stands_upright(axis: Axis) -> bool:
    longest = max((min(len(t.text), _TICK_LETTERS) for t in axis.ticks), default=0)
    return longest > 6 and longest * len(axis.ticks) > 42


def _tops(rows: list[tuple[Panel, ...]]) -> tuple[list[tuple[float, float]], float]:
    """Lower and upper edge of each row of panels above the lowest one, and the whole height."""
    edges: list[tuple[float, float]] = []
    y = 0.0
    for i, row in enumerate(reversed(rows)):
        if i:
            y += max(_under_px(panel) for panel in row) + 8
        tall = max(_panel_px(panel) for panel in row)
        edges.append((y, y + tall))
        y += tall + (22 if any(panel.title for panel in row) else 6)
    return edges[::-1], y


def _frame(
    plot: Plot, rows: list[tuple[Panel, ...]], height: float, colour: str, family: str
) -> dict[str, Any]:
    """Size, margins, colours and behaviour of the whole figure."""
    under = max(_under_px(panel) for panel in rows[-1])
    long = sum(len(plot.series[i].name) > _NAME_LETTERS // 2 for i in plot.listed)
    legend_px = 22 * math.ceil((len(plot.listed) + long) / 2)
    margin = {"l": 8, "r": 14, "t": 10 + legend_px, "b": 10 + under, "pad": 0}
    square = all(panel.shape != "wide" for panel in plot.panels) and plot.columns == 1
    meta = {"min_width_px": 300 * min(plot.columns, len(plot.panels))}
    if square:
        meta["max_width_px"] = _SIDE_PX + 80
    return {
        "height": height + margin["t"] + margin["b"], "margin": margin, "meta": meta,
        "paper_bgcolor": _CLEAR, "plot_bgcolor": _CLEAR, "barmode": "overlay", "bargap": 0,
        "font": {"color": colour, "size": _TEXT_PX, "family": family},
        "showlegend": bool(plot.listed), "dragmode": False, "hovermode": "closest",
        "legend": {
            "orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom",
            "bgcolor": _CLEAR, "itemclick": False, "itemdoubleclick": False,
            "traceorder": "normal",
        },
    }  # fmt: skip


def _axis(axis: Axis, colour: str) -> dict[str, Any]:
    ends = [axis.high, axis.low] if axis.down else [axis.low, axis.high]
    return {
        "type": "log" if axis.log else "linear", "fixedrange": True,
        "range": [math.log10(v) for v in ends] if axis.log else ends,
        "tickmode": "array", "tickvals": [t.value for t in axis.ticks],
        "ticktext": [_tick(t.text) for t in axis.ticks],
        "showgrid": False, "zeroline": False, "ticks": "outside", "tickcolor": colour,
        "showline": True, "linecolor": colour, "automargin": False,
        "title": {"text": plotly_text(axis.title), "standoff": 6, "font": {"size": _TEXT_PX}},
    }  # fmt: skip


def _tick(text: str) -> str:
    return _wrapped(text, _TICK_LETTERS)


def _wrapped(text: str, letters: int) -> str:
    lines = textwrap.wrap(text, letters, max_lines=2, placeholder=" …") or [""]
    return "<br>".join(plotly_text(line) for line in lines)


def _x_axis(axis: Axis, place: tuple[int, int], on: Canvas, colour: str) -> dict[str, Any]:
    column, columns = place
    width, gap = 1 / columns, 0.16 if columns > 1 else 0.0
    left = column * (width + gap / columns / max(columns - 1, 1))
    domain = [left, min(left + width - gap / columns, 1.0)]
    angle = -90 if _stands_upright(axis) else 0
    return {**_axis(axis, colour), "anchor": on.y, "domain": domain, "tickangle": angle}


def _y_axis(axis: Axis, domain: tuple[float, float], on: Canvas, colour: str) -> dict[str, Any]:
    return {**_axis(axis, colour), "anchor": on.x, "domain": list(domain), "automargin": "left"}


def _legend_entry(plot: Plot, series: int, ink: str) -> dict[str, Any]:
    """A trace without points: what a series looks like."""
    on = Canvas(plot, plot.panels[0], "x", "y", ink)
    return {
        "type": "scatter", "x": [None], "y": [None],
        "name": _wrapped(plot.series[series].name, _NAME_LETTERS),
        "showlegend": True, **legend_look(on, series),
    }  # fmt: skip


def _heading(panel: Panel, on: Canvas) -> list[dict[str, Any]]:
    if not panel.title:
        return []
    return [
        {
            "text": f"<b>{plotly_text(panel.title)}</b>", "showarrow": False, "x": 0, "y": 1,
            "xref": f"{on.x} domain", "yref": f"{on.y} domain", "xanchor": "left",
            "yanchor": "bottom", "yshift": 2,
        }
    ]  # fmt: skip


def _below(plot: Plot, panel: Panel, on: Canvas) -> list[dict[str, Any]]:
    """The table under an axis."""
    if panel.below is None:
        return []
    common = {"showarrow": False, "yref": f"{on.y} domain", "y": 0, "yanchor": "top"}
    start = _tick_px(panel.x) + (22 if panel.x.title else 0) + 4
    name = {**common, "xref": f"{on.x} domain", "x": 0, "xanchor": "left", "align": "left"}
    made: list[dict[str, Any]] = [
        {**name, "yshift": -start, "text": f"<b>{plotly_text(panel.below.title)}</b>",
         "font": {"size": 11}}
    ]  # fmt: skip
    for i, row in enumerate(panel.below.rows):
        down = start + _ROW_PX * (1 + 2 * i)
        # the name in the colour of text, which every page can show; its group as a stroke
        shift = 0
        if plot.listed:
            colour = {"size": 11, "color": on.look(row.series).colour}
            made.append({**name, "yshift": -down, "text": _STROKE, "font": colour})
            shift = _STROKE_PX
        text = plotly_text(shortened(plot.series[row.series].name, _NAME_LETTERS))
        made.append({**name, "yshift": -down, "xshift": shift, "text": text, "font": {"size": 11}})
        made += [
            {**common, "xref": on.x, "x": math.log10(t.value) if panel.x.log else t.value,
             "xanchor": "center", "yshift": -down - _ROW_PX, "text": plotly_text(text),
             "font": {"size": 11}}
            for t, text in zip(panel.x.ticks, row.texts, strict=True) if text
        ]  # fmt: skip
    return made
