"""Corner cases of the diagnostics: ties by rounding, leverage, few groups, no model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stats.design import Term, make_design
from stats.diagnostics import (
    calibration,
    diagnose,
    discrimination,
    fit_measures,
    hosmer_lemeshow,
    no_diagnostics,
    risk_groups,
)
from stats.firth import fit_firth
from stats.influence import influence
from stats.logistic import fit_logistic

RNG = np.random.default_rng(11)
P = np.repeat([0.1, 0.3, 0.6, 0.95], 50)
Y = (RNG.random(200) < P).astype(np.float64)


def noisy(p):
    """The same probabilities as a linear predictor summed in another order would give them."""
    return p * (1.0 + RNG.uniform(-4e-16, 4e-16, len(p)))


def test_probabilities_that_differ_by_rounding_are_tied():
    expected = discrimination(Y, P)
    assert_allclose(discrimination(Y, noisy(P)), expected, rtol=1e-12)
    # as R's cut(include.lowest): the lowest value joins the interval above it
    assert risk_groups(Y, noisy(P)).n.tolist() == risk_groups(Y, P).n.tolist() == [100, 50, 50]


def test_c_statistic_by_counting_pairs():
    pairs = P[Y == 1][:, None] - P[Y == 0]
    counted = np.mean((pairs > 0) + 0.5 * (pairs == 0))
    assert_allclose(discrimination(Y, P).area, counted, rtol=1e-14)


def test_row_order_changes_nothing():
    order = RNG.permutation(200)
    assert_allclose(discrimination(Y[order], P[order]), discrimination(Y, P), rtol=1e-13)
    here, there = risk_groups(Y, P), risk_groups(Y[order], P[order])
    assert_allclose(there, here, rtol=1e-13)


def test_two_groups_have_no_hosmer_lemeshow_test():
    p = np.repeat([0.2, 0.6], 30)
    test = hosmer_lemeshow(risk_groups(np.tile([0.0, 1.0], 30), p))
    assert (test.df, math.isnan(test.statistic), math.isnan(test.p_value)) == (0, True, True)


def test_one_probability_is_one_group():
    groups = risk_groups(Y, np.full(200, 0.4))
    assert groups.n.tolist() == [200]
    assert discrimination(Y, np.full(200, 0.4)).area == 0.5


def test_calibration_without_a_maximum_is_missing():
    y = np.repeat([0.0, 1.0], 20)
    found = calibration(y, np.where(y == 1, 0.9, 0.1))
    assert math.isnan(found.slope)
    assert math.isfinite(found.intercept)
    assert math.isnan(calibration(np.ones(10), np.full(10, 0.5)).intercept)


def test_a_row_alone_in_its_level_has_high_leverage():
    codes = np.r_[np.tile([0, 1], 30), 2]
    y = np.r_[np.tile([0.0, 0.0, 1.0], 20), 1.0]
    design = make_design([Term("site", "factor", codes, ("a", "b", "c"))], np.arange(61))
    fit = fit_firth(design, y)
    own = influence(design, y, fit.probability, fit.covariance)
    assert own.leverage[-1] == pytest.approx(1.0, abs=1e-9)
    result = diagnose(design, y, fit.probability, fit.covariance)
    assert result.influence["row"].iloc[0] == 61
    assert result.influence["level"].iloc[0] == "c"


def test_influence_names_rows_of_the_file():
    """Row 41 of the file has the event at an age at which nobody else has."""
    age = np.r_[RNG.normal(50, 5, 80), 5.0]
    y = np.r_[(RNG.random(80) < 1 / (1 + np.exp(-(age[:80] - 50) / 3))).astype(float), 1.0]
    values = np.full(200, np.nan)
    rows = np.r_[np.arange(100, 180), 40]
    values[rows] = age
    design = make_design([Term("age", "continuous", values)], rows)
    fit = fit_logistic(design, y)
    table = diagnose(design, y, fit.probability, fit.covariance).influence
    assert table["row"].iloc[0] == 41
    assert table["cooks_distance"].is_monotonic_decreasing
    assert len(table) == 5


def test_coefficients_without_an_estimate_have_no_influence_table():
    design = make_design([Term("x", "continuous", RNG.normal(size=200))], np.arange(200))
    result = diagnose(design, Y, P, np.full((2, 2), np.nan))
    assert len(result.influence) == 0
    assert len(result.calibration) == 3
    assert "hosmer_lemeshow_p" not in result.facts


def test_no_model_has_empty_tables():
    result = no_diagnostics()
    assert result.influence.empty
    assert result.collinearity.columns.tolist()[:3] == ["term", "level", "vif"]
    assert dict(result.facts) == {}


def test_a_perfect_null_model_has_no_pseudo_r2():
    found = fit_measures(0.0, 0.0, n=20, parameters=2)
    assert math.isnan(found["mcfadden_r2"])
    assert found["aic"] == 4.0


def test_blocks_and_one_piece_agree():
    n = 30_000
    x = RNG.normal(size=(40, n))
    terms = [Term(f"x{j}", "continuous", v) for j, v in enumerate(x)]
    y = (RNG.random(n) < 1 / (1 + np.exp(-x[0]))).astype(np.float64)
    design = make_design(terms, np.arange(n))
    fit = fit_logistic(design, y)
    own = influence(design, y, fit.probability, fit.covariance)
    z = np.column_stack([np.ones(n), (x.T - design.centre) / design.spread])
    hat = np.einsum("ij,jk,ik->i", z, fit.covariance, z) * fit.probability * (1 - fit.probability)
    assert_allclose(own.leverage, hat, rtol=1e-9)
    assert_allclose(own.leverage.sum(), 41.0, rtol=1e-9)
