"""A page without a browser that comes back by itself: www/line.js and session.js, over a websocket.

It keeps its inputs, its key and its clicks, presents them when a session begins, asks the line
for a sign of life, and dials again after a moment. What the server showed before a line was lost
is thrown away (`values`): everything that a test sees arrived over the line that is open now.
The delays are shorter than a browser's, so that a test of many drops stays short.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

BEAT_SECONDS, BEAT_LOST_SECONDS, DIAL_LOST_SECONDS = 0.3, 1.5, 0.7
BEGIN_SECONDS = 10.0
DELAYS_SECONDS = (0.05, 0.1, 0.2, 0.3)
POST_SECONDS = 5.0
VALIDATE = {
    "validate-outcome": "0", "validate-event": "yes", "validate-predictors": [],
    "validate-quality": "publication", "validate-method": "auto", "validate-seed": "1",
}  # fmt: skip
_CARD = ("progress", "result", "badge", "table", "notes", "changed", "bar")
SHOWN = ("status", "data-found", "data-progress", *(f"validate-card-{name}" for name in _CARD))


class LineLost(Exception):
    """What was under way on a line that is dead now."""


class Refused(Exception):
    """The server answered a request with an error."""


class WirePage:
    """One tab of a browser. `keys` are those that it was given, in order; `everything` is all that
    the server ever sent."""

    def __init__(self, port: int, rng: random.Random, key: str | None = None) -> None:
        self.port = port
        self.key = key
        self.page = f"{rng.getrandbits(128):x}"
        self.inputs: dict[str, Any] = {"tab": "outcome", "outcome_kind": "validate", **VALIDATE}
        self.values: dict[str, Any] = {}
        self.notices: list[str] = []
        self.keys: list[str] = []
        self.everything: list[str] = []
        self.connections = 0
        self.story: list[str] = []
        self.known = False
        self._given_up = 0
        self._rng = rng
        self._tag = 0
        self._answers: dict[int, Any] = {}
        self._socket: ClientConnection | None = None
        self._news = asyncio.Condition()
        self._ended = False

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def tell(self, what: str) -> None:
        """One more line of the story of this page, for whoever asks why a test failed."""
        self.story.append(f"{asyncio.get_running_loop().time():.2f} {what}")

    def account(self) -> str:
        """What happened last, and what stands on the page."""
        shown = {name: found for name in SHOWN if (found := self.html(name))}
        return "\n".join([*self.story[-30:], json.dumps(shown, indent=1), *self.notices])

    async def live(self) -> None:
        """Dial, stay, dial again, until `end`."""
        tries = 0
        while not self._ended:
            try:
                async with asyncio.timeout(DIAL_LOST_SECONDS):
                    socket = await connect(
                        f"ws://127.0.0.1:{self.port}/websocket/", max_size=None,
                        ping_interval=None, close_timeout=0.2,
                    )  # fmt: skip
            except (OSError, TimeoutError, InvalidHandshake, InvalidMessage, ConnectionClosed):
                delay = DELAYS_SECONDS[min(tries, len(DELAYS_SECONDS) - 1)]
                tries += 1
                await asyncio.sleep(delay * self._rng.uniform(0.8, 1.2))
                continue
            tries = 0
            self.connections += 1
            self.tell("connected")
            await self._session(socket)
            self.tell("line lost")

    async def _session(self, socket: ClientConnection) -> None:
        self.values.clear()
        self._answers.clear()
        self._socket = socket
        beating: asyncio.Task[None] | None = None
        try:
            hidden = {f".clientdata_output_{name}_hidden": False for name in SHOWN}
            await socket.send(json.dumps({"method": "init", "data": self.inputs | hidden}))
            beating = asyncio.create_task(self._beat(socket))
            async for text in socket:
                self.everything.append(str(text))
                await self._take(json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            if beating is not None:
                beating.cancel()
            socket.transport.abort()
            async with self._news:
                self._socket = None
                self._news.notify_all()

    async def _take(self, message: Mapping[str, Any]) -> None:
        if "config" in message:
            await self._set("visit", {"key": self.key, "page": self.page, "known": self.known})
        custom = message.get("custom", {})
        if "clinstat-key" in custom:
            self.key = custom["clinstat-key"]["key"]
            self.keys.append(self.key)
            self.known = True
            self.tell(f"has a key, back: {custom['clinstat-key']['back']}")
            await self._set("kept", {"key": self.key})
        async with self._news:
            self.values.update(message.get("values", {}))
            if "clinstat-notice" in custom:
                self.notices.append(custom["clinstat-notice"]["text"])
            for told in message.get("inputMessages", []):
                self.inputs.setdefault("pushed", []).append(told["id"])
            if "response" in message:
                self._answers[message["response"]["tag"]] = message["response"]
            self._news.notify_all()

    async def _beat(self, socket: ClientConnection) -> None:
        with contextlib.suppress(LineLost, ConnectionClosed):
            patience = BEGIN_SECONDS  # a busy server takes its time to begin a session
            while True:
                try:
                    await self.call("beat", seconds=patience * 2 ** min(self._given_up, 3))
                except TimeoutError:
                    self._given_up += 1
                    socket.transport.abort()
                    return
                self._given_up = 0
                patience = BEAT_LOST_SECONDS
                await asyncio.sleep(BEAT_SECONDS)

    async def _set(self, name: str, value: Any) -> None:
        self.inputs[name] = value
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                message = {"method": "update", "data": {name: value}}
                await self._socket.send(json.dumps(message))

    async def choose(self, **inputs: Any) -> None:
        """Change fields; `_` stands for `-`. Kept by the page, and sent if there is a line."""
        for name, value in inputs.items():
            await self._set(name.replace("_", "-"), value)

    async def click(self, button: str) -> None:
        """Press a button."""
        name = f"{button}:shiny.action"
        sent = "sent" if self.connected else "kept"
        await self._set(name, self.inputs.get(name, 0) + 1)
        self.tell(f"click {self.inputs[name]} {sent}")

    async def until(self, ready: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait for the page. TimeoutError tells what happened to it."""
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(ready)
        except TimeoutError:
            raise TimeoutError(f"not within {seconds} s:\n{self.account()}") from None

    async def call(self, method: str, *args: Any, seconds: float = 30.0) -> Any:
        """A request over the line. LineLost when it breaks, TimeoutError when nobody answers,
        Refused when the server cannot."""
        socket, self._tag = self._socket, self._tag + 1
        tag = self._tag
        if socket is None:
            raise LineLost
        try:
            await socket.send(json.dumps({"method": method, "args": args, "tag": tag}))
        except ConnectionClosed as error:
            raise LineLost from error
        await self.until(lambda: tag in self._answers or self._socket is not socket, seconds)
        if tag not in self._answers:
            raise LineLost
        answer = self._answers.pop(tag)
        if "error" in answer:
            raise Refused
        return answer.get("value")

    async def upload(self, path: Path) -> None:
        """Send a file. LineLost or OSError when the line breaks meanwhile."""
        body = await asyncio.to_thread(path.read_bytes)
        info = {"name": path.name, "size": len(body), "type": "text/csv"}
        job = await self.call("uploadInit", [info])
        await self.post(job["uploadUrl"], body)
        await self.call("uploadEnd", job["jobId"], "data-file")

    async def post(self, url: str, body: bytes) -> int:
        """The status of the answer; OSError where the line breaks."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(POST_SECONDS):
                writer.write(self.post_head(url, len(body)) + body)
                await writer.drain()
                line = await reader.readline()
                if not line:
                    raise ConnectionError("closed before the answer")
                return int(line.split()[1])
        finally:
            writer.transport.abort()

    def post_head(self, url: str, size_bytes: int) -> bytes:
        """What comes before the file in its request."""
        return (
            f"POST /{url} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {size_bytes}\r\n\r\n"
        ).encode()

    # What stands on the page.

    def html(self, output: str) -> str:
        shown = self.values.get(output)
        return shown.get("html", "") if isinstance(shown, dict) else ""

    @property
    def has_dataset(self) -> bool:
        return "<bdi>" in self.html("data-found")

    @property
    def is_running(self) -> bool:
        return "cs-running" in self.html("validate-card-progress")

    @property
    def is_finished(self) -> bool:
        """A whole result, not a partial one, and nothing that runs."""
        badge = self.html("validate-card-badge")
        final = "cs-badge" in badge and 'data-source="partial"' not in badge
        return final and not self.is_running and self.table != ""

    @property
    def table(self) -> str:
        return self.html("validate-card-table")

    async def end(self) -> None:
        """The tab is closed."""
        self._ended = True
        if self._socket is not None:
            self._socket.transport.abort()


@contextlib.asynccontextmanager
async def wire_page(
    port: int, rng: random.Random | None = None, key: str | None = None
) -> AsyncIterator[WirePage]:
    """A page that lives meanwhile, once it has its key."""
    page = WirePage(port, rng or random.Random(), key)
    living = asyncio.create_task(page.live())
    try:
        await page.until(lambda: page.keys != [])
        yield page
    finally:
        await page.end()
        living.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await living
