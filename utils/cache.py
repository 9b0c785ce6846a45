"""The tiered cache: memory, then the lower tiers, then the computation, once per key.

    answer = cache.get_or_compute(key, compute, name="analyze_outcome", ttl_seconds=86_400)
    answer.value, answer.source, answer.seconds

A value is kept as the live object when it is immutable, otherwise as bytes that are decoded for
each reader, so that nothing a caller does to its value reaches the next caller. Nothing is
raised here except what `compute` raises.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, ParamSpec, TypeVar

from utils.clears import Clears
from utils.codec import Codec
from utils.counters import Counters, FunctionCounts
from utils.decorators import CachedData, CachedResource, resource
from utils.envelope import Entry
from utils.errors import CodecError
from utils.key_history import KeyHistory
from utils.keys import KeyParts
from utils.latency import Latencies
from utils.memory_tier import MemoryTier, Slot
from utils.notices import Notice
from utils.packed import Unpacked
from utils.process_lock import KeyLocks
from utils.single_flight import SingleFlight
from utils.tier import Doomed, Owner, Tier
from utils.tier_guard import GuardedTier

P = ParamSpec("P")
T = TypeVar("T")
Source = Literal["computed", "memory", "disk", "redis", "shared"]
_REMEMBERED_CLEARS = 1024
_log = logging.getLogger(__name__)
_LATEST_EXPIRY = 253_402_300_799.0  # the last second of the year 9999


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A value, where it came from, how long this call took, and what it cost to compute."""

    value: T
    source: Source
    seconds: float
    cost_seconds: float


@dataclass(frozen=True, slots=True)
class _Found:
    """What one flight brought home. `payload` is set when readers need copies of their own."""

    value: Any
    source: Source
    cost_seconds: float
    payload: bytes | None = None


class TieredCache:
    """Memory over lower tiers. Safe for threads and forks; processes share the lower tiers.

    `locks` keeps processes that share a directory from computing the same key twice. `clock`
    gives seconds since 1970.
    """

    def __init__(
        self,
        *,
        memory: MemoryTier,
        lower: Sequence[Tier] = (),
        codec: Codec,
        locks: KeyLocks | None = None,
        clock: Callable[[], float] = time.time,
        flight_wait_seconds: float = 300.0,
    ) -> None:
        self.memory = memory
        self.lower = tuple(GuardedTier(tier) for tier in lower)
        self.codec = codec
        self._locks = locks
        self._clock = clock
        self._flights = SingleFlight(wait_seconds=flight_wait_seconds)
        self._counters = Counters()
        self.latencies = Latencies()
        self._clears = Clears()
        self._history = KeyHistory()
        self._told: deque[str] = deque(maxlen=_REMEMBERED_CLEARS)

    def get_or_compute(
        self,
        key: str,
        compute: Callable[[], T],
        *,
        name: str,
        ttl_seconds: float,
        label: str = "",
        parts: KeyParts | None = None,
    ) -> Answer[T]:
        """The value of `key`: remembered, or computed by exactly one of those who ask.

        `name` is the function (counters, `clear`), `label` whose data it is (`clear`), `parts`
        what the key was made from (`explain`). The
        value may be served for `ttl_seconds` from its computation; reading never extends that.
        Raises what `compute` raises, to every caller who waits; nothing is remembered then.
        """
        started = time.perf_counter()
        found = self._from_memory(key)
        if found is None:
            owner = Owner(name, label)
            with contextlib.ExitStack() as unless_answered:
                unless_answered.callback(self._counters.failed, name)
                found, role = self._flights.run(
                    key, lambda: self._find(key, compute, owner, ttl_seconds)
                )
                unless_answered.pop_all()
            if role == "shared":
                found = self._for_waiter(found)
            if parts is not None and found.source == "computed":
                self._history.remember(parts, label)
        seconds = time.perf_counter() - started
        self._counters.answered(name, found.source, found.cost_seconds, seconds)
        self.latencies.note(name, found.source, seconds)
        return Answer(found.value, found.source, seconds, found.cost_seconds)

    def peek(self, key: str, *, name: str) -> Answer[Any] | None:
        """The value of `key` if the memory tier holds it, counted as a hit of `name`.

        None otherwise, which counts nothing: the `get_or_compute` that follows does.
        """
        started = time.perf_counter()
        found = self._from_memory(key)
        if found is None:
            return None
        seconds = time.perf_counter() - started
        self._counters.answered(name, "memory", found.cost_seconds, seconds)
        self.latencies.note(name, "memory", seconds)
        return Answer(found.value, "memory", seconds, found.cost_seconds)

    def _for_waiter(self, found: _Found) -> _Found:
        value = found.value if found.payload is None else self.codec.decode(found.payload)
        return _Found(value, "shared", found.cost_seconds)

    def _from_memory(self, key: str) -> _Found | None:
        self.listen()
        slot = self.memory.get(key, self._clock())
        if slot is None:
            return None
        value = slot.value if slot.live else self.codec.decode(slot.value)
        return _Found(value, "memory", slot.cost_seconds)

    def _find(
        self, key: str, compute: Callable[[], Any], owner: Owner, ttl_seconds: float
    ) -> _Found:
        """One flight: look again, look below, else compute under the lock of processes."""
        found = self._from_memory(key) or self._from_below(key, owner)
        if found is not None:
            return found
        with contextlib.ExitStack() as held:
            if self._locks is not None and self.lower and held.enter_context(self._locks.hold(key)):
                # Another process may have finished while we waited for the lock.
                found = self._from_below(key, owner)
                if found is not None:
                    return found
            return self._computed(key, compute, owner, ttl_seconds)

    def _from_below(self, key: str, owner: Owner) -> _Found | None:
        mark = self._clears.mark
        for depth, tier in enumerate(self.lower):
            entry = tier.get(key)
            if entry is None or not entry.alive(self._clock()):
                continue
            try:
                found = self.codec.unpack(entry.payload)
            except CodecError:
                tier.counts["unreadable"] += 1
                tier.clear(Doomed(key=key))
                continue
            payload = self._into_memory(key, found, entry, owner)
            for above in self.lower[:depth]:
                above.put(key, entry, owner)
            self.listen()
            self._forget_if_cleared(key, owner, mark)
            return _Found(found.value, tier.name, entry.cost_seconds, payload)  # type: ignore[arg-type]
        return None

    def _computed(
        self, key: str, compute: Callable[[], Any], owner: Owner, ttl_seconds: float
    ) -> _Found:
        mark = self._clears.mark
        started = time.perf_counter()
        value = compute()
        cost = time.perf_counter() - started
        try:
            packed = self.codec.pack(value)
        except CodecError as error:
            self._counters.not_stored(owner.name)
            _log.warning("A value of %s is not remembered: %s", owner.name, error.message)
            return _Found(value, "computed", cost)
        if not ttl_seconds > 0:
            return _Found(value, "computed", cost, None if packed.immutable else packed.payload)
        now = self._clock()
        entry = Entry(packed.payload, now, min(now + ttl_seconds, _LATEST_EXPIRY), cost)
        kept = Unpacked(value, packed.immutable, packed.live_bytes)
        own_payload = self._into_memory(key, kept, entry, owner)
        for tier in self.lower:
            tier.put(key, entry, owner)
        self.listen(at_once=True)
        self._forget_if_cleared(key, owner, mark)
        return _Found(value, "computed", cost, own_payload)

    def _into_memory(self, key: str, found: Unpacked, entry: Entry, owner: Owner) -> bytes | None:
        """Keep the value; its bytes when it is not safe to share the object, else None."""
        live = found.immutable
        payload = None if live else bytes(entry.payload)
        self.memory.put(
            Slot(
                key=key, value=found.value if live else payload, live=live,
                size_bytes=max(found.live_bytes if live else 0, len(entry.payload)),
                cost_seconds=entry.cost_seconds, expires_at=entry.expires_at,
                created_at=entry.created_at, name=owner.name, label=owner.label,
            )
        )  # fmt: skip
        return payload

    def _forget_if_cleared(self, key: str, owner: Owner, mark: int) -> None:
        """Undo a store that a `clear` of the same entry overtook."""
        if self._clears.hit(mark, key, owner):
            self._clear(self._announced(Doomed(key=key)))

    def listen(self, *, at_once: bool = False) -> None:
        """Forget what other processes cleared: those on our directory since the last call, other
        servers of our Redis since its last look (once a second, or `at_once`).

        Every call that may answer from memory does this by itself; an idle process has to be
        reminded.
        """
        for depth, tier in enumerate(self.lower):
            if tier.news(at_once=at_once):
                tier.hear(functools.partial(self._obey, depth))

    def _obey(self, depth: int, notice: Notice) -> None:
        """Forget in memory, and in the tiers above the one that told, which others don't reach."""
        if notice.mark in self._told:
            return
        self._remember_cleared(notice)  # before it counts as told: see `_forget_if_cleared`
        if notice.mark:
            self._told.append(notice.mark)
        self._from_memory_and(self.lower[:depth], notice)

    def _announced(self, doomed: Doomed) -> Doomed:
        """The same with a name, under which others hear of it and we know our own."""
        mark = secrets.token_hex(8)
        self._told.append(mark)
        return dataclasses.replace(doomed, mark=mark)

    def clear(
        self,
        *,
        key: str | None = None,
        name: str | None = None,
        label: str | None = None,
        expired: bool = False,
        keys: Collection[str] | None = None,
    ) -> int:
        """Forget everything, or what matches all that is given; the number of entries removed.

        Other processes on the same directory have forgotten it too before their next answer,
        other servers of the same Redis within 2 s (`listen`). An entry that stands in two tiers
        counts twice. A computation under way whose result would match is not stored.
        `expired=True` is the hourly housekeeping: it also sweeps what killed writers left behind.
        """
        chosen = None if keys is None else frozenset(keys)
        doomed = Doomed(key, name, label, self._clock() if expired else None, chosen)
        if not expired:
            doomed = self._announced(doomed)
            self._remember_cleared(doomed)
        return self._clear(doomed)

    def _remember_cleared(self, doomed: Doomed) -> None:
        self._clears.add(doomed)
        self._history.forget(lambda k, n, whose: doomed.matches(k, Owner(n, whose), 0.0))

    def _clear(self, doomed: Doomed) -> int:
        return self._from_memory_and(self.lower, doomed)

    def _from_memory_and(self, tiers: Sequence[GuardedTier], doomed: Doomed) -> int:
        removed = self.memory.remove(
            lambda slot: doomed.matches(slot.key, Owner(slot.name, slot.label), slot.expires_at)
        )
        return removed + sum(tier.clear(doomed) for tier in tiers)

    def explain(self, parts: KeyParts) -> tuple[str, ...]:
        """Which part of this key is new against the most similar one computed lately."""
        return self._history.explain(parts)

    def last_miss(self, theirs: Callable[[str], bool]) -> tuple[str, tuple[str, ...]] | None:
        """The function last computed for one of their keys, and why its answer was not known;
        names of columns are counted, not told."""
        return self._history.last_miss(theirs)

    def data(
        self, *, ttl_seconds: float = 86_400.0, version: int = 1
    ) -> Callable[[Callable[P, T]], CachedData[P, T]]:
        """Decorator: remember a function's values by the values of its arguments.

        Arguments named `_...` take no part in the key. Raise `version` when something changes
        that the function calls; its own source text is part of the key. UnkeyableValue at
        decoration or call for what cannot be recognised by value.
        """
        return lambda function: CachedData(function, self, ttl_seconds=ttl_seconds, version=version)

    def resource(self, function: Callable[P, T]) -> CachedResource[P, T]:
        """Decorator: make an object once per process and share it; never stored."""
        return resource(function)

    def shrink(self, size_bytes: int) -> int:
        """Free memory, cheapest entries first; bytes freed. They stay in the lower tiers."""
        return self.memory.shrink(size_bytes)

    def functions(self) -> Mapping[str, FunctionCounts]:
        """Counts by function; asks no tier."""
        return self._counters.counts()

    def snapshot(self) -> dict[str, Any]:
        """Numbers for the panel: functions, memory, tiers, computations under way."""
        locks = self._locks
        return {
            "functions": self._counters.facts(),
            "memory": {
                "entries": len(self.memory),
                "size_bytes": self.memory.size_bytes,
                "max_bytes": self.memory.max_bytes,
                "evictions": dict(self.memory.evictions),
            },
            "tiers": {tier.name: dict(tier.facts()) for tier in self.lower},
            "running": self._flights.running(),
            "locks": {} if locks is None else {"timeouts": locks.timeouts, "faults": locks.faults},
        }

    def check(self) -> list[str]:
        """Derive every count again; what does not add up, in words."""
        said = [*self.memory.check(), *self._counters.check()]
        for tier in self.lower:
            said += tier.check()
        return said

    def close(self) -> None:
        """Give handles back (the cache may be used again)."""
        for tier in self.lower:
            tier.close()
