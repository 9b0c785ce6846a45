"""One row of the variable table as a form.

Fields carry `data-field` (and `data-level`, `data-value`); the page's script sends every change
with the number of the column. They are plain form fields, so that a wide file costs no bindings.
"""

from __future__ import annotations

from htmltools import Tag, TagChild, tags

from logic import KINDS, Dataset, Variable
from presentation.text import shortened, visible
from tabs.failure import Failure
from tabs.parts import failure_card
from tabs.variable_edits import FACTORS
from tabs.words import counted

MOST_LEVELS = 50


def row_id(column: int) -> str:
    """The id of a row; there is one variable table on the page."""
    return f"variable-{column}"


def variable_row(dataset: Dataset, column: int, failure: Failure | None = None) -> Tag:
    """The form of column number `column`, with the refusal of its last edit."""
    variable = dataset.variables[dataset.names[column]]
    return tags.div(
        tags.div(
            tags.bdi(visible(variable.name)),
            tags.small(_evidence(dataset, variable)),
            class_="cs-name",
        ),
        _text("Label", "label", visible(variable.label), "as printed in tables"),
        _kinds(variable),
        _text("Unit", "unit", visible(variable.unit), ""),
        failure_card(failure) if failure else None,
        _more(row_id(column), variable),
        id=row_id(column), class_="cs-variable", data_column=str(column), role="group",
        aria_label=shortened(visible(variable.name)),
    )  # fmt: skip


def _evidence(dataset: Dataset, variable: Variable) -> str:
    absent = int(dataset.column(variable.name).isna().sum())
    gone = f"{absent:,} missing" if absent else "none missing"
    if variable.kind not in FACTORS:
        return gone
    return f"{counted(len(variable.levels), 'level')}, {gone}"


def _text(label: str, field: str, value: str, placeholder: str) -> Tag:
    # Fields have no id: Shiny would bind every one of them.
    return tags.label(
        label,
        tags.input(
            type="text", class_="form-control", value=value, maxlength="500", data_key=field,
            placeholder=placeholder or None, data_field=field, autocomplete="off",
        ),
    )  # fmt: skip


def _kinds(variable: Variable) -> Tag:
    options = [
        tags.option(kind, value=kind, selected="" if kind == variable.kind else None)
        for kind in KINDS
    ]
    field = tags.select(*options, class_="form-select", data_field="kind", data_key="kind")
    return tags.label("Kind", field)


def _more(here: str, variable: Variable) -> Tag:
    codes = ", ".join(variable.missing_codes)
    parts: list[TagChild] = []
    title = "Missing codes"
    if variable.kind in FACTORS:
        parts.append(_levels(here, variable))
        more = len(variable.levels) - MOST_LEVELS
        if more > 0:
            parts.append(tags.p(f"And {counted(more, 'more level')}, in the order of the file."))
        shown = ", ".join(shortened(visible(level), 24) for level in variable.shown_levels[:6])
        title = f"Levels: {shown}{', …' if len(variable.levels) > 6 else ''}"
    if codes:
        title += f" (missing: {shortened(visible(codes), 40)})"
    words = "Values that mean missing, separated by commas"
    field = _text(words, "missing_codes", visible(codes), "for example 999")
    field.add_class("cs-codes")
    return tags.details(tags.summary(title), *parts, field)


def _levels(here: str, variable: Variable) -> Tag:
    reference = variable.reference or next(
        (level for level in variable.levels if level not in variable.missing_codes), None
    )
    lines = [
        _level(here, variable, i, is_reference=level == reference)
        for i, level in enumerate(variable.levels[:MOST_LEVELS])
    ]
    return tags.ol(*lines, class_="cs-levels", aria_label="Levels in order")


def _level(here: str, variable: Variable, i: int, *, is_reference: bool) -> Tag:
    value = visible(variable.levels[i])
    label = visible(variable.level_labels[i]) if variable.level_labels else ""
    number, last = str(i), len(variable.levels) - 1
    return tags.li(
        tags.span(
            _mover(number, "up", value, at_end=i == 0),
            " ",
            _mover(number, "down", value, at_end=i == last),
        ),
        tags.bdi(shortened(value), class_="cs-value"),
        tags.input(
            type="text", class_="form-control", value=label, maxlength="500",
            placeholder="printed as", data_field="level_label", data_key=f"label-{i}",
            aria_label=f"Label of level {shortened(value)}", data_level=number, autocomplete="off",
        ),
        tags.label(
            tags.input(
                type="radio", name=f"{here}-reference", checked="" if is_reference else None,
                class_="form-check-input", data_field="reference", data_key=f"reference-{i}",
                data_level=number, value=number,
            ),
            "reference", class_="cs-reference-choice",
        ),
    )  # fmt: skip


def _mover(number: str, way: str, value: str, *, at_end: bool) -> Tag:
    return tags.button(
        "↑" if way == "up" else "↓", type="button", class_="btn btn-outline",
        data_key=f"{way}-{number}", aria_label=f"Move level {shortened(value)} {way}",
        data_field="move", data_value=way, data_level=number, disabled="" if at_end else None,
    )  # fmt: skip
