"""Maximum and profile limits of one-slope models, a whole tile at a time.

The maximum: Newton's method from the slope of the linear discriminant. A limit b1 solves
r(b1) = -+quantile, r the signed root of 2 (max - profile). Each step evaluates one point
(b0, b1) off the profile, moves its value there to second order,

    profile = f + g0^2 / (2 h00),   profile' = g1 - (h01 / h00) g0 ,

and takes a Newton step on r, which is nearly linear in b1 (the scheme of Venzon & Moolgavkar
1988, doi:10.2307/2347496, on the scale of the root). The start uses the third derivative along
the profile, so that with thousands of rows one evaluation for each side is enough.

A column that does not settle (nearly separated, extreme outliers) is marked and left to
`stats.slope_search`; it does not hold up the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from stats.design import Bools, Floats
from stats.one_slope import SlopeLikelihood, Tile, Value

_ROUNDS: Final = 25
_SETTLED: Final = 1e-8  # squared step, in standard errors; the next one is its square
_UNMOVED: Final = 1e-5  # largest change of any row's logit, so that the information is settled, too
_LONGEST: Final = 4.0  # of a step in b0 or b1 (z has SD 1)
_LIMIT_ROUNDS: Final = 8
_LIMIT_STEP: Final = 2e-4  # last step of a limit in standard errors; what remains is its square
_LIMIT_DRIFT: Final = 1e-3  # distance from the profile, in standard errors of b0


@dataclass(slots=True, eq=False)
class Peak:
    """The maximum of each column; `at` is the evaluation there. `settled` is False where
    Newton's method did not converge (the other entries of the column are then meaningless).
    """

    b0: Floats
    b1: Floats
    at: Value
    settled: Bools

    @property
    def slope_variance(self) -> Floats:
        """Variance of b1, from X'WX (without the penalty)."""
        s0, s1, s2 = self.at.moments.s
        return 1 / (s2 - s1**2 / s0)


def discriminant_start(tile: Tile) -> tuple[Floats, Floats]:
    """Slope and intercept of the linear discriminant, on the scale of z."""
    n = tile.others + tile.events
    mean_other, mean_event = tile.sum_other / tile.others, tile.sum_event / tile.events
    within = tile.squares - tile.others * mean_other**2 - tile.events * mean_event**2
    slope = (mean_event - mean_other) / np.maximum(within / n, 0.05)
    slope = np.clip(slope, -_LONGEST, _LONGEST)
    return tile.null_logit - slope * (mean_event + mean_other) / 2, slope


def maximise(likelihood: SlopeLikelihood, tile: Tile) -> Peak:
    """The maximum of each column of the tile."""
    b0, b1 = discriminant_start(tile)
    moving = np.full(len(b0), True)
    for _ in range(_ROUNDS):
        d0, d1, squared = likelihood.at(tile, b0, b1, "step").newton()
        moving &= np.isfinite(squared)
        shorter = _shorten(d0, d1)
        b0 = np.where(moving, b0 + shorter * d0, b0)
        b1 = np.where(moving, b1 + shorter * d1, b1)
        unmoved = np.abs(d0) + np.abs(d1) * tile.reach <= _UNMOVED
        moving &= ~((np.abs(squared) <= _SETTLED) & unmoved)
        if not moving.any():
            break
    value = likelihood.at(tile, b0, b1, "final")
    d0, d1, squared = value.newton()
    settled = (
        np.isfinite(squared) & (np.abs(squared) <= _SETTLED)
        & (value.h00 > 0) & (value.h00 * value.h11 > value.h01**2)
    )  # fmt: skip
    value.moments.move(np.where(settled, d0, 0.0), np.where(settled, d1, 0.0))
    return Peak(np.where(settled, b0 + d0, b0), np.where(settled, b1 + d1, b1), value, settled)


def _shorten(d0: Floats, d1: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.minimum(1.0, _LONGEST / np.maximum(np.abs(d0), np.abs(d1)))


@dataclass(slots=True, eq=False)
class Limits:
    """Profile limits of b1 and whether each column's pair is an exact root."""

    low: Floats
    high: Floats
    settled: Bools


def profile_limits(likelihood: SlopeLikelihood, tile: Tile, peak: Peak, quantile: float) -> Limits:
    """Both limits of every column at once; arrays inside have the shape (side, column)."""
    side = np.array([[-1.0], [1.0]])
    # a variance that rounding has made negative gives no start, and that column no exact root
    error = np.sqrt(np.where(peak.slope_variance > 0, peak.slope_variance, np.nan))
    b0, b1 = _start(peak, side * quantile, error)
    moving = np.broadcast_to(peak.settled, b0.shape).copy()
    exact = np.zeros(b0.shape, dtype=bool)
    for _ in range(_LIMIT_ROUNDS):
        value = likelihood.at(tile, b0, b1, "profile")
        with np.errstate(divide="ignore", invalid="ignore"):
            tilt = value.h01 / value.h00
            profile = value.gain + value.g0**2 / (2 * value.h00)
            root = side * np.sqrt(2 * (peak.at.gain - profile))
            d1 = (root - side * quantile) * root / (value.g1 - tilt * value.g0)
            d0 = value.g0 / value.h00 - tilt * d1
            drift = np.abs(value.g0) / np.sqrt(value.h00)
        moving &= np.isfinite(d0) & np.isfinite(d1)
        b0, b1 = np.where(moving, b0 + d0, b0), np.where(moving, b1 + d1, b1)
        exact |= moving & (np.abs(d1) <= _LIMIT_STEP * error) & (drift <= _LIMIT_DRIFT)
        moving &= ~exact
        if not moving.any():
            break
    ordered = (b1[0] < peak.b1) & (peak.b1 < b1[1])
    return Limits(b1[0], b1[1], exact.all(axis=0) & ordered)


def _start(peak: Peak, target: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Where the third-order expansion of the profile puts r = target."""
    (s0, s1, _), (t0, t1, t2, t3) = peak.at.moments.s, peak.at.moments.t
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        centre = s1 / s0
        bend = t2 - 2 * centre * t1 + centre**2 * t0
        third = t3 - 3 * centre * t2 + 3 * centre**2 * t1 - centre**3 * t0
        # r^2 = t^2 + skew t^3 for b1 = peak + t error; a large skew is not to be trusted
        skew = np.clip(third * error**3 / 3, -0.2, 0.2)
        move = error * (target - skew * target**2 / 2 + 0.625 * skew**2 * target**3)
        return peak.b0 - centre * move - bend / s0 * move**2 / 2, peak.b1 + move
