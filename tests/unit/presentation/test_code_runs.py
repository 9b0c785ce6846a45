"""The script of a result, run from scratch, gives the same result to the last bit."""

from __future__ import annotations

import runpy

import numpy as np
import pandas as pd
import pytest

import logic
from presentation.code import code_of

NAME = 'he said "x; y"'


@pytest.fixture
def data_file(tmp_path):
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            NAME: rng.normal(60, 10, 120).round(1),
            "arm": rng.choice(["old", "new", "other"], 120),
            "died": np.where(rng.random(120) < 0.35, "yes", "no"),
        }
    )
    path = tmp_path / "trial '1'.csv"
    frame.to_csv(path, index=False)
    return path


def use_empty_cache(directory):
    directory.mkdir()
    logic.configure(logic.Settings(cache_dir=str(directory), memory_budget_bytes=1 << 34))


@pytest.fixture
def fresh():
    yield
    logic.shutdown()


@pytest.mark.usefixtures("fresh")
def test_the_script_repeats_the_result_bit_for_bit(data_file, tmp_path):
    use_empty_cache(tmp_path / "first")
    imported = logic.import_file(data_file)
    variables = [
        logic.Variable(name=v.name, kind=v.kind, levels=("old", "new", "other"), reference="old")
        if v.name == "arm" else v
        for v in imported.variables
    ]  # fmt: skip
    data = logic.Dataset(imported.frame, variables)
    result = logic.analyze_outcome(
        data, outcome="died", event="yes", predictors=[NAME, "arm"], scale={NAME: 10}, ci_level=0.9
    )
    script = tmp_path / "script.py"
    script.write_text(code_of(result, data_file=str(data_file), variables=variables))
    use_empty_cache(tmp_path / "second")
    again = runpy.run_path(str(script))["main"]()
    assert again is not result
    assert dict(again.choices) == dict(result.choices)
    for part in ("crude", "adjusted"):
        for name in ("effects", "fit"):
            ours = getattr(again, part).table(name).columns
            theirs = getattr(result, part).table(name).columns
            assert [c.data for c in ours] == [c.data for c in theirs]


@pytest.mark.usefixtures("fresh")
def test_the_choices_of_the_import_are_repeated(data_file, tmp_path):
    use_empty_cache(tmp_path / "cache")
    reading = {"header_row": 1, "missing_words": ("old",)}
    imported = logic.import_file(data_file, choices=logic.ReadChoices(**reading))
    data = logic.Dataset(imported.frame, imported.variables)
    result = logic.analyze_outcome(data, outcome="died", event="yes", predictors=[NAME, "arm"])
    # Without these choices of the import no cell would be missing.
    assert sum(result.exclusions.values()) > 30
    script = tmp_path / "script.py"
    script.write_text(code_of(result, data_file=str(data_file), reading=reading))
    assert runpy.run_path(str(script))["main"]().exclusions == result.exclusions


@pytest.mark.usefixtures("fresh")
def test_the_script_of_a_validation_draws_the_same_resamples(data_file, tmp_path):
    use_empty_cache(tmp_path / "first")
    imported = logic.import_file(data_file)
    data = logic.Dataset(imported.frame, imported.variables)
    result = logic.validate_outcome_model(
        data, outcome="died", event="yes", predictors=[NAME, "arm"], references={"arm": "old"},
        quality="preview", seed=11,
    )  # fmt: skip
    script = tmp_path / "script.py"
    script.write_text(code_of(result, data_file=str(data_file), variables=imported.variables))
    assert "print(main().measures.to_string())" in script.read_text()
    use_empty_cache(tmp_path / "second")
    again = runpy.run_path(str(script))["main"]()
    for name in ("measures", "calibration", "decision", "groups"):
        ours, theirs = again.table(name).columns, result.table(name).columns
        assert [c.data for c in ours] == [c.data for c in theirs]
