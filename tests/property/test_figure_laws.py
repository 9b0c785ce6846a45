"""Whatever stands in names, a figure is drawn, holds the name letter by letter and runs nothing."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from presentation import TRAVELLERS
from presentation.exports import render
from presentation.layers import Line, Points, numbers_of
from presentation.plot import Panel, Plot, Series, axis
from presentation.text import visible
from presentation.ticks import ticks, time_ticks
from presentation.to_html import html_flow
from presentation.to_image import figure_image
from presentation.to_plotly import plotly_figure
from tests.property.test_exports import NASTY
from tests.unit.presentation import gallery
from utils.codec import Codec

names = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
slow = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
SVG = "{http://www.w3.org/2000/svg}"
finite = st.floats(-1e12, 1e12, allow_nan=False)
MAKERS = (gallery.survival, gallery.groups, gallery.matrix, gallery.flow)


@slow
@given(names, names, st.sampled_from(MAKERS))
def test_any_name_is_drawn_in_every_medium(first, second, make):
    figure = make((first, second))
    for kind in ("svg", "png", "pdf"):
        assert figure_image(figure, kind)
    ET.fromstring(figure_image(figure, "svg"))
    for kind in ("html", "docx"):
        assert render(kind, (), (figure,), first, second)


@slow
@given(names)
def test_the_legend_of_an_image_shows_the_name_letter_by_letter(name):
    root = ET.fromstring(figure_image(gallery.survival((name, "other")), "svg"))
    texts = ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]
    # long names are cut, never rewritten
    wanted = visible(name).strip()[:12].strip()
    assert any(wanted in text for text in texts)
    assert not list(root.iter(f"{SVG}script"))
    assert not [e for e in root.iter() if any(a.lower().startswith("on") for a in e.attrib)]


@settings(deadline=None, derandomize=True)
@given(names, names, st.sampled_from((gallery.survival, gallery.groups, gallery.matrix)))
def test_the_page_gets_no_live_text(first, second, make):
    text = json.dumps(plotly_figure(make((first, second))), allow_nan=False)
    found = set(re.findall(r"<\s*/?\s*([a-zA-Z]+)", json.loads(json.dumps(text))))
    assert found <= {"b", "br", "extra"}


class Tags(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@given(names, names)
def test_a_flow_chart_on_the_page_has_our_tags_only(first, second):
    reader = Tags()
    reader.feed(str(html_flow(gallery.flow((first, second)))))
    assert reader.tags <= {"ol", "ul", "li", "div", "p", "bdi"}
    assert reader.attributes <= {"class"}


@settings(deadline=None, derandomize=True)
@given(names, names, st.sampled_from(MAKERS))
def test_a_figure_travels_unchanged_to_the_process_that_draws_it(first, second, make):
    codec = Codec({path: path for path in TRAVELLERS})
    figure = make((first, second))
    assert codec.decode(codec.encode(figure)) == figure


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=40), st.booleans())
def test_any_finite_numbers_have_axes_that_hold_them(points, step):
    x, y = zip(*sorted(points), strict=True)
    layers = (Line(series=0, x=x, y=y, step=step), Points(series=0, x=x, y=y))
    panel = Panel(x=axis("x", min(x), max(x)), y=axis("y", min(y), max(y)), layers=layers)
    plot = Plot(name="n", title="t", alt="a", panels=(panel,), series=(Series("s"),))
    for along, ax in (("x", panel.x), ("y", panel.y)):
        assert all(ax.low <= v <= ax.high for la in layers for v in numbers_of(la, along))
        assert all(ax.low <= t.value <= ax.high for t in ax.ticks)
    json.dumps(plotly_figure(plot), allow_nan=False)


@given(st.floats(1e-9, 1e9), st.floats(1.001, 1e6), st.booleans())
def test_ticks_are_few_rise_and_stay_inside(low, factor, log):
    high = low * factor
    found = ticks(low, high, log=log)
    assert len(found) <= 9
    assert list(found) == sorted(set(found))
    assert all(low <= t <= high for t in found)
    if not log:
        assert len(found) >= 2


@given(st.floats(1e-6, 1e9))
def test_times_start_at_zero_and_are_few(longest):
    found = time_ticks(longest)
    assert found[0] == 0
    assert 3 <= len(found) <= 7
    steps = [b - a for a, b in pairwise(found)]
    assert all(math.isclose(s, steps[0], rel_tol=1e-9) for s in steps)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(2_001, 6_000), st.integers(1, 50), st.booleans())
def test_a_thinned_line_keeps_its_ends_and_its_extremes(n, bend, rising):
    x = [float(i if rising else i % 1_500) for i in range(n)]
    y = [math.sin(i / bend) for i in range(n)]
    line = Line(series=0, x=x, y=y)
    pairs = set(zip(x, y, strict=True))
    assert set(zip(line.x, line.y, strict=True)) <= pairs
    assert (line.x[0], line.y[0], line.x[-1], line.y[-1]) == (x[0], y[0], x[-1], y[-1])
    assert abs(max(line.y) - max(y)) <= 2 / 1_500
    assert abs(min(line.y) - min(y)) <= 2 / 1_500
