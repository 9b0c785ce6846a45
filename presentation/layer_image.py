"""The layers of a figure drawn into matplotlib axes (heavy lane)."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from presentation import palette
from presentation.drawing import FLAT_END, NO_LINE, NOTE_SIZE, SIZE
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
from presentation.plot import Plot

LINE_WEIGHT = 1.2
_THIN = 0.8
_BAND_OPACITY = 0.14
_STEPS = {True: "steps-post", False: "default"}
_POINT_SIZES: dict[Size, float] = {"small": 2.6, "normal": 4.2, "large": 6.0}
_MARKERS = {
    "circle": "o", "square": "s", "triangle": "^", "diamond": "D", "triangle-down": "v",
    "cross": "X",
}  # fmt: skip
#: Strokes and gaps in units of the line's weight.
_DASHES: dict[Dash, Any] = {
    "solid": "-", "dash": (0, (4, 1.8)), "dot": (0, (1.2, 1.5)),
    "dashdot": (0, (5, 1.6, 1.2, 1.6)), "longdash": (0, (8, 2.2)),
}  # fmt: skip


def line_style(look: Look, dash: Dash | None = None) -> dict[str, Any]:
    """Colour, weight and strokes of a line."""
    return {
        "color": look.colour, "linewidth": LINE_WEIGHT, "linestyle": _DASHES[dash or look.dash],
        "dash_capstyle": FLAT_END, "solid_capstyle": FLAT_END,
    }  # fmt: skip


def marker_style(look: Look, size: Size = "normal", *, filled: bool = True) -> dict[str, Any]:
    """A marker without a line."""
    points = _POINT_SIZES[size]
    return {
        "linestyle": NO_LINE, "marker": _MARKERS[look.marker], "markersize": points,
        "color": look.colour, "markerfacecolor": look.colour if filled else "white",
        "markeredgecolor": look.colour, "markeredgewidth": 0.0 if filled else 0.8,
    }  # fmt: skip


@singledispatch
def draw_layer(layer: Layer, axes: Any, plot: Plot) -> None:
    """Draw one layer. TypeError for what is not a layer."""
    raise TypeError(f"{type(layer).__name__} cannot be drawn on {axes!r} of {plot.name!r}")


@draw_layer.register
def _(layer: Line, axes: Any, plot: Plot) -> None:
    look = look_of(plot, layer.series)
    if layer.low:
        axes.fill_between(
            layer.x, layer.low, layer.high, step="post" if layer.step else None,
            color=look.colour, alpha=_BAND_OPACITY, linewidth=0, zorder=1,
        )  # fmt: skip
    axes.plot(
        layer.x, layer.y, drawstyle=_STEPS[layer.step], zorder=3, **line_style(look, layer.dash),
    )  # fmt: skip


@draw_layer.register
def _(layer: Points, axes: Any, plot: Plot) -> None:
    look = look_of(plot, layer.series)
    axes.plot(layer.x, layer.y, zorder=4, **marker_style(look, layer.size, filled=layer.filled))


@draw_layer.register
def _(layer: CensorTicks, axes: Any, plot: Plot) -> None:
    colour = look_of(plot, layer.series).colour
    axes.plot(
        layer.x, layer.y, linestyle=NO_LINE, marker="|", markersize=5.5, markeredgewidth=0.8,
        color=colour, zorder=3,
    )  # fmt: skip


@draw_layer.register
def _(layer: Segments, axes: Any, plot: Plot) -> None:
    dash = layer.dash or ("solid" if layer.caps else None)
    style = {**line_style(look_of(plot, layer.series), dash), "linewidth": 1.0}
    for x, y, x_end, y_end in zip(layer.x, layer.y, layer.x_end, layer.y_end, strict=True):
        axes.plot([x, x_end], [y, y_end], zorder=2, **style)
        if layer.caps:
            sign = "_" if x == x_end else "|"
            axes.plot(
                [x, x_end], [y, y_end], linestyle=NO_LINE, marker=sign, markersize=4.0,
                markeredgewidth=1.0, color=style["color"], zorder=2,
            )  # fmt: skip


@draw_layer.register
def _(layer: Bars, axes: Any, plot: Plot) -> None:
    from matplotlib.colors import to_rgba

    look = look_of(plot, layer.series)
    axes.bar(
        layer.x, [y - layer.base for y in layer.y], width=layer.width, bottom=layer.base,
        color=to_rgba(look.colour, look.fill), edgecolor=look.colour, linewidth=0.6, zorder=2,
    )  # fmt: skip


def bar_style(look: Look) -> dict[str, Any]:
    """A piece of a bar, as a marker."""
    from matplotlib.colors import to_rgba

    return {
        "linestyle": NO_LINE, "marker": "s", "markersize": 6.0, "markeredgewidth": 0.6,
        "markerfacecolor": to_rgba(look.colour, look.fill), "markeredgecolor": look.colour,
    }  # fmt: skip


@draw_layer.register
def _(layer: Box, axes: Any, plot: Plot) -> None:
    from matplotlib.patches import Rectangle

    look, half = look_of(plot, layer.series), layer.width / 2
    thin = {"color": look.colour, "linewidth": _THIN, "solid_capstyle": FLAT_END, "zorder": 2}
    for near, end in ((layer.q1, layer.low), (layer.q3, layer.high)):
        axes.plot([layer.at, layer.at], [near, end], **thin)
        axes.plot([layer.at - half / 2, layer.at + half / 2], [end, end], **thin)
    corner = (layer.at - half, layer.q1)
    for colour, face in ((look.colour, True), (look.colour, False)):
        axes.add_patch(
            Rectangle(
                corner, layer.width, layer.q3 - layer.q1, linewidth=0 if face else _THIN,
                facecolor=colour if face else "none", edgecolor=NO_LINE if face else colour,
                alpha=_BAND_OPACITY if face else 1.0, zorder=2,
            )
        )  # fmt: skip
    axes.plot(
        [layer.at - half, layer.at + half], [layer.median, layer.median], color=look.colour,
        linewidth=1.8, solid_capstyle=FLAT_END, zorder=5,
    )  # fmt: skip
    if layer.outliers:
        at = [layer.at] * len(layer.outliers)
        axes.plot(at, layer.outliers, zorder=4, **marker_style(look, "small", filled=False))
    if layer.mean is not None:
        mean = Look(look.colour, "solid", "diamond")
        axes.plot([layer.at], [layer.mean], zorder=5, **marker_style(mean, filled=False))


@draw_layer.register
def _(layer: Rule, axes: Any, plot: Plot) -> None:
    del plot
    draw = axes.axvline if layer.upright else axes.axhline
    draw(layer.at, color=palette.HAIRLINE, linewidth=_THIN, linestyle=_DASHES[layer.dash], zorder=0)
    if layer.text:
        x, y = (layer.at, 0.99) if layer.upright else (0.995, layer.at)
        axes.annotate(
            layer.text, (x, y), (3 if layer.upright else -1, -1 if layer.upright else 2),
            xycoords=("data", "axes fraction") if layer.upright else ("axes fraction", "data"),
            textcoords="offset points", ha="left" if layer.upright else "right",
            va="top" if layer.upright else "bottom", fontsize=NOTE_SIZE, color=palette.MUTED,
        )  # fmt: skip


@draw_layer.register
def _(layer: Cells, axes: Any, plot: Plot) -> None:
    from matplotlib.patches import Rectangle

    del plot
    span = layer.high - layer.low
    for x, y, value, text in zip(layer.x, layer.y, layer.value, layer.texts, strict=True):
        colour = cell_colour((value - layer.low) / span)
        axes.add_patch(
            Rectangle(
                (x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.8,
                zorder=1,
            )
        )  # fmt: skip
        axes.text(
            x, y, text, ha="center", va="center", fontsize=NOTE_SIZE, zorder=2, clip_on=True,
            color="white" if is_dark(colour) else palette.INK,
        )  # fmt: skip


@draw_layer.register
def _(layer: Words, axes: Any, plot: Plot) -> None:
    del plot
    shift = {"left": -4, "centre": 0, "right": 4}[layer.side]
    lift = {"above": 4, "middle": 0, "below": -4}[layer.level]
    axes.annotate(
        layer.text, (layer.x, layer.y), (shift, lift), textcoords="offset points",
        xycoords="axes fraction" if layer.inside else "data",
        ha={"left": "right", "centre": "center", "right": "left"}[layer.side],
        va={"above": "bottom", "middle": "center", "below": "top"}[layer.level],
        fontsize=SIZE, color=palette.INK, fontweight="bold" if layer.strong else "normal",
        zorder=6,
    )  # fmt: skip
