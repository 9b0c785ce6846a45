"""Coefficients held at zero, in many problems at once, while steps are taken by one curvature.

With C the covariance, d the step and b_G the coefficients of a group to be held at zero, the
step is d - C_G (C_GG)^-1 (b_G + d_G): no other step that ends with b_G = 0 gains as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stats.design import Floats, Ints

_PADDED_ELEMENTS = 1 << 17  # problems x coefficients x coefficients held, up to 1 MB


class Restrictions(NamedTuple):
    """Problems that hold equally many coefficients at zero: their places among the tests, these
    coefficients (a line for each), and how a step moves with what they must lose."""

    places: Ints
    groups: Ints
    bends: Floats


def restrictions(inverse: Floats, groups: Sequence[Ints]) -> list[Restrictions]:
    """The restrictions to each of the groups (at least one coefficient in each), by the curvature
    with this inverse; together where that takes little memory, else by the size of the group."""
    alike: dict[int, list[int]] = {}
    for k, group in enumerate(groups):
        alike.setdefault(len(group), []).append(k)
    most = max(alike, default=0)
    if len(alike) > 1 and len(groups) * len(inverse) * most <= _PADDED_ELEMENTS:
        return [_padded(inverse, groups, most)]
    found: list[Restrictions] = []
    for size, places in alike.items():
        at = np.array([groups[k] for k in places])
        own = inverse[at]  # by problem, its coefficients, all coefficients
        if size == 1:
            bends = own / inverse[at[:, 0], at[:, 0]][:, None, None]
        else:
            bends = np.linalg.inv(inverse[at[:, :, None], at[:, None, :]]) @ own
        found.append(Restrictions(np.array(places), at, bends.transpose(0, 2, 1)))
    return found


def _padded(inverse: Floats, groups: Sequence[Ints], most: int) -> Restrictions:
    """All groups as if they held equally many: a coefficient named again takes nothing."""
    sizes = np.array([len(group) for group in groups])
    first = np.cumsum(sizes) - sizes
    joined = np.concatenate(groups)
    places = np.arange(most)
    spare = places >= sizes[:, None]
    at = joined[first[:, None] + np.where(spare, 0, places)]
    square = inverse[at[:, :, None], at[:, None, :]]
    square[spare[:, :, None] | spare[:, None, :]] = 0.0
    square[:, places, places] += spare
    own = inverse[at]
    own[spare] = 0.0
    bends = np.linalg.inv(square) @ own
    return Restrictions(np.arange(len(groups)), at, bends.transpose(0, 2, 1))


def hold(
    held: Sequence[Restrictions], beta: Floats, step: Floats, among: tuple[Ints, Ints, Ints]
) -> None:
    """Bend the steps so that the coefficients held end at zero. `among` are the places of the
    problems among the tests (ascending), in `beta`, and in `step`."""
    places, in_beta, in_step = among
    for one in held:
        groups, bends = one.groups, one.bends
        if len(held) == 1:  # of all the tests
            old, new = in_beta, in_step
            if len(places) < len(one.places):
                groups, bends = groups[places], bends[places]
        else:
            at = np.minimum(np.searchsorted(places, one.places), len(places) - 1)
            still = places[at] == one.places
            if not still.all():
                at, groups, bends = at[still], groups[still], bends[still]
            old, new = in_beta[at], in_step[at]
        excess = beta[groups, old[:, None]] + step[groups, new[:, None]]
        step[:, new] -= np.matmul(bends, excess[:, :, None])[:, :, 0].T
