"""A run draws its views once, when there is something new; its beginning draws nothing again."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.bench.bench_server import choose
from tests.bench.page_client import PageClient, open_page
from tests.browser.conftest import start, stop

pytestmark = pytest.mark.fault

VIEWS = ("outcome-card-badge", "outcome-card-table", "outcome-card-notes")


class Counting(dict[str, object]):
    """The outputs of a page, and how often each was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: Counter[str] = Counter()

    def update(self, found: dict[str, object]) -> None:  # type: ignore[override]
        self.sent.update(found.keys())
        super().update(found)


def test_views_are_drawn_once_for_each_answer(tmp_path: Path) -> None:
    own = start(tmp_path)

    async def story() -> list[dict[str, int]]:
        async with open_page(int(own.url.rsplit(":", 1)[1])) as page:
            seen: list[dict[str, int]] = []
            await page.open_example("synth_trial")
            await choose(page, 6, "active", range(2, 6))
            for level in ("95", "91", "95"):  # the last is remembered
                await page.send({"outcome-ci_level": level})
                page.values = counting = Counting()
                assert isinstance(page, PageClient)
                await page.run()
                await asyncio.sleep(0.5)
                seen.append({name: counting.sent[name] for name in VIEWS if counting.sent[name]})
            return seen

    try:
        first, second, third = asyncio.run(story())
    finally:
        stop(own)
    assert first["outcome-card-badge"] == first["outcome-card-table"] == 1
    assert second == first
    assert third == first
