"""What was cleared while computations were under way, so that none of it comes back."""

from __future__ import annotations

import threading

from utils.fork import survive_fork
from utils.tier import Doomed, Owner

_REMEMBERED = 64


class Clears:
    """A short memory of `clear` calls. Take a `mark` before computing, ask `hit` after storing."""

    def __init__(self) -> None:
        self.after_fork()
        survive_fork(self)

    def after_fork(self) -> None:
        """A lock of the parent may be held for ever."""
        self._lock = threading.Lock()
        self._recent: list[Doomed] = []
        self._total = 0

    @property
    def mark(self) -> int:
        """The number of clears so far."""
        return self._total

    def add(self, doomed: Doomed) -> None:
        """Remember a clear."""
        with self._lock:
            self._total += 1
            self._recent = [*self._recent[1 - _REMEMBERED :], doomed]

    def hit(self, mark: int, key: str, owner: Owner) -> bool:
        """True when a clear since `mark` meant this entry (or may have)."""
        if self._total == mark:
            return False
        with self._lock:
            since = self._total - mark
            if since > len(self._recent):
                return True
            return any(doomed.matches(key, owner, 0.0) for doomed in self._recent[-since:])
