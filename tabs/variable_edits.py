"""Changes to one row of the variable table, as the page sends them.

An edit is plain data from the browser, so nothing in it is trusted: unknown fields, levels that
do not exist and kinds that the column cannot have are refused in a sentence, and the dataset
stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from logic import KINDS, BadInput, Dataset, Variable

FACTORS = frozenset({"categorical", "ordered", "binary"})
_MAX_TEXT = 500


def edited(dataset: Dataset, edit: Mapping[str, Any]) -> Dataset:
    """The dataset after `edit` = {column: index, field, value, level: index}.

    BadInput when the edit makes no sense for the data; the dataset given is never changed.
    """
    variable = dataset.variables[_name(dataset, edit)]
    field = str(edit.get("field", ""))
    value = str(edit.get("value", ""))[:_MAX_TEXT]
    change = _CHANGES.get(field)
    if change is None:
        raise BadInput(f'The variable table has no field "{field[:40]}".', hint="Reload the page.")
    changed = change(dataset, variable, value, edit)
    after = dataset.with_variables([changed])
    after.column(changed.name)  # applies the kind: raises BadInput with row and value
    return after


def _name(dataset: Dataset, edit: Mapping[str, Any]) -> str:
    index = edit.get("column")
    if not isinstance(index, int) or not 0 <= index < len(dataset.names):
        raise BadInput("This column is not in the file any more.", hint="Reload the page.")
    return dataset.names[index]


def _label(_: Dataset, variable: Variable, value: str, __: Mapping[str, Any]) -> Variable:
    return replace(variable, label=value.strip())


def _unit(_: Dataset, variable: Variable, value: str, __: Mapping[str, Any]) -> Variable:
    return replace(variable, unit=value.strip())


def _kind(dataset: Dataset, variable: Variable, value: str, _: Mapping[str, Any]) -> Variable:
    if value not in KINDS:
        raise BadInput(
            f'"{value[:40]}" is not a kind of variable.', hint=f"Choose one of: {', '.join(KINDS)}."
        )
    if value in FACTORS and variable.kind in FACTORS:
        changed = replace(variable, kind=value)
    else:
        changed = replace(variable, kind=value, levels=(), level_labels=(), reference=None)
    if value not in FACTORS:
        return changed
    if not changed.levels:
        changed = replace(changed, levels=_found_levels(dataset, changed))
    levels = [level for level in changed.levels if level not in changed.missing_codes]
    if value == "binary" and len(levels) != 2:
        raise BadInput(
            f'"{variable.name}" cannot be binary: it has {len(levels)} levels.',
            column=variable.name, rule="two levels", found=str(len(levels)),
            hint="Choose categorical, or list the values that mean missing under Levels.",
        )  # fmt: skip
    return changed


def _found_levels(dataset: Dataset, variable: Variable) -> tuple[str, ...]:
    plain = replace(variable, kind="categorical", levels=(), level_labels=(), reference=None)
    column = dataset.with_variables([plain]).column(variable.name)
    return tuple(str(level) for level in column.cat.categories)


def _missing_codes(
    dataset: Dataset, variable: Variable, value: str, _: Mapping[str, Any]
) -> Variable:
    codes = tuple(dict.fromkeys(code for part in value.split(",") if (code := part.strip())))
    changed = replace(variable, missing_codes=codes)
    if variable.kind not in FACTORS:
        return changed
    # A code that is given up is a value again and needs a level; one that is new keeps its row.
    found = _found_levels(dataset, replace(changed, missing_codes=()))
    kept = tuple(level for level in variable.levels if level in found and level not in codes)
    more = tuple(level for level in found if level not in kept and level not in codes)
    labels = _labels_for(variable, (*kept, *more))
    reference = variable.reference if variable.reference in (*kept, *more) else None
    return replace(changed, levels=(*kept, *more), level_labels=labels, reference=reference)


def _labels_for(variable: Variable, levels: tuple[str, ...]) -> tuple[str, ...]:
    if not variable.level_labels:
        return ()
    words = dict(zip(variable.levels, variable.level_labels, strict=True))
    return tuple(words.get(level, level) for level in levels)


def _position(variable: Variable, edit: Mapping[str, Any]) -> int:
    index = edit.get("level")
    if not isinstance(index, int) or not 0 <= index < len(variable.levels):
        raise BadInput(
            f'"{variable.name}" has no such level.', column=variable.name, hint="Reload the page."
        )
    return index


def _move(_: Dataset, variable: Variable, value: str, edit: Mapping[str, Any]) -> Variable:
    i = _position(variable, edit)
    j = i + (-1 if value == "up" else 1)
    if not 0 <= j < len(variable.levels):
        return variable
    levels, labels = list(variable.levels), list(variable.level_labels)
    for texts in (levels, labels):
        if texts:
            texts[i], texts[j] = texts[j], texts[i]
    return replace(variable, levels=tuple(levels), level_labels=tuple(labels))


def _level_label(_: Dataset, variable: Variable, value: str, edit: Mapping[str, Any]) -> Variable:
    i = _position(variable, edit)
    labels = list(variable.shown_levels)
    labels[i] = value.strip() or variable.levels[i]
    same = tuple(labels) == variable.levels
    return replace(variable, level_labels=() if same else tuple(labels))


def _reference(_: Dataset, variable: Variable, __: str, edit: Mapping[str, Any]) -> Variable:
    return replace(variable, reference=variable.levels[_position(variable, edit)])


_CHANGES = {
    "label": _label,
    "unit": _unit,
    "kind": _kind,
    "missing_codes": _missing_codes,
    "move": _move,
    "level_label": _level_label,
    "reference": _reference,
}
