"""Tab Diagnosis: how well a test or a marker tells the diseased from the healthy."""

from __future__ import annotations

from typing import Any

from tabs.compare import ADJUST
from tabs.form import Fold, Form, ManyColumns, OneColumn, OneLevel, OneOf, Switch, Words
from tabs.model_fields import CI_LEVEL
from tabs.typed import optional_percent

_PROPORTION = {"wilson": "Wilson", "exact": "Exact (Clopper–Pearson)"}

TEST = Form(
    analysis="evaluate_test",
    title="A test with two results",
    empty_title="Sensitivity, specificity, predictive values",
    empty_hint="Choose the test, the truth, and the levels that count.",
    fields=(
        OneColumn("test", "Test", of_kind="two levels"),
        OneLevel("positive", "Positive", of="test"),
        OneColumn("truth", "Truth (reference standard)", of_kind="two levels"),
        OneLevel("event", "Diseased", of="truth"),
        Words("prevalence", "Predictive values at a prevalence of, %", read=optional_percent,
              placeholder="That of these data"),
        Fold("More options", (
            OneOf("interval", "Intervals of proportions", _PROPORTION), CI_LEVEL,
        )),
    ),
)  # fmt: skip


def _finish(choices: dict[str, Any]) -> dict[str, Any]:
    # what does not apply to the markers chosen is not asked of the analysis
    return {name: value for name, value in choices.items() if value is not None}


ROC = Form(
    analysis="evaluate_roc",
    title="ROC curves",
    empty_title="Area under the curve, thresholds, comparison of markers",
    empty_hint="Choose the truth, who is diseased, and one or more markers.",
    fields=(
        OneColumn("truth", "Truth (reference standard)", of_kind="two levels"),
        OneLevel("event", "Diseased", of="truth"),
        ManyColumns("markers", "Markers", of_kind="ranked", without=("truth",),
                    ticked_up_to=0),
        OneOf("direction", "Speaks for disease",
              {"higher": "A high value", "lower": "A low value"}, as_buttons=True),
        Fold("Thresholds", (
            Switch("youden", "Where sensitivity + specificity is greatest", default=True),
            Words("at_sensitivity", "That reaches a sensitivity of, %", read=optional_percent),
            Words("at_specificity", "That reaches a specificity of, %", read=optional_percent),
        )),
        Fold("More options", (
            OneOf("interval", "Interval of the area", {"delong": "DeLong", "logit": "Logit"}),
            OneOf("proportion_interval", "Intervals of proportions", _PROPORTION),
            ADJUST, CI_LEVEL,
        )),
    ),
    finish=_finish,
)  # fmt: skip
