"""Computing at the start what many will ask for: one after the other, in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from utils.errors import MachineryError

_log = logging.getLogger(__name__)


class WarmUp:
    """Runs `calls` (analyses through the cache) in a thread of its own.

    Each waits until `may_run()` allows it (no user is computing, memory is not short), looking
    every `pause_seconds`. A call that the machinery refuses is left out; whoever asks for it
    later computes it.
    """

    def __init__(
        self,
        calls: Sequence[Callable[[], object]],
        *,
        may_run: Callable[[], bool] = lambda: True,
        pause_seconds: float = 0.5,
    ) -> None:
        self._calls = calls
        self._may_run = may_run
        self._pause_seconds = pause_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="warm-up", daemon=True)
        self.done = 0
        self.left_out = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, *, wait_seconds: float = 5.0) -> None:
        """End after the call that is running; waits for it at most `wait_seconds`."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(wait_seconds)

    def wait(self, seconds: float) -> bool:
        """True when everything was run within `seconds`."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        for call in self._calls:
            while not self._stopped.is_set() and not self._may_run():
                self._stopped.wait(self._pause_seconds)
            if self._stopped.is_set():
                return
            try:
                call()
                self.done += 1
            except (MachineryError, ArithmeticError, ValueError) as error:
                self.left_out += 1
                _log.info("An example was not computed ahead (%s).", type(error).__name__)
