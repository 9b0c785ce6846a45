"""The tables of linear, count and Cox models: crude beside adjusted, fit, checks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from presentation import numbers
from presentation.details import collinearity_table, exclusions_table, influence_table
from presentation.effects import model_facts, rows_of
from presentation.fitted import series_of
from presentation.journal import crude_and_adjusted_table
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.table import Cell, Column, Row, Table
from presentation.wording import estimator_words, interval_words, is_firth
from stats.result import ModelResult

#: What is said of the adjusted model, in print order: key, words, decimals (None: a p-value).
_FACTS: tuple[tuple[str, str, int | None], ...] = (
    ("n", "Rows used", 0), ("events", "Events", 0),
    ("parameters", "Parameters (with an intercept where there is one)", 0),
    ("r_squared", "R²", 3), ("adj_r_squared", "Adjusted R²", 3),
    ("sigma", "Residual standard deviation", 3), ("f_statistic", "F of the model", 2),
    ("f_df", "Degrees of freedom of the model", 0),
    ("df_residual", "Residual degrees of freedom", 0),
    ("f_p", "p of the model", None),
    ("concordance", "Concordance (Harrell, apparent)", 3),
    ("concordance_se", "Standard error of the concordance", 3),
    ("loglik", "Log-likelihood", 1), ("loglik_null", "Log-likelihood without predictors", 1),
    ("penalised_loglik", "Penalised log-likelihood", 1),
    ("lr_statistic", "Likelihood-ratio chi-square of the model", 1),
    ("lr_df", "Degrees of freedom", 0), ("lr_p", "p of the model (likelihood ratio)", None),
    ("score_p", "p of the model (score test)", None), ("wald_p", "p of the model (Wald)", None),
    ("aic", "AIC", 1), ("bic", "BIC", 1), ("deviance", "Deviance", 1),
    ("dispersion", "Dispersion (Pearson)", 2), ("theta", "Theta", 3),
    ("theta_std_error", "Standard error of theta", 3), ("alpha", "Alpha (1/theta)", 3),
    ("intercept", "Intercept", 3), ("intercept_std_error", "Standard error of the intercept", 3),
    ("events_per_parameter", "Events per parameter (without intercept)", 1),
    ("rows_per_parameter", "Rows per parameter", 1), ("durbin_watson", "Durbin-Watson", 2),
    ("largest_cooks_distance", "Largest Cook's distance", 3),
    ("largest_leverage", "Largest leverage", 3),
    ("zeros_observed", "Rows without events, observed", 0),
    ("zeros_expected", "Rows without events, expected", 1),
)  # fmt: skip
_CRUDE: tuple[tuple[str, str, int], ...] = (
    ("n", "Rows", 0), ("events", "Events", 0), ("concordance", "Concordance", 3),
    ("r_squared", "R²", 3), ("dispersion", "Dispersion", 2), ("aic", "AIC", 1),
)  # fmt: skip
_EFFECTS = {
    "fit_cox": "Hazard ratios",
    "fit_linear": "Mean differences",
    "fit_counts": "Rate ratios",
}


def model_table(result: ModelResult, names: Names, style: NumberStyle) -> Table:
    """Crude beside adjusted estimates, one row per predictor and level."""
    effect = result.adjusted.effect
    facts = model_facts(result.adjusted)
    used = f"{result.n_used} of {result.n_rows} rows"
    events = facts.get("events")
    if isinstance(events, (int, float)) and numbers.known(events):
        used += f", {numbers.count(events)} events"
    exposure = result.choices.get("exposure")
    return crude_and_adjusted_table(
        (series_of("Crude", result.crude), series_of("Adjusted", result.adjusted)), names, style,
        name=_EFFECTS.get(result.analysis, "Estimates"),
        title=f"Crude and adjusted {effect}s for {names.of(result.outcome)}.",
        subtitle=f"{_outcome(result, names)}Adjusted model: {used}.",
        of=result, choices=result.choices, exposure=exposure if isinstance(exposure, str) else None,
        counts="rows" if effect == "mean difference" else
        "events of rows" if effect == "hazard ratio" else "events and rows",
    )  # fmt: skip


def _outcome(result: ModelResult, names: Names) -> str:
    method = result.method
    if result.analysis == "fit_cox":
        levels = " or ".join(method["event_levels"])
        time = names.with_unit(method["time"])
        return f"Event: {names.of(result.outcome)} = {levels}; time: {time}. "
    if result.analysis == "fit_counts" and method["person_time"]:
        return f"Time at risk: {names.with_unit(method['person_time'])}. "
    return f"Outcome in {names.units[result.outcome]}. " if names.units.get(result.outcome) else ""


def more_model_tables(result: ModelResult, names: Names, style: NumberStyle) -> tuple[Table, ...]:
    """Rows, the adjusted model, checks, crude models, collinearity, influence.

    A table without rows is left out.
    """
    diagnostics = result.diagnostics
    tables = (
        exclusions_table(result),
        _adjusted_table(result, style),
        _checks_table(result, names, style),
        _crude_table(result, names, style),
        collinearity_table(diagnostics.table("collinearity"), names, style),
        influence_table(diagnostics.table("influence"), names, style),
    )
    return tuple(table for table in tables if table.rows)


def _value(value: Any, decimals: int | None, style: NumberStyle) -> Cell:
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return Cell(numbers.NOT_ESTIMABLE, (None,))
    if decimals is None:
        return Cell(numbers.p_value(value, style), (float(value),))
    return Cell(numbers.fixed(float(value), decimals, style), (float(value),))


def _known(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _adjusted_table(result: ModelResult, style: NumberStyle) -> Table:
    facts: dict[str, Any] = {**model_facts(result.adjusted), **result.diagnostics.facts}
    firth = is_firth(facts.get("method"))
    rows = [
        Row("single", (Cell("Estimation"), Cell(estimator_words(facts.get("method"))))),
        Row(
            "single",
            (
                Cell("Confidence intervals"),
                Cell(interval_words(facts.get("interval"), firth=firth)),
            ),
        ),
    ]
    for key, words, decimals in _FACTS:
        if not _known(facts.get(key)):
            continue  # another kind of model, or no model
        cell = _value(facts[key], decimals, style)
        low, high = facts.get(f"{key}_low"), facts.get(f"{key}_high")
        if decimals is not None and _known(low) and _known(high):
            lower, upper = (numbers.fixed(float(v or 0.0), decimals, style) for v in (low, high))
            text = f"{cell.text} ({numbers.between(lower, upper, style)})"
            cell = Cell(text, cell.numbers)
        rows.append(Row("single", (Cell(words), cell)))
    return Table(
        name="Adjusted model", title="The adjusted model.", rows=tuple(rows),
        columns=(Column("Measure"), Column("Value", "number", ("Value",), ("0.000",))),
    )  # fmt: skip


def _checks_table(result: ModelResult, names: Names, style: NumberStyle) -> Table:
    rows = []
    for row in rows_of(result.table("tests")):
        term = "Whole model" if row["term"] is None else names.of(row["term"])
        cells = (
            Cell(term), Cell(str(row["test"])), _value(row["statistic"], 2, style),
            Cell() if math.isnan(row["df"]) else _value(row["df"], 0, style),
            _value(row["p_value"], None, style),
        )  # fmt: skip
        rows.append(Row("single", cells))
    return Table(
        name="Checks", title=_CHECKS.get(result.analysis, "Checks of the adjusted model."),
        rows=tuple(rows),
        columns=(
            Column("Term"), Column("Test"),
            Column("Statistic", "number", ("Statistic",), ("0.00",)),
            Column("df", "number", ("df",), ("0",)),
            Column(style.p_symbol, "number", (style.p_symbol,), ("General",)),
        ),
        notes=_check_notes(result.method) if rows else (),
    )  # fmt: skip


_CHECKS = {
    "fit_cox": "Tests of proportional hazards.",
    "fit_linear": "Checks of the residuals.",
    "fit_counts": "Checks of the dispersion.",
}
_TRANSFORMS = {
    "km": "one minus the Kaplan-Meier estimate", "rank": "its rank", "identity": "itself",
    "log": "its logarithm",
}  # fmt: skip


def _check_notes(method: Mapping[str, Any]) -> tuple[str, ...]:
    transform = _TRANSFORMS.get(str(method.get("zph_transform")))
    if transform is None:
        return ()
    return (
        f"Score tests of a change of the hazard ratio with time, taken as {transform}.",
        "A small p speaks for a hazard ratio that changes; a large one does not prove it constant.",
    )


def _crude_table(result: ModelResult, names: Names, style: NumberStyle) -> Table:
    fits = rows_of(result.crude.table("fit"))
    shown = [c for c in _CRUDE if any(_known(fit.get(c[0])) for fit in fits)]
    rows = tuple(
        Row("single", (
            Cell(names.of(fit["term"])),
            *(_value(fit.get(key), decimals, style) for key, _, decimals in shown),
            Cell(estimator_words(fit["method"])),
            Cell(interval_words(fit["interval"], firth=is_firth(fit["method"]))),
        ))
        for fit in fits
    )  # fmt: skip
    return Table(
        name="Crude models", title="The crude models, one per predictor.", rows=rows,
        columns=(
            Column("Predictor"),
            *(
                Column(title, "number", (title,), ("0." + "0" * decimals if decimals else "0",))
                for _, title, decimals in shown
            ),
            Column("Estimation"), Column("Intervals"),
        ),
    )  # fmt: skip
