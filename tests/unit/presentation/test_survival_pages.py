"""Survival and incidence in print: tables, figures, methods, script; hopeless data included."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from presentation.families import figure_of, methods_text, more_tables_of, table_of
from presentation.layers import CensorTicks, Line
from presentation.numbers import STYLES
from presentation.survival_figure import visible_steps
from presentation.to_html import html_table
from presentation.to_plotly import plotly_figure
from stats.incidence import estimate_incidence
from stats.survival import estimate_survival
from tests.unit.stats.test_hopeless_survival import ANSWERED, incidence, survival

FORBIDDEN = re.compile(r"\bnan\b|\binf\b|\bNaN\b|\bNone\b|Traceback|array\(|np\.")
WORDS = {"labels": {"arm": "Arm", "time": "Follow-up"}, "units": {"time": "months"}}


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(2)
    n = 120
    return pd.DataFrame({
        "time": np.ceil(rng.exponential(20, n)), "end": rng.choice(["died", "moved", "alive"], n),
        "arm": rng.choice(["new", "old", "none"], n), "site": rng.choice(["x", "y"], n),
    })  # fmt: skip


@pytest.fixture(scope="module")
def curves(cohort):
    return estimate_survival(
        cohort, time="time", event="end", event_level="died", group="arm", times=[6, 12],
        weights="fleming-harrington", rho=0.5, strata="site",
    )  # fmt: skip


@pytest.fixture(scope="module")
def risks(cohort):
    return estimate_incidence(
        cohort, time="time", event="end", censored="alive", group="arm", times=[12]
    )


def texts(result):
    """Everything printed of a result."""
    tables = (table_of(result, **WORDS), *more_tables_of(result, **WORDS))
    for table in tables:
        yield table.caption
        yield from table.full_titles()
        yield from table.notes
        yield from (note.text for note in table.footnotes)
        yield from (cell.text for row in table.rows for cell in row.cells)
    figure = figure_of(result, **WORDS)
    yield from (figure.title, figure.alt, *figure.notes)
    for panel in figure.panels:
        yield from (tick.text for tick in panel.x.ticks)
        yield from (t for row in panel.below.rows for t in row.texts)
        yield from (t for layer in panel.layers for t in getattr(layer, "hover", ()))
    yield methods_text(result, versions={"Clinstat": "1"}, **WORDS)


def cell(table, row, title):
    column = list(table.full_titles()).index(title)
    return next(r.cells[column].text for r in table.rows if r.cells[0].text == row)


def test_the_main_table_shows_what_was_estimated(curves):
    table = table_of(curves, **WORDS)
    assert table.caption.startswith("Survival by Arm. Event: end = died.")
    summary = curves.summary.set_index("group").loc["new"]
    own = curves.chosen.set_index(["group", "time"]).loc[("new", 12.0)]
    assert cell(table, "new", "Events/n (%)").startswith(
        f"{summary['events']:.0f}/{summary['n']:.0f} ("
    )
    found = cell(table, "new", "Survival, % (95% CI): 12 months")
    limits = f"{100 * own['ci_low']:.1f} to {100 * own['ci_high']:.1f}"
    assert found == f"{100 * own['survival']:.1f} ({limits})"
    assert cell(table, "Arm", "p") == f"{curves.tests['p_value'][0]:.3f}"
    said = " ".join(note.text for note in table.footnotes)
    assert "Fleming-Harrington test (rho = 0.5), stratified by site." in said
    assert f"up to {curves.facts['tau']:g} months" in said


def test_a_median_that_was_not_reached_is_said():
    data = pd.DataFrame({"t": [1, 2, 3, 4], "e": [1, 0, 0, 0]})
    table = table_of(estimate_survival(data, time="t", event="e", event_level=1))
    assert cell(table, "All patients", "Median (95% CI)") == "NR (1.00 to NR)"
    assert any("NR, not reached" in note for note in table.notes)


@pytest.mark.parametrize("style", STYLES.values(), ids=list(STYLES))
def test_every_style_prints_its_own_signs(curves, risks, style):
    for result in (curves, risks):
        tables = (table_of(result, style=style), *more_tables_of(result, style=style))
        printed = " ".join(c.text for t in tables for row in t.rows for c in row.cells)
        assert ("·" in printed) == (style.decimal == "·")
        assert html_table(tables[0])
        assert any(style.p_symbol in title for title in tables[0].full_titles())


def test_pairs_name_their_adjustment(curves, risks):
    for result in (curves, risks):
        table = next(t for t in more_tables_of(result) if t.name == "Pairs of groups")
        assert len(table.rows) == len(result.pairwise)
        assert "p, adjusted" in table.full_titles()
        assert any("Holm" in note.text for note in table.footnotes)


def test_the_figure_holds_curves_ticks_and_numbers_at_risk(curves, risks):
    figure = figure_of(curves, **WORDS)
    panel = figure.panels[0]
    lines = [layer for layer in panel.layers if isinstance(layer, Line)]
    assert [s.name for s in figure.series] == list(curves.groups)
    assert len(lines) == 3
    assert all(line.step and line.x[0] == 0 and line.y[0] == 100 for line in lines)
    censored = [layer for layer in panel.layers if isinstance(layer, CensorTicks)]
    points = curves.points
    assert sum(len(c.x) for c in censored) == (points["censored"] > 0).sum()
    listed = curves.chosen[curves.chosen["listed"] & (curves.chosen["group"] == "old")]
    row = panel.below.rows[curves.groups.index("old")]
    assert row.texts == tuple(map(str, listed["at_risk"]))
    assert [tick.value for tick in panel.x.ticks] == listed["time"].tolist()
    assert "Arm" in table_of(curves, **WORDS).title
    assert len(figure_of(risks).panels) == 2
    for found in (figure, figure_of(risks)):
        assert plotly_figure(found)["data"]


def test_causes_share_a_panel_without_groups(cohort):
    result = estimate_incidence(cohort, time="time", event="end", censored="alive")
    figure = figure_of(result)
    assert len(figure.panels) == 1
    assert [figure.series[i].name for i in figure.listed] == ["died", "moved"]
    assert figure.series[figure.panels[0].below.rows[0].series].name == "All patients"


def test_methods_say_what_was_done(curves, risks):
    text = methods_text(curves, versions={"Clinstat": "1", "numpy": "2"}, **WORDS)
    for words in (
        "Kaplan–Meier method [1]", "log-log", "Fleming–Harrington test (weights: survival just",
        "to the power 0.5", "stratified by site", "Holm's method", "Follow-up, months",
        "the event was end = died", "120 of 120 rows", "Clinstat 1 on numpy 2", "References",
    ):  # fmt: skip
        assert words in text, words
    text = methods_text(risks, versions={"Clinstat": "1"}, **WORDS)
    for words in ("Aalen–Johansen method [1]", "Gray's test [2]", "competes", "end = alive"):
        assert words in text, words
    assert text.count("Gray RJ") == 1


@pytest.mark.parametrize("name", ANSWERED)
@pytest.mark.parametrize("run", [survival, incidence])
def test_hopeless_data_are_printed_without_nonsense(run, name):
    data = ANSWERED[name]
    if run is incidence and name == "booleans":
        data = data.assign(s=data["s"].astype(int))
    for text in texts(run(data, name)):
        assert not FORBIDDEN.search(text), text


def test_a_long_curve_is_drawn_with_few_points():
    rng = np.random.default_rng(0)
    n = 30_000
    data = pd.DataFrame({"t": rng.exponential(5, n), "e": rng.integers(0, 2, n)})
    result = estimate_survival(data, time="t", event="e", event_level=1)
    figure = figure_of(result)
    line, ticks = figure.panels[0].layers
    assert len(line.x) <= 2_000
    assert len(ticks.x) <= 2_000
    assert line.x[-1] == result.facts["last_time"]
    # no point is off by more than a hairline
    points = result.points
    at = np.searchsorted(points["time"], line.x[1:], side="right") - 1
    np.testing.assert_allclose(line.y[1:], 100 * points["survival"].to_numpy()[at])


def test_visible_steps():
    assert visible_steps([1.0, 2.0, 3.0], [1, 0, 0]) == [0, 2]
    assert visible_steps([1.0, 2.0], [0, 0], ends=False) == []
    assert visible_steps([1.0], [1]) == [0]
