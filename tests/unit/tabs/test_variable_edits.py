"""Edits of the variable table: what they do, what they refuse, and that a refusal changes nothing."""

from __future__ import annotations

import pandas as pd
import pytest

from stats.errors import BadInput
from stats.variables import Dataset, Variable
from tabs.variable_edits import edited


def dataset() -> Dataset:
    frame = pd.DataFrame(
        {
            "stage": pd.Categorical(["I", "II", "III", "II"], ["I", "II", "III"]),
            "score": [1, 2, 9, 1],
            "name": pd.Categorical(["a", "b", "c", "d"]),
        }
    )
    return Dataset(
        frame,
        [
            Variable(name="stage", kind="ordered", levels=("I", "II", "III")),
            Variable(name="score", kind="continuous"),
            Variable(name="name", kind="identifier"),
        ],
    )


def edit(column: int, field: str, value: str = "", level: int | None = None) -> dict:
    return {"column": column, "field": field, "value": value, "level": level}


def test_label_and_unit_are_kept_without_spaces_around_them() -> None:
    after = edited(edited(dataset(), edit(1, "label", "  Pain score ")), edit(1, "unit", "points"))
    assert after.variables["score"].label == "Pain score"
    assert after.variables["score"].unit == "points"


def test_numbers_become_categories_with_their_values_as_levels() -> None:
    after = edited(dataset(), edit(1, "kind", "categorical"))
    assert after.variables["score"].levels == ("1", "2", "9")
    assert list(after.column("score")) == ["1", "2", "9", "1"]


def test_text_that_is_no_number_refuses_to_be_continuous() -> None:
    before = dataset()
    with pytest.raises(BadInput, match='cannot be continuous: it holds "I"'):
        edited(before, edit(0, "kind", "continuous"))
    assert before.variables["stage"].kind == "ordered"


def test_binary_needs_two_levels() -> None:
    with pytest.raises(BadInput, match="it has 3 levels"):
        edited(dataset(), edit(0, "kind", "binary"))


def test_a_missing_code_leaves_the_levels_and_comes_back_with_its_value() -> None:
    categories = edited(dataset(), edit(1, "kind", "categorical"))
    coded = edited(categories, edit(1, "missing_codes", " 9 , 99"))
    assert coded.variables["score"].missing_codes == ("9", "99")
    assert coded.variables["score"].levels == ("1", "2")
    assert coded.column("score").isna().tolist() == [False, False, True, False]
    assert edited(coded, edit(1, "kind", "binary")).variables["score"].kind == "binary"
    back = edited(coded, edit(1, "missing_codes", ""))
    assert back.variables["score"].levels == ("1", "2", "9")
    assert not back.column("score").isna().any()


def test_a_missing_code_of_numbers_is_no_number_any_more() -> None:
    after = edited(dataset(), edit(1, "missing_codes", "9"))
    assert after.column("score").isna().tolist() == [False, False, True, False]


def test_levels_move_with_their_labels_and_stop_at_the_ends() -> None:
    labelled = edited(dataset(), edit(0, "level_label", "late", level=2))
    assert labelled.variables["stage"].level_labels == ("I", "II", "late")
    moved = edited(labelled, edit(0, "move", "up", level=2))
    assert moved.variables["stage"].levels == ("I", "III", "II")
    assert moved.variables["stage"].level_labels == ("I", "late", "II")
    assert list(moved.column("stage").cat.categories) == ["I", "late", "II"]
    assert edited(dataset(), edit(0, "move", "up", level=0)).variables["stage"].levels[0] == "I"
    assert edited(dataset(), edit(0, "move", "down", level=2)).variables["stage"].levels[2] == "III"


def test_a_label_that_goes_back_to_the_value_is_no_label() -> None:
    labelled = edited(dataset(), edit(0, "level_label", "early", level=0))
    assert (
        edited(labelled, edit(0, "level_label", "", level=0)).variables["stage"].level_labels == ()
    )


def test_two_levels_cannot_share_a_label() -> None:
    with pytest.raises(BadInput, match="one label for two levels"):
        edited(dataset(), edit(0, "level_label", "II", level=0))


def test_the_reference_is_a_level_of_the_variable() -> None:
    assert edited(dataset(), edit(0, "reference", level=1)).variables["stage"].reference == "II"


@pytest.mark.parametrize(
    "nonsense",
    [
        {}, {"column": "0", "field": "label"}, {"column": 7, "field": "label"},
        {"column": -1, "field": "label"}, {"column": 0, "field": "__class__", "value": "x"},
        {"column": 0, "field": "kind", "value": "magic"},
        {"column": 0, "field": "move", "value": "up", "level": 12},
        {"column": 0, "field": "reference", "level": None},
        {"column": 0, "field": "level_label", "value": "x", "level": "0"},
    ],
)  # fmt: skip
def test_nonsense_from_the_browser_is_refused_in_a_sentence(nonsense: dict) -> None:
    with pytest.raises(BadInput) as refused:
        edited(dataset(), nonsense)
    assert refused.value.message.endswith(".")
