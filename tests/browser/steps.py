"""What a reader does on the page, as steps of the tests."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

DATA = Path(__file__).parents[1] / "reference" / "data"


def upload(page: Page, path: Path) -> None:
    page.set_input_files("#data-file", path)


def see_dataset(page: Page, name: str) -> None:
    expect(page.locator("#data-found h2")).to_have_text(name)


def tick_predictors(page: Page, names: list[str]) -> None:
    page.get_by_role("button", name="Clear of the predictors shown").click()
    expect(page.locator("#outcome-predictors_count")).to_have_text("0 chosen")
    for name in names:
        box = page.locator("#outcome-predictors").get_by_role(
            "checkbox", name=re.compile(rf"^{re.escape(name)} ")
        )
        box.check()
    expect(page.locator("#outcome-predictors_count")).to_have_text(f"{len(names)} chosen")


def choose_outcome(page: Page, outcome: str, event: str) -> None:
    page.get_by_role("tab", name="Outcome").click()
    page.select_option("#outcome-outcome", label=outcome)
    expect(page.locator(f"#outcome-event option[value='{event}']")).to_have_count(1)
    page.select_option("#outcome-event", value=event)


def run(page: Page) -> None:
    page.get_by_role("button", name="Run analysis").click()


def badge(page: Page, source: str) -> None:
    expect(page.locator(f".cs-badge[data-source={source}]")).to_be_visible()


def view(page: Page, name: str) -> None:
    page.locator("#outcome-card-view").get_by_role("tab", name=name).click()


def rows(page: Page) -> list[list[str]]:
    """The cells of the main table, spaces trimmed, one list per row of the body."""
    table = page.locator("#outcome-card-table table.cs-table")
    expect(table).to_be_visible()
    found = table.evaluate(
        "t => [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent))"
    )
    return [[cell.strip() for cell in row] for row in found]


_ESTIMATE = re.compile(r"^1 \(reference\)$|^[\d.]+ \([\d.]+ to [\d.∞]+\)$")


def estimates(page: Page) -> list[tuple[str, ...]]:
    """(label, estimate, ...) of every row that has estimates: crude, then adjusted."""
    return [
        (row[0], *cells) for row in rows(page)
        if (cells := [cell for cell in row[1:] if _ESTIMATE.match(cell)])
    ]  # fmt: skip
