"""The scripts of cohort tables and comparisons give the same results to the last bit."""

from __future__ import annotations

import runpy

import numpy as np
import pandas as pd
import pytest

import logic
from presentation.code import code_of

NAME = 'lab "x; y"'
CASES = [
    ("describe_cohort", {"group": "arm", "tests": True, "statistics": {NAME: "median"}}),
    ("compare_groups", {"value": (NAME, "later")}),
    ("compare_groups", {"value": "dead", "group": "arm", "event": "yes"}),
]
TABLES = {
    "describe_cohort": ("summary", "tests", "balance"),
    "compare_groups": ("summary", "tests", "effects", "pairwise", "checks", "points"),
}


@pytest.fixture
def data_file(tmp_path):
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            NAME: rng.lognormal(1, 1, 90).round(2),
            "later": rng.lognormal(1, 1, 90).round(2),
            "arm": rng.choice(["old", "new", "other"], 90),
            "dead": np.where(rng.random(90) < 0.35, "yes", "no"),
        }
    )
    path = tmp_path / "cohort.csv"
    frame.to_csv(path, index=False)
    return path


def test_the_scripts_repeat_the_results_bit_for_bit(data_file, tmp_path):
    try:
        use_empty_cache(tmp_path / "first")
        imported = logic.import_file(data_file)
        data = logic.Dataset(imported.frame, imported.variables)
        results = [logic.run(name, data, **choices).result for name, choices in CASES]
        use_empty_cache(tmp_path / "second")
        for i, result in enumerate(results):
            script = tmp_path / f"script{i}.py"
            script.write_text(
                code_of(result, data_file=str(data_file), variables=imported.variables)
            )
            again = runpy.run_path(str(script))["main"]()
            assert again is not result
            assert dict(again.choices) == dict(result.choices)
            for table in TABLES[result.analysis]:
                ours, theirs = again.table(table).columns, result.table(table).columns
                assert [c.data for c in ours] == [c.data for c in theirs]
    finally:
        logic.shutdown()


def use_empty_cache(directory):
    directory.mkdir()
    logic.configure(logic.Settings(cache_dir=str(directory), memory_budget_bytes=1 << 34))
