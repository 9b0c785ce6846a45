"""How a form looks. Everything that depends on the dataset is filled by the server."""

from __future__ import annotations

import json

from shiny import ui
from shiny.module import resolve_id
from shiny.ui import Tag, TagList

from tabs.form.fields import (
    Field,
    Fold,
    Form,
    ManyColumns,
    ManyLevels,
    OneColumn,
    OneLevel,
    OneOf,
    References,
    Switch,
    Units,
    Words,
)

NOT_YET = "Open a dataset first"


def form_ui(form: Form) -> TagList:
    """Every field, in order."""
    return TagList(*[_fold(f) if isinstance(f, Fold) else _shown(f) for f in form.fields])


def _fold(fold: Fold) -> Tag:
    return ui.tags.details(
        ui.tags.summary(fold.title), *[_shown(f) for f in fold.fields], class_="cs-fold"
    )


def _shown(field: Field) -> Tag | TagList:
    drawn = TagList(_drawn(field), ui.p(field.hint, class_="cs-hint") if field.hint else None)
    if field.when is None:
        return drawn
    other, value = field.when
    # a value is one of ours, never text of a file
    return ui.panel_conditional(f"input.{other} === {json.dumps(value)}", drawn)


def _drawn(field: Field) -> Tag | TagList:  # noqa: PLR0911 - one per kind of field
    match field:
        case OneColumn():
            return ui.input_select(field.name, field.label, {"": field.none or NOT_YET})
        case OneLevel():
            return TagList(
                ui.input_select(field.name, field.label, {"": field.none or NOT_YET}),
                ui.output_ui(f"{field.name}_hint"),
            )
        case ManyColumns():
            return _ticks(field)
        case ManyLevels():
            return ui.input_checkbox_group(field.name, field.label, {})
        case References() | Units():
            return ui.output_ui(field.name)
        case OneOf():
            draw = ui.input_radio_buttons if field.as_buttons else ui.input_select
            return draw(field.name, field.label, dict(field.options))
        case Switch():
            return ui.input_checkbox(field.name, field.label, field.default)
        case Words():
            return ui.input_text(
                field.name, field.label, field.default, placeholder=field.placeholder
            )
        case _:
            raise TypeError(f"no drawing for {type(field).__name__}")


def _ticks(field: ManyColumns) -> Tag | TagList:
    if field.among:
        group = ui.input_checkbox_group(field.name, field.label, {})
        # the label of the group is read out only; this one is seen
        return TagList(
            ui.div(field.label, class_="cs-label", aria_hidden="true"),
            ui.div(group, class_="cs-pick"),
        )
    box, find = resolve_id(f"{field.name}_box"), resolve_id(f"{field.name}_filter")
    return TagList(
        ui.tags.label(field.label, for_=find),
        ui.tags.input(
            id=find, type="search", class_="form-control cs-filter", placeholder="Search",
            data_filters=box, autocomplete="off",
        ),
        ui.div(
            ui.input_checkbox_group(field.name, field.label, {}), id=box, class_="cs-pick"
        ),
        ui.div(
            _tick("Select all", field, box, on=True), _tick("Clear", field, box, on=False),
            ui.output_text(f"{field.name}_count", inline=True),
            class_="cs-pick-tools cs-small cs-quiet",
        ),
    )  # fmt: skip


def _tick(title: str, field: ManyColumns, box: str, *, on: bool) -> Tag:
    whose = field.label[:1].lower() + field.label[1:]
    return ui.tags.button(
        title, ui.span(f" of the {whose} shown", class_="visually-hidden"), type="button",
        class_="btn-plain", data_ticks=box, data_on=str(on).lower(),
    )  # fmt: skip
