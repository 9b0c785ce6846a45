"""A forest plot as SVG, PNG or PDF, drawn with matplotlib.

Figures are made without pyplot, which keeps state, and matplotlib is imported inside functions:
this runs in the heavy lane only. The layout is measured in points from the texts themselves, then
drawn; names are drawn letter by letter, never as mathematical markup. SVG keeps text as text, so
that it can be edited and searched.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from presentation import palette
from presentation.forest import ForestMark, ForestPlot, ForestRow
from presentation.table import whole_part
from presentation.text import shortened

ImageKind = Literal["svg", "png", "pdf"]
PNG_DPI = 300

_SIZE = palette.FIGURE_TEXT_POINTS
_NOTE_SIZE = palette.FIGURE_NOTE_POINTS
_LINE = 11.0  # points from one line of text to the next
_ROW_GAP = 3.6  # points between rows
_MARGIN = 7.0
_NO_LINE = "none"
_FLAT_END = "butt"
_COLUMN_GAP = 13.0
_INDENT = 9.0
_LABEL_WIDTH = 170.0  # points; longer names are wrapped
_PLOT_WIDTH = 165.0
_AXIS_ROOM = 27.0
_MISSING_LETTERS = (
    "Some letters have no shape in the fonts of the server; the SVG version shows them."
)


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
    """The file of a drawn forest plot; the same plot always gives the same bytes.

    PNG has 300 dots per inch. The width follows from the texts and is about 180 mm, two columns
    of a journal, for names of usual length.
    """
    import matplotlib as mpl

    settings: Any = _settings()
    with mpl.rc_context(settings), _quiet_about_letters() as heard:
        ruler = _Ruler()
        layout = _measure(plot, ruler, ())
        if heard and kind != "svg":
            layout = _measure(plot, ruler, (_MISSING_LETTERS,))
        figure = _draw(plot, layout, ruler)
        out = io.BytesIO()
        empty = {
            "svg": {"Date": None, "Creator": None, "Title": plot.title},
            "png": {"Software": None, "Title": _latin(plot.title)},
            "pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Title": plot.title},
        }
        figure.savefig(out, format=kind, dpi=PNG_DPI, metadata=empty[kind])
    return _any_font(out.getvalue(), settings["font.family"]) if kind == "svg" else out.getvalue()


def _any_font(svg: bytes, families: list[str]) -> bytes:
    """Name every font of the list in the SVG: it is read where other fonts are installed."""
    own = ", ".join(f"'{name}'" for name in families)
    every = ", ".join(f"'{name}'" for name in palette.FONT_FAMILIES)
    return svg.replace(
        f"font-family: {own};".encode(), f"font-family: {every}, sans-serif;".encode()
    )


def _latin(text: str) -> str:
    """PNG text chunks hold Latin-1 only."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _settings() -> dict[str, Any]:
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    families = [name for name in palette.FONT_FAMILIES if name in installed]
    return {
        "font.family": families or ["DejaVu Sans"],
        "font.size": _SIZE,
        "svg.fonttype": "none",
        "svg.hashsalt": "clinstat",
        "pdf.fonttype": 42,
        "text.parse_math": False,
        "text.usetex": False,
        "axes.unicode_minus": True,
    }


@contextmanager
def _quiet_about_letters() -> Iterator[list[Any]]:
    """Collect, instead of showing, the warning that a letter has no shape in any font."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", message="Glyph .* missing from")
        yield heard


class _Ruler:
    """Measures texts in points."""

    def __init__(self) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._figure = Figure(figsize=(1, 1), dpi=72)
        self._renderer = FigureCanvasAgg(self._figure).get_renderer()
        self._widths: dict[tuple[str, float, bool], float] = {}

    def width(self, text: str, size: float = _SIZE, *, bold: bool = False) -> float:
        """Width of one line of text."""
        key = (text, size, bold)
        if key not in self._widths:
            drawn = self._figure.text(
                0, 0, text, fontsize=size, fontweight="bold" if bold else "normal"
            )
            self._widths[key] = float(drawn.get_window_extent(self._renderer).width)
            drawn.remove()
        return self._widths[key]

    def wrapped(self, text: str, width: float, most_lines: int = 3) -> tuple[str, ...]:
        """`text` in lines of at most `width`, broken at spaces where possible."""
        text = shortened(text, 160)
        lines: list[str] = []
        while text and len(lines) < most_lines:
            if self.width(text) <= width:
                return (*lines, text)
            fits = self._fitting(text, width)
            space = text.rfind(" ", 1, fits + 1)
            cut = space if space > fits // 3 else fits
            lines.append(text[:cut].rstrip())
            text = text[cut:].lstrip()
        if text and lines:
            lines[-1] = shortened(lines[-1] + "  ", len(lines[-1]) + 1)[:-1].rstrip() + "…"
        return tuple(lines) or ("",)

    def _fitting(self, text: str, width: float) -> int:
        """The number of characters, at least one, that fit into `width` (by halving)."""
        low, high = 1, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(text[:middle]) <= width:
                low = middle
            else:
                high = middle - 1
        return low


def _measure(plot: ForestPlot, ruler: _Ruler, more_notes: tuple[str, ...]) -> _Layout:
    labels = [ruler.wrapped(row.label, _LABEL_WIDTH - _indent(row)) for row in plot.rows]
    label_width = max(
        (ruler.width(line) + _indent(row) for row, lines in zip(plot.rows, labels, strict=True)
         for line in lines),
        default=40.0,
    )  # fmt: skip
    widths = [_column_width(plot, i, ruler) for i in range(len(plot.column_titles))]
    lefts: list[float] = []
    x = _MARGIN + label_width + _COLUMN_GAP
    plot_left = x
    for i, width in enumerate(widths):
        if i == plot.right_from:
            plot_left = x
            x += _PLOT_WIDTH + _COLUMN_GAP
        lefts.append(x)
        x += width + _COLUMN_GAP
    if plot.right_from >= len(widths):
        plot_left, x = x, x + _PLOT_WIDTH + _COLUMN_GAP
    header_bottom = _MARGIN + (2 * _LINE + 9)
    lines, y = [], header_bottom + 4
    paired = len(plot.series) > 1
    for row, label in zip(plot.rows, labels, strict=True):
        height = len(label) * _LINE + _ROW_GAP + (2.0 if paired and row.marks else 0.0)
        lines.append(_Line(row, label, y, height))
        y += height
    notes = (*plot.notes, *more_notes)
    body_bottom = y + 3
    height = body_bottom + _AXIS_ROOM + (len(notes) * _LINE + 4 if notes else 0) + _MARGIN
    needed = max([ruler.width(plot.title, bold=True), *(ruler.width(n, _NOTE_SIZE) for n in notes)])
    width = max(x - _COLUMN_GAP + 2, needed + _MARGIN) + _MARGIN
    return _Layout(
        width, height, tuple(lines), header_bottom, body_bottom, plot_left, tuple(lefts), notes
    )


def _indent(row: ForestRow) -> float:
    return _INDENT if row.kind in {"level", "reference"} else 0.0


def _column_width(plot: ForestPlot, index: int, ruler: _Ruler) -> float:
    texts = [row.texts[index] for row in plot.rows]
    pads = _pads(texts, ruler)
    body = max((ruler.width(t) + p for t, p in zip(texts, pads, strict=True)), default=0.0)
    return max(body, ruler.width(plot.column_titles[index], bold=True))


def _pads(texts: list[str], ruler: _Ruler) -> list[float]:
    """Room in front of each text that puts the decimal signs of a column under each other."""
    before = [ruler.width(t[: whole_part(t)]) if t[: whole_part(t)] else 0.0 for t in texts]
    widest = max(before, default=0.0)
    return [widest - b if b else 0.0 for b in before]


def _draw(plot: ForestPlot, layout: _Layout, ruler: _Ruler) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(layout.width / 72, layout.height / 72), dpi=72, facecolor="white")
    FigureCanvasAgg(figure)
    _draw_texts(figure, plot, layout, ruler)
    _draw_rules(figure, layout)
    top = layout.header_bottom
    axes = figure.add_axes(
        (
            layout.plot_left / layout.width,
            1 - layout.body_bottom / layout.height,
            _PLOT_WIDTH / layout.width,
            (layout.body_bottom - top) / layout.height,
        )
    )
    _dress_axis(axes, plot, top, layout.body_bottom)
    for line in layout.lines:
        for mark in line.row.marks:
            shift = 0.0
            if len(plot.series) > 1:
                shift = -3.1 if mark.series == plot.series[0] else 3.1
            _draw_mark(axes, mark, line.middle + shift, plot)
    return figure


def _text(figure: Any, layout: _Layout, x: float, y: float, text: str, **style: Any) -> None:
    """Text with its left end at `x` and its middle at `y`, in points from the top left."""
    if text:
        figure.text(
            x / layout.width, 1 - y / layout.height, text,
            **{"va": "center_baseline", "color": palette.INK, "fontsize": _SIZE, **style},
        )  # fmt: skip


def _draw_texts(figure: Any, plot: ForestPlot, layout: _Layout, ruler: _Ruler) -> None:
    _text(figure, layout, _MARGIN, _MARGIN + 5, plot.title, fontweight="bold")
    head = layout.header_bottom - 7
    for left, title in zip(layout.column_left, plot.column_titles, strict=True):
        _text(figure, layout, left, head, title, fontweight="bold")
    _draw_legend(figure, plot, layout, ruler, head)
    for line in layout.lines:
        first = line.middle - (len(line.label) - 1) * _LINE / 2
        for i, text in enumerate(line.label):
            _text(figure, layout, _MARGIN + _indent(line.row), first + i * _LINE, text)
    for i, left in enumerate(layout.column_left):
        texts = [line.row.texts[i] for line in layout.lines]
        for line, text, pad in zip(layout.lines, texts, _pads(texts, ruler), strict=True):
            _text(figure, layout, left + pad, line.middle, text)
    y = layout.body_bottom + _AXIS_ROOM + 5
    for note in layout.notes:
        _text(figure, layout, _MARGIN, y, note, fontsize=_NOTE_SIZE, color=palette.MUTED)
        y += _LINE


def _draw_legend(figure: Any, plot: ForestPlot, layout: _Layout, ruler: _Ruler, y: float) -> None:
    """Which sign is which series, above the plot; nothing for a single series."""
    from matplotlib.lines import Line2D

    if len(plot.series) < 2:
        return
    words = [name.capitalize() for name in plot.series]
    total = sum(ruler.width(word) + 10 for word in words) + 14 * (len(words) - 1)
    x = layout.plot_left + (_PLOT_WIDTH - total) / 2
    for name, word in zip(plot.series, words, strict=True):
        figure.add_artist(
            Line2D(
                [(x + 3) / layout.width], [1 - y / layout.height], linestyle=_NO_LINE,
                **_marker(name),
            )
        )  # fmt: skip
        _text(figure, layout, x + 10, y, word)
        x += 10 + ruler.width(word) + 14


def _marker(series: str) -> dict[str, Any]:
    colour = palette.SERIES_COLOURS[series]
    if series == "adjusted":
        return {"marker": "s", "markersize": 4.6, "color": colour, "markeredgewidth": 0}
    return {
        "marker": "o", "markersize": 4.4, "markerfacecolor": "white", "color": colour,
        "markeredgecolor": colour, "markeredgewidth": 1.0,
    }  # fmt: skip


def _draw_rules(figure: Any, layout: _Layout) -> None:
    from matplotlib.lines import Line2D

    left, right = _MARGIN / layout.width, 1 - _MARGIN / layout.width
    for y, weight in (
        (layout.header_bottom - 2 * _LINE + 2, palette.HEAVY_RULE_POINTS),
        (layout.header_bottom, palette.LIGHT_RULE_POINTS),
    ):
        height = 1 - y / layout.height
        figure.add_artist(
            Line2D([left, right], [height, height], color=palette.INK, linewidth=weight)
        )


def _dress_axis(axes: Any, plot: ForestPlot, top: float, bottom: float) -> None:
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    axes.set_facecolor("none")
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
        axis="x", length=3, width=palette.LIGHT_RULE_POINTS, pad=2, labelsize=_NOTE_SIZE,
        color=palette.INK, labelcolor=palette.INK,
    )  # fmt: skip
    axes.set_xlabel(plot.axis_title, fontsize=_SIZE, labelpad=2, color=palette.INK)
    axes.axvline(plot.null, color=palette.HAIRLINE, linewidth=0.8, zorder=0)


def tick_text(value: float) -> str:
    """A tick as it is read: 0.1, 1, 10; a minus sign, never a hyphen."""
    return f"{value:g}".replace("-", "\u2212")


def _draw_mark(axes: Any, mark: ForestMark, y: float, plot: ForestPlot) -> None:
    colour = palette.SERIES_COLOURS[mark.series]
    axes.plot(
        [mark.low, mark.high],
        [y, y],
        color=colour,
        linewidth=1.0,
        solid_capstyle=_FLAT_END,
        zorder=2,
    )
    for cut, x, sign in ((mark.arrow_low, plot.low, "<"), (mark.arrow_high, plot.high, ">")):
        if cut:
            axes.plot(
                [x], [y], marker=sign, markersize=4.2, color=colour, markeredgewidth=0,
                clip_on=False, zorder=3,
            )  # fmt: skip
    axes.plot(
        [mark.estimate], [y], linestyle=_NO_LINE, clip_on=False, zorder=4, **_marker(mark.series)
    )
