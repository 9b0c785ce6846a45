"""A forest plot as SVG, PNG or PDF. The layout is measured in points, then drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from presentation import palette
from presentation.drawing import (
    FLAT_END,
    LINE,
    MARGIN,
    NO_LINE,
    NOTE_SIZE,
    SIZE,
    ImageKind,
    Ruler,
    Sheet,
    image_bytes,
)
from presentation.forest import ForestMark, ForestPlot, ForestRow
from presentation.table import whole_part
from presentation.ticks import tick_text

_ROW_GAP = 3.6  # points between rows
_COLUMN_GAP = 13.0
_INDENT = 9.0
_LABEL_WIDTH = 170.0  # points; longer names are wrapped
_PLOT_WIDTH = 165.0
_AXIS_ROOM = 27.0


@dataclass(frozen=True)
class _Line:
    """A row with its place: `top` and `height` in points from the top of the figure."""

    row: ForestRow
    label: tuple[str, ...]
    top: float
    height: float

    @property
    def middle(self) -> float:
        """Height of the middle of the row."""
        return self.top + self.height / 2


@dataclass(frozen=True)
class _Layout:
    """Everything measured, in points from the top left corner."""

    width: float
    height: float
    lines: tuple[_Line, ...]
    header_bottom: float
    body_bottom: float
    plot_left: float
    column_left: tuple[float, ...]
    notes: tuple[str, ...]


def forest_image(plot: ForestPlot, kind: ImageKind) -> bytes:
    """The file of a drawn forest plot.

    The width follows from the texts and is about 180 mm, two columns of a journal, for names of
    usual length.
    """

    def draw(ruler: Ruler, more_notes: tuple[str, ...]) -> Any:
        return _draw(plot, _measure(plot, ruler, more_notes), ruler)

    return image_bytes(draw, kind, plot.title)


def _measure(plot: ForestPlot, ruler: Ruler, more_notes: tuple[str, ...]) -> _Layout:
    labels = [ruler.wrapped(row.label, _LABEL_WIDTH - _indent(row)) for row in plot.rows]
    label_width = max(
        (ruler.width(line) + _indent(row) for row, lines in zip(plot.rows, labels, strict=True)
         for line in lines),
        default=40.0,
    )  # fmt: skip
    widths = [_column_width(plot, i, ruler) for i in range(len(plot.column_titles))]
    lefts: list[float] = []
    x = MARGIN + label_width + _COLUMN_GAP
    plot_left = x
    for i, width in enumerate(widths):
        if i == plot.right_from:
            plot_left = x
            x += _PLOT_WIDTH + _COLUMN_GAP
        lefts.append(x)
        x += width + _COLUMN_GAP
    if plot.right_from >= len(widths):
        plot_left, x = x, x + _PLOT_WIDTH + _COLUMN_GAP
    header_bottom = MARGIN + (2 * LINE + 9)
    lines, y = [], header_bottom + 4
    paired = len(plot.series) > 1
    for row, label in zip(plot.rows, labels, strict=True):
        height = len(label) * LINE + _ROW_GAP + (2.0 if paired and row.marks else 0.0)
        lines.append(_Line(row, label, y, height))
        y += height
    notes = (*plot.notes, *more_notes)
    body_bottom = y + 3
    height = body_bottom + _AXIS_ROOM + (len(notes) * LINE + 4 if notes else 0) + MARGIN
    needed = max([ruler.width(plot.title, bold=True), *(ruler.width(n, NOTE_SIZE) for n in notes)])
    width = max(x - _COLUMN_GAP + 2, needed + MARGIN) + MARGIN
    return _Layout(
        width, height, tuple(lines), header_bottom, body_bottom, plot_left, tuple(lefts), notes
    )


def _indent(row: ForestRow) -> float:
    return _INDENT if row.kind in {"level", "reference"} else 0.0


def _column_width(plot: ForestPlot, index: int, ruler: Ruler) -> float:
    texts = [row.texts[index] for row in plot.rows]
    pads = _pads(texts, ruler)
    body = max((ruler.width(t) + p for t, p in zip(texts, pads, strict=True)), default=0.0)
    return max(body, ruler.width(plot.column_titles[index], bold=True))


def _pads(texts: list[str], ruler: Ruler) -> list[float]:
    """Room in front of each text that puts the decimal signs of a column under each other."""
    before = [ruler.width(t[: whole_part(t)]) if t[: whole_part(t)] else 0.0 for t in texts]
    widest = max(before, default=0.0)
    return [widest - b if b else 0.0 for b in before]


def _draw(plot: ForestPlot, layout: _Layout, ruler: Ruler) -> Any:
    sheet = Sheet(layout.width, layout.height)
    _draw_texts(sheet, plot, layout, ruler)
    _draw_rules(sheet, layout)
    top, bottom = layout.header_bottom, layout.body_bottom
    axes = sheet.axes(layout.plot_left, top, _PLOT_WIDTH, bottom - top)
    _dress_axis(axes, plot, top, bottom)
    for line in layout.lines:
        for mark in line.row.marks:
            shift = 0.0
            if len(plot.series) > 1:
                shift = -3.1 if mark.series == plot.series[0] else 3.1
            _draw_mark(axes, mark, line.middle + shift, plot)
    return sheet.figure


def _draw_texts(sheet: Sheet, plot: ForestPlot, layout: _Layout, ruler: Ruler) -> None:
    sheet.text(MARGIN, MARGIN + 5, plot.title, fontweight="bold")
    head = layout.header_bottom - 7
    for left, title in zip(layout.column_left, plot.column_titles, strict=True):
        sheet.text(left, head, title, fontweight="bold")
    _draw_legend(sheet, plot, layout, ruler, head)
    for line in layout.lines:
        first = line.middle - (len(line.label) - 1) * LINE / 2
        for i, text in enumerate(line.label):
            sheet.text(MARGIN + _indent(line.row), first + i * LINE, text)
    for i, left in enumerate(layout.column_left):
        texts = [line.row.texts[i] for line in layout.lines]
        for line, text, pad in zip(layout.lines, texts, _pads(texts, ruler), strict=True):
            sheet.text(left + pad, line.middle, text)
    y = layout.body_bottom + _AXIS_ROOM + 5
    for note in layout.notes:
        sheet.text(MARGIN, y, note, fontsize=NOTE_SIZE, color=palette.MUTED)
        y += LINE


def _draw_legend(sheet: Sheet, plot: ForestPlot, layout: _Layout, ruler: Ruler, y: float) -> None:
    """Which sign is which series, above the plot; nothing for a single series."""
    if len(plot.series) < 2:
        return
    words = [name.capitalize() for name in plot.series]
    total = sum(ruler.width(word) + 10 for word in words) + 14 * (len(words) - 1)
    x = layout.plot_left + (_PLOT_WIDTH - total) / 2
    for name, word in zip(plot.series, words, strict=True):
        sheet.line([x + 3], [y], linestyle=NO_LINE, **_marker(name))
        sheet.text(x + 10, y, word)
        x += 10 + ruler.width(word) + 14


def _marker(series: str) -> dict[str, Any]:
    colour = palette.SERIES_COLOURS[series]
    if series == "adjusted":
        return {"marker": "s", "markersize": 4.6, "color": colour, "markeredgewidth": 0}
    return {
        "marker": "o", "markersize": 4.4, "markerfacecolor": "white", "color": colour,
        "markeredgecolor": colour, "markeredgewidth": 1.0,
    }  # fmt: skip


def _draw_rules(sheet: Sheet, layout: _Layout) -> None:
    for y, weight in (
        (layout.header_bottom - 2 * LINE + 2, palette.HEAVY_RULE_POINTS),
        (layout.header_bottom, palette.LIGHT_RULE_POINTS),
    ):
        ends = [MARGIN, layout.width - MARGIN]
        sheet.line(ends, [y, y], color=palette.INK, linewidth=weight)


def _dress_axis(axes: Any, plot: ForestPlot, top: float, bottom: float) -> None:
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    if plot.log:
        axes.set_xscale("log")
    axes.set_xlim(plot.low, plot.high)
    axes.set_ylim(bottom, top)
    axes.yaxis.set_visible(False)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_linewidth(palette.LIGHT_RULE_POINTS)
    axes.xaxis.set_major_locator(FixedLocator(list(plot.ticks)))
    axes.xaxis.set_major_formatter(FixedFormatter([tick_text(t) for t in plot.ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(
        axis="x", length=3, width=palette.LIGHT_RULE_POINTS, pad=2, labelsize=NOTE_SIZE,
        color=palette.INK, labelcolor=palette.INK,
    )  # fmt: skip
    axes.set_xlabel(plot.axis_title, fontsize=SIZE, labelpad=2, color=palette.INK)
    axes.axvline(plot.null, color=palette.HAIRLINE, linewidth=0.8, zorder=0)


def _draw_mark(axes: Any, mark: ForestMark, y: float, plot: ForestPlot) -> None:
    colour = palette.SERIES_COLOURS[mark.series]
    axes.plot(
        [mark.low, mark.high],
        [y, y],
        color=colour,
        linewidth=1.0,
        solid_capstyle=FLAT_END,
        zorder=2,
    )
    for cut, x, sign in ((mark.arrow_low, plot.low, "<"), (mark.arrow_high, plot.high, ">")):
        if cut:
            axes.plot(
                [x], [y], marker=sign, markersize=4.2, color=colour, markeredgewidth=0,
                clip_on=False, zorder=3,
            )  # fmt: skip
    axes.plot(
        [mark.estimate], [y], linestyle=NO_LINE, clip_on=False, zorder=4, **_marker(mark.series)
    )
