"""Under pressure, datasets that nobody works on leave memory for their files.

    idle = IdleDatasets(frames, held)       held() gives the datasets that live
    idle.unload(6.0) -> bytes               those idle for six seconds; at most about `most_bytes`

Whether a dataset is idle is seen from its count of uses, looked at from call to call.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence

from utils.frame_files import FrameFiles, Movable

_MOST_BYTES = 32 * 1024 * 1024


class IdleDatasets:
    """Called by one thread, as often as memory is short. `clock` gives seconds."""

    def __init__(
        self,
        frames: FrameFiles,
        held: Callable[[], Sequence[Movable]],
        *,
        clock: Callable[[], float] = time.monotonic,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self._frames = frames
        self._held = held
        self._clock = clock
        self._most_bytes = most_bytes
        self._seen: weakref.WeakKeyDictionary[Movable, tuple[int, float]] = (
            weakref.WeakKeyDictionary()
        )
        self._done: weakref.WeakKeyDictionary[Movable, int] = weakref.WeakKeyDictionary()

    def unload(self, idle_seconds: float) -> int:
        """Move datasets that nobody has used for so long to their files, the longest unused first;
        the bytes that they held."""
        freed = 0
        for dataset in self._idle(idle_seconds):
            if freed >= self._most_bytes:
                break
            freed += self._frames.unload(dataset)
            self._done[dataset] = dataset.uses
        return freed

    def _idle(self, idle_seconds: float) -> list[Movable]:
        now, waiting = self._clock(), []
        for dataset in self._held():
            uses, since = self._seen.get(dataset, (-1, now))
            if uses != dataset.uses:
                self._seen[dataset] = dataset.uses, now
            elif now - since >= idle_seconds and self._done.get(dataset) != uses:
                waiting.append((since, len(waiting), dataset))
        return [dataset for _, _, dataset in sorted(waiting)]
