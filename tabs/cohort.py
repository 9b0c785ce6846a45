"""Tab Table 1: the cohort, overall and by group."""

from __future__ import annotations

from typing import Any

from tabs.form import Fold, Form, ManyColumns, OneColumn, OneOf, Switch
from tabs.model_fields import seed


def _finish(choices: dict[str, Any]) -> dict[str, Any]:
    medians = choices.pop("medians", [])
    return {**choices, "statistics": dict.fromkeys(medians, "median") or None}


TABLE_ONE = Form(
    analysis="describe_cohort",
    title="Table 1",
    empty_title="Describe the cohort",
    empty_hint="Choose a group (or none) and the variables, then run the analysis.",
    fields=(
        OneColumn("group", "Columns of the table (optional)", of_kind="factor",
                  none="One column: all patients"),
        ManyColumns("variables", "Variables", without=("group",), ticked_up_to=25),
        ManyColumns(
            "medians", "Median and quartiles instead of mean and SD for", of_kind="numeric",
            among="variables", least=0, ticked_up_to=0,
        ),
        Fold("Comparing the groups", (
            OneOf("smd", "Standardised difference", {
                "average": "By the average SD", "pooled": "By the pooled SD",
                "hedges": "Hedges' correction", "none": "None",
            }),
            Switch("tests", "Add p-values", hint="Leave them out for a randomised trial."),
            Switch("equal_variances", "Student's t and plain analysis of variance"),
            seed("simulated exact p-values"),
        )),
        Fold("More options", (
            OneOf("quartiles", "Quartiles as in",
                  {"7": "R and Excel (type 7)", "6": "SPSS (type 6)", "2": "SAS (type 2)"},
                  meaning={"7": 7, "6": 6, "2": 2}),
        )),
    ),
    finish=_finish,
)  # fmt: skip
