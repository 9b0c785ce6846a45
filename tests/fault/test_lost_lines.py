"""Lines that break at any moment: nothing is lost, nothing runs twice, everything is back at once.

Pages without a browser (`wire_page`) reach a real server through a proxy that breaks their lines
(`tcp_proxy`): while a file is sent, while nothing happens, in the moment of a click, while an
analysis waits or runs, and when it is finished. Counted are the analyses that the server really
computed; tables are compared with those of a server whose lines never broke.

A part is a server, fifteen pages and 90 drops. FAULT_SCALE in the environment is the number of parts
(1 in the suite).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.browser.conftest import Server, start, stop
from tests.fault.cache_faults import SCALE, report
from tests.fault.tcp_proxy import KINDS, TcpProxy
from tests.fault.wire_page import BEAT_LOST_SECONDS, BEAT_SECONDS, LineLost, WirePage, wire_page

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300 if SCALE <= 1 else 900)]

PARTS = max(1, round(SCALE))
PAGES = max(1, int(15 * min(SCALE, 1)))
AT_ONCE = 2
PHASES = ("upload", "idle", "click", "running", "running", "finished")
#: On a machine that is not loaded; where more wants to run than there are processors, it takes
#: longer in proportion.
ON_SCREEN_SECONDS = 2.0
#: Nothing is waited for so long; on a loaded machine what comes late is told as late.
GIVE_UP_SECONDS = 120.0
ROWS, PREDICTORS = 1_500, 6
#: So long a silent line goes unnoticed by the page at most.
UNNOTICED_SECONDS = BEAT_SECONDS + BEAT_LOST_SECONDS


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patients whose model takes about half a second to validate."""
    rng = np.random.default_rng(20)
    x = rng.normal(size=(ROWS, PREDICTORS)).round(3)
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(PREDICTORS)])
    risk = 1 / (1 + np.exp(1 - x[:, 0] - 0.5 * x[:, 1]))
    frame.insert(0, "died", np.where(rng.random(ROWS) < risk, "yes", "no"))
    path = tmp_path_factory.mktemp("file") / "patients.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = start(tmp_path, WRITES_PER_MINUTE="100000", PAGES_PER_ADDRESS="300")
    yield running
    stop(running)


def port_of(server: Server) -> int:
    return int(server.url.rsplit(":", 1)[1])


def ledger(server: Server) -> tuple[int, int]:
    """How many analyses were computed, and how many jobs the quick lane was given."""
    time.sleep(1.1)  # the answer is kept for a second
    with urllib.request.urlopen(f"{server.url}/api/stats", timeout=10) as answer:
        found = json.load(answer)
    computes = found["cache"]["functions"]["validate_outcome_model"]["computes"]
    return computes, found["lanes"]["quick"]["started"]


@dataclass
class Account:
    """What happened: drops by phase and kind, lines hit, seconds until the page was whole."""

    drops: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    tables: dict[int, str] = field(default_factory=dict)
    resent: int = 0
    late: list[str] = field(default_factory=list)


class Trial:
    """One page behind its own proxy, and what is done to it."""

    def __init__(self, page: WirePage, proxy: TcpProxy, rng: random.Random, account: Account):
        self.page, self.proxy, self.rng, self.account = page, proxy, rng, account

    async def drop(self, phase: str, whole) -> None:
        """Break the line now, mend it after a while, and see when the page is `whole`."""
        kind = self.rng.choice(KINDS)
        before = self.page.connections
        assert self.proxy.drop(kind) >= 1, "no line was open: this injects nothing"
        self.page.tell(f"{kind} while {phase}")
        self.account.drops[kind] += 1
        self.account.phases[phase] += 1
        quiet = kind in ("black hole", "late")
        least = UNNOTICED_SECONDS if quiet else 0.02
        await asyncio.sleep(self.rng.uniform(least, least + 0.6))
        self.proxy.restore()
        self.page.tell("network back")
        began = time.monotonic()
        await self.page.until(lambda: self.page.connections > before and whole(), GIVE_UP_SECONDS)
        took = time.monotonic() - began
        self.account.seconds.append(took)
        busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        if took > ON_SCREEN_SECONDS * busy:
            self.account.late.append(f"{phase}, {kind}: {took:.2f} s at {busy:.1f} times the load")

    async def upload(self, file: Path) -> None:
        page = self.page
        sending = asyncio.create_task(page.upload(file))
        await asyncio.sleep(self.rng.uniform(0, 0.08))
        await self.drop("upload", lambda: page.known)
        try:
            await asyncio.wait_for(sending, 10)
        except (LineLost, OSError, TimeoutError):
            self.account.resent += 1
        # The file may have arrived whole before the line broke; otherwise it is sent again.
        while not page.has_dataset:
            try:
                await page.until(lambda: page.has_dataset, 1.0)
            except TimeoutError:
                with contextlib.suppress(LineLost, OSError, TimeoutError):
                    await page.upload(file)
        assert f"{ROWS:,} rows, {PREDICTORS + 1} columns" in page.html("status")

    async def run(self, seed: int, phases: list[str]) -> str:
        page = self.page
        await page.choose(validate_seed=str(seed))
        await asyncio.sleep(0.05)
        if "click" in phases:
            await asyncio.sleep(self.rng.uniform(0, 0.05))
            clicking = asyncio.create_task(self._click_soon())
            await self.drop("click", self.has_something)
            await clicking
        else:
            await page.click("validate-run")
        for _ in range(phases.count("running")):
            await page.until(lambda: page.is_running or page.is_finished)
            await asyncio.sleep(self.rng.uniform(0, 0.3))
            await self.drop("running" if page.is_running else "finished", self.has_something)
        await page.until(lambda: page.is_finished, GIVE_UP_SECONDS)
        if "finished" in phases:
            await self.drop("finished", lambda: page.is_finished)
        return page.table

    def has_something(self) -> bool:
        return self.page.is_running or self.page.is_finished

    async def _click_soon(self) -> None:
        """A moment before or after the line breaks."""
        await asyncio.sleep(self.rng.uniform(0, 0.02))
        await self.page.click("validate-run")


async def one_page(server: Server, number: int, file: Path, account: Account) -> None:
    rng = random.Random(number)
    with TcpProxy(port_of(server)) as proxy:
        async with wire_page(proxy.port, rng) as page:
            trial = Trial(page, proxy, rng, account)
            await trial.upload(file)
            await page.choose(validate_predictors=[str(i + 1) for i in range(PREDICTORS)])
            await trial.drop("idle", lambda: page.has_dataset)
            first, second = 2 * number + 1, 2 * number + 2
            account.tables[first] = await trial.run(first, ["click"])
            account.tables[second] = await trial.run(second, ["running", "running", "finished"])
            assert page.notices == []


async def undisturbed(server: Server, file: Path, seeds: list[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    async with wire_page(port_of(server)) as page:
        await page.upload(file)
        await page.until(lambda: page.has_dataset)
        await page.choose(validate_predictors=[str(i + 1) for i in range(PREDICTORS)])
        for seed in seeds:
            await page.choose(validate_seed=str(seed))
            page.values.clear()
            await page.click("validate-run")
            await page.until(lambda: page.is_finished)
            found[seed] = page.table
        assert page.connections == 1
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_ninety_lines_that_break_lose_nothing(
    server: Server, file: Path, tmp_path: Path, part: int
) -> None:
    account = Account()

    async def everything() -> None:
        places = asyncio.Semaphore(AT_ONCE)

        async def placed(number: int) -> None:
            async with places:
                await one_page(server, number, file, account)

        async with asyncio.TaskGroup() as group:
            for number in range(PAGES * part, PAGES * (part + 1)):
                group.create_task(placed(number))

    began = time.monotonic()
    asyncio.run(everything())
    seconds = sorted(account.seconds)
    report("lines broken, by kind", account.drops)
    report("and by what was going on", account.phases)
    print(
        f"back on screen after {seconds[len(seconds) // 2]:.2f} s in the median, "
        f"{seconds[-1]:.2f} s at most; {account.resent} uploads broke; "
        f"{time.monotonic() - began:.0f} s in all, load {os.getloadavg()[0]:.1f}"
    )
    print("seconds: " + " ".join(f"{took:.3f}" for took in seconds))
    assert sum(account.drops.values()) == len(PHASES) * PAGES
    assert set(account.drops) == set(KINDS) or PAGES < 5
    jobs = len(account.tables)
    assert ledger(server) == (jobs, jobs), "each job ran once"
    assert account.late == [], "\n".join(account.late)
    (tmp_path / "undisturbed").mkdir()
    other = start(tmp_path / "undisturbed")
    try:
        truth = asyncio.run(undisturbed(other, file, sorted(account.tables)))
    finally:
        stop(other)
    assert account.tables == truth
