"""The price of a run stands beside its button."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps

pytestmark = pytest.mark.browser


def test_the_price_stands_beside_the_button_while_the_choices_are_complete(page: Page) -> None:
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    page.get_by_role("tab", name="Outcome").click()
    page.select_option("#outcome-outcome", label="treatment")
    price = page.locator("#outcome-plan-price")
    expect(price).to_be_empty()  # the event is not chosen yet
    page.select_option("#outcome-event", "active")
    steps.tick_predictors(page, ["age"])
    expect(price).to_have_text(re.compile(r"^(under|about) [\d.]+ s, \d+ MB$"))
    page.get_by_role("button", name="Clear of the predictors shown").click()
    expect(price).to_be_empty()
    steps.tick_predictors(page, ["age"])
    expect(price).not_to_be_empty()
    steps.run(page)
    steps.rows(page)
    expect(page.locator("#outcome-card-changed .cs-note")).to_have_count(0)
