"""fit_cox against R survival's coxph, cox.zph and concordance, and a penalised fit made in R.

Source: `*__cox.json`, `*__cox_stratified.json`, `*__firth_cox.json` (R 4.2.2, survival 3.5-3).
Tolerances are those of the reference files: 1e-6 relative, Firth 1e-4.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from numpy.testing import assert_allclose

from stats.cox import fit_cox
from stats.result import EffectsResult, ModelResult
from tests.reference.frames import frame_of, truth

RTOL = 1e-6
FIRTH_RTOL = 1e-4
COX = ("melanoma__cox", "melanoma__cox_stratified")


def fitted(name: str, **choices: Any) -> ModelResult:
    found = truth(name)
    options = found["options"]
    numeric = [{"name": options["time"], "type": "numeric"}]
    outcomes = [options["status"], *([options["strata"]] if options.get("strata") else [])]
    data = frame_of(found["dataset"], [*numeric, *options["predictors"]], *outcomes)
    return fit_cox(
        data,
        **{
            "time": options["time"],
            "event": options["status"],
            "event_level": options.get("event", ["1"]),
            "predictors": [p["name"] for p in options["predictors"]],
            "strata": options.get("strata"),
            "references": {
                p["name"]: p["reference"] for p in options["predictors"] if "reference" in p
            },
            **choices,
        },
    )


def row_of(effects: pd.DataFrame, wanted: dict[str, Any]) -> pd.Series:
    rows = effects[effects["term"] == wanted["term"]]
    if "level" in wanted:
        rows = rows[rows["level"] == wanted["level"]]
    assert len(rows) == 1
    return rows.iloc[0]


def check_model(found: EffectsResult, wanted: dict[str, Any], fit: pd.Series) -> None:
    for c in wanted["coefficients"]:
        row = row_of(found.effects, c)
        assert_allclose(row["coef"], c["estimate"], rtol=RTOL)
        assert_allclose(row["std_error"], c["se"], rtol=RTOL)
        assert_allclose(row["estimate"], c["hr"], rtol=RTOL)
        assert_allclose(row["statistic"], c["z"], rtol=RTOL)
        assert_allclose(row["p_value"], c["p_wald"], rtol=RTOL)
        assert_allclose(
            row[["ci_low", "ci_high"]].astype(float),
            [c["ci"]["lower"], c["ci"]["upper"]],
            rtol=RTOL,
        )
    assert fit["n"] == wanted["n_used"]
    assert fit["events"] == wanted["events"]
    for column, value in {
        "loglik": wanted["loglik"],
        "loglik_null": wanted["loglik_null"],
        "aic": wanted["aic"],
        "lr_statistic": wanted["lr"]["chisq"],
        "lr_df": wanted["lr"]["df"],
        "lr_p": wanted["lr"]["p"],
        "wald_statistic": wanted["wald"]["chisq"],
        "wald_p": wanted["wald"]["p"],
        "score_statistic": wanted["score"]["chisq"],
        "score_p": wanted["score"]["p"],
        "concordance": wanted["concordance"],
        "concordance_se": wanted["concordance_se"],
    }.items():
        assert_allclose(fit[column], value, rtol=RTOL, err_msg=column)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", COX)
def test_adjusted_model(name: str, ties: str) -> None:
    wanted = truth(name)["results"][f"adjusted_{ties}"]
    found = fitted(name, ties=ties, interval="wald").adjusted
    check_model(found, wanted, found.fit.iloc[0])
    for term in wanted["term_lr"]:
        own = found.effects[found.effects["term"] == term["term"]]
        assert_allclose(own["p_term"], term["p"], rtol=RTOL)


@pytest.mark.parametrize("name", COX)
def test_crude_models(name: str) -> None:
    found = fitted(name, interval="wald").crude
    for wanted in truth(name)["results"]["crude_efron_available_cases"]:
        fit = found.fit.set_index("term").loc[wanted["term"]]
        check_model(found, wanted, fit)


@pytest.mark.parametrize("transform", ["km", "identity", "log", "rank"])
@pytest.mark.parametrize("name", COX)
def test_proportional_hazards(name: str, transform: str) -> None:
    wanted = truth(name)["results"]["adjusted_efron"]
    found = fitted(name, zph_transform=transform).tests
    names = {**wanted["zph_row_names"], "GLOBAL": None}
    for row in wanted[f"zph_{transform}"]:
        term = names[row["row"]]
        own = found[found["term"].isna() if term is None else found["term"] == term].iloc[0]
        assert_allclose(own["statistic"], row["chisq"], rtol=RTOL)
        assert_allclose(own["df"], row["df"])
        assert_allclose(own["p_value"], row["p"], rtol=RTOL)


@pytest.mark.parametrize("name", ["melanoma__firth_cox", "synth_messy__firth_cox"])
def test_firth(name: str) -> None:
    wanted = truth(name)["results"]
    result = fitted(name, method="firth", ties=truth(name)["options"]["ties"])
    fit = result.adjusted.fit.iloc[0]
    assert (fit["n"], fit["events"]) == (wanted["n_used"], wanted["events"])
    assert_allclose(fit["penalised_loglik"], wanted["penalised_loglik"], rtol=1e-6)
    assert_allclose(fit["lr_statistic"], wanted["penalised_lr_chisq_model"], rtol=FIRTH_RTOL)
    for c in wanted["coefficients"]:
        for part in (result.crude, result.adjusted):
            row = row_of(part.effects, c)
            assert_allclose(row["coef"], c["estimate"], rtol=FIRTH_RTOL)
            assert_allclose(row["std_error"], c["se"], rtol=FIRTH_RTOL)
            limits = c["profile_penalised_ci"]
            assert_allclose(
                row[["ci_low", "ci_high"]].astype(float), [limits["lower"], limits["upper"]],
                rtol=FIRTH_RTOL,
            )  # fmt: skip
            assert_allclose(row["p_value"], c["p_penalised_lr"], rtol=FIRTH_RTOL)


def test_a_group_without_events_gets_the_penalty_by_itself() -> None:
    result = fitted("synth_messy__firth_cox", ties="breslow")
    assert result.adjusted.fit["method"].tolist() == ["Firth's penalised likelihood"]
    wanted = truth("synth_messy__firth_cox")["results"]["coefficients"][0]
    assert_allclose(row_of(result.adjusted.effects, wanted)["coef"], wanted["estimate"], rtol=1e-4)
    assert [n.code for n in result.adjusted.notes] == ["monotone_likelihood"]
