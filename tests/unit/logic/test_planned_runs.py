"""Plans of real analyses: within a factor of 3 on sizes that the model has not seen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import logic
from stats.outcome import prepare
from stats.work import design_columns, outcome_work
from tests.bench.clinical import clinical_frame

SEEN = ((400, 4), (400, 16), (2_000, 8), (2_000, 24), (8_000, 4), (8_000, 20), (20_000, 12))
UNSEEN = ((1_000, 10), (5_000, 40), (30_000, 8), (40_000, 32))


@pytest.fixture
def fresh(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("CACHE_DIR", str(tmp_path))
    logic.shutdown()
    yield
    logic.shutdown()


def choices(frame: pd.DataFrame, interval: str) -> dict[str, object]:
    return {"outcome": "died", "predictors": list(frame.columns[1:]), "interval": interval}


def plan_and_usual_time(n: int, p: int, interval: str) -> tuple[logic.Plan, float]:
    """The plan made before anything of this size ran; the median CPU seconds of three runs.

    One run alone may hold a collection of the whole process's memory, which no plan speaks of.
    """
    frames = [clinical_frame(n, p, seed=seed) for seed in (3, 4, 5)]
    plan = logic.plan("analyze_outcome", frames[0], **choices(frames[0], interval))
    taken = []
    for frame in frames:
        began = time.thread_time()
        logic.run("analyze_outcome", frame, **choices(frame, interval))
        taken.append(time.thread_time() - began)
    return plan, float(np.median(taken))


@pytest.mark.slow
@pytest.mark.parametrize("interval", ["wald", "profile"])
def test_a_calibrated_plan_is_right_within_a_factor_of_three(fresh, interval: str) -> None:
    for n, p in SEEN:
        frame = clinical_frame(n, p, seed=2)
        logic.run("analyze_outcome", frame, **choices(frame, interval))
    logic.shutdown()  # what was learnt is read from the file
    assert logic.run(
        "analyze_outcome", frame, **choices(frame, interval)
    )  # opens it: no part of a plan
    for n, p in UNSEEN:
        plan, taken = plan_and_usual_time(n, p, interval)
        assert taken / 3 < plan.seconds < taken * 3, (n, p, plan.seconds, taken)
        assert plan.fits
        assert plan.lane == "quick"


def test_a_wrong_choice_is_refused_in_the_plan_too(fresh) -> None:
    with pytest.raises(logic.BadInput, match="nobody"):
        logic.plan("analyze_outcome", clinical_frame(50, 3), outcome="nobody", predictors=["x0"])


def test_a_run_that_does_not_fit_is_refused_on_the_server_with_what_would(tmp_path) -> None:
    settings = replace(logic.Settings(), cache_dir=str(tmp_path), memory_budget_bytes=10_000_000)
    frame = clinical_frame(3_000, 20)
    asked = choices(frame, "profile") | {"method": "firth"}
    logic.configure(settings)
    try:
        plan = logic.plan("analyze_outcome", frame, **asked)
        assert not plan.fits
        assert plan.sentence.startswith("This work needs about ")
        with pytest.raises(logic.Overloaded, match="of memory"):
            logic.submit("analyze_outcome", frame, **asked).result(20)
    finally:
        logic.shutdown()


def test_columns_are_those_of_the_design() -> None:
    frame = pd.DataFrame({
        "a": [1.0, 2.0, 3.0, 4.0], "b": pd.Categorical(list("xyzx")), "c": ["u", "v", "u", "v"],
        "y": [0, 1, 1, 0],
    })  # fmt: skip
    dataset = logic.Dataset(frame)
    assert design_columns(dataset, ["a", "b", "c"]) == 1 + 2 + 1


def test_smaller_work_is_smaller() -> None:
    frame = clinical_frame(2_000, 20)
    dataset = logic.Dataset(frame)
    asked = {
        "event": None, "references": None, "exposure": None, "adjust": "all", "method": "firth",
        "ci_level": 0.95, "common_sample": False, "scale": None, "hosmer_lemeshow": False, "seed": 1,
        "splines": None, "cluster": None, "risk_measures": False, "subgroups": None,
    }  # fmt: skip
    complete = prepare(dataset, asked | choices(frame, "profile"))[1]
    works = outcome_work(dataset, complete)
    assert [w.variant for w in works] == ["firth", "profile", "wald", "wald", "wald", "wald"]
    seconds = [w.seconds for w in works]
    assert seconds == sorted(seconds, reverse=True)
    assert np.all(np.diff([w.size_bytes for w in works]) <= 0)
    assert all(w.words for w in works[1:])
