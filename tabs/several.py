"""A tab of several analyses: one form and card each, side by side behind small headings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from shiny import Inputs, reactive, ui
from shiny.ui import Tag

from tabs.analysis import analysis_server, analysis_ui
from tabs.form import Form
from tabs.habits import Habits
from tabs.loaded import Loaded
from tabs.starting import start_when
from tabs.stay import Stay


@dataclass(frozen=True, slots=True)
class AnalysisTab:
    """One entry of the navigation. `forms`: identifier on the page -> (heading, form)."""

    key: str
    title: str
    forms: Mapping[str, tuple[str, Form]]

    @property
    def kind(self) -> str:
        """The input that says which of several forms is open."""
        return f"{self.key}_kind"


def tab_ui(tab: AnalysisTab) -> Tag:
    """The forms of a tab; headings only where there are several."""
    if len(tab.forms) == 1:
        ((key, (_, form)),) = tab.forms.items()
        return ui.tags.main(analysis_ui(key, form))
    panels = [
        ui.nav_panel(heading, analysis_ui(key, form), value=key)
        for key, (heading, form) in tab.forms.items()
    ]
    return ui.tags.main(ui.navset_pill(*panels, id=tab.kind), class_="cs-several")


def tab_server(
    tab: AnalysisTab, inputs: Inputs, loaded: reactive.Value[Loaded | None], habits: Habits,
    go_to: Callable[[str], None], stay: Stay,
) -> None:  # fmt: skip
    """Starts each form when it is first looked at: most visits open two or three of them, and
    long lists of columns are not sent for tabs that nobody opens."""

    def is_open(form: str) -> bool:
        if not inputs.tab.is_set() or inputs.tab() != tab.key:
            return False
        kind = inputs[tab.kind]
        return len(tab.forms) == 1 or (kind.is_set() and kind() == form)

    for key, (_, form) in tab.forms.items():
        start_when(
            partial(is_open, key),
            partial(analysis_server, key, form, loaded, habits, go_to, stay),
        )
