"""One workspace as it is kept: its times, the marks of its tokens, and what it holds.

The rotation of tokens is decided here. `current` is the mark of the token handed out last,
`previous` that of the one before, while it is still good: until `previous_until`, or without
end (None) when the connection that carried the current token ended before it was used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from utils.bounded_json import JsonLimits, read_json, write_json
from utils.workspace_state import WorkspaceState, state_of
from utils.workspace_tokens import same

#: Which token of a workspace was presented: the one handed out last, or the one before.
Used = Literal["current", "previous"]
_MARK_DIGITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceLimits:
    """How many workspaces, how large each and all together (bytes of their JSON; in memory they
    take about five times as much), and how long they live (seconds)."""

    workspaces: int = 200
    size_bytes: int = 512 * 1024
    total_bytes: int = 8 * 1024 * 1024
    idle_seconds: float = 8 * 3_600.0
    absolute_seconds: float = 24 * 3_600.0
    grace_seconds: float = 60.0


@dataclass(eq=False, slots=True, kw_only=True)
class Record:
    """A workspace. Times are seconds since 1970; `size_bytes` is that of its JSON."""

    id: str
    created_at: float
    used_at: float
    current: str
    previous: str | None = None
    previous_until: float | None = 0.0
    state: WorkspaceState = field(default_factory=WorkspaceState)
    size_bytes: int = 0
    written_at: float = 0.0

    @property
    def marks(self) -> tuple[str, ...]:
        """Marks that may open this workspace."""
        return (self.current,) if self.previous is None else (self.current, self.previous)

    def ends_at(self, limits: WorkspaceLimits) -> float:
        """When it expires if it is not used any more."""
        return min(self.used_at + limits.idle_seconds, self.created_at + limits.absolute_seconds)

    def opened_by(self, mark: str, now: float) -> Used | None:
        """Which of its tokens this is; None when it is not good (any more)."""
        if same(mark, self.current):
            return "current"
        if same(mark, self.previous) and (self.previous_until is None or now < self.previous_until):
            return "previous"
        return None

    def rotate(self, used: Used, mark: str, until: float) -> None:
        """Make `mark` current after a resume with the `used` token, which is good `until` then.

        A page that comes with the previous token never got the current one, which dies.
        """
        if used == "current":
            self.previous, self.previous_until = self.current, until
        elif self.previous_until is None:
            self.previous_until = until
        self.current = mark

    def settle(self) -> None:
        """The current token was used: the one before is dead."""
        self.previous = None

    def leave_open(self, now: float) -> None:
        """The connection ended, and nobody knows which token its page holds: both stay good."""
        if self.previous_until is not None and now < self.previous_until:
            self.previous_until = None

    def write(self, limits: JsonLimits) -> bytes:
        """As JSON. NotPlain when the state is not plain data or is too large."""
        return write_json(
            {
                "created_at": self.created_at, "used_at": self.used_at,
                "current": self.current, "previous": self.previous,
                "previous_until": self.previous_until, "state": self.state.plain(),
            },
            limits,
        )  # fmt: skip


def record_of(name: str, data: bytes, limits: JsonLimits, now: float) -> Record:
    """The record that `write` wrote. ValueError, TypeError or KeyError for anything else.

    Times that lie ahead (the clock was set back) become now.
    """
    plain: dict[str, Any] = read_json(data, limits)
    previous, until = plain["previous"], plain["previous_until"]
    return Record(
        id=name,
        created_at=min(now, _time(plain["created_at"])),
        used_at=min(now, _time(plain["used_at"])),
        current=_mark(plain["current"]),
        previous=None if previous is None else _mark(previous),
        previous_until=None if until is None else _time(until),
        state=state_of(plain["state"]),
        size_bytes=len(data),
    )


def _time(value: object) -> float:
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError("a time is a number")
    return float(value)


def _mark(value: object) -> str:
    if not isinstance(value, str) or len(value) != _MARK_DIGITS:
        raise TypeError("a mark has 64 digits")
    return value
