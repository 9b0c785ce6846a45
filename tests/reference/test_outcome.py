"""analyze_outcome against R: glm, exact profile roots, likelihood-ratio tests, logistf, pROC.

Sources and versions stand in tests/reference/truth/*__logistic.json and *__firth.json.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from logic import analyze_outcome
from tests.reference.frames import frame_of, number, truth

LOGISTIC = ["melanoma", "urine", "synth_trial", "synth_messy"]
FIRTH = ["urine", "synth_trial", "synth_messy"]


def arguments(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "outcome": options["outcome"],
        "event": options["event"],
        "predictors": [p["name"] for p in options["predictors"]],
        "references": {
            p["name"]: p["reference"] for p in options["predictors"] if p["type"] != "numeric"
        },
    }


def row_of(effects: pd.DataFrame, coefficient: dict[str, Any]) -> pd.Series:
    at = effects["term"] == coefficient["term"]
    if "level" in coefficient:
        at &= effects["level"] == str(coefficient["level"])
    assert at.sum() == 1
    return effects[at].iloc[0]


def runaway(coefficient: dict[str, Any]) -> bool:
    """R prints a coefficient near -30 with an enormous standard error: no maximum exists."""
    return coefficient["se"] > 1e3


def check_row(row: pd.Series, want: dict[str, Any], interval: str) -> None:
    if runaway(want):
        assert np.isnan(row["coef"])
        assert np.isnan(row["std_error"])
    else:
        assert_allclose(row["coef"], want["estimate"], rtol=1e-6)
        assert_allclose(row["std_error"], want["se"], rtol=1e-6)
        assert_allclose(row["estimate"], want["exp_estimate"], rtol=1e-6)
    if interval == "profile":
        low, high = number(want["profile_ci"]["lower"]), number(want["profile_ci"]["upper"])
        assert_allclose([row["ci_low"], row["ci_high"]], [low, high], rtol=1e-5)
        assert_allclose(row["statistic"], want["lr_chisq_1df"], rtol=1e-6)
        assert_allclose(row["p_value"], want["p_lr"], rtol=1e-6)
        assert row["df"] == 1
    elif not runaway(want):
        low, high = want["wald_ci"]["lower"], want["wald_ci"]["upper"]
        assert_allclose([row["ci_low"], row["ci_high"]], [low, high], rtol=1e-6)
        assert_allclose(row["statistic"], want["z"], rtol=1e-6)
        # a relative error e of z is an error of about z^2 e of its p
        assert_allclose(row["p_value"], want["p_wald"], rtol=1e-6 * max(1.0, want["z"] ** 2))


@pytest.mark.parametrize("interval", ["profile", "wald"])
@pytest.mark.parametrize("dataset", LOGISTIC)
def test_adjusted_model_agrees_with_glm(dataset: str, interval: str) -> None:
    t = truth(f"{dataset}__logistic")
    o, want = t["options"], t["results"]["adjusted"]
    data = frame_of(dataset, o["predictors"], o["outcome"])
    result = analyze_outcome(data, **arguments(o), method="likelihood", interval=interval)
    effects = result.adjusted.effects
    for c in want["coefficients"]:
        if c["term"] != "(Intercept)":
            check_row(row_of(effects, c), c, interval)
    for test in want["term_tests"]:
        rows = effects[effects["term"] == test["term"]]
        assert_allclose(rows["p_term"], test["p_lr"], rtol=1e-6)
    fit = result.adjusted.fit.iloc[0]
    intercept = want["coefficients"][0]
    assert_allclose(fit["intercept"], intercept["estimate"], rtol=1e-6)
    assert_allclose(fit["intercept_std_error"], intercept["se"], rtol=1e-6)
    assert (fit["n"], fit["events"], fit["parameters"]) == (
        want["n_used"], want["events"], want["n_parameters"],
    )  # fmt: skip
    for ours, theirs in {
        "loglik": "loglik", "loglik_null": "loglik_null", "lr_statistic": "lr_chisq_model",
        "lr_df": "lr_df", "lr_p": "p_lr_model", "aic": "aic", "bic": "bic",
        "mcfadden_r2": "mcfadden_r2", "nagelkerke_r2": "nagelkerke_r2", "brier": "brier",
    }.items():  # fmt: skip
        assert_allclose(fit[ours], want[theirs], rtol=1e-6, err_msg=ours)
    c = want["c_statistic"]
    assert_allclose(fit["c_statistic"], c["auc"], rtol=1e-8)
    assert_allclose(fit["c_statistic_low"], c["delong_ci"]["lower"], rtol=1e-8)
    assert_allclose(fit["c_statistic_high"], c["delong_ci"]["upper"], rtol=1e-8)
    assert result.diagnostics.facts["events_per_parameter"] == pytest.approx(
        want["events_per_parameter"]
    )
    assert result.n_rows == want["n_total"]
    assert result.exclusions.get("outcome missing", 0) == want["n_missing_outcome"]


@pytest.mark.parametrize("interval", ["profile", "wald"])
@pytest.mark.parametrize("dataset", LOGISTIC)
@pytest.mark.parametrize("common", [False, True])
def test_crude_models_agree_with_glm(dataset: str, interval: str, common: bool) -> None:
    t = truth(f"{dataset}__logistic")
    o = t["options"]
    data = frame_of(dataset, o["predictors"], o["outcome"])
    result = analyze_outcome(
        data, **arguments(o), method="likelihood", interval=interval, common_sample=common
    )
    sample = "complete_cases_of_adjusted_model" if common else "available_cases"
    effects, fits = result.crude.effects, result.crude.fit
    for model in t["results"]["crude"]:
        want = model[sample]
        for c in want["coefficients"]:
            check_row(row_of(effects, c), c, interval)
        fit = fits[fits["term"] == model["term"]].iloc[0]
        assert (fit["n"], fit["events"]) == (want["n_used"], want["events"])
        assert_allclose(fit["aic"], want["aic"], rtol=1e-6)
        assert_allclose(fit["lr_p"], want["term_test"]["p_lr"], rtol=1e-6)
        assert_allclose(fit["lr_statistic"], want["term_test"]["lr_chisq"], rtol=1e-6)
        c = want["c_statistic"]
        assert_allclose(fit["c_statistic"], c["auc"], rtol=1e-8)
        assert_allclose(fit["c_statistic_low"], c["delong_ci"]["lower"], rtol=1e-8)


@pytest.mark.parametrize("dataset", LOGISTIC)
def test_hosmer_lemeshow_agrees(dataset: str) -> None:
    t = truth(f"{dataset}__logistic")
    o, want = t["options"], t["results"]["adjusted"]["hosmer_lemeshow"]
    data = frame_of(dataset, o["predictors"], o["outcome"])
    result = analyze_outcome(data, **arguments(o), method="likelihood", hosmer_lemeshow=True)
    facts = result.diagnostics.facts
    assert_allclose(facts["hosmer_lemeshow_statistic"], want["chisq"], rtol=1e-6)
    assert facts["hosmer_lemeshow_df"] == want["df"]
    assert_allclose(facts["hosmer_lemeshow_p"], want["p"], rtol=1e-6)


@pytest.mark.parametrize("dataset", FIRTH)
def test_firth_agrees_with_logistf(dataset: str) -> None:
    t = truth(f"{dataset}__firth")
    o, r = t["options"], t["results"]
    data = frame_of(dataset, o["predictors"], o["outcome"])
    result = analyze_outcome(data, **arguments(o), method="firth")
    models = [(r["adjusted"], result.adjusted.effects, result.adjusted.fit.iloc[0])]
    crude_fit = result.crude.fit
    for m in r["crude"]:
        at = crude_fit[crude_fit["term"] == m["term"]].iloc[0]
        models.append((m, result.crude.effects, at))
    for want, effects, fit in models:
        assert (fit["n"], fit["events"]) == (want["n_used"], want["events"])
        assert_allclose(fit["lr_statistic"], want["penalised_lr_chisq_model"], rtol=1e-5)
        assert_allclose(fit["lr_p"], want["p_model"], rtol=1e-5)
        assert_allclose(fit["loglik"], want["loglik_unpenalised_at_estimate"], rtol=1e-5)
        for c in want["coefficients"]:
            if c["term"] == "(Intercept)":
                assert_allclose(fit["intercept"], c["estimate"], rtol=1e-5)
                continue
            row = row_of(effects, c)
            assert_allclose(row["coef"], c["estimate"], rtol=1e-5)
            assert_allclose(row["std_error"], c["se"], rtol=1e-5)
            assert_allclose(row["ci_low"], c["profile_penalised_ci"]["lower"], rtol=1e-5)
            assert_allclose(row["ci_high"], c["profile_penalised_ci"]["upper"], rtol=1e-5)
            assert_allclose(row["statistic"], c["penalised_lr_chisq"], rtol=1e-5)
            assert_allclose(row["p_value"], c["p_penalised_lr"], rtol=1e-5)
        for test in want["term_tests"]:
            rows = effects[effects["term"] == test["term"]]
            assert_allclose(rows["p_term"], test["p"], rtol=1e-5)


def test_zero_cell_of_the_literature() -> None:
    """0/22 against 90/378: Firth is the add-1/2 odds ratio 0.0708 (0.0006 to 0.520), penalised
    likelihood-ratio p 0.0035 (Heinze & Schemper 2002; numbers printed to these digits)."""
    data = pd.DataFrame(
        {
            "drug": ["given"] * 22 + ["not given"] * 378,
            "died": [0] * 22 + [1] * 90 + [0] * 288,
        }
    )
    result = analyze_outcome(
        data, outcome="died", predictors=["drug"], references={"drug": "not given"}
    )
    for effects in (result.crude.effects, result.adjusted.effects):
        row = effects[effects["level"] == "given"].iloc[0]
        assert_allclose(row["estimate"], (0.5 / 22.5) / (90.5 / 288.5), rtol=1e-8)
        assert_allclose([row["ci_low"], row["ci_high"]], [0.0006, 0.520], atol=5e-4)
        assert_allclose(row["p_value"], 0.0035, atol=5e-5)
    assert {"separation"} <= {n.code for n in result.notes}


def test_the_zero_cell_of_non_events_is_its_mirror() -> None:
    """The same table with events and non-events exchanged: the odds ratio inverts."""
    drug = ["given"] * 22 + ["not given"] * 378
    data = pd.DataFrame({"drug": drug, "lived": [1] * 22 + [0] * 90 + [1] * 288})
    result = analyze_outcome(
        data, outcome="lived", predictors=["drug"], references={"drug": "not given"}
    )
    for effects in (result.crude.effects, result.adjusted.effects):
        row = effects[effects["level"] == "given"].iloc[0]
        assert_allclose(row["estimate"], (90.5 / 288.5) / (0.5 / 22.5), rtol=1e-8)
        assert_allclose([1 / row["ci_high"], 1 / row["ci_low"]], [0.0006, 0.520], atol=5e-4)
    assert sum(n.code == "separation" for n in result.notes) == 2
