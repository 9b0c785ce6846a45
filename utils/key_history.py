"""Why was this computed again? The keys asked for lately, compared part by part."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from utils.fork import survive_fork
from utils.keys import KeyParts, explain, explain_nameless

_PER_FUNCTION = 16
_LAST = 64


class KeyHistory:
    """The last keys of each function, with the label of whose data they were."""

    def __init__(self) -> None:
        self.after_fork()
        survive_fork(self)

    def after_fork(self) -> None:
        """A lock of the parent may be held for ever."""
        self._lock = threading.Lock()
        self._recent: dict[str, deque[tuple[str, KeyParts]]] = {}
        self._last: deque[KeyParts] = deque(maxlen=_LAST)

    def remember(self, parts: KeyParts, label: str) -> None:
        """Note a key that had to be computed."""
        with self._lock:
            recent = self._recent.setdefault(parts.name, deque(maxlen=_PER_FUNCTION))
            recent.append((label, parts))
            self._last.append(parts)

    def forget(self, doomed: Callable[[str, str, str], bool]) -> None:
        """Drop the keys for which `doomed(key, name, label)` is true."""
        with self._lock:
            for name, recent in self._recent.items():
                kept = [
                    (whose, past) for whose, past in recent if not doomed(past.key, name, whose)
                ]
                self._recent[name] = deque(kept, maxlen=_PER_FUNCTION)
            left = {past.key for recent in self._recent.values() for _, past in recent}
            self._last = deque((p for p in self._last if p.key in left), maxlen=_LAST)

    def last_miss(self, theirs: Callable[[str], bool]) -> tuple[str, tuple[str, ...]] | None:
        """Function of the last key for which `theirs(key)` is true, and why it was not known:
        against the most similar of theirs before it, without any name of a column (empty: there
        was none lately). None when there is no such key."""
        with self._lock:
            mine = [parts for parts in self._last if theirs(parts.key)]
        if not mine:
            return None
        now = mine[-1]
        before = [parts for parts in mine[:-1] if parts.name == now.name]
        if not before:
            return now.name, ()
        return now.name, min((explain_nameless(past, now) for past in reversed(before)), key=len)

    def explain(self, parts: KeyParts) -> tuple[str, ...]:
        """What differs from the most similar key seen lately; empty when the very key was seen."""
        with self._lock:
            recent = [past for _, past in self._recent.get(parts.name, ())]
        if not recent:
            return ("This analysis was not run lately.",)
        return min((explain(past, parts) for past in reversed(recent)), key=len)
