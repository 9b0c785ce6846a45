"""A TCP proxy on loopback whose lines can be cut, silenced, slowed and mended while they are used.

    with TcpProxy(port_of_the_server) as proxy:
        connect to proxy.port
        cut = proxy.drop("reset")       every open line, and every new one until
        proxy.restore()                 the network is back: new lines work, old ones stay dead
        proxy.delay(0.2)                each piece of data arrives so much later
        proxy.cut_next(1_000)           the next line breaks after so many bytes of the caller
        proxy.injected                  what was really done to lines that were open, by kind

Kinds of drops:

reset        both ends see the connection reset
fin          both ends see an orderly close
black hole   nothing passes any more and nobody is told: a phone without coverage
late         a black hole that lets go of what the caller sent meanwhile once the network is back,
             long after the caller has given the line up
slow close   the caller sees a close, the server keeps the line open until the network is back

It runs an event loop in a thread of its own; every method may be called from any other thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Self, TypeVar

Kind = Literal["reset", "fin", "black hole", "late", "slow close"]
KINDS: tuple[Kind, ...] = ("reset", "fin", "black hole", "late", "slow close")
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_PIECE = 65_536
T = TypeVar("T")


@dataclass(eq=False)
class _Line:
    """One connection of a caller and the one to the server that belongs to it."""

    caller: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    dead: Kind | None = None
    cut_after: int | None = None
    held: list[bytes] = field(default_factory=list)

    @property
    def ends(self) -> list[asyncio.StreamWriter]:
        return [end for end in (self.caller, self.server) if end is not None]


class TcpProxy:
    """See above."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.injected: Counter[str] = Counter()
        self.refused = 0
        self._down: Kind | None = None
        self._delay_seconds = 0.0
        self._cuts: list[tuple[int, Kind]] = []
        self._lines: list[_Line] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listening = self._run(self._listen)
        self.port: int = self._listening.sockets[0].getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def drop(self, kind: Kind) -> int:
        """Take the network down; how many open lines it hit."""
        return self._run(lambda: self._drop(kind))

    def restore(self) -> None:
        """The network is back."""
        self._run(self._restore)

    def delay(self, seconds: float) -> None:
        """Let every piece of data arrive so much later."""
        self._delay_seconds = seconds
        if seconds:
            self.injected["delay"] += 1

    def cut_next(self, after_bytes: int, kind: Kind = "reset") -> None:
        """Break the next new line after so many bytes of its caller."""
        self._cuts.append((after_bytes, kind))

    def close(self) -> None:
        """End every line and the thread."""
        self._run(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    # In the thread of the proxy.

    def _run(self, step: Callable[[], T]) -> T:
        async def taken() -> T:
            found = step()
            return await found if asyncio.iscoroutine(found) else found

        return asyncio.run_coroutine_threadsafe(taken(), self._loop).result(20)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._called, "127.0.0.1", 0)

    async def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line(writer)
        if self._down is not None:
            self.refused += 1
            self._break(line, self._down)
            self._lines.append(line)
            return
        if self._cuts:
            line.cut_after, kind = self._cuts.pop(0)
        else:
            kind = "reset"
        try:
            from_server, line.server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            self._break(line, "reset")
            return
        self._lines.append(line)
        for work in (
            self._pass_on(line, reader, line.server, kind),
            self._pass_on(line, from_server, line.caller, None),
        ):
            task = asyncio.ensure_future(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(
        self, line: _Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
        cut: Kind | None,
    ) -> None:  # fmt: skip
        """One direction; `cut` is how the direction of the caller breaks where it is cut."""
        with contextlib.suppress(OSError):
            while data := await reader.read(_PIECE):
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
                if line.dead is not None:
                    if line.dead == "late" and cut is not None:
                        line.held.append(data)
                    continue
                if cut is not None and line.cut_after is not None:
                    data, left = data[: line.cut_after], line.cut_after - len(data)
                    line.cut_after = max(left, 0)
                writer.write(data)
                await writer.drain()
                if cut is not None and line.cut_after == 0:
                    self.injected[f"cut by {cut}"] += 1
                    self._break(line, cut)
        if line.dead is None:  # an end went by itself: so does the other
            self._close_both(line)

    def _drop(self, kind: Kind) -> int:
        self._down = kind
        hit = [line for line in self._lines if line.dead is None]
        for line in hit:
            self._break(line, kind)
        self.injected[kind] += len(hit)
        return len(hit)

    async def _restore(self) -> None:
        self._down = None
        for line in self._lines:
            if line.dead == "late" and line.server is not None:
                with contextlib.suppress(OSError):
                    line.server.writelines(line.held)
                    await line.server.drain()
                line.held.clear()
                line.server.close()
            elif line.dead == "slow close" and line.server is not None:
                line.server.close()

    def _break(self, line: _Line, kind: Kind) -> None:
        line.dead = kind
        if kind == "reset":
            for end in line.ends:
                given: socket.socket = end.get_extra_info("socket")
                given.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                end.transport.abort()
        elif kind == "fin":
            self._close_both(line)
        elif kind == "slow close":
            line.caller.close()

    def _close_both(self, line: _Line) -> None:
        line.dead = line.dead or "fin"
        for end in line.ends:
            end.close()

    async def _close(self) -> None:
        self._listening.close()
        for line in self._lines:
            for end in line.ends:
                end.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
