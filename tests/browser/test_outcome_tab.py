"""The Outcome tab: what is guessed and what is not, exposure, units, separation, Cancel."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps

pytestmark = pytest.mark.browser


def open_trial(page: Page) -> None:
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    page.get_by_role("tab", name="Outcome").click()


def test_the_event_of_two_words_is_not_guessed(page: Page) -> None:
    open_trial(page)
    page.select_option("#outcome-outcome", label="treatment")
    event = page.locator("#outcome-event")
    expect(event.locator("option")).to_have_text(["Choose the event", "control", "active"])
    expect(event).to_have_value("")
    steps.tick_predictors(page, ["age"])
    steps.run(page)
    refusal = page.locator("#outcome-card-progress .cs-failure")
    expect(refusal).to_contain_text("is the event")
    expect(refusal).to_contain_text("control")
    page.select_option("#outcome-event", "active")
    steps.run(page)
    steps.rows(page)
    expect(refusal).to_have_count(0)
    expect(page.locator("#outcome-card-table caption")).to_contain_text("treatment = active")


def test_identifiers_are_not_offered_and_the_outcome_is_no_predictor(page: Page) -> None:
    open_trial(page)
    page.select_option("#outcome-outcome", label="responder")
    expect(page.locator("#outcome-event")).to_have_value("yes")
    offered = page.locator("#outcome-predictors bdi")
    expect(offered.first).to_have_text("site")
    names = offered.all_text_contents()
    assert "id" not in names
    assert "responder" not in names


def test_a_chosen_reference_is_the_reference_of_the_table(page: Page) -> None:
    open_trial(page)
    steps.choose_outcome(page, "responder", "yes")
    steps.tick_predictors(page, ["stage"])
    page.locator("#outcome-references select").select_option("III")
    steps.run(page)
    references = [row[0] for row in steps.estimates(page) if row[1] == "1 (reference)"]
    assert references == ["III"]


def test_an_exposure_shows_its_rows_and_names_the_covariates(page: Page) -> None:
    open_trial(page)
    steps.choose_outcome(page, "responder", "yes")
    steps.tick_predictors(page, ["age", "sex", "treatment"])
    page.locator("#outcome-exposure").select_option(label="treatment")
    steps.run(page)
    rows = [row[0] for row in steps.rows(page)]
    assert "treatment" in rows
    expect(page.locator("#outcome-card-table")).to_contain_text("djusted for")


def test_units_change_the_odds_ratio_and_its_label(page: Page) -> None:
    open_trial(page)
    steps.choose_outcome(page, "responder", "yes")
    steps.tick_predictors(page, ["age"])
    page.locator("summary:visible", has_text="Units of odds ratios").click()
    field = page.locator("#outcome-scale input")
    field.fill("10")
    field.press("Tab")
    steps.run(page)
    expect(page.locator("#outcome-card-table tbody")).to_contain_text("per 10")
    # exp(10 x -0.0353138954) with R's profile limits 0.940353 and 0.989807 raised to the tenth.
    assert steps.estimates(page)[0][1] == "0.70 (0.54 to 0.90)"
    field.fill("ten")
    field.press("Tab")
    steps.run(page)
    expect(page.locator("#outcome-card-progress .cs-failure")).to_contain_text("SD or IQR")


def test_separation_is_said_in_words_and_not_printed_as_an_estimate(
    page: Page, tmp_path: Path
) -> None:
    # 0/22 against 90/378: Firth's odds ratio is that of the table with a half added to each cell,
    # (0.5 / 22.5) / (90.5 / 288.5) = 0.0708.
    path = tmp_path / "separated.csv"
    lines = ["treated,died", *["yes,no"] * 22, *["no,yes"] * 90, *["no,no"] * 288]
    path.write_text("\n".join(lines), encoding="utf-8")
    steps.upload(page, path)
    steps.see_dataset(page, "separated.csv")
    steps.choose_outcome(page, "died", "yes")
    steps.run(page)
    (row,) = [row for row in steps.estimates(page) if row[0] == "yes"]
    assert row[1].startswith("0.071 (")
    expect(page.locator("#outcome-card-notes")).to_contain_text("Firth")


def test_a_long_run_can_be_cancelled(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    names = [f"x{j}" for j in range(40)]
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join([*names, "died"]) + "\n")
        for i in range(40_000):
            cells = [str((i * (7 + 2 * j) + j * j) % 997 / 10) for j in range(40)]
            file.write(",".join(cells) + f",{(i * i + i // 3) % 2}\n")
    steps.upload(page, path)
    steps.see_dataset(page, "long.csv")
    steps.choose_outcome(page, "died", "1")
    page.get_by_role("button", name="Select all of the predictors shown").click()
    expect(page.locator("#outcome-predictors_count")).to_have_text("40 chosen")
    page.locator("summary:visible", has_text="More options").click()
    page.locator("#outcome-method").select_option("firth")
    steps.run(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#outcome-card-progress .cs-running")).to_have_count(0)
    expect(page.locator("#outcome-card-result .cs-table")).to_have_count(0)
    expect(page.locator("#outcome-card-progress .cs-failure")).to_have_count(0)
