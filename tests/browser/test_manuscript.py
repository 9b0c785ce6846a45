"""The way of a manuscript with an example: Table 1, Kaplan-Meier, Cox, Word; numbers of R."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from docx import Document
from playwright.sync_api import Page, expect

TRUTH = Path(__file__).parents[1] / "reference" / "truth"
SECONDS = 300.0

pytestmark = pytest.mark.browser


def truth(name: str) -> dict[str, object]:
    return json.loads((TRUTH / name).read_text(encoding="utf-8"))["results"]


def choose(page: Page, field: str, label: str) -> None:
    option = page.locator(f"{field} option").filter(has_text=label).first
    option.wait_for(state="attached")
    page.select_option(field, label=label)


def open_tab(page: Page, name: str, part: str = "") -> None:
    page.get_by_role("tab", name=name, exact=True).click()
    if part:
        page.get_by_role("tab", name=part, exact=True).click()


def run(page: Page, form: str) -> str:
    page.locator(f"#{form}-run").click()
    table = page.locator(f"#{form}-card-table table.cs-table")
    expect(table).to_be_visible()
    return table.inner_text()


def saved(page: Page, form: str, kind: str, path: Path) -> Path:
    page.locator(f"#{form}-card-result").get_by_role("button", name="Download").click()
    with page.expect_download() as waiting:
        page.locator(f"#{form}-card-result").get_by_role("link", name=kind, exact=True).click()
    waiting.value.save_as(path)
    return path


def test_from_table_one_to_word(page: Page, tmp_path: Path) -> None:
    began = time.monotonic()
    page.locator("button[data-example=melanoma]").click()
    expect(page.locator("#data-found h2")).to_have_text("melanoma.csv")

    open_tab(page, "Table 1")
    choose(page, "#cohort-group", "ulcer")
    expect(page.locator("#cohort-variables_count")).to_have_text("6 chosen")
    shown = run(page, "cohort")
    assert "0 (N = 115)" in shown
    assert "1 (N = 90)" in shown

    open_tab(page, "Survival")
    choose(page, "#curves-time", "time")
    choose(page, "#curves-event", "status")
    choose(page, "#curves-event_level", "1")
    choose(page, "#curves-group", "sex")
    shown = run(page, "curves")
    logrank = truth("melanoma__km_logrank.json")["logrank"]
    assert f"{logrank['p']:.3f}" in shown
    assert "28/126" in shown
    assert "29/79" in shown
    page.locator("#curves-card-view").get_by_role("tab", name="Figure").click()
    expect(page.locator("clinstat-figure svg.main-svg").first).to_be_visible()

    # what was chosen for the curves is where the model starts
    open_tab(page, "Outcome", "Time to an event")
    expect(page.locator("#cox-time option:checked")).to_have_text("time")
    expect(page.locator("#cox-event option:checked")).to_have_text("status")
    expect(page.locator("#cox-event_level")).to_have_value("1")
    page.locator("button[data-ticks=cox-predictors_box][data-on=false]").click()
    for name in ("age", "thickness", "sex", "ulcer"):
        page.locator("#cox-predictors").get_by_role("checkbox", name=name).check()
    expect(page.locator("#cox-predictors_count")).to_have_text("4 chosen")
    page.locator("summary:visible", has_text="More options").click()
    choose(page, "#cox-interval", "Wald")
    shown = run(page, "cox")
    fitted = truth("melanoma__cox.json")["adjusted_efron"]["coefficients"]
    words = [printed(row) for row in fitted]
    for word in words:
        assert word in shown

    path = saved(page, "cox", "Word", tmp_path / "cox.docx")
    tables = Document(str(path)).tables
    cells = {cell.text.strip() for table in tables for row in table.rows for cell in row.cells}
    assert set(words) <= cells
    assert time.monotonic() - began < SECONDS


def printed(row: dict[str, float]) -> str:
    """A hazard ratio as the plain style prints it, from R's digits."""
    low, high = row["ci"]["lower"], row["ci"]["upper"]
    places = 3 if 0.99 < low < 1 or 1 < high < 1.005 else 2
    return f"{row['hr']:.2f} ({low:.{places}f} to {high:.2f})"
