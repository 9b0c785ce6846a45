"""Fields of the outcome form that depend on the dataset and on each other.

A choice is kept for as long as it makes sense: a changed variable table keeps the selection, a
new file starts afresh.
"""

from __future__ import annotations

from collections.abc import Callable

from shiny import Inputs, reactive, render, ui
from shiny.ui import Tag

from logic import Dataset
from tabs import outcome_form
from tabs.loaded import Suggestion
from tabs.outcome_choices import (
    MOST_PRESELECTED,
    column_of,
    levels_of,
    outcome_columns,
    predictor_columns,
    title_of,
    understood_event,
)

DatasetReactive = Callable[[], Dataset | None]
_NOT_YET = {"": "Choose the outcome first"}


def text_of(inputs: Inputs, field: str) -> str:
    """A field's text; empty while the page has not sent it."""
    value = inputs[field]() if inputs[field].is_set() else ""
    return value if isinstance(value, str) else ""


def ticked(inputs: Inputs, field: str) -> list[int]:
    """Column numbers ticked in a list."""
    values = inputs[field]() if inputs[field].is_set() else ()
    return [int(v) for v in values or () if isinstance(v, str) and v.isdecimal()]


def fill_outcome(
    inputs: Inputs, dataset: DatasetReactive, prefix: Callable[[], str],
    suggested: Callable[[], Suggestion | None],
) -> None:  # fmt: skip
    """Offer the columns with two values; an example starts with the outcome it was made for."""
    filled_for = reactive.Value("")

    @reactive.effect
    def _() -> None:
        data = dataset()
        if data is None:
            return
        with reactive.isolate():
            if filled_for() == prefix():
                before = text_of(inputs, "outcome")
            else:
                before = _suggested_outcome(data, suggested())
            filled_for.set(prefix())
        variables = list(data.variables.values())
        columns = {str(i): title_of(variables[i]) for i in outcome_columns(data)}
        word = "Choose the outcome" if columns else "No column has exactly two values"
        kept = before if before in columns else ""
        ui.update_select("outcome", choices={"": word, **columns}, selected=kept)


def _suggested_outcome(data: Dataset, suggested: Suggestion | None) -> str:
    if suggested is None or suggested.outcome not in data.variables:
        return ""
    return str(data.names.index(suggested.outcome))


def fill_event(inputs: Inputs, dataset: DatasetReactive) -> None:
    """Offer the two levels; only 0/1, no/yes and FALSE/TRUE are chosen for the reader."""

    @reactive.calc
    def levels() -> tuple[str, ...]:
        data = dataset()
        name = None if data is None else column_of(data, text_of(inputs, "outcome"))
        return () if data is None or name is None else levels_of(data, name)

    @reactive.effect
    def _() -> None:
        found = levels()
        if not found:
            ui.update_select("event", choices=_NOT_YET, selected="")
            return
        with reactive.isolate():
            before = text_of(inputs, "event")
        kept = before if before in found else understood_event(found) or ""
        choices = {"": "Choose the event", **{level: level for level in found}}
        ui.update_select("event", choices=choices, selected=kept)

    @render.ui
    def event_hint() -> Tag | None:
        assumed = understood_event(levels())
        if assumed is None or text_of(inputs, "event") != assumed:
            return None
        return ui.p(
            f'"{assumed}" was chosen because of its wording; change it if that is wrong.',
            class_="cs-hint",
        )


def fill_predictors(
    inputs: Inputs, dataset: DatasetReactive, prefix: Callable[[], str],
    suggested: Callable[[], Suggestion | None],
) -> None:  # fmt: skip
    """List what can be a predictor; a short list starts with everything ticked, visibly."""
    filled_for = reactive.Value("")

    @reactive.effect
    def _() -> None:
        data, chosen = dataset(), text_of(inputs, "outcome")
        if data is None or column_of(data, chosen) is None:
            ui.update_checkbox_group("predictors", choices={}, selected=[])
            return
        columns = predictor_columns(data, int(chosen))
        with reactive.isolate():
            before = ticked(inputs, "predictors") if filled_for() == prefix() else None
            filled_for.set(prefix())
            if before is None:
                before = _starting_predictors(data, columns, suggested())
        ui.update_checkbox_group(
            "predictors",
            choices=outcome_form.predictor_choices(data, columns),
            selected=[str(i) for i in before if i in columns],
        )

    @render.text
    def predictor_count() -> str:
        return f"{len(ticked(inputs, 'predictors'))} chosen"


def _starting_predictors(
    data: Dataset, columns: tuple[int, ...], suggested: Suggestion | None
) -> list[int]:
    if suggested is not None:
        return [i for i in columns if data.names[i] in suggested.predictors]
    return list(columns) if len(columns) <= MOST_PRESELECTED else []


def fill_roles(inputs: Inputs, dataset: DatasetReactive) -> None:
    """Exposure and adjustment set, from the predictors chosen."""

    @reactive.effect
    def _() -> None:
        data, columns = dataset(), ticked(inputs, "predictors")
        if data is None:
            return
        variables = list(data.variables.values())
        names = {str(i): title_of(variables[i]) for i in columns if i < len(variables)}
        with reactive.isolate():
            exposure = text_of(inputs, "exposure")
            kept = [str(i) for i in ticked(inputs, "adjust_for") if str(i) in names]
        ui.update_select(
            "exposure", choices={"": "None: all predictors alike", **names},
            selected=exposure if exposure in names else "",
        )  # fmt: skip
        ui.update_checkbox_group("adjust_for", choices=names, selected=kept or list(names))


def draw_fields(inputs: Inputs, dataset: DatasetReactive, prefix: Callable[[], str]) -> None:
    """A reference level per factor, units per continuous predictor."""

    def drawn(mark: str, draw: Callable[..., Tag | None]) -> Tag | None:
        data, columns = dataset(), ticked(inputs, "predictors")
        if data is None:
            return None
        here = [i for i in columns if i < len(data.names)]
        start = prefix() + mark
        with reactive.isolate():
            kept = {f"{start}{i}": text for i in here if (text := text_of(inputs, f"{start}{i}"))}
        return draw(data, here, start, kept)

    @render.ui
    def references() -> Tag | None:
        return drawn("reference_", outcome_form.reference_fields)

    @render.ui
    def units() -> Tag | None:
        return drawn("unit_", outcome_form.unit_fields)
