"""Keeps what changes in the workspace, a moment after it changes and not at every key stroke."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import logic

log = logging.getLogger("clinstat")
_WAIT_SECONDS = 0.4

Step = Callable[[logic.WorkspaceState], logic.WorkspaceState]


class Saver:
    """What changed since the last save, by name. Used on the event loop only."""

    def __init__(self) -> None:
        self.visit: logic.Visit | None = None
        self._pending: dict[str, Step] = {}
        self._saved: dict[str, Any] = {}
        self._timer: asyncio.TimerHandle | None = None

    def put(self, name: str, value: Any, step: Step) -> None:
        """Apply `step` to the workspace soon, unless `value` is what was put last."""
        if self.visit is None or self._saved.get(name) == value:
            return
        self._saved[name] = value
        self._pending[name] = step
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_WAIT_SECONDS, self.flush)

    def known(self, name: str, value: Any) -> None:
        """The workspace holds this already."""
        self._saved[name] = value

    def forget(self) -> None:
        """A new file begins; what was kept for the old one goes with it."""
        self._pending.clear()
        self._saved.clear()

    def flush(self) -> Future[None] | None:
        """Keep what is pending now; the Future of it, None when nothing is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pending, self._pending = list(self._pending.values()), {}
        if not pending or self.visit is None:
            return None
        return logic.in_passing(_keep, self.visit.workspace_id, pending)


def _keep(workspace_id: str, pending: list[Step]) -> None:
    def step(state: logic.WorkspaceState) -> logic.WorkspaceState:
        for change in pending:
            state = change(state)
        return state

    try:
        logic.desk().workspaces.change(workspace_id, step)
    except (logic.MachineryError, ValueError) as error:  # ValueError: not plain data
        log.warning("Inputs were not kept (%s).", type(error).__name__)
