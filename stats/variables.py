"""The variable table and the dataset that obeys it.

A `Variable` says what a column means. A `Dataset` is a frame that never changes, with the
kinds of its variable table turned into dtypes: continuous -> float64; categorical, ordered
and binary -> category with text labels in the stated order; date -> datetime64; identifier ->
text. Every analysis reads its columns from here, so that a kind is the same everywhere.
"""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, cast

import numpy as np
import pandas as pd

from stats.errors import BadInput

Kind = Literal["continuous", "categorical", "ordered", "binary", "date", "identifier"]
KINDS: tuple[Kind, ...] = (
    "continuous", "categorical", "ordered", "binary", "date", "identifier",
)  # fmt: skip
_MADE = ("typed", "factor")  # what is remembered of columns and takes memory
FACTOR_KINDS: frozenset[str] = frozenset({"categorical", "ordered", "binary"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One row of the variable table.

    `levels` are the values as text, in order; `level_labels`, when given, are the words to
    print for them, in the same order; `missing_codes` are cell texts that mean "no value".
    """

    name: str
    label: str = ""
    kind: Kind = "continuous"
    levels: tuple[str, ...] = ()
    level_labels: tuple[str, ...] = ()
    reference: str | None = None
    missing_codes: tuple[str, ...] = ()
    unit: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(
                f'"{self.name}" has the unknown kind "{self.kind}".',
                column=self.name, rule="kind", found=str(self.kind),
                hint=f"Choose one of: {', '.join(KINDS)}.",
            )  # fmt: skip
        if self.level_labels and len(self.level_labels) != len(self.levels):
            raise BadInput(
                f'"{self.name}" has {len(self.levels)} levels and '
                f"{len(self.level_labels)} level labels.",
                column=self.name, rule="level labels", hint="Give one label for each level.",
            )  # fmt: skip
        shown = self.shown_levels
        if len(set(shown)) != len(shown):
            raise BadInput(
                f'"{self.name}" uses one label for two levels.',
                column=self.name, rule="level labels", hint="Give each level its own label.",
            )  # fmt: skip

    @property
    def title(self) -> str:
        """The label, or the name where no label was given."""
        return self.label or self.name

    @property
    def shown_levels(self) -> tuple[str, ...]:
        """Levels as they are printed and used in results."""
        return self.level_labels or self.levels


def label_of(value: object) -> str:
    """A level as text: 1, 1.0 and True-as-number print as "1"; text stays as it is."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return str(int(number)) if number.is_integer() else repr(number)
    return str(value)


def _sorted_labels(values: pd.Series) -> tuple[str, ...]:
    """Distinct labels: numbers by size, text by code point."""
    distinct = values.dropna().unique()
    try:
        ordered = sorted(cast("Iterable[Any]", distinct))
    except TypeError:
        ordered = sorted(distinct, key=str)
    return tuple(dict.fromkeys(label_of(v) for v in ordered))


def infer_variable(name: str, column: pd.Series) -> Variable:
    """The variable that a plain DataFrame column stands for: its dtype decides, nothing else."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        levels = tuple(label_of(v) for v in column.cat.categories)
        return Variable(
            name=name, kind="ordered" if column.cat.ordered else "categorical", levels=levels
        )
    if pd.api.types.is_bool_dtype(column.dtype):
        return Variable(name=name, kind="binary", levels=("False", "True"))
    if pd.api.types.is_numeric_dtype(column.dtype):
        return Variable(name=name, kind="continuous")
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return Variable(name=name, kind="date")
    return Variable(name=name, kind="categorical", levels=_sorted_labels(column))


def _labels_of_column(column: pd.Series) -> pd.Categorical:
    """Any column as a category of label texts, levels in natural order."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        categorical = cast("pd.Categorical", column.array)
        labels = [label_of(v) for v in categorical.categories]
        if len(set(labels)) != len(labels):
            raise BadInput(
                f'"{column.name}" has two levels that read the same as text.',
                column=str(column.name), rule="distinct levels",
                hint="Rename one of them.",
            )  # fmt: skip
        return pd.Categorical.from_codes(categorical.codes, labels, validate=False)
    codes, distinct = pd.factorize(column, use_na_sentinel=True)
    labels = [label_of(v) for v in distinct]
    ordered = list(_sorted_labels(pd.Series(distinct)))
    position = {label: i for i, label in enumerate(ordered)}
    lookup = np.array([position[label] for label in labels] + [-1], dtype=np.intp)
    return pd.Categorical.from_codes(lookup[codes], ordered, validate=False)


def _is_factor(column: pd.Series, variable: Variable) -> bool:
    """Whether the column is already the category that its variable describes."""
    dtype = column.dtype
    if not isinstance(dtype, pd.CategoricalDtype) or variable.missing_codes:
        return False
    labels, ordered = pd.Index(variable.levels), variable.kind == "ordered"
    same = dtype.categories.dtype == labels.dtype and dtype.categories.equals(labels)
    return same and not variable.level_labels and bool(dtype.ordered) == ordered


def _as_factor(column: pd.Series, variable: Variable) -> pd.Series:
    if _is_factor(column, variable):
        return column
    found = _labels_of_column(column)
    levels = variable.levels or tuple(str(v) for v in found.categories)
    position = {level: i for i, level in enumerate(levels)}
    missing = set(variable.missing_codes)
    lookup = np.full(len(found.categories) + 1, -1, dtype=np.intp)
    used = np.unique(found.codes)
    for i, label in enumerate(found.categories):
        if label in missing:
            continue
        if label in position:
            lookup[i] = position[label]
        elif i in used:
            raise BadInput(
                f'"{variable.name}" holds the value "{label}", which is not among its levels.',
                column=variable.name, rule="levels", found=str(label),
                hint="Add it to the levels, or list it as a missing code.",
            )  # fmt: skip
    shown = [
        s for s, level in zip(variable.shown_levels or levels, levels, strict=True)
        if level not in missing
    ]  # fmt: skip
    kept = [i for i, level in enumerate(levels) if level not in missing]
    renumber = np.full(len(levels) + 1, -1, dtype=np.intp)
    renumber[kept] = np.arange(len(kept))
    codes = renumber[lookup[found.codes]]
    array = pd.Categorical.from_codes(
        codes, shown, ordered=variable.kind == "ordered", validate=False
    )
    return pd.Series(array, index=column.index, name=column.name, copy=False)


def _as_continuous(column: pd.Series, variable: Variable) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        numbers = _numbers_from_text(column, variable)
    codes = [float(c) for c in variable.missing_codes if _is_number(c)]
    if codes:
        numbers = np.where(np.isin(numbers, codes), np.nan, numbers)
    return pd.Series(numbers, index=column.index, name=column.name, copy=False)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers_from_text(column: pd.Series, variable: Variable) -> Any:
    found = _labels_of_column(column)
    missing = set(variable.missing_codes)
    values = np.full(len(found.categories) + 1, np.nan)
    for i, label in enumerate(found.categories):
        if label in missing:
            continue
        if not _is_number(label):
            row = int(np.flatnonzero(found.codes == i)[0]) + 1 if (found.codes == i).any() else 0
            raise BadInput(
                f'"{variable.name}" cannot be continuous: it holds "{label}" (row {row}), '
                "which is not a number.",
                column=variable.name, rule="continuous", found=str(label),
                hint="List such values as missing codes, or keep the column categorical.",
            )  # fmt: skip
        values[i] = float(label)
    return values[found.codes]


def _as_date(column: pd.Series, variable: Variable) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    raise BadInput(
        f'"{variable.name}" was not read as dates.',
        column=variable.name, rule="date",
        hint="Keep it categorical, or correct the dates in the file and upload it again.",
    )  # fmt: skip


def typed(column: pd.Series, variable: Variable) -> pd.Series:
    """The column with the dtype that its variable's kind stands for."""
    if variable.kind == "continuous":
        return _as_continuous(column, variable)
    if variable.kind == "date":
        return _as_date(column, variable)
    if variable.kind == "identifier":
        texts = pd.array([None if pd.isna(v) else label_of(v) for v in column], dtype="str")
        return pd.Series(texts, index=column.index, name=column.name, copy=False)
    return _as_factor(column, variable)


class Dataset:
    """A frame and its variable table; immutable, shared between sessions.

    The frame given is not copied: copy-on-write keeps later changes of the caller out.
    `remember` keeps things derived from the data (fingerprints, sort orders) for as long as
    the dataset lives.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        variables: Iterable[Variable] | Mapping[str, Variable] | None = None,
    ) -> None:
        names = [str(name) for name in frame.columns]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise BadInput(
                f'Two columns are called "{twice}".',
                column=twice, rule="distinct names", hint="Rename one of them.",
            )  # fmt: skip
        self._frame = frame.copy(deep=False)
        self._frame.columns = pd.Index(names, dtype=object)
        if isinstance(variables, Mapping):
            variables = variables.values()
        self._given = {v.name: v for v in variables or () if v.name in set(names)}
        self._names = tuple(names)
        self._memory: dict[object, Any] = {}
        self._uses = 0
        self._lock = threading.RLock()

    @property
    def n_rows(self) -> int:
        """Rows of the file."""
        return len(self._frame)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in file order."""
        return self._names

    @property
    def variables(self) -> Mapping[str, Variable]:
        """The whole variable table; columns without an entry are read from their dtype."""
        return self.remember(
            "variables", lambda: MappingProxyType({n: self.variable(n) for n in self._names})
        )

    @property
    def size_bytes(self) -> int:
        """Bytes held by the frame, text counted in full."""
        return int(self._frame.memory_usage(index=False, deep=True).sum())

    @property
    def raw(self) -> pd.DataFrame:
        """The columns as imported, before kinds were applied (a copy-on-write view)."""
        return self._frame.copy(deep=False)

    def variable(self, name: str) -> Variable:
        """The variable of that name; BadInput with the nearest name when there is none."""
        found = self._given.get(name) or self._memory.get(("variable", name))
        if found is not None:
            return found
        if name not in self._frame.columns:
            near = difflib.get_close_matches(str(name), self.names, n=1)
            hint = f'Did you mean "{near[0]}"?' if near else "Choose one of the file's columns."
            raise BadInput(
                f'There is no column called "{name}".',
                column=str(name), rule="column exists", hint=hint,
            )  # fmt: skip
        return self.remember(("variable", name), lambda: infer_variable(name, self._raw(name)))

    def _raw(self, name: str) -> pd.Series:
        return cast("pd.Series", self._frame[name])

    def column(self, name: str) -> pd.Series:
        """The typed column."""
        self._uses += 1
        variable = self.variable(name)
        return self.remember(("typed", name), lambda: typed(self._raw(name), variable))

    def frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Typed columns as a DataFrame (all when `names` is None)."""
        chosen = self.names if names is None else tuple(names)
        return pd.DataFrame({name: self.column(name) for name in chosen}, copy=False)

    def remember(self, key: object, compute: Callable[[], Any]) -> Any:
        """The value kept under `key`, computed once."""
        try:
            return self._memory[key]
        except KeyError:
            pass
        with self._lock:
            if key not in self._memory:
                self._memory[key] = compute()
            return self._memory[key]

    @property
    def uses(self) -> int:
        """Rises whenever a column is asked for: who finds it unchanged knows the data idle."""
        return self._uses

    def move(self, columns: Mapping[str, pd.Series]) -> None:
        """Hold these in the place of the columns of their names, whose cells are equal.

        Memory goes when they are backed by something else (a mapped file). Typed columns are let
        go and made again when they are asked for; nothing that is computed changes.
        """
        with self._lock:
            held = {name: columns.get(name, self._raw(name)) for name in self._names}
            frame = pd.DataFrame(held, index=self._frame.index, copy=False)
            frame.columns = self._frame.columns
            self._frame = frame
            for key in [k for k in self._memory if isinstance(k, tuple) and k[0] in _MADE]:
                del self._memory[key]

    def with_variables(self, variables: Iterable[Variable]) -> Dataset:
        """The same frame under a changed variable table."""
        changed = {v.name: v for v in variables}
        return Dataset(self._frame, {**self._given, **changed})

    def level_of(self, name: str, value: object) -> str:
        """The label that `value` (1, 1.0, True or "1") stands for in a factor column."""
        factor = self.factor(name)
        levels = self.remember(("levels", name), lambda: tuple(map(str, factor.categories)))
        variable = self.variable(name)
        label = label_of(value)
        if label in levels:
            return label
        if label in variable.levels:
            shown = variable.shown_levels[variable.levels.index(label)]
            if shown in levels:
                return shown
        raise BadInput(
            f'"{name}" has no level "{label}".', column=name, rule="level", found=label,
            hint=f"Its levels are: {quote_list(levels)}.",
        )  # fmt: skip

    def factor(self, name: str) -> pd.Categorical:
        """The column as a category, whatever its kind (a two-valued number may be an outcome)."""
        column = self.column(name)
        if isinstance(column.dtype, pd.CategoricalDtype):
            return cast("pd.Categorical", column.array)
        return self.remember(("factor", name), lambda: _labels_of_column(column))


def quote_list(names: Iterable[str], limit: int = 8) -> str:
    """`"a", "b", "c" and 4 more`: names in quotes, cut after `limit`."""
    names = list(names)
    shown = ", ".join(f'"{n}"' for n in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def as_dataset(data: Dataset | pd.DataFrame) -> Dataset:
    """A Dataset as it is; a plain DataFrame with kinds read from its dtypes."""
    if isinstance(data, Dataset):
        return data
    if isinstance(data, pd.DataFrame):
        return Dataset(data)
    raise BadInput(
        f"The data must be a Dataset or a pandas DataFrame, not {type(data).__name__}.",
        rule="data", found=type(data).__name__,
    )  # fmt: skip
