"""The variable table that an import proposes: kinds, order of levels, reference, unit, notes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ingest import propose_variables
from ingest.propose import known_order, unit_of


def propose(name: str, values) -> tuple:
    column = pd.Series(values)
    if column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
        column = column.astype("category")
    notes: list = []
    (variable,) = propose_variables(pd.DataFrame({name: column}), notes=notes)
    return variable, {note.code for note in notes}


@pytest.mark.parametrize(
    ("name", "values", "kind", "levels"),
    [
        ("dead", [0, 1, 0, 1], "binary", ("0", "1")),
        ("dead", [0.0, 1.0, np.nan, 1.0], "binary", ("0", "1")),
        ("sex", [1, 2, 2, 1], "binary", ("1", "2")),
        ("dose", [0.5, 1.5, 0.5, 1.5], "continuous", ()),
        ("age", [54, 61, 47, 33], "continuous", ()),
        ("parity", [0, 1, 2, 3, 0, 1], "continuous", ()),
        ("site", [1, 2, 10, 2, 1, 10], "categorical", ("1", "2", "10")),
        ("tumour stage", [1, 2, 3, 4, 1], "categorical", ("1", "2", "3", "4")),
        ("sex", ["M", "F", "M", None], "binary", ("F", "M")),
        ("responder", ["yes", "no", "no"], "binary", ("no", "yes")),
        ("arm", ["active", "control", "active"], "binary", ("control", "active")),
        ("drug", ["given", "not given", "given"], "binary", ("not given", "given")),
        ("pain", ["mild", "no pain", "severe", "mild"], "ordered", ("no pain", "mild", "severe")),
        ("stage", ["II", "I", "III", "I"], "ordered", ("I", "II", "III")),
        ("risk", ["High", "Low", "Medium"], "ordered", ("Low", "Medium", "High")),
        ("อาการ", ["มาก", "น้อย", "ปานกลาง"], "ordered", ("น้อย", "ปานกลาง", "มาก")),
        ("เสียชีวิต", ["ใช่", "ไม่ใช่", "ใช่"], "binary", ("ไม่ใช่", "ใช่")),
        ("week", ["w10", "w2", "w1", "w2"], "categorical", ("w1", "w2", "w10")),
        ("hn", ["00123", "00456", "00789"], "identifier", ()),
        ("Patient No", [101, 102, 103], "identifier", ()),
        ("study_id", [7, 8, 9], "identifier", ()),
        ("case", [0, 1, 0, 1], "binary", ("0", "1")),
        ("note", [f"text {i}" for i in range(30)], "identifier", ()),
        ("ward", [f"w{i % 9}" for i in range(30)], "categorical", tuple(f"w{i}" for i in range(9))),
    ],
)  # fmt: skip
def test_kind_and_levels(name, values, kind, levels):
    variable, _ = propose(name, values)
    assert (variable.kind, variable.levels) == (kind, levels)
    assert variable.label == name
    assert variable.reference == (levels[0] if levels else None)


def test_dates_are_dates():
    variable, _ = propose("seen", pd.to_datetime(["2024-01-31", "2024-02-01"]))
    assert variable.kind == "date"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("age (years)", "years"), ("crp [mg/L]", "mg/L"), ("Temp (°C)", "°C"), ("sat (%)", "%"),
        ("wbc (10^9/L)", "10^9/L"), ("died (yes/no)", ""), ("sex (1=male)", ""), ("score (0-10)", ""),
        ("age", ""), ("visit (2)", ""), ("(years) age", ""),
    ],
)  # fmt: skip
def test_units_are_read_from_names(name, unit):
    assert unit_of(name) == unit


@pytest.mark.parametrize(
    ("name", "values", "code"),
    [
        ("subject", [i // 3 for i in range(60)], "repeated_identifier"),
        ("site", [1, 2, 3, 1, 2], "codes_as_categories"),
        ("x", [1, 2, 3, 1, 2], "few_whole_numbers"),
        ("x", [5, 5, 5], "constant_column"),
        ("stage", ["I", "II", "III", "I"], "ordered_levels"),
        ("note", [f"text {i}" for i in range(30)], "proposed_identifier"),
    ],
)
def test_decisions_are_said(name, values, code):
    assert code in propose(name, values)[1]


def test_order_needs_every_level_of_one_scale():
    assert known_order(("mild", "severe", "purple")) == ()
    assert known_order(("I", "II", "i")) == ()
    assert known_order(("severe", "Mild", "none")) == ("none", "Mild", "severe")


def test_long_names_cost_nothing():
    for name in ("(" * 50_000, "a" * 50_000 + "(x)", "- " * 25_000, "patient" * 7_000):
        propose(name, [1, 2, 3, 1])


@pytest.mark.parametrize(
    ("name", "label", "unit"),
    [
        ("age (years)", "age", "years"),
        ("crp [mg/L]", "crp", "mg/L"),
        ("weight (kg) ", "weight", "kg"),
        ("(mmHg)", "(mmHg)", "mmHg"),
        ("dose", "dose", ""),
        ("score (old)", "score (old)", "old"),
    ],
)
def test_a_unit_is_said_once(name, label, unit):
    variable, _ = propose(name, [1.5, 2.5, 3.25])
    assert (variable.name, variable.label) == (name, label)
    assert variable.unit == unit
