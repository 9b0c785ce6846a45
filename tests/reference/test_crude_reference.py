"""Crude models of the `logistic` and `firth` files: R's glm, exact profile roots, pROC, logistf.

Tolerances: glm's standard errors belong to its last but one iterate and carry about 7 digits;
the rest of the files has 10 to 15.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stats.univariable import fit_crude
from tests.reference.models import data, labels, term_of, truth

LOGISTIC = ("melanoma", "urine", "synth_trial", "synth_messy")
FIRTH = ("urine", "synth_trial", "synth_messy")
SAMPLES = ("available_cases", "complete_cases_of_adjusted_model")


def problem(found, sample="available_cases"):
    """Terms, outcome, and rows with known outcome (of the adjusted model, if asked for)."""
    frame, options = data(found["dataset"]), found["options"]
    outcome = labels(frame[options["outcome"]]) if options["outcome"] in frame else None
    if outcome is None:  # melanoma: dm is "died of melanoma"
        outcome = labels((frame["status"] == 1).astype("int64"))
    terms = [term_of(frame, p) for p in options["predictors"]]
    known = outcome.notna().to_numpy()
    if sample != SAMPLES[0]:
        known = np.logical_and.reduce([known, *(term.known for term in terms)])
    return terms, (outcome == str(options["event"])).to_numpy(dtype=bool), known


def fit(found, sample=SAMPLES[0], *, method, interval="profile"):
    terms, y, known = problem(found, sample)
    return terms, fit_crude(terms, y, known, method=method, interval=interval, ci_level=0.95)


def level_rows(term):
    """Positions of the rows that R lists: all but the reference."""
    return [i for i in range(max(1, len(term.levels))) if not term.levels or i != term.reference]


def column(rows, *path):
    values = []
    for row in rows:
        value = row
        for key in path:
            value = value[key]
        values.append({"Inf": math.inf, "-Inf": -math.inf}.get(value, value))
    return np.array(values, dtype=np.float64)


CASES = [
    pytest.param(name, sample, i, id=f"{name}-{sample}-{i}")
    for name in LOGISTIC
    for sample in SAMPLES
    for i in range(len(truth(f"{name}__logistic")["results"]["crude"]))
]


@pytest.mark.parametrize(("name", "sample", "i"), CASES)
def test_profile_crude_agrees_with_r(name, sample, i):
    found = truth(f"{name}__logistic")
    expected = found["results"]["crude"][i][sample]
    terms, fits = fit(found, sample, method="likelihood")
    ours, at = fits[i], level_rows(terms[i])
    rows = expected["coefficients"]
    assert (ours.n, ours.events) == (expected["n_used"], expected["events"])
    assert_allclose(np.exp(ours.ci_low[at]), column(rows, "profile_ci", "lower"), rtol=1e-10)
    assert_allclose(np.exp(ours.ci_high[at]), column(rows, "profile_ci", "upper"), rtol=1e-10)
    assert_allclose(ours.statistic[at], column(rows, "lr_chisq_1df"), rtol=1e-9)
    assert_allclose(ours.p_value[at], column(rows, "p_lr"), rtol=1e-10)
    assert ours.df[at].tolist() == [1.0] * len(at)
    term_test = expected["term_test"]
    assert (ours.lr_df, ours.parameters) == (term_test["df"], term_test["df"] + 1)
    assert_allclose(ours.lr_statistic, term_test["lr_chisq"], rtol=1e-9)
    assert_allclose(ours.lr_p, term_test["p_lr"], rtol=1e-10)
    assert_allclose(ours.aic, expected["aic"], rtol=1e-12)
    area = expected["c_statistic"]
    assert_allclose(ours.c_statistic, area["auc"], rtol=1e-13)
    limits = [area["delong_ci"]["lower"], area["delong_ci"]["upper"]]
    assert_allclose([ours.c_low, ours.c_high], limits, rtol=1e-12)


@pytest.mark.parametrize(("name", "sample", "i"), CASES)
def test_wald_crude_agrees_with_r(name, sample, i):
    found = truth(f"{name}__logistic")
    expected = found["results"]["crude"][i][sample]
    terms, fits = fit(found, sample, method="likelihood", interval="wald")
    ours, at = fits[i], level_rows(terms[i])
    rows = expected["coefficients"]
    if ours.separated:  # glm's numbers for such a row are artefacts (the file says so)
        assert np.isnan(ours.coef[at]).all()
        assert np.isnan(ours.std_error[at]).all()
        return
    assert_allclose(ours.coef[at], column(rows, "estimate"), rtol=1e-10)
    assert_allclose(ours.std_error[at], column(rows, "se"), rtol=1e-7)
    assert_allclose(ours.statistic[at], column(rows, "z"), rtol=1e-7)
    assert_allclose(ours.p_value[at], column(rows, "p_wald"), rtol=1e-6)
    assert_allclose(ours.ci_low[at], column(rows, "wald_ci_log_scale", "lower"), rtol=1e-6)
    assert_allclose(ours.ci_high[at], column(rows, "wald_ci_log_scale", "upper"), rtol=1e-6)
    assert np.isnan(ours.df[at]).all()


FIRTH_CASES = [
    (name, i) for name in FIRTH for i in range(len(truth(f"{name}__firth")["results"]["crude"]))
]


@pytest.mark.parametrize(("name", "i"), FIRTH_CASES)
def test_firth_crude_agrees_with_r(name, i):
    found = truth(f"{name}__firth")
    terms, fits = fit(found, method="firth")
    expected, ours, at = found["results"]["crude"][i], fits[i], level_rows(terms[i])
    intercept, *rows = expected["coefficients"]
    assert (ours.n, ours.events, ours.method) == (
        expected["n_used"], expected["events"], "Firth",
    )  # fmt: skip
    assert_allclose(ours.coef[at], column(rows, "estimate"), rtol=1e-10)
    assert_allclose(ours.std_error[at], column(rows, "se"), rtol=1e-10)
    limits = column(rows, "profile_penalised_ci_log_scale", "lower")
    assert_allclose(ours.ci_low[at], limits, rtol=1e-9)
    limits = column(rows, "profile_penalised_ci_log_scale", "upper")
    assert_allclose(ours.ci_high[at], limits, rtol=1e-9)
    assert_allclose(ours.statistic[at], column(rows, "penalised_lr_chisq"), rtol=1e-10)
    assert_allclose(ours.p_value[at], column(rows, "p_penalised_lr"), rtol=1e-10)
    assert_allclose(ours.lr_statistic, expected["penalised_lr_chisq_model"], rtol=1e-10)
    assert_allclose(ours.lr_p, expected["p_model"], rtol=1e-10)
    assert_allclose(ours.penalised_loglik, expected["penalised_loglik"], rtol=1e-12)
    assert_allclose(ours.loglik, expected["loglik_unpenalised_at_estimate"], rtol=1e-12)
    assert_allclose(ours.intercept, intercept["estimate"], rtol=1e-9)
    assert_allclose(ours.intercept_std_error, intercept["se"], rtol=1e-10)
    wald = fit(found, method="firth", interval="wald")[1][i]
    assert_allclose(wald.p_value[at], column(rows, "p_wald"), rtol=1e-9)


def test_auto_turns_to_firth_for_the_separated_predictor_alone():
    found = truth("synth_messy__firth")
    _, fits = fit(found, method="auto")
    assert [f.method for f in fits] == ["maximum likelihood", "Firth"]
    expected = found["results"]["crude"][1]["coefficients"][1]
    assert_allclose(fits[1].coef[1], expected["estimate"], rtol=1e-10)
    assert [n.code for n in fits[1].notes] == ["separation"]
    assert '"given"' in fits[1].notes[0].text


def test_likelihood_keeps_the_finite_limit_and_the_test_under_separation():
    found = truth("synth_messy__logistic")
    expected = found["results"]["crude"][1]["available_cases"]["coefficients"][0]
    ours = fit(found, method="likelihood")[1][1]
    assert math.isnan(ours.coef[1])
    assert ours.ci_low[1] == -math.inf
    assert_allclose(np.exp(ours.ci_high[1]), expected["profile_ci"]["upper"], rtol=1e-10)
    assert_allclose(ours.p_value[1], expected["p_lr"], rtol=1e-12)
