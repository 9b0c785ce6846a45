"""The entries of a cache as a list: one row per key, with the tiers in which it stands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from utils.cache import TieredCache
from utils.keys import digest

LONGEST_LIST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFacts:
    """One entry. Times are seconds since 1970; `hits` counts those from memory since it came
    there, None for an entry that is not there; `size_bytes` is what it takes in its first tier."""

    key: str
    name: str
    size_bytes: int
    created_at: float
    expires_at: float
    cost_seconds: float | None
    hits: int | None
    tiers: tuple[str, ...]

    @property
    def handle(self) -> str:
        """Names the entry on a page and opens nothing."""
        return handle_of(self.key)


def handle_of(key: str) -> str:
    """Names an entry or a job on a page without telling its key."""
    return digest(b"handle", key.encode())[:16]


def entries_of(cache: TieredCache, keys: Collection[str] | None = None) -> tuple[EntryFacts, ...]:
    """The 500 newest entries, or those of `keys`; newest first. Asks the tiers."""
    chosen = None if keys is None else frozenset(keys)
    found = {
        slot.key: EntryFacts(
            key=slot.key, name=slot.name, size_bytes=slot.size_bytes, created_at=slot.created_at,
            expires_at=slot.expires_at, cost_seconds=slot.cost_seconds, hits=slot.uses - 1,
            tiers=("memory",),
        )
        for slot in cache.memory.slots()
        if chosen is None or slot.key in chosen
    }  # fmt: skip
    for tier in cache.lower:
        for row in tier.listed(chosen, LONGEST_LIST):
            known = found.get(row.key)
            if known is None:
                known = EntryFacts(
                    key=row.key, name=row.name, size_bytes=row.size_bytes,
                    created_at=row.created_at, expires_at=row.expires_at,
                    cost_seconds=row.cost_seconds, hits=None, tiers=(),
                )  # fmt: skip
            found[row.key] = replace(known, tiers=(*known.tiers, tier.name))
    newest = sorted(found.values(), key=lambda entry: (-entry.created_at, entry.key))
    return tuple(newest[:LONGEST_LIST])
