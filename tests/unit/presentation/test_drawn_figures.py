"""Figures of panels and flow charts in all four media: what is drawn, not its pixels."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from presentation import palette
from presentation.exports import render
from presentation.families import every_figure_of
from presentation.figures import flow_of
from presentation.layers import Bars, Box, Cells, CensorTicks, Line, Points, Rule, Segments, Words
from presentation.looks import Look, cell_colour, is_dark, look_of
from presentation.plot import Panel, Plot, Series, axis, category_axis
from presentation.to_html import html_flow
from presentation.to_image import figure_image
from presentation.to_plotly import plotly_figure
from tests.unit.presentation import gallery
from tests.unit.presentation.build import outcome_result

SVG = "{http://www.w3.org/2000/svg}"
ALL = {**gallery.PLOTS, "flow": gallery.flow}
LAYERS = (Line, Points, CensorTicks, Segments, Bars, Box, Rule, Cells, Words)


def svg_texts(figure):
    root = ET.fromstring(figure_image(figure, "svg"))
    return ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]


def size(png):
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def test_the_gallery_holds_every_layer():
    drawn = {type(la) for make in gallery.PLOTS.values() for p in make().panels for la in p.layers}
    assert drawn == set(LAYERS)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_every_figure_is_a_file_and_the_same_one_each_time(name, kind):
    data = figure_image(ALL[name](), kind)
    start = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-"}[kind]
    assert data.startswith(start)
    assert figure_image(ALL[name](), kind) == data


@pytest.mark.parametrize("name", gallery.PLOTS)
def test_every_figure_is_plain_json_for_the_page(name):
    figure = plotly_figure(gallery.PLOTS[name](), font_colour="#EEEEEE")
    text = json.dumps(figure, allow_nan=False)
    assert figure["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"
    assert figure["layout"]["font"]["color"] == "#EEEEEE"
    # one ink only, so that a dark page can change it
    assert palette.INK not in text
    assert figure["layout"]["meta"]["min_width_px"] <= 600
    assert figure["layout"]["height"] < 700


@pytest.mark.parametrize("name", ALL)
def test_a_picture_fits_a_journal_and_has_300_dots_per_inch(name):
    data = figure_image(ALL[name](), "png")
    width, height = (pixels / 300 for pixels in size(data))
    assert 2.5 < width < 7.3
    assert 1.5 < height < 9.5
    at = data.index(b"pHYs") + 4
    assert round(int.from_bytes(data[at : at + 4], "big") * 0.0254) == 300


@pytest.mark.parametrize("name", ALL)
def test_word_and_html_hold_the_figure_with_its_words(name):
    figure = ALL[name]()
    page = render("html", (), (figure, figure), "", "T").decode()
    assert page.count(f'alt="{figure.alt}"') == 2
    assert page.count("data:image/svg+xml;base64,") == 2
    assert render("docx", (), (figure,), "", "T").startswith(b"PK")


def test_the_chosen_figure_is_the_one_in_the_file():
    figures = (gallery.survival(), gallery.roc())
    for i in (0, 1):
        assert render("svg", (), figures, "", "", chosen=i) == figure_image(figures[i], "svg")
    assert render("svg", (), figures, "", "", chosen=9) == figure_image(figures[1], "svg")


def traces(figure, **having):
    return [t for t in figure["data"] if all(t.get(k) == v for k, v in having.items())]


def test_the_page_draws_each_curve_once_with_its_band_and_its_strokes():
    plot = gallery.survival()
    figure = plotly_figure(plot)
    curves = [
        t for t in traces(figure, mode="lines") if t["line"]["width"] == 2 and t["x"] != [None]
    ]
    assert [t["line"]["color"] for t in curves] == [palette.BLUE, palette.VERMILION]
    assert [t["line"]["dash"] for t in curves] == ["solid", "dash"]
    assert {t["line"]["shape"] for t in curves} == {"hv"}
    assert len([t for t in figure["data"] if t.get("fill") == "tonexty"]) == 2
    strokes = [t for t in figure["data"] if t.get("marker", {}).get("symbol") == "line-ns"]
    assert [len(t["x"]) for t in strokes] == [5, 5]
    listed = [t["name"] for t in figure["data"] if t["showlegend"]]
    assert listed == list(gallery.NAMES)


def test_the_numbers_under_the_axis_stand_at_its_ticks_on_the_page():
    plot = gallery.survival()
    notes = plotly_figure(plot)["layout"]["annotations"]
    panel = plot.panels[0]
    for row in panel.below.rows:
        placed = [(a["x"], a["text"]) for a in notes if a["xref"] == "x" and a["text"] in row.texts]
        for tick, text in zip(panel.x.ticks, row.texts, strict=True):
            assert (tick.value, text) in placed
    heights = {a["yshift"] for a in notes if a.get("xref") == "x"}
    assert len(heights) == 2


def svg_places(figure):
    """Text -> the x of each of its places, in points, of texts that are centred."""
    root = ET.fromstring(figure_image(figure, "svg"))
    found = {}
    for node in root.iter(f"{SVG}text"):
        if "text-anchor: middle" in (node.get("style") or ""):
            found.setdefault("".join(node.itertext()), []).append(float(node.get("x")))
    return found


def test_the_numbers_under_the_axis_stand_at_its_ticks_in_print():
    plot = gallery.survival()
    places = svg_places(plot)
    panel = plot.panels[0]
    across = [
        next(x for x in places[tick.text] if x > before)
        for tick, before in zip(panel.x.ticks, (0, *[40 * i for i in range(1, 7)]), strict=True)
    ]
    assert across == sorted(across)
    for row in panel.below.rows:
        for x, text in zip(across, row.texts, strict=True):
            assert min(abs(place - x) for place in places[text]) < 0.01


def test_all_texts_of_a_figure_are_in_its_svg():
    texts = svg_texts(gallery.survival())
    for wanted in ("Survival by treatment.", "Placebo", "Prednisone", "Number at risk", "Survival, %",
                   "Months since randomisation", "Log-rank test: p = 0.013", "120", "36"):  # fmt: skip
        assert wanted in texts
    assert "−0.86" in svg_texts(gallery.matrix())
    assert "reference" in svg_texts(gallery.side_by_side())
    assert "outcome missing, n = 6" in svg_texts(gallery.flow())


def test_a_matrix_has_its_cells_in_the_colours_of_their_values():
    shapes = plotly_figure(gallery.matrix())["layout"]["shapes"]
    assert len(shapes) == 25
    assert shapes[0]["fillcolor"] == cell_colour(1.0)
    assert cell_colour(0.5) == "#FFFFFF"
    assert cell_colour(0.0) != cell_colour(1.0)
    axes = plotly_figure(gallery.matrix())["layout"]
    assert axes["yaxis"]["range"] == [4.5, -0.5]  # from top to bottom


@pytest.mark.parametrize("share", [0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 1])
def test_text_in_a_cell_can_be_read(share):
    colour = cell_colour(share)
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    contrast = 1.05 / (light + 0.05) if is_dark(colour) else (light + 0.05) / 0.05
    assert contrast >= 3.0


def test_panels_have_axes_of_their_own():
    layout = plotly_figure(gallery.side_by_side())["layout"]
    assert layout["xaxis"]["type"] == layout["xaxis2"]["type"] == "log"
    assert layout["xaxis"]["domain"][1] < layout["xaxis2"]["domain"][0]
    stacked = plotly_figure(gallery.two_panels())["layout"]
    assert stacked["yaxis"]["domain"][0] > stacked["yaxis2"]["domain"][1]


def test_groups_differ_in_colour_and_in_line_and_marker():
    names = tuple("abcdef")
    plot = gallery.groups(names)
    looks = [look_of(plot, i) for i in range(6)]
    assert len({la.colour for la in looks}) == 6
    assert len({la.marker for la in looks}) == 6
    assert len({(la.dash, la.marker) for la in looks}) == 6
    assert len({la.dash for la in looks[:5]}) == 5


def test_bars_of_groups_differ_without_colour_too():
    looks = [look_of(gallery.groups(tuple("abcd")), i) for i in range(4)]
    assert len({la.fill for la in looks}) == 4
    panel = Panel(x=axis("", 0, 3), y=axis("", 0, 1), layers=tuple(
        Bars(series=i, x=(i,), y=(1,), width=0.4) for i in range(2)))  # fmt: skip
    plot = Plot(name="", title="", alt="x", panels=(panel,), series=(Series("a"), Series("b")))
    data = plotly_figure(plot)["data"]
    assert [t["marker"]["color"][-2:] for t in data if t["type"] == "bar"] == ["FF", "73"]
    assert {t["marker"]["symbol"] for t in data if t["showlegend"]} == {"square"}
    assert figure_image(plot, "svg")


def test_tones_do_not_take_the_colours_of_groups():
    panel = Panel(x=axis("", 0, 1), y=axis("", 0, 1), layers=())
    series = (Series("ideal", "muted"), Series("a"), Series("all", "ink"), Series("b"))
    plot = Plot(name="", title="", alt="x", panels=(panel,), series=series)
    assert look_of(plot, 1) == Look(palette.BLUE, "solid", "circle")
    assert look_of(plot, 3).colour == palette.VERMILION
    assert look_of(plot, 2).colour == palette.INK
    assert look_of(plot, 0).colour == palette.MUTED


def test_every_tick_of_many_long_names_is_kept():
    names = tuple(f"A rather long name of group {i}" for i in range(9))
    panel = Panel(x=category_axis("", names), y=axis("y", 0, 1), layers=())
    plot = Plot(name="", title="t", alt="x", panels=(panel,))
    texts = svg_texts(plot)
    assert len([t for t in texts if "rather" in t]) == 9
    layout = plotly_figure(plot)["layout"]
    assert layout["xaxis"]["tickangle"] == -90
    assert len(layout["xaxis"]["ticktext"]) == 9


def test_a_long_title_and_long_notes_are_wrapped_not_cut():
    words = " ".join(f"word{i}" for i in range(24))
    plot = Plot(name="", title=words, alt="x", notes=(words * 3,), panels=(
        Panel(x=axis("", 0, 1), y=axis("", 0, 1), layers=()),))  # fmt: skip
    shown = " ".join(svg_texts(plot))
    assert shown.count("word11") == 4
    assert size(figure_image(plot, "png"))[0] / 300 < 7.3


def test_letters_without_a_shape_are_owned_up_to_in_png_only():
    plain, odd = gallery.survival(("a", "b")), gallery.survival(("a", "\U00010600"))
    assert size(figure_image(odd, "png"))[1] > size(figure_image(plain, "png"))[1]
    assert b"have no shape" not in figure_image(odd, "svg")


def test_the_flow_of_rows_adds_up_and_stands_last():
    result = outcome_result()
    chart = flow_of(result)
    assert chart.boxes[0].lines == ("Rows in the file", f"n = {result.n_rows}")
    assert chart.boxes[1].lines == ("Rows analysed", f"n = {result.n_used}")
    counts = [int(line.rsplit("= ", 1)[1]) for line in chart.boxes[1].exits]
    assert counts[0] == sum(counts[1:]) == result.n_rows - result.n_used
    assert [f.name for f in every_figure_of(result)] == ["forest plot", "flow of rows"]
    assert flow_of(outcome_result(exclusions={}, n_used=result.n_rows)) is None


class Flow(HTMLParser):
    """Collects the boxes of a flow chart."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen += [value for name, value in attrs if name == "class"]


def test_a_flow_chart_is_a_list_on_the_page():
    page = html_flow(gallery.flow(("<b>x</b>", "y")))
    reader = Flow()
    reader.feed(str(page))
    assert reader.seen == ["cs-flow", "cs-flow-box", "cs-flow-exit", "cs-flow-box", "cs-flow-arms",
                           "cs-flow-box", "cs-flow-box"]  # fmt: skip
    assert "&lt;b&gt;x" in page


def test_a_figure_of_200_000_points_stays_small():
    n = 200_000
    line = Line(series=0, x=[i / n for i in range(n)], y=[(i % 977) / 977 for i in range(n)])
    points = Points(
        series=0, x=[(i * 7919 % n) / n for i in range(n)], y=[(i % 31) / 31 for i in range(n)]
    )
    panel = Panel(x=axis("", 0, 1), y=axis("", 0, 1), layers=(line, points))
    plot = Plot(name="", title="", alt="x", panels=(panel,), series=(Series("a"),))
    assert len(line.x) <= 6_000
    assert len(points.x) <= 60_000
    assert len(figure_image(plot, "png")) < 2_000_000
