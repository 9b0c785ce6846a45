"""Figures in a real browser: aligned at every width, one of several chosen, its file saved."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from presentation import palette
from presentation.to_plotly import plotly_figure
from tests.browser import steps
from tests.unit.presentation import gallery

pytestmark = pytest.mark.browser

SHOW = """([figure, ink]) => {
  const drawn = document.createElement("clinstat-figure");
  for (const [name, value] of Object.entries({ figure, ink, label: "words" })) drawn.setAttribute(name, value);
  document.querySelector("main, body").prepend(drawn);
}"""
CENTRES = """selector => [...document.querySelectorAll(selector)].map(node => {
  const box = node.getBoundingClientRect();
  return [node.textContent, box.left + box.width / 2, box.left, box.right];
})"""


def show(page: Page, name: str) -> None:
    figure = json.dumps(plotly_figure(gallery.PLOTS[name]()))
    page.evaluate(SHOW, [figure, palette.INK])
    expect(page.locator("clinstat-figure svg.main-svg").first).to_be_visible()


def alignment(page: Page) -> None:
    plot = gallery.survival()
    ticks = {
        text: centre for text, centre, *_ in page.evaluate(CENTRES, "clinstat-figure .xtick text")
    }
    below = page.evaluate(CENTRES, "clinstat-figure .annotation-text")
    panel = plot.panels[0]
    for row in panel.below.rows:
        for tick, wanted in zip(panel.x.ticks, row.texts, strict=True):
            nearest = min(abs(x - ticks[tick.text]) for text, x, *_ in below if text == wanted)
            assert nearest < 1.5, (tick.text, wanted)
    width = page.evaluate("innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert all(left >= 0 and right <= width for *_, left, right in below)


def test_numbers_at_risk_stand_under_their_times_on_a_wide_page(page: Page) -> None:
    show(page, "survival")
    alignment(page)


def test_numbers_at_risk_stand_under_their_times_on_a_phone(phone: Page) -> None:
    show(phone, "survival")
    alignment(phone)


@pytest.mark.parametrize("name", gallery.PLOTS)
def test_every_kind_of_figure_is_drawn_on_a_phone_without_an_error(phone: Page, name: str) -> None:
    show(phone, name)
    expect(phone.get_by_role("img", name="words")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_of_several_figures_one_is_chosen_and_saved(page: Page) -> None:
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    outcome, event, predictor = "responder", "yes", "bmi"
    steps.choose_outcome(page, outcome, event)
    steps.tick_predictors(page, [predictor])
    steps.run(page)
    steps.rows(page)
    steps.view(page, "Figure")
    chosen = page.locator("#outcome-card-shown_figure")
    expect(chosen.locator("option")).to_have_text(["Forest plot", "Flow of rows"])
    expect(page.locator("clinstat-figure svg.main-svg").first).to_be_visible()
    chosen.select_option("Flow of rows")
    flow = page.locator("ol.cs-flow")
    expect(flow).to_contain_text("Rows in the file")
    expect(flow).to_contain_text("Left out, n = ")
    page.locator("#outcome-card-result").get_by_role("button", name="Download").click()
    with page.expect_download() as saved:
        page.locator("#outcome-card-save_svg").click()
    assert saved.value.suggested_filename == "synth_trial analyze_outcome flow of rows.svg"
    assert "Rows in the file" in saved.value.path().read_text(encoding="utf-8")
    page.select_option("#outcome-card-style", "lancet")
    expect(chosen).to_have_value("1")
    expect(flow).to_be_visible()
