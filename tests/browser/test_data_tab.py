"""The Data tab: examples, refusals in words, import options, variable table, preview."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import ROOT, Server

pytestmark = pytest.mark.browser


def test_an_example_is_opened_by_its_button(page: Page) -> None:
    first = page.locator(".cs-examples li").first
    title = first.locator("strong").text_content()
    first.get_by_role("button", name=f"Open {title}").click()
    expect(page.locator("#data-found h2")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("rows")
    page.get_by_role("button", name="Continue to Outcome").click()
    expect(page.get_by_role("heading", name="Outcome model")).to_be_visible()


def test_every_example_says_where_it_comes_from(page: Page) -> None:
    entries = page.locator(".cs-examples li")
    assert entries.count() >= 2
    for i in range(entries.count()):
        lines = entries.nth(i).locator("p").all_text_contents()
        assert len(lines) == 2
        assert all(lines)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40),
        ("empty.csv", b""),
        ("broken.xlsx", b"PK\x03\x04" + b"\x00" * 2_000),
        ("page.csv", b"<!doctype html><html><body><script>alert(1)</script></body></html>"),
    ],
)
def test_a_hostile_file_gets_a_sentence_and_the_server_goes_on(
    page: Page, server: Server, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    steps.upload(page, path)
    card = page.locator("#data-progress .cs-failure")
    expect(card).to_be_visible(timeout=20_000)
    sentence = card.text_content() or ""
    assert sentence.strip().endswith(".")
    for forbidden in ("Traceback", "Error", "/", "cause lies in Clinstat"):
        assert forbidden not in sentence
    assert server.answers()
    steps.upload(page, steps.DATA / "urine.csv")
    steps.see_dataset(page, "urine.csv")
    expect(card).to_have_count(0)


def test_a_file_above_the_limit_is_refused_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(51 * 1024 * 1024)
    sent: list[str] = []
    page.on(
        "request", lambda request: sent.append(request.url) if "/upload/" in request.url else None
    )
    steps.upload(page, path)
    expect(page.locator(".cs-upload-message").first).to_contain_text("larger than 50 MB")
    assert sent == []


def test_markup_in_names_and_values_stays_text(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "markup.csv"
    lines = ["<img src=x onerror=alert(1)>,a&b,<b>died</b>"]
    lines += [f"<i>{i % 3}</i>,{i},{'yes' if i % 2 else 'no'}" for i in range(40)]
    path.write_text("\n".join(lines), encoding="utf-8")
    steps.upload(page, path)
    steps.see_dataset(page, "markup.csv")
    page.get_by_role("tab", name="Preview").click()
    head = page.locator(".cs-preview thead th")
    expect(head.nth(1)).to_have_text("<img src=x onerror=alert(1)>")
    page.get_by_role("tab", name="Variables").click()
    expect(page.locator("#variable-0 .cs-name bdi")).to_have_text("<img src=x onerror=alert(1)>")
    steps.choose_outcome(page, "<b>died</b>", "yes")
    steps.run(page)
    assert [row[0] for row in steps.rows(page)][-1] == "a&b"
    assert page.locator("img").count() == 0


def test_import_options_read_the_file_again(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "no header.csv"
    path.write_text("age,died\n" + "".join(f"{40 + i},{i % 2}\n" for i in range(30)), "utf-8")
    steps.upload(page, path)
    steps.see_dataset(page, "no header.csv")
    expect(page.locator(".cs-import")).to_contain_text("30 rows")
    page.locator("summary:visible", has_text="Import options").click()
    page.get_by_label("Row with the column names").fill("0")
    page.get_by_role("button", name="Read again").click()
    expect(page.locator(".cs-import")).to_contain_text("31 rows")
    page.get_by_role("tab", name="Preview").click()
    expect(page.locator(".cs-preview tbody tr").first).to_contain_text("died")


def test_the_preview_turns_pages_on_the_server(page: Page) -> None:
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    page.get_by_role("tab", name="Preview").click()
    first = page.locator(".cs-preview tbody tr").first
    expect(first).to_contain_text("S001")
    assert page.locator(".cs-preview tbody tr").count() == 50
    page.get_by_role("button", name="Next").click()
    expect(first).to_contain_text("S051")
    page.get_by_role("button", name="Last").click()
    expect(first).to_contain_text("S251")
    assert page.locator(".cs-preview tbody tr").count() == 10
    expect(page.get_by_role("button", name="Next")).to_be_hidden()
    page.get_by_role("button", name="First").click()
    expect(first).to_contain_text("S001")


def open_variables(page: Page, name: str) -> None:
    steps.upload(page, steps.DATA / name)
    steps.see_dataset(page, name)
    page.get_by_role("tab", name="Variables").click()


def test_an_edit_of_the_variable_table_reaches_the_analysis(page: Page) -> None:
    open_variables(page, "synth_trial.csv")
    stage = page.locator("[data-column='5']")
    expect(stage.locator(".cs-name bdi")).to_have_text("stage")
    stage.get_by_label("Label", exact=True).fill("Tumour stage")
    stage.get_by_label("Label", exact=True).press("Tab")
    stage.locator("summary").click()
    stage.get_by_role("button", name="Move level III up").click()
    expect(stage.locator(".cs-levels .cs-value")).to_have_text(["I", "III", "II"])
    stage.get_by_label("Label of level I", exact=True).fill("first")
    stage.get_by_label("Label of level I", exact=True).press("Tab")
    expect(stage.locator("summary")).to_contain_text("Levels: first, III, II")
    steps.choose_outcome(page, "responder", "yes")
    steps.tick_predictors(page, ["Tumour stage"])
    steps.run(page)
    assert [row[0] for row in steps.rows(page)] == ["Tumour stage", "first", "III", "II"]


def test_an_edit_that_the_data_refuse_changes_nothing_and_says_why(page: Page) -> None:
    open_variables(page, "synth_trial.csv")
    stage = page.locator("[data-column='5']")
    stage.get_by_label("Kind").select_option("continuous")
    expect(stage.locator(".cs-failure")).to_contain_text("cannot be continuous")
    expect(stage.get_by_label("Kind")).to_have_value("ordered")


def test_a_wide_file_shows_forty_variables_and_can_be_searched(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    names = [f"marker {i:03}" for i in range(120)]
    rows = [",".join(f"{(i * 7 + j * 13) % 29}.5" for j in range(120)) for i in range(40)]
    path.write_text("\n".join([",".join(names), *rows]), encoding="utf-8")
    steps.upload(page, path)
    steps.see_dataset(page, "wide.csv")
    page.get_by_role("tab", name="Variables").click()
    expect(page.locator(".cs-variable")).to_have_count(40)
    page.get_by_label("Find a variable").fill("marker 11")
    expect(page.locator(".cs-variable")).to_have_count(10)


def test_the_bundled_examples_are_part_of_the_repository() -> None:
    assert (ROOT / "examples" / "catalogue.json").is_file()


def test_what_was_read_comes_into_view_on_a_phone(page: Page, phone: Page, tmp_path: Path) -> None:
    """It stands below the examples there; where it is in view already, nothing moves."""
    nonsense = tmp_path / "nonsense.csv"
    nonsense.write_bytes(bytes(range(256)) * 40)
    for seen in (phone, page):
        steps.upload(seen, nonsense)
        expect(seen.locator("#data-progress .cs-failure")).to_be_in_viewport()
        seen.evaluate("scrollTo(0, 0)")
        seen.locator("[data-example]").first.click()
        expect(seen.locator("#data-found h2")).to_be_in_viewport(ratio=1)
    assert phone.evaluate("scrollY") > 0
    assert page.evaluate("scrollY") == 0
