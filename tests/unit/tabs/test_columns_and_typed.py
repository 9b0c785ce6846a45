"""Which columns forms offer, and what typed fields mean."""

from __future__ import annotations

import pandas as pd
import pytest

from stats.errors import BadInput
from stats.variables import Dataset, Variable
from tabs import columns, typed


def dataset() -> Dataset:
    frame = pd.DataFrame(
        {
            "id": [f"P{i}" for i in range(6)],
            "age": [50.0, 61.0, 47.5, 80.0, 33.0, 59.0],
            "died": pd.Categorical(["yes", "no", "no", "yes", "no", "no"], ["no", "yes"]),
            "coded": [0, 1, 1, 0, 9, 1],
            "stage": pd.Categorical(["I", "II", "I", "III", "I", "II"]),
            "seen": pd.to_datetime(["2024-01-01"] * 6),
            "constant": [1.0] * 6,
        }
    )
    return Dataset(
        frame,
        [
            Variable(name="id", kind="identifier"),
            Variable(name="died", kind="binary", levels=("no", "yes")),
            Variable(name="coded", kind="continuous", missing_codes=("9",)),
            Variable(name="stage", kind="ordered", levels=("I", "II", "III"), reference="II",
                     level_labels=("one", "two", "three")),
        ],
    )  # fmt: skip


def test_only_columns_with_two_values_can_be_the_outcome() -> None:
    assert [dataset().names[i] for i in columns.offered(dataset(), "two levels")] == [
        "died",
        "coded",
    ]


def test_identifiers_and_dates_are_no_predictors() -> None:
    names = [dataset().names[i] for i in columns.offered(dataset(), "predictor")]
    assert names == ["age", "died", "coded", "stage", "constant"]


def test_factors_have_few_levels_and_numbers_are_numbers() -> None:
    names = [dataset().names[i] for i in columns.offered(dataset(), "factor")]
    assert names == ["died", "coded", "stage"]
    names = [dataset().names[i] for i in columns.offered(dataset(), "numeric")]
    assert names == ["age", "coded", "constant"]


def test_a_factor_of_very_many_levels_is_not_offered() -> None:
    frame = pd.DataFrame({"died": ["no", "yes"] * 60, "town": [f"t{i}" for i in range(120)]})
    assert columns.offered(Dataset(frame), "predictor") == (0,)


@pytest.mark.parametrize(
    ("levels", "event"),
    [
        (("0", "1"), "1"), (("no", "yes"), "yes"), (("No", "YES"), "YES"), (("FALSE", "TRUE"), "TRUE"),
        (("alive", "dead"), None), (("1", "2"), None), (("n", "y"), None), ((), None),
    ],
)  # fmt: skip
def test_the_event_is_chosen_only_for_three_codings(
    levels: tuple[str, ...], event: str | None
) -> None:
    assert columns.understood_event(levels) == event


def test_levels_are_those_that_occur() -> None:
    assert columns.levels_of(dataset(), "coded") == ("0", "1")


def test_the_reference_of_the_variable_table_is_shown_by_its_label() -> None:
    assert columns.default_reference(dataset(), "stage") == "two"
    assert columns.default_reference(dataset(), "died") == "no"


@pytest.mark.parametrize(
    ("text", "scale"),
    [("", None), ("1", None), (" 1,0 ", None), ("10", 10.0), ("0,5", 0.5), ("SD", "sd"), ("iqr", "iqr")],
)  # fmt: skip
def test_units_as_people_type_them(text: str, scale: object) -> None:
    assert typed.scale_of("age", text) == scale


@pytest.mark.parametrize("text", ["ten", "0", "-5", "inf", "nan", "1e999"])
def test_units_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match='"age" must be a number above 0, SD or IQR'):
        typed.scale_of("age", text)


@pytest.mark.parametrize(("text", "level"), [("95", 0.95), ("90 %", 0.9), ("99,9", 0.999)])
def test_confidence_levels_in_per_cent(text: str, level: float) -> None:
    assert typed.ci_level_of(text) == pytest.approx(level, abs=1e-12)


@pytest.mark.parametrize("text", ["", "0.95", "100", "abc", "nan"])
def test_confidence_levels_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="between 50 and 100"):
        typed.ci_level_of(text)


def test_seeds_are_whole_numbers() -> None:
    assert typed.seed_of(" 42 ") == 42
    for text in ("", "-1", "1.5", "x", "9" * 10):
        with pytest.raises(BadInput, match="whole number"):
            typed.seed_of(text)


def test_a_column_number_from_the_browser_is_checked() -> None:
    assert columns.column_of(dataset(), "1") == "age"
    for text in ("", "7", "-1", "age", None, 1):
        assert columns.column_of(dataset(), text) is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("", None), ("365 730", (365.0, 730.0)), ("1;2; 3", (1.0, 2.0, 3.0)), ("1,2,3", (1.0, 2.0, 3.0)),
     ("0,5 1,5", (0.5, 1.5)), ("365, 730", (365.0, 730.0))],
)  # fmt: skip
def test_lists_of_numbers_as_people_type_them(text: str, numbers: object) -> None:
    assert typed.numbers_of(text) == numbers


@pytest.mark.parametrize("text", ["a b", "1 nan", "1 inf", " ".join(["1"] * 51)])
def test_lists_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not a list"):
        typed.numbers_of(text)


def test_optional_numbers_may_be_left_out() -> None:
    assert typed.optional_number(" ") is None
    assert typed.optional_number("1825,5") == 1825.5
    assert typed.optional_percent("10 %") == 0.1
    for text in ("x", "1e999"):
        with pytest.raises(BadInput, match="not a number"):
            typed.optional_number(text)
    with pytest.raises(BadInput, match="percentage"):
        typed.optional_percent("100")
