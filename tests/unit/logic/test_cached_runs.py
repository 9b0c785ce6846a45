"""How the catalogue uses the cache: labels, explanations, scope, warm-up."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import logic
from config import SettingError, Settings
from tabs import examples


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    x = rng.normal(size=120)
    y = (rng.random(120) < 1 / (1 + np.exp(-x))).astype(float)
    return pd.DataFrame({"y": y, "x": x, "z": rng.normal(size=120)})


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path) -> Iterator[Settings]:
    # the process of the tests has loaded far more than a server does: its budget is its own
    settings = Settings(cache_dir=str(tmp_path), memory_budget_bytes=1 << 34)
    logic.configure(settings)
    yield settings
    logic.shutdown()


def ask(frame: pd.DataFrame, owner: str, **choices: object) -> logic.Run:
    given = {"outcome": "y", "predictors": ("x",), "event": 1, **choices}
    return logic.submit("analyze_outcome", frame, owner=owner, **given).result(60)


def test_a_shared_scope_answers_everybody_from_one_entry(frame: pd.DataFrame) -> None:
    assert ask(frame, "a").source == "computed"
    assert ask(frame, "b").source == "memory"


def test_a_workspace_scope_keeps_entries_apart(frame: pd.DataFrame, own_cache: Settings) -> None:
    logic.configure(dataclasses.replace(own_cache, cache_scope="workspace"))
    given = {"outcome": "y", "predictors": ("x",), "event": 1}
    assert ask(frame, "a").source == "computed"
    assert ask(frame, "b").source == "computed"
    assert ask(frame, "a").source == "memory"
    assert logic.remembered("analyze_outcome", frame, owner="c", **given) is None
    assert logic.remembered("analyze_outcome", frame, owner="b", **given) is not None


def test_a_row_may_have_a_time_to_live_of_its_own(
    frame: pd.DataFrame, own_cache: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = logic.CATALOGUE["analyze_outcome"]
    never = dataclasses.replace(row, ttl_seconds=0.0)
    monkeypatch.setitem(logic._catalogue.rows, "analyze_outcome", never)
    assert [ask(frame, "a").source for _ in range(2)] == ["computed", "computed"]


def test_an_unknown_scope_is_refused() -> None:
    with pytest.raises(SettingError, match="CACHE_SCOPE"):
        Settings.from_env({"CACHE_SCOPE": "everyone"})


def test_a_result_survives_a_restart_on_disk(frame: pd.DataFrame, own_cache: Settings) -> None:
    ask(frame, "")
    logic.configure(own_cache)
    again = ask(frame, "")
    assert again.source == "disk"


def test_levels_and_number_types_name_one_entry(frame: pd.DataFrame) -> None:
    assert ask(frame, "", event=1).source == "computed"
    assert ask(frame, "", event="1").source == "memory"
    assert ask(frame, "", event=1.0).source == "memory"
    assert ask(frame, "", predictors=["x"]).source == "memory"
    assert ask(frame, "", predictors=["x", "z"]).source == "computed"
    assert ask(frame, "", ci_level=0.9).source == "computed"


def test_one_changed_cell_is_another_entry(frame: pd.DataFrame) -> None:
    ask(frame, "")
    changed = frame.copy()
    changed.loc[60, "x"] += 1e-12
    assert ask(changed, "").source == "computed"
    changed = frame.copy()
    changed.loc[60, "z"] += 1.0  # not used by the analysis
    assert ask(changed, "").source == "memory"


def test_examples_can_be_computed_ahead() -> None:
    calls = examples.ahead()
    assert len(calls) == len(examples.catalogue())
    logic.warm_up(calls[:1])
    example = examples.catalogue()[0]
    read = logic.import_file(example.path)
    dataset = logic.shared_dataset(read.frame, read.variables)
    assert example.suggestion is not None
    given = {
        "outcome": example.suggestion.outcome, "event": example.suggestion.event,
        "predictors": example.suggestion.predictors,
    }  # fmt: skip
    deadline = time.monotonic() + 30
    found = None
    while found is None and time.monotonic() < deadline:
        found = logic.remembered("analyze_outcome", dataset, **given)
        time.sleep(0.05)
    assert found is not None
    assert found.source == "memory"
