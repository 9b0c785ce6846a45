"""What stands behind a catalogue: cache, lanes, memory monitor and planner, opened and closed
together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Generic, TypeVar

from utils.cache import TieredCache
from utils.cost_model import CostModel
from utils.executor import Executor
from utils.memory import MemoryActions, MemoryMonitor
from utils.plan import Planner
from utils.warm_up import WarmUp

_PASSING_THREADS = 2
_SWEEP_SECONDS = 3600.0
B = TypeVar("B", bound="Workbench")


class Workbench:
    """Cache and executor with all that watches over them.

    `serving` keeps the memory budget and sweeps the cache; in a script nothing is watched and
    everything fits.
    `plan_file` is where the cost model keeps what it learns (None: memory only). `passing` runs
    short calls (looking up, planning) beside the lanes.
    """

    def __init__(
        self,
        cache: TieredCache,
        executor: Executor,
        *,
        budget_bytes: int,
        plan_file: Path | None,
        serving: bool,
        sweep_seconds: float = _SWEEP_SECONDS,
    ) -> None:
        self.cache = cache
        self.executor = executor
        self.serving = serving
        self.monitor = MemoryMonitor(
            budget_bytes=budget_bytes,
            actions=MemoryActions(
                shrink=cache.shrink,
                hold_heavy=executor.hold_heavy,
                kill_heavy=executor.kill_heavy,
            ),
        )
        self.planner = Planner(CostModel(plan_file), self.monitor if serving else None)
        self.passing = ThreadPoolExecutor(_PASSING_THREADS, thread_name_prefix="passing")
        self._warm_up: WarmUp | None = None
        self._ended = threading.Event()
        self._sweep_seconds = sweep_seconds
        if serving:
            self.monitor.start()
            threading.Thread(target=self._sweep, name="cache-sweep", daemon=True).start()

    def _sweep(self) -> None:
        """Forget expired entries and left-over files now and then."""
        while not self._ended.wait(self._sweep_seconds):
            self.cache.clear(expired=True)

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


class TheOne(Generic[B]):
    """The one workbench of the process, made by `build` when it is first needed."""

    def __init__(self, build: Callable[[], B]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._bench: B | None = None

    def get(self) -> B:
        """The workbench."""
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
