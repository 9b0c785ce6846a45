"""What every image has in common: fonts, measured texts, files that are the same each time.

Figures are made without pyplot, which keeps state, and matplotlib is imported inside functions:
this runs in the heavy lane only. Layouts are measured in points from the texts themselves. Names
are drawn letter by letter, never as mathematical markup. SVG keeps text as text, so that it can
be edited and searched.
"""

from __future__ import annotations

import gc
import io
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from presentation import palette
from presentation.text import shortened

ImageKind = Literal["svg", "png", "pdf"]
PNG_DPI = 300
MOST_PIXELS = 8_000_000
"""Of a PNG. Each takes four bytes while it is drawn, whatever the file's size in the end."""

_PNG_PACKING = 3  # of 9: half the time of 6 for a fifth more bytes
SIZE = palette.FIGURE_TEXT_POINTS
NOTE_SIZE = palette.FIGURE_NOTE_POINTS
LINE = 11.0  # points from one line of text to the next
MARGIN = 7.0
NO_LINE = "none"
FLAT_END = "butt"
_MISSING_LETTERS = (
    "Some letters have no shape in the fonts of the server; the SVG version shows them."
)


def image_bytes(
    draw: Callable[[Ruler, tuple[str, ...]], Any], kind: ImageKind, title: str
) -> bytes:
    """The file of a figure; the same one always gives the same bytes.

    PNG has 300 dots per inch, and fewer where the figure is so tall that no page could show them
    (`MOST_PIXELS`); its size in inches stays the same, and SVG and PDF lose nothing.
    `draw` gets a ruler and further notes to print and returns a matplotlib figure. It is called
    again, with a note that says so, where a letter has no shape in any font of the server.
    """
    import matplotlib as mpl

    settings: Any = _settings()
    empty = {
        "svg": {"Date": None, "Creator": None, "Title": title},
        "png": {"Software": None, "Title": _latin(title)},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Title": title},
    }
    with mpl.rc_context(settings), _quiet_about_letters() as heard:
        ruler = Ruler()
        figure = draw(ruler, ())
        if heard and kind != "svg":
            figure = draw(ruler, (_MISSING_LETTERS,))
        out = io.BytesIO()
        packing: Any = {"pil_kwargs": {"compress_level": _PNG_PACKING}} if kind == "png" else {}
        figure.savefig(out, format=kind, dpi=_dots(figure), metadata=empty[kind], **packing)
    # A figure and its canvas hold each other: without this its pixels stay while the next is drawn.
    del figure, ruler
    gc.collect()
    return _any_font(out.getvalue(), settings["font.family"]) if kind == "svg" else out.getvalue()


def _dots(figure: Any) -> float:
    """Dots per inch of a figure as PNG."""
    width, height = figure.get_size_inches()
    return float(min(PNG_DPI, math.sqrt(MOST_PIXELS / (width * height))))


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
        "font.size": SIZE,
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


class Ruler:
    """Measures texts in points."""

    def __init__(self) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._figure = Figure(figsize=(1, 1), dpi=72)
        self._renderer = FigureCanvasAgg(self._figure).get_renderer()
        self._widths: dict[tuple[str, float, bool], float] = {}

    def width(self, text: str, size: float = SIZE, *, bold: bool = False) -> float:
        """Width of one line of text."""
        key = (text, size, bold)
        if key not in self._widths:
            drawn = self._figure.text(
                0, 0, text, fontsize=size, fontweight="bold" if bold else "normal"
            )
            self._widths[key] = float(drawn.get_window_extent(self._renderer).width)
            drawn.remove()
        return self._widths[key]

    def wrapped(
        self, text: str, width: float, most_lines: int = 3, size: float = SIZE, *,
        bold: bool = False, longest: int = 160,
    ) -> tuple[str, ...]:  # fmt: skip
        """`text` in lines of at most `width`, broken at spaces where possible."""
        text = shortened(text, longest)
        lines: list[str] = []
        while text and len(lines) < most_lines:
            if self.width(text, size, bold=bold) <= width:
                return (*lines, text)
            fits = self._fitting(text, width, size, bold=bold)
            space = text.rfind(" ", 1, fits + 1)
            cut = space if space > fits // 3 else fits
            lines.append(text[:cut].rstrip())
            text = text[cut:].lstrip()
        if text and lines:
            lines[-1] = shortened(lines[-1] + "  ", len(lines[-1]) + 1)[:-1].rstrip() + "…"
        return tuple(lines) or ("",)

    def _fitting(self, text: str, width: float, size: float, *, bold: bool) -> int:
        """The number of characters, at least one, that fit into `width` (by halving)."""
        low, high = 1, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(text[:middle], size, bold=bold) <= width:
                low = middle
            else:
                high = middle - 1
        return low


class Sheet:
    """A figure of `width` x `height` points; places are in points from its top left corner."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="white")
        FigureCanvasAgg(self.figure)

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Text with its left end at `x` and its middle at `y`."""
        if text:
            look: dict[str, Any] = {
                "va": "center_baseline", "color": palette.INK, "fontsize": SIZE, **style
            }  # fmt: skip
            self.figure.text(x / self.width, 1 - y / self.height, text, **look)

    def line(self, x: list[float], y: list[float], **style: Any) -> None:
        """A line, or markers, through these places."""
        from matplotlib.lines import Line2D

        across = [v / self.width for v in x]
        self.figure.add_artist(Line2D(across, [1 - v / self.height for v in y], **style))

    def axes(self, left: float, top: float, width: float, height: float) -> Any:
        """Axes in this rectangle, without a background."""
        made = self.figure.add_axes(
            (
                left / self.width, 1 - (top + height) / self.height,
                width / self.width, height / self.height,
            )
        )  # fmt: skip
        made.set_facecolor("none")
        return made
