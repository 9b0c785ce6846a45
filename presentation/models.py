"""Registers how linear, count and Cox models are printed."""

from __future__ import annotations

from collections.abc import Mapping

from presentation.figures import Figure, figures_of, more_tables_of
from presentation.forest import forest_of
from presentation.journal import table_of
from presentation.methods import methods_text
from presentation.model_methods import model_methods
from presentation.model_tables import model_table, more_model_tables
from presentation.names import names_of
from presentation.numbers import PLAIN, NumberStyle
from presentation.table import Table
from stats.result import ModelResult


@table_of.register
def _(
    result: ModelResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> Table:
    return model_table(result, names_of(result.choices, labels, units), style)


@more_tables_of.register
def _(
    result: ModelResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Table, ...]:
    return more_model_tables(result, names_of(result.choices, labels, units), style)


@figures_of.register
def _(
    result: ModelResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Figure, ...]:
    return (forest_of(result, labels=labels, units=units, style=style),)


@methods_text.register
def _(
    result: ModelResult,
    *,
    versions: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> str:
    return model_methods(result, names_of(result.choices, labels, units), versions)
