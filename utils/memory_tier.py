"""The memory tier: live values, bounded in bytes, the cheapest to recompute evicted first.

Greedy-Dual-Size-Frequency: an entry is worth `inflation + cost x uses / bytes`; the entry of
least worth goes first and its worth becomes the new inflation, so that old favourites age.
(Cherkasova 1998, "Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching
policy", HP Labs report 98-69, with the measured compute time as the cost.)

Worth only rises while an entry stays, so the heap is corrected lazily: a popped entry whose
worth has risen is pushed back. Expiry is absolute.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from utils.fork import survive_fork

Reason = Literal["full", "expired", "pressure", "cleared", "replaced"]

#: What an entry costs beside its payload: key, slot, heap item, object headers.
ENTRY_OVERHEAD_BYTES = 512


@dataclass(slots=True, eq=False)
class Slot:
    """One value: the object itself when `live`, otherwise its codec bytes.

    `size_bytes` is the memory that the value takes: of a live object what the codec reckons, of
    bytes their length. The tier adds the overhead.
    """

    key: str
    value: Any
    size_bytes: int
    cost_seconds: float
    expires_at: float
    name: str
    label: str
    live: bool = True
    created_at: float = 0.0
    uses: int = 1
    worth: float = 0.0
    ticket: int = 0


class MemoryTier:
    """Holds at most `max_bytes` of payload. Safe for threads; starts empty in a forked child.

    An entry above `max_entry_bytes` (a quarter of the whole unless given) is refused: it would
    push out everything else.
    """

    def __init__(self, max_bytes: int, *, max_entry_bytes: int | None = None) -> None:
        self.max_bytes = max_bytes
        self.max_entry_bytes = max_bytes // 4 if max_entry_bytes is None else max_entry_bytes
        self.evictions: Counter[str] = Counter()
        self.after_fork()
        survive_fork(self)

    def after_fork(self) -> None:
        """Start empty: the parent's values would be copied page by page for nothing."""
        self._lock = threading.Lock()
        self._slots: dict[str, Slot] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._ticket = itertools.count()
        self._bytes = 0
        self._inflation = 0.0

    @property
    def size_bytes(self) -> int:
        """Bytes held, by our count."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._slots)

    def get(self, key: str, now: float) -> Slot | None:
        """The slot of `key` unless it has expired."""
        with self._lock:
            slot = self._slots.get(key)
            if slot is None:
                return None
            if not now < slot.expires_at:
                self._drop(slot, "expired")
                return None
            slot.uses += 1
            slot.worth = self._worth(slot)
            return slot

    def put(self, slot: Slot) -> bool:
        """Keep `slot`, making room if needed; False when it is too large."""
        slot.size_bytes += ENTRY_OVERHEAD_BYTES
        with self._lock:
            old = self._slots.get(slot.key)
            if old is not None:
                slot.uses += old.uses
                self._drop(old, "replaced")
            if slot.size_bytes > min(self.max_entry_bytes, self.max_bytes):
                return False
            self._evict_to(self.max_bytes - slot.size_bytes, "full")
            slot.worth = self._worth(slot)
            self._slots[slot.key] = slot
            self._bytes += slot.size_bytes
            self._push(slot)
            return True

    def shrink(self, size_bytes: int) -> int:
        """Evict the least worthy until `size_bytes` are freed or nothing is left; bytes freed."""
        with self._lock:
            before = self._bytes
            self._evict_to(before - size_bytes, "pressure")
            return before - self._bytes

    def remove(self, doomed: Callable[[Slot], bool], reason: Reason = "cleared") -> int:
        """Drop every slot for which `doomed` is true; their number."""
        with self._lock:
            chosen = [slot for slot in self._slots.values() if doomed(slot)]
            for slot in chosen:
                self._drop(slot, reason)
            return len(chosen)

    def delete(self, key: str) -> bool:
        """Drop one key; False when it was not there."""
        with self._lock:
            slot = self._slots.get(key)
            if slot is not None:
                self._drop(slot, "cleared")
            return slot is not None

    def slots(self) -> list[Slot]:
        """The slots as they are now."""
        with self._lock:
            return list(self._slots.values())

    def check(self) -> list[str]:
        """What does not add up, in words; empty when all is well."""
        with self._lock:
            said: list[str] = []
            total = sum(slot.size_bytes for slot in self._slots.values())
            if total != self._bytes:
                said.append(f"memory: {self._bytes} bytes counted, {total} held")
            if self._bytes > self.max_bytes:
                said.append(f"memory: {self._bytes} bytes held, {self.max_bytes} allowed")
            queued = {ticket for _, ticket, _ in self._heap}
            if any(slot.ticket not in queued for slot in self._slots.values()):
                said.append("memory: an entry is not queued for eviction")
            return said

    def _worth(self, slot: Slot) -> float:
        return self._inflation + slot.cost_seconds * slot.uses / slot.size_bytes

    def _push(self, slot: Slot) -> None:
        """Queue by key and ticket: a heap item that outlives its slot must not hold the value."""
        slot.ticket = next(self._ticket)
        heapq.heappush(self._heap, (slot.worth, slot.ticket, slot.key))
        if len(self._heap) > 64 + 2 * len(self._slots):
            self._heap = [(s.worth, s.ticket, s.key) for s in self._slots.values()]
            heapq.heapify(self._heap)

    def _evict_to(self, target_bytes: int, reason: Reason) -> None:
        while self._bytes > max(0, target_bytes) and self._heap:
            worth, ticket, key = heapq.heappop(self._heap)
            slot = self._slots.get(key)
            if slot is None or slot.ticket != ticket:
                continue
            if slot.worth > worth:
                self._push(slot)
                continue
            self._inflation = max(self._inflation, worth)
            self._drop(slot, reason)

    def _drop(self, slot: Slot, reason: Reason) -> None:
        del self._slots[slot.key]
        self._bytes -= slot.size_bytes
        self.evictions[reason] += 1
