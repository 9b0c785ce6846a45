"""Work of the page that may fail, and the sentence that the reader gets when it does."""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypeVar

from shiny.types import SilentCancelOutputException, SilentException

import logic

log = logging.getLogger("clinstat")
T = TypeVar("T")

_EXPECTED = (
    logic.Overloaded, logic.Cancelled, logic.DeadlineExceeded, logic.WorkerLost,
    logic.WorkspaceGone, logic.DatasetGone, logic.IncompleteUpload, logic.BadSessionFile,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """Cause and remedy, one sentence each. `code` finds an unexpected failure in the log."""

    cause: str
    remedy: str = ""
    code: str = ""

    @property
    def sentence(self) -> str:
        """Cause and remedy in one line."""
        return f"{self.cause} {self.remedy}".strip()


class Broken:
    """A view that could not be drawn; why stands in the log."""


def failure_of(error: Exception) -> Failure:
    """What the reader is told about `error`; anything unexpected goes to the log."""
    if isinstance(error, logic.StatsError):
        return Failure(error.message, error.hint or "")
    if isinstance(error, _EXPECTED):
        return Failure(error.message, error.hint)
    code = secrets.token_hex(3)
    # The message of an unknown error may quote the data: only its type and places are logged.
    places = "".join(
        f"\n  at {PurePath(frame.filename).name}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
    )
    log.error("failure %s: %s%s", code, type(error).__name__, places)
    return Failure(
        "This did not work, and the cause lies in Clinstat, not in your data.",
        f"Please try again; if it happens again, report it with the number {code}.",
        code,
    )


async def attempt(start: Callable[..., Future[T]], /, *args: Any, **kwargs: Any) -> T | Failure:
    """Await what `start` (`logic.submit`, `logic.in_passing`) begins off the event loop; never
    raises but for cancellation."""

    async def begun() -> T:
        return await asyncio.wrap_future(start(*args, **kwargs))

    return await _settled(begun())


async def attempt_elsewhere(
    function: Callable[..., T], /, *args: Any, **kwargs: Any
) -> T | Failure:
    """As `attempt`, for blocking calls that only wait for the heavy lane: they take no place in
    the quick lane, where other users' analyses run."""
    return await _settled(asyncio.to_thread(function, *args, **kwargs))


async def drawn(render: Callable[[], Awaitable[T]]) -> T | Broken:
    """What `render` gives, or `Broken`; Shiny's signals (SilentException and
    SilentCancelOutputException) are raised."""
    try:
        return await render()
    except (SilentException, SilentCancelOutputException):
        raise
    except Exception as error:  # noqa: BLE001 - one view that fails leaves the others as they are
        failure_of(error)
        return Broken()


async def _settled(waiting: Awaitable[T]) -> T | Failure:
    try:
        return await waiting
    except Exception as error:  # noqa: BLE001 - the result card is where every error ends
        return failure_of(error)
