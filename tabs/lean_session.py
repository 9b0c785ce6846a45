"""Shiny's sessions without what nobody here needs.

Empty news. After every change on one page Shiny writes to all pages that are open. Here a page
hears of what concerns it: something was sent to it or by it.

Inputs of forms that nobody opens. A page sends some three hundred inputs when it begins, and Shiny
makes a reactive value of each. Here an input becomes one when it is first asked for.

Waiting for pages. Shiny waits until each message has left while all pages wait for their turn. Here
messages go through an outbox (`tabs.outbox`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Callable
from sys import intern
from typing import Any

from shiny import App, reactive
from shiny._connection import Connection
from shiny._namespaces import ResolvedId
from shiny.input_handler import input_handlers
from shiny.reactive._reactives import Effect_
from shiny.session._session import AppSession

from tabs.lean_shiny import lean_shiny
from tabs.outbox import Outbox

log = logging.getLogger("clinstat")

_LAST_WORDS_SECONDS = 2.0
_TRY_AGAIN_LATER = 1013


class LeanApp(App):
    """`shiny.App` whose pages hear only of what concerns them. Makes Shiny lean in this process."""

    def __init__(self, *args: Any, **options: Any) -> None:
        lean_shiny()
        super().__init__(*args, **options)

    def _create_session(self, conn: Connection) -> AppSession:
        session = LeanSession(self, secrets.token_hex(32), conn)
        self._sessions[session.id] = session
        return session


class Arrived(dict[str, "reactive.Value[Any]"]):
    """Inputs by name; what has arrived and was not asked for yet is in `waiting`."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[str, Any] = {}

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.waiting

    def __missing__(self, name: str) -> reactive.Value[Any]:
        made = reactive.Value(self.waiting.pop(name), read_only=True, name=name)
        self[name] = made
        return made

    def was_asked_for(self, name: str) -> bool:
        """True when something may depend on this input."""
        return super().__contains__(name)


class LeanSession(AppSession):
    """A session that answers its own page after each message, and else writes only news."""

    _owes_answer = False

    def __init__(self, app: App, id: str, conn: Connection) -> None:  # noqa: A002 - Shiny's name
        super().__init__(app, id, conn)
        self._destroy_callbacks_by_ns: Any = None  # its modules then register nothing either
        self._effects: list[Effect_] = []
        super().on_ended(self._end_effects)
        self._outbox = Outbox(conn.send, self._hang_up)
        super().on_ended(self._outbox.close)
        self._arrived = Arrived()
        self.input._map = self._arrived  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    async def _send_message(self, message: dict[str, object]) -> None:
        self._send_message_sync(message)

    def _send_message_sync(self, message: dict[str, object]) -> None:
        self._outbox.put(json.dumps(message))

    async def _hang_up(self) -> None:
        log.warning("a page took nothing any more and was hung up on")
        await self._conn.close(_TRY_AGAIN_LATER, None)

    async def close(self, code: int = 1001) -> None:
        """End the line, after what was to be sent before."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await self._outbox.drained()
        await super().close(code)

    def _manage_inputs(self, data: dict[str, object]) -> None:
        awaited: dict[str, object] = {}
        for key, value in data.items():
            name, _, kind = key.partition(":")
            if self._arrived.was_asked_for(name) or ":" in kind:
                awaited[key] = value
            else:
                # the same names come from every page
                self._arrived.waiting[intern(name)] = (
                    self._read(name, kind, value) if kind else value
                )
        super()._manage_inputs(awaited)

    def _read(self, name: str, kind: str, value: object) -> object:
        process = input_handlers._process_value  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        return process(kind, value, ResolvedId(name), self)

    def _is_hidden(self, name: str) -> bool:
        """Asked of every output after every message; hardly anything else reads these inputs."""
        told = f".clientdata_output_{name}_hidden"
        if self._arrived.was_asked_for(told):
            return super()._is_hidden(name)
        return bool(self._arrived.waiting.get(told, True))

    def on_ended(self, fn: Callable[[], Any]) -> Callable[[], None]:
        """Call `fn` when the page is closed. Effects, which are many, are told by a list."""
        effect = getattr(fn, "__self__", None)
        if not isinstance(effect, Effect_):
            return super().on_ended(fn)
        self._effects.append(effect)
        return lambda: None

    def _end_effects(self) -> None:
        for effect in self._effects:
            effect.destroy()
        self._effects.clear()

    def on_destroy(self, fn: Callable[[], Any]) -> None:
        """Nothing: see `destroy`."""

    async def destroy(self, id: str | None = None) -> None:  # noqa: A002 - Shiny's name
        """The page is closed. RuntimeError for a part of it: parts are not taken down."""
        if id is not None:
            raise RuntimeError("parts of a page are not taken down before the page")

    def _request_flush(self) -> None:
        self._owes_answer = True

    def _send_progress(self, type: str, message: object) -> None:  # noqa: A002 - Shiny's name
        self._owes_answer = True  # the page shows work until it is answered
        super()._send_progress(type, message)

    async def _flush(self) -> None:
        if self._owes_answer or self._has_news():
            self._owes_answer = False
            await super()._flush()

    def _has_news(self) -> bool:
        queued = self._outbound_message_queues
        return bool(
            queued.values or queued.input_messages or queued.errors
            or self._flush_callbacks.count() or self._flushed_callbacks.count()
        )  # fmt: skip
