"""Fields that are drawn anew when the columns they speak of change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from shiny import reactive, render, ui
from shiny.module import resolve_id
from shiny.session import require_active_session
from shiny.ui import Tag

from logic import Dataset
from tabs.columns import default_reference, is_factor, title_of
from tabs.form.fields import Field, OneOf, References, Switch, Units, Words
from tabs.form.reading import text_of

if TYPE_CHECKING:
    from tabs.form.server import FormServer


def draw(server: FormServer, field: References | Units) -> None:
    """A reference level per factor, or units per continuous column."""
    of = (field.of,) if isinstance(field, Units) else field.of

    def drawn() -> Tag | None:
        data = server.dataset()
        if data is None:
            return None
        columns = server.columns(*of)
        start = f"{server.prefix()}{field.name}_"
        begun = server.start().get(field.name)
        before = begun if isinstance(begun, Mapping) else {}
        with reactive.isolate():
            kept = {
                i: text_of(server.inputs, f"{start}{i}") or str(before.get(data.names[i], ""))
                for i in columns
            }
        if isinstance(field, References):
            return _references(data, columns, start, kept, field.label)
        return _units(data, columns, start, kept)

    drawn.__name__ = field.name
    require_active_session(None).output(render.ui(drawn))


def _references(
    data: Dataset, columns: list[int], start: str, kept: Mapping[int, str], label: str
) -> Tag | None:
    rows: list[Tag] = []
    for i in columns:
        if not is_factor(data, i):
            continue
        name, field = data.names[i], f"{start}{i}"
        levels = [str(c) for c in data.factor(name).categories]
        chosen = kept[i] if kept[i] in levels else default_reference(data, name)
        control = ui.input_select(field, None, {v: v for v in levels}, selected=chosen)
        rows += _pair(title_of(data.variables[name]), field, control)
    if not rows:
        return None
    return ui.div(ui.tags.label(label), ui.div(*rows, class_="cs-grid"))


def _units(data: Dataset, columns: list[int], start: str, kept: Mapping[int, str]) -> Tag:
    rows: list[Tag] = []
    for i in columns:
        if is_factor(data, i):
            continue
        field, variable = f"{start}{i}", data.variables[data.names[i]]
        title = f"{title_of(variable)}, {variable.unit}" if variable.unit else title_of(variable)
        rows += _pair(title, field, ui.input_text(field, None, kept[i] or "1"))
    if not rows:
        return ui.p("No continuous predictor is chosen.", class_="cs-quiet cs-small")
    return ui.div(
        ui.p("Effect per this many units: a number, SD or IQR.", class_="cs-quiet cs-small"),
        ui.div(*rows, class_="cs-grid"),
    )


def _pair(title: str, field: str, control: Tag) -> list[Tag]:
    return [ui.tags.label(ui.tags.bdi(title), for_=resolve_id(field)), control]


def restore_plain(field: Field, value: object) -> None:
    """Set a menu, switch or text to what it held."""
    update: Callable[..., None]
    match field:
        case Switch():
            ui.update_checkbox(field.name, value=bool(value))
        case OneOf():
            update = ui.update_radio_buttons if field.as_buttons else ui.update_select
            if value in field.options:
                update(field.name, selected=value)
        case Words():
            ui.update_text(field.name, value=str(value)[:200])
        case _:
            return
