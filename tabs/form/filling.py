"""Fills the fields of a form that depend on the dataset and on each other.

A choice is kept for as long as it makes sense: a changed variable table keeps the selection, a
new file starts afresh. What a field starts with: the page's own value, else what was kept from
before the page was lost, else what was last used under this name in another form, else the
question that an example was made for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shiny import reactive, render
from shiny.session import require_active_session

from logic import Dataset
from tabs.columns import kind_words, offered, title_of
from tabs.form import dynamic, levels
from tabs.form.fields import ManyColumns, ManyLevels, OneColumn, OneLevel, References, Units
from tabs.form.first_fill import FirstFill, Standing
from tabs.form.offering import Menu, Ticks
from tabs.form.reading import text_of, texts_of, ticked

if TYPE_CHECKING:
    from tabs.form.server import FormServer


def fill(server: FormServer) -> None:
    """Fill every field that depends on something."""
    for field in server.form.every():
        match field:
            case OneColumn():
                _fill_column(server, field)
            case ManyColumns():
                _fill_columns(server, field)
            case OneLevel():
                levels.fill_level(server, field)
            case ManyLevels():
                levels.fill_levels(server, field)
            case References() | Units():
                dynamic.draw(server, field)
            case _:
                _fill_plain(server, field.name)


def _columns_to_offer(
    server: FormServer, field: OneColumn | ManyColumns, data: Dataset
) -> tuple[int, ...]:
    # a menu offers the same whatever else is chosen: an update on its way must not undo a choice
    apart = field.without if isinstance(field, ManyColumns) else ()
    taken = set(server.columns(*apart)) if apart else set[int]()
    if field.among:
        fitting = offered(data, field.of_kind)
        return tuple(i for i in server.columns(field.among) if i in fitting)
    return tuple(i for i in offered(data, field.of_kind) if i not in taken)


def _begun(server: FormServer, field: OneColumn) -> Any:
    """What the menu starts with; an optional one never starts with a column of another field."""
    start = server.start()
    begun = start.get(field.name)
    others = [f for f in server.form.every() if isinstance(f, OneColumn) and f != field]
    if field.none and begun in [start.get(f.name) for f in others]:
        return None
    return begun


def _fill_column(server: FormServer, field: OneColumn) -> None:
    fresh, standing = FirstFill(server), Standing(lambda: text_of(server.inputs, field.name))
    menu = Menu(field.name, standing)
    word = f"Choose the {field.label[:1].lower()}{field.label[1:]}"

    @reactive.effect
    def _() -> None:
        data = server.dataset()
        if data is None:  # a page that comes back may hold choices already
            return
        columns = _columns_to_offer(server, field, data)
        begun = _begun(server, field)
        before = "" if fresh.is_now() else standing.now()
        if not before and isinstance(begun, str) and begun in data.variables:
            before = str(data.names.index(begun))
        variables = list(data.variables.values())
        titles = {str(i): title_of(variables[i]) for i in columns}
        none = field.none or (word if titles else "No column of this dataset fits here")
        menu.offer({"": none, **titles}, before if before in titles else "")


def _fill_columns(server: FormServer, field: ManyColumns) -> None:
    fresh, standing = FirstFill(server), Standing(lambda: texts_of(server.inputs, field.name))
    ticks = Ticks(field.name, standing)
    waits = [f for f in server.form.every() if f.name in field.without and isinstance(f, OneColumn)]
    first_asked = [f.name for f in waits if not f.none][:1]

    @reactive.effect
    def _() -> None:
        data = server.dataset()
        if data is None:
            return
        if first_asked and not server.columns(*first_asked):
            ticks.offer({}, [])
            return
        columns = _columns_to_offer(server, field, data)
        begun = server.start().get(field.name)
        before = None if fresh.is_now() else [int(v) for v in standing.now() if v.isdecimal()]
        if before is None or (field.among and not set(before) & set(columns)):
            before = _starting(data, columns, begun, field)
        kept = [str(i) for i in before if i in columns]
        ticks.offer(_titles(data, columns, field), kept)

    if not field.among:

        def count() -> str:
            return f"{len(ticked(server.inputs, field.name))} chosen"

        count.__name__ = f"{field.name}_count"
        require_active_session(None).output(render.text(count))


def _titles(
    data: Dataset, columns: tuple[int, ...], field: ManyColumns
) -> dict[str, tuple[str, str]]:
    variables = list(data.variables.values())
    return {
        str(i): (title_of(variables[i]), "" if field.among else kind_words(variables[i]))
        for i in columns
    }


def _starting(
    data: Dataset, columns: tuple[int, ...], begun: object, field: ManyColumns
) -> list[int]:
    if isinstance(begun, (list, tuple)) and begun:
        return [i for i in columns if data.names[i] in begun]
    return list(columns) if len(columns) <= field.ticked_up_to else []


def _fill_plain(server: FormServer, name: str) -> None:
    """Give a field back what it held before the page was lost."""
    fields = {field.name: field for field in server.form.every()}
    fresh = FirstFill(server)

    @reactive.effect
    def _() -> None:
        if not fresh.is_now():
            return
        with reactive.isolate():
            begun = server.start().get(name)
        if begun is not None:
            dynamic.restore_plain(fields[name], begun)
