"""What the cache did, per function: the numbers behind the panel."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from utils.fork import survive_fork


@dataclass(slots=True, eq=False)
class FunctionCounts:
    """Counts of one function.

    Every finished call is in exactly one of `hits`, `computes`, `shared` or `errors`; `calls`
    is their sum.
    """

    calls: int = 0
    hits: dict[str, int] = field(default_factory=dict)
    computes: int = 0
    shared: int = 0
    errors: int = 0
    not_stored: int = 0
    compute_seconds: float = 0.0
    saved_seconds: float = 0.0

    def as_facts(self) -> dict[str, object]:
        """Plain numbers for the panel."""
        return {
            "calls": self.calls, "hits": dict(self.hits), "computes": self.computes,
            "shared": self.shared, "errors": self.errors, "not_stored": self.not_stored,
            "compute_seconds": self.compute_seconds, "saved_seconds": self.saved_seconds,
        }  # fmt: skip


class Counters:
    """Counts by function name. Starts anew in a forked child."""

    def __init__(self) -> None:
        self.after_fork()
        survive_fork(self)

    def after_fork(self) -> None:
        """A lock of the parent may be held for ever."""
        self._lock = threading.Lock()
        self._by_name: dict[str, FunctionCounts] = {}

    def _of(self, name: str) -> FunctionCounts:
        counts = self._by_name.get(name)
        if counts is None:
            counts = self._by_name[name] = FunctionCounts()
        return counts

    def answered(self, name: str, source: str, cost_seconds: float, seconds: float) -> None:
        """A call ended with a value from `source`."""
        with self._lock:
            counts = self._of(name)
            counts.calls += 1
            if source == "computed":
                counts.computes += 1
                counts.compute_seconds += cost_seconds
                return
            if source == "shared":
                counts.shared += 1
            else:
                counts.hits[source] = counts.hits.get(source, 0) + 1
            counts.saved_seconds += max(0.0, cost_seconds - seconds)

    def failed(self, name: str) -> None:
        """A call ended with the exception of its computation."""
        with self._lock:
            counts = self._of(name)
            counts.calls += 1
            counts.errors += 1

    def not_stored(self, name: str) -> None:
        """A value was computed that the codec cannot write."""
        with self._lock:
            self._of(name).not_stored += 1

    def counts(self) -> Mapping[str, FunctionCounts]:
        """A copy of the counts by function name."""
        with self._lock:
            return {
                name: replace(counts, hits=dict(counts.hits))
                for name, counts in sorted(self._by_name.items())
            }

    def facts(self) -> Mapping[str, dict[str, object]]:
        """Counts by function name."""
        with self._lock:
            return {name: counts.as_facts() for name, counts in sorted(self._by_name.items())}

    def check(self) -> list[str]:
        """Calls that are in no or in two of the outcomes."""
        with self._lock:
            return [
                f'counters of "{name}" do not add up'
                for name, c in self._by_name.items()
                if c.calls != sum(c.hits.values()) + c.computes + c.shared + c.errors
            ]
