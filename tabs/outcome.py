"""Tab Outcome: crude and adjusted odds ratios of an outcome with two values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.ui import Tag

from logic import BadInput, Dataset
from tabs import outcome_fields, outcome_form
from tabs._shared import Request, card_server, card_ui
from tabs.distinct import distinct
from tabs.loaded import Loaded, Suggestion, generation_of
from tabs.outcome_choices import (
    ci_level_of,
    column_of,
    default_reference,
    is_factor,
    labels_and_units,
    scale_of,
    seed_of,
)
from tabs.outcome_fields import text_of, ticked
from tabs.parts import empty_state
from tabs.plan_line import plan_server, plan_ui

_NO_DATA = BadInput(
    "There is no dataset yet.", rule="dataset", hint="Upload a file or open an example first."
)


@module.ui
def outcome_ui() -> Tag:
    """Choices on the left, the result card on the right."""
    run = ui.input_action_button("run", "Run analysis", class_="btn-primary")
    return ui.tags.main(
        ui.output_ui("no_data", class_="cs-no-data"),
        ui.div(
            ui.div(
                ui.h2("Outcome model"), outcome_form.form(),
                ui.div(run, plan_ui("plan"), class_="cs-run"),
                class_="cs-panel",
            ),
            card_ui(
                "card",
                title="Crude and adjusted odds ratios",
                hint="Choose the outcome, its event and the predictors, then run the analysis.",
            ),
            class_="cs-work",
        ),
    )  # fmt: skip


@module.server
def outcome_server(
    inputs: Inputs, _outputs: Outputs, _session: Session,
    loaded: reactive.Value[Loaded | None], go_to: Callable[[str], None],
) -> None:  # fmt: skip
    """Fills the form from the dataset and hands complete choices to the card."""

    @reactive.calc
    def dataset() -> Dataset | None:
        now = loaded()
        return None if now is None else now.dataset

    # Fields of an earlier file must not speak for this one.
    prefix = distinct(lambda: f"g{generation_of(loaded())}_", "g0_")

    @render.ui
    def no_data() -> Tag | None:
        if dataset() is not None:
            return None
        button = ui.input_action_button("to_data", "Go to Data", class_="btn-primary")
        return empty_state("No dataset yet", "Upload a file or open an example first.", button)

    @reactive.effect
    @reactive.event(inputs.to_data)
    def _() -> None:
        go_to("data")

    def suggested() -> Suggestion | None:
        now = loaded()
        return None if now is None else now.source.suggestion

    outcome_fields.fill_outcome(inputs, dataset, prefix, suggested)
    outcome_fields.fill_event(inputs, dataset)
    outcome_fields.fill_predictors(inputs, dataset, prefix, suggested)
    outcome_fields.fill_roles(inputs, dataset)
    outcome_fields.draw_fields(inputs, dataset, prefix)

    def request() -> Request:
        now = loaded()
        if now is None:
            raise _NO_DATA
        return Request(
            analysis="analyze_outcome", dataset=now.dataset, name=now.name,
            choices=_choices(inputs, now.dataset, prefix()), reading=now.reading,
            **labels_and_units(now.dataset.variables),
        )  # fmt: skip

    plan_server("plan", request)
    card_server("card", request, start=inputs.run)


def _choices(inputs: Inputs, dataset: Dataset, prefix: str) -> dict[str, Any]:
    """Everything that the form says, by name. BadInput for what it leaves out."""
    outcome = column_of(dataset, text_of(inputs, "outcome"))
    if outcome is None:
        raise BadInput("No outcome was chosen.", rule="outcome",
                       hint="Choose the outcome: a column with two values.")  # fmt: skip
    columns = [i for i in ticked(inputs, "predictors") if i < len(dataset.names)]
    names = [dataset.names[i] for i in columns]
    exposure = column_of(dataset, text_of(inputs, "exposure"))
    chosen = [dataset.names[i] for i in ticked(inputs, "adjust_for") if i in columns]
    return {
        "outcome": outcome,
        "predictors": names,
        "event": text_of(inputs, "event") or None,
        "references": _references(inputs, dataset, columns, prefix),
        "exposure": exposure if exposure in names else None,
        "adjust": chosen if inputs.adjust() == "chosen" else "all",
        "method": inputs.method(),
        "interval": inputs.interval(),
        "ci_level": ci_level_of(inputs.ci_level()),
        "common_sample": inputs.common_sample(),
        "scale": _scale(inputs, dataset, columns, prefix),
        "hosmer_lemeshow": inputs.hosmer_lemeshow(),
        "seed": seed_of(inputs.seed()),
    }


def _references(
    inputs: Inputs, dataset: Dataset, columns: list[int], prefix: str
) -> dict[str, str]:
    """The level shown for each factor, so that nothing but what stands on the page counts."""
    factors = [i for i in columns if is_factor(dataset, i)]
    levels = {
        dataset.names[i]: text_of(inputs, f"{prefix}reference_{i}")
        or default_reference(dataset, dataset.names[i])
        for i in factors
    }
    return {name: level for name, level in levels.items() if level}


def _scale(
    inputs: Inputs, dataset: Dataset, columns: list[int], prefix: str
) -> dict[str, float | str] | None:
    found = {
        dataset.names[i]: scale_of(dataset.names[i], text_of(inputs, f"{prefix}unit_{i}"))
        for i in columns
        if not is_factor(dataset, i)
    }
    return {name: scale for name, scale in found.items() if scale is not None} or None
