"""Forget my data: asked once more, done, told; the page starts anew and the server holds nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import steps
from tests.browser.conftest import Server, Witness, open_page, start, stop

pytestmark = pytest.mark.browser

LEVEL = "CANARYlevel41d07be9"
COLUMN = "CANARYcolumn90aa3c17"
NAME = "CANARYfile6b2e5f80.csv"


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of one test, whose directory is scanned."""
    running = start(tmp_path)
    yield running
    stop(running)


def table(place: Path) -> Path:
    rows = [f"{40 + i * 7 % 41},{(LEVEL, 'other')[i % 2]},{('no', 'yes')[i * i % 3 % 2]}"
            for i in range(240)]  # fmt: skip
    path = place / NAME
    path.write_text(f"{COLUMN},arm,died\n" + "\n".join(rows) + "\n")
    return path


def kept(place: Path) -> bytes:
    paths = [p for p in sorted((place / "cache").rglob("*")) if p.is_file()]
    return b"\n".join(str(p).encode() + p.read_bytes() for p in paths)


def forget(page: Page) -> None:
    page.get_by_role("tab", name="Data").click()
    page.get_by_role("button", name="Forget my data").click()
    page.get_by_role("button", name="Delete everything").click()


def test_everything_goes_and_a_receipt_says_so(
    browser: Browser, own_server: Server, witness: Witness, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = open_page(context, own_server.url, witness)
    key = page.evaluate("sessionStorage.getItem('clinstat.key')")
    upload = tmp_path / "outside"
    upload.mkdir()
    steps.upload(page, table(upload))
    steps.see_dataset(page, NAME)
    steps.choose_outcome(page, "died", "yes")
    steps.run(page)
    steps.rows(page)
    assert LEVEL.encode() in kept(tmp_path)
    assert NAME.encode() in kept(tmp_path)

    page.get_by_role("tab", name="Data").click()
    page.get_by_role("button", name="Forget my data").click()
    question = page.get_by_role("dialog", name="Forget my data?")
    expect(question).to_contain_text("It cannot be undone")
    page.get_by_role("button", name="Keep everything").click()
    expect(question).to_be_hidden()
    expect(page.locator("#data-found h2")).to_have_text(NAME)

    forget(page)
    receipt = page.locator(".cs-receipt")
    expect(receipt).to_contain_text("Your data are forgotten")
    expect(receipt).to_contain_text("Deleted: your file, 1 result (2 stored copies)")
    expect(page.locator(".cs-status")).to_contain_text("No dataset yet")
    expect(page.locator(".cs-connection")).to_have_attribute("data-state", "connected")
    assert page.evaluate("sessionStorage.getItem('clinstat.key')") != key
    content = kept(tmp_path)
    for canary in (LEVEL, COLUMN, NAME):
        assert canary.encode() not in content
        assert canary not in page.content()

    receipt.get_by_role("button", name="Close").click()
    expect(receipt).to_be_hidden()
    page.reload()
    expect(page.locator(".cs-connection")).to_have_attribute("data-state", "connected")
    expect(receipt).to_be_hidden()
    expect(page.locator(".cs-status")).to_contain_text("No dataset yet")
    # the page is whole again: another file can be opened
    steps.upload(page, steps.DATA / "urine.csv")
    steps.see_dataset(page, "urine.csv")
    context.close()


def test_the_old_key_opens_nothing_afterwards(
    browser: Browser, server: Server, witness: Witness
) -> None:
    context = browser.new_context()
    page = open_page(context, server.url, witness)
    steps.upload(page, steps.DATA / "urine.csv")
    steps.see_dataset(page, "urine.csv")
    key = page.evaluate("sessionStorage.getItem('clinstat.key')")
    forget(page)
    expect(page.locator(".cs-receipt")).to_be_visible()
    thief = open_page(context, server.url, witness)
    thief.evaluate("key => sessionStorage.setItem('clinstat.key', key)", key)
    thief.reload()
    expect(thief.locator(".cs-notice")).to_contain_text("Your earlier work on this page has ended")
    expect(thief.locator(".cs-status")).to_contain_text("No dataset yet")
    context.close()


def test_a_line_that_drops_meanwhile_brings_nothing_back(browser: Browser, server: Server) -> None:
    context = browser.new_context()
    page = open_page(context, server.url, Witness())
    steps.upload(page, steps.DATA / "urine.csv")
    steps.see_dataset(page, "urine.csv")
    # the answer of the server gets lost: the page does not start anew by itself
    page.evaluate(
        "() => { const socket = Shiny.shinyapp.$socket; const tell = socket.onmessage;"
        " socket.onmessage = (m) => { if (!String(m.data).includes('clinstat-forgotten')) tell(m); } }"
    )
    forget(page)
    time.sleep(1)
    page.evaluate("Shiny.shinyapp.$socket.close()")
    expect(page.locator(".cs-notice")).to_contain_text("Your earlier work on this page has ended")
    expect(page.locator(".cs-status")).to_contain_text("No dataset yet")
    context.close()


def test_what_is_kept_is_said_with_its_limits(page: Page, phone: Page) -> None:
    for seen in (page, phone):
        words = seen.locator(".cs-keeping")
        expect(words).to_contain_text("deleted 8 hours after you last used them")
        expect(words).to_contain_text("at the latest 24 hours after you began")
        expect(words).to_contain_text("at the latest after 7 days")
        expect(words.get_by_role("button", name="Forget my data")).to_be_visible()
