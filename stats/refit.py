"""The same logistic model in many resamples, all of a batch at once.

The design is one for all; a resample is a row of counts. Chord steps with the curvature of the
full fit, in single precision, serve all resamples in two matrix products, until each is within a
small part of a standard error; then each takes Newton steps with its own curvature, which also
prove that its maximum exists (`logistic.certificate`). Where chord steps would be slow (few rows
for the number of parameters) all start with their own curvature. What remains - separated
resamples, levels that were not drawn - is fitted alone by the procedure of the outcome model
itself.

Checked against a fit on copied rows by statsmodels, resample by resample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stats.collinearity import find_aliased
from stats.design import Bools, Design, Floats, Ints
from stats.errors import NotEstimable
from stats.firth import fit_firth
from stats.logistic import Sums, fit_logistic, sums
from stats.recalibration import invert_many
from stats.resampling import Counts

#: How a resample was fitted.
LIKELIHOOD: Final = 0
FIRTH: Final = 1
SEPARATED: Final = 2  # no finite maximum, and no penalty was to be used
NO_MODEL: Final = 3  # one outcome only, or no columns left

_NEAR = 5e-5  # decrement, in standard errors, from which one Newton step errs by below 1e-8
_NEWTON_ROUNDS = 8
_TILE_ELEMENTS = 1 << 16
_FEW_PARAMETERS = 60  # up to here products of column pairs beat one product per resample
_NO_CHANCE = 1e3
_ROUNDING = float(np.finfo(np.float64).eps)


class FullFit(NamedTuple):
    """The model on all rows: where every resample starts."""

    beta: Floats
    covariance: Floats
    row_norm: float


@dataclass(frozen=True, slots=True, eq=False)
class Refits:
    """One row per resample: coefficients on the internal scale (NaN where there is no model),
    how it was fitted, and whether columns carried no information in it (their coefficient
    is 0)."""

    beta: Floats
    how: NDArray[np.int8]
    reduced: Bools


class Refitter:
    """Refits one model in batches of resamples.

    `method` is "auto" (Firth's penalty for resamples that are separated), "likelihood" or
    "firth" (for every resample).
    """

    def __init__(self, design: Design, y: Floats, full: FullFit, method: str) -> None:
        self.design = design
        self.y = y
        self._full = full
        self._method = method
        p = design.n_parameters
        self._pairs = np.triu_indices(p)
        self._chord_rounds = _chord_rounds(design.n_rows, p)

    def refit(self, counts: Counts, held: Bools | None = None) -> Refits:
        """The model in each resample (a row of `counts`); of the columns marked in its row of
        `held` (k x columns after the intercept) where that is given, the others at 0."""
        k, p = len(counts), self.design.n_parameters
        found = Refits(
            np.full((k, p), np.nan), np.full(k, NO_MODEL, np.int8), np.zeros(k, dtype=bool)
        )
        alone = np.arange(k)
        if self._method != "firth":
            settled = self._together(counts, found.beta, held)
            found.how[settled] = LIKELIHOOD
            alone = np.flatnonzero(~settled)
        for i in alone:
            found.beta[i], found.how[i], found.reduced[i] = self._alone(
                counts[i], None if held is None else held[i]
            )
        return found

    def _together(self, counts: Counts, out: Floats, held: Bools | None) -> Bools:
        """Fill `out` for the resamples whose maximum was reached and certified."""
        beta = np.repeat(self._full.beta[None], len(counts), axis=0)
        target = self._target(counts)
        free = np.ones((len(counts), beta.shape[1]))
        if held is not None:
            free[:, 1:] = held
            self._leave_out(beta, free)
        elif self._chord_rounds:
            self._chord(counts, target, beta)
        settled = np.zeros(len(counts), dtype=bool)
        active = np.arange(len(counts))
        before = np.full(len(counts), np.inf)
        for _ in range(_NEWTON_ROUNDS):
            drawn = counts if len(active) == len(counts) else counts[active]
            fitted, information = self._derivatives(drawn, beta[active])
            open_to = free[active]
            if held is not None:
                _hold_still(information, open_to)
            covariance, usable = invert_many(information)
            score = (target[active] - fitted) * open_to
            step = np.einsum("kij,kj->ki", covariance, score)
            size = np.sqrt(np.maximum(np.einsum("ki,ki->k", step, score), 0.0))
            diagonal = np.einsum("kii->ki", covariance)
            trace = np.maximum((diagonal * open_to).sum(axis=1), 0.0)  # nonsense where unusable
            reach = np.sqrt(self._full.row_norm * trace)
            usable &= np.isfinite(size) & (size < _NO_CHANCE) & (size < 2.0 * before[active])
            beta[active[usable]] += step[usable]
            before[active] = size
            done = usable & (size <= _NEAR) & _certified(size, reach, self.design.n_rows)
            settled[active[done]] = True
            active = active[usable & ~done]
            if not len(active):
                break
        out[settled] = beta[settled]
        return settled

    def _leave_out(self, beta: Floats, free: Floats) -> None:
        """Move starts (one per row) to the Wald estimate of the maximum without the columns that
        are not free."""
        covariance = self._full.covariance
        patterns, which = np.unique(free, axis=0, return_inverse=True)
        for i, pattern in enumerate(patterns):
            out = np.flatnonzero(pattern == 0.0)
            known = out[covariance[out, out] > 0.0]
            start = self._full.beta - covariance[:, known] @ np.linalg.solve(
                covariance[np.ix_(known, known)], self._full.beta[known]
            )
            start[out] = 0.0
            beta[which == i] = start

    def _chord(self, counts: Counts, target: Floats, beta: Floats) -> None:
        """Chord steps with Anderson mixing of depth one (as in `profile`), in place."""
        covariance = self._full.covariance
        information = np.linalg.inv(covariance)
        past_step = past_move = np.zeros_like(beta)
        for turn in range(self._chord_rounds):
            fitted = self._roughly_fitted(counts, beta)
            step = (target - fitted) @ covariance
            size = np.einsum("ki,ki->k", step, step @ information)
            move = step
            if turn:
                change = step - past_step
                metric = change @ information
                below = np.einsum("ki,ki->k", change, metric)
                share = np.einsum("ki,ki->k", step, metric) / np.where(below > 0.0, below, 1.0)
                share = np.where(below > 0.0, np.clip(share, -2.0, 1.0), 0.0)
                move = step - share[:, None] * (past_move + change)
            # one that runs away is left where it started: Newton, or a fit alone, takes it on
            lost = ~(size < _NO_CHANCE**2)
            beta += move
            beta[lost] = self._full.beta
            past_step, past_move = step, move
            if float(size[~lost].max(initial=0.0)) <= _NEAR**2:
                break

    def _tiles(
        self, counts: Counts, dtype: type[np.floating[Any]] = np.float64
    ) -> Iterator[tuple[slice, NDArray[Any], NDArray[Any]]]:
        """Rows in tiles: where, the transposed design, the counts as numbers (one buffer)."""
        k = len(counts)
        size = max(64, _TILE_ELEMENTS // max(k, 1))
        memory = np.empty((k, size), dtype)
        for part, block in self.design.blocks():
            x = block.T
            for start in range(0, x.shape[1], size):
                tile = x[:, start : start + size].astype(dtype, copy=False)
                rows = slice(part.start + start, part.start + start + tile.shape[1])
                weights = memory[:, : tile.shape[1]]
                np.copyto(weights, counts[:, rows])
                yield rows, tile, weights

    def _target(self, counts: Counts) -> Floats:
        """X'Wy of each resample."""
        total = np.zeros((len(counts), self.design.n_parameters))
        for rows, x, drawn in self._tiles(counts):
            total += np.multiply(drawn, self.y[rows], out=drawn) @ x.T
        return total

    def _roughly_fitted(self, counts: Counts, beta: Floats) -> Floats:
        """X'Wp of each resample in single precision: enough for the way to a maximum."""
        fitted = np.zeros(beta.shape)
        minus = -beta.astype(np.float32)
        with np.errstate(over="ignore"):
            for _, x, drawn in self._tiles(counts, np.float32):
                risk = np.matmul(minus, x)
                np.exp(risk, out=risk)
                risk += 1.0
                fitted += np.divide(drawn, risk, out=risk) @ x.T
        return fitted

    def _derivatives(self, counts: Counts, beta: Floats) -> tuple[Floats, Floats]:
        """X'Wp of each resample, and X'W p(1 - p) X."""
        k, p = beta.shape
        fitted, information = np.zeros((k, p)), np.zeros((k, p, p))
        packed = np.zeros((k, len(self._pairs[0]))) if p <= _FEW_PARAMETERS else None
        with np.errstate(over="ignore"):  # an infinite odds against is a risk of 0
            for _, x, drawn in self._tiles(counts):
                risk = np.matmul(-beta, x)
                np.exp(risk, out=risk)
                risk += 1.0
                np.reciprocal(risk, out=risk)
                expected = np.multiply(drawn, risk, out=drawn)
                fitted += expected @ x.T
                weights = np.multiply(expected, np.subtract(1.0, risk, out=risk), out=risk)
                if packed is not None:
                    self._add_packed(packed, x, weights)
                else:
                    _add_each(information, x, weights)
        if packed is not None:
            rows, columns = self._pairs
            information[:, rows, columns] = packed
            information[:, columns, rows] = packed
        return fitted, information

    def _add_packed(self, packed: Floats, x: Floats, weights: Floats) -> None:
        """Products of all pairs of columns, weighted for every resample in one product."""
        p = len(x)
        size = max(64, (1 << 17) // len(self._pairs[0]))
        memory = np.empty((len(self._pairs[0]), size))
        for start in range(0, x.shape[1], size):
            tile = x[:, start : start + size]
            products = memory[:, : tile.shape[1]]
            first = 0
            for i in range(p):
                np.multiply(tile[i], tile[i:], out=products[first : first + p - i])
                first += p - i
            packed += weights[:, start : start + size] @ products.T

    def _alone(self, counts: Counts, held: Bools | None) -> tuple[Floats, int, bool]:
        """One resample by the procedure of the outcome model, on its rows."""
        beta = np.full(self.design.n_parameters, np.nan)
        rows: Ints = np.repeat(np.arange(len(counts)), counts)
        y = self.y[rows]
        if not 0.0 < float(y.sum()) < len(y):
            return beta, NO_MODEL, False
        columns = np.arange(len(self.design.columns)) if held is None else np.flatnonzero(held)
        if held is not None and not len(columns):  # nothing was selected: one risk for all
            share = float(y.mean())
            beta[:] = 0.0
            beta[0] = np.log(share / (1.0 - share))
            return beta, LIKELIHOOD, False
        whole = self.design if held is None else self.design.take(columns.tolist())
        design = Design(
            whole.terms, whole.rows[rows], whole.columns, whole.centre, whole.spread
        )  # fmt: skip
        start = sums(design, y)
        lost = {a.column for a in find_aliased(design, gram_matrix=start.gram)}
        kept = [j for j in range(len(design.columns)) if j not in lost]
        if not kept:
            return beta, NO_MODEL, True
        used = design.take(kept) if lost else design
        fitted, how = self._fit_one(used, y, sums(used, y) if lost else start)
        if fitted is not None:
            beta[:] = 0.0
            beta[[0, *(columns[kept] + 1)]] = fitted
        return beta, how, bool(lost)

    def _fit_one(self, design: Design, y: Floats, start: Sums) -> tuple[Floats | None, int]:
        if self._method != "firth":
            fit = fit_logistic(design, y, start=start)
            reach = np.sqrt(start.row_norm * np.trace(fit.covariance))
            if fit.certified and _certified(np.zeros(1), reach, len(y)).all():
                return fit.beta, LIKELIHOOD
            if self._method == "likelihood":
                return None, SEPARATED
        try:
            return fit_firth(design, y).beta, FIRTH
        except NotEstimable:
            return None, NO_MODEL


def _certified(size: Floats, reach: Floats, n_rows: int) -> Bools:
    """Bach's certificate that the maximum exists (`logistic.certificate`), for decrements `size`
    and bounds `reach` of the largest sqrt(x'Cx).

    A risk that rounds to 1 lends a separated resample a vanishing score. The rounding of a risk
    moves the decrement by up to eps sqrt(x'Cx) a row, which is therefore added to it.
    """
    return (size + n_rows * _ROUNDING * reach) * reach <= 0.5


def _hold_still(information: Floats, free: Floats) -> None:
    """Cut columns that are not free out of information matrices, in place: they become those of
    columns that nothing else touches."""
    information *= free[:, :, None] * free[:, None, :]
    diagonal = np.arange(free.shape[1])
    information[:, diagonal, diagonal] += 1.0 - free


def _add_each(information: Floats, x: Floats, weights: Floats) -> None:
    memory = np.empty(x.shape)
    for i, weight in enumerate(weights):
        half = np.multiply(x, np.sqrt(weight), out=memory)
        information[i] += half @ half.T


def _chord_rounds(n_rows: int, p: int) -> int:
    """Chord steps worth taking before each resample pays for its own curvature; 0 when Newton
    is cheaper from the start.

    The error of a chord shrinks by about 2.2 sqrt(p / n) a step (the relative sampling error
    of the curvature), from sqrt(p) standard errors at the start; a Newton round costs about
    1 + p/5 chord steps, and chords save three of them.
    """
    rate = 2.2 * np.sqrt(p / n_rows)
    if rate > 0.7:
        return 0
    rounds = int(np.ceil(np.log(_NEAR / np.sqrt(p)) / np.log(rate))) + 2
    return rounds if rounds - 2 <= 3.0 * (1.0 + p / 5.0) else 0
