"""A page that takes nothing any more, as a phone does when it is locked, holds up nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket as sockets
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from presentation.numbers import STYLES
from tests.bench.bench_server import choose
from tests.bench.page_client import FORM, SHOWN, PageClient, open_page
from tests.browser.conftest import Server, start, stop
from tests.fault.cache_faults import report

pytestmark = pytest.mark.fault

#: More than the buffers of the system on both sides can take.
TABLES = 1_500
PATIENCE_SECONDS = 2.0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    running = start(tmp_path)
    yield running
    stop(running)


async def _stuck(port: int, page: PageClient) -> int:
    """Asks for tables without reading them; how many it could ask for until the server hung up."""
    styles = sorted(STYLES)
    for number in range(TABLES):
        try:
            await page.send({"outcome-card-style": styles[number % len(styles)]})
        except OSError:
            return number
        await asyncio.sleep(0.005)
    return TABLES


def test_who_does_not_read_holds_up_nobody(own: Server) -> None:
    port = int(own.url.rsplit(":", 1)[1])

    async def story() -> tuple[float, int]:
        narrow = sockets.socket()
        narrow.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
        narrow.connect(("127.0.0.1", port))
        narrow.setblocking(False)
        url = f"ws://127.0.0.1:{port}/websocket/"
        async with connect(
            url, sock=narrow, max_size=None, close_timeout=0.1, compression=None
        ) as line:
            first = PageClient(port, line)
            listening = asyncio.create_task(first.listen())
            hidden = {f".clientdata_output_{name}_hidden": False for name in SHOWN}
            await first.send(FORM | hidden, "init")
            await first.send(
                {"visit": {"key": None, "page": secrets.token_hex(16), "known": False}}
            )
            await first.until(lambda: first.keyed)
            await first.open_example("synth_trial")
            await choose(first, 6, "active", range(2, 6))
            await first.run()
            await first.until(lambda: bool(first.values.get("outcome-card-table")))
            line.transport.pause_reading()
            asked = asyncio.create_task(_stuck(port, first))
            async with open_page(port) as other:
                slowest = 0.0
                await other.open_example("melanoma")
                while not asked.done():
                    began = time.monotonic()
                    chosen = ["1"] if int(began * 100) % 2 else ["1", "2"]
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(30):
                            await other.changed(
                                "outcome-predictors_count", {"outcome-predictors": chosen}
                            )
                    slowest = max(slowest, time.monotonic() - began)
                    await asyncio.sleep(0.02)
            listening.cancel()
            line.transport.abort()
            return slowest, await asked

    slowest, asked = asyncio.run(story())
    print(f"{asked} tables asked for by one who reads none; another waited {slowest:.2f} s at most")
    report("tables sent to a page that reads none", Counter(tables=asked))
    assert slowest < PATIENCE_SECONDS
