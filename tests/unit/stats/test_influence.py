"""The most influential rows: found roughly, computed exactly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import stats.influence as influence_module
from stats.design import Design, Floats, Term, make_design
from stats.influence import influence, most_influential
from stats.logistic import LogisticFit, fit_logistic


def model(spread: float, *, repeated: float = 1.0) -> tuple[Design, Floats, LogisticFit]:
    """`spread` makes outliers; the smaller `repeated`, the nearer are two columns."""
    rng = np.random.default_rng(12)
    n = 3_000
    a, b = rng.normal(size=n), np.exp(spread * rng.normal(size=n))
    c = a + repeated * rng.normal(size=n)
    codes = np.minimum(rng.integers(0, 40, n), 3).astype(np.int8)
    y = (rng.random(n) < 1 / (1 + np.exp(0.8 - 0.5 * a))).astype(float)
    terms = [
        Term("a", "continuous", a), Term("b", "continuous", b), Term("c", "continuous", c),
        Term("d", "factor", codes, ("0", "1", "2", "3"), 3),
    ]  # fmt: skip
    design = make_design(terms, np.arange(n))
    return design, y, fit_logistic(design, y)


@pytest.mark.parametrize("repeated", [1.0, 1e-3, 1e-6])
@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0])
def test_the_rows_are_those_of_the_exact_distances(
    spread: float, repeated: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influence_module, "_LARGE", 0)
    design, y, fit = model(spread, repeated=repeated)
    every = influence(design, y, fit.probability, fit.covariance)
    order = np.argsort(-every.cooks_distance, kind="stable")[:5]
    rows, found = most_influential(design, y, fit.probability, fit.covariance, 5)
    assert rows.tolist() == order.tolist()
    assert_allclose(found.cooks_distance, every.cooks_distance[order], rtol=1e-9)
    assert_allclose(found.leverage, every.leverage[order], rtol=1e-9)


def test_rough_lengths_that_disagree_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influence_module, "_LARGE", 0)
    design, y, fit = model(1.0)
    exact = most_influential(design, y, fit.probability, fit.covariance, 5)
    wrong = np.random.default_rng(1).random(design.n_rows)
    monkeypatch.setattr(influence_module, "_rough_quadratic", lambda *_: wrong)
    rows, found = most_influential(design, y, fit.probability, fit.covariance, 5)
    assert rows.tolist() == exact[0].tolist()
    assert_allclose(found.cooks_distance, exact[1].cooks_distance, rtol=1e-12)
