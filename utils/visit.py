"""One page's stay in a workspace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from utils.workspace_state import WorkspaceState
from utils.workspace_tokens import Token

Step = Callable[[WorkspaceState], WorkspaceState]


class Host(Protocol):
    """What a visit asks of the workspaces that it belongs to."""

    def require(self, visit: Visit) -> WorkspaceState:
        """The state, or WorkspaceGone when the visit is over."""
        ...

    def change(self, workspace_id: str, step: Step, *, used: bool = False) -> WorkspaceState:
        """Replace the state."""
        ...

    def touch(self, visit: Visit) -> None:
        """Start the idle time again."""
        ...

    def leave(self, visit: Visit) -> None:
        """End the visit."""
        ...


class Visit:
    """One page's stay in a workspace. Methods raise WorkspaceGone when it is over."""

    def __init__(
        self, host: Host, workspace_id: str, page: str, token: Token, origin: str | None
    ) -> None:
        self._host = host
        self.workspace_id = workspace_id
        self.page = page
        self.token = token
        self.forked_from = origin

    def __repr__(self) -> str:
        return "<visit>"

    @property
    def state(self) -> WorkspaceState:
        """What the workspace holds now."""
        return self._host.require(self)

    def change(self, step: Step) -> WorkspaceState:
        """Replace the state by `step(state)`; WorkspaceFull (and nothing changed) if too large."""
        self._host.require(self)
        return self._host.change(self.workspace_id, step, used=True)

    def touch(self) -> None:
        """The person is there: the idle time starts again."""
        self._host.touch(self)

    def leave(self) -> None:
        """The connection ended. The workspace stays."""
        self._host.leave(self)
