"""Shiny's effects and values, made of as few objects as they need.

A page holds some hundred effects and some hundred values as long as it is open. Shiny makes five
functions for each effect and keeps them, three lists for each of its runs, and a dictionary for
each value that is read. What is here does the same with one object each: the order of events, and
what ends what, are Shiny's own (`shiny.reactive._reactives`, release 1.8).
"""

# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001 - Shiny offers no public way to any of this
from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from shiny import reactive
from shiny._utils import is_async_callable
from shiny.reactive._reactives import Effect_
from shiny.session import get_current_session
from shiny.types import MISSING, MISSING_TYPE

from tabs.lean_contexts import LeanContext, Readers

_NO_CALLBACKS: Any = ()


def _nothing() -> None:
    return None


class Awaited:
    """A plain function that can be awaited."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    async def __call__(self, *args: Any, **named: Any) -> Any:
        """What the function gives."""
        return self._function(*args, **named)


def awaited(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """`function`, or what awaits it where it is a plain one."""
    return function if is_async_callable(function) else Awaited(function)


def _begin(
    self: Effect_,
    fn: Callable[[], Any],
    *,
    suspended: bool = False,
    priority: int = 0,
    session: Any = MISSING,
) -> None:
    self._fn = awaited(fn)
    self._priority = priority
    self._suspended = suspended
    self._session = get_current_session() if isinstance(session, MISSING_TYPE) else session
    # all here, in one order: instances whose attributes are alike share the names of these
    self._on_resume = _nothing
    self._invalidate_callbacks = _NO_CALLBACKS
    self._exec_count = 0
    if self._session is not None:
        self._session.on_ended(self.destroy)
    _new_run(self).invalidate()


def _new_run(self: Effect_) -> Any:
    context: Any = LeanContext(self)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - see _ALIKE
    self._ctx = context
    return context


def _run_ended(effect: Effect_, context: LeanContext) -> None:
    effect._ctx = None
    for callback in effect._invalidate_callbacks:
        callback()
    if effect._destroyed:
        return
    if effect._suspended:
        effect._on_resume = context  # type: ignore[assignment]
    else:
        _go_on(effect, context)


def _go_on(effect: Effect_, context: LeanContext) -> None:
    context.add_pending_flush(effect._priority)
    if effect._session:
        effect._session._increment_busy_count()


async def _run_due(effect: Effect_) -> None:
    if not effect._destroyed:
        await effect._run()
    if effect._session:
        effect._session._decrement_busy_count()


def _resume(self: Effect_) -> None:
    if not self._suspended:
        return
    self._suspended = False
    waits: Any = self._on_resume
    if isinstance(waits, LeanContext):
        self._on_resume = _nothing
        _go_on(self, waits)


def _on_invalidate(self: Effect_, callback: Callable[[], None]) -> None:
    self._invalidate_callbacks = [*self._invalidate_callbacks, callback]


def _new_value(
    self: reactive.Value[Any], value: Any = MISSING, *, read_only: bool = False,
    name: str | None = None,
) -> None:  # fmt: skip
    self._value = value
    self._read_only = read_only
    self._name = name
    self._value_dependents = Readers()  # type: ignore[assignment]
    self._is_set_dependents = Readers()  # type: ignore[assignment]


#: What most effects and values never have of their own.
_ALIKE: tuple[tuple[type, dict[str, Any]], ...] = (
    (
        Effect_,
        {
            "__init__": _begin, "_create_context": _new_run, "resume": _resume,
            "on_invalidate": _on_invalidate, "run_ended": _run_ended, "run_due": _run_due,
            "_destroyed": False, "_otel_attrs": {}, "_otel_label": "", "_otel_level": 0,
        },
    ),
    (
        reactive.Value,
        {
            "__init__": _new_value, "_destroyed": False, "_otel_attrs": {}, "_otel_label": None,
            "_otel_level": 0, "_otel_namespace": None,
        },
    ),
)  # fmt: skip


def lean_reactives() -> None:
    """Effects and values that are made from now on are lean, in this process."""
    for kind, attributes in _ALIKE:
        for name, attribute in attributes.items():
            setattr(kind, name, attribute)
