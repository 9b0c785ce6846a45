"""Keys: what a result depends on, as one digest.

    fingerprint_column   everything about a column that a statistic can see, except its name
    fingerprint_frame    names, order and row labels as well
    KeyParts, make_key   function, version, columns, choices and libraries -> one key

A key never samples and never depends on `repr`, `hash` or a memory layout. `explain` says which
part of two keys differs. pandas' own row hash is not used: it ignores column names, category
order and dtypes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import blake3
import numpy as np
import pandas as pd

from utils.canonical import canonical_bytes, plain_array
from utils.errors import UnkeyableValue

#: Version of everything in this file and in `canonical`. Raising it makes old entries misses.
FORMAT = "clinstat-key-1-blake3"

Write = Callable[[Any], object]


def _bytes_of(values: np.ndarray[Any, Any]) -> Any:
    """The content as a buffer of bytes."""
    return plain_array(values).view("u1").data if values.size else b""


def _write_text(cells: list[Any], write: Write) -> None:
    """Text by value: lengths in characters (-1 = missing), then all characters."""
    lengths = np.fromiter(
        (len(c) if type(c) is str else -1 for c in cells), dtype="<i8", count=len(cells)
    )
    joined = "".join([c for c in cells if type(c) is str])
    write(b"text")
    write(lengths.tobytes())
    write(joined.encode("utf-8", "surrogatepass"))


def _is_missing(cell: object) -> bool:
    return (
        cell is None
        or cell is pd.NA
        or cell is pd.NaT
        or (isinstance(cell, float) and math.isnan(cell))
        or (isinstance(cell, (np.datetime64, np.timedelta64)) and bool(np.isnat(cell)))
    )


def _write_objects(values: np.ndarray[Any, Any], write: Write) -> None:
    """An object column. None, NaN, NA and NaT all mean "no value" and agree by choice."""
    cells = [None if _is_missing(c) else c for c in values.tolist()]
    if set(map(type, cells)) <= {str, type(None)}:
        _write_text(cells, write)
        return
    write(b"cells")
    for cell in cells:
        write(canonical_bytes(cell))


def _write_category(array: pd.Categorical, write: Write) -> None:
    categories = array.categories
    write(canonical_bytes(("category", bool(array.ordered), len(categories))))
    _write_values(categories.array, write)
    write(_bytes_of(array.codes))


def _write_extension(array: Any, write: Write) -> None:
    dtype = array.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        write(canonical_bytes(("datetime", dtype.unit, str(dtype.tz))))
        write(_bytes_of(np.asarray(array, dtype=f"M8[{dtype.unit}]")))
    elif isinstance(
        array, (pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray)
    ):
        missing = np.asarray(array.isna(), dtype=bool)
        write(canonical_bytes(("nullable", str(dtype))))
        write(missing.tobytes())
        write(_bytes_of(array.to_numpy(dtype=dtype.numpy_dtype, na_value=0)))
    elif isinstance(dtype, pd.PeriodDtype):
        write(canonical_bytes(("period", str(dtype))))
        write(_bytes_of(array.asi8))
    elif isinstance(dtype, pd.IntervalDtype):
        write(canonical_bytes(("interval", dtype.closed)))
        _write_values(array.left.array, write)
        _write_values(array.right.array, write)
    else:
        raise UnkeyableValue(f"A column has the type {dtype}.", hint="Convert the column first.")


def _write_values(array: Any, write: Write) -> None:
    """Type, length and content of one array of pandas or numpy."""
    if isinstance(array, pd.arrays.NumpyExtensionArray):
        array = array if isinstance(array.dtype, pd.StringDtype) else array.to_numpy()
    dtype = array.dtype
    write(len(array).to_bytes(8, "little"))
    if isinstance(array, pd.Categorical):
        _write_category(array, write)
    elif isinstance(dtype, pd.StringDtype):
        write(b"str" if dtype.na_value is not pd.NA else b"string")
        _write_text(np.asarray(array, dtype=object).tolist(), write)
    elif not isinstance(dtype, np.dtype):
        _write_extension(array, write)
    elif dtype.kind == "O":
        write(b"object")
        _write_objects(np.asarray(array, dtype=object), write)
    elif dtype.kind in "biufMm":
        write(canonical_bytes(("numbers", dtype.newbyteorder("<").str)))
        write(_bytes_of(np.asarray(array)))
    else:
        raise UnkeyableValue(f"A column has the type {dtype}.", hint="Convert the column first.")


def fingerprint_column(series: pd.Series) -> str:
    """A digest (64 hex digits) of dtype, category order, values, missing cells and length.

    The name and the row labels take no part. Every cell counts. -0.0 and 0.0 agree, as do all
    NaN payloads, byte orders and memory layouts; in object columns None and NaN agree.
    UnkeyableValue for a dtype without a canonical form. About 0.1 ms for 50,000 numbers.
    """
    digest = blake3.blake3()
    _write_values(series.array, digest.update)
    return digest.hexdigest()


def _write_index(index: pd.Index, write: Write) -> None:
    write(canonical_bytes(tuple(index.names), unknown=_frame_bytes))
    if isinstance(index, pd.MultiIndex):
        write(b"levels")
        for level in range(index.nlevels):
            _write_values(index.get_level_values(level).array, write)
        return
    # 0, 1, 2 ... is one and the same index however pandas holds it.
    start, step = _arithmetic(index)
    if step:
        write(canonical_bytes(("range", start, step, len(index))))
    else:
        _write_values(index.array, write)


def _arithmetic(index: pd.Index) -> tuple[int, int]:
    """(first, step) when the row labels are evenly spaced whole numbers, else (0, 0)."""
    if isinstance(index, pd.RangeIndex):
        return (index.start, index.step) if len(index) else (0, 1)
    if index.dtype != np.int64 or not len(index):
        return 0, 0
    values = index.to_numpy()
    step = int(values[1]) - int(values[0]) if len(values) > 1 else 1
    return (int(values[0]), step) if step and (np.diff(values) == step).all() else (0, 0)


def fingerprint_frame(frame: pd.DataFrame) -> str:
    """A digest of column names, their order, the row labels and every column."""
    digest = blake3.blake3()
    _write_index(frame.columns, digest.update)
    _write_index(frame.index, digest.update)
    for position in range(frame.shape[1]):
        digest.update(bytes.fromhex(fingerprint_column(frame.iloc[:, position])))
    return digest.hexdigest()


def _frame_bytes(value: object) -> bytes | None:
    if isinstance(value, pd.DataFrame):
        return b"frame" + bytes.fromhex(fingerprint_frame(value))
    if isinstance(value, pd.Series):
        whole = value.to_frame("") if value.name is None else value.to_frame()
        named = b"unnamed" if value.name is None else b"series"
        return named + bytes.fromhex(fingerprint_frame(whole))
    if isinstance(value, (pd.Index, pd.api.extensions.ExtensionArray)):
        digest = blake3.blake3(b"index" if isinstance(value, pd.Index) else b"array")
        if isinstance(value, pd.Index):
            _write_index(value, digest.update)
        else:
            _write_values(value, digest.update)
        return digest.digest()
    if isinstance(value, np.ndarray) and value.dtype.kind == "O" and value.ndim == 1:
        digest = blake3.blake3(b"objects")
        _write_values(value, digest.update)
        return digest.digest()
    return None


def canonical(value: object, *, exact_sequences: bool = False) -> bytes:
    """The bytes that stand for a choice in a key; see `utils/canonical.py` for the rules.

    Knows pandas objects too. UnkeyableValue (a TypeError) for unknown types.
    """
    return canonical_bytes(value, unknown=_frame_bytes, exact_sequences=exact_sequences)


def digest(*parts: bytes) -> str:
    """64 hex digits that stand for the parts, one after the other."""
    whole = blake3.blake3()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()


def digest_of(chunks: Iterable[bytes]) -> str:
    """As `digest`, for what arrives in pieces; nothing is held but the piece at hand."""
    whole = blake3.blake3()
    for chunk in chunks:
        whole.update(chunk)
    return whole.hexdigest()


@dataclass(frozen=True, kw_only=True)
class KeyParts:
    """What a result depends on. `columns` are (name, fingerprint) in the order given.

    `salt` separates those who must not share results (empty = everybody shares).
    """

    name: str
    row_version: int
    columns: tuple[tuple[str, str], ...]
    n_rows: int
    choices: Mapping[str, Any]
    versions: Mapping[str, str]
    salt: str = ""

    @cached_property
    def key(self) -> str:
        """64 hex digits."""
        whole = (
            FORMAT, self.name, self.row_version,
            tuple(name for name, _ in self.columns), tuple(mark for _, mark in self.columns),
            self.n_rows, self.choices, self.versions, self.salt,
        )  # fmt: skip
        return digest(canonical(whole))


def make_key(
    *,
    name: str,
    row_version: int,
    columns: Sequence[tuple[str, str]],
    n_rows: int,
    choices: Mapping[str, Any],
    versions: Mapping[str, str],
    salt: str = "",
) -> str:
    """The key of one result (64 hex digits). Arguments as in `KeyParts`."""
    return KeyParts(
        name=name, row_version=row_version, columns=tuple((n, f) for n, f in columns),
        n_rows=n_rows, choices=choices, versions=versions, salt=salt,
    ).key  # fmt: skip


def _changes(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    said: list[str] = []
    for name in sorted({*old, *new}):
        if name not in old:
            said.append(f'{what} "{name}" was added.')
        elif name not in new:
            said.append(f'{what} "{name}" was left out.')
        elif canonical(old[name]) != canonical(new[name]):
            said.append(f'{what} "{name}" changed.')
    return said


def explain(old: KeyParts, new: KeyParts) -> tuple[str, ...]:
    """Which parts of two keys differ, in words; empty when the keys are equal."""
    said: list[str] = []
    if old.name != new.name:
        said.append(f'The analysis is "{new.name}", not "{old.name}".')
    if old.row_version != new.row_version:
        said.append("The analysis itself was revised.")
    said += _changes("The data of the column", dict(old.columns), dict(new.columns))
    if old.n_rows != new.n_rows:
        said.append(f"The number of rows is {new.n_rows}, not {old.n_rows}.")
    said += _changes("The choice", old.choices, new.choices)
    said += _changes("The version of", old.versions, new.versions)
    if not said and old.columns != new.columns:
        said.append("The columns are in another order.")
    if not said and old.salt != new.salt:
        said.append("The result belongs to another workspace.")
    return tuple(said)


def explain_nameless(old: KeyParts, new: KeyParts) -> tuple[str, ...]:
    """As `explain`, for readers who must not learn the names of columns: those are counted."""
    before, now = dict(old.columns), dict(new.columns)
    counts = (
        (len(now.keys() - before.keys()), "a column more", "columns more"),
        (len(before.keys() - now.keys()), "a column less", "columns less"),
        (
            sum(before[name] != now[name] for name in before.keys() & now.keys()),
            "other data in a column", "columns with other data",
        ),
    )  # fmt: skip
    told = [one if n == 1 else f"{n} {many}" for n, one, many in counts if n]
    said = [f"It has {', '.join(told)}."] if told else []
    if old.n_rows != new.n_rows:
        said.append(f"The number of rows is {new.n_rows:,}, not {old.n_rows:,}.")
    said += _changes("The choice", old.choices, new.choices)
    if not said and old.key == new.key:
        said.append("It is the same as before: what was kept had expired or was evicted.")
    rest = (old.row_version, old.versions, old.salt) != (new.row_version, new.versions, new.salt)
    if not said:
        said.append(
            "Another version of Clinstat or its libraries computes it."
            if rest
            else "The columns are in another order."
        )
    return tuple(said)


__all__ = [
    "FORMAT", "KeyParts", "canonical", "digest", "digest_of", "explain", "explain_nameless",
    "fingerprint_column", "fingerprint_frame", "make_key",
]  # fmt: skip
