"""Tests, tables, ROC curves, strata and correlations through the front door: cache, key, script."""

from __future__ import annotations

import runpy
from pathlib import Path

import pandas as pd
import pytest

import logic
from presentation.code import code_of

EXAMPLE = Path(__file__).parents[3] / "examples" / "melanoma.csv"
CALLS = {
    "evaluate_test": {
        "test": "sex", "truth": "ulcer", "positive": 1, "event": 1, "prevalence": 0.2,
    },
    "two_by_two": {"exposure": "sex", "outcome": "ulcer", "exposed": 1, "event": 1},
    "evaluate_roc": {
        "truth": "ulcer", "markers": ["thickness", "age"], "event": 1,
        "direction": {"thickness": "higher", "age": "lower"}, "at_value": {"thickness": 2.5},
        "at_sensitivity": 0.9,
    },
    "stratify": {
        "exposure": "sex", "outcome": "ulcer", "stratum": "status", "exposed": 1, "event": 1,
    },
    "correlate": {"variables": ["age", "thickness"], "given": ["year"], "method": "spearman"},
}  # fmt: skip
TABLES = ("counts", "measures", "tests", "points", "summary", "chosen", "pairwise", "pairs")


@pytest.fixture(autouse=True)
def fresh(tmp_path):
    logic.configure(logic.Settings(cache_dir=str(tmp_path / "a"), memory_budget_bytes=1 << 34))
    yield
    logic.shutdown()


def tables(result):
    return {n: getattr(result, n) for n in TABLES if n in type(result).__dataclass_fields__}


def same(left, right):
    assert dict(left.choices) == dict(right.choices)
    for name, table in tables(left).items():
        pd.testing.assert_frame_equal(table, getattr(right, name), check_exact=True)


@pytest.mark.parametrize("name", CALLS)
def test_the_example_from_the_import_to_the_script(name, tmp_path):
    imported = logic.import_file(EXAMPLE)
    data = logic.Dataset(imported.frame, imported.variables)
    run = logic.run(name, data, **CALLS[name])
    assert (run.source, run.result.n_used) == ("computed", 205)
    again = logic.run(name, data, **CALLS[name])
    assert again.source == "memory"
    assert again.result is run.result
    same(logic.run(name, pd.read_csv(EXAMPLE), **CALLS[name]).result, run.result)

    script = tmp_path / "script.py"
    script.write_text(
        code_of(run.result, data_file=str(EXAMPLE), variables=list(imported.variables)),
        encoding="utf-8",
    )
    logic.configure(logic.Settings(cache_dir=str(tmp_path / "b"), memory_budget_bytes=1 << 34))
    repeated = runpy.run_path(str(script))["main"]()
    assert repeated is not run.result
    same(repeated, run.result)


@pytest.mark.parametrize("name", CALLS)
def test_results_come_back_from_disk_unchanged(name, tmp_path):
    data = pd.read_csv(EXAMPLE)
    first = logic.run(name, data, **CALLS[name]).result
    logic.configure(logic.Settings(cache_dir=str(tmp_path / "a"), memory_budget_bytes=1 << 34))
    again = logic.run(name, data, **CALLS[name])
    assert again.source == "disk"
    same(again.result, first)
    assert again.result.notes == first.notes


@pytest.mark.parametrize("name", CALLS)
def test_the_key_holds_what_matters_and_nothing_else(name):
    data = pd.read_csv(EXAMPLE)
    assert logic.run(name, data, **CALLS[name]).source == "computed"
    assert logic.run(name, data.assign(unused=1), **CALLS[name]).source == "memory"
    words = {k: str(v) if k in ("event", "positive", "exposed") else v
             for k, v in CALLS[name].items()}  # fmt: skip
    assert logic.run(name, data, **words).source == "memory"
    assert logic.run(name, data, **CALLS[name], ci_level=0.9).source == "computed"
    changed = data.assign(thickness=data["thickness"] + 1, sex=1 - data["sex"])
    assert logic.run(name, changed, **CALLS[name]).source == "computed"


@pytest.mark.parametrize("name", CALLS)
def test_the_plan_knows_its_work(name):
    plan = logic.plan(name, pd.read_csv(EXAMPLE), **CALLS[name])
    assert 0 < plan.seconds < 1.0
