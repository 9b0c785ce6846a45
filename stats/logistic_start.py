"""Where the search for the maximum of a logistic likelihood begins.

The step of the linear discriminant has about the right direction but is too short where the
predictors say much. Two coefficients stretch it: y is regressed on its linear predictor, on some
thousand rows. In a large design Newton's method then goes on in single precision
(24 bits): the score loses digits far below those that still separate the point from the maximum.

Nothing here decides a number: the maximum is found and certified from here in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from stats.design import Design, Floats

_SAMPLE: Final = 4_096  # rows on which the first step is stretched
_TILE_ELEMENTS: Final = 1 << 18  # 1 MB
_FARTHEST: Final = 80.0  # exp() of more overflows in single precision
_PASSES: Final = 4
_NEAR: Final = 0.5  # decrement, in standard errors, from which one more step ends the approach


def stretched(design: Design, y: Floats, base: Floats, step: Floats) -> Floats:
    """The point a + b (base + step), with a and b fitted to the outcome of some of the rows.

    `base` is the model of the intercept alone. The step as it is where a and b have no sensible
    value (few events, separation).
    """
    beta = base + step
    eta, events = _sampled(design, y, beta)
    a, b = 0.0, 1.0
    for _ in range(8):
        p = 1.0 / (1.0 + np.exp(-np.clip(a + b * eta, -_FARTHEST, _FARTHEST)))
        left, w = events - p, p * (1.0 - p)
        h0, h1 = float(w.sum()), float(w @ eta)
        h2 = float((w * eta) @ eta)
        g0, g1 = float(left.sum()), float(left @ eta)
        determinant = h0 * h2 - h1 * h1
        if not determinant > 1e-9 * h0 * h2:
            return beta
        da, db = (h2 * g0 - h1 * g1) / determinant, (h0 * g1 - h1 * g0) / determinant
        a, b = a + da, b + db
        if not 0.1 < b < 10.0:
            return beta
        if abs(da) + abs(db) < 1e-3:
            break
    beta = b * beta
    beta[0] += a
    return beta


def _sampled(design: Design, y: Floats, beta: Floats) -> tuple[Floats, Floats]:
    """Linear predictor and outcome of evenly spaced rows."""
    apart = max(1, design.n_rows // _SAMPLE)
    if design.kept:
        parts = [(x[::apart] @ beta, y[part][::apart]) for part, x in design.blocks()]
        return np.concatenate([e for e, _ in parts]), np.concatenate([o for _, o in parts])
    chosen = np.arange(0, design.n_rows, apart)
    return design.rows_at(chosen) @ beta, y[chosen]


def approach(
    design: Design, y: Floats, beta: Floats, invert: Callable[[Floats], Floats | None]
) -> tuple[Floats, Floats, float] | None:
    """Newton steps in single precision: the last point, the inverse information before it, and
    the decrement of the last step. None where they do not come near a maximum.
    """
    last = np.inf
    for _ in range(_PASSES):
        score, information = _rough(design, y, beta)
        inverse = invert(information)
        if inverse is None:
            return None
        step = inverse @ score
        decrement = float(np.sqrt(max(score @ step, 0.0)))
        if not decrement < 0.5 * last:
            return None
        beta, last = beta + step, decrement
        if decrement <= _NEAR:
            return beta, inverse, decrement
    return None


def _rough(design: Design, y: Floats, beta: Floats) -> tuple[Floats, Floats]:
    """Score and information from products in single precision, summed in double."""
    p = len(beta)
    single = beta.astype(np.float32)
    tile = max(256, _TILE_ELEMENTS // p)
    memory = design.scratch("tile", p * tile).view(np.float32)
    product = np.empty((p, p), dtype=np.float32)
    score, information = np.zeros(p), np.zeros((p, p))
    for part, block in design.single_blocks():
        risk = block @ single
        np.clip(risk, -_FARTHEST, _FARTHEST, out=risk)
        risk = 1.0 / (1.0 + np.exp(-risk))
        score += (y[part].astype(np.float32) - risk) @ block
        root = np.sqrt(risk * (1.0 - risk))
        for first in range(0, len(block), tile):
            x = block[first : first + tile].T
            weighted = memory[: x.size].reshape(x.shape)
            np.multiply(x, root[first : first + tile], out=weighted)
            information += np.matmul(weighted, weighted.T, out=product)
    return score, information
