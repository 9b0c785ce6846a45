"""The page without a browser: one Shiny session over a websocket, as small as it can be."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

SHOWN = (
    "data-found", "data-progress", "outcome-predictors_count", "outcome-plan-price", "outcome-card-progress",
    "outcome-card-result", "outcome-card-badge", "outcome-card-table",
)  # fmt: skip
FORM = {
    "tab": "outcome", "outcome_kind": "outcome", "outcome-outcome": "", "outcome-event": "", "outcome-predictors": [],
    "outcome-exposure": "", "outcome-adjust": "all", "outcome-adjust_for": [],
    "outcome-common_sample": False, "outcome-method": "auto", "outcome-interval": "profile",
    "outcome-ci_level": "95", "outcome-hosmer_lemeshow": False, "outcome-seed": "1",
    "outcome-card-style": "plain", "data-variables-filter": "",
}  # fmt: skip


class PageClient:
    """Sends inputs, keeps the last value of every output."""

    def __init__(self, port: int, socket: ClientConnection) -> None:
        self._base = f"http://127.0.0.1:{port}/"
        self._socket = socket
        self._clicks = 0
        self._tag = 0
        self.keyed = False
        self.values: dict[str, Any] = {}
        self.notices: list[str] = []
        self._answers: dict[int, Any] = {}
        self._news = asyncio.Condition()

    async def listen(self) -> None:
        """Take what the server sends, until the socket is closed."""
        async for text in self._socket:
            message = json.loads(text)
            async with self._news:
                self.values.update(message.get("values", {}))
                self.keyed = self.keyed or "clinstat-key" in message.get("custom", {})
                notice = message.get("custom", {}).get("clinstat-notice")
                self.notices += [notice["text"]] if notice else []
                answer = message.get("response")
                if answer:
                    self._answers[answer["tag"]] = answer["value"]
                self._news.notify_all()

    async def send(self, inputs: Mapping[str, Any], method: str = "update") -> None:
        await self._socket.send(json.dumps({"method": method, "data": dict(inputs)}))

    async def until(self, ready: Callable[[], bool], seconds: float = 60.0) -> None:
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(ready)

    async def changed(self, output: str, inputs: Mapping[str, Any]) -> float:
        """Send inputs and wait for the next value of an output; the seconds that it took."""
        self.values.pop(output, None)
        began = time.perf_counter()
        await self.send(inputs)
        await self.until(lambda: output in self.values)
        return time.perf_counter() - began

    async def open_example(self, key: str) -> float:
        """Open an example; the seconds until it stands on the page."""
        began = time.perf_counter()
        self.values.pop("data-found", None)
        await self.send({"data-example": key})
        await self.until(self._holds_data)
        return time.perf_counter() - began

    def _holds_data(self) -> bool:
        return "cs-card-head" in (self.values.get("data-found") or {}).get("html", "")

    async def run(self) -> float:
        """Run the analysis; the seconds until its badge, not a number when it was refused (the
        sentence stands in `notices` then)."""
        self._clicks += 1
        self.values.pop("outcome-card-badge", None)
        self.values.pop("outcome-card-progress", None)
        began = time.perf_counter()
        await self.send({"outcome-run:shiny.action": self._clicks})
        await self.until(lambda: self._settled() and (self.answered() or self._refusal() != ""))
        if self.answered():
            return time.perf_counter() - began
        self.notices.append(self._refusal())
        return math.nan

    def _settled(self) -> bool:
        """Nothing runs (any more)."""
        told = self.values.get("outcome-card-progress", {"html": "cs-running"}) or {}
        return "cs-running" not in told.get("html", "")

    def answered(self) -> bool:
        """True when the whole answer is shown, and not what was found so far."""
        return "So far" not in str(self.values.get("outcome-card-badge") or "So far")

    def _refusal(self, place: str = "outcome-card-progress") -> str:
        shown = self.values.get(place) or {}
        html = shown.get("html", "")
        return re.sub(r"<[^>]+>\s*", " ", html).strip() if "cs-failure" in html else ""

    async def upload(self, path: Path) -> float:
        """Upload a file; the seconds until it stands on the page, not a number when it was
        refused (the sentence stands in `notices` then)."""
        began = time.perf_counter()
        self.values.pop("data-found", None)
        self.values.pop("data-progress", None)
        body = await asyncio.to_thread(path.read_bytes)
        info = {"name": path.name, "size": len(body), "type": "text/csv"}
        job = await self._call("uploadInit", [info])
        request = urllib.request.Request(self._base + job["uploadUrl"], data=body, method="POST")
        await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=60).read())
        await self._call("uploadEnd", job["jobId"], "data-file")
        await self.until(lambda: self._holds_data() or self._refusal("data-progress") != "")
        if self._holds_data():
            return time.perf_counter() - began
        self.notices.append(self._refusal("data-progress"))
        return math.nan

    async def _call(self, method: str, *args: Any) -> Any:
        self._tag += 1
        tag = self._tag
        await self._socket.send(json.dumps({"method": method, "args": args, "tag": tag}))
        await self.until(lambda: tag in self._answers)
        return self._answers.pop(tag)

    async def download(self, output: str) -> int:
        """Fetch a file that the page offers; its size in bytes, 0 when it was refused (the
        sentence stands in `notices` then)."""
        url = self._base + self.values[output]
        try:
            return len(
                await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=60).read())
            )
        except urllib.error.HTTPError:
            return 0


@contextlib.asynccontextmanager
async def open_page(port: int) -> AsyncIterator[PageClient]:
    """A session with the outcome tab open and every field at its first value."""
    async with connect(f"ws://127.0.0.1:{port}/websocket/", max_size=None) as socket:
        page = PageClient(port, socket)
        listening = asyncio.create_task(page.listen())
        hidden = {f".clientdata_output_{name}_hidden": False for name in SHOWN}
        visit = {"key": None, "page": secrets.token_hex(16), "known": False}
        await page.send(FORM | hidden, "init")
        await page.send({"visit": visit})
        await page.until(lambda: page.keyed)  # it has a workspace now
        yield page
        listening.cancel()
