"""Keeps the process tree inside its memory budget, in three steps and never by the server's life.

    70 % of the budget   shrink the memory tier of the cache, collect, give pages back; datasets
                         that nobody has used for some seconds go to their files
    85 %                 take no new heavy work, spill every idle dataset
    95 %                 kill the heavy work that runs

A step is taken when its share is reached and left only five points below it, so that use around a
threshold does not flap. Every action is counted and kept for the panel.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from utils.errors import NeverFits, Overloaded
from utils.process_memory import give_back, group_limit_bytes, tree_bytes

_MIB = 1024 * 1024
_GROUP_SHARE = 0.9  # of a container's limit; the rest is for the kernel's own pages
_MARGIN = 0.05
_SHRINK_TO = 0.60
#: Of the budget is left for short runs, whatever heavy work has taken: what fills more than the
#: rest would be killed at once.
_QUICK_SHARE = 0.06
_GIVE_BACK_SECONDS = 5.0
_SETTLE_SECONDS = 2.0
_COLLECTING_SHARE = 0.01  # of the time goes to collections while nothing presses
_KEPT_EVENTS = 50


class Level(IntEnum):
    """How pressed the server is."""

    CALM = 0
    SHRINK = 1
    REFUSE = 2
    KILL = 3


THRESHOLDS: Mapping[Level, float] = MappingProxyType(
    {Level.SHRINK: 0.70, Level.REFUSE: 0.85, Level.KILL: 0.95}
)
"""Share of the budget at which each level begins."""


_SPILL_AFTER_SECONDS: Mapping[Level, float] = MappingProxyType(
    {Level.SHRINK: 6.0, Level.REFUSE: 1.5, Level.KILL: 1.5}
)
"""For how long a dataset must have been idle to leave memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryActions:
    """What the monitor can do. All are called in the monitor's thread and do not raise.

    `shrink` is asked for a number of bytes and, like `spill`, returns the bytes that it freed;
    `spill` is told for how many seconds a dataset must have been idle; `kill_heavy` returns the
    number of jobs that it killed.
    """

    shrink: Callable[[int], int]
    hold_heavy: Callable[[bool], None]
    kill_heavy: Callable[[], int]
    spill: Callable[[float], int] | None = None
    give_back: Callable[[], None] = give_back


@dataclass(frozen=True, slots=True)
class MemoryEvent:
    """One action: when (seconds of the monitor's clock), at which level, and what it did."""

    at_seconds: float
    level: Level
    action: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySnapshot:
    """What the panel shows; sizes in bytes, `events` the last 50, oldest first."""

    used_bytes: int
    peak_bytes: int
    budget_bytes: int
    level: Level
    actions: Mapping[str, int]
    events: tuple[MemoryEvent, ...]


def effective_budget(setting_bytes: int, limit_bytes: int | None) -> int:
    """The budget that holds: the setting, or most of the container's limit if that is less."""
    if limit_bytes is None:
        return setting_bytes
    return min(setting_bytes, int(limit_bytes * _GROUP_SHARE))


class MemoryMonitor:
    """Looks at the tree once a second (four times a second under pressure) and acts.

    `sampler` gives the bytes in use (OSError when it cannot), `clock` seconds. `start` begins a
    thread that checks; without it `check` may be called by hand, by one thread at a time. `beside`
    is called after each check of that thread, must be quick and does not raise.
    """

    def __init__(
        self,
        *,
        budget_bytes: int,
        actions: MemoryActions,
        sampler: Callable[[], int] = tree_bytes,
        clock: Callable[[], float] = time.monotonic,
        interval_seconds: float = 1.0,
        beside: Callable[[], object] = lambda: None,
    ) -> None:
        self.budget_bytes = effective_budget(budget_bytes, group_limit_bytes())
        self._actions = actions
        self._sampler = sampler
        self._clock = clock
        self._interval = interval_seconds
        self._beside = beside
        self._level = Level.CALM
        self._used = 0
        self._peak = 0
        self._sampled_at = float("-inf")
        self._gave_back_at = float("-inf")
        self._calm_pause_seconds = 0.0
        self._collect_at: float | None = None
        self._counts: Counter[str] = Counter()
        self._events: deque[MemoryEvent] = deque(maxlen=_KEPT_EVENTS)
        self._promises: dict[object, int] = {}
        self._sampling = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Check in a thread of its own from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop checking."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def check(self) -> Level:
        """Measure, change the level if it must be, and act on it."""
        self._sample()
        before, self._level = self._level, self._level_of(self._used / self.budget_bytes)
        if (before >= Level.REFUSE) != (self._level >= Level.REFUSE):
            held = self._level >= Level.REFUSE
            self._actions.hold_heavy(held)
            self._note("hold heavy work" if held else "take heavy work", 0)
        if self._level >= Level.SHRINK:
            self._shrink()
        idle_seconds = _SPILL_AFTER_SECONDS.get(self._level)
        if idle_seconds is not None and self._actions.spill is not None:
            self._count_freed("spill datasets", self._actions.spill(idle_seconds))
        if self._level >= Level.KILL:
            self._count_freed("kill heavy work", self._actions.kill_heavy())
        self._give_back_if_due()
        return self._level

    def admit(self, planned_bytes: int, *, heavy: bool = True) -> None:
        """Return when a run that adds `planned_bytes` fits; else Overloaded says why not.

        While the server is pressed, no heavy work is taken even if it would fit.
        """
        refusal = self.refusal(planned_bytes, heavy=heavy)
        if refusal is not None:
            self.count_refusal()
            raise refusal

    def count_refusal(self) -> None:
        """A run was turned away for want of memory."""
        self._counts["refused"] += 1

    def refusal(self, planned_bytes: int, *, heavy: bool = True) -> Overloaded | None:
        """What `admit` would raise, for a plan: nothing is counted."""
        if self._clock() - self._sampled_at > self._interval:
            self._sample()
        needed = f"about {max(1, round(planned_bytes / _MIB)):,} MB of memory"
        if planned_bytes > self.budget_bytes:
            return NeverFits(f"This work needs {needed}, more than this server has.")
        held = heavy and self._level >= Level.REFUSE
        budget = self.budget_bytes - (int(_QUICK_SHARE * self.budget_bytes) if heavy else 0)
        if held or self._expected() + planned_bytes > budget:
            return Overloaded(
                f"This work needs {needed}, which is not free at the moment.",
                hint="Nothing was lost; try again in a minute, or use fewer rows or variables.",
            )
        return None

    def at_ease(self, planned_bytes: int) -> bool:
        """Whether a run that adds so much leaves the server unpressed."""
        return self._expected() + planned_bytes <= THRESHOLDS[Level.REFUSE] * self.budget_bytes

    @property
    def used_bytes(self) -> int:
        """Use at the last look."""
        return self._used

    @contextlib.contextmanager
    def expecting(self, planned_bytes: int) -> Iterator[None]:
        """While an admitted run goes on: what it has not taken yet counts as taken.

        Two runs that would each fit are then not admitted together when both do not.
        """
        promise = object()
        with self._sampling:
            self._promises[promise] = self._expected() + planned_bytes
        try:
            yield
        finally:
            with self._sampling:
                del self._promises[promise]

    def _expected(self) -> int:
        return max(self._used, *self._promises.copy().values(), 0)

    def collect_soon(self) -> None:
        """Give memory back in a little while: a session has ended and is garbage by then.

        Where it is due already it is not put off: pages may close one after the other.
        """
        if self._collect_at is None:
            self._collect_at = self._clock() + _SETTLE_SECONDS

    def snapshot(self) -> MemorySnapshot:
        """Use, level and actions at the last check."""
        return MemorySnapshot(
            used_bytes=self._used,
            peak_bytes=self._peak,
            budget_bytes=self.budget_bytes,
            level=self._level,
            actions=MappingProxyType(dict(self._counts)),
            events=tuple(self._events),
        )

    def _watch(self) -> None:
        while not self._ended.wait(self._interval / (4 if self._level else 1)):
            self.check()
            self._beside()

    def _sample(self) -> None:
        with self._sampling:
            self._sampled_at = self._clock()
            try:
                self._used = self._sampler()
            except OSError:  # no descriptor left, for example: the next look may succeed
                self._counts["not measured"] += 1
                return
            self._peak = max(self._peak, self._used)

    def _level_of(self, share: float) -> Level:
        reached = Level.CALM
        for level, threshold in THRESHOLDS.items():
            begins = threshold - _MARGIN if level <= self._level else threshold
            if share >= begins:
                reached = level
        return reached

    def _shrink(self) -> None:
        surplus = self._used - int(_SHRINK_TO * self.budget_bytes)
        self._count_freed("shrink cache", self._actions.shrink(surplus))
        if self._clock() - self._gave_back_at >= _GIVE_BACK_SECONDS:
            self._collect_at = self._clock()

    def _give_back_if_due(self) -> None:
        # A collection stops every thread for some milliseconds, so it has its own pace.
        now = self._clock()
        due = self._collect_at is not None and now >= self._collect_at
        pause = max(_GIVE_BACK_SECONDS, 0 if self._level else self._calm_pause_seconds)
        if not due or now - self._gave_back_at < pause:
            return
        self._collect_at = None
        before = self._used
        self._actions.give_back()
        self._gave_back_at = self._clock()
        self._calm_pause_seconds = (self._gave_back_at - now) / _COLLECTING_SHARE
        self._sample()
        self._note("give back", max(0, before - self._used))

    def _count_freed(self, action: str, amount: int) -> None:
        if amount > 0:
            self._note(action, amount)

    def _note(self, action: str, amount: int) -> None:
        self._counts[action] += 1
        self._events.append(MemoryEvent(self._clock(), self._level, action, amount))
