"""Survival through the front door: the example as imported, the cache, the script."""

from __future__ import annotations

import runpy
from pathlib import Path

import pandas as pd
import pytest

import logic
from presentation.code import code_of

EXAMPLE = Path(__file__).parents[3] / "examples" / "melanoma.csv"
TABLES = ("points", "summary", "chosen", "tests", "pairwise")
CALLS = {
    "estimate_survival": {"event_level": 1, "group": "ulcer", "times": [365, 1825], "tau": 3650},
    "estimate_incidence": {"censored": 2, "group": "sex", "times": [1825]},
}


@pytest.fixture(autouse=True)
def fresh(tmp_path):
    logic.configure(logic.Settings(cache_dir=str(tmp_path / "a"), memory_budget_bytes=1 << 34))
    yield
    logic.shutdown()


def call(name, data, **more):
    return logic.run(name, data, time="time", event="status", **{**CALLS[name], **more})


@pytest.mark.parametrize("name", CALLS)
def test_the_example_with_the_import_s_own_variable_table(name, tmp_path):
    imported = logic.import_file(EXAMPLE)
    data = logic.Dataset(imported.frame, imported.variables)
    run = call(name, data)
    assert run.source == "computed"
    assert run.result.n_used == 205
    again = call(name, data)
    assert (again.source, again.result) == ("memory", run.result)
    plain = call(name, pd.read_csv(EXAMPLE)).result
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(plain, table), getattr(run.result, table))

    script = tmp_path / "script.py"
    script.write_text(
        code_of(run.result, data_file=str(EXAMPLE), variables=list(imported.variables)),
        encoding="utf-8",
    )
    logic.configure(logic.Settings(cache_dir=str(tmp_path / "b"), memory_budget_bytes=1 << 34))
    repeated = runpy.run_path(str(script))["main"]()
    assert repeated is not run.result
    assert dict(repeated.choices) == dict(run.result.choices)
    for table in TABLES:
        left, right = getattr(repeated, table), getattr(run.result, table)
        pd.testing.assert_frame_equal(left, right, check_exact=True)


@pytest.mark.parametrize("name", CALLS)
def test_levels_and_groups_are_part_of_the_key(name):
    data = pd.read_csv(EXAMPLE)
    assert call(name, data).source == "computed"
    assert call(name, data.assign(age=0)).source != "computed"
    changed = {"estimate_survival": {"event_level": "3"}, "estimate_incidence": {"causes": [1, 3]}}
    other = call(name, data, **changed[name])
    same_answer = name == "estimate_incidence"  # the same causes, said in another way
    assert (other.source != "computed") == same_answer
    permuted = data.assign(ulcer=data["ulcer"].iloc[::-1].to_numpy(),
                           sex=data["sex"].iloc[::-1].to_numpy())  # fmt: skip
    assert call(name, permuted).source == "computed"


@pytest.mark.parametrize("name", CALLS)
def test_the_plan_knows_its_work(name):
    plan = logic.plan(name, pd.read_csv(EXAMPLE), time="time", event="status", **CALLS[name])
    assert plan.seconds < 1.0
