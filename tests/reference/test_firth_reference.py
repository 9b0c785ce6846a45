"""Firth's logistic regression against R (logistf's way, checked there against brglm2)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import chdtrc

from stats.design import Term, make_design
from stats.firth import INTERCEPT, fit_firth, penalised_lr, profile_firth
from tests.reference.models import model_of, numbers, truth

FILES = ("urine__firth", "synth_trial__firth", "synth_messy__firth")


def cases():
    for name in FILES:
        found = truth(name)
        yield pytest.param(found, None, found["results"]["adjusted"], id=f"{name}-adjusted")
        for crude in found["results"]["crude"]:
            own = [p for p in found["options"]["predictors"] if p["name"] == crude["term"]]
            yield pytest.param(found, own, crude, id=f"{name}-{crude['term']}")


@pytest.mark.parametrize(("found", "predictors", "expected"), list(cases()))
def test_firth_agrees_with_r(found, predictors, expected):
    design, y = model_of(found, predictors)
    fit = fit_firth(design, y)
    rows = expected["coefficients"]
    assert (len(y), y.sum()) == (expected["n_used"], expected["events"])
    intercept, slopes = design.reported(fit.beta)
    assert_allclose([intercept, *slopes], numbers(rows, "estimate"), rtol=1e-7, atol=1e-9)
    errors = np.sqrt(np.diag(design.reported_covariance(fit.covariance)))
    assert_allclose(errors, numbers(rows, "se"), rtol=1e-8)
    assert_allclose(fit.penalised_loglik, expected["penalised_loglik"], rtol=1e-12)
    assert_allclose(fit.loglik, expected["loglik_unpenalised_at_estimate"], rtol=1e-9)

    columns = [INTERCEPT, *range(len(design.columns))]
    low, high = profile_firth(design, y, fit, ci_level=0.95, columns=columns)
    units = np.concatenate([[1.0], design.spread])
    interval = "profile_penalised_ci_log_scale"
    assert_allclose(low / units, numbers(rows, interval, "lower"), rtol=1e-8)
    assert_allclose(high / units, numbers(rows, interval, "upper"), rtol=1e-8)

    terms = list(design.term_columns.values())
    groups = [[c] for c in columns] + terms + [range(len(design.columns))]
    statistics = penalised_lr(design, y, fit, groups)
    single, by_term = statistics[: len(columns)], statistics[len(columns) : -1]
    assert_allclose(single, numbers(rows, "penalised_lr_chisq"), rtol=1e-8, atol=1e-10)
    assert_allclose(chdtrc(1, single), numbers(rows, "p_penalised_lr"), rtol=1e-8)
    assert_allclose(by_term, numbers(expected["term_tests"], "chisq"), rtol=1e-8)
    assert [len(t) for t in terms] == [t["df"] for t in expected["term_tests"]]
    assert_allclose(statistics[-1], expected["penalised_lr_chisq_model"], rtol=1e-9)


def two_by_two(events_a, n_a, events_b, n_b):
    codes = np.repeat([0, 1], [n_b, n_a])
    y = np.concatenate(
        [np.arange(n_b) < events_b, np.arange(n_a) < events_a]
    ).astype(np.float64)  # fmt: skip
    design = make_design([Term("exposed", "factor", codes, ("no", "yes"))], np.arange(n_a + n_b))
    return design, y


def test_no_events_among_22_exposed():
    """0/22 v 90/378: closed form of the estimate; interval and p as logistf prints them."""
    design, y = two_by_two(0, 22, 90, 378)
    fit = fit_firth(design, y)
    low, high = profile_firth(design, y, fit)
    statistic = penalised_lr(design, y, fit, [[0]])
    closed = (0.5 / 22.5) / (90.5 / 288.5)
    assert_allclose(np.exp(fit.beta[1]), closed, rtol=1e-9)
    assert round(closed, 4) == 0.0708
    assert round(float(np.exp(low[0])), 4) == 0.0006
    assert round(float(np.exp(high[0])), 3) == 0.520
    assert round(float(chdtrc(1, statistic[0])), 4) == 0.0035


def test_no_events_against_a_rare_event():
    """0/22 v 7/363: the estimate is above zero although no exposed row has the event."""
    design, y = two_by_two(0, 22, 7, 363)
    fit = fit_firth(design, y)
    low, high = profile_firth(design, y, fit)
    assert_allclose(fit.beta[1], np.log((0.5 / 22.5) / (7.5 / 356.5)), rtol=1e-8)
    assert [round(float(v), 2) for v in (low[0], high[0])] == [-4.82, 2.21]
