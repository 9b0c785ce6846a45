"""Messages on their way to one page.

Shiny awaits each message while it holds the lock that all pages share: a page whose line takes
nothing any more (a locked phone, a train in a tunnel) would stop every other page as soon as the
buffers on the way are full, until its line is given up. Here a message is put down and somebody
else carries it. A page for which too much has gathered, or that has taken nothing for long, is
hung up on: it comes back by itself and finds everything in its workspace.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

MOST_BYTES = 8 * 1024 * 1024
TAKEN_SECONDS = 20.0


class Outbox:
    """`send` carries one message; `hang_up` is called once when the page takes nothing any more."""

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        hang_up: Callable[[], Coroutine[Any, Any, None]],
        *,
        most_bytes: int = MOST_BYTES,
        taken_seconds: float = TAKEN_SECONDS,
    ) -> None:
        self._send = send
        self._hang_up = hang_up
        self._most_bytes = most_bytes
        self._taken_seconds = taken_seconds
        self._waiting: deque[str] = deque()
        self._bytes = 0
        self._carrier: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._closed = False

    def put(self, message: str) -> None:
        """Have it sent after those before it. Nothing once the line is given up."""
        if self._closed:
            return
        self._waiting.append(message)
        self._bytes += len(message)
        if self._bytes > self._most_bytes:
            self._give_up()
        elif self._carrier is None:
            self._carrier = asyncio.create_task(self._carry())

    async def drained(self) -> None:
        """Return when everything was sent or given up."""
        if self._carrier is not None:
            await asyncio.wait((self._carrier,))

    def close(self) -> None:
        """Throw away what waits; whoever carries stops."""
        self._closed = True
        self._waiting.clear()
        if self._carrier is not None and self._carrier is not asyncio.current_task():
            self._carrier.cancel()

    async def _carry(self) -> None:
        try:
            while self._waiting:
                message = self._waiting.popleft()
                try:
                    async with asyncio.timeout(self._taken_seconds):
                        await self._send(message)
                except TimeoutError:
                    self._give_up()
                    return
                self._bytes -= len(message)
        finally:
            self._carrier = None

    def _give_up(self) -> None:
        self.close()
        self._ending = asyncio.create_task(self._hang_up())
