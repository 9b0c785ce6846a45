"""Shiny's outputs with one object for each instead of three functions.

What an output sends, and when, is as in `shiny.session._session.Outputs` (release 1.8), except that
the log tells of a view that failed without the words of the error, which may quote the data.
"""

# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001 - Shiny offers no public way to any of this
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shiny import Outputs, reactive
from shiny.render.renderer import Renderer
from shiny.session._session import OutputInfo
from shiny.types import (
    SilentCancelOutputException,
    SilentException,
    SilentOperationInProgressException,
)

from tabs.failure import Broken, drawn


class Drawing:
    """One output of one page: draws it and queues what it shows."""

    __slots__ = ("_name", "_renderer", "_session")

    def __init__(self, session: Any, renderer: Renderer[Any], name: str) -> None:
        self._session = session
        self._renderer = renderer
        self._name = name

    async def __call__(self) -> None:
        """Draw."""
        await self._tell("recalculating")
        if await self._drawn():
            await self._tell("recalculated")

    def begins(self) -> None:
        """It will be drawn again: the page shows so."""
        self._session._send_progress("binding", {"id": self._name})

    async def _tell(self, status: str) -> None:
        told = {"name": self._name, "status": status}
        await self._session._send_message({"recalculating": told})

    async def _drawn(self) -> bool:
        session, name = self._session, self._name
        queued = session._outbound_message_queues
        try:
            with session.clientdata._output_name_ctx(name):
                shown = await drawn(self._renderer.render)
        except SilentOperationInProgressException:
            session._send_progress("binding", {"id": name, "persistent": True})
            return False
        except SilentCancelOutputException:
            return True
        except SilentException:
            queued.set_silent(name)
            return True
        if isinstance(shown, Broken):
            told = {"message": session.app.sanitize_error_msg, "call": None, "type": None}
            queued.set_error(name, told)
        else:
            queued.set_value(name, shown)
        return True


def _output(
    self: Outputs,
    renderer: Renderer[Any] | None = None,
    *,
    id: str | None = None,  # noqa: A002 - Shiny's name
    suspend_when_hidden: bool = True,
    priority: int = 0,
) -> Any:
    def register(renderer: Renderer[Any]) -> Renderer[Any]:
        _register(self, renderer, id or renderer.__name__, suspend_when_hidden, priority)
        return renderer

    return register if renderer is None else register(renderer)


def _register(
    outputs: Outputs, renderer: Renderer[Any], output_id: str, suspends: bool, priority: int
) -> None:
    session: Any = outputs._session
    name = outputs._ns(output_id)
    renderer._set_output_metadata(output_id=output_id)
    renderer._on_register()
    outputs.remove(name)
    drawing = Drawing(session, renderer, name)
    draw: Callable[..., Any] = reactive.effect(
        suspended=suspends and session._is_hidden(name), priority=priority
    )
    effect = draw(drawing)
    effect.on_invalidate(drawing.begins)
    outputs._outputs[name] = OutputInfo(renderer, effect, suspends)


def lean_outputs() -> None:
    """Outputs that are registered from now on are lean, in this process."""
    Outputs.__call__ = _output  # type: ignore[method-assign,assignment]
