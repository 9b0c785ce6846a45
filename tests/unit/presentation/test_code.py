"""The script of a result: which table it prints, which columns it describes."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import pytest

import logic
from presentation.code import code_of
from stats.frozen import FrameField
from stats.result import (
    RESULT_CLASSES,
    AccuracyResult,
    CorrelationResult,
    CurveResult,
    OutcomeResult,
    Result,
)
from tests.unit.presentation.build import effects_result, fit_row, outcome_result

PRINTED = [c for c in RESULT_CLASSES if isinstance(c, type) and issubclass(c, Result)]
EMPTY = {"analysis": "a", "choices": {}, "n_rows": 0, "n_used": 0}


def table_named(script: str) -> str:
    last = script.strip().splitlines()[-1]
    return last.removeprefix("    print(main().").removesuffix(".to_string())")


@pytest.mark.parametrize("kind", PRINTED)
def test_every_class_of_result_has_a_table_that_the_script_prints(kind):
    script = code_of(blank(kind), data_file="d.csv")
    ast.parse(script)
    first, *rest = table_named(script).split(".")
    if rest:  # crude and adjusted hold effects
        assert first == "adjusted"
        assert rest == ["effects"]
    else:
        assert isinstance(vars(kind).get(first), FrameField)


def blank(kind):
    """A result of that class with empty tables, not checked by its class."""
    made = object.__new__(kind)
    for name, value in EMPTY.items():
        object.__setattr__(made, name, value)
    return made


@dataclass(frozen=True, kw_only=True, eq=False)
class Unknown(Result):
    pass


def test_a_class_that_nobody_knows_is_refused():
    with pytest.raises(TypeError, match="Unknown"):
        code_of(Unknown(**EMPTY), data_file="d.csv")


def test_the_tables_that_are_printed():
    assert table_named(code_of(outcome_result(), data_file="d")) == "adjusted.effects"
    assert table_named(code_of(effects_result([], [fit_row("x")]), data_file="d")) == "effects"
    for kind, table in (
        (CurveResult, "summary"),
        (AccuracyResult, "measures"),
        (CorrelationResult, "pairs"),
    ):
        assert table_named(code_of(blank(kind), data_file="d")) == table
    assert OutcomeResult in PRINTED


@pytest.mark.parametrize(
    "choices",
    [
        {"value": "v1"}, {"predictors": ("v1", "v2")}, {"references": {"v1": "a"}},
        {"splines": {"v1": 4}}, {"compare": (("v1", "v2"), ("v3", "v4"))},
        {"show": {"median": ("v1",)}}, {"scale": {"other": "v1"}}, {"deep": {"a": {"b": ["v1"]}}},
    ],
)  # fmt: skip
def test_columns_are_found_wherever_they_stand_in_the_choices(choices):
    result = object.__new__(CurveResult)
    for name, value in {**EMPTY, "choices": choices}.items():
        object.__setattr__(result, name, value)
    variables = [logic.Variable(name=n, kind="continuous") for n in ("v1", "unused")]
    script = code_of(result, data_file="d.csv", variables=variables)
    ast.parse(script)
    assert "logic.Variable(name='v1'" in script
    assert "unused" not in script
