"""What a person may see and do in the tab System: his own entries and jobs, all with the secret.

    console = Console(bench, admin_secret)
    console.look(owner, keeper)                       numbers of this moment (utils.look)
    console.entries(owner, keeper)                    entries of the cache, newest first
    console.clear(owner, Wanted(name="..."), keeper)  -> Cleared
    console.stop(owner, handle, keeper)               cancel a job
    console.unlock(secret, owner)                     -> KeeperPass, or None
    console.check(keeper)                             counts derived again; what is wrong, in words

An owner is the id of a workspace. Without a pass every action touches only what this workspace,
and no other, holds; what others hold too stays, as it does in "forget my data". A pass is made
by `unlock` alone, belongs to one owner and ends after 15 minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from utils.entry_list import EntryFacts, entries_of, handle_of
from utils.errors import WorkspaceGone
from utils.latency import Spread
from utils.look import Look, TierFacts, look_at
from utils.rate import TokenBuckets
from utils.workbench import Workbench

__all__ = [
    "Cleared", "Console", "EntryFacts", "KeeperPass", "Look", "Spread", "TierFacts", "Wanted",
]  # fmt: skip

_PASS_SECONDS = 900.0
_GUESSES_PER_MINUTE = 10


class KeeperPass:
    """Proof that its owner knows the secret; good until `ends_at` of the console's clock."""

    __slots__ = ("ends_at", "owner")

    def __init__(self, owner: str, ends_at: float) -> None:
        self.owner = owner
        self.ends_at = ends_at

    def __repr__(self) -> str:
        return "<keeper pass>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries to clear: one (by its handle), those of a function, the expired; all when
    nothing is given."""

    handle: str | None = None
    name: str | None = None
    expired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """`removed` entries (one in two tiers counts twice); `shared` stay for other workspaces."""

    removed: int
    shared: int = 0


class Console:
    """Eyes and hands of one page after the other. Safe for threads; calls may wait for a disk."""

    def __init__(
        self, bench: Workbench, admin_secret: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bench = bench
        self._digest = _digest(admin_secret) if admin_secret else None
        self._clock = clock
        self._lock = threading.Lock()
        self._passes: set[KeeperPass] = set()
        self._guesses = TokenBuckets(
            per_second=_GUESSES_PER_MINUTE / 60.0, burst=float(_GUESSES_PER_MINUTE), clock=clock
        )

    @property
    def has_secret(self) -> bool:
        """Whether anybody can unlock anything."""
        return self._digest is not None

    def unlock(self, secret: str, owner: str) -> KeeperPass | None:
        """A pass for who knows the secret. Constant time in the secret; ten guesses a minute."""
        with self._lock:
            if self._digest is None or self._guesses.take(owner):
                return None
            if not hmac.compare_digest(_digest(secret), self._digest):
                return None
            now = self._clock()
            self._passes = {kept for kept in self._passes if now < kept.ends_at}
            made = KeeperPass(owner, now + _PASS_SECONDS)
            self._passes.add(made)
            return made

    def is_keeper(self, owner: str, shown: KeeperPass | None) -> bool:
        """True for a pass of this console, of this owner, that has not ended."""
        if shown is None or shown.owner != owner:
            return False
        with self._lock:
            return shown in self._passes and self._clock() < shown.ends_at

    def look(self, owner: str, keeper: KeeperPass | None = None) -> Look:
        """Everything but the entries."""
        keys = frozenset(self._keys(owner))
        return look_at(self._bench, owner, keys, everybody=self.is_keeper(owner, keeper))

    def entries(self, owner: str, keeper: KeeperPass | None = None) -> tuple[EntryFacts, ...]:
        """Those that the workspace asked for; with a pass those of everybody."""
        everybody = self.is_keeper(owner, keeper)
        return entries_of(self._bench.cache, None if everybody else self._keys(owner))

    def clear(self, owner: str, wanted: Wanted, keeper: KeeperPass | None = None) -> Cleared:
        """Forget what is wanted, in every tier."""
        cache = self._bench.cache
        key = None
        if wanted.handle is not None:
            found = self.entries(owner, keeper)
            key = next((e.key for e in found if e.handle == wanted.handle), None)
            if key is None:
                return Cleared(removed=0)
        jobs = self._bench.desk.jobs  # answers of jobs that just ended are kept there too
        if self.is_keeper(owner, keeper):
            removed = cache.clear(key=key, name=wanted.name, expired=wanted.expired)
            jobs.drop_answers(None if key is None else (key,))
            return Cleared(removed=removed)
        held = [k for k in self._keys(owner) if key is None or k == key]
        shared = {k for k in held if self._bench.desk.workspaces.holders(k) > 1}
        mine = [k for k in held if k not in shared]
        removed = cache.clear(keys=mine, name=wanted.name, expired=wanted.expired)
        jobs.drop_answers(mine)
        return Cleared(removed=removed, shared=self._standing(shared, wanted))

    def stop(self, owner: str, handle: str, keeper: KeeperPass | None = None) -> bool:
        """Cancel a job of this owner (with a pass, of anybody); False when it does not run."""
        for job in self._bench.desk.jobs.under_way():
            if handle_of(job.key) == handle:
                theirs = job.owners if self.is_keeper(owner, keeper) else job.owners & {owner}
                for one in theirs:
                    self._bench.desk.stop(one, job.key)
                return bool(theirs)
        return False

    def check(self, owner: str, keeper: KeeperPass | None) -> list[str] | None:
        """What does not add up in the cache's counts; None without a pass."""
        return self._bench.cache.check() if self.is_keeper(owner, keeper) else None

    def _keys(self, owner: str) -> tuple[str, ...]:
        try:
            return self._bench.desk.workspaces.state(owner).keys
        except WorkspaceGone:
            return ()

    def _standing(self, shared: set[str], wanted: Wanted) -> int:
        """How many of the shared keys would have gone."""
        now = time.time()
        return sum(
            (wanted.name is None or entry.name == wanted.name)
            and (not wanted.expired or entry.expires_at <= now)
            for entry in (entries_of(self._bench.cache, shared) if shared else ())
        )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8")).digest()
