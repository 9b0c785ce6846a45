"""fit_linear against R's lm, sandwich::vcovHC, lmtest::bptest, car and shapiro.test.

Source: `*__linear.json` (R 4.2.2, sandwich 3.0-2, lmtest 0.9-40). Tolerance 1e-7 relative.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from numpy.testing import assert_allclose

from stats.linear import fit_linear
from stats.result import ModelResult
from tests.reference.frames import frame_of, truth

RTOL = 1e-7
FILES = ("urine__linear", "poisons__linear", "synth_trial__linear")


def fitted(name: str, **choices: Any) -> ModelResult:
    found = truth(name)
    options = found["options"]
    outcome = {"name": options["outcome"], "type": "numeric"}
    data = frame_of(found["dataset"], [outcome, *options["predictors"]])
    return fit_linear(
        data,
        outcome=options["outcome"],
        predictors=[p["name"] for p in options["predictors"]],
        references={p["name"]: p["reference"] for p in options["predictors"] if "reference" in p},
        **choices,
    )


def row_of(effects: pd.DataFrame, wanted: dict[str, Any]) -> pd.Series:
    rows = effects[effects["term"] == wanted["term"]]
    if "level" in wanted:
        rows = rows[rows["level"] == wanted["level"]]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.parametrize("robust", [None, "HC0", "HC1", "HC2", "HC3"])
@pytest.mark.parametrize("name", FILES)
def test_coefficients(name: str, robust: str | None) -> None:
    result = fitted(name, robust=robust)
    fit = result.adjusted.fit.iloc[0]
    for c in truth(name)["results"]["coefficients"]:
        wanted = c[robust or "classical"]
        if c["term"] == "(Intercept)":
            assert_allclose(fit["intercept"], c["estimate"], rtol=RTOL)
            assert_allclose(fit["intercept_std_error"], wanted["se"], rtol=RTOL)
            continue
        row = row_of(result.adjusted.effects, c)
        assert_allclose(row["coef"], c["estimate"], rtol=RTOL)
        assert_allclose(row["std_error"], wanted["se"], rtol=RTOL)
        assert_allclose(row["statistic"], wanted["t"], rtol=RTOL)
        assert_allclose(row["p_value"], wanted["p_t"], rtol=RTOL)
        limits = [wanted["ci_t"]["lower"], wanted["ci_t"]["upper"]]
        # a limit next to zero is a difference of two larger numbers
        size = abs(c["estimate"]) * RTOL
        assert_allclose(row[["ci_low", "ci_high"]].astype(float), limits, rtol=RTOL, atol=size)


@pytest.mark.parametrize("name", FILES)
def test_fit_and_term_tests(name: str) -> None:
    wanted, result = truth(name)["results"], fitted(name)
    fit = result.adjusted.fit.iloc[0]
    assert fit["n"] == wanted["n_used"]
    for column, key in {
        "df_residual": "df_residual", "r_squared": "r_squared", "adj_r_squared": "adj_r_squared",
        "sigma": "sigma", "f_statistic": "F", "f_p": "p_F", "loglik": "loglik", "aic": "aic",
        "bic": "bic",
    }.items():  # fmt: skip
        assert_allclose(fit[column], wanted[key], rtol=RTOL, err_msg=column)
    assert fit["f_df"] == wanted["F_df"][0]
    for term in wanted["term_F_tests_type2"]:
        own = result.adjusted.effects
        assert_allclose(own[own["term"] == term["term"]]["p_term"], term["p"], rtol=RTOL)


@pytest.mark.parametrize("name", FILES)
def test_residual_checks(name: str) -> None:
    wanted, result = truth(name)["results"], fitted(name)
    tests = result.tests.set_index("test")
    spread = tests.loc["Breusch-Pagan (studentised)"]
    assert_allclose(spread["statistic"], wanted["breusch_pagan_studentized"]["bp"], rtol=RTOL)
    assert spread["df"] == wanted["breusch_pagan_studentized"]["df"]
    assert_allclose(spread["p_value"], wanted["breusch_pagan_studentized"]["p"], rtol=RTOL)
    normal = tests.loc["Shapiro-Wilk"]
    assert_allclose(normal["statistic"], wanted["shapiro_residuals"]["W"], rtol=1e-6)
    assert_allclose(normal["p_value"], wanted["shapiro_residuals"]["p"], rtol=1e-5)
    facts = result.diagnostics.facts
    assert_allclose(facts["durbin_watson"], wanted["durbin_watson"], rtol=RTOL)
    assert_allclose(facts["largest_cooks_distance"], wanted["max_cooks_distance"], rtol=RTOL)
    assert_allclose(facts["largest_leverage"], wanted["max_leverage"], rtol=RTOL)


@pytest.mark.parametrize("name", FILES)
def test_crude_models(name: str) -> None:
    result = fitted(name)
    for wanted in truth(name)["results"]["crude"]:
        fit = result.crude.fit.set_index("term").loc[wanted["term"]]
        assert fit["n"] == wanted["n_used"]
        for c in wanted["coefficients"]:
            row = row_of(result.crude.effects, c)
            assert_allclose(row["coef"], c["estimate"], rtol=RTOL)
            assert_allclose(row["std_error"], c["se"], rtol=RTOL)
            assert_allclose(row["p_value"], c["p"], rtol=RTOL)
            limits = [c["ci"]["lower"], c["ci"]["upper"]]
            size = abs(c["estimate"]) * RTOL
            assert_allclose(row[["ci_low", "ci_high"]].astype(float), limits, rtol=RTOL, atol=size)
