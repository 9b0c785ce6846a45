"""Static files are compressed once per start and then served in their compressed form.

The figure library is 4.8 MB; compressing it for every visitor would take the server 0.2 s each
time. Compressed files stand one after the other in one unnamed temporary file: nobody can put
another script in their place, nothing is left behind, and the process holds no copy in memory.

What is static is known by the ETag that the application gives it. An answer that the browser
still has (If-None-Match) stays 304, whatever its form. An address that carries the version of a
library (`/lib/name-1.2.3/`) is kept by browsers for a year without asking; every other file is
asked for again and costs an empty answer, so that an update is always seen.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import weakref
import zlib
from dataclasses import dataclass
from pathlib import Path

from utils.asgi import App, Headers, Message, Receive, Scope, Send, header

_PIECE_BYTES = 128 * 1024
_LEAST_BYTES = 1_000
_VERSIONED = re.compile(r"^/lib/[^/]+-\d+(\.\d+)+[^/]*/")
_TEXT_TYPES = (b"text/", b"application/javascript", b"application/json", b"image/svg")
_FOR_EVER = b"public, max-age=31536000, immutable"
_ASK_AGAIN = b"no-cache"


@dataclass(frozen=True, slots=True)
class _Packed:
    offset: int
    length: int


class PackedFiles:
    """Serves what `app` serves, static files packed.

    `most_bytes` bounds the temporary file; what finds no place is served as it is.
    """

    def __init__(self, app: App, *, most_bytes: int = 32 * 1024 * 1024) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._packed: dict[tuple[str, bytes], _Packed] = {}
        self._handle: int | None = None
        self._end = 0
        self._packing = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        path = scope.get("path", "")
        static = path != "/" and not path.startswith("/session/")
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or not static:
            await self._app(scope, receive, send)
            return
        head = await self._head(scope)
        if not (_accepts_gzip(scope) and _worth_packing(head)):
            await self._app(scope, receive, self._marked(scope, send))
            return
        packed = await self._pack(scope, head)
        if packed is None:
            await self._app(scope, receive, self._marked(scope, send))
            return
        await self._send(scope, head, packed, self._marked(scope, send))

    async def _head(self, scope: Scope) -> Message:
        """How the application would begin its answer."""
        asked = {**scope, "method": "HEAD"}
        answer = _Answer()
        await self._app(asked, _NoBody(), answer)
        return answer.start

    async def _pack(self, scope: Scope, head: Message) -> _Packed | None:
        """The packed form, made when it is first asked for."""
        key = scope["path"], _value(head["headers"], b"etag")
        if key not in self._packed:
            # A task of its own: a caller who leaves must not stop it in the middle.
            await asyncio.shield(asyncio.create_task(self._pack_once(key, scope)))
        return self._packed.get(key)

    async def _pack_once(self, key: tuple[str, bytes], scope: Scope) -> None:
        async with self._packing:
            if key in self._packed:
                return
            body = _PackingAnswer(self._open(), self._end)
            await self._app(_whole(scope), _NoBody(), body)
            await body.finish()
            end = self._end + body.length
            if not body.failed and end <= self._most_bytes:
                self._packed[key] = _Packed(self._end, body.length)
                self._end = end

    def _open(self) -> int:
        if self._handle is None:
            self._handle, name = tempfile.mkstemp()
            Path(name).unlink()
            weakref.finalize(self, os.close, self._handle)
        return self._handle

    async def _send(self, scope: Scope, head: Message, packed: _Packed, send: Send) -> None:
        dropped = {b"content-length", b"accept-ranges", b"etag"}
        kept = [pair for pair in head["headers"] if pair[0].lower() not in dropped]
        etag = _value(head["headers"], b"etag").removeprefix(b"W/")
        headers = [
            *kept, (b"content-encoding", b"gzip"), (b"etag", b"W/" + etag),
            (b"content-length", str(packed.length).encode("ascii")),
        ]  # fmt: skip
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        handle = self._open()
        for begin in range(0, packed.length, _PIECE_BYTES):
            size = min(_PIECE_BYTES, packed.length - begin)
            body = os.pread(handle, size, packed.offset + begin)
            more = begin + size < packed.length
            await send({"type": "http.response.body", "body": body, "more_body": more})

    def _marked(self, scope: Scope, send: Send) -> Send:
        """`send` with how long browsers may keep what is found."""
        keep = _FOR_EVER if _VERSIONED.match(scope["path"]) else _ASK_AGAIN

        async def marking(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in {200, 206, 304}:
                headers = [*message["headers"], (b"cache-control", keep)]
                if not _value(headers, b"vary"):
                    headers.append((b"vary", b"accept-encoding"))
                message = {**message, "headers": headers}
            await send(message)

        return marking


class _Answer:
    """Keeps how an answer begins and lets its body go."""

    def __init__(self) -> None:
        self.start: Message = {"status": 0, "headers": []}

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message


class _PackingAnswer(_Answer):
    """Compresses the body of an answer into a file from `offset` on, in a thread."""

    def __init__(self, handle: int, offset: int) -> None:
        super().__init__()
        self._handle = handle
        self._offset = offset
        self._packer = zlib.compressobj(level=6, wbits=31)
        self._last = False
        self._full = False
        self.length = 0

    @property
    def failed(self) -> bool:
        """True when the answer was not a whole file, or the disk did not take it."""
        return self.start["status"] != 200 or not self._last or self._full

    async def __call__(self, message: Message) -> None:
        await super().__call__(message)
        if message["type"] == "http.response.body":
            await asyncio.to_thread(self._write, message.get("body", b""))
            self._last = not message.get("more_body", False)

    async def finish(self) -> None:
        """Write what is left."""
        await asyncio.to_thread(self._put, self._packer.flush())

    def _write(self, data: bytes) -> None:
        self._put(self._packer.compress(data))

    def _put(self, data: bytes) -> None:
        try:
            written = os.pwrite(self._handle, data, self._offset + self.length)
        except OSError:
            written = -1
        self._full = self._full or written != len(data)
        self.length += len(data)


def _whole(scope: Scope) -> Scope:
    """The same request for the whole file, whatever part or form the browser asked for."""
    conditions = {b"range", b"if-none-match", b"if-modified-since", b"if-range", b"if-match"}
    headers = [pair for pair in scope["headers"] if pair[0].lower() not in conditions]
    return {**scope, "method": "GET", "headers": headers}


def _worth_packing(head: Message) -> bool:
    headers = head["headers"]
    length = _value(headers, b"content-length")
    return (
        head["status"] == 200
        and _value(headers, b"etag") != b""
        and _value(headers, b"content-encoding") == b""
        and _value(headers, b"content-type").startswith(_TEXT_TYPES)
        and length.isdigit()
        and int(length) >= _LEAST_BYTES
    )


def _accepts_gzip(scope: Scope) -> bool:
    """True when gzip is among the accepted codings and not refused with q=0."""
    for item in header(scope, b"accept-encoding").lower().split(","):
        name, _, quality = item.partition(";")
        if name.strip() == "gzip":
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", quality)
    return False


def _value(headers: Headers, name: bytes) -> bytes:
    return next((value for key, value in headers if key.lower() == name), b"")


class _NoBody:
    """What an application receives of a request that has no body and does not end early."""

    def __init__(self) -> None:
        self._told = False

    async def __call__(self) -> Message:
        if self._told:  # the application waits for the caller to leave: it never does
            await asyncio.get_running_loop().create_future()
        self._told = True
        return {"type": "http.request", "body": b"", "more_body": False}
