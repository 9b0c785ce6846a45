"""What stands behind a catalogue: cache, lanes, memory monitor and planner, opened and closed
together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from utils.cache import TieredCache
from utils.cost_model import CostModel, Guess
from utils.desk import Desk
from utils.errors import Overloaded
from utils.executor import Executor
from utils.frame_files import FrameFiles, Movable
from utils.history import History, sample_of
from utils.idle_datasets import IdleDatasets
from utils.lane_counters import Phases
from utils.memory import MemoryActions, MemoryMonitor
from utils.plan import Planner
from utils.prices import NOTHING_MORE, Loaded
from utils.warm_up import WarmUp

_PASSING_THREADS = 2
_SWEEP_SECONDS = 3600.0
_LISTEN_SECONDS = 1.0
_PATIENCE_SECONDS = 20.0


class Closable(Protocol):
    """What ends when another takes its place."""

    def close(self) -> None:
        """End it."""
        ...


B = TypeVar("B", bound=Closable)


class TheOne(Generic[B]):
    """The one workbench (or desk) of the process, made by `build` when it is first needed."""

    def __init__(self, build: Callable[[], B]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._bench: B | None = None

    def get(self) -> B:
        """What there is one of."""
        bench = self._bench
        if bench is None:
            with self._lock:
                bench = self._bench = self._bench or self._build()
        return bench

    def replace(self, bench: B | None) -> None:
        """Put another in its place and close the one before; None to build anew when needed."""
        with self._lock:
            old, self._bench = self._bench, bench
        if old is not None:
            old.close()


class Workbench:
    """Cache and executor with all that watches over them.

    `serving` keeps the memory budget and sweeps the cache; in a script nothing is watched and
    everything fits.
    Answers are kept for `ttl_seconds`; `keys_apart` keeps those of each owner to himself.
    `plan_file` is where the cost model keeps what it learns (None: memory only). `passing` runs
    short calls (looking up, planning) beside the lanes. `frames` files datasets away, for workers
    and, of `datasets()`, those that are idle while memory is short.
    """

    def __init__(
        self,
        cache: TieredCache,
        executor: Executor,
        *,
        budget_bytes: int,
        plan_file: Path | None,
        serving: bool,
        frames: FrameFiles | None = None,
        datasets: Callable[[], Sequence[Movable]] = tuple,
        open_desk: Callable[[], Desk],
        ttl_seconds: float,
        keys_apart: bool = False,
        sweep_seconds: float = _SWEEP_SECONDS,
    ) -> None:
        self.cache = cache
        self.executor = executor
        self.serving = serving
        self.ttl_seconds = ttl_seconds
        self.keys_apart = keys_apart
        # a script has no workspaces, and then nothing is opened
        self._desk: TheOne[Desk] = TheOne(open_desk)
        self.frames = frames or FrameFiles(None)
        self.monitor = MemoryMonitor(
            budget_bytes=budget_bytes,
            actions=MemoryActions(
                shrink=cache.shrink,
                hold_heavy=executor.hold_heavy,
                kill_heavy=executor.kill_heavy,
                spill=IdleDatasets(self.frames, datasets).unload,
            ),
            beside=self._remember,
        )
        self.history = History(partial(sample_of, cache, lambda: self.monitor.used_bytes))
        self.planner = Planner(CostModel(plan_file), self.monitor if serving else None)
        self.passing = ThreadPoolExecutor(_PASSING_THREADS, thread_name_prefix="passing")
        self._warm_up: WarmUp | None = None
        self._ended = threading.Event()
        self._sweep_seconds = sweep_seconds
        if serving:
            self.monitor.start()
            for job in (self._sweep, self._listen):
                threading.Thread(target=job, name=f"cache{job.__name__}", daemon=True).start()

    @property
    def desk(self) -> Desk:
        """Workspaces, their files and jobs."""
        return self._desk.get()

    def _remember(self) -> None:
        self.history.tick()

    def heavy(
        self, path: str, arguments: Mapping[str, object], *, kind: str, options: Sequence[Guess],
        patience_seconds: float = _PATIENCE_SECONDS, loaded: Loaded = NOTHING_MORE, **more: Any,
    ) -> Any:  # fmt: skip
        """Run a function in the heavy lane and wait for its answer.

        It starts when `options[0]` fits the memory budget, is refused when that does not happen
        within `patience_seconds`, and teaches the cost model what a run of this `kind` takes
        beside the libraries `loaded` for it. Where there is no room to hold these ready, it
        imports them itself. `more` goes to `Executor.heavy`.
        """
        found_loaded: list[str] = []

        def ended(phases: Phases) -> None:
            if found_loaded or not loaded.modules:  # else the libraries are part of it
                self.planner.learn(
                    kind, options[0], seconds=phases.cpu_seconds, size_bytes=phases.added_bytes
                )

        with contextlib.ExitStack() as while_it_runs:

            def refusal() -> Overloaded | None:
                beside, finds = self._libraries(kind, options[0], loaded)
                found = self.planner.refusal(kind, options, "heavy", beside_bytes=beside)
                if found is None:
                    found_loaded[:] = finds
                    while_it_runs.enter_context(
                        self.planner.expecting(kind, options[0], beside_bytes=beside)
                    )
                return found

            future = self.executor.heavy(
                path, arguments, patience_seconds=patience_seconds, ended=ended, refusal=refusal,
                loaded=found_loaded, **more,
            )  # fmt: skip
            return self.executor.wait(future)

    def _libraries(self, kind: str, guess: Guess, loaded: Loaded) -> tuple[int, Sequence[str]]:
        """What a job takes for its libraries, and which of them it finds imported."""
        if self.executor.is_warm(loaded.modules):
            return loaded.touched_bytes, loaded.modules
        held_ready = loaded.size_bytes + loaded.touched_bytes
        if self.planner.at_ease(kind, guess, beside_bytes=held_ready):
            return held_ready, loaded.modules
        return loaded.own_bytes, ()

    def _sweep(self) -> None:
        """Forget expired entries and left-over files now and then."""
        while not self._ended.wait(self._sweep_seconds):
            self.cache.clear(expired=True)
            self.desk.sweep()

    def _listen(self) -> None:
        """What other processes cleared goes from our memory also while nobody asks for anything."""
        while not self._ended.wait(_LISTEN_SECONDS):
            self.cache.listen(at_once=True)

    def warm_up(self, calls: Sequence[Callable[[], object]]) -> None:
        """Run `calls` in the background, each while no user computes."""
        self._warm_up = WarmUp(calls, may_run=self._is_idle)
        self._warm_up.start()

    def _is_idle(self) -> bool:
        lane = self.executor.snapshot().quick
        return lane.running + lane.queued == 0

    def close(self) -> None:
        """End every thread and process, and keep what was learnt."""
        self._ended.set()
        if self._warm_up is not None:
            self._warm_up.stop()
        self.passing.shutdown(wait=False, cancel_futures=True)
        self.monitor.close()
        self.executor.shutdown()
        self.planner.close()
        self.cache.close()
        self._desk.replace(None)
