"""A validation that runs for seconds, as steps of the tests of what happens meanwhile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Locator, Page, expect

PREDICTORS = 10


def write_patients(path: Path, rows: int = 3_000) -> None:
    """Patients whose model takes seconds to validate."""
    rng = np.random.default_rng(21)
    x = rng.normal(size=(rows, PREDICTORS)).round(3)
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(PREDICTORS)])
    risk = 1 / (1 + np.exp(1 - x[:, 0] - 0.5 * x[:, 1]))
    frame.insert(0, "died", np.where(rng.random(rows) < risk, "yes", "no"))
    frame.to_csv(path, index=False)


def choose(page: Page) -> None:
    """Choose everything but the seed, once the file is read and the tab Outcome is open."""
    page.get_by_role("tab", name="Validate").click()
    page.select_option("#validate-outcome", label="died")
    expect(page.locator("#validate-event option[value='yes']")).to_have_count(1)
    page.select_option("#validate-event", value="yes")
    page.locator("input[name='validate-quality'][value='publication']").check()
    expect(page.locator("#validate-predictors_count")).to_have_text(f"{PREDICTORS} chosen")


def seed(page: Page, number: int) -> None:
    """Another seed is another run."""
    page.evaluate(f"Shiny.setInputValue('validate-seed', '{number}')")


def run(page: Page) -> None:
    page.locator("#validate-run").click()


def running(page: Page) -> Locator:
    return page.locator("#validate-card-progress .cs-running")


def see_end(page: Page) -> None:
    """The whole result stands in the page."""
    badge = page.locator("#validate-card-badge .cs-badge:not([data-source=partial])")
    expect(badge).to_be_visible(timeout=60_000)
    expect(running(page)).to_have_count(0)
