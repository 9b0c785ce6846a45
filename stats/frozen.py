"""Immutable tables and the frozen dataclasses that hold them.

A table is kept as immutable columns; reading a table attribute builds a fresh DataFrame, so that
nothing a caller does to it reaches the next reader.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ColumnKind = Literal["text", "float", "count", "flag"]

_DTYPES: dict[str, np.dtype[Any]] = {
    "float": np.dtype("<f8"),
    "count": np.dtype("<i8"),
    "flag": np.dtype("?"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One immutable column: text as a tuple (None = missing), numbers as little-endian bytes.

    A `count` whose value is not known anywhere is stored as `float` with NaN.
    """

    name: str
    kind: ColumnKind
    data: bytes | tuple[str | None, ...]

    def array(self) -> NDArray[Any]:
        """The values as a new array (object for text)."""
        if isinstance(self.data, bytes):
            return np.frombuffer(self.data, dtype=_DTYPES[self.kind]).copy()
        values = np.empty(len(self.data), dtype=object)
        values[:] = self.data
        return values


@dataclass(frozen=True, slots=True, eq=False)
class FrozenTable:
    """An immutable table. `frame()` gives an independent DataFrame."""

    columns: tuple[Column, ...]
    n_rows: int

    def frame(self) -> pd.DataFrame:
        """Build a DataFrame that shares no memory with this table."""
        data: dict[str, Any] = {}
        for column in self.columns:
            if isinstance(column.data, bytes):
                data[column.name] = column.array()
            else:
                data[column.name] = pd.array(list(column.data), dtype="str")
        return pd.DataFrame(data, index=pd.RangeIndex(self.n_rows), copy=False)

    def column(self, name: str) -> NDArray[Any]:
        """One column as a new array; KeyError when there is none of that name."""
        for column in self.columns:
            if column.name == name:
                return column.array()
        raise KeyError(name)


#: Kinds whose cells `array` packs as `_DTYPES` says, on machines that store the low byte first.
_ITEMS: dict[str, str] = {"float": "d", "count": "q"} if sys.byteorder == "little" else {}
_PLAIN_CELLS = frozenset({str, type(None)})


def _freeze_column(name: str, kind: ColumnKind, values: object) -> tuple[Column, int]:
    if kind == "text":
        cells = tuple(values)  # type: ignore[arg-type]
        if not _PLAIN_CELLS.issuperset(map(type, cells)):
            cells = tuple(_cell(v) for v in cells)
        return Column(name, kind, cells), len(cells)
    if isinstance(values, array):
        return Column(name, kind, values.tobytes()), len(values)
    if type(values) is list and kind in _ITEMS:
        try:  # a list of plain numbers, as most columns are, without the way through numpy
            return Column(name, kind, array(_ITEMS[kind], values).tobytes()), len(values)
        except TypeError:
            pass
    numbers = np.asarray(values)
    if numbers.dtype is _DTYPES[kind] and numbers.ndim == 1:  # nothing to convert
        return Column(name, kind, numbers.tobytes()), len(numbers)
    if numbers.ndim != 1:
        raise TypeError(f"column {name!r} must have one dimension, not {numbers.ndim}")
    if kind == "count" and numbers.dtype.kind == "f" and np.isnan(numbers).any():
        kind = "float"
    frozen = numbers.astype(_DTYPES[kind], copy=False)
    return Column(name, kind, frozen.tobytes()), len(frozen)


def _cell(value: object) -> str | None:
    if type(value) is str or value is None:
        return value
    if value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value)


def numbers(values: list[Any], kind: Literal["float", "count"]) -> object:
    """A list of numbers as a column of this kind, also where no contract names the column."""
    if kind in _ITEMS:
        return array(_ITEMS[kind], values)
    return np.array(values, dtype=_DTYPES[kind])


def _kind_of(values: object) -> ColumnKind:
    if isinstance(values, array):
        return "float" if values.typecode == "d" else "count"
    dtype = getattr(values, "dtype", None)
    code = getattr(dtype, "kind", "O")
    if code in "iu":
        return "count"
    if code == "f":
        return "float"
    return "flag" if code == "b" and isinstance(dtype, np.dtype) else "text"


def freeze_table(
    values: FrozenTable | pd.DataFrame | Mapping[str, object],
    columns: Mapping[str, ColumnKind],
    *,
    more: bool,
) -> FrozenTable:
    """Check a table against its contract and make it immutable.

    `columns` must all be present, in this order, before any others; others are allowed
    when `more` is true. TypeError otherwise: a table that breaks its contract is a defect of
    ours, not of the user's data.
    """
    if isinstance(values, FrozenTable):
        names = [column.name for column in values.columns]
    else:
        names = [str(name) for name in values]
    expected = list(columns)
    if names[: len(expected)] != expected or (not more and len(names) != len(expected)):
        raise TypeError(f"table has columns {names}, its contract says {expected}")
    if isinstance(values, FrozenTable):
        return values
    frozen: list[Column] = []
    lengths: set[int] = set()
    from_frame = isinstance(values, pd.DataFrame)
    for name in names:
        cells = values[name].array if from_frame else values[name]
        kind = columns.get(name) or _kind_of(cells)
        column, length = _freeze_column(name, kind, cells)
        frozen.append(column)
        lengths.add(length)
    if len(lengths) > 1:
        raise TypeError(f"table columns have different lengths: {sorted(lengths)}")
    return FrozenTable(tuple(frozen), lengths.pop() if lengths else 0)


class FrameField:
    """A table attribute of a result: takes a DataFrame or mapping, gives a fresh DataFrame."""

    def __init__(self, columns: Mapping[str, ColumnKind], *, more: bool = False) -> None:
        self.columns = columns
        self.more = more
        self.slot = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.slot = f"_{name}"

    @overload
    def __get__(self, instance: None, owner: type) -> FrameField: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> pd.DataFrame: ...
    def __get__(self, instance: object | None, owner: type | None = None) -> object:
        if instance is None:
            raise AttributeError("a table attribute has no default")
        return instance.__dict__[self.slot].frame()

    def __set__(
        self, instance: object, value: FrozenTable | pd.DataFrame | Mapping[str, object]
    ) -> None:
        instance.__dict__[self.slot] = freeze_table(value, self.columns, more=self.more)


_ATOMS = frozenset({str, bool, int, float, type(None)})


def freeze(value: Any) -> Any:
    """Make plain data immutable: mappings read-only, lists to tuples, numpy scalars plain."""
    if type(value) in _ATOMS:  # nine of ten values
        return value
    if isinstance(value, (list, tuple)):
        plain = _ATOMS.issuperset(map(type, value))
        return tuple(value if plain else [freeze(v) for v in value])
    if isinstance(value, (Fact, Frozen, FrozenTable)):
        return value
    if isinstance(value, Mapping):
        return MappingProxyType({str(k): freeze(v) for k, v in value.items()})
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"a result cannot hold a {type(value).__name__}")


class Fact:
    """Base of small immutable records that a frozen dataclass may hold as they are."""

    __slots__ = ()


class Frozen:
    """Base of frozen dataclasses with table attributes; knows how the codec takes it apart."""

    def __post_init__(self) -> None:
        for name, value in self._plain():
            object.__setattr__(self, name, freeze(value))

    def _plain(self) -> Iterator[tuple[str, object]]:
        for item in fields(self):  # type: ignore[arg-type]
            if f"_{item.name}" not in self.__dict__:
                yield item.name, getattr(self, item.name)

    def codec_state(self) -> dict[str, object]:
        """Field name -> value that the constructor takes back; tables stay frozen."""
        state: dict[str, object] = {}
        for item in fields(self):  # type: ignore[arg-type]
            frozen = self.__dict__.get(f"_{item.name}")
            state[item.name] = frozen if frozen is not None else getattr(self, item.name)
        return state

    def table(self, name: str) -> FrozenTable:
        """The immutable table behind a table attribute, without building a DataFrame."""
        return self.__dict__[f"_{name}"]
