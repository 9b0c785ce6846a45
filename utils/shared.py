"""One copy of what many hold: objects by what they contain, for as long as somebody holds one."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedByContent(Generic[T]):
    """A weak registry. Safe for threads; the objects must allow weak references.

    Nothing is kept alive here: with its last holder an object goes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: weakref.WeakValueDictionary[Hashable, T] = weakref.WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._held)

    def held(self) -> list[T]:
        """The objects that somebody holds now."""
        with self._lock:
            return list(self._held.values())

    def the_one(self, content: Hashable, make: Callable[[], T]) -> T:
        """The object of that content: the one that somebody holds, else what `make` gives.

        `content` is a fingerprint. `make` is called under a lock, so that two who come at once
        get the same object.
        """
        with self._lock:
            found = self._held.get(content)
            if found is None:
                found = self._held[content] = make()
            return found
