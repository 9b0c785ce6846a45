"""A different input gets a different key, the same input the same key."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from utils.errors import UnkeyableValue
from utils.keys import (
    KeyParts,
    canonical,
    explain,
    fingerprint_column,
    fingerprint_frame,
    make_key,
)  # fmt: skip

ROOT = Path(__file__).parents[3]


def base() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [61.0, 72.5, np.nan, 55.0],
            "sex": pd.Categorical(["f", "m", "m", None], categories=["f", "m"]),
            "died": [0, 1, 0, 1],
            "flag": [True, False, True, True],
            "ward": pd.array(["A", "B", None, "A"], dtype="str"),
            "seen": pd.to_datetime(["2020-01-01", None, "2021-05-05", "2022-02-02"]),
        }
    )


def changed(column: str, values: object) -> Callable[[], pd.DataFrame]:
    def build() -> pd.DataFrame:
        frame = base()
        frame[column] = values
        return frame

    return build


def with_cell(row: int, column: str, value: object) -> Callable[[], pd.DataFrame]:
    def build() -> pd.DataFrame:
        frame = base()
        frame.loc[row, column] = value
        return frame

    return build


def swapped_names() -> pd.DataFrame:
    frame = base()
    names = list(frame.columns)
    names[0], names[2] = names[2], names[0]
    frame.columns = names
    return frame


FRAMES_THAT_DIFFER: dict[str, Callable[[], pd.DataFrame]] = {
    "one number": with_cell(1, "age", 72.500001),
    "one text": with_cell(1, "ward", "b"),
    "one flag": changed("flag", [True, True, True, True]),
    "one time": with_cell(0, "seen", pd.Timestamp("2020-01-02")),
    "a number becomes missing": with_cell(0, "age", np.nan),
    "a missing becomes zero": with_cell(2, "age", 0.0),
    "a text becomes missing": with_cell(0, "ward", None),
    "missing becomes empty text": with_cell(2, "ward", ""),
    "missing becomes the text nan": with_cell(2, "ward", "nan"),
    "names swapped": swapped_names,
    "a column renamed": lambda: base().rename(columns={"age": "Age"}),
    "columns in another order": lambda: base()[["sex", "age", "died", "flag", "ward", "seen"]],
    "rows permuted": lambda: base().iloc[[1, 0, 2, 3]].reset_index(drop=True),
    "a row less": lambda: base().iloc[:3],
    "a row twice": lambda: base().iloc[[0, 1, 2, 3, 3]].reset_index(drop=True),
    "a column less": lambda: base().drop(columns="flag"),
    "row labels": lambda: base().set_axis([5, 6, 7, 8]),
    "row labels as text": lambda: base().set_axis(["0", "1", "2", "3"]),
    "name of the row labels": lambda: base().rename_axis("id"),
    "whole numbers as real": changed("died", [0.0, 1.0, 0.0, 1.0]),
    "whole numbers as flags": changed("died", [False, True, False, True]),
    "whole numbers as text": changed("died", ["0", "1", "0", "1"]),
    "shorter whole numbers": changed("died", np.array([0, 1, 0, 1], dtype="i4")),
    "unsigned whole numbers": changed("died", np.array([0, 1, 0, 1], dtype="u8")),
    "nullable whole numbers": changed("died", pd.array([0, 1, 0, 1], dtype="Int64")),
    "half precision": changed("age", np.array([61, 72.5, np.nan, 55], dtype="f4")),
    "text as category": changed("ward", pd.Categorical(["A", "B", None, "A"])),
    "text as objects": changed("ward", pd.Series(["A", "B", None, "A"], dtype=object)),
    "category as text": changed("sex", pd.array(["f", "m", "m", None], dtype="str")),
    "category order": changed("sex", pd.Categorical(["f", "m", "m", None], categories=["m", "f"])),
    "category ordered": changed(
        "sex", pd.Categorical(["f", "m", "m", None], categories=["f", "m"], ordered=True)
    ),
    "an unused category": changed(
        "sex", pd.Categorical(["f", "m", "m", None], categories=["f", "m", "x"])
    ),
    "categories renamed": changed(
        "sex", pd.Categorical(["F", "m", "m", None], categories=["F", "m"])
    ),
    "categories as numbers": changed("sex", pd.Categorical([1, 2, 2, None], categories=[1, 2])),
    "time zone": lambda: base().assign(seen=base()["seen"].dt.tz_localize("UTC")),
    "another time zone": lambda: base().assign(seen=base()["seen"].dt.tz_localize("Asia/Bangkok")),
    "unit of time": lambda: base().assign(seen=base()["seen"].astype("M8[ns]")),
    "text moved between cells": changed("ward", pd.array(["AB", "", None, "A"], dtype="str")),
    "a space more": changed("ward", pd.array(["A ", "B", None, "A"], dtype="str")),
    "accent composed or not": changed("ward", pd.array(["\u00e9", "B", None, "A"], dtype="str")),
    "accent decomposed": changed("ward", pd.array(["e\u0301", "B", None, "A"], dtype="str")),
    "objects of mixed kinds": changed("ward", pd.Series(["A", 1, None, "A"], dtype=object)),
    "objects 1.0": changed("ward", pd.Series(["A", 1.0, None, "A"], dtype=object)),
    "objects True": changed("ward", pd.Series(["A", True, None, "A"], dtype=object)),
    "durations": changed("seen", pd.to_timedelta([1, 2, 3, 4], unit="D")),
    "intervals": changed("age", pd.cut([1, 2, 3, 4], [0, 2, 4])),
    "intervals closed left": changed("age", pd.cut([1, 2, 3, 3.5], [0, 2, 4], right=False)),
    "periods": changed("seen", pd.period_range("2020-01", periods=4, freq="M")),
    "periods of another length": changed("seen", pd.period_range("2020", periods=4, freq="Y")),
}


def test_every_changed_frame_has_its_own_fingerprint() -> None:
    marks = {"unchanged": fingerprint_frame(base())}
    marks.update({what: fingerprint_frame(build()) for what, build in FRAMES_THAT_DIFFER.items()})
    assert len(FRAMES_THAT_DIFFER) >= 40
    by_mark: dict[str, list[str]] = {}
    for what, mark in marks.items():
        by_mark.setdefault(mark, []).append(what)
    assert [same for same in by_mark.values() if len(same) > 1] == []


def strided() -> pd.DataFrame:
    return pd.DataFrame({name: base()[name].repeat(2).iloc[::2].array for name in base()})


def other_payload() -> pd.DataFrame:
    bits = np.array([0x7FF8000000000BAD], dtype="u8").view("f8")[0]
    return with_cell(2, "age", bits)()


FRAMES_THAT_AGREE: dict[str, Callable[[], pd.DataFrame]] = {
    "built again": base,
    "a deep copy": lambda: base().copy(deep=True),
    "a shallow copy": lambda: base().copy(deep=False),
    "column by column": lambda: pd.concat([base()[[c]] for c in base()], axis=1),
    "sorted and sorted back": lambda: base().sort_values("age").sort_index(),
    "an index of explicit numbers": lambda: base().set_axis(pd.Index([0, 1, 2, 3])),
    "rows taken one by one": lambda: base().take([0, 1, 2, 3]),
    "strided memory": strided,
    "another NaN": other_payload,
    "big-endian numbers": changed("age", base()["age"].to_numpy().astype(">f8")),
    "big-endian whole numbers": changed("died", np.array([0, 1, 0, 1], dtype=">i8")),
    "attributes": lambda: _with_attributes(base()),
    "text built in pieces": changed("ward", pd.array(["xA"[1:], "B", None, "A"], dtype="str")),
    "a wide category code": lambda: base().assign(sex=_wide_codes()),
    "split and joined": lambda: pd.concat([base().iloc[:2], base().iloc[2:]]),
    "a column added and dropped": lambda: base().assign(x=1).drop(columns="x"),
}


def _with_attributes(frame: pd.DataFrame) -> pd.DataFrame:
    frame.attrs["source"] = "a note"
    return frame


def _wide_codes() -> pd.Categorical:
    return pd.Categorical.from_codes(np.array([0, 1, 1, -1], dtype="i8"), ["f", "m"])


@pytest.mark.parametrize("what", FRAMES_THAT_AGREE)
def test_an_equal_frame_has_the_same_fingerprint(what: str) -> None:
    assert fingerprint_frame(FRAMES_THAT_AGREE[what]()) == fingerprint_frame(base())


def test_missing_objects_agree_by_choice_and_zero_has_one_sign() -> None:
    kinds = [None, float("nan"), pd.NA, pd.NaT]
    marks = {
        fingerprint_column(pd.Series(["a", missing, 3], dtype=object)) for missing in kinds
    } | {fingerprint_column(pd.Series(["a", np.datetime64("NaT"), 3], dtype=object))}
    assert len(marks) == 1
    zero, minus = pd.Series([0.0, 1.0]), pd.Series([-0.0, 1.0])
    assert fingerprint_column(zero) == fingerprint_column(minus)
    assert fingerprint_column(pd.Series([0, "a"])) != fingerprint_column(pd.Series([None, "a"]))


def test_the_name_and_row_labels_of_a_column_take_no_part() -> None:
    one = pd.Series([1.0, 2.0], name="a")
    other = pd.Series([1.0, 2.0], name="b", index=[7, 8])
    assert fingerprint_column(one) == fingerprint_column(other)


def test_one_cell_of_a_million_is_seen() -> None:
    numbers = np.zeros(1_000_000)
    before = fingerprint_column(pd.Series(numbers))
    for row in (0, 1, 499_999, 777_777, 999_999):
        numbers[row] = 1e-300
        assert fingerprint_column(pd.Series(numbers)) != before
        numbers[row] = 0.0
    assert fingerprint_column(pd.Series(numbers)) == before


@dataclass(frozen=True)
class Point:
    x: int
    y: int = 0


@dataclass(frozen=True)
class Spot:
    x: int
    y: int = 0


VALUES_THAT_DIFFER: list[object] = [
    None, True, False, 0, 1, -1, 1.0, 0.0, 0.5, "1", "1.0", "True", "None", "", b"1", b"",
    (), (1,), ((1,),), (1, 1), ("1",), ("a", "b"), ("ab",), ("a", ("b",)), ("ab", ""),
    {}, {"a": 1}, {"a": 1.0}, {"a": "1"}, {"b": 1}, {"a": {"b": 1}}, {"a": None}, {1: "a"},
    float("nan"), float("inf"), -float("inf"), 1e16, 10**16, 10**400, -(10**400), 5e-324,
    dt.date(2020, 1, 1), dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.UTC),  # noqa: DTZ001
    dt.time(1), dt.timedelta(1), dt.timedelta(0, 1), decimal.Decimal(1), decimal.Decimal("1.0"),
    pd.Timestamp("2020-01-01"), pd.Timedelta(1, "D"), pd.NaT, pd.NA,
    np.array([1, 0]), np.array([1.0, 0]), np.array([[1, 0]]), np.array([True, False]),
    np.array(["a", None], dtype=object), np.datetime64("2020-01-01"), np.datetime64(1577836800, "s"),
    Point(1), Point(1, 1), Spot(1), pd.Series([1]), pd.Series([1], name="a"), pd.Series([1], name=0),
    pd.DataFrame({"a": [1]}), pd.DataFrame({0: [1]}), pd.Index([1]), pd.Index([1], name="a"),
    pd.array([1, None]), "é", "e\u0301", "\ud800", "NaN", "nan",
]  # fmt: skip


def test_every_value_has_its_own_bytes() -> None:
    found = [canonical(value) for value in VALUES_THAT_DIFFER]
    twins = [
        (VALUES_THAT_DIFFER[i], VALUES_THAT_DIFFER[j])
        for i in range(len(found)) for j in range(i)
        if found[i] == found[j]
    ]  # fmt: skip
    assert twins == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, np.int64(1)), (1, np.uint8(1)), (1.5, np.float64(1.5)), (True, np.True_),
        ("a", np.str_("a")), (0.0, -0.0), (float("nan"), np.float64("nan")), ([1, 2], (1, 2)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ({"a": 1}, MappingProxyType({"a": 1})),
        (Point(1), Point(x=1, y=0)), (np.array([1, 2]), np.array([1, 2], dtype=">i8")),
        (np.zeros((2, 3)), np.asfortranarray(np.zeros((2, 3)))),
    ],
)  # fmt: skip
def test_equal_choices_agree(one: object, other: object) -> None:
    assert canonical(one) == canonical(other)


def test_lists_and_tuples_can_be_told_apart() -> None:
    assert canonical([1], exact_sequences=True) != canonical((1,), exact_sequences=True)
    assert canonical(["a"], exact_sequences=True) != canonical(("a",), exact_sequences=True)


class Other:
    pass


@pytest.mark.parametrize(
    "value", [{1, 2}, frozenset(), Other(), object, len, lambda: 0, 1j, np.float128(1), (x for x in ())]
)  # fmt: skip
def test_unknown_values_are_refused(value: object) -> None:
    with pytest.raises(UnkeyableValue):
        canonical({"choice": [value]})


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(UnkeyableValue):
        canonical(endless)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1j]), pd.Series([{1}], dtype=object),
        pd.Series(pd.arrays.SparseArray([0, 0, 1])), pd.Series([[1], {2}], dtype=object),
    ],
)  # fmt: skip
def test_unknown_columns_are_refused(column: pd.Series) -> None:
    with pytest.raises(UnkeyableValue):
        fingerprint_column(column)


def parts(**changes: object) -> KeyParts:
    given: dict[str, object] = {
        "name": "f", "row_version": 1, "columns": (("a", "00"), ("b", "11")), "n_rows": 5,
        "choices": {"event": "1", "level": 0.95}, "versions": {"numpy": "2"}, "salt": "",
    }  # fmt: skip
    return KeyParts(**{**given, **changes})  # type: ignore[arg-type]


CHANGES: list[tuple[dict[str, object], str]] = [
    ({"name": "g"}, 'The analysis is "g"'),
    ({"row_version": 2}, "revised"),
    ({"columns": (("a", "00"), ("b", "22"))}, 'column "b" changed'),
    ({"columns": (("a", "00"),)}, 'column "b" was left out'),
    ({"columns": (("b", "11"), ("a", "00"))}, "another order"),
    ({"n_rows": 6}, "number of rows is 6"),
    ({"choices": {"event": 1, "level": 0.95}}, 'choice "event" changed'),
    ({"choices": {"event": "1", "level": 0.95, "x": None}}, 'choice "x" was added'),
    ({"versions": {"numpy": "3"}}, 'version of "numpy" changed'),
    ({"salt": "w"}, "another workspace"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_each_part_of_a_key_counts_and_is_explained(change: dict[str, object], said: str) -> None:
    old, new = parts(), parts(**change)
    assert old.key != new.key
    sentences = explain(old, new)
    assert len(sentences) == 1
    assert said in sentences[0]


def test_equal_parts_make_equal_keys_and_need_no_explanation() -> None:
    assert explain(parts(), parts()) == ()
    made = make_key(
        name="f", row_version=1, columns=[("a", "00"), ("b", "11")], n_rows=5,
        choices={"level": 0.95, "event": "1"}, versions={"numpy": "2"},
    )  # fmt: skip
    assert made == parts().key
    assert len(made) == 64


def test_keys_are_the_same_in_another_process_and_under_another_hash_seed() -> None:
    code = (
        "import json, sys; sys.path[:0] = ['.', 'tests/unit/utils'];"
        "from test_keys import base, parts, VALUES_THAT_DIFFER;"
        "from utils.keys import canonical, fingerprint_frame;"
        "print(json.dumps([fingerprint_frame(base()), parts().key,"
        " canonical(VALUES_THAT_DIFFER).hex()]))"
    )
    expected = [fingerprint_frame(base()), parts().key, canonical(VALUES_THAT_DIFFER).hex()]
    for seed in ("0", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert json.loads(done.stdout) == expected
