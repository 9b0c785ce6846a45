"""How a saved session says that its file is read: choices and variable table, where they fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import logic
from logic import BadSessionFile, Dataset, Imported, ReadChoices, Variable

_CHOICE_TEXTS = ("encoding", "separator", "decimal_mark", "sheet")
_CHARACTERS = 200


def variables_of(
    found: Imported, rows: tuple[Mapping[str, Any], ...]
) -> tuple[list[Variable], int]:
    """The variable table of the session where it fits the file, else as proposed; how many rows
    did not fit."""
    saved = {str(row["name"]): row for row in rows}
    proposed = Dataset(found.frame, found.variables)
    table: list[Variable] = []
    unfit = len(saved.keys() - {variable.name for variable in found.variables})
    for variable in found.variables:
        row = saved.get(variable.name)
        own = None if row is None else _variable(row, proposed)
        unfit += row is not None and own is None
        table.append(own or variable)
    return table, unfit


def _variable(row: Mapping[str, Any], proposed: Dataset) -> Variable | None:
    try:
        values: dict[str, Any] = {
            n: tuple(v) if isinstance(v, (list, tuple)) else v for n, v in row.items()
        }
        own = Variable(**values)
        proposed.with_variables([own]).column(own.name)  # applies the kind to every value
    except logic.StatsError:
        return None
    return own


def read_choices_of(plain: Mapping[str, Any]) -> ReadChoices:
    """Choices of reading, each of its own type. BadSessionFile for anything else."""
    given = {name: value for name, value in plain.items() if value is not None}
    texts: dict[str, Any] = {name: given.pop(name) for name in _CHOICE_TEXTS if name in given}
    lists: dict[str, Any] = {
        n: _texts(given.pop(n)) for n in ("missing_words", "text_columns") if n in given
    }
    header, order = given.pop("header_row", None), given.pop("date_order", None)
    good = (
        not given
        and all(isinstance(value, str) and len(value) <= _CHARACTERS for value in texts.values())
        and None not in lists.values()
        and (header is None or (type(header) is int and 0 <= header <= 1_000_000))
        and order in (None, "day first", "month first")
    )
    if not good:
        raise BadSessionFile(
            "This saved session says nothing sensible about how its file is to be read.",
            hint="Save it again, or load your data file itself.",
        )
    return ReadChoices(**texts, **lists, header_row=header, date_order=order)  # type: ignore[arg-type]


def _texts(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, (list, tuple)):
        return None
    texts = tuple(v for v in value if isinstance(v, str) and len(v) <= _CHARACTERS)
    return texts if len(texts) == len(value) else None
