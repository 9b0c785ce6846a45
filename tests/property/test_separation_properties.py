"""Separation against an enumeration in whole numbers.

With full column rank, the recession cone is spanned by its extreme rays, and on each of them
p - 1 independent rows are tight: every candidate is the null vector of p - 1 rows.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from stats.design import Term, make_design
from stats.rare.separation import find_separation


def null_vector(rows):
    """Signed minors: the vector orthogonal to p - 1 rows of whole numbers."""
    p = rows.shape[1]
    minors = [round(np.linalg.det(np.delete(rows, j, axis=1))) for j in range(p)]
    return np.array([(-1) ** j * m for j, m in enumerate(minors)])


def extreme_rays(x, y):
    signed = x * np.where(y, 1, -1)[:, None]
    distinct = np.unique(signed, axis=0)
    rays = set()
    for rows in combinations(distinct, x.shape[1] - 1):
        ray = null_vector(np.array(rows).reshape(-1, x.shape[1]))
        for candidate in (ray, -ray):
            margins = distinct @ candidate
            if margins.min() >= 0 and margins.max() > 0:
                rays.add(tuple(int(v) for v in candidate))
    return np.array(sorted(rays)).reshape(-1, x.shape[1])


@st.composite
def designs(draw):
    k = draw(st.integers(1, 3))
    n = draw(st.integers(k + 2, 9))
    cells = st.integers(-2, 2)
    values = np.array(draw(st.lists(cells, min_size=n * k, max_size=n * k))).reshape(n, k)
    y = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    x = np.column_stack([np.ones(n, dtype=int), values])
    assume(0 < y.sum() < n)
    assume(np.linalg.matrix_rank(x) == k + 1)
    return x, y


def as_design(x):
    terms = [Term(f"x{j}", "continuous", x[:, j].astype(np.float64)) for j in range(1, x.shape[1])]
    return make_design(terms, np.arange(len(x)))


@given(designs())
def test_separation_agrees_with_enumeration(case):
    x, y = case
    rays = extreme_rays(x, y)
    found = find_separation(as_design(x), y.astype(np.float64))
    assert (found is not None) == (len(rays) > 0)
    if found is None:
        return
    margins = x * np.where(y, 1, -1)[:, None] @ rays.T
    apart = (margins > 0).any(axis=1)
    assert found.kind == ("complete" if apart.all() else "quasi-complete")
    rest = x[~apart]
    rank = np.linalg.matrix_rank(rest) if len(rest) else 0
    columns = range(x.shape[1] - 1)
    unit = np.eye(x.shape[1], dtype=int)
    runaway = [j for j in columns if np.linalg.matrix_rank(np.vstack([rest, unit[j + 1]])) > rank]
    assert list(found.runaway) == runaway
    for j, sign in zip(found.runaway, found.runaway_directions, strict=True):
        signs = set(np.sign(rays[:, j + 1])) - {0}
        assert sign == (signs.pop() if len(signs) == 1 else 0)


@given(designs())
def test_the_description_separates_and_is_short(case):
    x, y = case
    found = find_separation(as_design(x), y.astype(np.float64))
    if found is None:
        return

    def separates(columns):
        part = x[:, [0, *(j + 1 for j in columns)]]
        if len(np.unique(part[:, 1:], axis=0)) < 2:
            return False
        kept = [0]  # a subset of the rows' columns may be dependent: keep independent ones
        for j in range(1, part.shape[1]):
            if np.linalg.matrix_rank(part[:, [*kept, j]]) > len(kept):
                kept.append(j)
        return len(extreme_rays(part[:, kept], y)) > 0

    alone = [j for j in range(x.shape[1] - 1) if separates([j])]
    if alone:
        assert list(found.columns) == alone
        assert [c.term for c in found.causes] == alone
    else:
        assert not found.causes
        assert separates(found.columns)
        assert not any(separates([k for k in found.columns if k != j]) for j in found.columns)


@given(designs())
def test_swapping_the_outcome_turns_the_directions(case):
    x, y = case
    here = find_separation(as_design(x), y.astype(np.float64))
    there = find_separation(as_design(x), 1.0 - y)
    assert (here is None) == (there is None)
    if here is not None and there is not None:
        assert (here.kind, here.runaway) == (there.kind, there.runaway)
        assert here.runaway_directions == tuple(-s for s in there.runaway_directions)
