"""Keeps one zygote in service: starts it when it is needed, replaces it when it dies."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from utils.warm_zygote import WarmZygote
from utils.wire import PeerGoneError, Wait
from utils.zygote import Job, Zygote, ZygoteGoneError

_log = logging.getLogger("clinstat.executor")


class ZygoteKeeper:
    """Every replacement is a spawned one: by then the server has threads and must not fork."""

    def __init__(self, zygote: Zygote | None, preload: Sequence[str]) -> None:
        self._zygote = zygote
        self._preload = tuple(preload)
        self._lock = threading.Lock()
        self._warm: dict[tuple[str, ...], WarmZygote] = {}
        self.replacements = 0

    @property
    def pid(self) -> int | None:
        """Process id of the zygote, None while there is none."""
        zygote = self._zygote
        return None if zygote is None else zygote.pid

    def launch(self, wait: Wait, loaded: Sequence[str] = ()) -> Job:
        """A new child. A zygote that is found dead is replaced once; ZygoteGoneError if in vain.

        With `loaded` it comes from a zygote that has these modules, which is grown where there
        is none yet; if that one is dead, the child comes without them.
        """
        if loaded:
            try:
                return self._warmed(tuple(loaded), wait).launch(wait)
            except (ZygoteGoneError, PeerGoneError):
                self.cool()
        zygote = self._current()
        try:
            return zygote.launch(wait)
        except ZygoteGoneError:
            self.replace(zygote)
        return self._current().launch(wait)

    def replace(self, dead: Zygote | None = None) -> None:
        """Put a new zygote in the place of one that is dead or does not answer.

        `dead` is the one that was found so (None: the present one). The new one loads while
        this returns, so that the next job hardly waits for it.
        """
        with self._lock:
            present = self._zygote
            if present is None or (dead is not None and present is not dead):
                return
            _log.warning("the process that starts the workers had to be replaced")
            self.replacements += 1
            self._cool()
            present.close(patience_seconds=0)
            self._zygote = Zygote.spawn(self._preload)

    def doubt(self, pid: int) -> None:
        """The zygote of this process id did not confirm the end of a worker: do without it."""
        if any(warm.pid == pid for warm in self._warm.copy().values()):
            self.cool()
        elif pid == self.pid:
            self.replace()

    def rest(self) -> None:
        """Give the memory of a spawned zygote back; the next job starts a new one.

        A zygote that was forked from the server shares its memory and stays.
        """
        with self._lock:
            if self._zygote is not None and self._zygote.spawned:
                self._zygote.close()
                self._zygote = None

    def is_warm(self, loaded: Sequence[str]) -> bool:
        """Whether a zygote has these modules now (or none are wanted)."""
        return not loaded or tuple(loaded) in self._warm

    def cool(self) -> None:
        """End the zygotes that have more modules loaded, and every job that runs in one."""
        with self._lock:
            self._cool()

    def _cool(self) -> None:
        for warm in self._warm.values():
            warm.close()
        self._warm.clear()

    def _warmed(self, loaded: tuple[str, ...], wait: Wait) -> WarmZygote:
        found = self._warm.get(loaded)
        if found is not None:
            return found
        grown = WarmZygote.grow(self.launch(wait), loaded)
        with self._lock:
            other = self._warm.setdefault(loaded, grown)
        if other is not grown:
            grown.close()
        return other

    def close(self) -> None:
        """End the zygote with all its children."""
        with self._lock:
            self._cool()
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None

    def _current(self) -> Zygote:
        with self._lock:
            if self._zygote is None:
                self._zygote = Zygote.spawn(self._preload)
            return self._zygote
