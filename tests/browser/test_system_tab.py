"""The tab System in a browser: its numbers, its buttons, its silence when it is closed."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import steps
from tests.browser.conftest import Server, Witness, open_page, start, stop

pytestmark = pytest.mark.browser
SECRET = "an-admin-secret-of-ours"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a secret and counters of its own."""
    running = start(tmp_path_factory.mktemp("kept"), ADMIN_SECRET=SECRET)
    yield running
    stop(running)


def visit(browser: Browser, kept: Server, witness: Witness, width: int = 1280) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 900})
    return open_page(context, kept.url, witness)


def run_a_model(page: Page, predictor: str) -> None:
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    steps.choose_outcome(page, "treatment", "active")
    steps.tick_predictors(page, [predictor])
    expect(page.locator("#outcome-plan-price")).not_to_be_empty()
    steps.run(page)
    steps.rows(page)


def open_system(page: Page) -> None:
    page.get_by_role("tab", name="System").click()
    expect(page.locator(".cs-tiles")).to_be_visible()


def tile(page: Page, title: str):
    return page.locator(".cs-tiles > div", has_text=title)


def stats(kept: Server) -> dict:
    time.sleep(1.1)  # the server keeps an answer for a second
    request = urllib.request.Request(
        f"{kept.url}/api/stats", headers={"Authorization": f"Bearer {SECRET}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_the_page_shows_the_counters_and_clears_what_is_its_own(
    browser: Browser, kept: Server, witness: Witness
) -> None:
    page, other = visit(browser, kept, witness), visit(browser, kept, witness)
    run_a_model(page, "age")
    steps.run(page)
    steps.badge(page, "memory")
    run_a_model(other, "bmi")
    open_system(page)

    counted = stats(kept)["cache"]
    calls = sum(f["calls"] for f in counted["functions"].values())
    hits = sum(sum(f["hits"].values()) for f in counted["functions"].values())
    expect(tile(page, "Hit rate").locator("small")).to_have_text(f"{hits} of {calls} calls")
    expect(tile(page, "Entries in memory").locator("b")).to_have_text(
        str(counted["memory"]["entries"])
    )
    expect(tile(page, "Open pages").locator("b")).to_have_text("2")
    expect(page.locator("clinstat-trend svg").first).to_be_visible()
    expect(page.locator("clinstat-meter svg")).to_be_visible()

    # its own entry only, and the other's survives its "all"
    entries = page.locator("#system-entries-table tbody tr")
    expect(entries).to_have_count(1)
    html = page.locator("main.cs-system").inner_html()
    for canary in ("synth_trial", "treatment", "active<", "bmi"):
        assert canary not in html
    key = page.evaluate("sessionStorage.getItem('clinstat.key')")
    assert key
    assert key not in html
    page.get_by_role("button", name="Clear all shown").click()
    expect(page.locator("#system-entries-said")).to_contain_text("2 entries cleared")
    expect(entries).to_have_count(0)
    assert stats(kept)["cache"]["memory"]["entries"] == counted["memory"]["entries"] - 1
    page.get_by_role("tab", name="Outcome").click()
    steps.run(page)
    steps.badge(page, "computed")
    open_system(page)
    expect(page.locator("#system-miss")).to_contain_text("the first of its kind lately")
    expect(entries).to_have_count(1)
    page.get_by_role("button", name="Clear this entry of analyze_outcome").click()
    expect(entries).to_have_count(0)

    # everybody's entries only with the secret
    page.get_by_text("For whoever runs the server").click()
    secret = page.get_by_label("Secret of the server")
    secret.fill("not the secret of ours")
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("#system-keeper-said")).to_contain_text("did not unlock")
    expect(entries).to_have_count(0)
    secret.fill(SECRET)
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("#system-keeper-said")).to_contain_text("Unlocked for 15 minutes")
    expect(entries).to_have_count(1)
    assert SECRET not in page.content()
    page.get_by_role("button", name="Check the counts").click()
    expect(page.locator("#system-keeper-said")).to_have_text("Every count adds up.")
    page.get_by_role("button", name="Clear all shown").click()
    expect(entries).to_have_count(0)
    assert stats(kept)["cache"]["memory"]["entries"] == 0


def test_a_closed_tab_is_asked_nothing_and_nothing_overflows_a_phone(
    browser: Browser, kept: Server, witness: Witness, tmp_path: Path
) -> None:
    page = visit(browser, kept, witness)
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda f: frames.append(str(f))))
    page.reload()
    page.wait_for_selector(".cs-connection[data-state=connected]")
    open_system(page)
    page.wait_for_timeout(2_500)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("tab", name="Data").click()
    page.wait_for_timeout(2_500)  # what was under way has ended
    before = len(frames)
    page.wait_for_timeout(5_000)
    told = [f for f in frames[before:] if re.search(r"system-(tiles|functions|runs)", f)]
    assert told == []
