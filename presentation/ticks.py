"""Round tick values for the axes of figures, and how they are printed."""

from __future__ import annotations

import math

_MOST_TICKS = 9
#: Steps within a decade, and the fewest ticks for which they are taken; tried in order.
_LOG_STEPS: tuple[tuple[tuple[float, ...], int], ...] = (
    ((1, 2, 5), 4),
    ((1, 1.5, 2, 3, 5, 7), 4),
    ((1, 1.1, 1.2, 1.4, 2, 3, 5, 7, 8, 9), 3),
    ((1, 3), 3),
    ((1,), 3),
)
_LINEAR_STEPS = (1, 2, 2.5, 5, 10)


def ticks(low: float, high: float, *, log: bool) -> tuple[float, ...]:
    """Round tick values between `low` and `high`, at most nine.

    On a log axis steps of 1-2-5, thinned where there are too many, finer where the axis is short.
    """
    if not log:
        return _linear_ticks(low, high)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every = math.ceil((last - first + 1) / _MOST_TICKS)
    for steps, fewest in _LOG_STEPS:
        found = [float(f"{s}e{power}") for power in range(first, last + 1) for s in steps]
        inside = tuple(t for t in found if low <= t <= high)
        if fewest <= len(inside) <= _MOST_TICKS:
            return inside
    powers = [p for p in range(first, last + 1) if p % every == 0]
    return tuple(10.0**p for p in powers if low <= 10.0**p <= high)


def _linear_ticks(low: float, high: float) -> tuple[float, ...]:
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in _LINEAR_STEPS if m * power >= rough)
    first = math.ceil(low / step - 1e-9)
    found = (k * step for k in range(first, math.floor(high / step + 1e-9) + 1))
    rounded = (float(f"{t:.12g}") for t in found)
    return tuple(min(max(t, low), high) for t in rounded)


def time_ticks(longest: float) -> tuple[float, ...]:
    """Ticks of a time axis from 0, in steps that people count in: 1, 2, 3, 5, 6, 10, 12, 15.

    At most seven, so that a table of numbers at risk has room under them.
    """
    if longest <= 0:
        return (0.0,)
    power = 10.0 ** math.floor(math.log10(longest / 6))
    step = next(
        m * power for m in (1, 2, 3, 5, 6, 10, 12, 15, 20, 30, 50, 60) if 6 * m * power >= longest
    )
    return tuple(float(f"{k * step:.12g}") for k in range(math.floor(longest / step + 1e-9) + 1))


def tick_text(value: float) -> str:
    """A tick as it is read: 0.1, 1, 10; a minus sign, never a hyphen."""
    return f"{value:g}".replace("-", "\u2212")
