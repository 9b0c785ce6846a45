"""The plan of a run: what it will take, and whether it may, with a smaller one where it may not."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from utils.cost_model import CostModel, Guess
from utils.errors import NeverFits, Overloaded
from utils.memory import MemoryMonitor
from utils.process_memory import PeakMeter

Lane = Literal["quick", "heavy"]
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Seconds and bytes that a run will take, where it runs, and whether it may.

    `sentence` is `about 0.1 s, 12 MB`, or, when it does not fit, why and what would.
    """

    seconds: float
    bytes: int
    lane: Literal["quick", "heavy"]
    fits: bool
    sentence: str


class Planner:
    """Prices runs with `model` and holds them against the memory that `monitor` watches.

    `monitor` is None where nobody keeps a budget (a script): then everything fits.
    """

    def __init__(self, model: CostModel, monitor: MemoryMonitor | None) -> None:
        self._model = model
        self._monitor = monitor
        self._meter = PeakMeter()

    def plan(self, kind: str, options: Sequence[Guess], lane: Lane) -> Plan:
        """The plan of `options[0]`; the others are smaller runs that may be offered instead."""
        seconds, size_bytes = self._model.estimate(kind, options[0])
        refusal = self.refusal(kind, options, lane)
        sentence = price_words(seconds, size_bytes)
        if refusal is not None:
            sentence = f"{refusal.message} {refusal.hint}"
        return Plan(
            seconds=seconds, bytes=size_bytes, lane=lane, fits=refusal is None, sentence=sentence
        )

    def admit(
        self, kind: str, options: Sequence[Guess], lane: Lane, *, beside_bytes: int = 0,
        patience_seconds: float = 0.0, check: Callable[[], object] = lambda: None,
    ) -> None:  # fmt: skip
        """Return when `options[0]` may run, with `beside_bytes`; else Overloaded names what would.

        What only has no room now is waited for, `patience_seconds` at most; `check` is called
        meanwhile and may raise to give up.
        """
        give_up = time.monotonic() + patience_seconds
        while refusal := self.refusal(kind, options, lane, beside_bytes=beside_bytes):
            if isinstance(refusal, NeverFits) or time.monotonic() >= give_up:
                if self._monitor is not None:
                    self._monitor.count_refusal()
                raise refusal
            check()
            time.sleep(_LOOK_SECONDS)

    def at_ease(self, kind: str, guess: Guess, *, beside_bytes: int) -> bool:
        """Whether this run, with `beside_bytes`, leaves the server unpressed."""
        if self._monitor is None:
            return True
        return self._monitor.at_ease(self._model.estimate(kind, guess)[1] + beside_bytes)

    @contextlib.contextmanager
    def learning(self, kind: str, guess: Guess, *, since: float | None = None) -> Iterator[None]:
        """Learn from the quick run inside the block, if it comes to its end.

        Time is that of the thread's processor (`time.thread_time()`), from `since` if given:
        what other work takes meanwhile is not its cost.
        """
        began = time.thread_time() if since is None else since
        with self._meter.measuring() as added:
            yield
            seconds, size_bytes = time.thread_time() - began, added()
        self._model.learn(kind, guess, seconds=seconds, size_bytes=size_bytes)

    def expecting(
        self, kind: str, guess: Guess, *, beside_bytes: int = 0
    ) -> AbstractContextManager[None]:
        """The bytes of this run, and those `beside` it, count as taken inside the block."""
        if self._monitor is None:
            return contextlib.nullcontext()
        return self._monitor.expecting(self._model.estimate(kind, guess)[1] + beside_bytes)

    def learn(self, kind: str, guess: Guess, *, seconds: float, size_bytes: int) -> None:
        """Learn from a run in a process of its own: its processor time and what it added."""
        self._model.learn(kind, guess, seconds=seconds, size_bytes=size_bytes)

    def close(self) -> None:
        """Keep what was learnt."""
        self._model.save()

    def refusal(
        self, kind: str, options: Sequence[Guess], lane: Lane, *, beside_bytes: int = 0
    ) -> Overloaded | None:
        """What `admit` would raise now, None when the run may start; nothing is counted.

        `beside_bytes` are taken with it, whichever option it is, and are not learnt.
        """
        if self._monitor is None:
            return None
        heavy = lane == "heavy"
        size_bytes = self._model.estimate(kind, options[0])[1] + beside_bytes
        refusal = self._monitor.refusal(size_bytes, heavy=heavy)
        if refusal is None:
            return None
        for option in options[1:]:
            size_bytes = self._model.estimate(kind, option)[1] + beside_bytes
            if self._monitor.refusal(size_bytes, heavy=heavy) is None:
                return type(refusal)(
                    refusal.message, hint=f"{option.words[:1].upper()}{option.words[1:]} would fit."
                )
        return refusal


def duration_words(seconds: float) -> str:
    """`under 0.1 s`, `about 0.4 s`, `about 12 s`, `about 3 minutes`."""
    if seconds < 0.1:
        return "under 0.1 s"
    if seconds < 9.5:
        return f"about {seconds:.1g} s"
    if seconds < 99.5:
        return f"about {float(f'{seconds:.1g}'):.0f} s"
    return f"about {max(2, round(seconds / 60))} minutes"


def price_words(seconds: float, size_bytes: int) -> str:
    """`about 0.1 s, 12 MB`."""
    return f"{duration_words(seconds)}, {max(1, round(size_bytes / 1e6)):,} MB"
