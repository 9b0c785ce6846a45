"""The closed loop: so many visitors at a time, each thinking between two clicks, one after another.

A closed page makes room for the next visitor, so the number of open pages stays the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass, field

from websockets.exceptions import WebSocketException

from tests.load.patients import PatientLists
from tests.load.visitor import Deed, Visitor, recording, visitor_page

PROBE_SECONDS = 0.2


@dataclass
class Account:
    """What all visitors waited for, the probe's heartbeats (began, seconds), whole visits."""

    deeds: list[Deed] = field(default_factory=list)
    beats: list[tuple[float, float]] = field(default_factory=list)
    visits: int = 0
    notices: set[str] = field(default_factory=set)


async def visits(
    port: int, place: int, until: float, account: Account, lists: PatientLists,
    think_seconds: float, ramp_seconds: float,
) -> None:  # fmt: skip
    """One visitor after the other on one place, until the time is over."""
    rng = random.Random(place)
    await asyncio.sleep(rng.uniform(0, ramp_seconds))
    while time.perf_counter() < until:
        began = time.perf_counter()
        try:
            async with visitor_page(port) as page:
                visitor = Visitor(page, file=lists.next(), level=lists.level())
                for step in recording():
                    if time.perf_counter() >= until:
                        return
                    deed = await visitor.play(step)
                    account.deeds += [deed] if deed else []
                    await asyncio.sleep(rng.uniform(0.5, 1.5) * think_seconds)
                account.visits += 1
                account.notices.update(page.notices)
        except (WebSocketException, OSError, TimeoutError) as error:
            took = time.perf_counter() - began
            problem = f"the line broke ({type(error).__name__})"
            account.deeds.append(Deed(began, "visit", "line", took, "", problem))


async def probe(port: int, account: Account) -> None:
    """Ask a page of its own for a sign of life, five times a second: how far the loop lags."""
    async with visitor_page(port) as page:
        await page.send(recording()[0].frames[0]["data"], "init")
        await page.beat()
        while True:
            began = time.perf_counter()
            account.beats.append((began, await page.beat()))
            await asyncio.sleep(PROBE_SECONDS)


async def closed_loop(
    port: int, lists: PatientLists, *, sessions: int, seconds: float, think_seconds: float
) -> Account:
    """`sessions` visitors at a time for `seconds`; the first come in over a tenth of the time."""
    account, ramp = Account(), min(30.0, seconds / 10)
    until = time.perf_counter() + seconds
    probing = asyncio.create_task(probe(port, account))
    async with asyncio.TaskGroup() as group:
        for place in range(sessions):
            group.create_task(visits(port, place, until, account, lists, think_seconds, ramp))
    probing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await probing
    return account
