"""The distribution of the studentized range, for Tukey's and Games and Howell's comparisons.

The range of k standard normal values exceeds w with probability

    S(w) = k integral phi(z) [Phi(z)^(k-1) - (Phi(z) - Phi(z - w))^(k-1)] dz

(the difference is formed without cancellation, so that the smallest p is exact), and the
studentized range exceeds q with probability integral f(s) S(q s) ds, f the density of
sqrt(chi-square / df). Both integrals by Gauss & Legendre's rule.

Checked against R's ptukey (TukeyHSD in the `posthoc` reference files) and scipy.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainccinv, gammaincinv, gammaln, log_ndtr, ndtr


class _Grid(NamedTuple):
    """Nodes of both integrals, and what is left out of the chi-square distribution's ends."""

    z_nodes: int
    s_nodes: int
    tail: float


_FINE: Final = _Grid(128, 192, 1e-30)
_COARSE: Final = _Grid(96, 96, 1e-18)  # twelve digits of quantiles from two degrees of freedom on
_COARSE_DF: Final = 2.0
_LARGE_DF: Final = 1e5  # from here on s is 1 within what is needed
_SETTLED: Final = 1e-13


def studentized_range_sf(q: float, k: int, df: float) -> float:
    """P(range of k means, in standard errors with df degrees of freedom, > q)."""
    if not (q >= 0 and k >= 2 and df > 0):
        return math.nan
    return _exceeded(q, k, df, _FINE)


def _exceeded(q: float, k: int, df: float, grid: _Grid) -> float:
    nodes, weights = _scales(df, grid)
    return float(min(1.0, weights @ _range_sf(q * nodes, k, grid.z_nodes)))


def studentized_range_ppf(share: float, k: int, df: float) -> float:
    """The q that is exceeded with probability 1 - share."""
    if not (0 < share < 1 and k >= 2 and df > 0):
        return math.nan
    grid = _FINE if df < _COARSE_DF else _COARSE
    low, high = 0.0, 4.0
    while _exceeded(high, k, df, grid) > 1 - share:
        low, high = high, 2 * high
        if high > 1e8:
            return math.inf
    aim = math.log(1 - share)
    return _root(low, high, lambda q: math.log(_exceeded(q, k, df, grid)) - aim)


def _root(low: float, high: float, log_excess: Callable[[float], float]) -> float:
    """Secant steps in the logarithm of the tail, kept inside the bracket."""
    f_low, f_high = log_excess(low), log_excess(high)
    q = high
    for _ in range(80):
        q = low + (high - low) * f_low / (f_low - f_high)
        width = high - low
        q = min(max(q, low + 1e-3 * width), high - 1e-3 * width)
        f = log_excess(q)
        if f > 0:
            low, f_low, f_high = q, f, f_high / (2 if f > 0.5 * f_low else 1)
        else:
            high, f_high, f_low = q, f, f_low / (2 if f < 0.5 * f_high else 1)
        if abs(f) < _SETTLED or high - low < _SETTLED * high:
            break
    return q


@functools.cache
def _rule(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights


@functools.lru_cache(maxsize=256)
def _scales(df: float, grid: _Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes s and weights f(s) ds of sqrt(chi-square / df), on a logarithmic axis."""
    if df > _LARGE_DF:
        return np.ones(1), np.ones(1)
    half = df / 2
    low = 0.5 * math.log(max(float(gammaincinv(half, grid.tail)), 1e-200) / half)
    high = 0.5 * math.log(float(gammainccinv(half, grid.tail)) / half)
    nodes, weights = _rule(grid.s_nodes)
    # two panels, joined at the mode s = 1: the density falls off unequally to both sides
    logs = np.concatenate([low + (nodes + 1) / 2 * -low, (nodes + 1) / 2 * high])
    widths = np.concatenate([weights / 2 * -low, weights / 2 * high])
    density = math.log(2) + half * math.log(half) - gammaln(half) + df * logs
    density = density - half * np.exp(2 * logs)
    return np.exp(logs), widths * np.exp(density)


def _range_sf(w: NDArray[np.float64], k: int, count: int) -> NDArray[np.float64]:
    nodes, weights = _rule(count)
    z = 8.5 * nodes
    log_all = log_ndtr(z)
    front = k * np.exp(-0.5 * z * z + (k - 1) * log_all) / math.sqrt(2 * math.pi) * 8.5 * weights
    with np.errstate(divide="ignore", under="ignore"):
        share = ndtr(z[None, :] - w[:, None]) / ndtr(z)[None, :]
        missed = -np.expm1((k - 1) * np.log1p(-np.minimum(share, 1.0)))
    return missed @ front
