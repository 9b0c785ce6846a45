"""The log-likelihood of a logistic model around its maximum, roughly and at many points at once.

For a point at the distance d from the maximum, with delta = x'd in a row of fitted risk p and
w = p (1 - p), the score is

    -X' (w expm1(delta) / (1 + p expm1(delta)))

and the log-likelihood lies below its maximum by

    sum w (delta^2 / 2 + (1 - 2p) delta^3 / 6 + (1 - 6w) delta^4 / 24 + ...) .

The terms of first order are zero at the maximum and do not appear, so that single precision
(24 bits) leaves relative errors of some 1e-7 in both. That is enough for the way to a root, at
less than half the time; the root itself and its likelihood are computed in double precision by
whoever asks. The series is cut after the fourth power: a limit that moves some row's logit by
much more than 0.1 is not found here but there.

Checked against the double-precision likelihood of `stats.profile`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from stats.design import Design, Floats, Ints, Singles
from stats.logistic import LogisticFit

_TILE_ELEMENTS: Final = 1 << 17  # 512 kB
_APART: Final = 8  # one row of so many tells how a score bends
_GOLDEN: Final = 0.6180339887498949  # its multiples, less whole numbers, fill (0, 1) evenly
_FARTHEST: Final = 60.0  # exp() of more overflows in single precision


def near_maximum(
    design: Design, fit: LogisticFit, beta: Floats, valued: int
) -> tuple[Floats, Floats]:
    """Log-likelihood less its maximum, and score, at each column of `beta`.

    `fit` is the maximum (a score of zero is taken for granted). The log-likelihood is that of
    the first `valued` columns, NaN for the others.
    """
    below, fitted = _summed(design, fit.probability, beta - fit.beta[:, None], valued, bend=False)
    return -below, -fitted


def score_by_sample(design: Design, fit: LogisticFit, beta: Floats) -> Floats:
    """The score at each column of `beta`: its linear part is that of `fit`, how it bends is
    estimated from some of the rows."""
    move = beta - fit.beta[:, None]
    chosen = _spread_out(design.n_rows, _APART)
    _, bend = _summed(design.on(chosen), fit.probability[chosen], move, 0, bend=True)
    return -(fit.information @ move) - bend * (design.n_rows / len(chosen))


def _spread_out(n: int, apart: int) -> Ints:
    """One of every `apart` rows, each time at another place among them: files have rhythms (the
    visits of a patient, the days of a week), which equal steps would fall in with."""
    block = np.arange(-(-n // apart))
    chosen = block * apart + (block * _GOLDEN % 1.0 * apart).astype(np.intp)
    return chosen[chosen < n]


def _summed(
    design: Design, probability: Floats, beyond: Floats, valued: int, *, bend: bool
) -> tuple[Floats, Floats]:
    """Fall of the log-likelihood and of the score (with `bend`: without its linear part) at
    points `beyond` the maximum (p x k)."""
    move = np.ascontiguousarray(beyond.T, dtype=np.float32)
    k, p = move.shape
    tile = min(max(64, _TILE_ELEMENTS // max(k, 1)), max(design.n_rows, 1))
    memory = design.scratch("tile", 2 * tile * k).view(np.float32)[: 3 * tile * k].reshape(3, -1)
    product = np.empty((p, k), dtype=np.float32)
    below, fitted = np.full(k, np.nan), np.zeros((p, k))
    below[:valued] = 0.0
    for part, block in design.single_blocks():
        risk = probability[part].astype(np.float32)
        weight = (probability[part] * (1.0 - probability[part])).astype(np.float32)
        for start in range(0, len(block), tile):
            x = block[start : start + tile].T
            rows = slice(start, start + x.shape[1])
            change, first, second = (m[: k * x.shape[1]].reshape(k, -1) for m in memory)
            np.matmul(move, x, out=change)
            np.clip(change, -_FARTHEST, _FARTHEST, out=change)
            if valued:
                few = slice(valued)
                below[few] += _fall(change[few], first[few], second[few], risk[rows], weight[rows])
            if bend:
                np.copyto(second, change)
            np.expm1(change, out=change)
            np.multiply(change, risk[rows], out=first)
            first += 1.0
            change /= first
            if bend:
                change -= second
            change *= weight[rows]
            fitted += np.matmul(x, change.T, out=product)
    return below, fitted


def _fall(
    change: Singles, inner: Singles, squared: Singles, risk: Singles, weight: Singles
) -> Singles:
    """The series, summed over rows; `inner` and `squared` are overwritten."""
    np.multiply(change, weight * (1.0 - 6.0 * weight) / 24.0, out=inner)
    inner += weight * (1.0 - 2.0 * risk) / 6.0
    inner *= change
    inner += 0.5 * weight
    np.multiply(change, change, out=squared)
    return np.vecdot(inner, squared)
