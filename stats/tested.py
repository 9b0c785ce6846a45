"""One test of a hypothesis, as the tables of results hold it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

_NAN: Final = math.nan


class Tested(NamedTuple):
    """A test with its name. What the data do not allow is NaN.

    `df2` is the denominator's degrees of freedom of an F; `mc_error` the standard error of a
    simulated p-value.
    """

    test: str
    statistic: float = _NAN
    df: float = _NAN
    p_value: float = _NAN
    df2: float = _NAN
    mc_error: float = _NAN

    @property
    def done(self) -> bool:
        """Whether the data allowed the test."""
        return not math.isnan(self.p_value)


def tests_table(tests: Sequence[Tested]) -> dict[str, Any]:
    """The columns of a table of tests, in the order of `Tested`."""
    columns: dict[str, Any] = {"test": [t.test for t in tests]}
    for name in Tested._fields[1:]:
        columns[name] = np.array([getattr(t, name) for t in tests], dtype=np.float64)
    return columns
