"""Any figure with axes as plain Plotly JSON for the page."""

from __future__ import annotations

from typing import Any

from presentation import palette
from presentation.forest import ForestPlot
from presentation.forest_plotly import forest_figure
from presentation.plot import Plot
from presentation.plot_plotly import panels_figure


def plotly_figure(
    figure: ForestPlot | Plot, *, font_colour: str = palette.INK, font_family: str = "inherit"
) -> dict[str, Any]:
    """`{"data", "layout", "config"}` for `Plotly.newPlot`.

    The background is transparent and the text takes the colour given, so that light and dark
    pages both work. Texts are escaped, because Plotly reads a subset of HTML in labels.
    `layout["meta"]["min_width_px"]` is the width below which texts would overlap: the page lets
    the figure scroll sideways there.
    """
    if isinstance(figure, ForestPlot):
        return forest_figure(figure, font_colour=font_colour, font_family=font_family)
    return panels_figure(figure, font_colour=font_colour, font_family=font_family)
