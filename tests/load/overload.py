"""The open loop: clicks arrive four times as fast as they can be answered, whatever happens.

capacity      a few pages, no pause between clicks, every click a new analysis
overload      clicks at four times that rate on pages that are free; what is refused gets
              a sentence at once, what is accepted is answered
recovery      seconds after the last click until a known result comes within 200 ms and a
              new one is not refused
crowd         four times as many pages as one address may open
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.load.visitor import LEVEL_FIELD, Deed, Visitor, VisitorPage, recording, visitor_page

CARD = "outcome-card"
FACTOR = 4
CACHED_GOAL_SECONDS, RECOVERY_SECONDS = 0.2, 10.0
_KNOWN = "95"


@dataclass
class Overload:
    """Answered per second alone and under overload; the clicks; seconds until all was well."""

    capacity: float = 0.0
    offered: float = 0.0
    goodput: float = 0.0
    deeds: list[Deed] = field(default_factory=list)
    recovery_seconds: float = float("inf")
    crowd: Counter[str] = field(default_factory=Counter)

    @property
    def shed(self) -> list[Deed]:
        return [d for d in self.deeds if d.problem and d.problem != "no answer"]

    @property
    def lost(self) -> list[Deed]:
        return [d for d in self.deeds if d.problem == "no answer"]


class ModelPage:
    """A page with the model chosen; every click may ask at another confidence level."""

    def __init__(self, page: VisitorPage, clicks: Iterator[int]) -> None:
        self._page = page
        self._clicks = clicks

    async def click(self, level: str) -> Deed:
        """Run the model at this confidence level."""
        frames = [
            {"method": "update", "data": {LEVEL_FIELD: level}},
            {"method": "update", "data": {"outcome-run:shiny.action": next(self._clicks)}},
        ]
        return await self._page.answered(CARD, frames, level, 60.0)


@contextlib.asynccontextmanager
async def model_pages(port: int, count: int) -> AsyncIterator[list[ModelPage]]:
    """Pages on which the recorded visit has come to the first model."""
    steps = itertools.takewhile(lambda s: s.name != "look at the figure", recording())
    wanted, few = [s for s in steps if "Table 1" not in s.name], asyncio.Semaphore(4)

    async def prepare(page: VisitorPage) -> str:
        visitor = Visitor(page, file=None, level=_KNOWN)
        async with few:
            for step in wanted:
                deed = await visitor.play(step)
                if deed is not None and deed.problem:
                    return f"{deed.name}: {deed.problem}"
                await asyncio.sleep(0.1)
        return ""

    async with contextlib.AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(visitor_page(port)) for _ in range(count)]
        problems = await asyncio.gather(*[prepare(page) for page in pages])
        for why, count in Counter(filter(None, problems)).items():
            print(f"{count} pages of the overload are not ready: {why}", file=sys.stderr)
        ready = [page for page, why in zip(pages, problems, strict=True) if not why]
        yield [ModelPage(page, itertools.count(2)) for page in ready]


def new_levels() -> Iterator[str]:
    """Confidence levels that nobody has asked for."""
    return (f"{60 + number / 1_000:.3f}" for number in itertools.count(1))


async def capacity(pages: list[ModelPage], levels: Iterator[str], seconds: float) -> float:
    """New analyses answered per second when every page clicks again at once."""
    until, answered = time.perf_counter() + seconds, 0

    async def again(page: ModelPage) -> int:
        done = 0
        while time.perf_counter() < until:
            deed = await page.click(next(levels))
            done += not deed.problem
        return done

    began = time.perf_counter()
    answered = sum(await asyncio.gather(*[again(page) for page in pages]))
    return answered / (time.perf_counter() - began)


async def flood(
    found: Overload, pages: list[ModelPage], levels: Iterator[str], seconds: float
) -> None:
    """Clicks at FACTOR times the capacity for `seconds`, then wait for what was accepted."""
    if not found.capacity > 0:
        return  # nothing was answered even alone: recovery stays infinite, and the trial fails
    rng, free, running = random.Random(7), list(pages), set[asyncio.Task[None]]()

    async def one(page: ModelPage) -> None:
        found.deeds.append(await page.click(next(levels)))
        free.append(page)

    began, clicks = time.perf_counter(), 0
    due = began
    while time.perf_counter() < began + seconds:
        due += rng.expovariate(FACTOR * found.capacity)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if free:
            task = asyncio.create_task(one(free.pop(0)))
            running.add(task)
            task.add_done_callback(running.discard)
            clicks += 1
    stopped = time.perf_counter()
    found.offered = clicks / (stopped - began)
    in_time = [d for d in found.deeds if not d.problem and d.began + d.seconds <= stopped]
    found.goodput = len(in_time) / (stopped - began)
    await recover(found, pages[0], free, levels, stopped)
    if running:
        await asyncio.wait(running)


async def recover(
    found: Overload, first: ModelPage, free: list[ModelPage], levels: Iterator[str], since: float
) -> None:
    """Seconds until all is well again; infinite when that takes three times the goal."""
    while time.perf_counter() < since + 3 * RECOVERY_SECONDS:
        if first in free:
            known, fresh = await first.click(_KNOWN), await first.click(next(levels))
            cached = known.source in {"memory", "disk"} and known.seconds <= CACHED_GOAL_SECONDS
            if cached and not fresh.problem:
                found.recovery_seconds = time.perf_counter() - since
                return
        await asyncio.sleep(0.1)


async def crowd(port: int, allowed: int) -> Counter[str]:
    """FACTOR times as many pages as are allowed knock; what each was told."""
    told: Counter[str] = Counter()
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(FACTOR * allowed):
            line = connect(f"ws://127.0.0.1:{port}/websocket/", ping_interval=None)
            try:
                await stack.enter_async_context(line)
            except InvalidStatus as refused:
                body = refused.response.body or b""
                told[f"{refused.response.status_code} {body.decode().strip()}"] += 1
            else:
                told["open"] += 1
    return told


async def overload(port: int, *, pages: int, seconds: float, allowed_pages: int) -> Overload:
    """Capacity, overload, recovery, crowd, one after the other."""
    found, levels = Overload(), new_levels()
    if pages:
        async with model_pages(port, pages) as opened:
            found.capacity = await capacity(opened[:8], levels, seconds)
            await flood(found, opened, levels, seconds)
    found.crowd = await crowd(port, allowed_pages)
    return found
