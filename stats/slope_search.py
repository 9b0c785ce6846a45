"""The same maximum and limits as `stats.slope_fit` for one difficult column, surely.

Damped Newton ascent that never loses height, and limits by bracketing: the profile falls on
both sides of the maximum, so a limit is enclosed first and then closed in by Newton steps that
may not leave the enclosure. It serves separated columns (where the likelihood has no
maximum but its profile still has one finite limit), Firth fits of them, and outliers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from stats.one_slope import TILE, SlopeLikelihood, Tile, Value

_ROUNDS: Final = 200
_SETTLED: Final = 1e-18  # squared Newton step, in standard errors
_INVISIBLE: Final = 1e-8  # squared step whose gain may drown in rounding
_POLISH: Final = 4  # at most so many steps of that kind
_HALVINGS: Final = 40
_DOUBLINGS: Final = 80
#: Up to this many rows a Firth profile is searched for its highest branch.
FEW_ROWS: Final = 40
_ROUNDING: Final = 1e-15
_CLOSE: Final = 1e-9  # width of the enclosure of a limit, relative to its distance


@dataclass(slots=True, eq=False)
class Summit:
    """A maximum of one column; `settled` is False where the ascent did not come to rest."""

    b0: float
    b1: float
    value: Value
    settled: bool

    @property
    def gain(self) -> float:
        """The objective there."""
        return float(self.value.gain[0])


class ColumnSearch:
    """Searches on the objective of the one column of `tile`."""

    def __init__(self, likelihood: SlopeLikelihood, tile: Tile) -> None:
        self._likelihood = likelihood
        self._tile = tile

    def maximise(self) -> Summit:
        """Climb from the model without slope."""
        return self._climb(float(self._tile.null_logit[0]), 0.0, fixed=False)

    def limit(self, top: Summit, side: float, quantile: float) -> float:
        """The b1 on `side` (-1, 1) of `top` where 2 (top - profile) is quantile^2."""
        goal = top.gain - quantile**2 / 2
        inside, step = top, _standard_error(top)
        for _ in range(_DOUBLINGS):
            outside = self._along(inside, top.b1 + side * step)
            if outside.gain < goal:
                return self._close_in(inside, outside, goal)
            inside, step = outside, 2 * step
        return side * math.inf

    def separated_limit(self, top: float, direction: float, quantile: float) -> float:
        """The finite limit where the likelihood rises to `top` as b1 goes to direction * inf."""
        goal = top - quantile**2 / 2
        flat = self._balance(float(self._tile.null_logit[0]), 0.0)
        towards = direction if flat.gain < goal else -direction
        here, step = flat, 0.5
        for _ in range(_DOUBLINGS):
            ahead = self._along(here, towards * step)
            if (ahead.gain < goal) != (flat.gain < goal):
                inside, outside = (ahead, here) if flat.gain < goal else (here, ahead)
                return self._close_in(inside, outside, goal)
            here, step = ahead, 2 * step
        return towards * math.inf

    def _close_in(self, inside: Summit, outside: Summit, goal: float) -> float:
        """The root between a point above the goal and one below it."""
        here = outside
        for _ in range(_ROUNDS):
            slope = float(here.value.g1[0])
            ahead = here.b1 - (here.gain - goal) / slope if slope != 0 else math.nan
            low, high = sorted((inside.b1, outside.b1))
            if not low < ahead < high:
                ahead = (low + high) / 2
            if abs(ahead - here.b1) <= _CLOSE * abs(high - low) or high - low <= _CLOSE * abs(high):
                return ahead
            moved = abs(ahead - here.b1)
            here = self._along(here, ahead)
            if abs(here.gain - goal) <= 1e-12 * (1 + abs(goal)) or moved <= 1e-12 * abs(ahead):
                return here.b1
            if here.gain < goal:
                outside = here
            else:
                inside = here
        return here.b1

    def _along(self, start: Summit, b1: float) -> Summit:
        """The point of the profile at `b1`, sought from a neighbouring one."""
        h00 = float(start.value.h00[0])
        tilt = float(start.value.h01[0]) / h00 if h00 > 0 else 0.0
        guess = start.b0 - tilt * (b1 - start.b1)
        if not self._likelihood.penalised:
            return self._balance(guess, b1)
        found = self._climb(guess, b1, fixed=True)
        if self._tile.z.shape[1] > FEW_ROWS and found.settled:
            return found
        other = self._climb(self._promising(b1), b1, fixed=True)
        return other if not found.gain >= other.gain else found

    def _balance(self, b0: float, b1: float) -> Summit:
        """The best b0 at a slope: where fitted and seen events agree, a falling difference."""
        centre = float(self._tile.null_logit[0])
        reach = abs(b1) * float(self._tile.reach[0])
        low, high = centre - reach - 1, centre + reach + 1
        value = self._at(b0, b1)
        for _ in range(_ROUNDS):
            g0, h00 = float(value.g0[0]), float(value.h00[0])
            low, high = (b0, high) if g0 > 0 else (low, b0)
            ahead = b0 + g0 / h00 if h00 > 0 else math.nan
            if g0**2 <= _SETTLED * h00 or high - low <= _ROUNDING * (abs(low) + abs(high)):
                break
            b0 = ahead if low < ahead < high else (low + high) / 2
            value = self._at(b0, b1)
        return Summit(b0, b1, value, settled=True)

    def _promising(self, b1: float) -> float:
        """The best b0 of those that put the even chance at or between two neighbouring values.

        With few rows Firth's objective at a steep slope has several local maxima over b0.
        """
        z = np.unique(self._tile.z)
        if len(z) > FEW_ROWS:
            z = np.quantile(z, np.linspace(0, 1, FEW_ROWS))
        places = np.interp(np.arange(0, len(z) - 1 + 1e-9, 1 / 8), np.arange(len(z)), z)
        b0 = -b1 * places[:, None]
        at_once = max(1, 2 * TILE // min(self._tile.z.shape[1], TILE))
        gains = np.concatenate(
            [
                self._likelihood.at(self._tile, part, np.full(part.shape, b1), "final").gain[:, 0]
                for part in np.array_split(b0, -(-len(b0) // at_once))
            ]
        )
        return float(b0[np.argmax(np.where(np.isnan(gains), -np.inf, gains)), 0])

    def _climb(self, b0: float, b1: float, *, fixed: bool) -> Summit:
        """Newton ascent over b0, and over b1 unless it is fixed; no step loses height."""
        at, value, polished = (b0, b1), self._at(b0, b1), 0
        for _ in range(_ROUNDS):
            d0, d1, squared = _step(value, fixed=fixed)
            if not squared > _SETTLED or polished == _POLISH:
                return _arrived(at, (d0, d1), value, settled=math.isfinite(squared))
            if squared < _INVISIBLE:  # Newton needs no watch here, and could not be watched
                at, polished = (at[0] + d0, at[1] + d1), polished + 1
                value = self._at(*at)
                continue
            higher = self._higher(at, (d0, d1), value)
            if higher is None:
                break
            at, value = higher
        return Summit(*at, value, settled=False)

    def _higher(
        self, at: tuple[float, float], step: tuple[float, float], value: Value
    ) -> tuple[tuple[float, float], Value] | None:
        share = 1.0
        for _ in range(_HALVINGS):
            ahead = (at[0] + share * step[0], at[1] + share * step[1])
            there = self._at(*ahead)
            if float(there.gain[0]) > float(value.gain[0]):
                return ahead, there
            share /= 2
        return None

    def _at(self, b0: float, b1: float) -> Value:
        return self._likelihood.at(self._tile, np.array([b0]), np.array([b1]), "final")


def _standard_error(top: Summit) -> float:
    """Of b1, about: a first step."""
    value = top.value
    curvature = float((value.h11 - value.h01**2 / value.h00)[0])
    return 1 / math.sqrt(curvature) if curvature > 0 else 0.5


def _arrived(
    at: tuple[float, float], step: tuple[float, float], value: Value, *, settled: bool
) -> Summit:
    """The point after a last step too small to evaluate again."""
    d0, d1 = step if settled else (0.0, 0.0)
    value.moments.move(np.array([d0]), np.array([d1]))
    return Summit(at[0] + d0, at[1] + d1, value, settled)


def _step(value: Value, *, fixed: bool) -> tuple[float, float, float]:
    """Newton step and its squared length; where the objective is not concave (Firth's may be
    so far from its maximum) the unpenalised information takes the place of its Hessian.
    """
    g0, g1 = float(value.g0[0]), float(value.g1[0])
    for hessian in ((value.h00, value.h01, value.h11), value.moments.s):
        h00, h01, h11 = (float(h[0]) for h in hessian)
        if fixed and h00 > 0:
            return g0 / h00, 0.0, g0**2 / h00
        determinant = h00 * h11 - h01**2
        if not fixed and h00 > 0 and determinant > 0:
            d0 = (h11 * g0 - h01 * g1) / determinant
            d1 = (h00 * g1 - h01 * g0) / determinant
            return d0, d1, g0 * d0 + g1 * d1
    return 0.0, 0.0, math.nan
