"""One door to both lanes of computation. Nothing here ever runs on the event loop.

    quick(function, ...)      our own vectorised code, in a thread of the server
    heavy("module:function")  anything large or foreign, in a process with limits

Both return a `concurrent.futures.Future`; a page awaits `asyncio.wrap_future(...)`. All that
can go wrong with the work arrives through that Future as an error with a sentence for the user.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from utils.cancel import CancelToken
from utils.codec import Codec
from utils.errors import Overloaded
from utils.frame_files import FrameMap
from utils.heavy_lane import HeavyLane
from utils.heavy_run import HeavyRequest, HeavyTerms
from utils.lane_counters import LaneCounters, LaneSnapshot, Phases, RunTiming
from utils.quick_lane import QuickLane
from utils.zygote import PRELOAD, Zygote
from utils.zygote_keeper import ZygoteKeeper

__all__ = ["PRELOAD", "CancelToken", "Executor", "ExecutorSnapshot", "Zygote"]

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSnapshot:
    """What the panel shows. `runs` are the last 50 of each lane, oldest first."""

    quick: LaneSnapshot
    heavy: LaneSnapshot
    runs: tuple[RunTiming, ...]
    zygote_pid: int | None
    zygote_replacements: int


class Executor:
    """The two lanes.

    `codec` carries arguments and results to and from the workers; `errors` are the classes that
    may cross from a worker, by name; `functions` the `module:function` paths that may run
    there. `zygote` is the one that was forked at the start, None to spawn one when it is needed.
    """

    def __init__(
        self,
        *,
        codec: Codec,
        quick_workers: int,
        heavy_memory_bytes: int,
        heavy_deadline_seconds: float,
        errors: Mapping[str, type[Exception]],
        functions: Collection[str],
        zygote: Zygote | None = None,
        preload: Sequence[str] = PRELOAD,
        heavy_workers: int = 1,
        queue_limit: int = 32,
        argument_bytes: int = 512 * _MIB,
        result_bytes: int = 128 * _MIB,
        idle_seconds: float = 120.0,
    ) -> None:
        self._memory_bytes = heavy_memory_bytes
        self._deadline_seconds = heavy_deadline_seconds
        self._functions = frozenset(functions)
        self._quick_counters = LaneCounters("quick")
        self._heavy_counters = LaneCounters("heavy")
        carrying = Codec({**codec.classes, "FrameMap": FrameMap})
        terms = HeavyTerms(carrying, carrying.classes, dict(errors), argument_bytes, result_bytes)
        self._keeper = ZygoteKeeper(zygote, preload)
        self._quick = QuickLane(
            workers=quick_workers, queue_limit=queue_limit, counters=self._quick_counters
        )
        self._heavy = HeavyLane(
            terms=terms,
            keeper=self._keeper,
            workers=heavy_workers,
            queue_limit=queue_limit,
            idle_seconds=idle_seconds,
            counters=self._heavy_counters,
        )

    def quick(
        self,
        function: Callable[..., Any],
        /,
        *args: Any,
        deadline_seconds: float | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[float, Any], None] | None = None,
        owner: str = "",
        **kwargs: Any,
    ) -> Future[Any]:
        """Run `function(*args, **kwargs)` in a thread.

        With `progress` the function gets a keyword `progress`, a callable of a fraction and a
        partial result, which raises when the work was stopped. The deadline counts from
        the moment when the work starts. `owner` is whom the queue is fair to.
        """
        return self._quick.submit(
            function, args, kwargs,
            owner=owner, deadline_seconds=deadline_seconds, cancel=cancel, progress=progress,
        )  # fmt: skip

    def heavy(
        self,
        path: str,
        arguments: Mapping[str, object],
        *,
        deadline_seconds: float | None = None,
        memory_bytes: int | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[float, Any], None] | None = None,
        owner: str = "",
        patience_seconds: float = 0.0,
        refusal: Callable[[], Overloaded | None] | None = None,
        ended: Callable[[Phases], None] | None = None,
        loaded: Sequence[str] = (),
    ) -> Future[Any]:
        """Run the function that `path` names in a process, with keyword `arguments`.

        `memory_bytes` is what it may map beyond the libraries that are loaded already;
        `deadline_seconds` counts from the moment when it leaves the queue. `progress` as in
        `quick`, called in a thread of the lane. `patience_seconds`, `refusal`, `ended` and
        `loaded` as in `HeavyRequest`: a job may wait for memory instead of being refused at once,
        and may find modules imported. ValueError for a path that is not allowed.
        """
        if path not in self._functions:
            raise ValueError(f"{path!r} is not a function that the heavy lane may run")
        request = HeavyRequest(
            path=path,
            arguments=arguments,
            memory_bytes=self._memory_bytes if memory_bytes is None else memory_bytes,
            deadline_seconds=(
                self._deadline_seconds if deadline_seconds is None else deadline_seconds
            ),
            progress=progress,
            patience_seconds=patience_seconds,
            refusal=refusal,
            ended=ended,
            loaded=loaded,
        )
        return self._heavy.submit(request, owner=owner, cancel=cancel)

    def travels(self, path: str) -> bool:  # noqa: ARG002 - here nothing does
        """Whether long work of this path is better sent to other machines (`heavy`)."""
        return False

    def is_warm(self, loaded: Sequence[str]) -> bool:
        """Whether the next heavy job finds these modules imported without waiting for them."""
        return self._keeper.is_warm(loaded)

    def wait(self, future: Future[Any]) -> Any:
        """The answer of a heavy job, for quick work that needs one in the middle.

        Other quick work goes on meanwhile: the waiting thread gives up its place.
        """
        with self._quick.standing_aside():
            return future.result()

    def hold_heavy(self, held: bool = True) -> None:
        """Refuse new heavy work while memory is short (`False`: take it again)."""
        self._heavy.hold(held)

    def kill_heavy(self) -> int:
        """Kill the heavy jobs that run now, because memory is short; returns their number."""
        return self._heavy.kill_running("memory")

    def snapshot(self) -> ExecutorSnapshot:
        """Counts and timings at this moment."""
        return ExecutorSnapshot(
            quick=self._quick_counters.snapshot(len(self._quick)),
            heavy=self._heavy_counters.snapshot(len(self._heavy)),
            runs=self._quick_counters.runs() + self._heavy_counters.runs(),
            zygote_pid=self._keeper.pid,
            zygote_replacements=self._keeper.replacements,
        )

    def shutdown(self, timeout_seconds: float = 2.0) -> None:
        """Answer everything that waits or runs, and end every process. May be called twice."""
        self._heavy.close(timeout_seconds)
        self._quick.close(timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
