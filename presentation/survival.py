"""Registers how survival curves and cumulative incidences are printed."""

from __future__ import annotations

from presentation.curves import CURVES, CurvePrinter
from presentation.incidence_figure import incidence_figures
from presentation.incidence_methods import incidence_methods
from presentation.incidence_tables import incidence_table, more_incidence_tables
from presentation.survival_figure import survival_figures
from presentation.survival_methods import survival_methods
from presentation.survival_tables import more_survival_tables, survival_table

CURVES.add(
    "survival",
    CurvePrinter(
        table=survival_table, more_tables=more_survival_tables, figures=survival_figures,
        methods=survival_methods,
    ),
)  # fmt: skip
CURVES.add(
    "cumulative incidence",
    CurvePrinter(
        table=incidence_table, more_tables=more_incidence_tables, figures=incidence_figures,
        methods=incidence_methods,
    ),
)  # fmt: skip
