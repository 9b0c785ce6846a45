"""Which rows move a fitted binary model.

With p the fitted probability, C the covariance of the coefficients, x a row of the design,
q = x'Cx, w = p(1 - p) and k the number of parameters:

    leverage  h = w q
    Cook      D = (y - p)^2 q / ((1 - h)^2 k)
    dfbeta    b - b(without the row) = C x (y - p) / (1 - h), one Newton step

(Pregibon 1981, doi:10.1214/aos/1176345513.) Checked against statsmodels GLMInfluence.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from stats.design import Bools, Design, Floats, Ints

_TILE_ELEMENTS: Final = 1 << 15
_LARGE: Final = 1 << 20  # elements of a design from which single precision saves time
_MARGIN: Final = 0.01  # share by which a rough Cook's distance may fall short of the largest
_LEAST_REST: Final = float(np.finfo(np.float64).eps)  # of 1 - h: 1 is known to rounding only
_ALONE: Final = 0.9  # leverage from which rounding may move a rough distance by more


class Influence(NamedTuple):
    """One entry per row of the design."""

    cooks_distance: Floats
    leverage: Floats


def influence(
    design: Design, y: Floats | Bools, probability: Floats, covariance: Floats
) -> Influence:
    """Cook's distance and leverage of every row.

    `covariance` is the inverse information on the internal scale. Checked against statsmodels
    GLMInfluence.
    """
    y = np.asarray(y, dtype=np.float64)
    k = design.n_parameters
    squared = np.empty(design.n_rows)
    step = min(max(256, _TILE_ELEMENTS // k), max(1, design.n_rows))
    memory = design.scratch("tile", k * step)
    for part, block in design.blocks():
        for start in range(0, len(block), step):
            x = block[start : start + step].T
            moved = np.matmul(covariance, x, out=memory[: x.size].reshape(x.shape))
            first = part.start + start
            squared[first : first + x.shape[1]] = np.einsum("ij,ij->j", moved, x)
    return _influence_of(y, probability, squared, k)


def _influence_of(y: Floats, probability: Floats, squared: Floats, k: int) -> Influence:
    leverage = probability * (1.0 - probability) * squared
    rest = np.maximum(1.0 - leverage, _LEAST_REST)
    distance = np.square((y - probability) / rest) * squared / k
    return Influence(distance, leverage)


def most_influential(
    design: Design, y: Floats | Bools, probability: Floats, covariance: Floats, count: int
) -> tuple[Ints, Influence]:
    """The rows (counted within the design) of the largest Cook's distances, largest first, and
    their influence.

    In a large design single precision (24 bits) says which rows can be among them, with a wide
    margin; their influence is then computed in double precision. Should the two disagree by more
    than a part of the margin, every row is computed in double.
    """
    y = np.asarray(y, dtype=np.float64)
    rough = None
    if design.n_rows * design.n_parameters >= _LARGE:
        rough = _rough_quadratic(design, covariance)
    if rough is not None:
        found = _influence_of(y, probability, rough, design.n_parameters)
        least = np.partition(found.cooks_distance, -count)[-count] * (1.0 - _MARGIN)
        wanted = (found.cooks_distance >= least) | (found.leverage > _ALONE)
        some = np.flatnonzero(wanted)
        x = design.rows_at(some)
        squared = np.einsum("ij,ij->i", x @ covariance, x)
        if np.allclose(squared, rough[some], rtol=0.1 * _MARGIN, atol=0.0):
            exact = _influence_of(y[some], probability[some], squared, design.n_parameters)
            top = _largest(exact.cooks_distance, count)
            return some[top], Influence(exact.cooks_distance[top], exact.leverage[top])
    every = influence(design, y, probability, covariance)
    top = _largest(every.cooks_distance, count)
    return top, Influence(every.cooks_distance[top], every.leverage[top])


def _rough_quadratic(design: Design, covariance: Floats) -> Floats | None:
    """The square x'Cx of every row in single precision: squared lengths of R'x, with C = R R'."""
    k = design.n_parameters
    try:
        upper = np.linalg.cholesky(covariance).T.astype(np.float32)
    except np.linalg.LinAlgError:
        return None
    squared = np.empty(design.n_rows)
    step = max(256, _TILE_ELEMENTS // k)
    memory = design.scratch("tile", k * step).view(np.float32)
    ones = np.ones(k, dtype=np.float32)
    fourth = -(-k // 4)  # the zeros below the diagonal: three eighths are not multiplied
    for part, block in design.single_blocks():
        for start in range(0, len(block), step):
            x = block[start : start + step].T
            moved = memory[: x.size].reshape(x.shape)
            for a in range(0, k, fourth):
                np.matmul(upper[a : a + fourth, a:], x[a:], out=moved[a : a + fourth])
            np.square(moved, out=moved)
            first = part.start + start
            squared[first : first + x.shape[1]] = ones @ moved
    return squared


def dfbeta(
    design: Design,
    y: Floats | Bools,
    probability: Floats,
    covariance: Floats,
    rows: Ints,
) -> Floats:
    """Change of the reported coefficients (rows x columns) by each of some rows of the design.

    b - b(without the row) by one step, per `Term.scale` units; divide by the standard errors
    for DFBETAS. `rows` count from 0 within the design.
    """
    x = design.rows_at(rows)
    p = probability[rows]
    moved = x @ covariance
    leverage = p * (1.0 - p) * np.einsum("ij,ij->i", moved, x)
    rest = np.maximum(1.0 - leverage, _LEAST_REST)
    pull = (np.asarray(y, dtype=np.float64)[rows] - p) / rest
    return moved[:, 1:] * pull[:, None] * (design.scales / design.spread)


def _largest(values: Floats, count: int) -> Ints:
    """Rows of the largest values, largest first; of equal values the earlier row."""
    least = np.partition(values, -count)[-count] if len(values) > count else -np.inf
    found = np.flatnonzero(values >= least)
    return found[np.argsort(-values[found], kind="stable")][:count]
