"""Results made by hand with plausible numbers, for tests of how they are printed."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from stats.result import (
    CollinearityResult,
    EffectsResult,
    Note,
    OutcomeDiagnostics,
    OutcomeResult,
)

NAN = math.nan
INF = math.inf

EFFECT_KEYS = (
    "term", "level", "reference", "n", "events", "missing", "coef", "std_error", "estimate",
    "ci_low", "ci_high", "statistic", "df", "p_value", "p_term",
)  # fmt: skip


def effect(term, level, reference, n, events, missing, estimate, low, high, p, p_term):
    """One row; a reference row has estimate 1 and nothing else."""
    is_reference = level is not None and level == reference
    coef = 0.0 if is_reference else (math.log(estimate) if estimate > 0 else NAN)
    se = NAN if is_reference else 0.2
    values = (
        term, level, reference, n, events, missing, coef, se, estimate,
        low, high, NAN if is_reference else 3.1, NAN if is_reference else 1.0, p, p_term,
    )  # fmt: skip
    return dict(zip(EFFECT_KEYS, values, strict=True))


AGE = "age"
SMOKING = "smoking"
DRUG = "drug"

CRUDE_ROWS = [
    effect(AGE, None, None, 395, 88, 5, 1.0312, 1.0123, 1.0504, 0.00112, 0.00112),
    effect(SMOKING, "never", "never", 180, 30, 3, 1.0, NAN, NAN, NAN, 0.0213),
    effect(SMOKING, "former", "never", 120, 28, 3, 1.522, 0.851, 2.722, 0.157, 0.0213),
    effect(SMOKING, "current", "never", 97, 30, 3, 2.239, 1.249, 4.027, 0.0068, 0.0213),
    effect(DRUG, "no", "no", 378, 90, 0, 1.0, NAN, NAN, NAN, 0.0035),
    effect(DRUG, "yes", "no", 22, 0, 0, 0.0708, 0.000553, 0.5196, 0.0035, 0.0035),
]
ADJUSTED_ROWS = [
    effect(AGE, None, None, 392, 88, 5, 1.0287, 1.0091, 1.0489, 0.0038, 0.0038),
    effect(SMOKING, "never", "never", 178, 30, 3, 1.0, NAN, NAN, NAN, 0.0461),
    effect(SMOKING, "former", "never", 118, 28, 3, 1.41, 0.78, 2.55, 0.2541, 0.0461),
    effect(SMOKING, "current", "never", 96, 30, 3, 2.08, 1.13, 3.81, 0.0182, 0.0461),
    effect(DRUG, "no", "no", 370, 88, 0, 1.0, NAN, NAN, NAN, 0.0061),
    effect(DRUG, "yes", "no", 22, 0, 0, 0.081, 0.000621, 0.602, 0.0061, 0.0061),
]
SEPARATION = Note(
    "separation",
    "caution",
    'No event occurred among the rows with drug = "yes", so Firth\'s penalised likelihood was used',
    DRUG,
)
EVENTS_NOTE = Note("events_assumed", "info", 'The event was taken to be "yes".')


def fit_row(term, method="likelihood", interval="profile", n=392, events=88):
    return {
        "term": term, "method": method, "interval": interval, "n": n, "events": events,
        "parameters": 5, "loglik": -190.2, "loglik_null": -208.9, "lr_statistic": 37.4,
        "lr_df": 4, "lr_p": 1.5e-7, "aic": 390.4, "bic": 410.3, "mcfadden_r2": 0.0895,
        "nagelkerke_r2": 0.139, "brier": 0.157, "c_statistic": 0.702, "c_statistic_low": 0.641,
        "c_statistic_high": 0.763,
    }  # fmt: skip


def effects_result(rows, fits, **more: Any) -> EffectsResult:
    fields: dict[str, Any] = {
        "analysis": "outcome", "choices": {}, "n_rows": 400, "n_used": 392,
        "exclusions": {"predictor missing": 8}, "effect": "odds ratio",
        "effects": pd.DataFrame(rows, columns=list(EFFECT_KEYS)), "fit": pd.DataFrame(fits),
        "method": {"model": "logistic regression"},
    }  # fmt: skip
    return EffectsResult(**{**fields, **more})


def descriptives(age=AGE, smoking=SMOKING, drug=DRUG, levels=("never", "former", "current")):
    rows = []
    for group, n, mean in ((None, 395, 61.2), ("no", 307, 60.1), ("yes", 88, 65.0)):
        stats = {
            "n": n, "mean": mean, "sd": 11.43, "median": mean + 0.4, "q1": mean - 8, "q3": mean + 8,
            "min": 21, "max": 92, "missing": {395: 5, 307: 3, 88: 2}[n],
        }  # fmt: skip
        rows += [(age, None, group, stat, float(value)) for stat, value in stats.items()]
        for level, share in zip(levels, (45.0, 30.0, 25.0), strict=True):
            rows.append((smoking, level, group, "n", round(n * share / 100)))
            rows.append((smoking, level, group, "percent", share))
        rows.append((smoking, None, group, "missing", 0.0))
        for level, count in (
            ("no", n - 22 if group != "yes" else n),
            ("yes", 22 if group != "yes" else 0),
        ):
            rows.append((drug, level, group, "n", float(count)))
            rows.append((drug, level, group, "percent", 100.0 * count / n))
        rows.append((drug, None, group, "missing", 0.0))
    return pd.DataFrame(rows, columns=["variable", "level", "group", "stat", "value"])


def diagnostics(age=AGE, smoking=SMOKING, drug=DRUG) -> OutcomeDiagnostics:
    return OutcomeDiagnostics(
        collinearity=pd.DataFrame(
            {
                "term": [age, smoking, smoking, drug],
                "level": [None, "former", "current", "yes"],
                "vif": [1.12, 1.30, 1.33, 1.02],
                "gvif": [1.12, 1.21, 1.21, 1.02],
                "df": [1, 2, 2, 1],
                "gvif_scaled": [1.058, 1.0488, 1.0488, 1.01],
            }
        ),
        influence=pd.DataFrame(
            {
                "row": [17, 230], "cooks_distance": [0.121, 0.0842], "leverage": [0.091, 0.043],
                "term": [drug, age], "level": ["yes", None], "dfbeta": [0.61, -0.31],
            }
        ),
        calibration=pd.DataFrame(
            {"group": [1, 2], "n": [196, 196], "predicted": [0.12, 0.33], "observed": [0.11, 0.34]}
        ),
        facts={
            "events_per_parameter": 22.0,
            "calibration_intercept": 0.0,
            "calibration_slope": 1.0,
            "c_statistic": 0.702,
            "c_statistic_low": 0.641,
            "c_statistic_high": 0.763,
        },
    )  # fmt: skip


def outcome_result(**more: Any) -> OutcomeResult:
    """400 rows, 90 events, three predictors; the last one is separated (0 of 22)."""
    fields: dict[str, Any] = {
        "analysis": "analyze_outcome",
        "choices": {
            "outcome": "died", "predictors": (AGE, SMOKING, DRUG), "event": "yes",
            "references": {SMOKING: "never"}, "exposure": None, "adjust": "all",
            "method": "auto", "interval": "profile", "ci_level": 0.95, "common_sample": False,
            "scale": None, "hosmer_lemeshow": False,
        },
        "n_rows": 400, "n_used": 392, "exclusions": {"outcome missing": 0, "predictor missing": 8},
        "notes": (SEPARATION, EVENTS_NOTE),
        "method": {
            "model": "logistic regression", "estimator": "Firth's penalised likelihood",
            "interval": "penalised profile likelihood", "ci_level": 0.95,
            "reason": 'no event occurred among the rows with drug = "yes"',
            "tests": ("welch", "chi_square", "fisher"),
        },
        "outcome": "died", "event": "yes", "other": "no",
        "descriptives": descriptives(),
        "tests": pd.DataFrame(
            {
                "variable": [AGE, AGE, SMOKING, DRUG],
                "test": ["Welch t", "Mann-Whitney", "chi-square", "Fisher exact"],
                "statistic": [-3.5, 11021.0, 7.7, NAN], "df": [133.2, NAN, 2.0, NAN],
                "p_value": [0.0006, 0.0121, 0.0213, 0.0074], "mc_error": [NAN] * 4,
            }
        ),
        "crude": effects_result(
            CRUDE_ROWS,
            [fit_row(AGE, n=395), fit_row(SMOKING, n=397), fit_row(DRUG, "firth", n=400, events=90)],
        ),
        "adjusted": effects_result(ADJUSTED_ROWS, [fit_row(None, "firth")]),
        "diagnostics": diagnostics(),
    }  # fmt: skip
    return OutcomeResult(**{**fields, **more})


def collinearity_result() -> CollinearityResult:
    return CollinearityResult(
        analysis="check_collinearity", choices={"variables": (AGE, SMOKING)}, n_rows=400, n_used=392,
        exclusions={"missing": 8}, collinearity=diagnostics().collinearity,
    )  # fmt: skip
