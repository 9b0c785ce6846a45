"""A bounded queue that serves its owners in turn, so that nobody waits behind one owner's ten."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from queue import Empty, Full
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """First come, first served within an owner; round robin between owners."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._owners: OrderedDict[str, deque[T]] = OrderedDict()
        self._size = 0
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return self._size

    def put(self, item: T, owner: str) -> None:
        """Add an item. queue.Full when the bound is reached or the queue is closed."""
        with self._changed:
            if self._closed or self._size >= self._limit:
                raise Full
            self._owners.setdefault(owner, deque()).append(item)
            self._size += 1
            self._changed.notify()

    def take(self, timeout_seconds: float | None = None) -> T | None:
        """The next item, waiting for one; None when the queue is closed.

        queue.Empty when `timeout_seconds` pass without one.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._size or self._closed, timeout_seconds):
                raise Empty
            if self._closed:
                return None
            owner, items = self._owners.popitem(last=False)
            item = items.popleft()
            self._size -= 1
            if items:
                self._owners[owner] = items  # behind every other owner
            return item

    def discard(self, item: T) -> bool:
        """Take a waiting item out; False when it is not waiting any more."""
        with self._changed:
            for owner, items in self._owners.items():
                if item in items:
                    items.remove(item)
                    self._size -= 1
                    if not items:
                        del self._owners[owner]
                    return True
            return False

    def close(self) -> list[T]:
        """Accept nothing more, wake all takers with None, and return what was waiting."""
        with self._changed:
            left = [item for items in self._owners.values() for item in items]
            self._owners.clear()
            self._size = 0
            self._closed = True
            self._changed.notify_all()
            return left
