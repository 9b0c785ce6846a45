"""What has to be made anew in a forked child, and what must stand still while a process forks.

A lock that another thread holds at the moment of the fork stays held for ever in the child, and
a database handle must not be used by two processes. Objects that own either register here.
Locks inside C libraries cannot be made anew: objects that call such libraries are paused, so
that no thread is inside one while the process forks.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Protocol, runtime_checkable

_registered: weakref.WeakSet[Forkable] = weakref.WeakSet()
_registering = threading.Lock()
_paused: list[Pausable] = []
_watching = 0


class Forkable(Protocol):
    """An object that can start over in a child process."""

    def after_fork(self) -> None:
        """Replace locks and drop handles. Runs in the child, while it has one thread."""


@runtime_checkable
class Pausable(Protocol):
    """A forkable object that can stand still for the moment of a fork."""

    def pause(self) -> bool:
        """Let nobody in until `resume`; False when that did not succeed in time."""
        ...

    def resume(self) -> None:
        """Let others in again. Runs in the parent."""


def survive_fork(thing: Forkable) -> None:
    """Call `thing.after_fork()` in every child forked from now on (held weakly)."""
    with _registering:
        _registered.add(thing)


def _before() -> None:
    with _registering:
        things = [thing for thing in _registered if isinstance(thing, Pausable)]
    _paused.extend(thing for thing in things if thing.pause())


def _in_parent() -> None:
    while _paused:
        _paused.pop().resume()


def _in_child() -> None:
    global _registering  # noqa: PLW0603  (a fresh lock is the point)
    _registering = threading.Lock()
    _paused.clear()
    for thing in list(_registered):
        thing.after_fork()


def watch_forks() -> None:
    """Take part in every fork from now on, before whoever has registered so far.

    What was registered last stands still first. A library that keeps its own threads waiting while
    a process forks must come after us: ours might be among them, inside what we wait for. So this
    is called again when such a library is loaded, and the last call counts.
    """
    global _watching  # noqa: PLW0603  (the last registration is in force)
    _watching += 1
    mine = _watching

    def told(step: Callable[[], None]) -> Callable[[], None]:
        return lambda: step() if mine == _watching else None

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=told(_before), after_in_parent=told(_in_parent), after_in_child=told(_in_child)
        )


watch_forks()
