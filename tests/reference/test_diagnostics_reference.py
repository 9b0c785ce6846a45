"""Diagnostics against R (glm, pROC, hoslem.test) and statsmodels (GLMInfluence, refits)."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from stats.collinearity import vif_of
from stats.design import Term, make_design
from stats.diagnostics import (
    brier_score,
    calibration,
    diagnose,
    discrimination,
    fit_measures,
    hosmer_lemeshow,
    risk_groups,
)
from stats.firth import fit_firth
from stats.influence import dfbeta, influence
from stats.logistic import fit_logistic
from tests.reference.models import model_of, truth

FILES = ["urine__logistic", "synth_trial__logistic", "melanoma__logistic"]


@pytest.mark.parametrize("name", FILES)
def test_measures_of_the_adjusted_model_agree_with_r(name):
    found = truth(name)
    expected = found["results"]["adjusted"]
    design, y = model_of(found)
    fit = fit_logistic(design, y)
    measures = fit_measures(fit.loglik, fit.loglik_null, n=len(y), parameters=design.n_parameters)
    for key, value in measures.items():
        assert_allclose(value, expected[key], rtol=1e-11)
    assert_allclose(brier_score(y, fit.probability), expected["brier"], rtol=1e-11)

    c = discrimination(y, fit.probability)
    curve = expected["c_statistic"]
    interval = curve["delong_ci"]
    assert_allclose(
        c, [curve["auc"], curve["delong_se"], interval["lower"], interval["upper"]], rtol=1e-12
    )

    groups = risk_groups(y, fit.probability)
    table = expected["hosmer_lemeshow"]
    assert groups.n.tolist() == table["n_by_group"]
    assert groups.events.tolist() == table["observed"]
    assert_allclose(groups.expected, table["expected"], rtol=1e-10)
    test = hosmer_lemeshow(groups)
    assert test.df == table["df"]
    assert_allclose([test.statistic, test.p_value], [table["chisq"], table["p"]], rtol=1e-9)

    result = diagnose(design, y, fit.probability, fit.covariance, hosmer_lemeshow_test=True)
    facts = result.facts
    assert_allclose(facts["events_per_parameter"], expected["events_per_parameter"], rtol=1e-13)
    assert_allclose([facts["calibration_intercept"], facts["calibration_slope"]], [0, 1], atol=1e-9)
    assert facts["hosmer_lemeshow_df"] == table["df"]
    assert result.calibration["n"].tolist() == table["n_by_group"]
    assert_allclose(result.collinearity["vif"], vif_of(design).vif)


def hard_design(seed, n=250):
    rng = np.random.default_rng(seed)
    skewed = np.exp(2.0 * rng.normal(size=n)) * 1e4
    small = rng.normal(size=n) * 1e-3 + 5.0
    codes = rng.integers(0, 3, n)
    y = (rng.random(n) < 1 / (1 + np.exp(1.0 - codes - 500 * (small - 5.0)))).astype(float)
    terms = [
        Term("skewed", "continuous", skewed),
        Term("small", "continuous", small, scale=0.01),
        Term("f", "factor", codes, ("a", "b", "c"), 1),
    ]
    return make_design(terms, np.arange(n)), y


@pytest.mark.parametrize("seed", range(3))
def test_influence_agrees_with_statsmodels(seed):
    design, y = hard_design(seed)
    fit = fit_logistic(design, y)
    _, x = next(design.blocks())
    other = sm.GLM(y, np.ascontiguousarray(x), family=sm.families.Binomial()).fit(tol=1e-14)
    expected = other.get_influence()
    own = influence(design, y, fit.probability, fit.covariance)
    assert_allclose(own.leverage, expected.hat_matrix_diag, rtol=1e-8)
    assert_allclose(own.cooks_distance, expected.cooks_distance[0], rtol=1e-8, atol=1e-14)
    moved = dfbeta(design, y, fit.probability, fit.covariance, np.arange(len(y)))
    errors = np.sqrt(np.diag(design.reported_covariance(fit.covariance)))[1:]
    assert_allclose(moved / errors, expected.dfbetas[:, 1:], rtol=1e-7, atol=1e-10)


def test_dfbeta_is_near_what_leaving_a_row_out_does():
    """One Newton step against the refit without the row, in the reported units."""
    design, y = model_of(truth("synth_trial__logistic"))
    fit = fit_logistic(design, y)
    moved = dfbeta(design, y, fit.probability, fit.covariance, np.arange(5))
    _, before = design.reported(fit.beta)
    errors = np.sqrt(np.diag(design.reported_covariance(fit.covariance)))[1:]
    for i in range(5):
        without = make_design(design.terms, np.delete(design.rows, i))
        _, after = without.reported(fit_logistic(without, np.delete(y, i)).beta)
        assert_allclose(moved[i] / errors, (before - after) / errors, rtol=0.05, atol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_calibration_of_a_penalised_model_agrees_with_statsmodels(seed):
    design, y = hard_design(seed, n=60)
    p = fit_firth(design, y).probability
    predictor = np.log(p / (1 - p))
    found = calibration(y, p)
    slope = sm.Logit(y, sm.add_constant(predictor)).fit(disp=0, method="newton", tol=1e-12)
    ones = np.ones((len(y), 1))
    intercept = sm.GLM(y, ones, family=sm.families.Binomial(), offset=predictor).fit(tol=1e-14)
    assert_allclose(found.slope, slope.params[1], rtol=1e-8)
    assert_allclose(found.intercept, intercept.params[0], rtol=1e-7, atol=1e-11)
    assert found.slope > 1.0
