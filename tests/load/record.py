"""Record what a clinician's page sends: Chromium walks through Clinstat, its frames are kept.

Command: python -m tests.load.record. Writes clinician.json: steps with their frames, which
`tests.load.visitor` replays. To be run again when the fields of a form have changed.

Left out are frames that the replaying page makes itself: the heartbeat, the key of its workspace.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser import steps
from tests.browser.conftest import ARGUMENTS, chromium_path, start, stop

SCRIPT = Path(__file__).with_name("clinician.json")
SETTLE_MS = 700
#: Levels of confidence stand here in the recording; every visitor puts in his own.
LEVEL = "91"
_OWN = {"visit", "kept"}
_PREDICTORS = ("3", "4", "6", "7", "11", "22")  # age, sex, smoking, diabetes, stage, lactate


class Recorder:
    """Frames of a page, divided into steps."""

    def __init__(self, page: Page) -> None:
        self.steps: list[dict[str, Any]] = []
        self._page = page
        self._frames: list[dict[str, Any]] = []
        page.on("websocket", lambda s: s.on("framesent", self._sent))

    def _sent(self, payload: str | bytes) -> None:
        message = json.loads(payload)
        if message["method"] not in {"init", "update"}:
            return
        data = {k: v for k, v in message["data"].items() if k.split(":")[0] not in _OWN}
        if data:
            self._frames.append({"method": message["method"], "data": data})

    def step(self, name: str, kind: str, waits_for: str = "") -> None:
        """All that was sent since the last step belongs to this one."""
        self._page.wait_for_timeout(SETTLE_MS)
        frames, self._frames = self._frames, []
        self.steps.append({"name": name, "kind": kind, "waits_for": waits_for, "frames": frames})


def walk(page: Page, url: str) -> list[dict[str, Any]]:
    """Open a file, Table 1, a model, the same again, another level, survival; two downloads."""
    recorder = Recorder(page)
    page.goto(url)
    page.wait_for_selector(".cs-connection[data-state=connected]")
    recorder.step("arrive", "look")
    page.locator("[data-example=sepsis_cohort]").click()
    expect(page.locator("#data-found h2")).to_be_visible()
    recorder.step("open", "open", "data-found")
    page.get_by_role("tab", name="Table 1").click()
    page.wait_for_selector("#cohort-group option[value='12']", state="attached")
    page.select_option("#cohort-group", value="12")
    page.get_by_role("button", name="Select all of the variables shown").click()
    recorder.step("choose the groups of Table 1", "look")
    run(page, "cohort")
    recorder.step("run Table 1", "run", "cohort-card")
    steps.choose_outcome(page, "died_30d", "yes")
    steps.tick_predictors(page, [])
    for column in _PREDICTORS:
        page.locator(f"#outcome-predictors input[value='{column}']").check()
    recorder.step("choose the model", "look")
    run(page, "outcome")
    recorder.step("run the model", "run", "outcome-card")
    steps.view(page, "Figure")
    expect(page.locator("#outcome-card-figure")).to_be_visible()
    recorder.step("look at the figure", "look")
    run(page, "outcome")
    recorder.step("run the model again", "run", "outcome-card")
    recorder.step("save it as CSV", "download", "outcome-card-save_csv")
    level = page.locator("#outcome-ci_level")
    if not level.is_visible():
        page.locator("summary", has_text="More options").locator("visible=true").first.click()
    level.fill(LEVEL)
    level.press("Tab")
    recorder.step("choose another confidence level", "look")
    run(page, "outcome")
    recorder.step("run the model at that level", "run", "outcome-card")
    page.get_by_role("tab", name="Survival").click()
    page.wait_for_selector("#curves-time option[value='26']", state="attached")
    page.select_option("#curves-time", value="26")
    page.select_option("#curves-event", value="27")
    page.wait_for_selector("#curves-event_level option[value='1']", state="attached")
    page.select_option("#curves-event_level", value="1")
    page.select_option("#curves-group", value="12")
    recorder.step("choose survival", "look")
    run(page, "curves")
    recorder.step("run survival", "run", "curves-card")
    recorder.step("save it as Word", "download", "curves-card-save_docx")
    run(page, "curves")
    recorder.step("run survival again", "run", "curves-card")
    return recorder.steps


def run(page: Page, form: str) -> None:
    """Press the button of a form and wait for the badge."""
    page.locator(f"#{form}-run").click()
    expect(page.locator(f"#{form}-card-badge .cs-badge")).to_be_visible()


def main() -> None:
    """Record and keep."""
    with tempfile.TemporaryDirectory() as folder:
        server = start(Path(folder))
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium_path(), args=ARGUMENTS
                )
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.set_default_timeout(20_000)
                found = walk(page, server.url)
                browser.close()
        finally:
            stop(server)
    text = ",\n".join(json.dumps(step) for step in found)
    SCRIPT.write_text(f"[\n{text}\n]\n", encoding="utf-8")
    print(f"{len(found)} steps, {sum(len(s['frames']) for s in found)} frames, {len(text)} bytes")


if __name__ == "__main__":
    main()
