"""A clinician's visit, replayed from a recording over a websocket: no browser, no drawing.

The recorded frames (`clinician.json`, made by `tests.load.record`) are sent as Chromium sent
them; the page's own part is done here: the key of the workspace, the file that is uploaded, the
addresses of downloads, the confidence level. Every click is timed to its badge.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from tests.bench.page_client import PageClient

RECORDING = Path(__file__).with_name("clinician.json")
#: Where it stands in the recording, every visitor puts in his own confidence level.
LEVEL_FIELD = "outcome-ci_level"
PATIENCE_SECONDS = 30.0
_SOURCE = re.compile(r'data-source="(\w+)"')


@dataclass(frozen=True, slots=True)
class Step:
    """Frames that belong together. `kind`: look, open, run, download; `waits_for` is an output
    (open), a card (run) or a link (download)."""

    name: str
    kind: str
    waits_for: str
    frames: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that a visitor waited for: when it began (seconds of the clock), how long it
    took, where the answer came from (computed, memory, ...), and what went wrong, in words."""

    began: float
    name: str
    kind: str
    seconds: float
    source: str = ""
    problem: str = ""


def recording() -> tuple[Step, ...]:
    """The recorded visit."""
    steps = json.loads(RECORDING.read_text(encoding="utf-8"))
    return tuple(Step(s["name"], s["kind"], s["waits_for"], tuple(s["frames"])) for s in steps)


class VisitorPage(PageClient):
    """A page that is at home in a workspace and knows when a card has its answer."""

    async def listen(self) -> None:
        """Take what the server sends, until the socket is closed."""
        async for text in self._socket:
            message = json.loads(text)
            custom = message.get("custom", {})
            if "clinstat-key" in custom:
                self.keyed = True
                await self.send({"kept": {"key": custom["clinstat-key"]["key"]}})
            async with self._news:
                self.values.update(message.get("values", {}))
                if "clinstat-notice" in custom:
                    self.notices.append(custom["clinstat-notice"]["text"])
                if "response" in message:
                    answer = message["response"]
                    self._answers[answer["tag"]] = answer.get("value")
                self._news.notify_all()

    async def send(self, inputs: Mapping[str, Any], method: str = "update") -> None:
        """Send inputs; a page that begins also asks for a workspace."""
        await super().send(inputs, method)
        if method == "init":
            page = f"{random.getrandbits(128):x}"
            await super().send({"visit": {"key": None, "page": page, "known": False}})

    async def beat(self) -> float:
        """The seconds until the server answered a sign of life."""
        began = time.perf_counter()
        await self._call("beat")
        return time.perf_counter() - began

    def html(self, output: str) -> str:
        shown = self.values.get(output)
        return shown.get("html", "") if isinstance(shown, dict) else ""

    def source(self, card: str) -> str:
        """Where the answer came from; empty while there is none."""
        found = _SOURCE.search(self.html(f"{card}-badge"))
        return "" if found is None or found[1] == "partial" else found[1]

    def settled(self, card: str) -> bool:
        """Nothing runs, and there is an answer or a refusal. While an analysis runs, the badge of
        the answer before it still stands; it goes in the moment in which `progress` is empty."""
        told = f"{card}-progress" in self.values
        running = "cs-running" in self.html(f"{card}-progress")
        return told and not running and bool(self.source(card) or self.refusal(card))

    def refusal(self, card: str) -> str:
        """The sentence of a card that has no answer; empty otherwise."""
        html = self.html(f"{card}-progress")
        return " ".join(re.sub(r"<[^>]+>", " ", html).split()) if "cs-failure" in html else ""

    async def answered(
        self, card: str, frames: Sequence[dict[str, Any]], name: str, waits: float
    ) -> Deed:
        """Send the frames of a click and wait for the badge or the refusal."""
        for output in ("badge", "progress"):
            self.values.pop(f"{card}-{output}", None)
        began = time.perf_counter()
        for frame in frames:
            await self.send(frame["data"], frame["method"])
        try:
            await self.until(lambda: self.settled(card), waits)
        except TimeoutError:
            problem = "no answer"
        else:
            problem = "" if self.source(card) else self.refusal(card)
        took = time.perf_counter() - began
        return Deed(began, name, "run", took, self.source(card), problem)


@contextlib.asynccontextmanager
async def visitor_page(port: int) -> AsyncIterator[VisitorPage]:
    """A line to the server; nothing was sent yet."""
    url = f"ws://127.0.0.1:{port}/websocket/"
    async with connect(url, max_size=None, ping_interval=None) as socket:
        page = VisitorPage(port, socket)
        listening = asyncio.create_task(page.listen())
        try:
            yield page
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


class Visitor:
    """Replays the recording on one page. `file` replaces the bundled example, `level` the
    confidence level; `waits` is his patience with one answer, in seconds."""

    def __init__(
        self, page: VisitorPage, *, file: Path | None, level: str, waits: float = PATIENCE_SECONDS
    ) -> None:
        self.page = page
        self._file = file
        self._level = level
        self._waits = waits

    async def play(self, step: Step) -> Deed | None:
        """One step; None when there was nothing to wait for."""
        frames = [self._own(frame) for frame in step.frames]
        if step.kind == "run":
            return await self.page.answered(step.waits_for, frames, step.name, self._waits)
        if step.kind == "open":
            return await self._open(step, frames)
        if step.kind == "download":
            return await self._download(step)
        for frame in frames:
            await self.page.send(frame["data"], frame["method"])
        return None

    def _own(self, frame: dict[str, Any]) -> dict[str, Any]:
        data = frame["data"]
        if LEVEL_FIELD not in data or frame["method"] == "init":
            return frame
        return {**frame, "data": {**data, LEVEL_FIELD: self._level}}

    async def _open(self, step: Step, frames: list[dict[str, Any]]) -> Deed:
        page, problem, began = self.page, "", time.perf_counter()
        try:
            async with asyncio.timeout(self._waits):
                if self._file is None:
                    await page.send(frames[0]["data"])
                else:
                    await page.upload(self._file)
                await page.until(lambda: self._is_open(step), self._waits)
        except (TimeoutError, OSError) as error:
            problem = f"the file was not opened ({type(error).__name__})"
        took = time.perf_counter() - began
        for frame in frames[1:]:
            await page.send(frame["data"], frame["method"])
        kind = "open" if self._file is None else "upload"
        return Deed(began, step.name, kind, took, "", problem)

    def _is_open(self, step: Step) -> bool:
        return "cs-card-head" in self.page.html(step.waits_for)

    async def _download(self, step: Step) -> Deed:
        page, began = self.page, time.perf_counter()
        said = len(page.notices)
        try:
            await page.until(lambda: bool(page.values.get(step.waits_for)), self._waits)
            size = await page.download(step.waits_for)
        except (TimeoutError, OSError) as error:
            size, problem = 0, f"not saved ({type(error).__name__})"
        else:
            problem = "" if size else " ".join(page.notices[said:]) or "not saved"
        return Deed(began, step.name, "download", time.perf_counter() - began, "", problem)
