"""How many workspaces hold a cache entry, so that a shared one goes with its last holder.

KeyHolders().hold(keys);  .let_go(keys) -> keys that nobody holds any more;  .count(key)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class KeyHolders:
    """Counts by key. Not safe for threads by itself: its owner holds a lock."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._counts)

    def hold(self, keys: Iterable[str]) -> None:
        """One more holder of each of these (distinct) keys."""
        self._counts.update(keys)

    def let_go(self, keys: Iterable[str]) -> tuple[str, ...]:
        """One holder less of each of these (distinct, held) keys; those left without any."""
        orphans: list[str] = []
        for key in keys:
            self._counts[key] -= 1
            if self._counts[key] <= 0:
                del self._counts[key]
                orphans.append(key)
        return tuple(orphans)

    def count(self, key: str) -> int:
        """How many hold it."""
        return self._counts.get(key, 0)
