"""One request or websocket against an ASGI application, without a server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Reply:
    """What the application sent. `status` is that of HTTP; a websocket has 101 when it was
    accepted and 403 when it was closed before."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    closed: int | None = None
    texts: list[str] = field(default_factory=list)


class Witness:
    """An application that notes what reached it and answers 200, or accepts."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []

    async def __call__(self, scope, receive, send) -> None:
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (await receive())["type"] == "websocket.receive":
                pass
            return
        while scope["method"] == "POST" and (await receive()).get("more_body"):
            pass
        head = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"OK"})


def scope_of(kind: str, path: str, headers: list[tuple[str, str]], **extra: Any) -> dict[str, Any]:
    """`kind` is a method of HTTP or "WS"."""
    path, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "websocket" if kind == "WS" else "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "scheme": "ws" if kind == "WS" else "http", "http_version": "1.1",
        "headers": [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers],
        "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8000), "extensions": {},
    }  # fmt: skip
    if kind != "WS":
        scope["method"] = kind
    return scope | extra


async def call(
    app, kind: str, path: str = "/", headers: list[tuple[str, str]] | None = None, *,
    body: bytes = b"", frames: list[str] | None = None, **extra: Any,
) -> Reply:  # fmt: skip
    """Make the call; `frames` are sent over an accepted websocket, which then ends."""
    given = [("host", "localhost:8000")] if headers is None else headers
    scope = scope_of(kind, path, given, **extra)
    if kind == "WS":
        coming = [{"type": "websocket.connect"}]
        coming += [{"type": "websocket.receive", "text": f} for f in frames or []]
        coming.append({"type": "websocket.disconnect", "code": 1000})
    else:
        coming = [{"type": "http.request", "body": body, "more_body": False}]
    reply = Reply()

    async def receive():
        if coming:
            return coming.pop(0)
        if kind == "WS":
            return {"type": "websocket.disconnect", "code": 1000}
        return await asyncio.get_running_loop().create_future()  # the caller stays

    async def send(message) -> None:
        what = message["type"]
        if what in {"http.response.start", "websocket.http.response.start"}:
            reply.status = message["status"]
            reply.headers = {n.decode(): v.decode() for n, v in message["headers"]}
        elif what in {"http.response.body", "websocket.http.response.body"}:
            reply.body += message.get("body", b"")
        elif what == "websocket.accept":
            reply.status = 101
        elif what == "websocket.send":
            reply.texts.append(message["text"])
        elif what == "websocket.close":
            reply.status = reply.status or 403
            reply.closed = message["code"]

    await app(scope, receive, send)
    return reply


def called(app, kind: str, path: str = "/", *args: Any, **extra: Any) -> Reply:
    """`call` with an event loop of its own."""
    return asyncio.run(call(app, kind, path, *args, **extra))
