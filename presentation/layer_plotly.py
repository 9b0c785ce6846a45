"""The layers of a figure as Plotly traces, shapes and annotations."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import singledispatch
from typing import Any

from presentation import palette
from presentation.layers import (
    Bars,
    Box,
    Cells,
    CensorTicks,
    Dash,
    Layer,
    Line,
    Points,
    Rule,
    Segments,
    Size,
    Words,
)
from presentation.looks import Look, cell_colour, is_dark, look_of
from presentation.plot import Axis, Panel, Plot
from presentation.ticks import tick_text
from presentation.to_html import plotly_text

#: Stands for `palette.MUTED` on a page that may be dark: 4 to 1 on white and on black.
PAGE_MUTED = "#7F7F7F"
_BAND_OPACITY = 38  # of 255
_POINT_PX: dict[Size, float] = {"small": 4.5, "normal": 7.0, "large": 10.0}
_SYMBOLS = {
    "circle": "circle", "square": "square", "triangle": "triangle-up", "diamond": "diamond",
    "triangle-down": "triangle-down", "cross": "x",
}  # fmt: skip
_DASHES: dict[Dash, str] = {
    "solid": "solid",
    "dash": "dash",
    "dot": "dot",
    "dashdot": "dashdot",
    "longdash": "longdash",
}


@dataclass
class Canvas:
    """What the layers of one panel are drawn into. `x`, `y` name its axes ("x2", "y2"); `ink` is
    the colour of text.
    """

    plot: Plot
    panel: Panel
    x: str
    y: str
    ink: str
    traces: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    shapes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    annotations: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def look(self, series: int) -> Look:
        """The look of a series in colours that a light and a dark page can show."""
        look = look_of(self.plot, series)
        colours = {palette.INK: self.ink, palette.BLACK: self.ink, palette.MUTED: PAGE_MUTED}
        return replace(look, colour=colours.get(look.colour, look.colour))

    def hover(self, layer: Any) -> dict[str, Any]:
        """The texts of a layer; its numbers where it has none."""
        name = self.plot.series[layer.series].name if self.plot.series else ""
        texts = layer.hover or tuple(
            f"{name + ': ' if name else ''}{tick_text(x)}, {tick_text(y)}"
            for x, y in zip(layer.x, layer.y, strict=True)
        )
        return {
            "text": [plotly_text(t) for t in texts], "hovertemplate": "%{text}<extra></extra>"
        }  # fmt: skip

    def trace(self, **more: Any) -> None:
        """A trace on the axes of this panel, outside the legend."""
        axes = {"xaxis": self.x, "yaxis": self.y}
        self.traces.append({"type": "scatter", "showlegend": False, **axes, **more})


@singledispatch
def draw_layer(layer: Layer, on: Canvas) -> None:
    """Add one layer. TypeError for what is not a layer."""
    raise TypeError(f"{type(layer).__name__} cannot be drawn in {on.plot.name!r}")


@draw_layer.register
def _(layer: Line, on: Canvas) -> None:
    look = on.look(layer.series)
    shape = "hv" if layer.step else "linear"
    if layer.low:
        quiet = {"hoverinfo": "skip", "mode": "lines", "line": {"width": 0, "shape": shape}}
        on.trace(x=layer.x, y=layer.low, **quiet)
        on.trace(x=layer.x, y=layer.high, fill="tonexty", fillcolor=_pale(look.colour), **quiet)
    on.trace(
        x=layer.x, y=layer.y, mode="lines", **on.hover(layer),
        line={"color": look.colour, "width": 2, "shape": shape,
              "dash": _DASHES[layer.dash or look.dash]},
    )  # fmt: skip


def _pale(colour: str, opacity: int = _BAND_OPACITY) -> str:
    """A colour that is seen through (0 to 255); that of text, which the page sets, has no
    hexadecimal form there."""
    known = colour.startswith("#") and len(colour) == 7 and colour != palette.INK
    return f"{colour if known else PAGE_MUTED}{opacity:02X}"


@draw_layer.register
def _(layer: Points, on: Canvas) -> None:
    look = on.look(layer.series)
    sign = _SYMBOLS[look.marker] + ("" if layer.filled else "-open")
    on.trace(
        x=layer.x, y=layer.y, mode="markers", **on.hover(layer),
        marker={"symbol": sign, "size": _POINT_PX[layer.size], "color": look.colour,
                "line": {"width": 0 if layer.filled else 1.2, "color": look.colour}},
    )  # fmt: skip


@draw_layer.register
def _(layer: CensorTicks, on: Canvas) -> None:
    colour = on.look(layer.series).colour
    on.trace(
        x=layer.x, y=layer.y, mode="markers", **on.hover(layer),
        marker={"symbol": "line-ns", "size": 8, "line": {"width": 1.2, "color": colour}},
    )  # fmt: skip


@draw_layer.register
def _(layer: Segments, on: Canvas) -> None:
    look = on.look(layer.series)
    x: list[float | None] = []
    y: list[float | None] = []
    for values in zip(layer.x, layer.y, layer.x_end, layer.y_end, strict=True):
        x += [values[0], values[2], None]
        y += [values[1], values[3], None]
    dash = layer.dash or ("solid" if layer.caps else look.dash)
    line = {"color": look.colour, "width": 1.6, "dash": _DASHES[dash]}
    on.trace(x=x, y=y, mode="lines", line=line, hoverinfo="skip")
    if not layer.caps:
        return
    sign = ["line-ew" if a == b else "line-ns" for a, b in zip(layer.x, layer.x_end, strict=True)]
    stroke = {"width": 1.6, "color": look.colour}
    for xs, ys in ((layer.x, layer.y), (layer.x_end, layer.y_end)):
        on.trace(
            x=xs, y=ys, mode="markers", hoverinfo="skip",
            marker={"symbol": sign, "size": 8, "line": stroke},
        )  # fmt: skip


def _bar(look: Look) -> dict[str, Any]:
    line = {"width": 1, "color": look.colour}
    return {"color": _pale(look.colour, round(255 * look.fill)), "line": line}


@draw_layer.register
def _(layer: Bars, on: Canvas) -> None:
    on.trace(
        type="bar", x=layer.x, y=[y - layer.base for y in layer.y], base=layer.base,
        width=layer.width, marker=_bar(on.look(layer.series)),
        textposition="none", **on.hover(layer),
    )  # fmt: skip


@draw_layer.register
def _(layer: Box, on: Canvas) -> None:
    look = on.look(layer.series)
    known: dict[str, Any] = {} if layer.mean is None else {"mean": [layer.mean], "boxmean": True}
    on.trace(
        type="box", x=[layer.at], q1=[layer.q1], median=[layer.median], q3=[layer.q3],
        lowerfence=[layer.low], upperfence=[layer.high], width=layer.width, boxpoints=False,
        fillcolor=_pale(look.colour), line={"color": look.colour, "width": 1.4},
        hoverinfo="skip" if layer.hover else "y", **known,
    )  # fmt: skip
    if layer.outliers:
        at = [layer.at] * len(layer.outliers)
        on.trace(
            x=at, y=layer.outliers, mode="markers", hovertemplate="%{y}<extra></extra>",
            marker={"symbol": f"{_SYMBOLS[look.marker]}-open", "size": 5, "color": look.colour},
        )  # fmt: skip
    if layer.hover:
        # an unseen point that carries the words
        on.trace(
            x=[layer.at], y=[layer.median], mode="markers", marker={"opacity": 0, "size": 24},
            text=[plotly_text(layer.hover[0])], hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip


@draw_layer.register
def _(layer: Rule, on: Canvas) -> None:
    along = {"x0": layer.at, "x1": layer.at, "y0": 0, "y1": 1}
    across = {"x0": 0, "x1": 1, "y0": layer.at, "y1": layer.at}
    refs = (
        {"xref": on.x, "yref": f"{on.y} domain"}
        if layer.upright
        else {"xref": f"{on.x} domain", "yref": on.y}
    )
    line = {"color": palette.HAIRLINE, "width": 1, "dash": _DASHES[layer.dash]}
    on.shapes.append(
        {"type": "line", "layer": "below", "line": line, **refs,
         **(along if layer.upright else across)}
    )  # fmt: skip
    if layer.text:
        x, y = (layer.at, 1) if layer.upright else (1, layer.at)
        axis = on.panel.x if layer.upright else on.panel.y
        place = _place(axis, layer.at)
        on.annotations.append(
            {"text": plotly_text(layer.text), "showarrow": False, **refs,
             "x": place if layer.upright else x, "y": y if layer.upright else place,
             "xanchor": "left" if layer.upright else "right",
             "yanchor": "top" if layer.upright else "bottom", "font": {"size": 11}}
        )  # fmt: skip


def _place(axis: Axis, value: float) -> float:
    """A value as annotations take it: they count a log axis in powers of ten."""
    return math.log10(value) if axis.log else value


@draw_layer.register
def _(layer: Cells, on: Canvas) -> None:
    span = layer.high - layer.low
    hover = layer.hover or layer.texts
    on.trace(
        x=layer.x, y=layer.y, mode="markers", marker={"opacity": 0, "size": 26},
        text=[plotly_text(t) for t in hover], hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    for x, y, value, text in zip(layer.x, layer.y, layer.value, layer.texts, strict=True):
        colour = cell_colour((value - layer.low) / span)
        on.shapes.append(
            {"type": "rect", "xref": on.x, "yref": on.y, "x0": x - 0.5, "x1": x + 0.5,
             "y0": y - 0.5, "y1": y + 0.5, "fillcolor": colour, "layer": "below",
             "line": {"width": 0}}
        )  # fmt: skip
        on.annotations.append(
            {"text": plotly_text(text), "showarrow": False, "xref": on.x, "yref": on.y,
             "x": x, "y": y,
             "font": {"size": 11, "color": "#FFFFFF" if is_dark(colour) else palette.BLACK}}
        )  # fmt: skip


@draw_layer.register
def _(layer: Words, on: Canvas) -> None:
    end = " domain" if layer.inside else ""
    text = plotly_text(layer.text)
    on.annotations.append(
        {"text": f"<b>{text}</b>" if layer.strong else text, "showarrow": False,
         "xref": on.x + end, "yref": on.y + end,
         "x": layer.x if layer.inside else _place(on.panel.x, layer.x),
         "y": layer.y if layer.inside else _place(on.panel.y, layer.y),
         "xanchor": {"left": "right", "centre": "center", "right": "left"}[layer.side],
         "yanchor": {"above": "bottom", "middle": "middle", "below": "top"}[layer.level],
         "xshift": {"left": -4, "centre": 0, "right": 4}[layer.side]}
    )  # fmt: skip


def legend_look(on: Canvas, series: int) -> dict[str, Any]:
    """Mode, line and marker of a legend entry."""
    look, plot = on.look(series), on.plot
    sign = _SYMBOLS[look.marker] + ("" if plot.is_filled(series) else "-open")
    plain = {"symbol": sign, "size": 8, "color": look.colour}
    bars = {"symbol": "square", "size": 10, **_bar(look)}
    return {
        "mode": "lines" if plot.has_line(series) else "markers",
        "line": {"color": look.colour, "width": 2, "dash": _DASHES[look.dash]},
        "marker": bars if plot.is_bars(series) else plain,
    }  # fmt: skip
