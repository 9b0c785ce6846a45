"""A page that loses its line, is loaded anew, or finds its server started anew: nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import steps
from tests.browser.conftest import Server, Witness, open_page, start, stop

pytestmark = pytest.mark.browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    yield opened
    opened.close()


def analyse(page: Page) -> list[list[str]]:
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    steps.choose_outcome(page, "responder", "yes")
    steps.tick_predictors(page, ["age", "stage"])
    page.locator("#outcome-references select").select_option("III")
    steps.run(page)
    return steps.rows(page)


def same_work(page: Page, table: list[list[str]]) -> None:
    expect(page.locator("#outcome-card-result .cs-table").first).to_be_visible()
    assert steps.rows(page) == table
    expect(page.locator("#outcome-predictors_count")).to_have_text("2 chosen")
    expect(page.locator("#outcome-event")).to_have_value("yes")
    expect(page.locator("#outcome-references select")).to_have_value("III")
    expect(page.locator("#outcome-card-changed .cs-note")).to_have_count(0)


def test_a_dropped_line_comes_back_with_everything(context: BrowserContext, server: Server) -> None:
    page = open_page(context, server.url, Witness())
    table = analyse(page)
    began = time.monotonic()
    page.evaluate("Shiny.shinyapp.$socket.close()")
    expect(page.locator(".cs-connection")).to_contain_text("Back: nothing lost")
    same_work(page, table)
    assert time.monotonic() - began < 10
    # edits after the return reach the server
    page.locator("#outcome-references select").select_option("II")
    expect(page.locator("#outcome-card-changed .cs-note")).to_be_visible()


def test_a_reload_brings_the_work_back(context: BrowserContext, server: Server) -> None:
    page = open_page(context, server.url, Witness())
    table = analyse(page)
    time.sleep(1)  # inputs are kept half a second after they change
    page.reload()
    same_work(page, table)
    expect(page.get_by_role("tab", name="Outcome")).to_have_attribute("aria-selected", "true")


def test_a_server_started_anew_knows_the_work(context: BrowserContext, tmp_path: Path) -> None:
    first = start(tmp_path)
    port = first.url.rsplit(":", 1)[1]
    second = None
    try:
        page = open_page(context, first.url, Witness())
        table = analyse(page)
        time.sleep(1)
        first.process.kill()
        first.process.wait(timeout=10)
        expect(page.locator(".cs-connection")).to_contain_text("Reconnecting")
        second = start(tmp_path, PORT=port)
        expect(page.locator(".cs-connection")).to_contain_text("Back: nothing lost")
        same_work(page, table)
        page.reload()
        same_work(page, table)
    finally:
        stop(first)
        if second is not None:
            stop(second)


def test_another_tab_sees_nothing(context: BrowserContext, server: Server) -> None:
    page = open_page(context, server.url, Witness())
    analyse(page)
    other = open_page(context, server.url, Witness())
    expect(other.locator(".cs-status")).to_contain_text("No dataset yet")
    page.bring_to_front()
    expect(page.locator("#outcome-card-result .cs-table").first).to_be_visible()


def test_the_key_of_the_workspace_stands_in_no_address_and_no_log(
    context: BrowserContext, server: Server
) -> None:
    page = open_page(context, server.url, Witness())
    analyse(page)
    key = page.evaluate("sessionStorage.getItem('clinstat.key')")
    assert len(key) == 64
    assert key not in page.url
    assert key not in server.log.read_text(encoding="utf-8")
    assert key not in page.content()
