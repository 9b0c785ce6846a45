"""How far a run is, and what it has found so far."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shiny import reactive, ui
from shiny.ui import Tag

import logic
from logic import Result, Run
from tabs._answer import Answer, Request
from tabs.failure import attempt

_STEP_SECONDS = 0.2

#: Draws ahead what an answer shows at once.
Draw = Callable[[Answer], None]


class Progress:
    """Told in a thread of the lane, shown on the page at most five times a second."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._fraction: reactive.Value[float] = reactive.Value(0.0, name="fraction")
        self._partial: reactive.Value[Answer | None] = reactive.Value(None, name="partial")
        self._asked: Request | None = None
        self._draw: Draw | None = None
        self._wanted: Callable[[], bool] = bool
        self._told_at = 0.0
        self._began_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, asked: Request, wanted: Callable[[], bool], draw: Draw) -> None:
        """Another run; only what is told while it is `wanted` counts."""
        self._asked, self._wanted, self._draw = asked, wanted, draw
        self._began_at = time.monotonic()
        self._fraction.set(0.0)
        self._partial.set(None)

    def fraction(self) -> float:
        """0 to 1; reactive."""
        return self._fraction()

    def partial(self) -> Answer | None:
        """What was found so far; None when this analysis tells nothing before its end."""
        return self._partial()

    def tell(self, fraction: float, partial: Any) -> None:
        """From any thread. RuntimeError when the page's loop is closed."""
        now = time.monotonic()
        if now - self._told_at >= _STEP_SECONDS:
            self._told_at = now
            self._loop.call_soon_threadsafe(self._show_soon, self._wanted, fraction, partial)

    def _show_soon(self, wanted: Callable[[], bool], fraction: float, partial: Any) -> None:
        if wanted():
            showing = asyncio.ensure_future(self._show(wanted, fraction, partial))
            self._tasks.add(showing)
            showing.add_done_callback(self._tasks.discard)

    async def _show(self, wanted: Callable[[], bool], fraction: float, partial: Any) -> None:
        found = await self._drawn(partial) if isinstance(partial, Result) else None
        async with reactive.lock():
            if not wanted():
                return
            self._fraction.set(fraction)
            if found is not None:
                self._partial.set(found)
            await reactive.flush()

    async def _drawn(self, partial: Result) -> Answer | None:
        if self._asked is None or self._draw is None:
            return None
        run = Run(partial, "partial", time.monotonic() - self._began_at, 0.0)
        answer = Answer(self._asked, run, datetime.now(UTC))
        await attempt(logic.in_passing, self._draw, answer)
        return answer


def progress_line(fraction: float) -> Tag | None:
    """A bar; nothing for a run that does not say how far it is."""
    if fraction <= 0:
        return None
    percent = f"{100 * fraction:.0f}"
    return ui.div(
        ui.Tag("progress", f"{percent} %", value=percent, max="100"),
        ui.span(f"{percent} %", class_="cs-small cs-quiet"),
        class_="cs-bar",
    )
