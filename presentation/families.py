"""Every family of results knows how it is printed once this module is imported.

Each module named here registers `table_of`, `more_tables_of`, `figures_of` and `methods_text` for
its result classes. None of them imports a library of the heavy lane.
"""

from __future__ import annotations

from presentation import (
    cohort,
    comparison,
    correlation,
    diagnostic_test,
    models,
    roc,
    stratified,
    survival,
    two_by_two,
    validation,
)
from presentation.figures import (
    Figure,
    every_figure_of,
    figure_of,
    figures_of,
    more_tables_of,
)
from presentation.journal import table_of
from presentation.methods import methods_text

#: The modules that have registered themselves.
FAMILIES = (
    cohort,
    comparison,
    correlation,
    diagnostic_test,
    models,
    roc,
    stratified,
    survival,
    two_by_two,
    validation,
)

__all__ = [
    "FAMILIES",
    "Figure",
    "every_figure_of",
    "figure_of",
    "figures_of",
    "methods_text",
    "more_tables_of",
    "table_of",
]
