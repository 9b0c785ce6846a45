"""One byte string per value, the same in every process: the alphabet that keys are written in.

Every value carries its type, every variable-length part its length, so that two different
values never share bytes. Nothing is guessed: `repr`, `hash`, `str` of unknown types and pickle
take no part, because each of them gives equal text for unequal values or unequal text for
equal ones.

Rules: 1, 1.0, True, "1" and None differ. A number from numpy is its Python value. -0.0 is 0.0
and every NaN is one NaN. Lists and tuples agree unless `exact_sequences`. Mappings are sorted
by key. Sets are refused: their order is not stable between processes.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from utils.errors import UnkeyableValue

_DEEPEST = 64
_NAN = struct.pack("<d", math.nan)

#: Turns a value that this room does not know into bytes, or gives None.
Unknown = Callable[[object], bytes | None]


def _sized(tag: bytes, payload: bytes) -> bytes:
    return tag + len(payload).to_bytes(8, "little") + payload


def _text(value: str) -> bytes:
    return _sized(b"s", value.encode("utf-8", "surrogatepass"))


def _texts(values: list[str] | tuple[str, ...]) -> bytes:
    """Many texts at once: number, lengths in characters, characters."""
    lengths = struct.pack(f"<{len(values)}Q", *map(len, values))
    return b"S" + _sized(b"x", lengths) + _text("".join(values))


def _whole(value: int) -> bytes:
    return _sized(b"i", value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True))


def _real(value: float) -> bytes:
    # Adding 0.0 turns -0.0 into 0.0 and leaves every other number alone.
    return b"f" + (_NAN if math.isnan(value) else struct.pack("<d", value + 0.0))


def _moment(value: dt.datetime) -> bytes:
    zone = "" if value.tzinfo is None else str(value.tzinfo)
    return _text(f"{value.isoformat()}|{zone}|{value.fold}")


_SCALARS: Mapping[type, Callable[[Any], bytes]] = MappingProxyType(
    {
        type(None): lambda _: b"n",
        bool: lambda v: b"T" if v else b"F",
        int: _whole,
        float: _real,
        str: _text,
        bytes: lambda v: _sized(b"b", v),
        dt.date: lambda v: b"d" + _text(v.isoformat()),
        dt.datetime: lambda v: b"D" + _moment(v),
        dt.time: lambda v: b"h" + _text(f"{v.isoformat()}|{v.tzinfo}|{v.fold}"),
        dt.timedelta: lambda v: b"e" + b"".join(map(_whole, (v.days, v.seconds, v.microseconds))),
        decimal.Decimal: lambda v: b"c" + _text(str(v)),
        pd.Timestamp: lambda v: b"P" + _moment(v) + _text(v.unit),
        pd.Timedelta: lambda v: b"p" + _whole(v.value) + _text(v.unit),
        type(pd.NaT): lambda _: b"Z",
        type(pd.NA): lambda _: b"A",
    }
)


def _numpy_scalar(value: np.generic) -> bytes:
    kind = value.dtype.kind
    if kind in "Mm":
        count = value.astype("i8").item()
        return b"w" + _text(value.dtype.str.lstrip("<>=|")) + _whole(count)
    if kind in "biuf" and value.dtype.itemsize <= 8:
        plain = value.item()
        return _SCALARS[type(plain)](plain)
    if kind in "US":
        plain = value.item()
        return _SCALARS[type(plain)](plain)
    raise UnkeyableValue(f"A choice is a number of the type {value.dtype}.")


def plain_array(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array little-endian and contiguous, with one NaN and no -0.0 (shape kept)."""
    kind = values.dtype.kind
    if kind not in "biufMm" or values.dtype.itemsize > 8:
        raise UnkeyableValue(f"An array has the type {values.dtype}.")
    if kind == "f":
        values = values + values.dtype.type(0.0)
        missing = np.isnan(values)
        if missing.any():
            values[missing] = np.nan
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).reshape(values.shape)


def array_bytes(values: np.ndarray[Any, Any]) -> bytes:
    """Type, shape and content of a numpy array of numbers, flags or times."""
    plain = plain_array(values)
    shape = b"".join(map(_whole, plain.shape))
    kind = plain.dtype.str.encode()
    return _sized(b"N", kind) + _sized(b"x", shape) + _sized(b"b", plain.tobytes())


class _Writer:
    """One walk over a value."""

    def __init__(self, unknown: Unknown, *, exact_sequences: bool) -> None:
        self._unknown = unknown
        self._exact = exact_sequences

    def write(self, value: object, depth: int = 0) -> bytes:
        scalar = _SCALARS.get(type(value))
        if scalar is not None:
            return scalar(value)
        if depth > _DEEPEST:
            raise UnkeyableValue("A choice is nested too deeply.", hint="Use a flat list.")
        if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
            tag = b"L" if self._exact and type(value) is list else b"l"
            return self._many(tag, value, depth)
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, np.generic):
            return _numpy_scalar(value)
        if isinstance(value, np.ndarray) and value.dtype.kind != "O":
            return array_bytes(value)
        return self._other(value, depth)

    def _many(self, tag: bytes, values: list[Any] | tuple[Any, ...], depth: int) -> bytes:
        if values and set(map(type, values)) == {str}:
            return tag + _texts(values)
        parts = [self.write(item, depth + 1) for item in values]
        return tag + b"#" + len(parts).to_bytes(8, "little") + b"".join(parts)

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> bytes:
        pairs = sorted(
            (self.write(key, depth + 1), self.write(item, depth + 1)) for key, item in value.items()
        )
        body = b"".join(key + item for key, item in pairs)
        return b"m" + len(pairs).to_bytes(8, "little") + body

    def _other(self, value: object, depth: int) -> bytes:
        found = self._unknown(value)
        if found is not None:
            return _sized(b"u", found)
        kind = type(value)
        if is_dataclass(value) and kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            state = {item.name: getattr(value, item.name) for item in fields(value)}
            return (
                b"k" + _text(f"{kind.__module__}:{kind.__qualname__}") + self._mapping(state, depth)
            )
        raise UnkeyableValue(
            f'A choice has the type "{kind.__name__}", which cannot be recognised.'
        )


def _refuse(_value: object) -> None:
    return None


def canonical_bytes(
    value: object, *, unknown: Unknown = _refuse, exact_sequences: bool = False
) -> bytes:
    """The bytes that stand for `value` in a key.

    Knows None, bool, int, float, str, bytes, dates and times, Decimal, numpy scalars and
    numeric arrays, lists, tuples, mappings and frozen dataclasses of these. `unknown` may add
    more; UnkeyableValue for anything else.
    """
    return _Writer(unknown, exact_sequences=exact_sequences).write(value)
