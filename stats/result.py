"""What every analysis returns: one frozen object made of numbers and facts.

A result holds no text for people except its notes, nothing rounded, no HTML and no fitted
model. Its tables are kept as immutable columns; reading a table attribute builds a fresh
DataFrame, so that nothing a caller does to it reaches the next reader.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ColumnKind = Literal["text", "float", "count", "flag"]
Severity = Literal["info", "caution", "warning"]

_DTYPES: dict[str, np.dtype[Any]] = {
    "float": np.dtype("<f8"),
    "count": np.dtype("<i8"),
    "flag": np.dtype("?"),
}


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence to the reader of a result, with the term that it speaks of."""

    code: str
    severity: Severity
    text: str
    term: str | None = None


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


def _freeze_column(name: str, kind: ColumnKind, values: object) -> tuple[Column, int]:
    if kind == "text":
        cells = tuple(_cell(v) for v in values)  # type: ignore[union-attr]
        return Column(name, kind, cells), len(cells)
    numbers = np.asarray(values)
    if numbers.ndim != 1:
        raise TypeError(f"column {name!r} must have one dimension, not {numbers.ndim}")
    if kind == "count" and numbers.dtype.kind == "f" and np.isnan(numbers).any():
        kind = "float"
    frozen = np.ascontiguousarray(numbers, dtype=_DTYPES[kind])
    return Column(name, kind, frozen.tobytes()), len(frozen)


def _cell(value: object) -> str | None:
    if type(value) is str or value is None:
        return value
    if value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value)


def _kind_of(values: object) -> ColumnKind:
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
    for name in names:
        raw = values[name]
        cells = raw.array if isinstance(raw, pd.Series) else raw
        column, length = _freeze_column(name, columns.get(name) or _kind_of(cells), cells)
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


def freeze(value: Any) -> Any:
    """Make plain data immutable: mappings read-only, lists to tuples, numpy scalars plain."""
    if isinstance(value, Mapping):
        return MappingProxyType({str(k): freeze(v) for k, v in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(v) for v in value)
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (str, bool, int, float, Note, FrozenTable, Frozen)):
        return value
    raise TypeError(f"a result cannot hold a {type(value).__name__}")


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Result(Frozen):
    """What every answer says about itself.

    `exclusions` (reason -> rows) and `n_used` add up to `n_rows`. `method` holds the facts
    from which the methods paragraph is written.
    """

    analysis: str
    choices: Mapping[str, Any]
    n_rows: int
    n_used: int
    exclusions: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    references: tuple[str, ...] = ()
    method: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        lost = sum(self.exclusions.values())
        if self.n_used + lost != self.n_rows:
            raise ValueError(
                f"{self.analysis}: {self.n_used} used + {lost} excluded is not {self.n_rows} rows"
            )


EFFECT_COLUMNS: Mapping[str, ColumnKind] = MappingProxyType(
    {
        "term": "text", "level": "text", "reference": "text",
        "n": "count", "events": "count", "missing": "count",
        "coef": "float", "std_error": "float",
        "estimate": "float", "ci_low": "float", "ci_high": "float",
        "statistic": "float", "df": "float", "p_value": "float",
        "p_term": "float",
    }
)  # fmt: skip

FIT_COLUMNS: Mapping[str, ColumnKind] = MappingProxyType(
    {"term": "text", "method": "text", "interval": "text", "n": "count"}
)


@dataclass(frozen=True, kw_only=True, eq=False)
class EffectsResult(Result):
    """Effects of terms: one row per term and level, and one row per model in `fit`.

    `coef` and `std_error` are on the model scale; `estimate`, `ci_low`, `ci_high` on the
    reporting scale that `effect` names.
    """

    effect: str
    effects: FrameField = FrameField(EFFECT_COLUMNS, more=True)
    fit: FrameField = FrameField(FIT_COLUMNS, more=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class OutcomeDiagnostics(Frozen):
    """What a reviewer asks of the adjusted model. All values are apparent (same data).

    `collinearity` has one row per design column; `influence` the rows of the file (numbered
    from 1, header not counted) that move the model most; `facts` the scalar measures.
    """

    collinearity: FrameField = FrameField(
        {
            "term": "text", "level": "text", "vif": "float",
            "gvif": "float", "df": "count", "gvif_scaled": "float",
        }
    )  # fmt: skip
    influence: FrameField = FrameField(
        {
            "row": "count", "cooks_distance": "float", "leverage": "float",
            "term": "text", "level": "text", "dfbeta": "float",
        }
    )  # fmt: skip
    calibration: FrameField = FrameField(
        {"group": "count", "n": "count", "predicted": "float", "observed": "float"}
    )
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class OutcomeResult(Result):
    """What `analyze_outcome` returns: descriptives, crude and adjusted effects, diagnostics.

    `descriptives` is long: variable, level (missing for continuous variables), group (a level
    of the outcome, or missing = overall), stat (n, percent, mean, sd, median, q1, q3, min,
    max, missing), value. `tests` has one row per test: two for a continuous variable, one for a
    factor.
    """

    outcome: str
    event: str
    other: str
    descriptives: FrameField = FrameField(
        {"variable": "text", "level": "text", "group": "text", "stat": "text", "value": "float"}
    )
    tests: FrameField = FrameField(
        {
            "variable": "text", "test": "text", "statistic": "float", "df": "float",
            "p_value": "float", "mc_error": "float",
        }
    )  # fmt: skip
    crude: EffectsResult
    adjusted: EffectsResult
    diagnostics: OutcomeDiagnostics


@dataclass(frozen=True, kw_only=True, eq=False)
class CollinearityResult(Result):
    """Variance inflation of each variable on the others (`check_collinearity`)."""

    collinearity: FrameField = FrameField(
        {
            "term": "text", "level": "text", "vif": "float",
            "gvif": "float", "df": "count", "gvif_scaled": "float",
        }
    )  # fmt: skip
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class ValidationResult(Result):
    """Internal validation of an outcome model (`validate_outcome_model`).

    `measures`: one row per measure; `optimism` is the mean over the resamples, `corrected` =
    `apparent` - `optimism`, `mc_error` its Monte Carlo standard error and `target` what the
    quality asks of it; `low`, `high` the interval of the corrected value. `calibration`: at each
    predicted risk the observed one, with its band, and the same corrected. `decision`: net
    benefit at each threshold risk. `groups`: ten groups of rising predicted risk.
    """

    outcome: str
    event: str
    other: str
    measures: FrameField = FrameField(
        {
            "measure": "text", "apparent": "float", "optimism": "float", "corrected": "float",
            "mc_error": "float", "target": "float", "low": "float", "high": "float",
            "resamples": "count",
        }
    )  # fmt: skip
    calibration: FrameField = FrameField(
        {
            "predicted": "float", "observed": "float", "low": "float", "high": "float",
            "optimism": "float", "corrected": "float", "corrected_low": "float",
            "corrected_high": "float", "mc_error": "float",
        }
    )  # fmt: skip
    decision: FrameField = FrameField(
        {
            "threshold": "float", "treat_all": "float", "treat_none": "float",
            "apparent": "float", "optimism": "float", "corrected": "float", "low": "float",
            "high": "float", "mc_error": "float",
        }
    )  # fmt: skip
    groups: FrameField = FrameField(
        {"group": "count", "n": "count", "predicted": "float", "observed": "float"}
    )
    facts: Mapping[str, Any] = field(default_factory=dict)


#: Every class that a cached result may be made of; the codec builds no other.
RESULT_CLASSES: Sequence[type] = (
    Note, Column, FrozenTable, EffectsResult, OutcomeDiagnostics, OutcomeResult,
    CollinearityResult, ValidationResult,
)  # fmt: skip
