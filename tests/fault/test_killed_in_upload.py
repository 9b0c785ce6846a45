"""A server that is killed while a file arrives leaves a part of it; the next start deletes that.

The system's directory for temporary files is one of the test's own, and everything beneath it and
the cache is read: a canary that stands in every row is found while the file arrives, and nowhere
once a server has been started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.browser.conftest import Server, start, stop
from tests.fault.cache_faults import report
from tests.fault.wire_page import wire_page

pytestmark = pytest.mark.fault

CANARY = "Zebediah-7f3a91c2"
BODY = b"died,age,who\n" + b"".join(
    b"%s,%d,%s\n" % ((b"no", b"yes")[i % 2], 30 + i % 50, CANARY.encode()) for i in range(20_000)
)


class Place:
    """Directories of one server, and what stands in them."""

    def __init__(self, folder: Path, *, cache: bool) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.settings = {"TMPDIR": str(self.temporary), "WRITES_PER_MINUTE": "100000"}
        if not cache:  # a directory that cannot be made: everything is kept for the process alone
            (folder / "nowhere").write_text("")
            self.settings["CACHE_DIR"] = str(folder / "nowhere")

    def start(self) -> Server:
        return start(self.folder, **self.settings)

    def holding(self) -> list[Path]:
        """Files with the canary in them."""
        found = []
        for path in self.folder.rglob("*"):
            with contextlib.suppress(OSError):
                if path.is_file() and CANARY.encode() in path.read_bytes():
                    found.append(path.relative_to(self.folder))
        return found

    def soon_holding(self) -> list[Path]:
        """The same, once there is one."""
        deadline = time.monotonic() + 20
        while not (found := self.holding()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found


def end_in_upload(server: Server, place: Place, how: signal.Signals) -> list[Path]:
    """Send half a file and end the server; the files that held a part of it before."""

    async def sending() -> list[Path]:
        port = int(server.url.rsplit(":", 1)[1])
        async with wire_page(port) as page:
            info = {"name": "a.csv", "size": len(BODY), "type": "text/csv"}
            job = await page.call("uploadInit", [info])
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(page.post_head(job["uploadUrl"], len(BODY)) + BODY[: len(BODY) // 2])
                await writer.drain()
                found = await asyncio.to_thread(place.soon_holding)
                os.kill(server.process.pid, how)
                await asyncio.to_thread(server.process.wait, 30)
            finally:
                writer.transport.abort()
        return found

    return asyncio.run(sending())


async def whole(server: Server) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    async with wire_page(port) as page:
        info = {"name": "a.csv", "size": len(BODY), "type": "text/csv"}
        job = await page.call("uploadInit", [info])
        assert await page.post(job["uploadUrl"], BODY) == 200
        await page.call("uploadEnd", job["jobId"], "data-file")
        await page.until(lambda: page.has_dataset)
        assert "20,000 rows, 3 columns" in page.html("status")


@pytest.mark.parametrize("cache", [True, False], ids=["on disk", "for the process alone"])
def test_what_a_killed_server_left_is_deleted_at_the_next_start(
    tmp_path: Path, cache: bool
) -> None:
    place, told = Place(tmp_path, cache=cache), Counter[str]()
    for _ in range(2):
        server = place.start()
        try:
            assert place.holding() == []
            while_it_arrived = end_in_upload(server, place, signal.SIGKILL)
        finally:
            stop(server)
        left = place.holding()
        assert left != [], "the kill left nothing: this injects no fault"
        assert left == while_it_arrived
        assert all("uploads" in path.parts for path in left)
        told["killed in an upload"] += 1
    server = place.start()
    try:
        assert place.holding() == []
        asyncio.run(whole(server))
    finally:
        stop(server)
    report("servers ended", told)


def test_a_server_that_is_told_to_stop_leaves_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path, cache=True)
    server = place.start()
    try:
        assert end_in_upload(server, place, signal.SIGTERM) != []
        assert place.holding() == []
    finally:
        stop(server)
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


def test_a_second_server_on_the_directory_leaves_the_uploads_of_the_first(tmp_path: Path) -> None:
    place = Place(tmp_path, cache=True)
    first = place.start()
    try:

        async def meanwhile() -> None:
            port = int(first.url.rsplit(":", 1)[1])
            async with wire_page(port) as page:
                info = {"name": "a.csv", "size": len(BODY), "type": "text/csv"}
                job = await page.call("uploadInit", [info])
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                half = len(BODY) // 2
                writer.write(page.post_head(job["uploadUrl"], len(BODY)) + BODY[:half])
                await writer.drain()
                second = await asyncio.to_thread(place.start)
                await asyncio.to_thread(stop, second)
                writer.write(BODY[half:])
                await writer.drain()
                assert b" 200 " in await reader.readline()
                writer.transport.abort()
                await page.call("uploadEnd", job["jobId"], "data-file")
                await page.until(lambda: page.has_dataset)

        asyncio.run(meanwhile())
    finally:
        stop(first)
