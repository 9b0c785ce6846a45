"""A page comes back: its file, its variable table, its inputs, its tab and its results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shiny import Inputs, reactive

import logic
from tabs import arrival
from tabs.analyses import TABS
from tabs.failure import Failure
from tabs.habits import Habits
from tabs.loaded import Loaded
from tabs.stay import PAGE, Stay, thawed

#: The small headings inside tabs of several analyses.
_KINDS = tuple(tab.kind for tab in TABS if len(tab.forms) > 1)


def return_server(
    inputs: Inputs, stay: Stay, loaded: reactive.Value[Loaded | None], habits: Habits,
    go_to: Callable[..., None],
) -> None:  # fmt: skip
    """Restores once per session, then keeps what the page as a whole holds."""
    task = reactive.ExtendedTask(arrival.read_again)

    @reactive.effect
    @reactive.event(stay.visit)
    def _() -> None:
        state = stay.state()
        if state is not None and state.dataset is not None and loaded() is None:
            task.invoke(state, _generation(state) if stay.page_known else 1)

    @reactive.effect
    async def _() -> None:
        if task.status() != "success":
            return
        found, state = task.result(), stay.state()
        with reactive.isolate():
            taken = loaded() is not None  # another file was opened meanwhile
        if taken or state is None:
            return
        if isinstance(found, Failure):
            await stay.tell(f"Your file could not be opened again. {found.sentence}")
            return
        kept: dict[str, Any] = thawed(state.inputs)
        habits.page_known = stay.page_known
        habits.restore({} if stay.page_known else kept)
        loaded.set(found)
        if not stay.page_known:
            _open(kept.get(PAGE, {}), go_to)

    @reactive.effect
    def _() -> None:
        now = loaded()
        if now is not None:
            of_page = {
                "generation": now.generation, "tab": inputs.tab(),
                "presses": stay.presses.heard(),
                "kinds": {name: inputs[name]() for name in _KINDS if inputs[name].is_set()},
            }  # fmt: skip
            stay.keep_inputs(PAGE, of_page)
            stay.keep_variables(now.dataset.variables.values())


def _open(page: dict[str, Any], go_to: Callable[..., None]) -> None:
    """The tab that was open, and in each tab the analysis."""
    kinds = page.get("kinds")
    for name in _KINDS:
        kind = kinds.get(name) if isinstance(kinds, dict) else None
        if isinstance(kind, str):
            go_to(kind, name)
    if isinstance(page.get("tab"), str):
        go_to(page["tab"])


def _generation(state: logic.WorkspaceState) -> int:
    found = state.inputs.get(PAGE, {}).get("generation", 1)
    return found if isinstance(found, int) and found > 0 else 1
