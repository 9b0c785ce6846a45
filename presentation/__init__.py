"""Results as tables, figures and text, and those as pages and documents."""

from __future__ import annotations

#: Frozen dataclasses of plain fields that travel to the process that renders documents.
TRAVELLERS: tuple[str, ...] = (
    "presentation.table:Cell",
    "presentation.table:Column",
    "presentation.table:Spanner",
    "presentation.table:Row",
    "presentation.table:Footnote",
    "presentation.table:Table",
    "presentation.forest:ForestMark",
    "presentation.forest:ForestRow",
    "presentation.forest:ForestPlot",
    "presentation.layers:Line",
    "presentation.layers:Points",
    "presentation.layers:CensorTicks",
    "presentation.layers:Segments",
    "presentation.layers:Bars",
    "presentation.layers:Box",
    "presentation.layers:Rule",
    "presentation.layers:Cells",
    "presentation.layers:Words",
    "presentation.plot:Series",
    "presentation.plot:Tick",
    "presentation.plot:Axis",
    "presentation.plot:BelowRow",
    "presentation.plot:Below",
    "presentation.plot:Panel",
    "presentation.plot:Plot",
    "presentation.flow:FlowBox",
    "presentation.flow:FlowChart",
)
