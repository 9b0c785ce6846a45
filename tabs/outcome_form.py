"""The form of the outcome tab: what it asks, in which order."""

from __future__ import annotations

from shiny import ui
from shiny.module import resolve_id
from shiny.ui import Tag, TagList

from logic import Dataset
from tabs.outcome_choices import (
    default_reference,
    is_factor,
    kind_words,
    title_of,
)

_METHODS = {
    "auto": "Automatic: Firth only where data separate",
    "likelihood": "Maximum likelihood",
    "firth": "Firth's penalised likelihood",
}
_INTERVALS = {"profile": "Profile likelihood", "wald": "Wald"}
_ADJUST = {"all": "All predictors", "chosen": "Chosen predictors"}


def form() -> TagList:
    """Every field; the server fills those that depend on the dataset."""
    return TagList(
        ui.input_select("outcome", "Outcome", {"": "Choose the outcome"}),
        ui.input_select("event", "Event", {"": "Choose the outcome first"}),
        ui.output_ui("event_hint"),
        _predictors(),
        ui.input_select("exposure", "Exposure (optional)", {"": "None: all predictors alike"}),
        ui.output_ui("references"),
        _fold("Adjustment", _adjustment()),
        _fold("Units of odds ratios", ui.output_ui("units")),
        _fold("More options", _more()),
    )


def _fold(title: str, *content: Tag | TagList) -> Tag:
    return ui.tags.details(ui.tags.summary(title), *content, class_="cs-fold")


def _predictors() -> TagList:
    box = resolve_id("predictor_box")
    find = resolve_id("predictor_filter")
    return TagList(
        ui.tags.label("Predictors", for_=find),
        ui.tags.input(
            id=find, type="search", class_="form-control cs-filter", placeholder="Search",
            data_filters=box, autocomplete="off",
        ),
        ui.div(
            ui.input_checkbox_group("predictors", "Predictors", {}), id=box, class_="cs-pick",
        ),
        ui.div(
            _tick("Select all", box, on=True), _tick("Clear", box, on=False),
            ui.output_text("predictor_count", inline=True),
            class_="cs-pick-tools cs-small cs-quiet",
        ),
    )  # fmt: skip


def _tick(title: str, box: str, *, on: bool) -> Tag:
    return ui.tags.button(
        title, ui.span(" of the predictors shown", class_="visually-hidden"), type="button",
        class_="btn-plain", data_ticks=box, data_on=str(on).lower(),
    )  # fmt: skip


def _adjustment() -> TagList:
    return TagList(
        ui.input_radio_buttons("adjust", "The adjusted model holds", _ADJUST),
        ui.panel_conditional(
            "input.adjust === 'chosen'",
            ui.div(
                ui.input_checkbox_group("adjust_for", "In the adjusted model", {}), class_="cs-pick"
            ),
        ),
        ui.input_checkbox("common_sample", "Crude estimates on the rows of the adjusted model"),
    )


def _more() -> TagList:
    return TagList(
        ui.input_select("method", "Estimation", _METHODS),
        ui.input_select("interval", "Confidence interval", _INTERVALS),
        ui.input_text("ci_level", "Confidence level, %", "95"),
        ui.input_checkbox("hosmer_lemeshow", "Hosmer–Lemeshow test"),
        ui.input_text("seed", "Seed of simulated exact p-values", "1"),
    )


def predictor_choices(dataset: Dataset, columns: tuple[int, ...]) -> dict[str, TagList]:
    """Column number -> name with its kind beside it."""
    variables = list(dataset.variables.values())
    return {
        str(i): TagList(
            ui.tags.bdi(title_of(variables[i])), " ",
            ui.span(kind_words(variables[i]), class_="cs-quiet cs-small"),
        )
        for i in columns
    }  # fmt: skip


def reference_fields(
    dataset: Dataset, columns: list[int], prefix: str, kept: dict[str, str]
) -> Tag | None:
    """One select per factor; `kept` are the levels chosen before, by field."""
    fields: list[Tag] = []
    for i in columns:
        if not is_factor(dataset, i):
            continue
        name = dataset.names[i]
        levels = [str(c) for c in dataset.factor(name).categories]
        field = f"{prefix}{i}"
        chosen = kept.get(field, "")
        chosen = chosen if chosen in levels else default_reference(dataset, name)
        fields += _pair(
            title_of(dataset.variables[name]), field, ui.input_select(
                field, None, {level: level for level in levels}, selected=chosen
            ),
        )  # fmt: skip
    if not fields:
        return None
    return ui.div(ui.tags.label("Reference levels"), ui.div(*fields, class_="cs-grid"))


def unit_fields(dataset: Dataset, columns: list[int], prefix: str, kept: dict[str, str]) -> Tag:
    """One text field per continuous predictor."""
    fields: list[Tag] = []
    for i in columns:
        if is_factor(dataset, i):
            continue
        field = f"{prefix}{i}"
        variable = dataset.variables[dataset.names[i]]
        title = f"{title_of(variable)}, {variable.unit}" if variable.unit else title_of(variable)
        fields += _pair(title, field, ui.input_text(field, None, kept.get(field, "1")))
    if not fields:
        return ui.p("No continuous predictor is chosen.", class_="cs-quiet cs-small")
    return ui.div(
        ui.p("Odds ratio per this many units: a number, SD or IQR.", class_="cs-quiet cs-small"),
        ui.div(*fields, class_="cs-grid"),
    )


def _pair(title: str, field: str, control: Tag) -> list[Tag]:
    return [ui.tags.label(ui.tags.bdi(title), for_=resolve_id(field)), control]
