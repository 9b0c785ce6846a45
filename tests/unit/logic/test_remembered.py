"""What is remembered comes without a lane; what is cancelled stops, and nothing is left over."""

from __future__ import annotations

import random
import threading
import time

import numpy as np
import pandas as pd
import psutil
import pytest

import logic
from tabs.turn import Turn
from tests.bench.clinical import clinical_frame
from tests.executors import soon


def small(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=200)
    return pd.DataFrame({"x": x, "y": (rng.random(200) < 1 / (1 + np.exp(-x))).astype(float)})


def ask(seed: int) -> dict[str, object]:
    return {"outcome": "y", "predictors": ["x"], "event": 1}


@pytest.fixture
def bench():
    logic.shutdown()
    yield logic._current.get()
    logic.shutdown()


def quick(bench):
    return bench.executor.snapshot().quick


def test_nothing_is_remembered_of_a_new_question(bench) -> None:
    assert logic.remembered("analyze_outcome", small(1), **ask(1)) is None
    assert bench.cache.snapshot()["functions"] == {}


def test_a_repeat_is_answered_while_the_lane_is_taken(bench) -> None:
    data = logic.Dataset(small(int(time.time())))
    first = logic.submit("analyze_outcome", data, **ask(2)).result(20)
    release = threading.Event()
    blocker = bench.executor.quick(release.wait, 20)
    assert soon(lambda: quick(bench).running == 1)
    waiting = logic.submit("analyze_outcome", data, **(ask(2) | {"ci_level": 0.9}))
    again = logic.in_passing(logic.remembered, "analyze_outcome", data, **ask(2)).result(5)
    assert not waiting.done()
    release.set()
    assert blocker.result(5)
    waiting.result(20)
    assert again is not None
    assert again.source == "memory"
    assert again.result is first.result
    facts = bench.cache.snapshot()["functions"]["analyze_outcome"]
    assert facts["calls"] == 3
    assert facts["hits"].get("memory") == 1
    assert bench.cache.check() == []


def test_a_wrong_choice_is_refused_before_any_lane(bench) -> None:
    with pytest.raises(logic.BadInput, match="nobody"):
        logic.remembered("analyze_outcome", small(3), outcome="nobody", predictors=["x"])
    assert quick(bench).started == 0


def test_what_waits_is_dropped_when_it_is_cancelled(bench) -> None:
    release = threading.Event()
    blocker = bench.executor.quick(release.wait, 20)
    assert soon(lambda: quick(bench).running == 1)
    cancel = logic.CancelToken()
    waiting = logic.submit("analyze_outcome", small(4), cancel=cancel, **ask(4))
    cancel.cancel()
    with pytest.raises(logic.Cancelled):
        waiting.result(1)
    release.set()
    blocker.result(5)
    assert quick(bench).started == 1


@pytest.mark.slow
def test_fifty_cancels_at_random_moments_leave_nothing_running(bench) -> None:
    random.seed(4)
    frame = clinical_frame(60_000, 40, seed=random.randrange(2**30))
    data = logic.Dataset(frame)
    names = [c for c in frame.columns if c != "died"]
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    stopped = 0
    for number in range(50):
        cancel = logic.CancelToken()
        future = logic.submit(
            "analyze_outcome", data, cancel=cancel, outcome="died", predictors=names,
            ci_level=0.9 + number / 1000,
        )  # fmt: skip
        time.sleep(random.random() * 0.15)
        cancel.cancel()
        try:
            future.result(1)
        except logic.Cancelled:
            stopped += 1
    cancelled = time.monotonic()
    assert soon(lambda: quick(bench).running == 0 and quick(bench).queued == 0, 1.0)
    idle_after = time.monotonic() - cancelled
    used = psutil.Process().cpu_times()
    time.sleep(0.5)
    now = psutil.Process().cpu_times()
    assert stopped > 25  # else nothing was tried
    assert idle_after < 1.0
    assert (now.user + now.system) - (used.user + used.system) < 0.25
    assert bench.cache.snapshot()["running"] == 0
    assert {p.pid for p in psutil.Process().children(recursive=True)} <= before
    # the lane is as good as new, and nobody else's question suffered
    assert logic.submit("analyze_outcome", small(5), **ask(5)).result(20).result.n_rows == 200


def test_a_cancelled_owner_does_not_take_a_waiting_caller_along(bench) -> None:
    frame = clinical_frame(20_000, 20, seed=int(time.time()))
    names = [c for c in frame.columns if c != "died"]
    data = logic.Dataset(frame)
    cancel = logic.CancelToken()
    choices = {"outcome": "died", "predictors": names}
    owner = logic.submit("analyze_outcome", data, cancel=cancel, **choices)
    assert soon(lambda: bench.cache.snapshot()["running"] == 1)
    other: list[logic.Run] = []
    thread = threading.Thread(
        target=lambda: other.append(logic.run("analyze_outcome", data, **choices))
    )
    thread.start()
    cancel.cancel()
    thread.join(20)
    with pytest.raises(logic.Cancelled):
        owner.result(1)
    assert other[0].result.n_rows == 20_000


def test_only_the_last_run_that_was_not_stopped_may_speak() -> None:
    turn = Turn()
    first = turn.begin()
    second = turn.begin()
    assert not turn.has(first)
    assert turn.has(second)
    turn.key = "job"
    assert turn.stop() == "job"
    assert not turn.has(second)
    assert turn.stop() is None
    assert turn.has(turn.begin())
