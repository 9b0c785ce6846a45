"""Forget my data: dataset, jobs, workspace and cached results, with a receipt.

    eraser = Eraser(workspaces=..., files=..., jobs=..., cache=...)
    eraser.forget(token_text) -> Receipt        WorkspaceGone when the token opens nothing
    eraser.let_go() -> int                      at the start and hourly, and after an upload was
                                                replaced: what workspaces hold no more; bytes

What several workspaces hold (the file of the same bytes, the result of the same key) goes with
the last of them. Afterwards no byte of it stands in the directories of workspaces, files and
cache, nor in SQLite's log (see `DiskTier.clear`), nor on Redis. What a disk or Redis did not
delete at once is owed, is said so in the receipt, and is tried again.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass

from utils.cache import TieredCache
from utils.dataset_store import DatasetStore
from utils.errors import WorkspaceGone
from utils.jobs import Jobs
from utils.workspace import Released, Workspaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was deleted for one person.

    `results` are keys that nobody else holds, deleted from the cache as `cache_entries` (one for
    each tier in which they stood); `shared_results` and `shared_dataset` stay, because another
    workspace holds the same. `jobs` were stopped or their answers dropped. `size_bytes` are those
    of the file and of the workspace's record. `complete` is False while something is owed.
    """

    datasets: int
    results: int
    cache_entries: int
    jobs: int
    size_bytes: int
    shared_results: int
    shared_dataset: bool
    complete: bool


class Eraser:
    """Takes things away from all places at once. Safe for threads."""

    def __init__(
        self, *, workspaces: Workspaces, files: DatasetStore, jobs: Jobs, cache: TieredCache
    ) -> None:
        self._workspaces = workspaces
        self._files = files
        self._jobs = jobs
        self._cache = cache
        self._lock = threading.Lock()
        self._again: set[str] = set()

    def forget(self, token: str) -> Receipt:
        """Delete the workspace that the token opens and all that only it holds."""
        with self._lock:
            name = self._workspaces.identify(token)
            held = () if name is None else self._workspaces.state(name).keys
            # the workspace goes first: from here on nothing new is kept for it
            released = None if name is None else self._workspaces.end(name)
            if released is None:
                raise WorkspaceGone
            ended = self._jobs.forget(released.workspace_id)
            # a thread that was just stopped may still store its answer: cleared once more later
            self._again.update(set(ended.cancelled) & set(released.keys))
            size_bytes = self._delete_file(released)
            return Receipt(
                datasets=int(size_bytes > 0),
                results=len(released.keys),
                cache_entries=self._clear(released.keys),
                jobs=len(ended.cancelled) + len(ended.dropped),
                size_bytes=size_bytes + released.size_bytes,
                shared_results=len(held) - len(released.keys),
                shared_dataset=self._is_shared(released),
                complete=self._is_complete(released),
            )

    def let_go(self) -> int:
        """Delete what expired workspaces, replaced files and over-long lists left without a holder.

        The bytes of files that were deleted.
        """
        with self._lock:
            keys, self._again = self._again, set()
            size_bytes = 0
            for released in self._workspaces.sweep():
                keys.update(released.keys)
                if released.ended:
                    self._jobs.forget(released.workspace_id)
                size_bytes += self._delete_file(released)
            self._clear([key for key in keys if not self._workspaces.holders(key)])
            return size_bytes + self._files.sweep().size_bytes

    def _delete_file(self, released: Released) -> int:
        if released.content is None:
            return 0
        return self._files.release(released.content, released.workspace_id)

    def _clear(self, keys: Collection[str]) -> int:
        return self._cache.clear(keys=keys) if keys else 0

    def _is_shared(self, released: Released) -> bool:
        return released.content is not None and self._files.holders(released.content) > 0

    def _is_complete(self, released: Released) -> bool:
        tiers = self._cache.snapshot()["tiers"].values()
        return (
            released.removed
            and not (released.content is not None and self._files.owes(released.content))
            and not any(facts.get("owed clears") for facts in tiers)
        )
