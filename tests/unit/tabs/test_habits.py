"""What was chosen in one form is where the next one starts."""

from __future__ import annotations

from typing import Any

from shiny import reactive

from tabs.form import Form
from tabs.habits import Habits
from tabs.outcome import BINARY, COX, LINEAR
from tabs.survival import INCIDENCE, SURVIVAL


def start(habits: Habits, form: Form) -> dict[str, Any]:
    with reactive.isolate():
        return habits.start(form)


def test_columns_and_levels_of_one_name_are_kept_apart() -> None:
    habits = Habits()
    habits.learn(
        COX, {"time": "days", "event": "status", "event_level": "1", "predictors": ["age"]}
    )
    habits.learn(BINARY, {"outcome": "died", "event": "yes", "predictors": ["age", "sex"]})
    assert start(habits, SURVIVAL) == {"time": "days", "event": "status", "event_level": "1"}
    assert start(habits, INCIDENCE) == {"time": "days", "event": "status"}
    assert start(habits, BINARY)["event"] == "yes"
    assert start(habits, COX)["predictors"] == ["age", "sex"]


def test_references_of_all_forms_hold_everywhere() -> None:
    habits = Habits()
    habits.learn(BINARY, {"references": {"sex": "f"}})
    habits.learn(LINEAR, {"references": {"stage": "II"}})
    assert start(habits, COX)["references"] == {"sex": "f", "stage": "II"}


def test_options_stay_where_they_were_chosen() -> None:
    habits = Habits()
    habits.learn(BINARY, {"interval": "wald", "ci_level": "90", "outcome": "died"})
    assert start(habits, LINEAR) == {"outcome": "died", "references": {}}


def test_what_was_kept_comes_before_what_was_last() -> None:
    habits = Habits()
    habits.learn(BINARY, {"outcome": "died"})
    habits.restore({"analyze_outcome": {"outcome": "relapsed", "interval": "wald"}})
    assert start(habits, BINARY) == {"outcome": "relapsed", "interval": "wald", "references": {}}
    habits.forget()
    assert start(habits, BINARY) == {}
