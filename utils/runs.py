"""Runs of a catalogue's analyses: through the cache, in a lane, as a job that outlives its page.

    runs = Runs(catalogue, workbench, quick=context, heavy_after=NeedsAnotherProcess)
    runs.run(asked)                      blocks until the answer is there
    runs.submit(asked, owner=...)        in the quick lane, as a Future
    runs.attend(asked, request, ...)     the answer at hand, or a place at the job that makes it
    runs.plan(name, data, choices)       seconds and bytes before it starts

`quick(cancel, serving)` is the context in which work of the quick lane runs; it may raise
`heavy_after`, and the same analysis then runs in the heavy lane.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from utils.cache import Answer
from utils.cancel import CancelToken
from utils.catalogue import Asked, Catalogue, Data
from utils.jobs import Attendance
from utils.plan import Plan
from utils.workbench import Workbench
from utils.workspace_state import Request

log = logging.getLogger("clinstat")
D = TypeVar("D", bound=Data)
_PATIENCE_SECONDS = 10.0  # of a short run, where memory is not free at once
Progress = Callable[[float, Any], None]
QuickContext = Callable[[CancelToken | None, bool], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Run:
    """A result and where it came from: computed, memory, disk, redis, or shared with another
    caller who asked at the same time. `seconds` is what this call took."""

    result: Any
    source: str
    seconds: float
    cost_seconds: float


class Runs(Generic[D]):
    """Runs what a catalogue lists with the workbench in force."""

    def __init__(
        self, catalogue: Catalogue[D], workbench: Callable[[], Workbench], *,
        quick: QuickContext, heavy_after: type[Exception],
    ) -> None:  # fmt: skip
        self._catalogue = catalogue
        self._workbench = workbench
        self._quick = quick
        self._heavy_after = heavy_after

    def ask(self, name: str, data: Any, choices: Mapping[str, Any], owner: str = "") -> Asked[D]:
        """Check and complete the choices. Where the cache is kept apart, keys are the owner's."""
        salt = owner if self._workbench().keys_apart else ""
        return self._catalogue.ask(name, data, choices, salt=salt)

    def run(
        self, asked: Asked[D], cancel: CancelToken | None = None, progress: Progress | None = None
    ) -> Run:
        """The answer, from the cache or computed now."""
        bench, began = self._workbench(), time.thread_time()
        own_ttl = asked.analysis.ttl_seconds
        answer: Answer[Any] = bench.cache.get_or_compute(
            asked.parts.key,
            lambda: self._wanted(bench, asked, began, cancel, progress),
            name=asked.analysis.name,
            ttl_seconds=bench.ttl_seconds if own_ttl is None else own_ttl,
            label=asked.dataset.remember("label", str),
            parts=asked.parts,
        )
        return _run_of(answer)

    def submit(
        self, ask: Callable[[], Asked[D]], *, owner: str, cancel: CancelToken | None,
        progress: Progress | None,
    ) -> Future[Run]:  # fmt: skip
        """`run` in the quick lane; `ask` is called there too."""

        def work(*, progress: Progress | None = None) -> Run:
            return self.run(ask(), cancel, progress)

        lane = self._workbench().executor.quick
        return lane(work, owner=owner, cancel=cancel, progress=progress)

    def remembered(self, asked: Asked[D]) -> Run | None:
        """The answer if the memory tier holds it; enters no lane."""
        answer = self._workbench().cache.peek(asked.parts.key, name=asked.analysis.name)
        return None if answer is None else _run_of(answer)

    def attend(
        self, asked: Asked[D], request: Request, *, owner: str, on_progress: Progress | None
    ) -> Attendance | Run:
        """The answer if it is remembered, else a place at the job, retried where that helps."""
        bench = self._workbench()
        found = self.remembered(asked)
        if found is not None:
            bench.desk.note(owner, request)
            return found

        def start(cancel: CancelToken, progress: Progress) -> Future[Run]:
            def work(*, progress: Progress | None = None) -> Run:
                again = functools.partial(self.run, asked, cancel, progress)
                return bench.desk.retry.call(again, stopped=lambda: cancel.cancelled)

            work.__qualname__ = asked.analysis.name  # what the journal of the lane calls it
            return bench.executor.quick(work, owner=owner, cancel=cancel, progress=progress)

        return bench.desk.begin(owner, request, start, on_progress=on_progress)

    def plan(self, name: str, data: Any, choices: Mapping[str, Any]) -> Plan:
        """What a run would cost, and whether it fits the memory budget."""
        analysis, dataset, complete = self._catalogue.prepared(name, data, choices)
        work = analysis.work(dataset, complete)
        return self._workbench().planner.plan(analysis.kind, work, analysis.lane)

    def _wanted(
        self, bench: Workbench, asked: Asked[D], began: float,
        cancel: CancelToken | None, progress: Progress | None,
    ) -> Any:  # fmt: skip
        """The result, unless it was stopped or forgotten meanwhile: then nothing is stored."""
        found = self._compute(bench, asked, began, cancel, progress)
        if cancel is not None:
            cancel.check()
        return found

    def _compute(
        self, bench: Workbench, asked: Asked[D], began: float,
        cancel: CancelToken | None, progress: Progress | None,
    ) -> Any:  # fmt: skip
        analysis, choices = asked.analysis, asked.parts.choices
        told = progress if "progress" in analysis.signature.parameters else None
        telling = {} if told is None else {"progress": told}
        options = analysis.work(asked.dataset, choices)
        travels = bench.executor.travels(analysis.path)
        beside = bench.frames.absent_bytes(asked.dataset, len(asked.parts.columns))
        if analysis.lane == "quick" and not (told and travels):
            bench.planner.admit(
                analysis.kind, options, "quick", beside_bytes=beside,
                patience_seconds=_PATIENCE_SECONDS,
                check=cancel.check if cancel is not None else lambda: None,
            )  # fmt: skip
            try:
                with (
                    self._quick(cancel, bench.serving),
                    bench.planner.expecting(analysis.kind, options[0], beside_bytes=beside),
                    bench.planner.learning(analysis.kind, options[0], since=began),
                ):
                    return analysis.function(asked.dataset, **choices, **telling)
            except self._heavy_after:
                log.info("%s moves to the heavy lane", analysis.name)
        columns = asked.parts.columns
        # another machine does not have our files
        data = None if travels else bench.frames.filed(asked.dataset, columns)
        if data is None:
            data = asked.dataset.frame([name for name, _ in columns])
        arguments = {"data": data, **choices}
        return bench.heavy(
            analysis.path, arguments, kind=f"{analysis.kind} in a process", options=options,
            cancel=cancel, progress=told,
        )  # fmt: skip


def _run_of(answer: Answer[Any]) -> Run:
    return Run(answer.value, answer.source, answer.seconds, answer.cost_seconds)
