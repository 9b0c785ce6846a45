"""Markers as numbers: continuous columns as they are, ordered ones by the place of the level."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stats.design import Bools, Floats
from stats.errors import BadInput
from stats.variables import Dataset


@dataclass(frozen=True, slots=True, eq=False)
class Marker:
    """`values` has an entry per row of the file, NaN where missing. For an ordered column they
    count its `levels` from 1."""

    name: str
    values: Floats
    levels: tuple[str, ...] = ()

    @property
    def known(self) -> Bools:
        """True where the row has a value."""
        return ~np.isnan(self.values)

    def level_at(self, value: float) -> str | None:
        """The level that a value stands for; None for numbers."""
        inside = self.levels and math.isfinite(value) and 1 <= value <= len(self.levels)
        return self.levels[round(value) - 1] if inside else None


def check_marker(dataset: Dataset, name: str, *, ordered: bool, role: str) -> None:
    """BadInput unless the column holds numbers, or ordered levels where those will do."""
    kind = dataset.variable(name).kind
    if kind == "continuous" or (ordered and kind == "ordered"):
        return
    what = {
        "date": "a date", "identifier": "an identifier", "binary": "a binary variable",
        "categorical": "a categorical variable", "ordered": "an ordered variable",
    }[kind]  # fmt: skip
    hint = "Choose a column of numbers"
    if kind == "ordered":
        hint = 'Choose "spearman" or "kendall", which use the order'
    elif ordered:
        hint += ", or declare its levels as ordered"
    raise BadInput(
        f'"{name}" is {what} and cannot be {role}.', column=name, rule="numbers", found=kind,
        hint=f"{hint}.",
    )  # fmt: skip


def marker_of(dataset: Dataset, name: str, *, largest: float = math.inf) -> Marker:
    """The column as numbers. BadInput for infinite numbers and those above `largest`."""
    if dataset.variable(name).kind == "ordered":
        factor = dataset.factor(name)
        codes = np.asarray(factor.codes)
        values = np.where(codes >= 0, codes + 1.0, np.nan)
        return Marker(name, values, tuple(str(c) for c in factor.categories))
    values = dataset.column(name).to_numpy(dtype=np.float64, na_value=np.nan)
    size = np.abs(values)
    beyond = np.flatnonzero(np.isinf(values) | (size > largest))
    if len(beyond):
        row = int(beyond[0])
        word = "an infinite number" if math.isinf(values[row]) else f"the number {values[row]:.3g}"
        raise BadInput(
            f'"{name}" holds {word} in row {row + 1}, which cannot be calculated with.',
            column=name, rule="finite numbers", found=word,
            hint="Correct the value, or list it as a missing code.",
        )  # fmt: skip
    return Marker(name, values)
