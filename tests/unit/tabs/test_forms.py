"""Every form asks for arguments that its analysis has, and finds its own fields."""

from __future__ import annotations

import pytest

import logic
from tabs.analyses import TABS
from tabs.form import Form, ManyColumns, ManyLevels, OneColumn, OneLevel, References, Switch, Units

FORMS = [form for tab in TABS for _, form in tab.forms.values()]


def filled(form: Form) -> dict[str, object]:
    """Choices as the page would send them with every field shown and filled."""
    choices: dict[str, object] = dict(form.fixed)
    for field in form.every():
        match field:
            case OneColumn() | OneLevel():
                choices[field.name] = "a"
            case ManyColumns() | ManyLevels():
                choices[field.name] = ["a"]
            case References() | Units():
                choices[field.name] = {}
            case Switch():
                choices[field.name] = True
            case _:
                choices[field.name] = None
    return form.finish(choices)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.analysis)
def test_every_field_is_an_argument_of_the_analysis(form: Form) -> None:
    known = set(logic.CATALOGUE[form.analysis].signature.parameters)
    assert set(filled(form)) <= known - {"data", "progress"}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.analysis)
def test_fields_speak_of_fields_of_the_same_form(form: Form) -> None:
    names = [field.name for field in form.every()]
    assert len(set(names)) == len(names)
    for field in form.every():
        spoken_of: list[str] = [] if field.when is None else [field.when[0]]
        if isinstance(field, ManyColumns):
            spoken_of += field.without
        if isinstance(field, OneColumn | ManyColumns) and field.among:
            spoken_of.append(field.among)
        if isinstance(field, OneLevel | ManyLevels | Units):
            spoken_of.append(field.of)
        if isinstance(field, References):
            spoken_of += field.of
        assert set(spoken_of) <= set(names)


def test_every_analysis_of_the_page_stands_on_one_form_only() -> None:
    analyses = [form.analysis for form in FORMS]
    assert len(set(analyses)) == len(analyses)
    assert set(logic.CATALOGUE) - set(analyses) <= {"check_collinearity"}
