"""Linear, count and Cox models in print: tables, forest plot, methods paragraph, script."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from presentation.code import code_of
from presentation.exports import render
from presentation.families import figure_of, methods_text, more_tables_of, table_of
from presentation.forest import ForestPlot
from presentation.numbers import PLAIN, STYLES
from presentation.table import Table
from stats.counts import fit_counts
from stats.cox import fit_cox
from stats.errors import BadInput, NotEstimable
from stats.linear import fit_linear
from stats.result import ModelResult
from tests.reference.frames import frame_of
from tests.reference.hopeless_models import hopeless_frames

MACHINE_WORDS = re.compile(r"\b(nan|inf|None(?! of)|dtype)\b")
PREDICTORS = [
    {"name": "age", "type": "numeric"},
    {"name": "stage", "type": "categorical", "levels": ["I", "II", "III"]},
]


def trial(**more: Any) -> Any:
    numeric = [{"name": n, "type": "numeric"} for n in ("sbp", "infections", "follow-up years")]
    return frame_of("synth_trial", [*numeric, *PREDICTORS])


def melanoma() -> Any:
    factor = {"name": "ulcer", "type": "categorical", "levels": ["0", "1"]}
    numeric = [{"name": n, "type": "numeric"} for n in ("time", "age", "thickness")]
    return frame_of("melanoma", [*numeric, factor], "status")


def cox(**choices: Any) -> ModelResult:
    asked = {"predictors": ["age", "thickness", "ulcer"], **choices}
    return fit_cox(melanoma(), time="time", event="status", event_level="1", **asked)


RESULTS = {
    "cox": cox,
    "cox exposure": lambda: cox(exposure="ulcer"),
    "cox firth": lambda: cox(method="firth"),
    "cox strata": lambda: cox(strata="ulcer", predictors=["age"]),
    "linear": lambda: fit_linear(trial(), outcome="sbp", predictors=["age", "stage"]),
    "linear HC3": lambda: fit_linear(
        trial(), outcome="sbp", predictors=["age", "stage"], robust="HC3"
    ),
    "poisson": lambda: fit_counts(
        trial(), outcome="infections", predictors=["age", "stage"], person_time="follow-up years"
    ),
    "negative binomial": lambda: fit_counts(
        trial(), outcome="infections", predictors=["age"], family="negative_binomial"
    ),
}


def texts(table: Table) -> list[str]:
    cells = [cell.text for row in table.rows for cell in row.cells]
    words = [table.title, table.subtitle, *table.notes, *(f.text for f in table.footnotes)]
    return [*cells, *words, *(c.title for c in table.columns)]


def all_texts(result: ModelResult, style: Any) -> list[str]:
    tables = [table_of(result, style=style), *more_tables_of(result, style=style)]
    found = [text for table in tables for text in texts(table)]
    figure = figure_of(result, style=style)
    assert isinstance(figure, ForestPlot)
    found += [figure.title, figure.alt, *(t for row in figure.rows for t in row.texts)]
    return [*found, methods_text(result, versions={"Clinstat": "1", "numpy": "2"})]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", RESULTS)
def test_every_style_prints_words(name: str, style: str) -> None:
    for text in all_texts(RESULTS[name](), STYLES[style]):
        assert not MACHINE_WORDS.search(text), text


def test_the_journal_table_of_a_cox_model() -> None:
    table = table_of(cox(), labels={"age": "Age"}, units={"age": "years"})
    assert [s.title for s in table.spanners] == ["Crude", "Adjusted"]
    titles = [c.title for c in table.columns]
    assert titles == ["Characteristic", "Events/n (%)", "HR (95% CI)", "p", "HR (95% CI)", "p"]
    assert table.rows[0].cells[0].text == "Age, years"
    assert table.rows[0].cells[1].text == "57/205 (27.8%)"
    assert table.rows[-1].cells[2].text == "4.36 (2.49 to 8.00)"  # crude ulcer, R: 4.357
    assert any("Cox regression" in f.text for f in table.footnotes)


def test_the_columns_follow_what_is_counted() -> None:
    linear, counts = table_of(RESULTS["linear"]()), table_of(RESULTS["poisson"]())
    assert [c.title for c in linear.columns][1:3] == ["n", "Difference (95% CI)"]
    assert [c.title for c in counts.columns][1:3] == ["Events/n", "RR (95% CI)"]


def test_the_methods_paragraph_cites_what_was_done() -> None:
    text = methods_text(cox(), versions={"Clinstat": "1"})
    for words in ("Cox regression", "Efron's method", "Grambsch and Therneau's score test"):
        assert words in text
    assert "Cox DR." in text
    assert "Harrell FE" in text
    robust = methods_text(RESULTS["linear HC3"](), versions={"Clinstat": "1"})
    assert "HC3 robust standard errors" in robust
    assert "Long JS" in robust


@pytest.mark.parametrize("name", RESULTS)
def test_the_script_names_every_choice(name: str) -> None:
    result = RESULTS[name]()
    script = code_of(result, data_file="data.csv")
    call = next(
        node
        for node in ast.walk(ast.parse(script))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"logic.{result.analysis}"
    )
    assert {k.arg for k in call.keywords} == set(result.choices)


def test_a_workbook_is_made() -> None:
    result = cox()
    tables = (table_of(result), *more_tables_of(result))
    assert render("xlsx", tables, (), "Methods.", "Hazard ratios")[:2] == b"PK"


@pytest.mark.parametrize("frame", hopeless_frames())
def test_hopeless_results_print(frame: str) -> None:
    data = hopeless_frames()[frame]
    for run in (
        lambda: fit_cox(data, time="time", event="event", event_level=1, predictors=["x", "g"]),
        lambda: fit_linear(data, outcome="y", predictors=["x", "g"]),
        lambda: fit_counts(data, outcome="count", predictors=["x", "g"]),
    ):
        try:
            result = run()
        except (BadInput, NotEstimable):
            continue
        for text in all_texts(result, PLAIN):
            assert not MACHINE_WORDS.search(text), text
