"""What is asked for beside the odds ratios is printed: tables, figures, methods, code."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from logic import VERSIONS, analyze_outcome
from presentation.code import code_of
from presentation.families import figures_of, methods_text, more_tables_of, table_of
from presentation.forest import ForestPlot
from presentation.layers import Line
from presentation.plot import Plot
from stats.result import OutcomeResult


def clinical(n: int = 500) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    age, sex = rng.normal(60, 12, n), rng.choice(["f", "m"], n)
    treated, stage = rng.choice(["no", "yes"], n), rng.choice(["I", "II", "III"], n)
    eta = 0.003 * (age - 58) ** 2 - 0.9 + 0.5 * (treated == "yes") * (sex == "m")
    died = np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "yes", "no")
    frame = {"died": died, "treated": treated, "age": age, "sex": sex, "stage": stage}
    return pd.DataFrame({**frame, "ward": rng.integers(0, 40, n)})


ASKED = {
    "outcome": "died", "event": "yes", "predictors": ["treated", "age", "sex", "stage"],
    "exposure": "treated", "splines": {"age": 4}, "risk_measures": True,
    "subgroups": ["sex", "stage"],
}  # fmt: skip


@pytest.fixture(scope="module")
def result() -> OutcomeResult:
    return analyze_outcome(clinical(), **ASKED)


@pytest.fixture(scope="module")
def selected() -> OutcomeResult:
    asked = {"outcome": "died", "event": "yes", "predictors": ["age", "sex", "stage", "treated"]}
    return analyze_outcome(clinical(), **asked, adjust="backward:aic", cluster="ward")


def test_tables_say_what_was_computed(result: OutcomeResult) -> None:
    tables = {t.name: t for t in more_tables_of(result, labels={"age": "Age"})}
    assert {"Risks", "Subgroups", "Curves"} <= set(tables)
    risks = tables["Risks"]
    inflation = tables["Collinearity"].column_texts(0)
    assert [t for t in inflation if t.startswith("Age")] == ["Age", *["Age, bend of the curve"] * 2]
    assert risks.column_texts(0)[0] == "treated: yes against no"
    assert "Age" not in "".join(risks.column_texts(0))  # a curve has no single risk ratio
    first = result.extras.risks.iloc[0]
    assert risks.rows[0].cells[1].numbers == (first.estimate, first.ci_low, first.ci_high)
    kinds = [row.kind for row in tables["Subgroups"].rows]
    assert kinds == ["heading", "level", "level", "heading", "level", "level", "level"]
    assert tables["Curves"].column_texts(0) == ("Age",)
    for table in tables.values():
        for row in table.rows:
            assert not {"nan", "inf", "None"} & {c.text for c in row.cells}


def test_figures_show_the_curve_and_the_subgroups(result: OutcomeResult) -> None:
    forest, curve, subgroups = figures_of(result)
    assert isinstance(forest, ForestPlot)
    assert isinstance(curve, Plot)
    line = next(la for la in curve.panels[0].layers if isinstance(la, Line))
    assert all(lo <= y <= hi for lo, y, hi in zip(line.low, line.y, line.high, strict=True))
    assert "Not linear" in curve.alt
    assert isinstance(subgroups, ForestPlot)
    assert sum(len(row.marks) for row in subgroups.rows) == 5
    assert "treated: yes against no." in subgroups.notes


def test_methods_name_every_choice(result: OutcomeResult) -> None:
    text = methods_text(result, versions=VERSIONS)
    for words in (
        "restricted cubic spline", "Durrleman", "modified Poisson", "Zou", "standardised over",
        "levels of sex and stage", "of interaction",
    ):  # fmt: skip
        assert words in text


def test_a_selection_stands_in_title_methods_and_table(selected: OutcomeResult) -> None:
    title = table_of(selected).title
    assert "selected by the data: backward elimination on AIC" in title
    text = methods_text(selected, versions=VERSIONS)
    assert "selected by the data (backward:aic): backward elimination on AIC." in text
    assert "same ward" in text
    assert "robust Wald" in text
    table = next(t for t in more_tables_of(selected) if t.name == "Selection")
    assert table.column_texts(2)[0] == "all candidates"


def test_the_script_holds_the_choices(result: OutcomeResult) -> None:
    script = code_of(result, data_file="data.csv")
    assert "'age': 4" in script
    compile(script, "script", "exec")


def test_a_plain_result_has_no_further_tables_or_figures() -> None:
    plain = analyze_outcome(clinical(), outcome="died", event="yes", predictors=["age"])
    assert plain.extras is None
    assert len(figures_of(plain)) == 1
    assert not {"Risks", "Subgroups", "Curves", "Selection"} & {
        t.name for t in more_tables_of(plain)
    }
