"""What the cache asks of a tier below memory (disk, Redis)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from utils.envelope import Entry

if TYPE_CHECKING:
    from utils.notices import Notice


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an entry is: the function that made it and a label (a dataset, a workspace)."""

    name: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Doomed:
    """Which entries to clear. Fields that are None do not restrict; all None means everything.

    `mark` names the clear to other processes, who are to forget the same; without one they are
    not told.
    """

    key: str | None = None
    name: str | None = None
    label: str | None = None
    expired_at: float | None = None
    keys: frozenset[str] | None = None
    mark: str = field(default="", compare=False)

    def matches(self, key: str, owner: Owner, expires_at: float) -> bool:
        """True for an entry that goes."""
        return (
            (self.key is None or key == self.key)
            and (self.keys is None or key in self.keys)
            and (self.name is None or owner.name == self.name)
            and (self.label is None or owner.label == self.label)
            and (self.expired_at is None or expires_at <= self.expired_at)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An entry as a list shows it, not verified. `cost_seconds` None: the store did not tell."""

    key: str
    name: str
    size_bytes: int
    created_at: float
    expires_at: float
    cost_seconds: float | None


class Tier(Protocol):
    """A store of sealed entries by key.

    Every method may raise: TierFault (or what the store raises) when the tier does not work,
    CorruptEntry from `get` when an entry is not what was written; the tier has then already
    removed it. `utils/tier_guard.py` turns both into misses.
    """

    name: str
    #: True when asking it goes over a network: it is then not asked from the bench.
    remote: bool

    def get(self, key: str) -> Entry | None:
        """The entry, expired or not; None when there is none."""
        ...

    def put(self, key: str, entry: Entry, owner: Owner) -> bool:
        """Keep the entry; False when it is too large to be kept here."""
        ...

    def clear(self, doomed: Doomed) -> int:
        """Remove entries, once the others have been told (`doomed.mark`); their number."""
        ...

    def news(self, *, at_once: bool) -> bool:
        """True when others may have cleared something. Quick; never raises. A tier that has to
        ask over a network does so now and then only, unless `at_once`."""
        ...

    def hear(self, obey: Callable[[Notice], None]) -> None:
        """Call `obey` with what others cleared since the last time. Does not raise unless
        `remote`."""
        ...

    def listed(self, keys: Collection[str] | None, limit: int) -> Sequence[Listed]:
        """The newest entries (None) or those of `keys`, at most `limit`; empty where the store
        cannot tell."""
        ...

    def check(self) -> list[str]:
        """Re-derive every count; what does not add up, in words."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """Numbers for the panel: entries, bytes and what else the tier counts."""
        ...

    def close(self) -> None:
        """Give handles back. The tier may be used again."""
