"""A dataset known by its shape alone: for planning an analysis before there is any data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stats.errors import BadInput
from stats.variables import Dataset, Variable

_MOST_ROWS = 10**9
_MOST_VARIABLES = 1_000
_MOST_LEVELS = 100
_KINDS = ("continuous", "categorical", "ordered", "binary")


class ShapeOnly(Dataset):
    """A few rows in which every level occurs; `n_rows` is what was said."""

    def __init__(self, frame: pd.DataFrame, variables: Sequence[Variable], rows: int) -> None:
        super().__init__(frame, variables)
        self._rows = rows

    @property
    def n_rows(self) -> int:
        """Rows of the file that is planned for."""
        return self._rows


def shape_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """`name`, `data` (a ShapeOnly) and the choices, as `logic.plan` takes them.

    `asked` has "analysis", "rows", "variables" ({"name", "kind", "levels": how many or which}) and
    "choices". BadInput says what is wrong with it.
    """
    if not isinstance(asked, Mapping):
        raise _bad("The request is not an object.", 'Send {"analysis": ...}.')
    rows, name = asked.get("rows"), asked.get("analysis")
    if not isinstance(name, str):
        raise _bad("No analysis is named.", "Give its name as analysis.")
    if type(rows) is not int or not 1 <= rows <= _MOST_ROWS:
        raise _bad("rows is not a number of rows.", f"Give a whole number from 1 to {_MOST_ROWS}.")
    choices = asked.get("choices", {})
    if not isinstance(choices, Mapping) or {"name", "data"} & set(choices):
        raise _bad("choices is not an object of choices.", "Give them by name.")
    return {**choices, "name": name, "data": _dataset(asked.get("variables"), rows)}


def _dataset(listed: object, rows: int) -> ShapeOnly:
    if not isinstance(listed, Sequence) or not 1 <= len(listed) <= _MOST_VARIABLES:
        raise _bad("variables is not a list of variables.", f"Give 1 to {_MOST_VARIABLES}.")
    levels = {name: (kind, found) for name, kind, found in map(_described, listed)}
    shown = 2 * max((len(found) for _, found in levels.values()), default=1) + 2
    columns = {
        name: pd.Series(np.resize(np.array(found, dtype=object), shown)) if found
        else pd.Series(np.arange(shown, dtype=float))
        for name, (_, found) in levels.items()
    }  # fmt: skip
    table = [
        Variable(name=name, kind=kind, levels=found)  # type: ignore[arg-type]
        for name, (kind, found) in levels.items()
    ]
    return ShapeOnly(pd.DataFrame(columns), table, rows)


def _described(item: object) -> tuple[str, str, tuple[str, ...]]:
    if not isinstance(item, Mapping):
        raise _bad("A variable is not an object.", 'Give {"name": ..., "kind": ...}.')
    name, kind, levels = item.get("name"), item.get("kind"), item.get("levels")
    if not isinstance(name, str) or kind not in _KINDS:
        raise _bad("A variable lacks name or kind.", f"Kinds are {', '.join(_KINDS)}.")
    if kind == "continuous":
        return name, kind, ()
    if levels is None:
        levels = 2
    if type(levels) is int:
        found = tuple(str(i) for i in range(min(max(levels, 0), _MOST_LEVELS + 1)))
    else:
        found = tuple(str(level) for level in levels) if isinstance(levels, Sequence) else ()
    if not 2 <= len(found) <= _MOST_LEVELS:
        raise _bad("A factor has no levels that can be planned for.",
                   f"Give how many (2 to {_MOST_LEVELS}) or which.")  # fmt: skip
    return name, str(kind), found


def _bad(message: str, hint: str) -> BadInput:
    return BadInput(message, rule="shape", hint=hint)
