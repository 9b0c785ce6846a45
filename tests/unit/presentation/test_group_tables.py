"""Cohort tables and comparisons on paper: what is printed, in every style and medium."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from presentation.comparison_words import why_this_test
from presentation.families import figures_of, methods_text, more_tables_of, table_of
from presentation.flow import FlowChart
from presentation.layers import Bars, Box, Points, Segments
from presentation.numbers import STYLES
from presentation.plot import Plot
from stats.cohort import describe_cohort
from stats.compare import compare_groups

VERSIONS = {"Clinstat": "0.1.0", "numpy": "2.4"}
BAD = re.compile(r"\bnan\b|\binf\b|None|Traceback|\bNaN\b")
N = 60
RNG = np.random.default_rng(5)
DATA = pd.DataFrame(
    {
        "age": np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(60, 9, N).round()),
        "crp": RNG.lognormal(1, 1, N).round(1),
        "crp later": RNG.lognormal(1, 1, N).round(1),
        "stage": pd.Categorical(RNG.choice(["I", "II", "III"], N), ["I", "II", "III"]),
        "pain": pd.Categorical(
            RNG.choice(["none", "some", "much"], N), ["none", "some", "much"], ordered=True
        ),
        "dead": pd.Categorical(RNG.choice(["no", "yes"], N)),
        "dead later": pd.Categorical(RNG.choice(["no", "yes"], N)),
        "arm": pd.Categorical(RNG.choice(["drug", "placebo"], N), ["drug", "placebo"]),
        "<b>\u202ex": pd.Categorical(RNG.choice(["&", "|"], N)),
    }
)
COHORTS = [
    {"group": "arm", "tests": True},
    {"group": "stage", "tests": True, "statistics": {"crp": "median"}},
    {"group": None},
    {"group": "arm", "smd": "none"},
]
COMPARISONS = [
    {"value": "age", "group": "arm"},
    {"value": "crp", "group": "stage"},
    {"value": "crp", "group": "stage", "test": "kruskal-wallis"},
    {"value": "pain", "group": "arm"},
    {"value": "pain", "group": "stage"},
    {"value": "dead", "group": "arm"},
    {"value": "dead", "group": "stage"},
    {"value": "<b>\u202ex", "group": "arm"},
    {"value": ["crp", "crp later"]},
    {"value": ["crp", "crp later", "age"]},
    {"value": ["dead", "dead later"]},
    {"value": ["dead", "dead later"], "test": "cochran-q"},
    {"value": ["dead", "dead later"], "test": "bowker"},
]
HOPELESS = [
    {"value": "age", "group": "arm", "data": DATA.assign(age=3.0)},
    {"value": "age", "group": "arm", "data": DATA.assign(arm="drug")},
    {"value": "age", "group": "arm", "data": DATA.iloc[:2]},
    {"value": ["crp", "crp later"], "data": DATA.assign(**{"crp later": DATA["crp"]})},
]


def results():
    found = [describe_cohort(DATA, **choices) for choices in COHORTS]
    found += [compare_groups(DATA, **choices) for choices in COMPARISONS]
    for case in HOPELESS:
        own = {k: v for k, v in case.items() if k != "data"}
        found.append(compare_groups(case["data"], **own))
    empty = DATA.assign(age=np.nan, crp=1.0)
    return [*found, describe_cohort(empty, group="arm", tests=True)]


RESULTS = results()
IDS = [f"{i}-{r.analysis}" for i, r in enumerate(RESULTS)]


def texts_of(table):
    yield from (table.name, table.title, table.subtitle, *table.notes)
    yield from (f.text for f in table.footnotes)
    yield from (c.title for c in table.columns)
    for row in table.rows:
        yield from (cell.text for cell in row.cells)


@pytest.mark.parametrize("style", STYLES.values(), ids=list(STYLES))
@pytest.mark.parametrize("result", RESULTS, ids=IDS)
def test_every_result_is_printed_without_a_raw_value(result, style):
    tables = [table_of(result, style=style), *more_tables_of(result, style=style)]
    for table in tables:
        assert table.rows, table.name
        for text in texts_of(table):
            assert not BAD.search(text), (table.name, text)
        marks = {f.mark for f in table.footnotes}
        used = [c.mark for row in table.rows for c in row.cells] + [c.mark for c in table.columns]
        assert {m for mark in used if mark for m in mark.split(",")} <= marks


@pytest.mark.parametrize("result", RESULTS, ids=IDS)
def test_every_result_has_methods_and_figures(result):
    text = methods_text(result, versions=VERSIONS, labels={"age": "Age"})
    assert "Clinstat 0.1.0" in text
    assert not BAD.search(text), text
    for figure in figures_of(result):
        assert isinstance(figure, (Plot, FlowChart))
        assert not BAD.search(figure.alt), figure.alt


def test_the_statistic_of_the_user_stands_in_the_row_and_its_test_in_a_footnote():
    result = describe_cohort(
        DATA, group="arm", variables=["age", "crp", "stage"], statistics={"crp": "median"},
        tests=True,
    )  # fmt: skip
    table = table_of(result, labels={"age": "Age"}, units={"age": "years"})
    titles = table.column_texts(0)
    assert "Age, years, mean (SD)" in titles
    assert "crp, median [Q1, Q3]" in titles
    assert "stage, n (%)" in titles
    assert "Missing" in titles
    foot = {f.mark: f.text for f in table.footnotes}
    p_of = {row.cells[0].text: foot[row.cells[-1].mark] for row in table.rows if row.cells[-1].mark}
    assert p_of["Age, years, mean (SD)"] == "Welch's t test."
    assert p_of["crp, median [Q1, Q3]"] == "Mann–Whitney test."
    assert [s.title for s in table.spanners] == ["arm"]
    assert [c.title.split(" (")[0] for c in table.columns] == [
        "Characteristic", "Overall", "drug", "placebo", "SMD", "p",
    ]  # fmt: skip


def test_cells_carry_the_numbers_behind_the_text():
    result = describe_cohort(DATA, group="arm", variables=["age"])
    row = table_of(result).rows[0]
    drug = DATA.loc[DATA["arm"] == "drug", "age"].dropna()
    assert row.cells[2].numbers[0] == pytest.approx(drug.mean(), rel=1e-12)
    assert row.cells[2].numbers[1] == pytest.approx(drug.std(), rel=1e-12)


def test_a_table_without_tests_has_no_p_and_says_so():
    result = describe_cohort(DATA, group="arm")
    assert "p" not in [c.title for c in table_of(result).columns]
    assert "No tests of baseline characteristics were made." in methods_text(
        result, versions=VERSIONS
    )


def test_why_this_test_is_a_sentence_for_every_design():
    for result in RESULTS:
        if result.analysis == "compare_groups" and len(result.groups) > 1:
            sentence = why_this_test(result.method)
            assert re.match(r"^[A-Z].*\.$", sentence)
            if not result.method["named"]:
                assert "because" in sentence


def test_numbers_are_drawn_as_boxes_and_points_levels_as_bars_pairs_with_lines():
    kinds = {}
    for value in ("crp", "dead"):
        figure = figures_of(compare_groups(DATA, value=value, group="arm"))[0]
        kinds[value] = [type(layer) for layer in figure.panels[0].layers]
    assert kinds["crp"] == [Box, Points, Box, Points]
    assert kinds["dead"] == [Bars, Bars]
    figure = figures_of(compare_groups(DATA, value=["crp", "crp later"]))[0]
    lines = [la for la in figure.panels[0].layers if isinstance(la, Segments)]
    assert len(lines) == 1
    assert len(lines[0].x) == N


def test_the_balance_figure_lists_the_largest_difference_first():
    result = describe_cohort(DATA, group="stage")
    figure = figures_of(result)[0]
    points = next(la for la in figure.panels[0].layers if isinstance(la, Points))
    assert list(points.x) == sorted(points.x, reverse=True)
    assert points.x[0] == result.facts["largest_smd"]


def test_a_simulated_p_prints_its_error():
    rng = np.random.default_rng(2)
    data = pd.DataFrame(
        {
            "x": pd.Categorical(rng.choice(list("abcdefgh"), 400, p=[0.3, 0.3, 0.3] + [0.02] * 5)),
            "g": pd.Categorical(rng.choice(list("pqrst"), 400)),
        }
    )
    result = compare_groups(data, value="x", group="g", posthoc="none")
    assert result.tests["mc_error"].iloc[0] > 0
    assert "simulated" in {note.code for note in result.notes}
    notes = " ".join(f.text for f in table_of(result).footnotes)
    assert "p simulated with a standard error of" in notes
    again = compare_groups(data, value="x", group="g", posthoc="none")
    assert again.tests["p_value"].iloc[0] == result.tests["p_value"].iloc[0]
