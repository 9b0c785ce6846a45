"""A session saved to a file, opened on another server: the same choices, the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import steps
from tests.browser.conftest import Server, Witness, open_page, start, stop

pytestmark = pytest.mark.browser
TRIAL = steps.DATA / "synth_trial.csv"


@pytest.fixture(scope="module")
def other_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("other"))
    yield running
    stop(running)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(accept_downloads=True)
    yield opened
    opened.close()


def analyse(page: Page) -> list[list[str]]:
    steps.upload(page, TRIAL)
    steps.see_dataset(page, "synth_trial.csv")
    steps.choose_outcome(page, "responder", "no")
    steps.tick_predictors(page, ["age", "stage"])
    page.locator("#outcome-references select").select_option("III")
    steps.run(page)
    return steps.rows(page)


def unfold(page: Page) -> None:
    page.get_by_role("tab", name="Data").click()
    fold = page.locator("details:has(#data-session-save)")
    if fold.get_attribute("open") is None:
        fold.locator("summary").click()


def save(page: Page, place: Path, *, with_data: bool) -> Path:
    unfold(page)
    page.locator("#data-session-with_data").set_checked(with_data)
    page.wait_for_timeout(600)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Save session").click()
    download = waiting.value
    assert download.suggested_filename.startswith("synth_trial 20")
    assert download.suggested_filename.endswith(".clinstat")
    path = place / "saved.clinstat"
    download.save_as(path)
    return path


def open_session(page: Page, path: Path) -> None:
    unfold(page)
    page.set_input_files("#data-session-file", path)


def as_saved(page: Page) -> None:
    page.get_by_role("tab", name="Outcome").click()
    expect(page.locator("#outcome-event")).to_have_value("no")
    expect(page.locator("#outcome-predictors_count")).to_have_text("2 chosen")
    expect(page.locator("#outcome-references select")).to_have_value("III")


def test_with_its_data_it_opens_on_another_server(
    context: BrowserContext, server: Server, other_server: Server, witness: Witness, tmp_path: Path
) -> None:
    page = open_page(context, server.url, witness)
    table = analyse(page)
    page.get_by_role("tab", name="Data").click()
    page.locator("#data-found").get_by_role("tab", name="Variables").click()
    label = page.locator("[data-column='1'] [data-field=label]").first
    label.fill("A label of ours")
    label.press("Tab")
    page.wait_for_timeout(600)
    page.get_by_role("tab", name="Outcome").click()
    path = save(page, tmp_path, with_data=True)
    assert TRIAL.read_bytes() in path.read_bytes()

    away = open_page(context, other_server.url, witness)
    open_session(away, path)
    expect(away.locator(".cs-notice")).to_contain_text("The session is open")
    as_saved(away)
    assert (
        away.locator("#outcome-card-result .cs-table").count() == 0
    )  # nothing comes from the file
    steps.run(away)
    assert steps.rows(away) == table
    steps.badge(away, "computed")
    away.get_by_role("tab", name="Data").click()
    away.locator("#data-found").get_by_role("tab", name="Variables").click()
    expect(away.locator("[data-column='1'] [data-field=label]").first).to_have_value(
        "A label of ours"
    )
    away.reload()  # what was opened belongs to the workspace
    expect(away.locator("#data-found h2")).to_have_text("synth_trial.csv")


def test_without_its_data_it_asks_for_the_file(
    context: BrowserContext, server: Server, other_server: Server, witness: Witness, tmp_path: Path
) -> None:
    page = open_page(context, server.url, witness)
    table = analyse(page)
    path = save(page, tmp_path, with_data=False)
    assert path.stat().st_size < 20_000
    away = open_page(context, other_server.url, witness)
    open_session(away, path)
    card = away.locator("#data-session-progress .cs-failure")
    expect(card).to_contain_text('belongs to the file "synth_trial.csv"')
    expect(card).to_contain_text("Upload that file")
    steps.upload(away, steps.DATA / "urine.csv")
    steps.see_dataset(away, "urine.csv")
    open_session(away, path)
    expect(card).to_contain_text("which is not the file that is open")
    steps.upload(away, TRIAL)
    steps.see_dataset(away, "synth_trial.csv")
    # the page holds another event level by now; that of the session counts
    steps.choose_outcome(away, "responder", "yes")
    open_session(away, path)
    expect(away.locator(".cs-notice")).to_contain_text("The session is open")
    as_saved(away)
    steps.run(away)
    assert steps.rows(away) == table


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"CLINSTAT SESSION\n" + b"\xff" * 64])
def test_what_is_no_session_is_refused_in_a_sentence(
    page: Page, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "x.clinstat"
    path.write_bytes(content)
    open_session(page, path)
    card = page.locator("#data-session-progress .cs-failure")
    expect(card).to_be_visible()
    words = card.text_content() or ""
    assert "session" in words or "incomplete" in words
    for forbidden in ("Traceback", "Error", "cause lies in Clinstat"):
        assert forbidden not in words
    steps.upload(page, steps.DATA / "urine.csv")
    steps.see_dataset(page, "urine.csv")


def test_there_is_nothing_to_save_without_a_dataset(page: Page) -> None:
    unfold(page)
    page.get_by_role("link", name="Save session").click()
    expect(page.locator(".cs-notice")).to_contain_text("There is no dataset to save a session of")
