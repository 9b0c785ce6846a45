"""How pandas objects are written by the codec: nodes `["pd", kind, ...]` of arrays and texts.

Frames, series, indexes (also of several levels), text, categories, times with and without zone,
nullable numbers and intervals. `attrs`, `freq` and the position of blocks in memory are not
kept. Anything else is a CodecError. Readers take the parts of a node in the order in which
writers wrote them: the blocks come in that order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from utils.errors import CodecError

Node = Callable[[Any], Any]
_ZONE = re.compile(r"(?!dateutil)[A-Za-z][A-Za-z0-9_+:-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,3}")
_NULLABLE = re.compile(r"U?Int(8|16|32|64)|Float(32|64)|boolean")


def _frame_node(frame: pd.DataFrame, node: Node) -> list[Any]:
    labels = [_index_node(frame.index, node), _index_node(frame.columns, node)]
    columns = [_array_node(frame.iloc[:, at].array, node) for at in range(frame.shape[1])]
    return ["pd", "frame", *labels, columns]


def _series_node(series: pd.Series, node: Node) -> list[Any]:
    return [
        "pd", "series", node(series.name), _index_node(series.index, node),
        _array_node(series.array, node),
    ]  # fmt: skip


def _index_node(index: pd.Index, node: Node) -> list[Any]:
    if isinstance(index, pd.RangeIndex):
        return ["pd", "range", index.start, index.stop, index.step, node(index.name)]
    if isinstance(index, pd.MultiIndex):
        levels = [_index_node(level, node) for level in index.levels]
        codes = [node(np.asarray(code)) for code in index.codes]
        return ["pd", "levels", levels, codes, node(tuple(index.names))]
    return ["pd", "index", node(index.name), _array_node(index.array, node)]


def _array_node(array: Any, node: Node) -> list[Any]:
    dtype = array.dtype
    if isinstance(array, pd.Categorical):
        categories = _index_node(array.categories, node)
        return ["pd", "category", bool(array.ordered), categories, node(np.asarray(array.codes))]
    if isinstance(dtype, pd.StringDtype):
        cells = [c if type(c) is str else None for c in np.asarray(array, dtype=object).tolist()]
        return ["pd", "text", dtype.na_value is pd.NA, node(cells)]
    if isinstance(array, pd.arrays.NumpyExtensionArray):
        return node(array.to_numpy())
    if isinstance(array, (pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray)):
        return _time_node(array, node)
    return _rare_array_node(array, node)


def _time_node(array: Any, node: Node) -> list[Any]:
    dtype = array.dtype
    if not isinstance(dtype, pd.DatetimeTZDtype):
        return ["pd", "time", node(np.asarray(array))]
    zone = str(dtype.tz)
    if not _ZONE.fullmatch(zone):
        raise CodecError("A column has a time zone without a name.")
    return ["pd", "zoned", zone, node(np.asarray(array, dtype=f"M8[{dtype.unit}]"))]


def _rare_array_node(array: Any, node: Node) -> list[Any]:
    dtype = array.dtype
    if isinstance(array, (pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray)):
        missing = np.asarray(array.isna(), dtype=bool)
        numbers = array.to_numpy(dtype=dtype.numpy_dtype, na_value=0)
        return ["pd", "nullable", str(dtype), node(numbers), node(missing)]
    if isinstance(array, pd.arrays.IntervalArray):
        left, right = _index_node(array.left, node), _index_node(array.right, node)
        return ["pd", "interval", str(array.closed), left, right]
    raise CodecError(f"A column of the type {dtype} cannot be stored.")


def node_of(value: object, node: Node) -> list[Any]:
    """The header node of a pandas object; CodecError for any other type."""
    if type(value) is pd.DataFrame:
        return _frame_node(value, node)
    if type(value) is pd.Series:
        return _series_node(value, node)
    if isinstance(value, pd.Index):
        return _index_node(value, node)
    if isinstance(value, pd.api.extensions.ExtensionArray):
        # An array on its own is told from the numpy array that it may be written as.
        return ["pd", "array", _array_node(value, node)]
    if value is pd.NaT:
        return ["pd", "no time"]
    if value is pd.NA:
        return ["pd", "missing"]
    raise CodecError(f"A value of the type {type(value).__name__} cannot be stored.")


def _frame(value: Node, index: Any, columns: Any, arrays: list[Any]) -> pd.DataFrame:
    rows, names = value(index), value(columns)
    data = {at: value(array) for at, array in enumerate(arrays)}
    if any(len(array) != len(rows) for array in data.values()):
        raise CodecError("Stored bytes describe columns of different lengths.")
    frame = pd.DataFrame(data, index=rows, copy=False)
    frame.columns = names
    return frame


def _series(value: Node, name: Any, index: Any, array: Any) -> pd.Series:
    named, labels = value(name), value(index)
    return pd.Series(value(array), index=labels, name=named, copy=False)


def _range(value: Node, start: int, stop: int, step: int, name: Any) -> pd.RangeIndex:
    return pd.RangeIndex(start, stop, step, name=value(name))


def _levels(value: Node, levels: list[Any], codes: list[Any], names: Any) -> pd.MultiIndex:
    found = [value(level) for level in levels]
    return pd.MultiIndex(levels=found, codes=[value(c) for c in codes], names=value(names))


def _index(value: Node, name: Any, array: Any) -> pd.Index:
    named = value(name)
    cells = value(array)
    # Without the dtype pandas would guess one for object cells and for no cells at all.
    return pd.Index(cells, dtype=cells.dtype, name=named)


def _category(value: Node, ordered: bool, categories: Any, codes: Any) -> pd.Categorical:
    labels = value(categories)
    return pd.Categorical.from_codes(value(codes), labels, ordered=bool(ordered))


def _text(value: Node, nullable: bool, cells: Any) -> Any:
    kind = pd.StringDtype("python", na_value=pd.NA if nullable else np.nan)
    found = value(cells)
    if set(map(type, found)) - {str, type(None)}:
        raise CodecError("Stored bytes hold text that is not text.")
    return pd.array(found, dtype=kind)


def _time(value: Node, array: Any) -> Any:
    found = value(array)
    if found.dtype.kind not in "Mm":
        raise CodecError("Stored bytes hold times that are not times.")
    return pd.array(found, copy=False)


def _zoned(value: Node, zone: str, moments: Any) -> Any:
    if not _ZONE.fullmatch(zone):
        raise CodecError("Stored bytes name an unusable time zone.")
    return pd.DatetimeIndex(value(moments)).tz_localize("UTC").tz_convert(zone).array


def _nullable(value: Node, kind: str, numbers: Any, missing: Any) -> Any:
    if not _NULLABLE.fullmatch(kind):
        raise CodecError("Stored bytes describe a column of an unknown type.")
    found, gaps = value(numbers), value(missing)
    if kind == "boolean":
        return pd.arrays.BooleanArray(found, gaps)
    maker = pd.arrays.FloatingArray if kind.startswith("Float") else pd.arrays.IntegerArray
    return maker(found, gaps)


def _interval(value: Node, closed: Any, left: Any, right: Any) -> Any:
    return pd.arrays.IntervalArray.from_arrays(value(left), value(right), closed=closed)


def _as_array(value: Node, array: Any) -> Any:
    found = value(array)
    return pd.arrays.NumpyExtensionArray(found) if isinstance(found, np.ndarray) else found


_MAKERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "frame": _frame,
        "series": _series,
        "range": _range,
        "levels": _levels,
        "index": _index,
        "category": _category,
        "text": _text,
        "time": _time,
        "zoned": _zoned,
        "nullable": _nullable,
        "interval": _interval,
        "array": _as_array,
        "no time": lambda _value: pd.NaT,
        "missing": lambda _value: pd.NA,
    }
)


def value_of(node: tuple[Any, ...], value: Node) -> Any:
    """The pandas object that `node` describes (without its leading tag)."""
    return _MAKERS[node[0]](value, *node[1:])
