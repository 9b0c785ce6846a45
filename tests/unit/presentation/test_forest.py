"""The forest plot: its description, its Plotly form, its files."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET

import pytest

from presentation import palette
from presentation.forest import forest_of, ticks
from presentation.forest_image import forest_image
from presentation.numbers import LANCET
from presentation.to_plotly import plotly_figure
from tests.unit.presentation.build import (
    CRUDE_ROWS,
    INF,
    NAN,
    SMOKING,
    effect,
    effects_result,
    fit_row,
    outcome_result,
)


def one(*rows, **more):
    return effects_result(list(rows), [fit_row(rows[0]["term"])], **more)


def test_rows_and_texts_follow_the_table():
    plot = forest_of(outcome_result(), labels={"age": "Age"}, units={"age": "years"})
    assert plot.column_titles == ("Events/n", "Crude OR (95% CI)", "Adjusted OR (95% CI)", "p")
    assert [(row.kind, row.label) for row in plot.rows[:4]] == [
        ("single", "Age, years"), ("heading", "smoking"), ("reference", "never"), ("level", "former"),
    ]  # fmt: skip
    assert plot.rows[3].texts == ("28/120", "1.52 (0.85 to 2.72)", "1.41 (0.78 to 2.55)", "0.254")
    assert plot.rows[2].texts[1] == "1 (reference)"
    assert plot.rows[2].marks == ()
    assert "died = yes" in plot.title
    assert "smoking, former: crude OR 1.52 (0.85 to 2.72)" in plot.alt


def test_limits_beyond_the_axis_become_arrows():
    plot = forest_of(outcome_result())
    crude, adjusted = plot.rows[-1].marks
    assert (crude.arrow_low, crude.arrow_high) == (True, False)
    assert crude.low == plot.low
    assert crude.high == 0.5196
    assert (crude.series, adjusted.series) == ("crude", "adjusted")
    assert "An arrow: the interval goes on beyond the axis." in plot.notes


def test_unbounded_and_unknown_limits_never_reach_the_picture():
    plot = forest_of(
        one(effect("x", None, None, 9, 4, 0, 2.0, 0.5, INF, 0.1, 0.1),
            effect("y", None, None, 9, 4, 0, NAN, NAN, 0.5, 0.1, 0.1),
            effect("z", None, None, 9, 4, 0, 3.0, NAN, NAN, 0.1, 0.1))
    )  # fmt: skip
    assert plot.rows[0].marks[0].arrow_high
    assert plot.rows[1].marks == ()
    assert plot.rows[2].marks[0].low == plot.rows[2].marks[0].high == 3.0
    numbers = [x for r in plot.rows for m in r.marks for x in (m.estimate, m.low, m.high)]
    assert all(map(math.isfinite, numbers))


@pytest.mark.parametrize("show", ["crude", "adjusted"])
def test_one_series_alone(show):
    plot = forest_of(outcome_result(), show=show)
    assert plot.series == (show,)
    assert plot.column_titles == ("Events/n", "OR (95% CI)", "p")
    assert {m.series for row in plot.rows for m in row.marks} == {show}


def test_exposure_mode_draws_the_exposure_alone():
    plot = forest_of(outcome_result(choices={"exposure": SMOKING}))
    assert [row.label for row in plot.rows] == ["smoking", "never", "former", "current"]


def test_styles_reach_the_texts():
    assert forest_of(outcome_result(), style=LANCET).rows[3].texts[1] == "1·52 (0·85–2·72)"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.09, 11, (0.1, 0.2, 0.5, 1, 2, 5, 10)),
        (0.4, 6, (0.5, 1, 2, 5)),
        (0.62, 4.3, (0.7, 1.0, 1.5, 2.0, 3.0)),
        (0.64, 1.56, (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4)),
        (0.001, 1200, (0.001, 0.01, 0.1, 1, 10, 100, 1000)),
    ],
)
def test_log_ticks_are_round_and_few(low, high, expected):
    assert ticks(low, high, log=True) == expected


@pytest.mark.parametrize("low", [1e-6, 1e-4, 0.01, 0.1, 0.5, 0.66])
@pytest.mark.parametrize("high", [1.5, 3.0, 20.0, 1e3, 1e6])
def test_ticks_stay_inside_and_hold_the_null_value(low, high):
    found = ticks(low, high, log=True)
    assert 2 <= len(found) <= 9
    assert all(low <= t <= high for t in found)
    assert 1 in found


def test_differences_have_a_linear_axis_around_zero():
    plot = forest_of(
        one(effect("x", None, None, 9, 4, 0, 0.0001, -3.0, 7.0, 0.1, 0.1), effect="mean difference")
    )
    assert not plot.log
    assert plot.null == 0.0
    assert 0.0 in plot.ticks


def test_plotly_gets_plain_json_with_no_live_text():
    name = "<img src=x onerror=alert(1)><b>x</b> & $y$"
    rows = [effect(name, None, None, 9, 4, 0, 2.0, 0.5, 8.0, 0.1, 0.1)]
    figure = plotly_figure(forest_of(one(*rows)), font_colour="#EEE")
    text = json.dumps(figure, allow_nan=False)
    assert "<img" not in text
    assert "&lt;img" in text
    assert figure["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"
    assert figure["layout"]["font"]["color"] == "#EEE"


def test_plotly_draws_every_mark_once_and_arrows_at_the_edge():
    plot = forest_of(outcome_result())
    figure = plotly_figure(plot)
    by_name = {trace.get("name"): trace for trace in figure["data"]}
    assert len(by_name["Crude"]["x"]) == len(by_name["Adjusted"]["x"]) == 4
    assert by_name["Crude"]["marker"]["symbol"] == "circle-open"
    assert by_name["Adjusted"]["marker"]["symbol"] == "square"
    arrows = [t for t in figure["data"] if "name" not in t]
    assert [x for t in arrows for x in t["x"]] == [plot.low, plot.low]
    assert figure["layout"]["xaxis"]["type"] == "log"
    assert figure["layout"]["xaxis"]["range"] == [math.log10(plot.low), math.log10(plot.high)]
    assert figure["layout"]["meta"]["min_width_px"] < 1100


def wild():
    names = [
        "$\\frac{a}{b}$ <b>",
        "ช" * 40,
        "الجنس عند الولادة",
        "x" * 300,
        "tab\there \x00 \ud800",
    ]
    return forest_of(one(*(effect(n, None, None, 9, 4, 0, 2.0, 0.5, 8.0, 0.1, 0.1) for n in names)))


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_files_open_for_any_name_and_are_the_same_each_time(kind):
    data = forest_image(wild(), kind)
    start = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-"}[kind]
    assert data.startswith(start)
    assert forest_image(wild(), kind) == data


def test_svg_keeps_text_as_text_letter_by_letter():
    root = ET.fromstring(forest_image(wild(), "svg"))
    text = " ".join(
        "".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")
    )
    assert "$\\frac{a}{b}$ <b>" in text
    assert "ช" * 15 in text
    assert "tab␉here ␀ \ufffd" in text
    assert "sans-serif" in forest_image(wild(), "svg").decode()


def test_letters_without_a_shape_are_owned_up_to_in_png_only():
    # A letter of a script that no listed font has: Linear A.
    row = effect("\U00010600", None, None, 9, 4, 0, 2.0, 0.5, 8.0, 0.1, 0.1)
    plot = forest_of(one(row))
    plain = forest_of(one({**row, "term": "x"}))
    assert png_height(forest_image(plot, "png")) > png_height(forest_image(plain, "png"))
    assert b"have no shape" not in forest_image(plot, "svg")


def png_height(data):
    return int.from_bytes(data[20:24], "big")


def test_a_png_has_300_dots_per_inch_and_a_journal_width():
    data = forest_image(forest_of(outcome_result()), "png")
    width_inches = int.from_bytes(data[16:20], "big") / 300
    assert 6.3 < width_inches < 7.6
    at = data.index(b"pHYs") + 4
    assert round(int.from_bytes(data[at : at + 4], "big") * 0.0254) == 300


def test_forty_rows_fit():
    rows = [effect(f"v{i}", None, None, 99, 9, 0, 1.2, 0.8, 1.9, 0.2, 0.2) for i in range(40)]
    plot = forest_of(one(*rows))
    assert len(plot.rows) == 40
    assert png_height(forest_image(plot, "png")) / 300 < 11.0


def test_no_rows_at_all_still_gives_a_file():
    plot = forest_of(effects_result([], [fit_row("x")]))
    assert forest_image(plot, "svg").startswith(b"<?xml")
    assert plotly_figure(plot)["data"][0]["x"] == []


def test_series_differ_in_colour_and_in_shape():
    assert len(set(palette.SERIES_COLOURS.values())) == 2
    assert set(palette.SERIES_COLOURS.values()) <= set(palette.GROUP_COLOURS)
    assert CRUDE_ROWS
