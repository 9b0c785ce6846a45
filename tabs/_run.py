"""One card's look at jobs: begin, stop, settle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from shiny import reactive

import logic
from logic import StatsError
from presentation.numbers import NumberStyle
from tabs import _views
from tabs._answer import Answer, Request
from tabs._progress import Draw, Progress
from tabs.distinct import distinct
from tabs.failure import Failure, attempt, failure_of
from tabs.stay import Stay
from tabs.turn import Turn


async def _look(
    request: Request, stay: Stay, turn: Turn, number: int, so_far: Progress, draw: Draw
) -> tuple[int, Answer | Failure]:
    before, owner = turn.key, await stay.whose()
    found: Any = await attempt(  # a run that was remembered, a place at a job, or a failure
        logic.in_passing, logic.attend, request.analysis, request.dataset,
        owner=owner, on_progress=so_far.tell, **request.choices,
    )  # fmt: skip
    key = found.key if isinstance(found, logic.Attendance) else None
    if before is not None and before != key:
        logic.in_passing(logic.desk().stop, owner, before)
    if turn.has(number):
        turn.key = key
    if isinstance(found, logic.Attendance):
        found = await _end_of(found)
    if isinstance(found, Failure):
        return number, found
    answer = Answer(request, found, datetime.now(UTC))
    await attempt(logic.in_passing, draw, answer)  # what fails there fails again, in its view
    return number, answer


async def _end_of(attendance: logic.Attendance) -> Any:
    try:
        return await attempt(lambda: attendance.future)
    finally:
        attendance.leave()


class CardRun:
    """What a card shows: `answer` or `failure`, and meanwhile what was found `so_far`; `stopped`
    after a Cancel."""

    def __init__(self, stay: Stay, style: Callable[[], NumberStyle]) -> None:
        self.task = reactive.ExtendedTask(_look)
        self.answer: reactive.Value[Answer | None] = reactive.Value(None, name="answer")
        self.failure: reactive.Value[Failure | None] = reactive.Value(None, name="failure")
        self.stopped: reactive.Value[bool] = reactive.Value(False, name="stopped")
        self.so_far = Progress(asyncio.get_running_loop())
        self._stay = stay
        self._style = style
        self._turn = Turn()
        self.shown = distinct(self._shown, None)
        """What the run under way has found so far, else the last answer; a reactive that speaks
        up when that changes, and not when a run begins."""

        @reactive.effect
        def _() -> None:
            if self.task.status() == "success":
                number, found = self.task.result()
                if self._turn.has(number):  # a run may end in the moment in which it is stopped
                    self._turn.key = None
                    self._settle(found)

    def _shown(self) -> Answer | None:
        found = self.so_far.partial() if self.task.status() == "running" else None
        return found or self.answer()

    def held(self) -> Answer | None:
        """The same, for downloads, which run outside the reactive world."""
        with reactive.isolate():
            return self.shown()

    def begin(self, request: Callable[[], Request]) -> None:
        """Run what `request` asks for, in place of what ran before."""
        self.stopped.set(False)
        try:
            asked = request()
        except StatsError as error:
            self._end()
            self._settle(failure_of(error))
            return
        number = self._turn.begin()
        self.task.cancel()
        with reactive.isolate():
            draw = partial(_views.draw_ahead, style=self._style())
        self.so_far.begin(asked, lambda: self._turn.has(number), draw)
        self.task.invoke(asked, self._stay, self._turn, number, self.so_far, draw)

    def stop(self) -> None:
        """Cancel: what was found so far stays. A click that comes after the end of the run takes
        nothing away."""
        if self.task.status() != "running":
            return
        self._end()
        self.stopped.set(True)
        partial = self.so_far.partial()
        if partial is not None:
            self._settle(partial)

    def _end(self) -> None:
        key = self._turn.stop()
        self.task.cancel()
        if key is not None:
            logic.in_passing(logic.desk().stop, self._stay.owner, key)

    def _settle(self, found: Answer | Failure) -> None:
        failed = isinstance(found, Failure)
        self.answer.set(None if failed else found)
        self.failure.set(found if failed else None)
