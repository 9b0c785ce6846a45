"""Fields that offer the levels of a chosen column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shiny import reactive, render, ui
from shiny.session import require_active_session
from shiny.ui import Tag

from tabs.columns import column_of, levels_of, understood_event
from tabs.form.fields import ManyLevels, OneLevel
from tabs.form.first_fill import FirstFill, Standing
from tabs.form.offering import Menu, Ticks
from tabs.form.reading import text_of, texts_of

if TYPE_CHECKING:
    from tabs.form.server import FormServer


def _levels(server: FormServer, of: str) -> tuple[str, ...]:
    data = server.dataset()
    name = None if data is None else column_of(data, text_of(server.inputs, of))
    return () if data is None or name is None else levels_of(data, name)


def fill_level(server: FormServer, field: OneLevel) -> None:
    """Offer the levels of a column; only a coding that speaks for itself is chosen."""
    label = field.label[:1].lower() + field.label[1:]
    fresh, standing = FirstFill(server), Standing(lambda: text_of(server.inputs, field.name))
    menu = Menu(field.name, standing)

    @reactive.effect
    def _() -> None:
        if server.dataset() is None:
            return
        found = _levels(server, field.of)
        begun = server.start().get(field.name)
        before = "" if fresh.is_now() else standing.now()
        options = [o for o in (before, begun) if o in found]
        guess = understood_event(found) if field.understood else None
        kept = str(options[0]) if options else guess or ""
        column = next(f.label for f in server.form.every() if f.name == field.of)
        word = (
            f"Choose the {label}" if found else f"Choose the {column[:1].lower()}{column[1:]} first"
        )
        menu.offer({"": field.none or word, **{v: v for v in found}}, kept)

    def hint() -> Tag | None:
        assumed = understood_event(_levels(server, field.of)) if field.understood else None
        if assumed is None or text_of(server.inputs, field.name) != assumed:
            return None
        return ui.p(
            f'"{assumed}" was chosen because of its wording; change it if that is wrong.',
            class_="cs-hint",
        )

    hint.__name__ = f"{field.name}_hint"
    require_active_session(None).output(render.ui(hint))


def fill_levels(server: FormServer, field: ManyLevels) -> None:
    """Offer the levels of a column to tick."""
    fresh, standing = FirstFill(server), Standing(lambda: texts_of(server.inputs, field.name))
    ticks = Ticks(field.name, standing)

    @reactive.effect
    def _() -> None:
        if server.dataset() is None:
            return
        found = _levels(server, field.of)
        begun = server.start().get(field.name)
        before = [] if fresh.is_now() else [v for v in standing.now() if v in found]
        if not before and isinstance(begun, (list, tuple)):
            before = [str(v) for v in begun if v in found]
        ticks.offer({v: (v, "") for v in found}, before)
