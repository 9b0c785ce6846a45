"""Uploads that break off at fifty places: none is parsed, and the person is told to send it again.

The request goes through a proxy that cuts it after so many bytes; the websocket of the page stays
whole and says, as a hostile page would, that the upload is complete.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Server, start, stop
from tests.fault.cache_faults import report, scaled
from tests.fault.tcp_proxy import Kind, TcpProxy
from tests.fault.wire_page import Refused, WirePage, wire_page

pytestmark = pytest.mark.fault

CUTS = scaled(50)
WAYS: tuple[Kind, ...] = ("reset", "fin")
BODY = b"died,age\n" + b"".join(
    b"%s,%d\n" % ((b"no", b"yes")[i % 2], 30 + i % 50) for i in range(400)
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = start(tmp_path, WRITES_PER_MINUTE="100000", UPLOAD_IDLE_SECONDS="1")
    yield running
    stop(running)


def parsed(server: Server) -> int:
    """How many files the heavy lane was given to read."""
    time.sleep(1.1)  # the answer is kept for a second
    with urllib.request.urlopen(f"{server.url}/api/stats", timeout=10) as answer:
        return json.load(answer)["lanes"]["heavy"]["started"]


async def send(page: WirePage, through: int) -> int:
    """Announce the file, send it through this port, say that it is complete; the status, 0 for none."""
    job = await page.call("uploadInit", [{"name": "a.csv", "size": len(BODY), "type": "text/csv"}])
    direct, page.port = page.port, through
    try:
        status = await page.post(job["uploadUrl"], BODY)
    except (OSError, TimeoutError):
        status = 0
    finally:
        page.port = direct
    for _ in range(20):
        try:
            await page.call("uploadEnd", job["jobId"], "data-file")
        except Refused:  # the server still reads, or not one byte of a file came
            await asyncio.sleep(0.02)
        else:
            break
    return status


async def cut_everywhere(port: int, told: Counter[str]) -> None:
    with TcpProxy(port) as proxy:
        async with wire_page(port) as page:
            address = await page.call("uploadInit", [{"name": "a", "size": 1, "type": ""}])
            head = len(page.post_head(address["uploadUrl"], len(BODY)))
            whole = head + len(BODY)
            for n in range(CUTS):
                after = 1 + (whole - 20) * n // CUTS
                proxy.cut_next(after, WAYS[n % 2])
                before = proxy.injected.total()
                page.values.pop("data-progress", None)
                status = await send(page, proxy.port)
                assert proxy.injected.total() == before + 1, "nothing was cut"
                assert status != 200
                if after > head:
                    await page.until(lambda: "cs-failure" in page.html("data-progress"), 10)
                    assert "The upload was incomplete." in page.html("data-progress")
                    assert "Please send the file again." in page.html("data-progress")
                # else no file began to arrive, and the page itself sees its request fail
                assert "No dataset yet" in page.html("status")
                told["in the file" if after > head else "in the head"] += 1
            told.update(proxy.injected)


def test_no_part_of_a_file_is_parsed(server: Server) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    told: Counter[str] = Counter()
    before = parsed(server)
    asyncio.run(cut_everywhere(port, told))
    report("uploads cut", told)
    assert told["cut by reset"] + told["cut by fin"] == CUTS
    assert parsed(server) == before

    async def whole() -> None:
        async with wire_page(port) as page:
            assert await send(page, port) == 200
            await page.until(lambda: page.has_dataset)
            assert "400 rows, 2 columns" in page.html("status")

    asyncio.run(whole())
    assert parsed(server) == before + 1, "the count sees a file that is parsed"
