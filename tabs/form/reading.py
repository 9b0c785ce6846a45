"""From what the page holds to choices of the analysis, and to a state that can be kept.

Choices and states name columns and levels; the page's fields hold column numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shiny import Inputs

from logic import BadInput, Dataset
from tabs.columns import column_of, default_reference, is_factor
from tabs.form.fields import (
    Field,
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
from tabs.typed import scale_of


def text_of(inputs: Inputs, field: str) -> str:
    """A field's text; empty while the page has not sent it."""
    value = inputs[field]() if inputs[field].is_set() else ""
    return value if isinstance(value, str) else ""


def texts_of(inputs: Inputs, field: str) -> list[str]:
    """What is ticked in a list."""
    values = inputs[field]() if inputs[field].is_set() else ()
    return [v for v in values or () if isinstance(v, str)]


def ticked(inputs: Inputs, field: str) -> list[int]:
    """Column numbers ticked in a list."""
    return [int(v) for v in texts_of(inputs, field) if v.isdecimal()]


def is_asked(inputs: Inputs, field: Field) -> bool:
    """False while another field's value hides this one."""
    return field.when is None or text_of(inputs, field.when[0]) == field.when[1]


def columns_in(inputs: Inputs, form: Form, dataset: Dataset, names: Iterable[str]) -> list[int]:
    """Column numbers chosen in the fields of these names, each once, in order."""
    found: list[int] = []
    for field in form.every():
        if field.name not in names or not is_asked(inputs, field):
            continue
        if isinstance(field, ManyColumns):
            found += ticked(inputs, field.name)
        else:
            text = text_of(inputs, field.name)
            found += [int(text)] if text.isdecimal() else []
        if isinstance(field, OneColumn | ManyColumns) and field.among:
            # the page may still show what was ticked a moment ago
            allowed = columns_in(inputs, form, dataset, (field.among,))
            found = [i for i in found if i in allowed]
    return [i for i in dict.fromkeys(found) if i < len(dataset.names)]


def choices_of(inputs: Inputs, form: Form, dataset: Dataset, prefix: str) -> dict[str, Any]:
    """Everything that the form says. BadInput for what it leaves out."""
    found: dict[str, Any] = dict(form.fixed)
    for field in form.every():
        if is_asked(inputs, field):
            found[field.name] = _value(inputs, form, field, dataset, prefix)
    return form.finish(found)


def _value(  # noqa: PLR0911 - one per kind of field
    inputs: Inputs, form: Form, field: Field, dataset: Dataset, prefix: str
) -> Any:
    match field:
        case OneColumn():
            columns = columns_in(inputs, form, dataset, (field.name,))
            name = dataset.names[columns[0]] if columns else None
            return _filled(field, name, optional=bool(field.none))
        case OneLevel():
            return text_of(inputs, field.name) or None  # the analysis names the levels
        case ManyColumns():
            columns = columns_in(inputs, form, dataset, (field.name,))
            return _enough(field, [dataset.names[i] for i in columns], field.least, "column")
        case ManyLevels():
            return _enough(field, texts_of(inputs, field.name), field.least, "level")
        case References():
            columns = columns_in(inputs, form, dataset, field.of)
            return references_of(inputs, dataset, columns, f"{prefix}{field.name}_")
        case Units():
            columns = columns_in(inputs, form, dataset, (field.of,))
            return _units(inputs, dataset, columns, f"{prefix}{field.name}_")
        case OneOf():
            value = text_of(inputs, field.name) or next(iter(field.options))
            return field.meaning.get(value, value or None)
        case Switch():
            return bool(inputs[field.name]()) if inputs[field.name].is_set() else field.default
        case Words():
            return field.read(text_of(inputs, field.name))
        case _:
            raise TypeError(f"no reading for {type(field).__name__}")


def _filled(field: Field, value: str | None, *, optional: bool) -> str | None:
    if value is None and not optional:
        raise BadInput(
            f"No {_lower(field.label)} was chosen.", rule=field.name,
            hint=f'Choose a column under "{field.label}".',
        )  # fmt: skip
    return value


def _enough(field: Field, values: list[str], least: int, noun: str) -> list[str]:
    if len(values) < least:
        missing = "No" if least == 1 else f"Fewer than {least}"
        raise BadInput(
            f'{missing} {noun}{"" if least == 1 else "s"} ticked under "{field.label}".',
            rule=field.name, hint=f"Tick at least {least}.",
        )  # fmt: skip
    return values


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def references_of(
    inputs: Inputs, dataset: Dataset, columns: Iterable[int], prefix: str
) -> dict[str, str]:
    """The level shown for each factor, so that nothing but what stands on the page counts."""
    levels = {
        dataset.names[i]: text_of(inputs, f"{prefix}{i}")
        or default_reference(dataset, dataset.names[i])
        for i in columns
        if is_factor(dataset, i)
    }
    return {name: level for name, level in levels.items() if level}


def _units(
    inputs: Inputs, dataset: Dataset, columns: Iterable[int], prefix: str
) -> Mapping[str, float | str] | None:
    found = {
        dataset.names[i]: scale_of(dataset.names[i], text_of(inputs, f"{prefix}{i}"))
        for i in columns
        if not is_factor(dataset, i)
    }
    return {name: scale for name, scale in found.items() if scale is not None} or None


def state_of(inputs: Inputs, form: Form, dataset: Dataset, prefix: str) -> dict[str, Any]:
    """What every field holds, as plain data: names of columns, never their numbers."""
    state: dict[str, Any] = {}
    for field in form.every():
        match field:
            case OneColumn():
                state[field.name] = column_of(dataset, text_of(inputs, field.name)) or ""
            case ManyColumns():
                columns = columns_in(inputs, form, dataset, (field.name,))
                state[field.name] = [dataset.names[i] for i in columns]
            case ManyLevels():
                state[field.name] = texts_of(inputs, field.name)
            case References() | Units():
                start = f"{prefix}{field.name}_"
                typed = {n: text_of(inputs, f"{start}{i}") for i, n in enumerate(dataset.names)}
                state[field.name] = {name: text for name, text in typed.items() if text}
            case Switch():
                on = inputs[field.name]() if inputs[field.name].is_set() else field.default
                state[field.name] = bool(on)
            case _:
                state[field.name] = text_of(inputs, field.name)
    return state
