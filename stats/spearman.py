"""p-values of Spearman's rank correlation.

With D = sum of squared rank differences, rho = 1 - 6 D / (n^3 - n) without ties.

    n <= 9                     exact: D over all n! orders
    10 <= n < 1290             Edgeworth series of algorithm AS 89 (Best & Roberts 1975,
                               doi:10.2307/2347111), as R's cor.test
    ties, or more rows         t = rho sqrt((n - 2) / (1 - rho^2)), df n - 2

The exact distribution is built over subsets of ranks: for the first k places, the sums D of all
ways to fill them with each subset of k ranks.

Checked against R's cor.test (`correlation` reference files) and enumeration of all orders.
"""

from __future__ import annotations

import functools
import math
from typing import Final

import numpy as np
from scipy.special import ndtr

from stats.design import Floats

EXACT_UP_TO: Final = 9
SERIES_BELOW: Final = 1290


def spearman_p(rho: float, n: int) -> float | None:
    """Two-sided p without ties, n below `SERIES_BELOW`; None where the series has no digit left
    (far out in the tail).
    """
    most = (n**3 - n) // 3
    distance = round((1.0 - rho) * most / 2.0)
    distance -= distance % 2  # D is even without ties
    # both tails are alike: D and most - D
    beyond = max(distance, most - distance)
    if n <= EXACT_UP_TO:
        return min(1.0, 2.0 * float(_distribution(n)[beyond:].sum()))
    tail = _series_above(beyond, n)
    return min(1.0, 2.0 * tail) if tail > 0.0 else None


@functools.cache
def _distribution(n: int) -> Floats:
    """P(D = d) for d = 0 .. (n^3 - n)/3."""
    size = (n**3 - n) // 3 + 1
    filled: dict[int, Floats] = {0: np.concatenate(([1.0], np.zeros(size - 1)))}
    for place in range(n):
        grown: dict[int, Floats] = {}
        for ranks, ways in filled.items():
            for rank in range(n):
                if ranks >> rank & 1:
                    continue
                shift = (rank - place) ** 2
                into = grown.setdefault(ranks | 1 << rank, np.zeros(size))
                into[shift:] += ways[: size - shift]
        filled = grown
    return filled[(1 << n) - 1] / math.factorial(n)


def _series_above(distance: int, n: int) -> float:
    """P(D >= distance) by AS 89's Edgeworth series."""
    b = 1.0 / n
    x = (6.0 * (distance - 1) * b / (n * n - 1.0) - 1.0) * math.sqrt(1.0 / b - 1.0)
    y = x * x
    # the coefficients are those of the published algorithm
    outer = 0.0072 - 0.0831 * b + y * b * (0.0131 - 4.6e-4 * y)
    inner = -0.0758 + b * (0.1033 + 0.3932 * b) - y * b * (0.0879 + 0.0151 * b - y * outer)
    u = x * b * (0.2274 + b * (0.2531 + 0.1745 * b) + y * inner)
    return u / math.exp(y / 2.0) + float(ndtr(-x))
