"""Compressed once, the same bytes after unpacking, 304 where the browser has the file."""

from __future__ import annotations

import asyncio
import errno
import gzip
import os
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.unit.utils.asgi_calls import call, called
from utils.packed_files import PackedFiles

SCRIPT = b"function figure() { return 'drawn'; }\n" * 4_000
GZIP = [("host", "h"), ("accept-encoding", "gzip, deflate, br")]


class Counted:
    """Static files, and how often a whole body was read."""

    def __init__(self, folder: Path) -> None:
        (folder / "lib" / "figures-1.2.3").mkdir(parents=True)
        for name in ("figures.js", "lib/figures-1.2.3/figures.js"):
            (folder / name).write_bytes(SCRIPT)
        (folder / "small.js").write_bytes(b"1")
        (folder / "picture.png").write_bytes(os.urandom(5_000))
        page = Route("/", lambda _request: PlainTextResponse("page" * 1_000))
        self._app = Starlette(routes=[page, Mount("/", app=StaticFiles(directory=folder))])
        self.read = 0

    async def __call__(self, scope, receive, send) -> None:
        async def counting(message) -> None:
            if message["type"] == "http.response.body" and message["body"]:
                self.read += not message.get("more_body", False)
            await send(message)

        await self._app(scope, receive, counting)


@pytest.fixture
def files(tmp_path: Path) -> Counted:
    return Counted(tmp_path)


def test_a_file_is_read_and_compressed_once(files: Counted) -> None:
    app = PackedFiles(files)
    replies = [called(app, "GET", "/figures.js", GZIP) for _ in range(5)]
    assert files.read == 1
    for reply in replies:
        assert reply.headers["content-encoding"] == "gzip"
        assert int(reply.headers["content-length"]) == len(reply.body) < len(SCRIPT) / 20
        assert gzip.decompress(reply.body) == SCRIPT
        assert reply.headers["vary"] == "accept-encoding"


def test_many_at_once_share_one_compression(files: Counted) -> None:
    app = PackedFiles(files)

    async def crowd():
        return await asyncio.gather(*[call(app, "GET", "/figures.js", GZIP) for _ in range(20)])

    replies = asyncio.run(crowd())
    assert files.read == 1
    assert {gzip.decompress(r.body) for r in replies} == {SCRIPT}


def test_a_caller_who_leaves_does_not_spoil_it(files: Counted) -> None:
    app = PackedFiles(files)

    async def leave() -> None:
        first = asyncio.create_task(call(app, "GET", "/figures.js", GZIP))
        for _ in range(5):
            await asyncio.sleep(0)
        first.cancel()
        reply = await call(app, "GET", "/figures.js", GZIP)
        assert gzip.decompress(reply.body) == SCRIPT

    asyncio.run(leave())


def test_the_browser_keeps_what_it_has(files: Counted) -> None:
    app = PackedFiles(files)
    first = called(app, "GET", "/figures.js", GZIP)
    assert first.headers["etag"].startswith('W/"')
    again = called(app, "GET", "/figures.js", [*GZIP, ("if-none-match", first.headers["etag"])])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"
    assert files.read == 1


def test_a_changed_file_is_packed_anew(files: Counted, tmp_path: Path) -> None:
    app = PackedFiles(files)
    first = called(app, "GET", "/figures.js", GZIP)
    (tmp_path / "figures.js").write_bytes(SCRIPT * 2)
    again = called(app, "GET", "/figures.js", [*GZIP, ("if-none-match", first.headers["etag"])])
    assert again.status == 200
    assert gzip.decompress(again.body) == SCRIPT * 2


def test_an_address_with_a_version_is_kept_for_ever(files: Counted) -> None:
    app = PackedFiles(files)
    headers = called(app, "GET", "/lib/figures-1.2.3/figures.js", GZIP).headers
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert called(app, "GET", "/figures.js", GZIP).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("coding", ["", "br", "gzip;q=0", "gzip; q=0.0", "identity"])
def test_who_cannot_unpack_gets_it_plain(files: Counted, coding: str) -> None:
    reply = called(
        PackedFiles(files), "GET", "/figures.js", [("host", "h"), ("accept-encoding", coding)]
    )
    assert reply.body == SCRIPT
    assert "content-encoding" not in reply.headers
    assert reply.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize("path", ["/small.js", "/picture.png"])
def test_what_would_not_shrink_stays_as_it_is(files: Counted, path: str) -> None:
    reply = called(PackedFiles(files), "GET", path, GZIP)
    assert reply.status == 200
    assert "content-encoding" not in reply.headers


def test_a_head_is_the_get_without_its_body(files: Counted) -> None:
    app = PackedFiles(files)
    whole, head = (called(app, m, "/figures.js", GZIP) for m in ("GET", "HEAD"))
    assert head.headers == whole.headers
    assert head.body == b""


def test_a_part_is_a_part_of_the_plain_file(files: Counted) -> None:
    reply = called(PackedFiles(files), "GET", "/figures.js", [*GZIP, ("range", "bytes=0-7")])
    assert (reply.status, reply.body) == (206, SCRIPT[:8])


def test_the_page_and_missing_files_pass(files: Counted) -> None:
    app = PackedFiles(files)
    assert called(app, "GET", "/", GZIP).body == b"page" * 1_000
    missing = called(app, "GET", "/nothing.js", GZIP)
    assert missing.status == 404
    assert "cache-control" not in missing.headers


def test_the_room_is_bounded(files: Counted) -> None:
    reply = called(PackedFiles(files, most_bytes=10), "GET", "/figures.js", GZIP)
    assert reply.body == SCRIPT


def test_a_full_disk_costs_the_compression_only(
    files: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = []

    def full(*_args: object) -> int:
        faults.append(1)
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "pwrite", full)
    assert called(PackedFiles(files), "GET", "/figures.js", GZIP).body == SCRIPT
    assert faults
