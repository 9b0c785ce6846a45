"""Colours, line weights and fonts of every figure and document: the one place for them.

Data colours are those of Okabe and Ito (2008, "Color Universal Design"), told apart by all common
forms of colour vision; series also differ in shape, so that greyscale print loses nothing.
"""

from __future__ import annotations

BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"

#: In the order in which groups take them.
GROUP_COLOURS: tuple[str, ...] = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY_BLUE, BLACK, YELLOW)

#: Series of a forest plot.
SERIES_COLOURS: dict[str, str] = {"adjusted": BLUE, "crude": VERMILION}

INK = "#1A1A1A"
MUTED = "#5A5A5A"
HAIRLINE = "#9A9A9A"

#: Rules of a printed table and axes of a figure, in points.
HEAVY_RULE_POINTS = 1.0
LIGHT_RULE_POINTS = 0.5

#: Text sizes of a figure, in points: what two-column journals print.
FIGURE_TEXT_POINTS = 8.0
FIGURE_NOTE_POINTS = 7.0

#: Tried in this order, letter by letter. Latin first; then one font per script that the first ones
#: lack. Fonts that are not installed are passed over.
FONT_FAMILIES: tuple[str, ...] = (
    "Arial", "Helvetica", "Liberation Sans", "DejaVu Sans",
    "Noto Sans", "Noto Sans Thai", "Noto Sans Thai Looped", "Loma", "Garuda",
    "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari",
    "Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei",
)  # fmt: skip

#: Body and table font of Word documents; Word substitutes where it is missing.
DOCUMENT_FONT = "Arial"
