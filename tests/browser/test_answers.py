"""Who asks sees the answer: Run stays in reach, and what was asked for comes into view."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps, validation

pytestmark = pytest.mark.browser


def open_example(page: Page) -> None:
    page.locator("[data-example=sepsis_cohort]").click()
    steps.see_dataset(page, "sepsis_cohort.csv")
    page.get_by_role("button", name="Continue to Outcome").click()
    expect(page.locator("#outcome-plan-price > span")).to_be_visible()  # the form is whole


def scroll_to_the_end(page: Page) -> None:
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    assert page.evaluate("scrollY") > 0


def still(page: Page) -> float:
    """Where the page stands, once it has stood there for half a second."""
    before = -1.0
    while before != (now := page.evaluate("scrollY")):
        before = now
        page.wait_for_timeout(500)
    return before


def test_run_is_in_reach_from_the_first_choice_to_the_last(page: Page, phone: Page) -> None:
    for seen in (page, phone):
        open_example(seen)
        button = seen.locator("#outcome-run")
        for choice in (
            "#outcome-predictors_count",
            ".cs-panel:has(#outcome-run) > details >> nth=-1",
        ):
            seen.locator(choice).scroll_into_view_if_needed()
            expect(button).to_be_in_viewport(ratio=1)
        steps.run(seen)
        expect(seen.locator("#outcome-card-badge .cs-badge")).to_be_in_viewport(ratio=1)
        expect(seen.locator("#outcome-card-table table")).to_be_in_viewport()


def test_a_refusal_is_seen_from_the_end_of_the_choices(page: Page, phone: Page) -> None:
    for seen in (page, phone):
        open_example(seen)
        steps.tick_predictors(seen, [])
        scroll_to_the_end(seen)
        steps.run(seen)
        failure = seen.locator("#outcome-card-progress .cs-failure")
        expect(failure).to_contain_text("No predictors were chosen")
        expect(failure).to_be_in_viewport(ratio=1)


def test_nothing_moves_for_who_has_scrolled_or_sees_the_answer(page: Page) -> None:
    open_example(page)
    steps.run(page)
    expect(page.locator("#outcome-card-badge .cs-badge")).to_be_in_viewport(ratio=1)
    before = still(page)
    steps.run(page)
    steps.badge(page, "memory")
    assert still(page) == before
    page.mouse.move(900, 400)
    page.mouse.wheel(0, 300)
    moved = still(page)
    assert moved > before
    steps.view(page, "Details")  # drawn anew: not asked for by Run
    expect(page.locator("#outcome-card-details table").first).to_be_visible()
    assert still(page) == moved


@pytest.mark.parametrize(("act", "seed"), [("wheel", 101), ("press", 102)])
def test_who_turns_to_something_else_while_it_runs_is_left_there(
    phone: Page, tmp_path: Path, act: str, seed: int
) -> None:
    validation.write_patients(tmp_path / "patients.csv", rows=30_000)
    steps.upload(phone, tmp_path / "patients.csv")
    steps.see_dataset(phone, "patients.csv")
    phone.get_by_role("button", name="Continue to Outcome").click()
    validation.choose(phone)
    validation.seed(phone, seed)
    validation.run(phone)
    progress = validation.running(phone)
    expect(progress).to_be_in_viewport(ratio=1)
    if act == "wheel":
        phone.mouse.move(200, 400)
        phone.mouse.wheel(0, -700)
    else:
        phone.mouse.click(3, 400)
        phone.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    expect(progress).not_to_be_in_viewport()
    expect(progress).to_have_count(1)  # it still runs
    validation.see_end(phone)
    still(phone)
    expect(phone.locator("#validate-card-badge")).not_to_be_in_viewport()


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_the_focus_is_not_hidden_behind_run(page: Page, key: str) -> None:
    page.emulate_media(reduced_motion="reduce")  # scrolls at once
    open_example(page)
    page.locator("#outcome-outcome" if key == "Tab" else "#outcome-run").focus()
    top = "document.querySelector('#outcome-run').parentElement.getBoundingClientRect().top"
    seen = 0
    for _ in range(60):
        page.keyboard.press(key)
        inside = page.evaluate(
            "document.activeElement.closest('.cs-panel:has(> .cs-run)') !== null"
            " && document.activeElement.id !== 'outcome-run'"
        )
        if not inside:
            break
        seen += 1
        end = page.evaluate("document.activeElement.getBoundingClientRect().bottom")
        assert end <= page.evaluate(top) + 1, page.evaluate("document.activeElement.outerHTML")
    assert seen > 10


def test_a_tab_begins_at_its_top(phone: Page) -> None:
    phone.locator("[data-example=sepsis_cohort]").click()
    go_on = phone.get_by_role("button", name="Continue to Outcome")
    expect(go_on).to_be_in_viewport()
    assert still(phone) > 0
    go_on.click()
    expect(phone.locator("#outcome-outcome")).to_be_in_viewport(ratio=1)
    assert still(phone) == 0


def test_the_menu_of_a_phone_closes_when_a_tab_is_chosen(phone: Page) -> None:
    menu = phone.get_by_role("button", name="Toggle navigation")
    for name in ("Compare", "Outcome"):
        tab = phone.get_by_role("tab", name=name, exact=True)
        menu.click()
        tab.click()
        expect(tab).not_to_be_visible()
        expect(phone.get_by_role("tabpanel").first).to_be_in_viewport()
