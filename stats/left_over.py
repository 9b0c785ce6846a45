"""What the columns of a design leave of another one, computed from the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stats.design import Design, Floats


def left_over(
    design: Design, column: int, kept: Sequence[int], weights: Floats
) -> Floats:  # fmt: skip
    """What `kept` leaves of a column, as products with it and the columns after it.

    From the rows: differences of nearly equal products would have lost all digits.
    """
    means, scale = _moments(design)
    products = np.zeros(len(design.columns) - column)
    for _, x in design.blocks():
        z = (x[:, 1:] - means) * scale
        left = z[:, column] - z[:, list(kept)] @ weights
        products += left @ z[:, column:]
        products[0] += left @ left - left @ z[:, column]
    return products


def _moments(design: Design) -> tuple[Floats, Floats]:
    """Means of the columns, and the factors that give them length one (0 for constant ones)."""
    total = np.zeros(len(design.columns))
    for _, x in design.blocks():
        total += x[:, 1:].sum(axis=0)
    means = total / max(1, design.n_rows)
    squares = np.zeros(len(design.columns))
    for _, x in design.blocks():
        squares += np.square(x[:, 1:] - means).sum(axis=0)
    return means, np.divide(1.0, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)
