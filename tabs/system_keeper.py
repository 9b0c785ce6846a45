"""Unlocking what belongs to everybody, and what only then can be asked for."""

from __future__ import annotations

from collections.abc import Callable

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.ui import Tag, TagList

import logic
from logic import KeeperPass
from tabs.clicks import fresh
from tabs.failure import Failure, attempt
from tabs.stay import Stay

_REFUSED = (
    "This did not unlock anything. Check the secret; after ten attempts wait a minute before "
    "the next."
)
_LOCKED = (
    "Nobody can see or clear the entries of others here. Whoever runs the server can allow it by "
    "setting ADMIN_SECRET."
)
_UNLOCKED = "Unlocked for 15 minutes: entries and jobs of everybody are shown and can be cleared."


@module.ui
def keeper_ui() -> Tag:
    """Folded away: few need it."""
    return ui.tags.details(
        ui.tags.summary("For whoever runs the server"), ui.output_ui("door"),
        ui.output_ui("said", role="status"), class_="cs-fold",
    )  # fmt: skip


@module.server
def keeper_server(
    inputs: Inputs, _outputs: Outputs, session: Session, *, stay: Stay
) -> Callable[[], KeeperPass | None]:
    """A reactive of the pass; None while nothing is unlocked."""
    held: reactive.Value[KeeperPass | None] = reactive.Value(None, name="held")
    told: reactive.Value[tuple[str, ...]] = reactive.Value((), name="told")
    unlocking = reactive.ExtendedTask(_unlock)
    checking = reactive.ExtendedTask(_check)

    @reactive.effect
    @reactive.event(fresh(inputs.unlock))
    def _() -> None:
        secret = inputs.secret()
        ui.update_text("secret", value="", session=session)
        unlocking.invoke(secret if isinstance(secret, str) else "", stay.owner)

    @reactive.effect
    def _() -> None:
        if unlocking.status() == "success":
            found = unlocking.result()
            made = found if isinstance(found, KeeperPass) else None
            held.set(made)
            told.set((_REFUSED,) if made is None else (_UNLOCKED,))

    @reactive.effect
    @reactive.event(fresh(inputs.check))
    def _() -> None:
        checking.invoke(stay.owner, held())

    @reactive.effect
    def _() -> None:
        if checking.status() == "success":
            told.set(check_words(checking.result()))

    @reactive.effect
    @reactive.event(fresh(inputs.lock))
    def _() -> None:
        held.set(None)
        told.set(())

    session.on_ended(unlocking.cancel)
    session.on_ended(checking.cancel)

    @render.ui
    def door() -> Tag | TagList:
        if held() is not None:
            return ui.div(
                ui.input_action_button(
                    "check", "Check the counts", class_="btn-outline btn-sm"
                ),
                ui.input_action_button("lock", "Lock again", class_="btn-outline btn-sm"),
                class_="cs-entry-tools",
            )  # fmt: skip
        if not logic.console().has_secret:
            return ui.p(_LOCKED, class_="cs-quiet")
        return ui.div(
            ui.input_password("secret", "Secret of the server", width="16rem"),
            ui.input_action_button("unlock", "Unlock", class_="btn-outline btn-sm"),
            class_="cs-entry-tools",
        )

    @render.ui
    def said() -> TagList:
        return TagList(*[ui.p(line, class_="cs-small") for line in told()])

    return held


def check_words(found: list[str] | Failure | None) -> tuple[str, ...]:
    """What deriving every count again has shown."""
    if isinstance(found, Failure):
        return (found.sentence,)
    if found is None:
        return ("The time is over. Unlock again.",)
    return tuple(found) or ("Every count adds up.",)


async def _unlock(secret: str, owner: str) -> KeeperPass | Failure | None:
    return await attempt(logic.in_passing, logic.console().unlock, secret, owner)


async def _check(owner: str, keeper: KeeperPass | None) -> list[str] | Failure | None:
    return await attempt(logic.in_passing, logic.console().check, owner, keeper)
