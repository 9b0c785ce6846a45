"""One class of result for several analyses: each kind within it has a printer of its own.

    CURVES = PrinterBook(CurveResult, kind=lambda result: result.curve)
    CURVES.add("survival", Printer(table=..., more_tables=..., figures=..., methods=...))

A result whose kind has no printer is refused, as any class without a registration is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from presentation.details import exclusions_table
from presentation.figures import Figure, figures_of, more_tables_of
from presentation.journal import table_of
from presentation.methods import methods_text
from presentation.names import Names, names_of
from presentation.numbers import PLAIN, NumberStyle
from presentation.table import Table
from stats.result import Result

R = TypeVar("R", bound=Result)
Words = Mapping[str, str]


def no_figures(_result: Result, _names: Names, _style: NumberStyle) -> tuple[Figure, ...]:
    """For kinds without a figure."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Printer(Generic[R]):
    """How one kind is printed; `methods` gets the versions of what computed it."""

    table: Callable[[R, Names, NumberStyle], Table]
    more_tables: Callable[[R, Names, NumberStyle], tuple[Table, ...]]
    methods: Callable[[R, Names, Words], str]
    figures: Callable[[R, Names, NumberStyle], tuple[Figure, ...]] = no_figures


class PrinterBook(Generic[R]):
    """The printers of one class of result, found by kind.

    `always_rows`: the table of rows used stands there also when none was left out.
    """

    def __init__(
        self, results: type[R], *, kind: Callable[[R], str], always_rows: bool = False
    ) -> None:
        self._kind = kind
        self._always_rows = always_rows
        self._printers: dict[str, Printer[R]] = {}
        table_of.register(results)(self._table)
        more_tables_of.register(results)(self._more_tables)
        figures_of.register(results)(self._figures)
        methods_text.register(results)(self._methods)

    def add(self, kind: str, printer: Printer[R]) -> None:
        """Say how results of this kind are printed."""
        self._printers[kind] = printer

    def _printer(self, result: R) -> Printer[R]:
        kind = self._kind(result)
        if kind not in self._printers:
            raise TypeError(f"no printer is known for results of {kind}")
        return self._printers[kind]

    def _table(
        self, result: R, *, labels: Words | None = None, units: Words | None = None,
        style: NumberStyle = PLAIN,
    ) -> Table:  # fmt: skip
        return self._printer(result).table(result, names_of(result.choices, labels, units), style)

    def _more_tables(
        self, result: R, *, labels: Words | None = None, units: Words | None = None,
        style: NumberStyle = PLAIN,
    ) -> tuple[Table, ...]:  # fmt: skip
        names = names_of(result.choices, labels, units)
        found = self._printer(result).more_tables(result, names, style)
        said = self._always_rows or bool(result.exclusions)
        return (*found, exclusions_table(result)) if said else found

    def _figures(
        self, result: R, *, labels: Words | None = None, units: Words | None = None,
        style: NumberStyle = PLAIN,
    ) -> tuple[Figure, ...]:  # fmt: skip
        return self._printer(result).figures(result, names_of(result.choices, labels, units), style)

    def _methods(
        self, result: R, *, versions: Words, labels: Words | None = None,
        units: Words | None = None,
    ) -> str:  # fmt: skip
        return self._printer(result).methods(
            result, names_of(result.choices, labels, units), versions
        )
