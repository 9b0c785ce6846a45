"""Restrictions held together (padded) and by the size of their groups move steps alike."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stats import restrictions as module
from stats.restrictions import hold, restrictions

GROUPS = [np.array(g) for g in ([1], [2, 3], [4], [5, 6, 7], [3], [1, 2])]


def problem() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    root = rng.normal(size=(9, 9))
    return root @ root.T + np.eye(9), rng.normal(size=(9, 8)), rng.normal(size=(9, 7))


def expected(inverse: np.ndarray, beta: np.ndarray, step: np.ndarray, group: np.ndarray) -> object:
    """d - C_G (C_GG)^-1 (b_G + d_G)."""
    lost = np.linalg.solve(inverse[np.ix_(group, group)], beta[group] + step[group])
    return step - inverse[:, group] @ lost


@pytest.mark.parametrize("room", [0, 1 << 17])
@pytest.mark.parametrize("places", [[0, 1, 2, 3, 4, 5], [0, 3, 5], [1], [0, 2, 4]])
def test_the_held_coefficients_end_at_zero(
    room: int, places: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PADDED_ELEMENTS", room)
    inverse, beta, step = problem()
    held = restrictions(inverse, GROUPS)
    assert (len(held) == 1) == (room > 0)
    at = np.array(places)
    in_beta, in_step, moved = at + 2, np.arange(len(at)) + 1, step.copy()
    hold(held, beta, moved, (at, in_beta, in_step))
    for place, b, s in zip(places, in_beta, in_step, strict=True):
        group = GROUPS[place]
        assert_allclose(moved[:, s], expected(inverse, beta[:, b], step[:, s], group), atol=1e-12)
        assert_allclose(beta[group, b] + moved[group, s], 0.0, atol=1e-12)
    untouched = [j for j in range(7) if j not in in_step]
    assert_allclose(moved[:, untouched], step[:, untouched], rtol=0)
