"""The stay of a page in its workspace: coming in, keeping what is chosen, coming back.

The page presents the key that it holds (or none) when its session begins; the answer is a new
key. A page that comes back after a dropped line holds newer inputs than the workspace and keeps
them; a page that was loaded anew gets back what the workspace holds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from shiny import Inputs, Session, reactive

import logic
from tabs.clicks import Presses, fresh
from tabs.failure import Failure, attempt
from tabs.saving import Saver

_NO_ROOM = "Nothing that you do now is kept if the connection drops."
_GONE = (
    "Your earlier work on this page has ended (it is kept for some hours only, or was forgotten). "
    "Please open your file again."
)
#: Under this name the workspace holds what belongs to no form.
PAGE = "page"
_KEY_CHARACTERS = 200
_PATIENCE_SECONDS = 5.0


def thawed(value: Any) -> Any:
    """Plain data of a workspace as dictionaries and lists."""
    if isinstance(value, Mapping):
        return {key: thawed(item) for key, item in value.items()}
    return [thawed(item) for item in value] if isinstance(value, (list, tuple)) else value


def _enter(presented: Mapping[str, Any]) -> logic.Arrival:
    key, page = presented.get("key"), presented.get("page")
    return logic.desk().enter(
        key if isinstance(key, str) and len(key) <= _KEY_CHARACTERS else None,
        page=page if isinstance(page, str) else "",
    )


async def _come_in(presented: Mapping[str, Any]) -> tuple[logic.Arrival | Failure, bool]:
    return await attempt(logic.in_passing, _enter, presented), presented.get("known") is True


class Stay:
    """The workspace of one session, once it is known.

    `visit()` is None before; `page_known` says whether the page brought its own inputs.
    """

    def __init__(self, inputs: Inputs, session: Session) -> None:
        self.page_known = False
        self.saver = Saver()
        self._session = session
        self._visit: reactive.Value[logic.Visit | None] = reactive.Value(None, name="visit")
        self.presses = Presses()
        self._settled = asyncio.Event()
        self._attend(inputs)
        session.set_message_handler("beat", lambda: True)
        session.on_ended(self._leave)

    def visit(self) -> logic.Visit | None:
        """The visit; reactive."""
        return self._visit()

    async def whose(self) -> str:
        """The owner, once it is known: a hasty first click waits for the workspace."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), _PATIENCE_SECONDS)
        return self.owner

    @property
    def owner(self) -> str:
        """Whose jobs these are: the workspace's, or this session's where there is none."""
        with reactive.isolate():
            visit = self._visit()
        return self._session.id if visit is None else visit.workspace_id

    def state(self) -> logic.WorkspaceState | None:
        """What the workspace holds now; None without one."""
        with reactive.isolate():
            visit = self._visit()
        try:
            return None if visit is None else visit.state
        except logic.WorkspaceGone:
            return None

    def last(self, analysis: str) -> dict[str, Any] | None:
        """Choices of the run of this analysis that was shown or under way; None without one."""
        state = self.state()
        found = [] if state is None else [*state.results, *state.jobs]
        choices = [request.choices for request in found if request.analysis == analysis]
        return thawed(choices[-1]) if choices else None

    def keep_inputs(self, tab: str, values: dict[str, Any]) -> None:
        """Keep what the fields of a tab hold."""
        self.saver.put(tab, values, lambda state: state.with_inputs(tab, values))

    def keep_variables(self, variables: Iterable[logic.Variable]) -> None:
        """Keep the variable table."""
        rows = [asdict(variable) for variable in variables]
        self.saver.put("variables", rows, lambda state: state.with_variables(rows))

    def forgotten(self) -> None:
        """The workspace ends now: nothing more is kept for it."""
        self.saver.forget()
        self.saver.visit = None
        self._visit.set(None)

    def _attend(self, inputs: Inputs) -> None:
        task = reactive.ExtendedTask(_come_in)

        @reactive.effect
        @reactive.event(fresh(inputs.visit))
        def _() -> None:
            presented = inputs.visit()
            if isinstance(presented, Mapping) and self._visit() is None:
                task.invoke(presented)

        @reactive.effect
        async def _() -> None:
            if task.status() == "success":
                await self._arrived(*task.result())

        @reactive.effect
        @reactive.event(fresh(inputs.kept))
        def _() -> None:
            kept, visit = inputs.kept(), self._visit()
            key = kept.get("key") if isinstance(kept, Mapping) else None
            if visit is not None and isinstance(key, str):
                logic.in_passing(logic.desk().workspaces.confirm, key[:_KEY_CHARACTERS])

    async def _arrived(self, found: logic.Arrival | Failure, known: bool) -> None:
        with reactive.isolate():
            again = self._visit() is not None
        if again:
            return
        if isinstance(found, Failure):
            await self.tell(f"{found.cause} {_NO_ROOM}")
            self._settled.set()
            return
        self.page_known = known and not found.gone and found.visit.forked_from is None
        if found.gone:
            await self.tell(_GONE)
        self.saver.visit = found.visit
        if self.page_known:
            self.presses.recall(found.visit.state.inputs.get(PAGE, {}).get("presses"))
        self._visit.set(found.visit)
        self._settled.set()
        message: dict[str, object] = {"key": found.visit.token.reveal(), "back": self.page_known}
        await self._session.send_custom_message("clinstat-key", message)

    async def tell(self, words: str) -> None:
        """A line at the top of the page."""
        await self._session.send_custom_message("clinstat-notice", {"text": words})

    def _leave(self) -> None:
        self.saver.flush()
        with reactive.isolate():
            visit = self._visit()
        if visit is not None:
            logic.in_passing(visit.leave)
