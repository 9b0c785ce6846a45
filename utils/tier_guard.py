"""The boundary at which a failing tier becomes a slower answer instead of an error.

Whatever a tier raises is counted here and turned into a miss. A tier that failed is benched:
it is not asked again for a while (1 s, doubling to 60 s, with jitter), says so once in the log,
and comes back by itself with the first call that works.

A `clear` that failed is owed: the tier is asked nothing else until it has been made good, so
that what was to be forgotten cannot come back.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from utils.envelope import Entry
from utils.errors import CorruptEntry
from utils.fork import survive_fork
from utils.notices import Notice
from utils.tier import Doomed, Listed, Owner, Tier

_log = logging.getLogger(__name__)
_FIRST_BENCH_SECONDS = 1.0
_LONGEST_BENCH_SECONDS = 60.0


class GuardedTier:
    """A tier that never raises. `bench_after` faults in a row put it on the bench."""

    def __init__(
        self, tier: Tier, *, bench_after: int = 1, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.tier = tier
        self.name = tier.name
        self.counts: Counter[str] = Counter()
        self._bench_after = bench_after
        self._monotonic = monotonic
        self._in_a_row = 0
        self._benched_until = 0.0
        self._owed: list[Doomed] = []
        self._jitter = random.Random()  # noqa: S311  (spreads probes, protects nothing)
        self.after_fork()
        survive_fork(self)

    def after_fork(self) -> None:
        """A lock of the parent may be held for ever."""
        self._lock = threading.Lock()

    @property
    def benched(self) -> bool:
        """True while the tier is not asked."""
        return self._monotonic() < self._benched_until

    def get(self, key: str) -> Entry | None:
        """The entry, or None when there is none, it is damaged, or the tier does not work."""
        entry = self._ask("get", lambda: self.tier.get(key), None)
        self._count("misses" if entry is None else "found")
        return entry

    def put(self, key: str, entry: Entry, owner: Owner) -> bool:
        """True when the tier keeps the entry."""
        kept = self._ask("put", lambda: self.tier.put(key, entry, owner), False)
        self._count("kept" if kept else "not kept")
        return kept

    def clear(self, doomed: Doomed) -> int:
        """Number of entries removed. Tried even on the bench: clearing may be a duty."""
        self._benched_until = 0.0
        with self._lock:
            self._owed.append(doomed)
        return self._ask("clear", _nothing, 0)

    def news(self, *, at_once: bool) -> bool:
        """True when others may have cleared something; a server on the bench is not asked."""
        return self.tier.news(at_once=at_once) and not (self.tier.remote and self.benched)

    def hear(self, obey: Callable[[Notice], None]) -> None:
        """Call `obey` with what others cleared; a server that does not work is asked later."""
        if self.tier.remote:
            self._ask("hear", lambda: self.tier.hear(obey), None)
        else:
            self.tier.hear(obey)

    def _pay(self) -> int:
        """Make good every clear that is owed; the number of entries removed."""
        removed = 0
        while self._owed:
            doomed = self._owed[0]
            removed += self.tier.clear(doomed)
            with self._lock:
                if doomed in self._owed:
                    self._owed.remove(doomed)
        return removed

    def listed(self, keys: Collection[str] | None, limit: int) -> Sequence[Listed]:
        """Entries for a list; none from a tier that does not work."""
        return self._ask("listed", lambda: self.tier.listed(keys, limit), ())

    def check(self) -> list[str]:
        """What does not add up; a tier that does not work says only that."""
        failed = [f"{self.name}: cannot be reached"]
        return self._ask("check", self.tier.check, failed)

    def facts(self) -> Mapping[str, Any]:
        """The tier's numbers, ours, and whether it is benched."""
        found = self._ask("facts", self.tier.facts, {})
        return {
            **found, **self.counts, "benched": self.benched, "owed clears": len(self._owed),
        }  # fmt: skip

    def close(self) -> None:
        """Give handles back, also from the bench."""
        self._benched_until = 0.0
        self._ask("close", self.tier.close, None)

    def _ask(self, what: str, call: Callable[[], Any], otherwise: Any) -> Any:
        if self.benched:
            self._count("skipped")
            return otherwise
        try:
            removed = self._pay() if self._owed and what != "close" else 0
            answer = removed if what == "clear" else call()
        except CorruptEntry:
            self._count("corrupt")
            return otherwise
        except Exception as error:  # noqa: BLE001  (the tier boundary: a fault costs time only)
            self._failed(what, error)
            return otherwise
        if self._in_a_row:
            self._recovered()
        return answer

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def _failed(self, what: str, error: Exception) -> None:
        with self._lock:
            self.counts["faults"] += 1
            self.counts[f"fault {type(error).__name__}"] += 1
            self._in_a_row += 1
            if self._in_a_row < self._bench_after:
                return
            doublings = min(self._in_a_row - self._bench_after, 16)
            seconds = min(_LONGEST_BENCH_SECONDS, _FIRST_BENCH_SECONDS * 2**doublings)
            self._benched_until = self._monotonic() + seconds * self._jitter.uniform(0.5, 1.0)
            first = self._in_a_row == self._bench_after
        if first:
            # Type only: texts of exceptions may carry paths.
            _log.warning("%s tier: %s failed (%s); going on without it.",
                         self.name, what, type(error).__name__)  # fmt: skip

    def _recovered(self) -> None:
        with self._lock:
            was_benched = self._in_a_row >= self._bench_after
            self._in_a_row = 0
        if was_benched:
            _log.warning("%s tier: works again.", self.name)


def _nothing() -> None:
    """What a clear still has to do once everything owed is done."""
