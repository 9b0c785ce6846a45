"""What one session has chosen so far, so that it is chosen once.

A column used as follow-up time in one form is the follow-up time that the next form starts with.
Nothing is overwritten: a field that holds something keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shiny import reactive

from tabs.form import Form, ManyLevels, OneLevel

#: Forms call the same thing by different arguments.
_SAME: Mapping[str, tuple[str, ...]] = {
    "truth": ("outcome",), "outcome": ("truth",), "group": ("exposure",),
}  # fmt: skip
#: Columns worth carrying over, and levels; options of one method are not. One argument may name
#: a column in one form and a level in the next ("event"), so levels are kept apart.
_COLUMNS = frozenset(
    {
        "outcome", "event", "predictors", "references", "time", "group", "exposure", "truth",
        "entry", "cluster",
    }
)  # fmt: skip
_LEVELS = frozenset({"event", "event_level"})
_LEVEL = "level of "


class Habits:
    """Last choices by field name, of this session and this file."""

    def __init__(self) -> None:
        self._last: reactive.Value[dict[str, Any]] = reactive.Value({}, name="last")
        self._kept: reactive.Value[dict[str, dict[str, Any]]] = reactive.Value({}, name="kept")
        #: True while the page brought its own inputs, which are newer than what was kept.
        self.page_known = False

    def forget(self) -> None:
        """A new file begins."""
        self.page_known = False
        self._last.set({})
        self._kept.set({})

    def restore(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """What each form held before the page was lost."""
        self._kept.set({form: dict(state) for form, state in states.items()})

    def learn(self, form: Form, state: Mapping[str, Any]) -> None:
        """A form was used with this state."""
        with reactive.isolate():
            known = self._last()
        levels = _level_fields(form)
        carried = {
            (_LEVEL if name in levels else "") + name: value
            for name, value in state.items()
            if value and name in (_LEVELS if name in levels else _COLUMNS)
        }
        references = {**known.get("references", {}), **carried.get("references", {})}
        now = {**known, **carried, "references": references}
        if now != known:
            self._last.set(now)

    def start(self, form: Form) -> dict[str, Any]:
        """What the fields of a form start with; reads reactives."""
        last = self._last()
        levels = _level_fields(form)
        start: dict[str, Any] = {}
        for field in form.every():
            mark = _LEVEL if field.name in levels else ""
            names = (field.name, *(() if mark else _SAME.get(field.name, ())))
            found = [last[mark + name] for name in names if mark + name in last]
            if found:
                start[field.name] = found[0]
        return start | self._kept().get(form.analysis, {})


def _level_fields(form: Form) -> set[str]:
    return {field.name for field in form.every() if isinstance(field, OneLevel | ManyLevels)}
