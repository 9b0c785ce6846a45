"""What every ASGI wrapper of ours speaks: the types, headers of a request, a short answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

TEXT = b"text/plain; charset=utf-8"


def header_values(scope: Scope, name: bytes) -> list[str]:
    """Every value of the request header `name` (lower case), in order."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def header(scope: Scope, name: bytes) -> str:
    """The value of the header, empty when it is missing or given more than once."""
    found = header_values(scope, name)
    return found[0] if len(found) == 1 else ""


async def answer(
    send: Send, status: int, body: bytes, *, content_type: bytes = TEXT, headers: Headers = ()
) -> None:
    """A whole HTTP answer."""
    head = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def refuse(scope: Scope, receive: Receive, send: Send, status: int, sentence: str) -> None:
    """Turn away a request, or a websocket before it is accepted.

    Nothing is read of the request's body, so the connection is not used again.
    """
    body = sentence.encode("utf-8")
    if scope["type"] == "http":
        await answer(send, status, body, headers=[(b"connection", b"close")])
        return
    await receive()  # websocket.connect
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})  # seen as status 403
        return
    head = [(b"content-type", TEXT), (b"content-length", str(len(body)).encode("ascii"))]
    await send({"type": "websocket.http.response.start", "status": status, "headers": head})
    await send({"type": "websocket.http.response.body", "body": body})
