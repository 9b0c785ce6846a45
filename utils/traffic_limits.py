"""How much one caller, and all together, may ask of the server at once.

    open pages      each holds a websocket; beyond the limit a new one is told that it is full
    messages        larger ones close their page; faster ones wait, so that a burst loses nothing
    requests        uploads and other writing, per caller and minute: 429 with the seconds to wait
    slow bodies     an upload that stands still is ended with 408

Source of the kinds of limits: OWASP ASVS 5.0 section 2.4 and its websocket cheat sheet.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from dataclasses import dataclass

from utils.asgi import App, Message, Receive, Scope, Send, answer, refuse
from utils.rate import TokenBuckets

FULL = "This server has as many open pages as it can hold. Try again in a few minutes.\n"
TOO_MANY = "Too many pages are open from this address. Close some of them, then reload this one.\n"
TOO_OFTEN = "Too many requests came from this address in a short time. Wait a minute, then retry.\n"
TOO_SLOW = "This upload stood still for too long. Check the connection, then send it again.\n"

_TOO_BIG = 1009  # close codes of RFC 6455
_BURST_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The limits; 0 means none. `pages` are open websockets, `writes` requests with a body."""

    pages: int = 0
    pages_per_caller: int = 0
    message_characters: int = 0
    messages_per_second: int = 0
    writes_per_minute: int = 0
    idle_body_seconds: float = 0.0


class TrafficLimits:
    """Keeps the limits before `app`. `counts` says what was turned away; `open_pages` how many
    websockets there are. Callers are told apart by `scope["client"]` (IdentityHeaders)."""

    def __init__(self, app: App, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic
        self._pages: Counter[str] = Counter()
        self._writes = TokenBuckets(
            per_second=traffic.writes_per_minute / 60.0, burst=float(traffic.writes_per_minute)
        )
        self.counts: Counter[str] = Counter()

    @property
    def open_pages(self) -> int:
        """Websockets that are open now."""
        return self._pages.total()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "websocket":
            await self._page(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] not in {"GET", "HEAD"}:
            await self._write(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller, limits = str(scope["client"][0]), self._traffic
        if 0 < limits.pages <= self.open_pages:
            self.counts["page refused: server full"] += 1
            await refuse(scope, receive, send, 503, FULL)
            return
        if 0 < limits.pages_per_caller <= self._pages[caller]:
            self.counts["page refused: too many from one address"] += 1
            await refuse(scope, receive, send, 429, TOO_MANY)
            return
        self._pages[caller] += 1
        try:
            line = _Line(limits, receive, send, self.counts)
            await self._app(scope, line.receive, line.send)
        finally:
            self._pages[caller] -= 1
            if not self._pages[caller]:
                del self._pages[caller]

    async def _write(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._traffic.writes_per_minute:
            wait_seconds = self._writes.take(str(scope["client"][0]))
            if wait_seconds:
                self.counts["request refused: too often"] += 1
                after = (b"retry-after", str(math.ceil(wait_seconds)).encode("ascii"))
                head = [after, (b"connection", b"close")]
                await answer(send, 429, TOO_OFTEN.encode(), headers=head)
                return
        await self._within_time(scope, receive, send)

    async def _within_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = late = False

        async def watched(message: Message) -> None:
            nonlocal started
            if late and not started:
                return  # what the application says about the broken body is not heard
            started = True
            await send(message)

        async def in_time() -> Message:
            nonlocal late
            if started or not self._traffic.idle_body_seconds:
                return await receive()
            try:
                return await asyncio.wait_for(receive(), self._traffic.idle_body_seconds)
            except TimeoutError:
                late = True
                raise

        try:
            await self._app(scope, in_time, watched)
        except TimeoutError:
            if started or not late:
                raise
            self.counts["upload ended: stood still"] += 1
            await refuse(scope, receive, send, 408, TOO_SLOW)


class _Line:
    """One websocket with limited messages."""

    def __init__(
        self, traffic: Traffic, receive: Receive, send: Send, counts: Counter[str]
    ) -> None:
        self._traffic = traffic
        self._receive = receive
        self._send = send
        self._counts = counts
        self._closed = False
        rate = float(traffic.messages_per_second)
        self._messages = TokenBuckets(per_second=rate, burst=_BURST_SECONDS * rate)

    async def receive(self) -> Message:
        """The next message; `websocket.disconnect` after one that was too large."""
        if self._closed:
            return {"type": "websocket.disconnect", "code": _TOO_BIG}
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return message
        size = len(message.get("text") or message.get("bytes") or "")
        if 0 < self._traffic.message_characters < size:
            self._counts["page closed: message too large"] += 1
            await self.send({"type": "websocket.close", "code": _TOO_BIG})
            self._closed = True
            return {"type": "websocket.disconnect", "code": _TOO_BIG}
        if self._traffic.messages_per_second:
            while wait_seconds := self._messages.take(""):
                self._counts["message waited"] += 1
                await asyncio.sleep(wait_seconds)
        return message

    async def send(self, message: Message) -> None:
        """Send, unless the line was closed."""
        if not self._closed:
            await self._send(message)
