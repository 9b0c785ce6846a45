"""The page as a whole: phone width, keyboard, colour mode, a lost connection, what it loads."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps

pytestmark = pytest.mark.browser


def no_sideways_scroll(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_nothing_scrolls_sideways_on_a_phone(phone: Page) -> None:
    no_sideways_scroll(phone)
    steps.upload(phone, steps.DATA / "synth_trial.csv")
    steps.see_dataset(phone, "synth_trial.csv")
    no_sideways_scroll(phone)
    for tab, content in (("Variables", ".cs-variable"), ("Preview", ".cs-preview")):
        phone.get_by_role("tab", name=tab).click()
        expect(phone.locator(content).first).to_be_visible()
        no_sideways_scroll(phone)
    phone.get_by_role("button", name="Continue to Outcome").click()
    phone.select_option("#outcome-outcome", label="responder")
    expect(phone.locator("#outcome-event")).to_have_value("yes")
    expect(phone.locator("#outcome-predictors_count")).not_to_have_text("0 chosen")
    steps.run(phone)
    steps.rows(phone)
    for tab in ("Figure", "Details", "Methods", "Code"):
        steps.view(phone, tab)
        no_sideways_scroll(phone)


def press_until(page: Page, name: str, *, most: int = 60) -> None:
    """Tab along until the field or button of that label has the focus."""
    target = (
        page.get_by_label(name, exact=True)
        .or_(page.get_by_role("button", name=name, exact=True))
        .locator("visible=true")
        .first
    )
    for _ in range(most):
        if target.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name!r} cannot be reached with the keyboard")


def test_the_whole_path_works_with_the_keyboard_alone(page: Page) -> None:
    press_until(page, "Upload a file")
    example = page.locator(".cs-examples button").first
    press_until(page, example.text_content() or "")
    page.keyboard.press("Enter")
    press_until(page, "Continue to Outcome")
    page.keyboard.press("Enter")
    press_until(page, "Outcome")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#outcome-event option")).to_have_count(3)
    press_until(page, "Event")
    if page.locator("#outcome-event").input_value() == "":
        page.keyboard.press("ArrowDown")
    press_until(page, "Select all of the predictors shown")
    page.keyboard.press("Enter")
    press_until(page, "Run analysis", most=120)
    page.keyboard.press("Enter")
    steps.rows(page)


def test_the_focus_can_be_seen(page: Page) -> None:
    page.keyboard.press("Tab")
    width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert width != "0px"


def test_every_field_has_a_label(page: Page) -> None:
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    page.get_by_role("tab", name="Variables").click()
    expect(page.locator(".cs-variable").first).to_be_visible()
    nameless = page.evaluate(
        """[...document.querySelectorAll('input, select, textarea')]
           .filter(e => !e.readOnly && !e.labels?.length && !e.ariaLabel && e.type !== 'hidden')
           .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_dark_mode_reaches_page_and_figure(page: Page) -> None:
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    steps.choose_outcome(page, "responder", "yes")
    steps.run(page)
    steps.rows(page)
    steps.view(page, "Figure")
    label = page.locator("clinstat-figure .xtick text").first
    expect(label).to_be_visible()
    light = label.evaluate("e => getComputedStyle(e).fill")
    page.locator("bslib-input-dark-mode").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.wait_for_function("old => getComputedStyle(document.querySelector("
                           "'clinstat-figure .xtick text')).fill !== old", arg=light)  # fmt: skip


def test_the_page_says_its_language_and_its_use(page: Page) -> None:
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page.locator("footer")).to_contain_text("not for decisions about individual patients")


def test_an_empty_form_is_refused_in_a_sentence(page: Page) -> None:
    page.get_by_role("tab", name="Outcome").click()
    expect(page.get_by_role("heading", name="No dataset yet")).to_be_visible()
    page.get_by_role("button", name="Go to Data").click()
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    page.get_by_role("tab", name="Outcome").click()
    steps.run(page)
    expect(page.locator("#outcome-card-progress .cs-failure")).to_contain_text(
        "No outcome was chosen."
    )
