"""Inputs from a saved session, checked field by field: a file that anybody may have written.

What they mean (whether a column of that name exists, whether a level is one of its own) is
checked where every other choice is; here only their types are, so that nothing else meets a
value that it does not expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabs.form.fields import (
    Field,
    Form,
    ManyColumns,
    ManyLevels,
    OneOf,
    References,
    Switch,
    Units,
    Words,
)

_CHARACTERS = 500
_ITEMS = 2_000


def fitting(form: Form, state: Mapping[str, Any]) -> dict[str, Any]:
    """Of the inputs of a form those that the form has, with the type that its fields hold."""
    found: dict[str, Any] = {}
    for field in form.every():
        if field.name in state:
            value = _fitting(field, state[field.name])
            if value is not None:
                found[field.name] = value
    return found


def _fitting(field: Field, value: object) -> Any:
    """The value as the field holds it; None when it does not fit."""
    match field:
        case ManyColumns() | ManyLevels():
            return _texts(value)
        case References() | Units():
            return _words_by_column(value)
        case Switch():
            return value if isinstance(value, bool) else None
        case OneOf():
            return value if isinstance(value, str) and value in field.options else None
        case Words():
            return value[:_CHARACTERS] if isinstance(value, str) else None
        case _:
            return value if _is_text(value) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _CHARACTERS


def _texts(value: object) -> list[str] | None:
    if not isinstance(value, (list, tuple)) or len(value) > _ITEMS:
        return None
    return [item for item in value if isinstance(item, str) and _is_text(item)]


def _words_by_column(value: object) -> dict[str, str] | None:
    if not isinstance(value, Mapping) or len(value) > _ITEMS:
        return None
    return {str(name): word for name, word in value.items() if _is_text(word)}
