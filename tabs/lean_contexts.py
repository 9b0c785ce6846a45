"""What reads, and what is read: Shiny's contexts and lists of readers, one object each.

The order of events, and what ends what, are those of `shiny.reactive._core` (release 1.8).
"""

# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001 - Shiny offers no public way to any of this
from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from shiny.reactive import _core

_environment = _core._reactive_environment


class Runner(Protocol):
    """Whose runs read: an effect."""

    def run_ended(self, context: LeanContext) -> None:
        """What the run has read has changed."""

    async def run_due(self) -> None:
        """The flush has come at which it runs again."""


class LeanContext:
    """One run of a reader: of `runner` where there is one, else of whoever made it."""

    __slots__ = ("_ends", "_flushes", "_invalidated", "_runner", "id")

    def __init__(self, runner: Runner | None = None) -> None:
        self.id = _environment.next_id()
        self._runner = runner
        self._invalidated = False
        self._ends: list[Readers | Callable[[], None]] = []
        self._flushes: list[Callable[[], Awaitable[None]]] | None = None

    def __call__(self) -> AbstractContextManager[None]:
        """Whatever is read within reads for this context."""
        return _environment.use_context(self)  # type: ignore[arg-type]

    def invalidate(self) -> None:
        """What was read has changed: tell the runner, leave what was read."""
        if self._invalidated:
            return
        self._invalidated = True
        if self._runner is not None:
            self._runner.run_ended(self)
        ends, self._ends = self._ends, []
        for end in ends:
            if isinstance(end, Readers):
                end.leave(self)
            else:
                end()

    def on_invalidate(self, func: Callable[[], None]) -> None:
        """Call `func` then; at once if it is over."""
        if self._invalidated:
            func()
        else:
            self._ends.append(func)

    def reads(self, readers: Readers) -> None:
        """Leave these when the run is over; at once if it is."""
        if self._invalidated:
            readers.leave(self)
        else:
            self._ends.append(readers)

    def add_pending_flush(self, priority: int) -> None:
        """Have it carried out at the next flush."""
        _environment.add_pending_flush(self, priority)  # type: ignore[arg-type]

    def on_flush(self, func: Callable[[], Awaitable[None]]) -> None:
        """Await `func` at the flush."""
        self._flushes = [*(self._flushes or ()), func]

    async def execute_flush_callbacks(self) -> None:
        """The flush has come."""
        if self._runner is not None:
            await self._runner.run_due()
        flushes, self._flushes = self._flushes or (), None
        for flush in flushes:
            await flush()


class Readers:
    """Who has read a value since it changed."""

    __slots__ = ("_contexts",)

    def __init__(self) -> None:
        self._contexts: list[Any] | None = None

    def __len__(self) -> int:
        return len(self._contexts or ())

    def register(self) -> None:
        """The present context reads."""
        reader: Any = _core.get_current_context()
        if self._contexts is None:
            self._contexts = [reader]
        elif reader in self._contexts:
            return
        else:
            self._contexts.append(reader)
        if isinstance(reader, LeanContext):
            reader.reads(self)
        else:
            reader.on_invalidate(lambda: self.leave(reader))

    def leave(self, reader: object) -> None:
        """A reader is over."""
        if self._contexts is not None and reader in self._contexts:
            self._contexts.remove(reader)

    def invalidate(self) -> None:
        """Tell all of them, the oldest first."""
        readers, self._contexts = self._contexts or (), None
        for reader in sorted(readers, key=lambda context: context.id):
            reader.invalidate()
