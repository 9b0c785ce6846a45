"""The choices that survival curves and cumulative incidence have in common."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from stats.errors import BadInput

INTERVALS: Final = ("log-log", "log", "plain")
_STEPS: Final = (1.0, 1.2, 2.0, 3.0, 5.0, 6.0, 10.0)
_MOST_STEPS: Final = 6
_EXACT: Final = 1e-9
_MOST_TIMES: Final = 100


def a_time(rule: str, value: object) -> float:
    """A time above 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise BadInput(
            f"The {rule} must be a number above 0, not {value}.", rule=rule, found=str(value),
            hint="Give it in the unit of the time column.",
        )  # fmt: skip
    return float(value)


def times_of(rule: str, values: object) -> tuple[float, ...] | None:
    """Distinct times from 0 on, in order; None when none were asked for."""
    if values is None:
        return None
    several = isinstance(values, Iterable) and not isinstance(values, str)
    found: set[float] = set()
    for value in list(values) if several else [values]:  # type: ignore[arg-type]
        number = value.item() if hasattr(value, "item") else value  # type: ignore[union-attr]
        found.add(0.0 if number == 0 and not isinstance(number, bool) else a_time(rule, number))
    if len(found) > _MOST_TIMES:
        raise BadInput(
            f"{len(found)} {rule} were chosen; at most {_MOST_TIMES} can be shown.", rule=rule,
            found=str(len(found)), hint="Choose fewer.",
        )  # fmt: skip
    return tuple(sorted(found)) or None


def nice_times(last: float) -> tuple[float, ...]:
    """At most seven times from 0 up to `last`, in steps that people count in."""
    if not last > 0:
        return (0.0,)
    rough = last / _MOST_STEPS
    size = 10.0 ** math.floor(math.log10(rough))
    # 12 and 120 are steps of months; 0.12 and 1.2 are steps of nothing
    steps = (m * size for m in _STEPS if m != 1.2 or size >= 10)
    step = next(s for s in steps if s >= rough * (1 - _EXACT))
    return tuple(float(f"{step * i:.12g}") for i in range(math.floor(last / step + _EXACT) + 1))
