"""fit_counts against R's glm, sandwich and MASS::glm.nb (refined on the joint likelihood).

Source: `synth_trial__poisson_negbin.json` (R 4.2.2). Tolerance 1e-6 for Poisson (profile limits
1e-5), 1e-5 for the negative binomial, whose reference stopped at a gradient of 5e-8.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from stats.counts import fit_counts
from stats.result import ModelResult
from tests.reference.frames import frame_of, truth

NAME = "synth_trial__poisson_negbin"
RTOL, PROFILE_RTOL, NB_RTOL = 1e-6, 1e-5, 1e-5


def fitted(**choices: Any) -> ModelResult:
    found = truth(NAME)
    options = found["options"]
    time = options["offset"].removeprefix("log(").removesuffix(")")
    numeric = [{"name": n, "type": "numeric"} for n in (options["outcome"], time)]
    data = frame_of(found["dataset"], [*numeric, *options["predictors"]])
    return fit_counts(
        data,
        outcome=options["outcome"],
        person_time=time,
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


def limits(found: dict[str, float]) -> list[float]:
    return [found["lower"], found["upper"]]


def slopes(model: str) -> list[dict[str, Any]]:
    every = truth(NAME)["results"][model]["coefficients"]
    return [c for c in every if c["term"] != "(Intercept)"]


def test_poisson_wald() -> None:
    effects = fitted(interval="wald").adjusted.effects
    for c in slopes("poisson"):
        row = row_of(effects, c)
        assert_allclose(row["coef"], c["estimate"], rtol=RTOL)
        assert_allclose(row["estimate"], c["exp_estimate"], rtol=RTOL)
        assert_allclose(row["std_error"], c["se"], rtol=RTOL)
        assert_allclose(row["statistic"], c["z"], rtol=RTOL)
        assert_allclose(row["p_value"], c["p_wald"], rtol=RTOL)
        found = row[["ci_low", "ci_high"]].astype(float)
        assert_allclose(found, limits(c["wald_ci"]), rtol=RTOL)


def test_poisson_profile() -> None:
    effects = fitted().adjusted.effects
    for c in slopes("poisson"):
        row = row_of(effects, c)
        found = row[["ci_low", "ci_high"]].astype(float)
        assert_allclose(found, limits(c["profile_ci"]), rtol=PROFILE_RTOL)
        assert_allclose(row["statistic"], c["lr_chisq_1df"], rtol=RTOL)
        assert_allclose(row["p_value"], c["p_lr"], rtol=RTOL)
    for term in truth(NAME)["results"]["poisson"]["term_tests"]:
        own = effects[effects["term"] == term["term"]]
        assert_allclose(own["p_term"], term["p_lr"], rtol=RTOL)


def test_poisson_robust_and_quasi() -> None:
    robust, quasi = (fitted(robust=kind).adjusted.effects for kind in ("HC0", "quasi"))
    for c in slopes("poisson"):
        row = row_of(robust, c)
        assert_allclose(row["std_error"], c["robust_HC0"]["se"], rtol=RTOL)
        assert_allclose(row["p_value"], c["robust_HC0"]["p"], rtol=RTOL)
        found = row[["ci_low", "ci_high"]].astype(float)
        assert_allclose(found, limits(c["robust_HC0"]["ci"]), rtol=RTOL)
        row = row_of(quasi, c)
        assert_allclose(row["std_error"], c["quasipoisson"]["se"], rtol=RTOL)
        assert_allclose(row["p_value"], c["quasipoisson"]["p_t"], rtol=RTOL)


def test_poisson_fit() -> None:
    wanted, result = truth(NAME)["results"]["poisson"], fitted()
    fit = result.adjusted.fit.iloc[0]
    for column, key in {
        "loglik": "loglik", "aic": "aic", "bic": "bic", "deviance": "deviance",
        "null_deviance": "null_deviance", "df_residual": "df_residual",
        "pearson": "pearson_chisq", "dispersion": "dispersion_pearson",
    }.items():  # fmt: skip
        assert_allclose(fit[column], wanted[key], rtol=RTOL, err_msg=column)
    assert_allclose(result.tests["p_value"], [wanted["gof_p_deviance"]], rtol=RTOL)
    intercept = wanted["coefficients"][0]
    assert_allclose(fit["intercept"], intercept["estimate"], rtol=RTOL)
    assert_allclose(fit["intercept_std_error"], intercept["se"], rtol=RTOL)
    assert "overdispersion" in {n.code for n in result.notes}


@pytest.mark.parametrize(
    ("information", "key"),
    [("observed", "observed_information_joint"), ("expected", "expected_information_MASS_glm.nb")],
)
def test_negative_binomial(information: str, key: str) -> None:
    wanted = truth(NAME)["results"]["negbin"]
    result = fitted(family="negative_binomial", information=information, interval="wald")
    fit = result.adjusted.fit.iloc[0]
    for column in ("theta", "alpha", "loglik", "aic", "bic"):
        assert_allclose(fit[column], wanted[column], rtol=NB_RTOL, err_msg=column)
    assert_allclose(fit["lr_alpha"], wanted["lr_vs_poisson"], rtol=NB_RTOL)
    assert_allclose(fit["lr_alpha_p"], wanted["p_lr_vs_poisson_half_chisq"], rtol=1e-4)
    assert_allclose(fit["log_alpha_std_error"], wanted["se_log_alpha_joint"], rtol=NB_RTOL)
    if information == "expected":
        assert_allclose(fit["theta_std_error"], wanted["se_theta_MASS"], rtol=NB_RTOL)
    for c in slopes("negbin"):
        row = row_of(result.adjusted.effects, c)
        assert_allclose(row["coef"], c["estimate"], rtol=NB_RTOL)
        assert_allclose(row["estimate"], c["irr"], rtol=NB_RTOL)
        assert_allclose(row["std_error"], c[key]["se"], rtol=NB_RTOL)
        assert_allclose(row["p_value"], c[key]["p"], rtol=NB_RTOL)
        found = row[["ci_low", "ci_high"]].astype(float)
        assert_allclose(found, limits(c[key]["ci"]), rtol=NB_RTOL)


def test_negative_binomial_profile_limits_have_the_right_depth() -> None:
    """The likelihood at a limit, theta and the others free, lies 1.9207 below the maximum."""
    from scipy.optimize import minimize

    from stats.count_likelihood import NegativeBinomialLikelihood
    from stats.design import Term, make_design

    options = truth(NAME)["options"]
    time = options["offset"].removeprefix("log(").removesuffix(")")
    numeric = [{"name": n, "type": "numeric"} for n in (options["outcome"], time, "age")]
    data = frame_of("synth_trial", numeric)
    result = fit_counts(
        data, outcome=options["outcome"], person_time=time, predictors=["age"],
        family="negative_binomial",
    )  # fmt: skip
    row = result.adjusted.effects.iloc[0]
    age = data["age"].to_numpy()
    rows = np.flatnonzero(~np.isnan(age))
    design = make_design([Term("age", "continuous", age)], rows)
    offset = np.log(data[time].to_numpy()[rows])
    model = NegativeBinomialLikelihood(design, data[options["outcome"]].to_numpy()[rows], offset)
    top = result.adjusted.fit["loglik"].iloc[0]
    for limit in (row["ci_low"], row["ci_high"]):
        held = np.log(limit) * design.spread[0]

        def loss(free: np.ndarray, held: float = held) -> float:
            return -model.at(np.array([free[0], held, free[1]])).loglik

        best = minimize(
            loss, [0.5, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11}
        )
        assert_allclose(top + best.fun, 3.841458820694124 / 2, rtol=1e-5)
