"""The variable table turns kinds into dtypes, and says what it cannot turn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stats.errors import BadInput
from stats.variables import Dataset, Variable, label_of


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (1, "1"),
        (1.0, "1"),
        (np.int8(1), "1"),
        (1.5, "1.5"),
        (True, "True"),
        ("1", "1"),
        (-0.0, "0"),
    ],
)
def test_labels_print_whole_numbers_without_decimals(value: object, label: str) -> None:
    assert label_of(value) == label


def test_plain_frames_are_typed_by_dtype() -> None:
    frame = pd.DataFrame(
        {
            "n": [0, 1, 1],
            "t": ["b", "a", None],
            "b": [True, False, True],
            "o": pd.Categorical(["hi", "lo", "hi"], ["lo", "hi"], ordered=True),
            "d": pd.to_datetime(["2020-01-01", None, "2021-05-05"]),
        }
    )
    kinds = {n: v.kind for n, v in Dataset(frame).variables.items()}
    assert kinds == {
        "n": "continuous", "t": "categorical", "b": "binary", "o": "ordered", "d": "date",
    }  # fmt: skip
    data = Dataset(frame)
    assert data.column("n").dtype == np.float64
    assert list(data.factor("t").categories) == ["a", "b"]
    assert list(data.factor("o").categories) == ["lo", "hi"]
    assert list(data.factor("b").categories) == ["False", "True"]


def test_codes_stay_categories_where_the_table_says_so() -> None:
    frame = pd.DataFrame({"site": [3, 1, 2, 1, 99]})
    variable = Variable(
        name="site", kind="categorical", levels=("1", "2", "3"),
        level_labels=("north", "south", "east"), missing_codes=("99",),
    )  # fmt: skip
    data = Dataset(frame, [variable])
    assert list(data.column("site").astype("object").fillna("-")) == [
        "east", "north", "south", "north", "-",
    ]  # fmt: skip
    assert data.level_of("site", 1.0) == "north"
    assert data.level_of("site", "north") == "north"


def test_missing_codes_leave_a_continuous_column() -> None:
    data = Dataset(
        pd.DataFrame({"age": [50.0, 999, 61]}), [Variable(name="age", missing_codes=("999",))]
    )
    assert np.isnan(data.column("age")[1])
    assert data.raw["age"][1] == 999


def test_censored_values_are_never_numbers() -> None:
    frame = pd.DataFrame({"crp": pd.Categorical(["1.5", "<0.5", "3"])})
    with pytest.raises(BadInput, match=r'"crp" cannot be continuous: it holds "<0.5" \(row 2\)'):
        Dataset(frame, [Variable(name="crp", kind="continuous")]).column("crp")
    told = Variable(name="crp", kind="continuous", missing_codes=("<0.5",))
    assert Dataset(frame, [told]).column("crp").isna().tolist() == [False, True, False]


def test_a_value_outside_the_levels_is_named() -> None:
    data = Dataset(
        pd.DataFrame({"g": ["a", "b", "c"]}),
        [Variable(name="g", kind="ordered", levels=("b", "a"))],
    )
    with pytest.raises(BadInput, match='the value "c", which is not among its levels'):
        data.column("g")


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ({"kind": "number"}, "unknown kind"),
        ({"levels": ("a", "b"), "level_labels": ("x",)}, "2 levels and 1 level labels"),
        ({"levels": ("a", "b"), "level_labels": ("x", "x")}, "one label for two levels"),
    ],
)
def test_a_bad_variable_is_refused(variable: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        Variable(name="v", **variable)  # type: ignore[arg-type]


def test_unknown_columns_suggest_the_nearest() -> None:
    with pytest.raises(BadInput, match='Did you mean "treatment"'):
        Dataset(pd.DataFrame({"treatment": [1]})).column("treatmnt")


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(BadInput, match='Two columns are called "x"'):
        Dataset(pd.DataFrame([[1, 2]], columns=["x", "x"]))


def test_a_dataset_does_not_follow_later_changes_of_its_frame() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "g": ["a", "b"]})
    data = Dataset(frame)
    frame.loc[0, "x"] = 99.0
    frame.loc[0, "g"] = "b"
    assert data.column("x").tolist() == [1.0, 2.0]
    view = data.frame()
    view.loc[0, "x"] = -5.0
    assert data.column("x").tolist() == [1.0, 2.0]


def test_changing_the_table_leaves_the_first_dataset_alone() -> None:
    data = Dataset(pd.DataFrame({"x": [0, 1, 1]}))
    other = data.with_variables([Variable(name="x", kind="binary", levels=("1", "0"))])
    assert data.variables["x"].kind == "continuous"
    assert list(other.factor("x").categories) == ["1", "0"]


def test_nullable_columns_are_typed_like_their_plain_twins() -> None:
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None, 3], dtype="Int64"),
            "f": pd.array([1.5, None, 3], dtype="Float64"),
            "b": pd.array([True, None, False], dtype="boolean"),
            "s": pd.array(["x", None, "y"], dtype="string"),
        }
    )
    data = Dataset(frame)
    assert data.column("i").tolist()[::2] == [1.0, 3.0]
    assert np.isnan(data.column("f")[1])
    assert data.factor("b").isna().tolist() == [False, True, False]
    assert list(data.factor("b").categories) == ["False", "True"]
    assert list(data.factor("s").categories) == ["x", "y"]


def test_columns_that_nobody_asks_for_cost_nothing() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "notes": [object(), object()]})
    assert Dataset(frame).column("x").tolist() == [1.0, 2.0]
