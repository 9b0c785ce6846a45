"""What has to be made anew in a forked child.

A lock that another thread holds at the moment of the fork stays held for ever in the child, and
a database handle must not be used by two processes. Objects that own either register here.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol

_registered: weakref.WeakSet[Forkable] = weakref.WeakSet()
_registering = threading.Lock()


class Forkable(Protocol):
    """An object that can start over in a child process."""

    def after_fork(self) -> None:
        """Replace locks and drop handles. Runs in the child, while it has one thread."""


def survive_fork(thing: Forkable) -> None:
    """Call `thing.after_fork()` in every child forked from now on (held weakly)."""
    with _registering:
        _registered.add(thing)


def _in_child() -> None:
    global _registering  # noqa: PLW0603  (a fresh lock is the point)
    _registering = threading.Lock()
    for thing in list(_registered):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
