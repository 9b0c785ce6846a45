"""Results of the real analysis, hopeless data included: complete sentences, no machine words."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from presentation.descriptives import descriptives_table
from presentation.details import details_tables
from presentation.exports import render
from presentation.forest import forest_of
from presentation.journal import table_of
from presentation.methods import methods_text
from presentation.text import sentence
from presentation.to_html import html_table
from presentation.to_plotly import plotly_figure
from stats.outcome import analyze_outcome

ROWS = 60
MACHINE = re.compile(
    r"(?<![\w-])(nan|inf|null|traceback|<na>)(?![\w-])|0\.000(?!\d)|e[+-]\d\d",
    re.IGNORECASE,
)

CASES = {
    "ordinary": ["x", "f"],
    "constant": ["const", "x"],
    "only a constant": ["const"],
    "all missing": ["empty", "x"],
    "almost all missing": ["x", "almost"],
    "separated": ["apart", "f"],
    "one level": ["one", "x"],
    "an unused level": ["unused", "x"],
    "collinear": ["x", "twice"],
    "a rare level without events": ["rare", "x"],
}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    died = np.where(rng.random(ROWS) < 0.4, "yes", "no")
    x = rng.normal(size=ROWS)
    rare = np.array(["common"] * ROWS, dtype=object)
    rare[np.flatnonzero(died == "no")[:5]] = "rare"
    almost = np.full(ROWS, np.nan)
    almost[:3] = 1.5
    return pd.DataFrame(
        {
            "died": died, "x": x, "twice": 2 * x, "f": rng.choice(list("abc"), ROWS), "const": 1.0,
            "empty": np.nan, "almost": almost, "apart": np.where(died == "yes", 5, 0) + rng.random(ROWS),
            "one": "a", "rare": rare,
            "unused": pd.Categorical(rng.choice(list("abc"), ROWS), categories=list("abcd")),
        }
    )  # fmt: skip


@pytest.mark.parametrize("method", ["auto", "likelihood", "firth"])
@pytest.mark.parametrize("case", CASES)
def test_every_case_is_told_in_plain_words(frame, case, method):
    result = analyze_outcome(
        frame, outcome="died", event="yes", predictors=CASES[case], method=method
    )
    tables = (table_of(result), descriptives_table(result), *details_tables(result))
    methods = methods_text(result, versions={"Clinstat": "0.1.0"})
    shown = [cell.text for table in tables for row in table.rows for cell in row.cells]
    shown += [n.text for table in tables for n in table.footnotes]
    shown += [text for table in tables for text in (*table.notes, table.caption)]
    assert "None" not in shown
    for text in (*shown, methods):
        assert MACHINE.search(text) is None, text
    said = {n.text for n in tables[0].footnotes} | set(tables[0].notes)
    assert {sentence(note.text) for note in result.notes} <= said
    plot = forest_of(result)
    assert plotly_figure(plot)["layout"]["height"] > 0
    assert str(html_table(tables[0])).startswith("<table")
    for kind in ("docx", "xlsx", "csv", "svg"):
        assert render(kind, tables, (plot,), methods, "Died")


def test_an_estimate_never_stands_without_interval_or_reason(frame):
    for predictors in CASES.values():
        result = analyze_outcome(frame, outcome="died", event="yes", predictors=predictors)
        table = table_of(result)
        places = [i for i, c in enumerate(table.columns) if c.title.startswith("OR")]
        for row in table.rows:
            for i in places:
                cell = row.cells[i]
                if cell.text and "(" not in cell.text:
                    assert cell.mark


def test_the_level_of_the_intervals_is_the_one_asked_for(frame):
    result = analyze_outcome(
        frame, outcome="died", event="yes", predictors=["x"], ci_level=0.9, interval="wald"
    )
    table = table_of(result)
    assert [c.title for c in table.columns if "CI" in c.title] == ["OR (90% CI)"] * 2
    assert "90% confidence intervals: Wald." in table.footnotes[1].text
    assert "OR (90% CI)" in forest_of(result).column_titles[1]
    assert "90% confidence intervals are Wald intervals" in methods_text(result, versions={})


def test_exposure_and_adjustment_set_reach_table_and_methods(frame):
    result = analyze_outcome(
        frame, outcome="died", event="yes", predictors=["x", "f", "rare"], exposure="f",
        adjust=["x"],
    )  # fmt: skip
    table = table_of(result, labels={"x": "Age"})
    assert table.rows[0].cells[0].text == "f"
    assert "Adjusted for: Age." in [n.text for n in table.footnotes]
    text = methods_text(result, versions={}, labels={"x": "Age"})
    assert "The association of f with the outcome" in text
    assert "crude and adjusted for Age." in text
