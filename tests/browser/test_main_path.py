"""Upload -> choices -> table -> repeat from memory -> Word, with the numbers of R.

Truth: tests/reference/truth/synth_trial__logistic.json (R 4.x glm; profile limits are roots of
the deviance). Tolerance: the digits that the page prints.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps

pytestmark = pytest.mark.browser

TRUTH = json.loads(
    (Path(__file__).parents[1] / "reference" / "truth" / "synth_trial__logistic.json").read_text(
        encoding="utf-8"
    )
)
PREDICTORS = ["site", "age", "sex", "bmi", "stage", "treatment"]


def printed(coefficient: dict) -> str:
    """Odds ratio and profile interval to two decimals, as every row of this table prints them."""
    limits = coefficient["profile_ci"]
    return f"{coefficient['exp_estimate']:.2f} ({limits['lower']:.2f} to {limits['upper']:.2f})"


def expected() -> list[tuple[str, str, str]]:
    """(label, crude, adjusted) of every row with an estimate, in the order of the table."""
    crude = {t["term"]: t["available_cases"]["coefficients"] for t in TRUTH["results"]["crude"]}
    adjusted: dict[str, list[dict]] = {}
    for row in TRUTH["results"]["adjusted"]["coefficients"]:
        adjusted.setdefault(row["term"], []).append(row)
    levels = {p["name"]: p.get("levels", []) for p in TRUTH["options"]["predictors"]}
    found = []
    for name in PREDICTORS:
        labels = levels[name][1:] if levels[name] else [name]
        pairs = zip(labels, crude[name], adjusted[name], strict=True)
        found += [(label, printed(c), printed(a)) for label, c, a in pairs]
    return found


def run_trial(page: Page) -> None:
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    steps.choose_outcome(page, "responder", "yes")
    steps.tick_predictors(page, PREDICTORS)
    steps.run(page)


def test_the_table_shows_the_numbers_of_r_and_the_second_run_comes_from_memory(page: Page) -> None:
    run_trial(page)
    steps.badge(page, "computed")
    shown = [row for row in steps.estimates(page) if row[1] != "1 (reference)"]
    assert shown == expected()
    steps.run(page)
    steps.badge(page, "memory")
    assert [row for row in steps.estimates(page) if row[1] != "1 (reference)"] == shown


def test_word_holds_the_numbers_of_the_page(page: Page, tmp_path: Path) -> None:
    from docx import Document

    run_trial(page)
    steps.rows(page)
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Word").click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.suffix == ".docx"
    cells = {
        cell.text.strip()
        for table in Document(str(path)).tables for row in table.rows for cell in row.cells
    }  # fmt: skip
    for _, crude, adjusted in expected():
        assert crude in cells
        assert adjusted in cells


@pytest.mark.parametrize(
    ("link", "magic"),
    [
        ("Excel", b"PK\x03\x04"), ("Web page (HTML)", b"<!doctype html>"),
        ("CSV (main table)", b"\xef\xbb\xbf"), ("SVG", b"<?xml"), ("PNG", b"\x89PNG"),
        ("PDF", b"%PDF"),
    ],
)  # fmt: skip
def test_every_kind_of_file_can_be_saved(
    page: Page, tmp_path: Path, link: str, magic: bytes
) -> None:
    run_trial(page)
    steps.rows(page)
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name=link, exact=True).click()
    path = tmp_path / "saved"
    waiting.value.save_as(path)
    assert path.read_bytes().startswith(magic)


def test_every_view_is_filled(page: Page) -> None:
    run_trial(page)
    steps.rows(page)
    steps.view(page, "Figure")
    figure = page.locator("clinstat-figure")
    expect(figure.locator("svg.main-svg").first).to_be_visible()
    assert figure.get_attribute("role") == "img"
    assert "Odds ratio" in (figure.get_attribute("aria-label") or "")
    steps.view(page, "Details")
    expect(page.get_by_text("Rows used and left out")).to_be_visible()
    steps.view(page, "Methods")
    expect(page.locator("#outcome-card-methods")).to_contain_text("logistic regression")
    steps.view(page, "Code")
    expect(page.locator("#outcome-card-code")).to_contain_text("logic.analyze_outcome(")


def test_the_figure_library_is_loaded_only_with_the_first_figure(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    run_trial(page)
    steps.rows(page)
    assert not [url for url in asked if "plotly" in url]
    steps.view(page, "Figure")
    expect(page.locator("clinstat-figure svg.main-svg").first).to_be_visible()
    assert len([url for url in asked if "plotly" in url]) == 1


def test_a_journal_style_changes_the_print_and_not_the_result(page: Page) -> None:
    run_trial(page)
    before = steps.rows(page)
    badge = page.locator(".cs-badge").text_content()
    page.select_option("#outcome-card-style", "lancet")
    expect(page.locator("#outcome-card-table")).to_contain_text("·")
    after = steps.rows(page)
    assert [re.sub(r"·", ".", row[3]).replace("–", " to ") for row in after] == [
        r[3] for r in before
    ]
    assert page.locator(".cs-badge").text_content() == badge


def test_changed_choices_are_said_until_the_next_run(page: Page) -> None:
    run_trial(page)
    steps.rows(page)
    line = page.get_by_text("The choices have changed since this result was made")
    expect(line).to_have_count(0)
    steps.tick_predictors(page, PREDICTORS[:3])
    expect(line).to_be_visible()
    steps.run(page)
    expect(line).to_have_count(0)
