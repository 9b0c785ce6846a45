"""How the series of a figure look: colour, line and marker by their place.

Groups differ in all three, so that they stay apart for every kind of colour vision and in grey.
"""

from __future__ import annotations

from dataclasses import dataclass

from presentation import palette
from presentation.layers import Dash
from presentation.plot import Plot, Tone

#: In the order in which the series of a tone take them.
_DASHES: dict[Tone, tuple[Dash, ...]] = {
    "group": ("solid", "dash", "dashdot", "dot", "longdash"),
    "ink": ("solid", "dash", "dot"),
    "muted": ("dot", "longdash", "dash"),
}
_COLOURS: dict[Tone, tuple[str, ...]] = {
    "group": palette.GROUP_COLOURS,
    "ink": (palette.INK,),
    "muted": (palette.MUTED,),
}
#: How strongly the bars of a series are filled: without colour they differ in this alone.
_FILLS = (1.0, 0.45, 0.75, 0.2)
#: Names of shapes; each medium knows its own sign for them.
MARKERS: tuple[str, ...] = ("circle", "square", "triangle", "diamond", "triangle-down", "cross")


@dataclass(frozen=True, slots=True)
class Look:
    """What tells one series from the others."""

    colour: str
    dash: Dash
    marker: str
    fill: float = 1.0


def look_of(plot: Plot, series: int) -> Look:
    """The look of a series; that of text where the figure has no series."""
    if not plot.series:
        return Look(palette.INK, "solid", MARKERS[0])
    tone, rank = plot.series[series].tone, plot.rank(series)
    colours, dashes = _COLOURS[tone], _DASHES[tone]
    return Look(
        colours[rank % len(colours)], dashes[rank % len(dashes)], MARKERS[rank % len(MARKERS)],
        _FILLS[rank % len(_FILLS)],
    )  # fmt: skip


def cell_colour(share: float) -> str:
    """The colour of a share (0 to 1) of a scale from vermilion over white to blue, as #RRGGBB."""
    end = palette.VERMILION if share < 0.5 else palette.BLUE
    strength = min(abs(share - 0.5) * 2, 1.0) * 0.85
    parts = (int(end[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (part - 255) * strength):02X}" for part in parts)


def is_dark(colour: str) -> bool:
    """True for a colour on which text must be white (WCAG relative luminance below 0.3)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.3
