"""Pictures of every view at 1280 and 390 pixels, light and dark: `python -m tests.browser.screenshots`.

They go to tests/browser/out, which is not committed; the best of them is docs/screenshot.png.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import steps
from tests.browser.conftest import ARGUMENTS, Witness, chromium_path, open_page, start, stop

OUT = Path(__file__).parent / "out"
SIZES = {"wide": (1280, 900), "phone": (390, 844)}


def shoot(page: Page, name: str) -> None:
    size = page.viewport_size
    assert size
    whole = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": max(size["height"], whole)})
    page.wait_for_timeout(500)  # fonts, transitions and the figure have settled
    page.screenshot(path=OUT / f"{name}.png")
    page.set_viewport_size(size)


def walk(page: Page, name: str) -> None:
    shoot(page, f"{name}-1-start")
    page.locator("[data-example=sepsis_cohort]").click()
    steps.see_dataset(page, "sepsis_cohort.csv")
    shoot(page, f"{name}-2-report")
    page.get_by_role("tab", name="Variables").click()
    page.locator(".cs-variable summary", has_text="Levels").first.click()
    shoot(page, f"{name}-3-variables")
    page.get_by_role("tab", name="Preview").click()
    expect(page.locator(".cs-preview")).to_be_visible()
    shoot(page, f"{name}-4-preview")
    page.get_by_role("button", name="Continue to Outcome").click()
    expect(page.locator("#outcome-predictors_count")).not_to_have_text("0 chosen")
    shoot(page, f"{name}-5-form")
    steps.run(page)
    steps.rows(page)
    shoot(page, f"{name}-6-table")
    for number, view in enumerate(("Figure", "Details", "Methods", "Code"), start=7):
        steps.view(page, view)
        if view == "Figure":
            figure = page.locator("clinstat-figure").first
            figure.scroll_into_view_if_needed()  # it is drawn when it is looked at
            expect(figure.locator("svg.main-svg").first).to_be_visible()
        shoot(page, f"{name}-{number}-{view.lower()}")


def walk_all(browser: Browser, url: str) -> None:
    for size, (width, height) in SIZES.items():
        for mode in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=mode
            )
            walk(open_page(context, url, Witness()), f"{size}-{mode}")
            context.close()


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = start(Path(folder))
        try:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
            walk_all(browser, server.url)
            browser.close()
        finally:
            stop(server)


if __name__ == "__main__":
    main()
