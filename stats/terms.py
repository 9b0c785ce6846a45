"""From columns and choices to an outcome and terms: every check before any arithmetic.

The event level is never guessed: without an explicit choice only {0, 1}, {no, yes} and
{FALSE, TRUE} are understood. References are resolved for every factor and become part of the
choices, so that the choices say all that the numbers depend on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stats.design import Bools, Floats, Term
from stats.errors import BadInput
from stats.ranks import LARGEST_VALUE
from stats.variables import FACTOR_KINDS, Dataset, quote_list

MOST_LEVELS = 100
MOST_COLUMNS = 1_000  # X'X of so many columns takes 8 MB
_UNDERSTOOD = ({"0": False, "1": True}, {"no": False, "yes": True}, {"false": False, "true": True})


@dataclass(frozen=True, slots=True, eq=False)
class BinaryOutcome:
    """`y` is true at the event, `known` where the outcome has a value; rows of the file.

    With clusters `known` also asks for the row's cluster; `without_cluster` rows lack only that.
    """

    name: str
    event: str
    other: str
    y: Bools
    known: Bools
    assumed: bool
    without_cluster: int = 0


def binary_outcome(dataset: Dataset, name: str, event: object) -> BinaryOutcome:
    """The outcome as event and other level. BadInput unless two values occur and the event
    is chosen or one of the three understood codings."""
    factor = dataset.factor(name)
    levels = levels_of(dataset, name)
    codes = np.asarray(factor.codes)
    known = codes >= 0
    counts = np.bincount(codes[known], minlength=len(levels)).tolist()
    present = [level for level, n in zip(levels, counts, strict=True) if n]
    chosen = None if event is None else dataset.level_of(name, event)
    _two_levels(name, present)
    if chosen is None:
        chosen = _understood_event(present)
        if chosen is None:
            raise BadInput(
                f'Which value of "{name}" is the event, {quote_list(present)}?',
                column=name, rule="event", found=quote_list(present),
                hint="Choose the event; Clinstat does not guess it.",
            )  # fmt: skip
    elif chosen not in present:
        raise BadInput(
            f'No row of "{name}" has the event "{chosen}".',
            column=name, rule="event", found=chosen,
            hint=f"Its values are {quote_list(present)}.",
        )  # fmt: skip
    other = next(level for level in present if level != chosen)
    y = codes == levels.index(chosen)
    return BinaryOutcome(name, chosen, other, y, known, event is None)


def levels_of(dataset: Dataset, name: str) -> tuple[str, ...]:
    """The labels of a column read as a category, in order."""
    return dataset.remember(
        ("levels", name), lambda: tuple(str(c) for c in dataset.factor(name).categories)
    )


def _two_levels(name: str, present: Sequence[str]) -> None:
    if not present:
        raise BadInput(
            f'The outcome "{name}" has no values.', column=name, rule="two values",
            found="0 values", hint="Choose another outcome, or check its missing codes.",
        )  # fmt: skip
    if len(present) == 1:
        raise BadInput(
            f'Every row of the outcome "{name}" has the same value, "{present[0]}".',
            column=name, rule="two values", found=present[0],
            hint="An outcome needs rows with and without the event; choose another.",
        )  # fmt: skip
    if len(present) > 2:
        raise BadInput(
            f'The outcome "{name}" has {len(present)} values: {quote_list(present, 5)}.',
            column=name, rule="two values", found=str(len(present)),
            hint="A binary outcome needs exactly two; list the others as missing codes, or "
            "choose another outcome.",
        )  # fmt: skip


def _understood_event(present: Sequence[str]) -> str | None:
    words = {level.casefold(): level for level in present}
    for coding in _UNDERSTOOD:
        if words.keys() == coding.keys():
            return next(words[word] for word, is_event in coding.items() if is_event)
    return None


def column_names(value: object, rule: str) -> tuple[str, ...]:
    """A tuple of distinct names from a name or a sequence of names."""
    names = (value,) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]
    names = tuple(str(n) for n in names)
    if len(set(names)) != len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise BadInput(
            f'"{twice}" is named twice among the {rule}.', column=twice, rule=rule,
            hint="Name each column once.",
        )  # fmt: skip
    return names


def check_predictors(dataset: Dataset, names: Sequence[str], *, outcome: str | None = None) -> None:
    """BadInput for a predictor that no model can take: absent, the outcome, a date, an id."""
    if not names:
        raise BadInput(
            "No predictors were chosen.", rule="predictors",
            hint="Choose at least one column to compare with the outcome.",
        )  # fmt: skip
    for name in names:
        variable = dataset.variable(name)
        if name == outcome:
            raise BadInput(
                f'"{name}" is the outcome and cannot also be a predictor.',
                column=name, rule="predictors", hint="Take it out of the predictors.",
            )  # fmt: skip
        if variable.kind in ("date", "identifier"):
            what = "a date" if variable.kind == "date" else "an identifier"
            raise BadInput(
                f'"{name}" is {what} and cannot be a predictor.',
                column=name, rule="kind of a predictor", found=variable.kind,
                hint="Take it out, or change its kind in the variable table.",
            )  # fmt: skip
        if variable.kind in FACTOR_KINDS:
            _few_levels(dataset, name)
    _few_columns(dataset, names)


def _few_levels(dataset: Dataset, name: str) -> None:
    n_levels = len(levels_of(dataset, name))
    if n_levels > MOST_LEVELS:
        raise BadInput(
            f'"{name}" has {n_levels:,} levels; a predictor may have at most {MOST_LEVELS}.',
            column=name, rule="levels", found=str(n_levels),
            hint="Group its levels, or declare it continuous or an identifier.",
        )  # fmt: skip


def _few_columns(dataset: Dataset, names: Sequence[str]) -> None:
    """A model of very many levels would need more memory than there is."""
    factors = [n for n in names if dataset.variable(n).kind in FACTOR_KINDS]
    levels = sum(max(len(levels_of(dataset, n)) - 1, 0) for n in factors)
    n_columns = len(names) - len(factors) + levels
    if n_columns > MOST_COLUMNS:
        raise BadInput(
            f"The variables have {n_columns:,} values to compare (levels without the references, "
            f"and numbers); at most {MOST_COLUMNS:,} can be.",
            rule="columns", found=str(n_columns),
            hint="Choose fewer variables, or group levels.",
        )  # fmt: skip


def resolve_references(
    dataset: Dataset, names: Iterable[str], references: Mapping[str, object] | None
) -> dict[str, str]:
    """The reference level of every factor among `names`: chosen, else the variable table's,
    else the first level."""
    asked = dict(references or {})
    resolved: dict[str, str] = {}
    for name in names:
        variable = dataset.variable(name)
        if variable.kind not in FACTOR_KINDS:
            if asked.pop(name, None) is not None:
                raise BadInput(
                    f'"{name}" is {variable.kind} and has no reference level.',
                    column=name, rule="reference", found=variable.kind,
                    hint="Leave its reference out, or make it categorical.",
                )  # fmt: skip
            continue
        wanted = asked.pop(name, None)
        if wanted is None:
            wanted = variable.reference
        levels = levels_of(dataset, name)
        if wanted is not None:
            resolved[name] = dataset.level_of(name, wanted)
        elif levels:
            resolved[name] = levels[0]
    for name in asked:
        dataset.variable(name)
        raise BadInput(
            f'A reference was given for "{name}", which is not among the predictors.',
            column=name, rule="reference", hint="Add the predictor or leave the reference out.",
        )  # fmt: skip
    return resolved


def resolve_scale(
    dataset: Dataset, names: Sequence[str], scale: Mapping[str, object] | None
) -> dict[str, float | str]:
    """Units of continuous predictors: a positive number, "iqr" or "sd"."""
    resolved: dict[str, float | str] = {}
    for name, wanted in dict(scale or {}).items():
        if name not in names or dataset.variable(name).kind != "continuous":
            raise BadInput(
                f'Units were chosen for "{name}", which is not a continuous predictor.',
                column=name, rule="scale", hint="Leave its units out.",
            )  # fmt: skip
        if isinstance(wanted, str) and wanted.lower() in ("iqr", "sd"):
            resolved[name] = wanted.lower()
        elif isinstance(wanted, (int, float)) and not isinstance(wanted, bool) and (
            0 < wanted < float("inf")
        ):  # fmt: skip
            resolved[name] = float(wanted)
        else:
            raise BadInput(
                f'The units of "{name}" must be a number above 0, "iqr" or "sd".',
                column=name, rule="scale", found=str(wanted), hint='For example 10, or "iqr".',
            )  # fmt: skip
    return resolved


def build_term(
    dataset: Dataset, name: str, reference: str | None, scale: float | str = 1.0
) -> Term:
    """The predictor as arrays. BadInput for numbers whose squares overflow."""
    column = dataset.column(name)
    if isinstance(column.dtype, pd.CategoricalDtype):
        factor = dataset.factor(name)
        levels = levels_of(dataset, name)
        index = levels.index(reference) if reference is not None else 0
        return Term(name, "factor", np.asarray(factor.codes), levels, index)
    if column.dtype == np.float64:
        values = column.to_numpy()
    else:
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    largest = max(np.fmax.reduce(values, initial=0.0), -np.fmin.reduce(values, initial=0.0))
    if largest > LARGEST_VALUE:
        row = int(np.flatnonzero(np.abs(values) > LARGEST_VALUE)[0]) + 1
        raise BadInput(
            f'"{name}" holds a value too large to compute with (row {row}).',
            column=name, rule="finite numbers", found="too large",
            hint="Correct the value, or list it as a missing code.",
        )  # fmt: skip
    return Term(name, "continuous", values, scale=_units(values, scale))


def _units(values: Floats, scale: float | str) -> float:
    if not isinstance(scale, str):
        return scale
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return 1.0
    if scale == "sd":
        width = float(known.std(ddof=1))
    else:
        low, high = np.quantile(known, [0.25, 0.75])
        width = float(high - low)
    return width if width > 0 else 1.0


def zero_one_numbers(terms: Sequence[Term]) -> list[str]:
    """Continuous terms whose only values are 0 and 1: the reader is told how they are used."""
    return [t.name for t in terms if t.kind == "continuous" and _only_zero_one(t.values)]


def _only_zero_one(values: NDArray[np.generic]) -> bool:
    for part in (values[:64], values):  # nearly every other column fails within a few rows
        zero, one = np.count_nonzero(part == 0), np.count_nonzero(part == 1)
        if zero + one + np.count_nonzero(np.isnan(part)) < len(part):
            return False
    return bool(zero and one)
