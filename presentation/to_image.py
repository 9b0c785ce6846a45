"""Any figure as SVG, PNG or PDF (heavy lane)."""

from __future__ import annotations

from presentation.drawing import ImageKind
from presentation.figures import Figure
from presentation.flow import FlowChart
from presentation.flow_image import flow_image
from presentation.forest import ForestPlot
from presentation.forest_image import forest_image
from presentation.plot_image import plot_image


def figure_image(figure: Figure, kind: ImageKind) -> bytes:
    """The file of a figure; the same figure always gives the same bytes."""
    if isinstance(figure, ForestPlot):
        return forest_image(figure, kind)
    if isinstance(figure, FlowChart):
        return flow_image(figure, kind)
    return plot_image(figure, kind)
