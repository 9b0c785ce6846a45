"""One idea of a form: an analysis lists its fields, and everything else follows from the list.

    FORM = Form(
        analysis="estimate_survival", title="Survival", run="Run analysis",
        fields=(
            OneColumn("time", "Follow-up time", of_kind="numeric"),
            OneColumn("event", "Event column", of_kind="factor", without=("time",)),
            OneLevel("event_level", "Event", of="event"),
            Fold("More options", (OneOf("interval", "Interval", {"log-log": "log-log"}),)),
        ),
    )

`form_ui(FORM)` draws it, `form_server(FORM, ...)` fills what depends on the dataset and gives the
complete choices, by the names of the analysis' arguments.
"""

from __future__ import annotations

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
from tabs.form.layout import form_ui
from tabs.form.server import FormServer, form_server

__all__ = [
    "Field", "Fold", "Form", "FormServer", "ManyColumns", "ManyLevels", "OneColumn", "OneLevel",
    "OneOf", "References", "Switch", "Units", "Words", "form_server", "form_ui",
]  # fmt: skip
