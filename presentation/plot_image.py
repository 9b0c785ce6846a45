"""A figure of panels as SVG, PNG or PDF: measured in points, then drawn (heavy lane)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from presentation import palette
from presentation.drawing import (
    LINE,
    MARGIN,
    NOTE_SIZE,
    ImageKind,
    Ruler,
    Sheet,
    image_bytes,
)
from presentation.layer_image import bar_style, draw_layer, line_style, marker_style
from presentation.layers import Cells
from presentation.looks import look_of
from presentation.plot import Axis, Panel, Plot

_WIDE = (300.0, 200.0)
_SQUARE = 225.0
_LOW = 62.0
_CELL = 30.0  # side of a square of a matrix
_CATEGORY = 44.0  # room for a category on the x axis
_WIDEST = 430.0  # of one row of panels
_TICK = 3.0
_TICK_LINE = 9.0
_NAME_WIDTH = 112.0
_SWATCH = 20.0
_GAP = 20.0


@dataclass(frozen=True)
class _Frame:
    """One panel with its measures in points. `left`, `right`, `above`, `below` are the rooms that
    texts need around the rectangle of `width` x `height` in which things are drawn; `tick_room` is
    the height of the texts of the x ticks, `y_room` the width of texts and title of the y axis.
    """

    panel: Panel
    width: float
    height: float
    left: float
    right: float
    above: float
    below: float
    x_texts: tuple[tuple[str, ...], ...]
    x_upright: bool
    y_texts: tuple[tuple[str, ...], ...]
    names: tuple[tuple[str, ...], ...]
    tick_room: float
    y_room: float


@dataclass(frozen=True)
class _Layout:
    """Everything measured, in points from the top left corner."""

    width: float
    height: float
    title: tuple[str, ...]
    legend: tuple[tuple[int, ...], ...]
    frames: tuple[tuple[_Frame, float, float], ...]  # with left and top of the rectangle
    notes: tuple[str, ...]


def plot_image(plot: Plot, kind: ImageKind) -> bytes:
    """The file of a drawn figure. Its panels are as wide as one or two columns of a journal."""

    def draw(ruler: Ruler, more_notes: tuple[str, ...]) -> Any:
        layout = _measure(plot, ruler, more_notes)
        return _draw(plot, layout, ruler)

    return image_bytes(draw, kind, plot.title)


def _measure(plot: Plot, ruler: Ruler, more_notes: tuple[str, ...]) -> _Layout:
    frames = [_frame(plot, panel, ruler) for panel in plot.panels]
    columns = min(plot.columns, len(frames))
    lefts = [max(f.left for f in frames[c::columns]) for c in range(columns)]
    widths = [max(f.width + f.right for f in frames[c::columns]) + lefts[c] for c in range(columns)]
    width = 2 * MARGIN + sum(widths) + _GAP * (columns - 1)
    inside = max(width - 2 * MARGIN, 180.0)
    title = ruler.wrapped(plot.title, inside, bold=True)
    legend = _legend_lines(plot, ruler, inside)
    top = MARGIN + LINE * len(title) + 4 + (LINE + 2) * len(legend)
    placed: list[tuple[_Frame, float, float]] = []
    for start in range(0, len(frames), columns):
        row = frames[start : start + columns]
        top += max(f.above for f in row)
        for c, frame in enumerate(row):
            left = MARGIN + sum(widths[:c]) + _GAP * c + lefts[c]
            placed.append((frame, left, top))
        top += max(f.height + f.below for f in row) + 6
    notes = tuple(
        line
        for note in (*plot.notes, *more_notes)
        for line in ruler.wrapped(note, inside, 8, NOTE_SIZE, longest=1000)
    )
    height = top + (LINE * len(notes) + 2 if notes else 0) + MARGIN
    return _Layout(inside + 2 * MARGIN, height, title, legend, tuple(placed), notes)


def _size(plot: Plot, panel: Panel) -> tuple[float, float]:
    """Width and height of the rectangle in which a panel is drawn."""
    share = _WIDEST / plot.columns - (_GAP + 40 if plot.columns > 1 else 0)
    if any(isinstance(layer, Cells) for layer in panel.layers):
        side = _CELL * max(panel.x.high - panel.x.low, panel.y.high - panel.y.low)
        side = min(max(side, 120.0), 360.0)
        return side, side
    if panel.shape == "square":
        return min(_SQUARE, share), min(_SQUARE, share)
    width = _WIDE[0]
    if all(p.shape != "wide" for p in plot.panels):
        width = _SQUARE  # a strip under a square panel
    elif _is_named(panel.x):
        width = max(width, min(_CATEGORY * len(panel.x.ticks), _WIDEST))
    width = min(width, share)
    height = _LOW if panel.shape == "low" else min(_WIDE[1], max(width * 0.75, 130.0))
    return width, height


def _is_named(axis: Axis) -> bool:
    """True for an axis of categories."""
    return any(not t.text[:1].isdigit() and t.text[:1] not in "\u2212.·" for t in axis.ticks)


def _frame(plot: Plot, panel: Panel, ruler: Ruler) -> _Frame:
    width, height = _size(plot, panel)
    y_texts = tuple(ruler.wrapped(t.text, _NAME_WIDTH, 2, NOTE_SIZE) for t in panel.y.ticks)
    x_texts, upright = _x_texts(panel.x, width, ruler)
    names = tuple(
        ruler.wrapped(plot.series[row.series].name, _NAME_WIDTH, 1, NOTE_SIZE)
        for row in (panel.below.rows if panel.below else ())
    )
    left = y_room = _widest(y_texts, ruler) + _TICK + 4 + (LINE + 3 if panel.y.title else 0)
    if panel.below:
        first = _half_widths([row.texts[:1] for row in panel.below.rows], ruler)
        left = max(left, _widest(names, ruler) + _SWATCH * 0.7 + 10 + first)
    ends = [t[-1:] for t in (x_texts if not upright else ())]
    right = max(8.0, _half_widths(ends[-1:], ruler) + 2)
    tick_height = _TICK_LINE * max((len(t) for t in x_texts), default=0)
    if upright:
        tick_height = _widest(x_texts, ruler) + 3
    above = LINE + 4 if panel.title else 5.0
    below = tick_height + _after_ticks(panel, names)
    return _Frame(
        panel,
        width,
        height,
        left,
        right,
        above,
        below,
        x_texts,
        upright,
        y_texts,
        names,
        tick_height,
        y_room,
    )


def _after_ticks(panel: Panel, names: tuple[tuple[str, ...], ...]) -> float:
    """Height of everything under an x axis other than the texts of its ticks."""
    title = LINE + 2 if panel.x.title else 0.0
    return _TICK + 3 + title + (LINE * (1 + len(names)) + 5 if panel.below else 0.0)


def _widest(texts: tuple[tuple[str, ...], ...], ruler: Ruler) -> float:
    return max((ruler.width(line, NOTE_SIZE) for lines in texts for line in lines), default=0.0)


def _half_widths(texts: list[tuple[str, ...]], ruler: Ruler) -> float:
    return _widest(tuple(texts), ruler) / 2


def _x_texts(axis: Axis, width: float, ruler: Ruler) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """The texts of the ticks in lines; upright where names have no room side by side."""
    if not _is_named(axis):
        return tuple((t.text,) for t in axis.ticks), False
    room = width / max(axis.high - axis.low, 1.0) - 4
    wrapped = tuple(ruler.wrapped(t.text, room, 3, NOTE_SIZE) for t in axis.ticks)
    words = [word for t in axis.ticks for word in t.text.split()]
    if max((ruler.width(word, NOTE_SIZE) for word in words), default=0.0) <= max(room, 30.0):
        return wrapped, False
    return tuple(ruler.wrapped(t.text, _NAME_WIDTH, 1, NOTE_SIZE) for t in axis.ticks), True


def _legend_lines(plot: Plot, ruler: Ruler, inside: float) -> tuple[tuple[int, ...], ...]:
    """The series of the legend, in lines that fit."""
    lines: list[list[int]] = []
    used = math.inf
    for i in plot.listed:
        needed = _entry_width(plot, i, ruler, inside)
        if used + needed > inside:
            lines.append([])
            used = 0.0
        lines[-1].append(i)
        used += needed
    return tuple(map(tuple, lines))


def _entry_width(plot: Plot, series: int, ruler: Ruler, inside: float) -> float:
    return _SWATCH + 4 + ruler.width(_entry(plot, series, ruler, inside)) + 14


def _entry(plot: Plot, series: int, ruler: Ruler, inside: float) -> str:
    return ruler.wrapped(plot.series[series].name, inside - _SWATCH - 20, 1)[0]


def _draw(plot: Plot, layout: _Layout, ruler: Ruler) -> Any:
    sheet = Sheet(layout.width, layout.height)
    for i, line in enumerate(layout.title):
        sheet.text(MARGIN, MARGIN + 5 + LINE * i, line, fontweight="bold")
    y = MARGIN + LINE * len(layout.title) + 10
    for entries in layout.legend:
        x = MARGIN
        for i in entries:
            _swatch(sheet, plot, i, x, y, _SWATCH)
            sheet.text(x + _SWATCH + 4, y, _entry(plot, i, ruler, layout.width - 2 * MARGIN))
            x += _entry_width(plot, i, ruler, layout.width - 2 * MARGIN)
        y += LINE + 2
    for frame, left, top in layout.frames:
        _draw_panel(sheet, plot, frame, left, top)
    y = layout.height - MARGIN - LINE * len(layout.notes) + 4
    for note in layout.notes:
        sheet.text(MARGIN, y, note, fontsize=NOTE_SIZE, color=palette.MUTED)
        y += LINE
    return sheet.figure


def _swatch(sheet: Sheet, plot: Plot, series: int, x: float, y: float, width: float) -> None:
    """The sign of a series: its line, a piece of its bars, or its marker."""
    look = look_of(plot, series)
    if plot.has_line(series):
        sheet.line([x, x + width], [y, y], **line_style(look))
    elif plot.is_bars(series):
        sheet.line([x + width / 2], [y], **bar_style(look))
    else:
        sheet.line([x + width / 2], [y], **marker_style(look, filled=plot.is_filled(series)))


def _draw_panel(sheet: Sheet, plot: Plot, frame: _Frame, left: float, top: float) -> None:
    panel = frame.panel
    if panel.title:
        sheet.text(left, top - 7, panel.title, fontweight="bold")
    axes = sheet.axes(left, top, frame.width, frame.height)
    _dress(axes, panel)
    for layer in panel.layers:
        draw_layer(layer, axes, plot)
    _tick_texts(sheet, frame, left, top)
    bottom = top + frame.height
    if panel.y.title:
        sheet.text(
            left - frame.y_room + LINE / 2, top + frame.height / 2, panel.y.title, rotation=90,
            ha="center", va="center",
        )  # fmt: skip
    y = bottom + _TICK + 3 + frame.tick_room
    if panel.x.title:
        sheet.text(left + frame.width / 2, y + 6, panel.x.title, ha="center")
        y += LINE + 2
    if panel.below:
        _draw_below(sheet, plot, frame, left, y + 9)


def _dress(axes: Any, panel: Panel) -> None:
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

    for name, axis, scale in (("x", panel.x, axes.set_xscale), ("y", panel.y, axes.set_yscale)):
        if axis.log:
            scale("log")
        ends = (axis.high, axis.low) if axis.down else (axis.low, axis.high)
        (axes.set_xlim if name == "x" else axes.set_ylim)(*ends)
        side = axes.xaxis if name == "x" else axes.yaxis
        side.set_major_locator(FixedLocator([t.value for t in axis.ticks]))
        side.set_major_formatter(NullFormatter())
        side.set_minor_locator(NullLocator())
    matrix = any(isinstance(layer, Cells) for layer in panel.layers)
    axes.tick_params(
        length=0 if matrix else _TICK, width=palette.LIGHT_RULE_POINTS, color=palette.INK
    )
    axes.set_autoscale_on(False)
    for side in ("top", "right", *(("left", "bottom") if matrix else ())):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_linewidth(palette.LIGHT_RULE_POINTS)
        axes.spines[side].set_color(palette.INK)


def _place(axis: Axis, value: float) -> float:
    """Where a value stands along its axis, as a share of the rectangle from left or top."""
    low, high, at = axis.low, axis.high, value
    if axis.log:
        low, high, at = math.log(low), math.log(high), math.log(at)
    return (at - low) / (high - low)


def _tick_texts(sheet: Sheet, frame: _Frame, left: float, top: float) -> None:
    bottom = top + frame.height
    for tick, lines in zip(frame.panel.x.ticks, frame.x_texts, strict=True):
        x = left + frame.width * _place(frame.panel.x, tick.value)
        if frame.x_upright:
            sheet.text(
                x, bottom + _TICK + 3, lines[0], rotation=90, ha="center", va="top",
                fontsize=NOTE_SIZE,
            )  # fmt: skip
            continue
        for i, line in enumerate(lines):
            sheet.text(
                x, bottom + _TICK + 7 + _TICK_LINE * i, line, ha="center", fontsize=NOTE_SIZE
            )
    axis = frame.panel.y
    for tick, lines in zip(axis.ticks, frame.y_texts, strict=True):
        share = _place(axis, tick.value)
        y = top + frame.height * (share if axis.down else 1 - share)
        first = y - _TICK_LINE * (len(lines) - 1) / 2
        for i, line in enumerate(lines):
            sheet.text(
                left - _TICK - 2, first + _TICK_LINE * i, line, ha="right", fontsize=NOTE_SIZE
            )


def _draw_below(sheet: Sheet, plot: Plot, frame: _Frame, left: float, y: float) -> None:
    """The table under the axis: names on the left, numbers under their ticks."""
    below = frame.panel.below
    if below is None:
        return
    sheet.text(left - frame.left, y, below.title, fontsize=NOTE_SIZE, fontweight="bold")
    for row, name in zip(below.rows, frame.names, strict=True):
        y += LINE
        if len(plot.listed) > 1:
            _swatch(sheet, plot, row.series, left - frame.left, y, _SWATCH * 0.7)
        sheet.text(left - frame.left + _SWATCH * 0.7 + 4, y, name[0], fontsize=NOTE_SIZE)
        for tick, text in zip(frame.panel.x.ticks, row.texts, strict=True):
            x = left + frame.width * _place(frame.panel.x, tick.value)
            sheet.text(x, y, text, ha="center", fontsize=NOTE_SIZE)
