"""What a reviewer asks for: rows used, fit, collinearity, influence, calibration."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from presentation import numbers
from presentation.effects import rows_of
from presentation.names import Names, names_of
from presentation.numbers import PLAIN, NumberStyle
from presentation.table import Cell, Column, Row, Table
from presentation.wording import estimator_words, interval_words, is_firth
from stats.result import FrozenTable, OutcomeResult, Result

#: Facts in print order. A key with `_low` and `_high` beside it prints as one line.
_FACT_TITLES: Mapping[str, str] = {
    "n": "Rows used",
    "events": "Events",
    "parameters": "Parameters, intercept included",
    "events_per_parameter": "Events per parameter (without intercept)",
    "method": "Estimation",
    "interval": "Confidence intervals",
    "intercept": "Intercept (log odds)",
    "intercept_std_error": "Standard error of the intercept",
    "penalised_loglik": "Penalised log-likelihood",
    "loglik": "Log-likelihood",
    "loglik_null": "Log-likelihood of the model without predictors",
    "lr_statistic": "Likelihood-ratio chi-square of the model",
    "lr_df": "Degrees of freedom",
    "lr_p": "p of the model",
    "aic": "AIC",
    "bic": "BIC",
    "mcfadden_r2": "McFadden's R²",
    "nagelkerke_r2": "Nagelkerke's R²",
    "c_statistic": "C-statistic (apparent)",
    "brier": "Brier score (apparent)",
    "calibration_intercept": "Calibration intercept (apparent)",
    "calibration_slope": "Calibration slope (apparent)",
    "hosmer_lemeshow_statistic": "Hosmer–Lemeshow chi-square",
    "hosmer_lemeshow_df": "Hosmer–Lemeshow degrees of freedom",
    "hosmer_lemeshow_p": "Hosmer–Lemeshow p",
    "condition_number": "Condition number of the design",
    "condition_index": "Largest condition index",
}
#: Facts that other models do not have: missing there means "not this model", not "unknown".
_ONLY_SOME_MODELS = frozenset({"penalised_loglik"})
_DECIMALS: Mapping[str, int] = {
    "n": 0, "events": 0, "parameters": 0, "lr_df": 0, "hosmer_lemeshow_df": 0,
    "events_per_parameter": 1, "loglik": 1, "loglik_null": 1, "penalised_loglik": 1,
    "lr_statistic": 1, "aic": 1, "bic": 1,
    "mcfadden_r2": 3, "nagelkerke_r2": 3, "c_statistic": 3, "brier": 3, "calibration_intercept": 2,
    "calibration_slope": 2, "hosmer_lemeshow_statistic": 1,
}  # fmt: skip


def details_tables(
    result: OutcomeResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Table, ...]:
    """Rows used, adjusted model, crude models, collinearity, influence, calibration.

    A table without rows is left out.
    """
    names = names_of(result.choices, labels, units)
    diagnostics = result.diagnostics
    adjusted = next(iter(rows_of(result.adjusted.table("fit"))), {})
    facts = {**adjusted, **diagnostics.facts}
    facts.pop("term", None)
    tables = (
        exclusions_table(result, "Rows used in the adjusted model"),
        facts_table("Adjusted model", "The adjusted model.", facts, style),
        _crude_fits_table(result, names, style),
        collinearity_table(diagnostics.table("collinearity"), names, style),
        influence_table(diagnostics.table("influence"), names, style),
        risk_groups_table(diagnostics.table("calibration"), style),
    )
    return tuple(table for table in tables if table.rows)


def exclusions_table(result: Result, used: str = "Rows used") -> Table:
    """How the rows of the file come down to the rows `used`; the lines add up."""
    lines = [("Rows in the file", result.n_rows)]
    lines += [(_capital(reason), -n) for reason, n in result.exclusions.items()]
    lines.append((used, result.n_used))
    rows = tuple(
        Row("single", (Cell(_capital(text)), Cell(numbers.number(n, 0), (float(n),))))
        for text, n in lines
    )
    return Table(
        name="Rows", title="Rows used and left out.", rows=rows,
        columns=(Column(""), Column("Rows", "number", ("Rows",), ("0",))),
    )  # fmt: skip


def facts_table(name: str, title: str, facts: Mapping[str, Any], style: NumberStyle) -> Table:
    """Scalar facts as lines: known keys in print order, then the others by their own name."""
    rows = []
    keys = [k for k in _FACT_TITLES if k in facts] + [k for k in facts if k not in _FACT_TITLES]
    for key in keys:
        value = facts[key]
        if key.endswith(("_low", "_high")) and key.rsplit("_", 1)[0] in facts:
            continue
        if value is None or isinstance(value, (Mapping, tuple)):
            continue
        if key in _ONLY_SOME_MODELS and isinstance(value, float) and math.isnan(value):
            continue
        heading = _FACT_TITLES.get(key) or _capital(key.replace("_", " "))
        rows.append(Row("single", (Cell(heading), _fact_cell(key, facts, style))))
    return Table(
        name=name, title=title, rows=tuple(rows),
        columns=(Column("Measure"), Column("Value", "number", ("Value",), ("0.000",))),
    )  # fmt: skip


def _fact_cell(key: str, facts: Mapping[str, Any], style: NumberStyle) -> Cell:
    value = facts[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return Cell(_fact_words(key, value, facts))
    raw = (float(value) if math.isfinite(value) else None,)
    if key.endswith("_p") or key == "p_value":
        return Cell(numbers.p_value(value, style), raw)
    low, high = facts.get(f"{key}_low"), facts.get(f"{key}_high")
    shown = [_fact_text(key, v, style) for v in (value, low, high) if isinstance(v, (int, float))]
    if len(shown) == 3 and numbers.known(value):
        return Cell(f"{shown[0]} ({numbers.between(shown[1], shown[2], style)})", raw)
    return Cell(shown[0], raw)


def _fact_words(key: str, value: object, facts: Mapping[str, Any]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key == "method":
        return estimator_words(value)
    if key == "interval":
        return interval_words(value, firth=is_firth(facts.get("method")))
    return str(value)


def _fact_text(key: str, value: float, style: NumberStyle) -> str:
    if key in _DECIMALS:
        return numbers.fixed(value, _DECIMALS[key], style)
    return numbers.count(value) if isinstance(value, int) else numbers.estimate(value, style)


def _crude_fits_table(result: OutcomeResult, names: Names, style: NumberStyle) -> Table:
    fits = [row for row in rows_of(result.crude.table("fit")) if row["term"] is not None]
    shown = [
        (key, title, form)
        for key, title, form in (
            ("n", "Rows", "0"), ("events", "Events", "0"), ("aic", "AIC", "0.0"),
            ("nagelkerke_r2", "Nagelkerke's R²", "0.000"),
            ("c_statistic", "C-statistic", "0.000"),
        )
        if any(key in row for row in fits)
    ]  # fmt: skip
    columns = (
        Column("Predictor"),
        *(Column(title, "number", (title,), (form,)) for _, title, form in shown),
        Column("Estimation"),
        Column("Intervals"),
    )
    rows = []
    for fit in fits:
        firth = is_firth(fit["method"])
        cells = [_number_cell(fit.get(key, math.nan), form, style) for key, _, form in shown]
        rows.append(
            Row("single", (
                Cell(names.of(fit["term"])), *cells,
                Cell(estimator_words(fit["method"])),
                Cell(interval_words(fit["interval"], firth=firth)),
            ))
        )  # fmt: skip
    return Table(
        name="Crude models", title="The crude models, one per predictor.",
        columns=columns, rows=tuple(rows),
    )  # fmt: skip


def _number_cell(value: Any, form: str, style: NumberStyle) -> Cell:
    if value is None or not math.isfinite(value):
        return Cell(numbers.NOT_ESTIMABLE, (None,))
    decimals = len(form.partition(".")[2])
    return Cell(numbers.fixed(float(value), decimals, style), (float(value),))


def collinearity_table(table: FrozenTable, names: Names, style: NumberStyle) -> Table:
    """Variance inflation per design column and, for factors, of the whole term."""
    rows = rows_of(table)
    generalised = any(row["df"] > 1 for row in rows)
    titles = ["VIF"]
    if generalised:
        titles += ["GVIF", "df", "GVIF^(1/(2 df))"]
    keys = ("vif", "gvif", "df", "gvif_scaled")
    lines = []
    seen: set[str] = set()
    for row in rows:
        name = names.of(row["term"]) + (f": {row['level']}" if row["level"] is not None else "")
        if name in seen:  # a further column of the same predictor lets its effect bend
            name += ", bend of the curve"
        else:
            seen.add(name)
        cells = [
            _number_cell(row[key], "0" if key == "df" else "0.00", style)
            for key in keys[: len(titles)]
        ]
        lines.append(Row("single", (Cell(name), *cells)))
    notes = ["VIF, variance inflation factor."]
    if generalised:
        notes += [
            "GVIF, its generalisation to all columns of a predictor (Fox and Monette, 1992).",
            "GVIF^(1/(2 df)) compares with the square root of a VIF.",
        ]
    return Table(
        name="Collinearity", title="Collinearity of the predictors.", rows=tuple(lines),
        columns=(
            Column("Predictor"),
            *(
                Column(title, "number", (title,), ("0" if title == "df" else "0.00",))
                for title in titles
            ),
        ),
        notes=tuple(notes),
    )  # fmt: skip


def influence_table(table: FrozenTable, names: Names, style: NumberStyle) -> Table:
    """The rows of the file that move a model most; leverage where the model has one."""
    rows = []
    found = rows_of(table)
    measures = [("cooks_distance", "Cook's distance"), ("leverage", "Leverage")]
    measures = [m for m in measures if any(math.isfinite(row[m[0]]) for row in found)]
    for row in found:
        moved = names.of(row["term"] or "") + (f": {row['level']}" if row["level"] else "")
        cells = [_number_cell(row[key], "0.000", style) for key, _ in measures]
        rows.append(
            Row("single", (
                Cell(str(int(row["row"])), (float(row["row"]),)), *cells, Cell(moved),
                _number_cell(row["dfbeta"], "0.000", style),
            ))
        )  # fmt: skip
    return Table(
        name="Influence", title="Rows that move the adjusted model most.", rows=tuple(rows),
        columns=(
            Column("Row of the file", "number", ("Row",), ("0",)),
            *(Column(title, "number", (title,), ("0.000",)) for _, title in measures),
            Column("Coefficient moved most"),
            Column("Change (dfbeta)", "number", ("dfbeta",), ("0.000",)),
        ),
        notes=(
            "Rows are numbered from 1, the header not counted.",
            "Look at them for errors of entry; influence alone is no reason to leave a row out.",
        ),
    )  # fmt: skip


def risk_groups_table(table: FrozenTable, style: NumberStyle) -> Table:
    """Predicted and observed risk in groups of rising predicted risk."""
    rows = tuple(
        Row("single", (
            Cell(str(int(row["group"])), (float(row["group"]),)),
            Cell(str(int(row["n"])), (float(row["n"]),)),
            _number_cell(row["predicted"], "0.000", style),
            _number_cell(row["observed"], "0.000", style),
        ))
        for row in rows_of(table)
    )  # fmt: skip
    titles: Iterable[tuple[str, str]] = (
        ("Group", "0"), ("Rows", "0"), ("Predicted risk", "0.000"), ("Observed share", "0.000"),
    )  # fmt: skip
    return Table(
        name="Calibration", title="Predicted and observed risk (apparent).", rows=rows,
        columns=tuple(Column(title, "number", (title,), (form,)) for title, form in titles),
        notes=("Groups of rising predicted risk, judged on the rows that made the model.",),
    )  # fmt: skip


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
