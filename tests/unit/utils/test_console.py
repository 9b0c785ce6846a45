"""The console: its numbers are the counters', its hands reach the caller's own things only."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

import logic
from config import Settings
from utils.console import Console, KeeperPass, Wanted

SECRET = "an-admin-secret-of-ours"
CANARY = "Zebediah Canaryson"


@pytest.fixture
def console(tmp_path) -> Iterator[Console]:
    logic.configure(
        Settings(
            cache_dir=str(tmp_path / "cache"), memory_budget_bytes=1 << 34, admin_secret=SECRET
        )
    )
    yield logic.console()
    logic.shutdown()


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return pd.DataFrame({CANARY: rng.normal(size=80), "died": rng.integers(0, 2, 80)})


def person() -> str:
    return logic.desk().enter(None, page="p").workspace_id


def ask(owner: str, frame: pd.DataFrame, **choices: object) -> logic.Run:
    given = {"outcome": "died", "event": "1", "predictors": [CANARY], **choices}
    found = logic.attend("analyze_outcome", frame, owner=owner, **given)
    return found.future.result(60) if isinstance(found, logic.Attendance) else found


def vif(owner: str, frame: pd.DataFrame) -> logic.Run:
    wider = frame.assign(other=np.arange(80.0))
    found = logic.attend("check_collinearity", wider, owner=owner, variables=[CANARY, "other"])
    return found.future.result(60) if isinstance(found, logic.Attendance) else found


def test_the_look_counts_what_the_cache_and_the_lanes_count(console, frame) -> None:
    me = person()
    for _ in range(3):
        ask(me, frame)
    vif(me, frame)
    look, status = console.look(me), logic.status()
    counted = status["cache"]["functions"]
    assert {name: f.calls for name, f in look.functions.items()} == {
        name: f["calls"] for name, f in counted.items()
    }
    outcome = look.functions["analyze_outcome"]
    assert (outcome.calls, outcome.computes, outcome.hits) == (3, 1, {"memory": 2})
    assert outcome.saved_seconds == counted["analyze_outcome"]["saved_seconds"]
    hit = look.latency["analyze_outcome"].hit
    assert hit is not None
    assert hit.total == 2
    memory, disk = look.tiers
    assert (memory.name, memory.entries) == ("memory", status["cache"]["memory"]["entries"])
    assert (disk.name, disk.entries) == ("disk", status["cache"]["tiers"]["disk"]["entries"])
    assert disk.entries == memory.entries == 2
    assert look.lanes.quick.finished == status["lanes"]["quick"]["finished"] == 2
    assert look.visits == look.workspaces == 1
    assert [run.name for run in look.lanes.runs] == ["analyze_outcome", "check_collinearity"]


def test_entries_are_listed_with_the_tiers_in_which_they_stand(console, frame) -> None:
    me = person()
    ask(me, frame)
    ask(me, frame)
    (entry,) = console.entries(me)
    assert entry.name == "analyze_outcome"
    assert entry.tiers == ("memory", "disk")
    assert entry.hits == 1
    first = entry
    logic._current.get().cache.memory.remove(lambda _: True)
    (entry,) = console.entries(me)
    assert entry.tiers == ("disk",)
    assert entry.hits is None
    # the head of the sealed entry tells the same as the live one did
    assert entry.cost_seconds == pytest.approx(first.cost_seconds, rel=1e-9)
    assert entry.created_at == pytest.approx(first.created_at)
    assert entry.expires_at == pytest.approx(first.expires_at)


def test_another_persons_entries_are_neither_shown_nor_cleared(console, frame) -> None:
    me, other = person(), person()
    ask(me, frame)
    ask(other, frame, ci_level=0.9)
    assert len(console.entries(me)) == 1
    (theirs,) = console.entries(other)
    assert console.clear(me, Wanted(handle=theirs.handle)).removed == 0
    assert console.clear(me, Wanted()).removed == 2  # mine, in memory and on disk
    assert console.entries(me) == ()
    assert console.entries(other) == (theirs,)
    before = console.look(me).functions["analyze_outcome"].computes
    ask(me, frame)  # nothing of it is left anywhere
    assert console.look(me).functions["analyze_outcome"].computes == before + 1
    assert console.entries("nobody") == ()
    assert console.clear("nobody", Wanted()).removed == 0


def test_what_another_holds_too_stays(console, frame) -> None:
    me, other = person(), person()
    ask(me, frame)
    ask(other, frame)
    found = console.clear(me, Wanted())
    assert (found.removed, found.shared) == (0, 1)
    assert len(console.entries(other)) == 1


def test_one_function_and_the_expired_alone(console, frame) -> None:
    me = person()
    ask(me, frame)
    vif(me, frame)
    assert console.clear(me, Wanted(expired=True)).removed == 0
    assert console.clear(me, Wanted(name="check_collinearity")).removed == 2
    assert [e.name for e in console.entries(me)] == ["analyze_outcome"]


def test_everything_only_with_the_secret(console, frame) -> None:
    me, other = person(), person()
    ask(other, frame)
    assert console.unlock("a wrong secret", me) is None
    forged = KeeperPass(me, 1e18)
    assert console.clear(me, Wanted(), forged).removed == 0
    assert console.entries(me, forged) == ()
    assert console.check(me, forged) is None
    held = console.unlock(SECRET, me)
    assert held is not None
    assert not console.is_keeper(other, held)  # a pass is its owner's alone
    assert len(console.entries(me, held)) == 1
    assert console.check(me, held) == []
    assert console.clear(me, Wanted(), held).removed == 2
    assert console.entries(other) == ()


def test_guesses_are_few_and_a_pass_ends(console) -> None:
    now = [0.0]
    mine = Console(logic._current.get(), SECRET, clock=lambda: now[0])
    for _ in range(10):
        assert mine.unlock("a guess", "me") is None
    assert mine.unlock(SECRET, "me") is None  # ten guesses were made
    now[0] += 60.0
    held = mine.unlock(SECRET, "me")
    assert mine.is_keeper("me", held)
    now[0] += 900.0
    assert not mine.is_keeper("me", held)


def test_without_a_secret_nobody_can_unlock(console) -> None:
    closed = Console(logic._current.get(), "")
    assert not closed.has_secret
    assert closed.unlock("", "me") is None


def test_a_job_is_shown_to_its_owner_and_stopped_by_him(console, frame) -> None:
    me, other = person(), person()
    gate, begun = threading.Event(), threading.Event()
    desk = logic.desk()
    request = logic.Request(key="ab" * 32, analysis="analyze_outcome")

    def start(cancel, _progress):
        def work():
            begun.set()
            gate.wait(20)
            cancel.check()

        return logic._current.get().executor.quick(work, owner=me, cancel=cancel)

    desk.begin(me, request, start)
    assert begun.wait(20)
    try:
        (job,) = console.look(me).jobs
        assert (job.name, console.look(other).jobs) == ("analyze_outcome", ())
        assert console.look(other).jobs_of_others == 1
        assert not console.stop(other, job.handle)
        assert console.stop(me, job.handle)
        assert console.look(me).jobs == ()
        assert not console.stop(me, job.handle)
    finally:
        gate.set()


def test_the_last_miss_is_explained_without_names_of_columns(console, frame) -> None:
    me = person()
    assert console.look(me).last_miss is None
    ask(me, frame)
    assert console.look(me).last_miss == ("analyze_outcome", ())
    ask(me, frame, ci_level=0.9)
    assert console.look(me).last_miss == ("analyze_outcome", ('The choice "ci_level" changed.',))
    other = frame.assign(**{CANARY: frame[CANARY] + 1})
    ask(me, other, ci_level=0.9)
    assert console.look(me).last_miss == ("analyze_outcome", ("It has other data in a column.",))
    logic._current.get().cache.clear(keys=[])
    assert CANARY not in repr(console.look(me)) + repr(console.entries(me))
