"""What the columns of a design matrix are made of, sorted for writing them.

Continuous columns are written one by one; the indicator columns of all factors are one
comparison of codes with levels, whose truth is then written in runs of neighbouring columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Layout(NamedTuple):
    """Continuous values with their places (the intercept is at 0), the codes of the factors; for
    each indicator column its factor (counted among these) and level; and in runs of neighbours
    the places of the indicator columns with their numbers among themselves."""

    continuous: list[tuple[NDArray[np.float64], int]]
    factors: list[NDArray[np.signedinteger]]
    factor_of: NDArray[np.intp]
    levels: NDArray[np.signedinteger]
    runs: list[tuple[slice, slice]]

    @classmethod
    def of(cls, columns: Sequence[tuple[int, int, NDArray[np.generic]]]) -> Layout:
        """Of columns in their order: term, level (negative for a continuous column), values."""
        continuous: list[tuple[NDArray[np.float64], int]] = []
        factors: dict[int, NDArray[np.signedinteger]] = {}
        owners: list[int] = []
        levels: list[int] = []
        places: list[int] = []
        for place, (term, level, values) in enumerate(columns, start=1):
            if level < 0:
                continuous.append((np.asarray(values, dtype=np.float64), place))
                continue
            factors.setdefault(term, values)  # type: ignore[arg-type]
            owners.append(term)
            levels.append(level)
            places.append(place)
        line = {term: i for i, term in enumerate(factors)}
        width = np.result_type(*factors.values()) if factors else np.int8
        return cls(
            continuous=continuous,
            factors=list(factors.values()),
            factor_of=np.array([line[t] for t in owners], dtype=np.intp),
            levels=np.array(levels, dtype=width)[:, None],
            runs=_runs(places),
        )


def _runs(places: list[int]) -> list[tuple[slice, slice]]:
    """Ascending places in runs of neighbours: those places, and which of the list they are."""
    found: list[tuple[slice, slice]] = []
    first = 0
    for end, place in enumerate(places, start=1):
        if end == len(places) or places[end] != place + 1:
            found.append((slice(places[first], place + 1), slice(first, end)))
            first = end
    return found
