"""The root of a monotone function, to the last digits.

Chandrupatla's method: inverse quadratic interpolation where it is safe, bisection elsewhere
(Chandrupatla 1997, doi:10.1016/S0965-9978(96)00051-8). It never leaves the bracket.
"""

from __future__ import annotations

import math
from collections.abc import Callable

_STEPS = 200
_RELATIVE = 4e-16


def root_between(function: Callable[[float], float], low: float, high: float) -> float:
    """Where `function` changes its sign between `low` and `high`.

    Without a change of sign the end that is nearer to zero is given back.
    """
    a, b = high, low
    fa, fb = function(a), function(b)
    if fa == 0.0 or fb == 0.0 or (fa > 0) == (fb > 0):
        return a if abs(fa) < abs(fb) else b
    c, fc, share = a, fa, 0.5
    for _ in range(_STEPS):
        x = a + share * (b - a)
        fx = function(x)
        if (fx > 0) == (fa > 0):
            c, fc = a, fa
        else:
            c, fc, b, fb = b, fb, a, fa
        a, fa = x, fx
        best, value = (a, fa) if abs(fa) < abs(fb) else (b, fb)
        reach = 2 * _RELATIVE * abs(best) + 1e-300
        if value == 0.0 or abs(b - a) <= reach:
            return best
        share = min(max(_share(a, fa, b, fb, c, fc), reach / abs(b - a)), 1 - reach / abs(b - a))
    return b if abs(fb) < abs(fa) else a


def _share(a: float, fa: float, b: float, fb: float, c: float, fc: float) -> float:
    """How far to go from a towards b."""
    if fc in (fa, fb) or not math.isfinite(fc) or not math.isfinite(fb):
        return 0.5
    xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
    if not (phi * phi < xi and (1 - phi) ** 2 < 1 - xi):
        return 0.5
    return fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)


def root_from(function: Callable[[float], float], start: float, *, widest: float = 700.0) -> float:
    """The root of a function that rises, looked for from `start` in steps that double."""
    step = 1.0
    rising = function(start) < 0.0
    previous = start
    while step <= widest:
        here = start + step if rising else start - step
        if (function(here) < 0.0) != rising:
            return root_between(function, min(previous, here), max(previous, here))
        previous, step = here, 2.0 * step
    return previous
