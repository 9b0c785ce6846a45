"""Shapiro & Wilk's test of normality, by Royston's approximation.

W = (sum a_i x_(i))^2 / sum (x_i - mean)^2, with coefficients from the normal scores of Blom and
polynomials in 1 / sqrt(n); the p-value from a normalising transformation of 1 - W (Royston 1995,
algorithm AS R94, doi:10.2307/2986146), for 3 to 5,000 values.

Checked against R's shapiro.test (`normality_variance` reference files) and scipy.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

from stats.design import Floats
from stats.grouped import constant
from stats.tested import Tested

SHAPIRO: Final = "Shapiro-Wilk"
#: Beyond this size the approximation was never calibrated.
MOST_VALUES: Final = 5_000
FEWEST_VALUES: Final = 3

# Royston's polynomials, constant term first
_LARGEST: Final = (0.0, 0.221157, -0.147981, -2.07119, 4.434685, -2.706056)
_SECOND: Final = (0.0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633)
_SMALL_MEAN: Final = (0.5440, -0.39978, 0.025054, -6.714e-4)
_SMALL_LOG_SD: Final = (1.3822, -0.77857, 0.062767, -0.0020322)
_MEAN: Final = (-1.5861, -0.31082, -0.083751, 0.0038915)
_LOG_SD: Final = (-0.4803, -0.082676, 0.0030302)
_SMALL_SHIFT: Final = (-2.273, 0.459)


def shapiro_wilk(ordered: Floats) -> Tested:
    """The test on ascending values; NaN below 3 or above 5,000 values or without variation."""
    n = len(ordered)
    if not FEWEST_VALUES <= n <= MOST_VALUES or constant(ordered):
        return Tested(SHAPIRO)
    # scaled, so that squares neither overflow nor vanish; W does not change
    x = (ordered - ordered[n // 2]) / (ordered[-1] - ordered[0])
    half = _coefficients(n)
    spread = float(np.square(x - x.mean()).sum())
    gain = float(half @ (x[::-1] - x)[: n // 2])
    w = min(gain * gain / spread, 1.0)
    return Tested(SHAPIRO, w, p_value=_p_value(w, n))


def _coefficients(n: int) -> Floats:
    """a_n, a_(n-1), ...: the upper half, largest value first."""
    if n == 3:
        return np.array([math.sqrt(0.5)])
    m = -ndtri((np.arange(1, n // 2 + 1) - 0.375) / (n + 0.25))
    squares = 2 * float(m @ m)
    root, u = math.sqrt(squares), 1 / math.sqrt(n)
    a = np.empty(len(m))
    a[0] = _polynomial(_LARGEST, u) + m[0] / root
    fixed = 1 if n <= 5 else 2
    if fixed == 2:
        a[1] = _polynomial(_SECOND, u) + m[1] / root
    left = squares - 2 * float(m[:fixed] @ m[:fixed])
    scale = math.sqrt(left / (1 - 2 * float(a[:fixed] @ a[:fixed])))
    a[fixed:] = m[fixed:] / scale
    return a


def _p_value(w: float, n: int) -> float:
    if n == 3:
        return max(0.0, 6 / math.pi * (math.asin(math.sqrt(w)) - math.asin(math.sqrt(0.75))))
    if w >= 1.0:
        return 1.0
    y, log_n = math.log1p(-w), math.log(n)
    if n <= 11:
        shift = _polynomial(_SMALL_SHIFT, n)
        if y >= shift:
            return 0.0
        y = -math.log(shift - y)
        mean, sd = _polynomial(_SMALL_MEAN, n), math.exp(_polynomial(_SMALL_LOG_SD, n))
    else:
        mean, sd = _polynomial(_MEAN, log_n), math.exp(_polynomial(_LOG_SD, log_n))
    return float(ndtr(-(y - mean) / sd))


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    value = 0.0
    for c in reversed(coefficients):
        value = value * x + c
    return value
