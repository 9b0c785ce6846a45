"""Tests, 2 x 2 tables, ROC curves, strata and correlations in print, from real results."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from presentation.code import code_of
from presentation.families import figure_of, figures_of, methods_text, more_tables_of, table_of
from presentation.forest import ForestPlot
from presentation.layers import Line, Points
from presentation.numbers import STYLES
from presentation.plot import Plot
from presentation.table import Table
from presentation.to_csv import csv_bytes
from presentation.to_html import html_page
from presentation.to_plotly import plotly_figure
from stats.correlation import correlate
from stats.diagnostic_test import evaluate_test
from stats.errors import BadInput, NotEstimable
from stats.result import Result
from stats.roc import evaluate_roc
from stats.stratified import stratify
from stats.two_by_two import two_by_two
from tests.unit.stats.test_hopeless_association import BASE, CALLS, FRAMES

VERSIONS = {"Clinstat": "0.1.0", "numpy": "2.4.6"}
BAD = re.compile(r"\bnan\b|\binf\b|\bNone\b|<b>", re.IGNORECASE)
HOSTILE = 'he said "<b>x</b>"\x07'


def rich(n: int = 90) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    y = rng.random(n) < 0.4
    return pd.DataFrame(
        {
            HOSTILE: np.where(y, "ill", "well"),
            "test": np.where(rng.random(n) < 0.3 + 0.4 * y, "pos", "neg"),
            "a": rng.normal(size=n) + y, "b": rng.normal(size=n) + 0.3 * y,
            "c": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "stage": rng.choice(["I", "II", "III"], n),
        }
    )  # fmt: skip


def results() -> dict[str, Result]:
    data = rich()
    level = {"event": "ill"}
    return {
        "evaluate_test": evaluate_test(
            data, test="test", truth=HOSTILE, positive="pos", prevalence=0.05, **level
        ),
        "two_by_two": two_by_two(data, exposure="test", outcome=HOSTILE, exposed="pos", **level),
        "evaluate_roc": evaluate_roc(
            data, truth=HOSTILE, markers=["a", "b", "c"], at_sensitivity=[0.8, 0.9],
            at_value={"a": 0.5}, **level,
        ),
        "one curve": evaluate_roc(data, truth=HOSTILE, markers=["a"], direction="lower", **level),
        "stratify": stratify(
            data, exposure="test", outcome=HOSTILE, stratum="stage", exposed="pos", **level
        ),
        "pearson": correlate(data, variables=["a", "b", "c"]),
        "spearman": correlate(data, variables=["a", "b"], given=["c"], method="spearman"),
        "kendall": correlate(data, variables=["a", "b", "c"], method="kendall", adjust="bh"),
    }  # fmt: skip


RESULTS = results()
LABELS, UNITS = {"a": "Marker A", HOSTILE: "State"}, {"a": "mg/L"}


def texts_of(table: Table) -> list[str]:
    cells = [c.text for row in table.rows for c in row.cells]
    notes = [f.text for f in table.footnotes]
    return [table.title, table.subtitle, *cells, *notes, *table.notes]


def printed(result: Result, style: str = "plain") -> tuple[Table, ...]:
    words = {"labels": LABELS, "units": UNITS, "style": STYLES[style]}
    return table_of(result, **words), *more_tables_of(result, **words)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", RESULTS)
def test_every_table_prints_in_every_style(name: str, style: str) -> None:
    for table in printed(RESULTS[name], style):
        assert table.rows
        for text in texts_of(table):
            assert not BAD.search(text), text
    assert csv_bytes(printed(RESULTS[name], style))


@pytest.mark.parametrize("name", RESULTS)
def test_methods_figures_and_code_are_there(name: str) -> None:
    result = RESULTS[name]
    text = methods_text(result, versions=VERSIONS, labels=LABELS, units=UNITS)
    assert "References" in text
    assert "of 90 rows" in text
    assert not BAD.search(text)
    for figure in figures_of(result, labels=LABELS, units=UNITS):
        assert figure.alt
        assert "NaN" not in json.dumps(plotly_figure(figure))
    page = html_page(printed(result), (), text, "Title")
    assert "<b>" not in page
    script = code_of(result, data_file="data.csv")
    compile(script, "script", "exec")
    assert f"logic.{result.analysis}(" in script


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", FRAMES)
def test_what_hopeless_data_leave_prints_too(name: str, call: str) -> None:
    try:
        result = CALLS[call](FRAMES[name])
    except (BadInput, NotEstimable):
        return
    for table in printed(result):
        for text in texts_of(table):
            assert not re.search(r"\bnan\b|\binf\b", text, re.IGNORECASE), text
    assert methods_text(result, versions=VERSIONS)
    for figure in figures_of(result):
        assert figure.alt


def test_the_accuracy_table_holds_counts_and_numbers() -> None:
    table = table_of(RESULTS["evaluate_test"])
    first = table.rows[0].cells
    assert first[0].text == "Sensitivity, %"
    assert len(first[1].numbers) == len(first[2].numbers) == 3
    assert table.rows[-1].cells[0].text.endswith("at a prevalence of 5.0%")


def test_a_number_needed_through_infinity_says_so() -> None:
    data = pd.DataFrame(
        {"x": ["1"] * 40 + ["0"] * 40, "y": ["1"] * 20 + ["0"] * 20 + ["1"] * 18 + ["0"] * 22}
    )
    table = table_of(two_by_two(data, exposure="x", outcome="y"))
    last = table.rows[-1].cells
    assert last[0].text == "Number exposed for one event more"
    assert last[2].text.count("∞") == 2
    assert "one event fewer" in last[2].text


def test_a_zero_cell_shows_the_exact_odds_ratio() -> None:
    data = pd.DataFrame({"x": ["1"] * 14 + ["0"] * 30, "y": ["0"] * 14 + ["1"] * 9 + ["0"] * 21})
    table = table_of(two_by_two(data, exposure="x", outcome="y"))
    row = next(r for r in table.rows if r.cells[0].text == "Odds ratio")
    assert row.cells[2].text == "0.00 (0 to 0.93)"  # fisher.test: 0 to 0.926
    notes = {f.mark: f.text for f in table.footnotes}
    assert "exact" in notes[row.cells[2].mark]


def test_the_roc_figure_holds_the_curves_and_chance() -> None:
    plot = figure_of(RESULTS["evaluate_roc"], labels=LABELS)
    assert isinstance(plot, Plot)
    assert len([la for la in plot.panels[0].layers if isinstance(la, Line)]) == 4
    assert plot.series[-1].name == "Chance"
    assert plot.series[0].name.startswith("Marker A, area 0.")
    points = next(la for la in plot.panels[0].layers if isinstance(la, Points))
    curve = RESULTS["evaluate_roc"].chosen
    own = curve[curve["group"] == "a"]
    assert points.y == pytest.approx((100 * own["sensitivity"]).tolist())


def test_the_forest_of_strata_ends_with_the_pooled_estimate() -> None:
    plot = figure_of(RESULTS["stratify"], labels=LABELS)
    assert isinstance(plot, ForestPlot)
    assert [row.label for row in plot.rows] == [
        "stage", "I", "II", "III", "Crude", "Pooled (Mantel–Haenszel)",
    ]  # fmt: skip
    measures = RESULTS["stratify"].measures
    pooled = measures[measures["method"] == "mantel-haenszel"]["estimate"].iloc[0]
    assert plot.rows[-1].marks[0].estimate == pooled


def test_the_matrix_holds_each_pair_once() -> None:
    plot = figure_of(RESULTS["pearson"], labels=LABELS)
    cells = plot.panels[0].layers[0]
    assert sorted(zip(cells.x, cells.y, strict=True)) == [(0, 0), (0, 1), (1, 1)]
    matrix = next(t for t in printed(RESULTS["pearson"]) if t.name == "Matrix")
    assert [row.cells[i].text for i, row in enumerate(matrix.rows, start=1)] == ["1", "1", "1"]


def test_several_tests_are_named_at_their_rows() -> None:
    data = BASE.assign(r=np.round(BASE["m"]))
    table = table_of(correlate(data, variables=["m", "k", "r"], method="spearman"))
    marks = {row.cells[3].mark for row in table.rows}
    assert len(marks) == 2
