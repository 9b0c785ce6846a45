"""What the cache asks of a tier below memory (disk, Redis)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from utils.envelope import Entry


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an entry is: the function that made it and a label (a dataset, a workspace)."""

    name: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Doomed:
    """Which entries to clear. Fields that are None do not restrict; all None means everything."""

    key: str | None = None
    name: str | None = None
    label: str | None = None
    expired_at: float | None = None

    def matches(self, key: str, owner: Owner, expires_at: float) -> bool:
        """True for an entry that goes."""
        return (
            (self.key is None or key == self.key)
            and (self.name is None or owner.name == self.name)
            and (self.label is None or owner.label == self.label)
            and (self.expired_at is None or expires_at <= self.expired_at)
        )


class Tier(Protocol):
    """A store of sealed entries by key.

    Every method may raise: TierFault (or what the store raises) when the tier does not work,
    CorruptEntry from `get` when an entry is not what was written; the tier has then already
    removed it. `utils/tier_guard.py` turns both into misses.
    """

    name: str

    def get(self, key: str) -> Entry | None:
        """The entry, expired or not; None when there is none."""
        ...

    def put(self, key: str, entry: Entry, owner: Owner) -> bool:
        """Keep the entry; False when it is too large to be kept here."""
        ...

    def clear(self, doomed: Doomed) -> int:
        """Remove entries; their number."""
        ...

    def check(self) -> list[str]:
        """Re-derive every count; what does not add up, in words."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """Numbers for the panel: entries, bytes and what else the tier counts."""
        ...

    def close(self) -> None:
        """Give handles back. The tier may be used again."""
