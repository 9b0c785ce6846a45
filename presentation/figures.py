"""The figures of a result, and the tables that stand beside its main one.

    @figures_of.register
    def _(result: CurveResult, *, labels=None, units=None, style=PLAIN) -> tuple[Figure, ...]:
        return (Plot(...),)

A family of results registers here, in `journal.table_of` and in `methods.methods_text`, in a file
of its own that `presentation.families` imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

from presentation.descriptives import descriptives_table
from presentation.details import details_tables, exclusions_table
from presentation.extra_figures import extra_figures
from presentation.extra_tables import extra_tables
from presentation.flow import FlowBox, FlowChart
from presentation.forest import ForestPlot, forest_of
from presentation.names import names_of
from presentation.numbers import PLAIN, NumberStyle
from presentation.plot import Plot
from presentation.table import Table
from presentation.text import sentence
from stats.result import EffectsResult, OutcomeResult, Result

Figure = ForestPlot | Plot | FlowChart


@singledispatch
def figures_of(
    result: Result,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Figure, ...]:
    """Every figure of a result, the main one first; none for a result that has no figure.

    `labels` and `units` are by column name.
    """
    del result, labels, units, style
    return ()


@singledispatch
def more_tables_of(
    result: Result,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Table, ...]:
    """The tables that stand beside the main one (view Details), first what the paper needs.

    Without a registration: the rows used and left out.
    """
    del labels, units, style
    return (exclusions_table(result),) if result.exclusions else ()


def figure_of(
    result: Result,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> Figure | None:
    """The main figure of a result, or None."""
    found = figures_of(result, labels=labels, units=units, style=style)
    return found[0] if found else None


def flow_of(result: Result) -> FlowChart | None:
    """How the rows of the file come down to those analysed; None where none was left out."""
    left_out = {reason: n for reason, n in result.exclusions.items() if n}
    if not left_out:
        return None
    total = sum(left_out.values())
    exits = tuple(f"{sentence(reason).rstrip('.')}, n = {n}" for reason, n in left_out.items())
    return FlowChart(
        name="flow of rows",
        title="Rows of the file and rows analysed.",
        boxes=(
            FlowBox(("Rows in the file", f"n = {result.n_rows}")),
            FlowBox(("Rows analysed", f"n = {result.n_used}"), (f"Left out, n = {total}", *exits)),
        ),
        alt=(
            f"Flow chart. Of {result.n_rows} rows in the file {total} were left out "
            f"({'; '.join(exits)}); {result.n_used} were analysed."
        ),
    )


def every_figure_of(
    result: Result,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Figure, ...]:
    """The figures of a result and, last, the flow of its rows: what a card and a document show."""
    found = figures_of(result, labels=labels, units=units, style=style)
    own = any(isinstance(figure, FlowChart) for figure in found)
    flow = None if own else flow_of(result)
    return found if flow is None else (*found, flow)


@figures_of.register
def _(
    result: OutcomeResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Figure, ...]:
    forest = forest_of(result, labels=labels, units=units, style=style)
    return forest, *extra_figures(result, names_of(result.choices, labels, units), style)


@figures_of.register
def _(
    result: EffectsResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Figure, ...]:
    return (forest_of(result, labels=labels, units=units, style=style),)


@more_tables_of.register
def _(
    result: OutcomeResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Table, ...]:
    words = {"labels": labels, "units": units}
    described = descriptives_table(result, style=style, **words)
    extra = extra_tables(result, names_of(result.choices, labels, units), style)
    return described, *extra, *details_tables(result, style=style, **words)
