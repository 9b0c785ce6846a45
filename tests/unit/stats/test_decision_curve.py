"""Concordance and net benefit against counting."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stats.decision_curve import THRESHOLDS, Sorted, treat_all


def counted(lp: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    above = lp[y == 1][:, None] - lp[y == 0][None, :]
    area = ((above > 0).sum() + 0.5 * (above == 0).sum()) / above.size
    risk = 1 / (1 + np.exp(-lp))
    net = []
    for t in THRESHOLDS:
        true, false = ((risk >= t) & (y == 1)).mean(), ((risk >= t) & (y == 0)).mean()
        net.append(true - false * t / (1 - t))
    return float(area), np.array(net)


@pytest.mark.parametrize("digits", [0, 1, 12])
def test_against_pairs_and_definition(digits: int) -> None:
    rng = np.random.default_rng(digits)
    lp = rng.normal(size=70).round(digits)
    y = (rng.random(70) < 1 / (1 + np.exp(-lp))).astype(np.uint8)
    found = Sorted(lp).measure(y)
    area, net = counted(lp, y)
    assert_allclose(found.area, area, rtol=1e-13)
    assert_allclose(found.net_benefit, net, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("digits", [0, 1, 12])
def test_counts_are_copies_of_rows(digits: int) -> None:
    rng = np.random.default_rng(digits + 10)
    lp = rng.normal(size=60).round(digits)
    y = (rng.random(60) < 0.4).astype(np.uint8)
    counts = rng.multinomial(60, np.full(60, 1 / 60)).astype(np.uint8)
    rows = np.repeat(np.arange(60), counts)
    found = Sorted(lp).measure(y, counts)
    area, net = counted(lp[rows], y[rows])
    assert_allclose(found.area, area, rtol=1e-13)
    assert_allclose(found.net_benefit, net, rtol=1e-12, atol=1e-14)


def test_a_perfect_model_gains_the_prevalence() -> None:
    y = np.array([0] * 70 + [1] * 30, dtype=np.uint8)
    found = Sorted(np.where(y == 1, 20.0, -20.0)).measure(y)
    assert found.area == 1.0
    assert_allclose(found.net_benefit, 0.3)


def test_treating_all_is_the_model_that_calls_everybody_certain() -> None:
    y = np.array([0] * 70 + [1] * 30, dtype=np.uint8)
    found = Sorted(np.full(100, 30.0)).measure(y)
    assert found.area == 0.5
    expected = [0.3 - 0.7 * t / (1 - t) for t in THRESHOLDS]
    assert_allclose(found.net_benefit, expected, rtol=1e-12, atol=1e-15)
    assert_allclose(treat_all(0.3), expected, rtol=1e-12, atol=1e-15)
    assert_allclose(Sorted(np.full(100, -30.0)).measure(y).net_benefit, 0.0)


def test_a_risk_that_equals_the_threshold_is_treated() -> None:
    lp = np.log(np.array([0.2, 0.2, 0.1, 0.3]) / (1 - np.array([0.2, 0.2, 0.1, 0.3])))
    y = np.array([1, 0, 0, 0], dtype=np.uint8)
    at = Sorted(lp).measure(y).net_benefit[np.isclose(THRESHOLDS, 0.2)]
    assert_allclose(at, 1 / 4 - 2 / 4 * 0.25)


def test_ties_up_to_rounding_are_ties() -> None:
    lp = np.array([0.1, 0.1 + 1e-15, 0.5, 0.5 - 1e-15])
    y = np.array([0, 1, 0, 1], dtype=np.uint8)
    assert_allclose(Sorted(lp).measure(y).area, (0.5 + 0 + 1 + 0.5) / 4)


def test_one_outcome_only_has_no_concordance() -> None:
    y = np.array([1, 0, 0], dtype=np.uint8)
    found = Sorted(np.array([0.1, 0.2, 0.3])).measure(y, np.array([0, 2, 1], dtype=np.uint8))
    assert np.isnan(found.area)
    assert np.isnan(found.net_benefit).all()
