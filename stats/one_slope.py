"""The logistic likelihood of one continuous predictor, for many predictors at once.

A `Tile` holds a few standardised columns, the rows without the event first. Missing values
are 0 there, so that they add to the sums over z^0 alone, from which their share (a known
multiple of the value at z = 0) is taken off again: no masks, no columns of different length.
A tile is small enough for the L2 cache, or it is one long column that is walked in chunks.

With eta = b0 + b1 z, p = expit(eta), w = p (1 - p) everything needed is a moment

    S_k = sum w z^k,   T_k = sum w' z^k,   Q_k = sum w'' z^k,   w' = w (1-2p), w'' = w (1-6w).

The objective is measured as its gain over the model with intercept only, so that a small
likelihood ratio does not suffer from cancellation. Firth's objective adds 1/2 log D with
D = S_0 S_2 - S_1^2; dS_k/db0 = T_k, dS_k/db1 = T_{k+1}, and likewise from T to Q, give its
exact gradient and Hessian.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from scipy.special import xlogy

from stats.design import Floats, Ints

#: Numbers of a tile; 256 kB, of which a few buffers fit the L2 cache.
TILE: Final = 1 << 15
_STEEP = 600.0  # |eta| from which exp(-eta) may overflow

_ONES = np.ones(TILE)

#: What an evaluation is for: a Newton step, a step along the profile, the final point.
Purpose = Literal["step", "profile", "final"]


@dataclass(slots=True, eq=False)
class Tile:
    """Columns of z (one per row of the array), `first_event` others before the events.

    `others`, `events`: rows with a value; `gaps_other`, `gaps_event`: rows without;
    `sum_other`, `sum_event`, `squares`: sums of z and z^2; `reach`: the largest |z|.
    """

    z: Floats
    first_event: int
    others: Floats
    events: Floats
    gaps_other: Floats
    gaps_event: Floats
    sum_other: Floats
    sum_event: Floats
    squares: Floats
    reach: Floats

    @property
    def null_logit(self) -> Floats:
        """The log odds of the event among the rows with a value."""
        return np.log(self.events / self.others)

    @property
    def null_loglik(self) -> Floats:
        """The log-likelihood of the intercept alone."""
        n = self.events + self.others
        return xlogy(self.events, self.events / n) + xlogy(self.others, self.others / n)

    def one(self, column: int) -> Tile:
        """The tile of a single column."""
        part = slice(column, column + 1)
        return Tile(
            self.z[part], self.first_event, self.others[part], self.events[part],
            self.gaps_other[part], self.gaps_event[part], self.sum_other[part],
            self.sum_event[part], self.squares[part], self.reach[part],
        )  # fmt: skip


def make_tile(
    columns: Sequence[Floats], other_rows: Ints, event_rows: Ints, centre: Floats, spread: Floats,
    memory: Floats | None = None,
) -> Tile:  # fmt: skip
    """Standardise columns of the file (NaN = missing) into a tile.

    The tile is written into `memory` where that is given and large enough, so that the next tile
    can be written over it.
    """
    first_event = len(other_rows)
    shape = (len(columns), first_event + len(event_rows))
    size = shape[0] * shape[1]
    fits = memory is not None and len(memory) >= size
    z = memory[:size].reshape(shape) if memory is not None and fits else np.empty(shape)
    gaps = np.zeros((2, len(columns)))
    for j, values in enumerate(columns):
        own = z[j]
        values.take(other_rows, out=own[:first_event], mode="clip")
        values.take(event_rows, out=own[first_event:], mode="clip")
        own -= centre[j]
        own *= 1.0 / spread[j]
        missing = np.isnan(own).nonzero()[0]
        if len(missing):
            own[missing] = 0.0
            gaps[0, j] = missing.searchsorted(first_event)
            gaps[1, j] = len(missing) - gaps[0, j]
    return Tile(
        z, first_event, first_event - gaps[0], len(event_rows) - gaps[1], gaps[0], gaps[1],
        z[:, :first_event].sum(axis=1), z[:, first_event:].sum(axis=1),
        np.vecdot(z, z), np.maximum(z.max(axis=1), -z.min(axis=1)),
    )  # fmt: skip


@dataclass(slots=True, eq=False)
class Moments:
    """Sums over the rows with a value; arrays of the shape of the coefficients.

    `softplus` is the sum of log(1 + e^eta) less its value in the null model, `event_p` the sum
    of p over the events. Entries that a purpose does not need stay 0 or empty.
    """

    softplus: Floats
    p: Floats
    pz: Floats
    event_p: Floats
    s: list[Floats]
    t: list[Floats] = field(default_factory=list)
    q: list[Floats] = field(default_factory=list)

    def move(self, d0: Floats, d1: Floats) -> None:
        """Carry S_k over a last, small step to first order (dS_k = T_k d0 + T_{k+1} d1)."""
        for k in range(len(self.s)):
            self.s[k] = self.s[k] + self.t[k] * d0 + self.t[k + 1] * d1

    @property
    def squared_residuals(self) -> Floats:
        """Sum of (y - p)^2 less the number of events; sum p^2 = sum p - S_0."""
        return self.p - self.s[0] - 2 * self.event_p


@dataclass(slots=True, eq=False)
class Value:
    """Objective (gain over the null), gradient, negative Hessian and their moments."""

    gain: Floats
    g0: Floats
    g1: Floats
    h00: Floats
    h01: Floats
    h11: Floats
    moments: Moments

    def column(self, j: int) -> Value:
        """The value of one column (of an evaluation at one point per column)."""
        part = slice(j, j + 1)
        m = self.moments
        moments = Moments(
            m.softplus[part], m.p[part], m.pz[part], m.event_p[part],
            [s[part] for s in m.s], [t[part] for t in m.t], [q[part] for q in m.q],
        )  # fmt: skip
        return Value(
            self.gain[part], self.g0[part], self.g1[part],
            self.h00[part], self.h01[part], self.h11[part], moments,
        )  # fmt: skip

    def newton(self) -> tuple[Floats, Floats, Floats]:
        """Newton step (d0, d1) and the squared length of the step in standard errors."""
        determinant = self.h00 * self.h11 - self.h01**2
        d0 = (self.h11 * self.g0 - self.h01 * self.g1) / determinant
        d1 = (self.h00 * self.g1 - self.h01 * self.g0) / determinant
        return d0, d1, self.g0 * d0 + self.g1 * d1


class SlopeLikelihood:
    """Evaluates the objective of every column of a tile, in buffers that are kept."""

    def __init__(self, *, penalised: bool) -> None:
        self.penalised = penalised
        self._buffers = np.empty((2, 2 * TILE))

    def at(self, tile: Tile, b0: Floats, b1: Floats, purpose: Purpose) -> Value:
        """The objective at coefficients of shape (columns,) or (points, columns)."""
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            moments = self._moments(tile, b0, b1, "final" if self.penalised else purpose)
            offset = b0 - tile.null_logit
            value = Value(
                gain=tile.events * offset + b1 * tile.sum_event - moments.softplus,
                g0=tile.events - moments.p,
                g1=tile.sum_event - moments.pz,
                h00=moments.s[0], h01=moments.s[1],
                h11=moments.s[2] if len(moments.s) > 2 else moments.s[0], moments=moments,
            )  # fmt: skip
            if self.penalised:
                _penalise(value)
        return value

    def _moments(self, tile: Tile, b0: Floats, b1: Floats, purpose: Purpose) -> Moments:
        n = tile.z.shape[1]
        width = n if len(tile.z) > 1 else TILE
        sizes = {"step": (3, 0, 0), "profile": (2, 0, 0), "final": (3, 4, 0)}[purpose]
        if self.penalised:
            sizes = (3, 4, 5)
        powers = [[np.zeros(b0.shape) for _ in range(size)] for size in sizes]
        total = Moments(*(np.zeros(b0.shape) for _ in range(4)), *powers)  # type: ignore[arg-type]
        for start in range(0, n, width):
            self._add_chunk(total, tile, (b0, b1), slice(start, start + width), purpose)
        _take_gaps_off(total, tile, b0)
        if purpose != "step":
            rows = tile.events + tile.others
            total.softplus += rows * (b0 - tile.null_logit)
            total.softplus += b1 * (tile.sum_other + tile.sum_event)
            steep = np.abs(b0) + np.abs(b1) * tile.reach > _STEEP
            if steep.any():
                total.softplus[steep] = _steep_softplus(tile, b0, b1)[steep]
        return total

    def _add_chunk(
        self, total: Moments, tile: Tile, beta: tuple[Floats, Floats], part: slice, purpose: Purpose
    ) -> None:
        b0, b1 = beta
        z = tile.z[:, part]
        ones = _ONES[: z.shape[1]]
        shape = (*b0.shape, z.shape[1])
        p, w = (buffer[: b0.size * z.shape[1]].reshape(shape) for buffer in self._buffers)
        np.multiply(z, -b1[..., None], out=p)
        p -= b0[..., None]
        np.exp(p, out=p)
        p += 1.0
        if purpose != "step":
            # log((1 + e^-eta) / (1 + e^-eta0)): small terms, so that their sum keeps its digits
            np.multiply(p, (tile.events / (tile.events + tile.others))[:, None], out=w)
            np.log(w, out=w)
            total.softplus += np.vecdot(w, ones)
        np.reciprocal(p, out=p)
        total.p += np.vecdot(p, ones)
        total.pz += np.vecdot(p, z)
        np.multiply(p, p, out=w)
        np.subtract(p, w, out=w)
        if total.t:
            cut = min(max(tile.first_event - part.start, 0), z.shape[1])
            total.event_p += np.vecdot(p[..., cut:], ones[cut:])
            if total.q:
                _add_powers(total.q, w * (1 - 6 * w), z, ones)
            p *= -2.0
            p += 1.0
            p *= w
            _add_powers(total.t, p, z, ones)
        _add_powers(total.s, w, z, ones)


def _add_powers(sums: list[Floats], weights: Floats, z: Floats, ones: Floats) -> None:
    """Add sum weights z^k to `sums[k]`; overwrites `weights`."""
    sums[0] += np.vecdot(weights, ones)
    sums[1] += np.vecdot(weights, z)
    for k in range(2, len(sums)):
        weights *= z
        sums[k] += np.vecdot(weights, z)


def _take_gaps_off(total: Moments, tile: Tile, b0: Floats) -> None:
    """Subtract what the zeros that stand for missing values have added."""
    gaps = tile.gaps_other + tile.gaps_event
    if not gaps.any():
        return
    p = 1 / (1 + np.exp(-b0))
    w = p * (1 - p)
    total.softplus -= gaps * np.log((1 + np.exp(-b0)) * tile.events / (tile.events + tile.others))
    total.p -= gaps * p
    total.event_p -= tile.gaps_event * p
    total.s[0] -= gaps * w
    if total.t:
        total.t[0] -= gaps * w * (1 - 2 * p)
    if total.q:
        total.q[0] -= gaps * w * (1 - 6 * w)


def _steep_softplus(tile: Tile, b0: Floats, b1: Floats) -> Floats:
    """The sum of log(1 + e^eta) over its null value, for slopes at which e^-eta overflows."""
    null = np.logaddexp(0.0, tile.null_logit)[..., None]
    sums = np.zeros(b0.shape)
    width = max(1, 2 * TILE // b0.size)
    for start in range(0, tile.z.shape[1], width):
        z = tile.z[:, start : start + width]
        eta = b0[..., None] + b1[..., None] * z
        sums += (np.logaddexp(0.0, eta) - null).sum(axis=-1)
    gaps = tile.gaps_other + tile.gaps_event
    return sums - gaps * (np.logaddexp(0.0, b0) - null[..., 0])


def _penalise(value: Value) -> None:
    """Add 1/2 log D to the objective, with its gradient and Hessian."""
    (s0, s1, s2), (t0, t1, t2, t3) = value.moments.s, value.moments.t
    q0, q1, q2, q3, q4 = value.moments.q
    d = s0 * s2 - s1**2
    d0 = t0 * s2 + s0 * t2 - 2 * s1 * t1
    d1 = t1 * s2 + s0 * t3 - 2 * s1 * t2
    d00 = q0 * s2 + 2 * t0 * t2 + s0 * q2 - 2 * t1**2 - 2 * s1 * q1
    d01 = q1 * s2 + t0 * t3 + s0 * q3 - t1 * t2 - 2 * s1 * q2
    d11 = q2 * s2 + 2 * t1 * t3 + s0 * q4 - 2 * t2**2 - 2 * s1 * q3
    value.gain = value.gain + 0.5 * np.log(d)
    value.g0 = value.g0 + 0.5 * d0 / d
    value.g1 = value.g1 + 0.5 * d1 / d
    value.h00 = value.h00 - 0.5 * (d00 / d - (d0 / d) ** 2)
    value.h01 = value.h01 - 0.5 * (d01 / d - (d0 / d) * (d1 / d))
    value.h11 = value.h11 - 0.5 * (d11 / d - (d1 / d) ** 2)
