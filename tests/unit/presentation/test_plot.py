"""What a figure may hold, before anything is drawn."""

from __future__ import annotations

import math

import pytest

from presentation.families import figure_of, figures_of, more_tables_of
from presentation.layers import Box, Cells, CensorTicks, Line, Points, Rule, Segments, Words
from presentation.plot import (
    Axis,
    Below,
    BelowRow,
    Panel,
    Plot,
    Series,
    Tick,
    axis,
    category_axis,
)
from presentation.thinning import MOST_POINTS
from presentation.ticks import time_ticks
from tests.unit.presentation.build import outcome_result

NAN, INF = math.nan, math.inf
UNIT = axis("x", 0, 1)


def plot(*layers, **more):
    given = {"name": "n", "title": "t", "alt": "a", "series": (Series("one"), Series("two"))}
    return Plot(panels=(Panel(x=UNIT, y=UNIT, layers=layers),), **given | more)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_what_is_not_a_number_has_no_place(bad):
    for make in (
        lambda: Line(series=0, x=(0, 1), y=(0, bad)),
        lambda: Line(series=0, x=(0, 1), y=(0, 1), low=(0, bad), high=(1, 1)),
        lambda: Points(series=0, x=(bad,), y=(0,)),
        lambda: CensorTicks(series=0, x=(0,), y=(bad,)),
        lambda: Segments(series=0, x=(0,), y=(0,), x_end=(bad,), y_end=(0,)),
        lambda: Box(series=0, at=0, low=0, q1=1, median=bad, q3=3, high=4),
        lambda: Box(series=0, at=0, low=0, q1=1, median=2, q3=3, high=4, outliers=(bad,)),
        lambda: Rule(at=bad),
        lambda: Cells(x=(0,), y=(0,), value=(bad,), texts=("",)),
        lambda: Words(x=bad, y=0, text=""),
        lambda: Tick(bad, ""),
        lambda: Axis(title="", low=0, high=bad),
    ):
        with pytest.raises(ValueError, match=r"can be drawn|must rise|low < high"):
            make()


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="differ in length"):
        Line(series=0, x=(0, 1), y=(0,))
    with pytest.raises(ValueError, match="differ in length"):
        Line(series=0, x=(0, 1), y=(0, 1), low=(0, 1))
    with pytest.raises(ValueError, match="hover texts"):
        Points(series=0, x=(0, 1), y=(0, 1), hover=("one",))
    with pytest.raises(ValueError, match="under"):
        Panel(x=axis("", 0, 1, at=(0, 1)), y=UNIT, layers=(),
              below=Below("At risk", (BelowRow(0, ("1", "2", "3")),)))  # fmt: skip


def test_a_layer_belongs_to_a_series_that_exists():
    assert plot(Line(series=1, x=(0,), y=(0,)))
    with pytest.raises(ValueError, match="series"):
        plot(Line(series=2, x=(0,), y=(0,)))


def test_every_figure_has_words():
    with pytest.raises(ValueError, match="words"):
        plot(alt=" ")


def test_only_numbers_above_zero_stand_on_a_log_axis():
    log = axis("", 0.1, 10, log=True)
    for layer in (Line(series=0, x=(0,), y=(1,)), Rule(at=-1, upright=True)):
        with pytest.raises(ValueError, match="above 0"):
            Panel(x=log, y=UNIT, layers=(layer,))
    Panel(x=log, y=UNIT, layers=(Line(series=0, x=(1,), y=(-1,)), Rule(at=-1)))
    with pytest.raises(ValueError, match="low < high"):
        Axis(title="", low=0.0, high=1.0, log=True)


def test_an_axis_of_one_value_is_widened():
    assert axis("", 3, 3).low < 3 < axis("", 3, 3).high
    assert axis("", 3, 3, log=True).low > 0
    assert [t.text for t in category_axis("", ("a", "b")).ticks] == ["a", "b"]


@pytest.mark.parametrize(
    ("longest", "expected"),
    [(36, (0, 6, 12, 18, 24, 30, 36)), (5, (0, 1, 2, 3, 4, 5)), (0, (0,)), (0.9, (0, 0.2, 0.4, 0.6, 0.8)),
     (5565, (0, 1000, 2000, 3000, 4000, 5000)), (1022, (0, 200, 400, 600, 800, 1000))],
)  # fmt: skip
def test_time_is_counted_in_steps_that_people_use(longest, expected):
    assert time_ticks(longest) == expected


@pytest.mark.parametrize("longest", [0.001, 0.37, 1, 7, 11, 13, 29, 61, 99, 101, 1e6])
def test_time_ticks_are_few_and_cover_most_of_the_axis(longest):
    found = time_ticks(longest)
    assert 3 <= len(found) <= 7
    assert 0.6 * longest < found[-1] <= longest * (1 + 1e-9)


def test_long_lines_keep_what_can_be_seen():
    n = 200_000
    x = [i / n for i in range(n)]
    y = [1.0 - v * v for v in x]
    line = Line(series=0, x=x, y=y, low=y, high=y, hover=tuple(map(str, range(n))), step=True)
    assert len(line.x) == len(line.y) == len(line.low) == len(line.hover) <= 3 * MOST_POINTS
    assert (line.x[0], line.x[-1]) == (x[0], x[-1])
    at = 0
    for i in range(n):
        while at + 1 < len(line.x) and line.x[at + 1] <= x[i]:
            at += 1
        assert abs(line.y[at] - y[i]) <= 2 / 1500


def test_points_on_top_of_each_other_are_drawn_once():
    points = Points(series=0, x=[i % 7 for i in range(10_000)], y=[i % 5 for i in range(10_000)])
    assert len(points.x) == 35
    assert len(Points(series=0, x=[0] * 1000, y=[0] * 1000).x) == 1000


def test_texts_are_printable():
    made = plot(Words(x=0, y=0, text="a\x00b"), title="t\x00", notes=("\ud800",),
                series=(Series("\x07"),))  # fmt: skip
    assert made.title == "t␀"
    assert made.notes == ("\ufffd",)
    assert made.series[0].name == "␇"
    assert made.panels[0].layers[0].text == "a␀b"


def test_a_single_series_needs_no_legend():
    assert plot().listed == (0, 1)
    assert plot(series=(Series("one"),)).listed == ()
    assert plot(series=(Series("a"), Series(""), Series("b", listed=False), Series("c"))).listed == (0, 3)  # fmt: skip


def test_the_outcome_model_has_its_forest_plot_and_its_tables():
    figures = figures_of(outcome_result())
    assert figures[0] == figure_of(outcome_result())
    assert figures[0].name == "forest plot"
    assert len(more_tables_of(outcome_result())) >= 4
