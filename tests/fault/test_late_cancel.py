"""A click on Cancel that arrives when the run has just ended takes nothing away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.bench.bench_load_memory import csv_file
from tests.bench.bench_server import choose
from tests.bench.page_client import open_page
from tests.browser.conftest import start, stop

pytestmark = pytest.mark.fault

BADGE = "outcome-card-badge"


class Badges(dict[str, Any]):
    """The outputs of a page, and every badge that it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def update(self, found: dict[str, Any]) -> None:  # type: ignore[override]
        if BADGE in found:
            self.sent.append(str(found[BADGE]))
        super().update(found)


def test_a_late_cancel_keeps_the_whole_answer(tmp_path: Path) -> None:
    file = csv_file(tmp_path / "large.csv", 1, rows=50_000)
    own = start(tmp_path)

    async def story() -> tuple[list[str], list[str]]:
        async with open_page(int(own.url.rsplit(":", 1)[1])) as page:
            await page.upload(file)
            await choose(page, 0, "1", range(1, 61))
            page.values = badges = Badges()
            await page.run()
            before = [*badges.sent]
            await page.send({"outcome-card-cancel:shiny.action": 1})
            await page.changed("outcome-plan-price", {"outcome-ci_level": "90"})
            await asyncio.sleep(0.5)
            return before, badges.sent[len(before) :]

    try:
        before, after = asyncio.run(story())
    finally:
        stop(own)
    assert "So far, after" in before[0]  # something was told before the end
    assert "after 0 ms" not in before[0]
    assert "So far" not in before[-1]
    assert after == []


def test_cancel_keeps_the_first_rows_and_says_what_they_are(tmp_path: Path) -> None:
    file = csv_file(tmp_path / "large.csv", 1, rows=50_000)
    own = start(tmp_path)

    async def story() -> tuple[str, str]:
        async with open_page(int(own.url.rsplit(":", 1)[1])) as page:
            await page.upload(file)
            await choose(page, 0, "1", range(1, 61))
            for level in range(90, 95):  # the run may end before the click arrives
                page.values.pop(BADGE, None)
                page.values.pop("outcome-card-progress", None)
                await page.send({"outcome-ci_level": str(level)})
                await page.send({"outcome-run:shiny.action": level})
                await page.until(lambda: page.values.get(BADGE) is not None)
                await page.send({"outcome-card-cancel:shiny.action": level})
                await asyncio.sleep(1.5)
                if "stopped" in str(page.values["outcome-card-progress"]):
                    break
            return str(page.values["outcome-card-progress"]), str(page.values[BADGE])

    try:
        told, badge = asyncio.run(story())
    finally:
        stop(own)
    assert "its intervals are Wald" in told
    assert "So far, after" in badge
