"""An upload that is larger than the limit is refused while it arrives, not after.

An ASGI wrapper: the declared length is checked first, then the bytes are counted, because a
body may come in pieces without a length or be longer than it said.
"""

from __future__ import annotations

from utils.asgi import App, Message, Receive, Scope, Send, answer


class TooLarge(Exception):
    """More bytes arrived than are allowed."""


class UploadLimit:
    """Answers 413 with `message` to every POST of more than `limit_bytes`."""

    def __init__(self, app: App, *, limit_bytes: int, message: str) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._message = message.encode("utf-8")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if _declared_bytes(scope) > self._limit_bytes:
            await self._refuse(send)
            return
        started = False
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self._limit_bytes:
                raise TooLarge  # the application may answer to that itself; it is not heard
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            if arrived > self._limit_bytes and not started:
                return
            started = True
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except TooLarge:
            if not started:
                await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        await answer(send, 413, self._message, headers=[(b"connection", b"close")])


def _declared_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
