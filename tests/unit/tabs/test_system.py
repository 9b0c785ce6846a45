"""The panel shows the counters' numbers, names what is amiss, and no data at all."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from shiny.ui import TagList

import logic
from config import Settings
from tabs import (
    system_charts,
    system_entry_table,
    system_functions,
    system_states,
    system_tiles,
    system_warnings,
    system_work,
)
from tabs.words import binary_words, duration_words, long_words

CANARY = "Zebediah Canaryson"


@pytest.fixture
def person(tmp_path) -> Iterator[str]:
    logic.configure(Settings(cache_dir=str(tmp_path / "cache"), memory_budget_bytes=1 << 34))
    yield logic.desk().enter(None, page="p").workspace_id
    logic.shutdown()


def ask(owner: str, **choices: object) -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({CANARY: rng.normal(size=80), "died": rng.integers(0, 2, 80)})
    given = {"outcome": "died", "event": "1", "predictors": [CANARY], **choices}
    found = logic.attend("analyze_outcome", frame, owner=owner, **given)
    if isinstance(found, logic.Attendance):
        found.future.result(60)


def look_of(owner: str) -> logic.Look:
    bench = logic._current.get()
    bench.monitor.check()
    bench.history.tick()
    return logic.console().look(owner)


def tile(look: logic.Look, title: str) -> system_tiles.Tile:
    (found,) = [t for t in system_tiles.tiles_of(look) if t.title == title]
    return found


def test_the_tiles_are_the_counters(person: str) -> None:
    for level in (0.95, 0.95, 0.95, 0.9):
        ask(person, ci_level=level)
    look, status = look_of(person), logic.status()
    counted = status["cache"]["functions"]["analyze_outcome"]
    assert (counted["calls"], counted["hits"]) == (4, {"memory": 2})
    assert tile(look, "Hit rate").value == "50 %"
    assert tile(look, "Hit rate").note == "2 of 4 calls"
    assert tile(look, "Computing time saved").value == duration_words(counted["saved_seconds"])
    assert tile(look, "Entries in memory").value == str(status["cache"]["memory"]["entries"])
    assert tile(look, "Entries on disk").value == str(status["cache"]["tiers"]["disk"]["entries"])
    memory = status["memory"]
    assert tile(look, "Memory of the server").value == binary_words(memory["used_bytes"])
    assert tile(look, "Memory of the server").state == "good"
    assert (
        tile(look, "Quick lane").note
        == f"0 in the queue; {status['lanes']['quick']['finished']} done"
    )
    assert tile(look, "Open pages").value == "1"
    assert tile(look, "Retries").note == "of 2 runs; 0 recovered"
    (row,) = system_functions.function_rows(look)
    assert (row.name, row.calls, row.hits, row.computes) == ("analyze_outcome", 4, 2, 2)
    assert row.hit_rate == "50 %"
    assert row.state == "good"


def test_a_server_that_just_started_shows_dashes(person: str) -> None:
    look = look_of(person)
    assert tile(look, "Hit rate").value == "–"
    assert tile(look, "Computing time saved").value == "–"
    assert system_functions.function_rows(look) == ()
    assert system_work.run_rows(look) == ()
    assert system_warnings.warnings_of(look) == ()
    for chart in system_charts.charts_of(look):
        data = system_charts.drawn(chart)
        assert np.isfinite([data["low"], data["high"]]).all()


def everything(look: logic.Look, owner: str) -> str:
    entries = system_entry_table.entry_rows(logic.console().entries(owner), look.at)
    parts = TagList(
        system_tiles.tiles_view(system_tiles.tiles_of(look)),
        system_charts.charts_view(system_charts.charts_of(look)),
        system_functions.functions_view(system_functions.function_rows(look)),
        system_work.jobs_view(system_work.job_rows(look), look.jobs_of_others, "stop"),
        system_work.runs_view(system_work.run_rows(look)),
        system_work.miss_view(look.last_miss),
        system_entry_table.entries_view(entries, "one"),
    )
    return str(parts)


def test_no_name_of_a_column_no_key_and_no_token_stands_in_the_html(person: str) -> None:
    for level in (0.95, 0.95, 0.9):
        ask(person, ci_level=level)
    look = look_of(person)
    html = everything(look, person)
    assert "analyze_outcome" in html
    assert "ci_level" in html  # a choice of ours, not of theirs
    state = logic.desk().workspaces.state(person)
    for secret in (CANARY, "Zebediah", "died", person, *state.keys, "nan", "inf", "Traceback"):
        assert secret not in html


def test_what_is_amiss_is_said_with_a_remedy(person: str) -> None:
    look = look_of(person)
    memory, disk = look.tiers
    redis = dataclasses.replace(disk, name="redis", benched=True, entries=None, size_bytes=None)
    ill = dataclasses.replace(
        look,
        tiers=(
            memory, redis,
            dataclasses.replace(disk, benched=True, full=2, corrupt=1, owed_clears=1),
        ),
        memory=dataclasses.replace(look.memory, level=type(look.memory.level)(2)),
        retry={**look.retry, "budget used up": 1},
    )  # fmt: skip
    lines = system_warnings.warnings_of(ill)
    told = " ".join(cause for _, cause, _ in lines)
    for words in ("on disk does not work", "Redis does not answer", "was full 2 times",
                  "1 damaged entry of the disk tier was found", "not deleted yet", "85 %",
                  "not tried again"):  # fmt: skip
        assert words in told
    assert all(remedy for _, _, remedy in lines)
    assert {severity for severity, _, _ in lines} <= {"warning", "caution"}
    assert tile(ill, "Redis").note == "left out for now"
    assert tile(ill, "Memory of the server").state == "act"


@pytest.mark.parametrize(
    ("hits", "calls", "state"),
    [(19, 19, None), (10, 20, "good"), (9, 20, "watch"), (4, 20, "watch"), (3, 20, "act")],
)
def test_the_limits_of_the_hit_rate(hits: int, calls: int, state: str | None) -> None:
    assert system_states.hit_rate_state(hits, calls) == state


def test_the_limits_of_memory_and_time() -> None:
    shares = (0.69, 0.70, 0.8499, 0.85, 1.2)
    assert [system_states.memory_state(s) for s in shares] == [
        "good", "watch", "watch", "act", "act",
    ]  # fmt: skip
    assert [system_states.state_up_to(s, (0.1, 1.0)) for s in (0.1, 0.11, 1.0, 1.01)] == [
        "good", "watch", "watch", "act",
    ]  # fmt: skip
    assert system_states.worse("good", None, "act", "watch") == "act"
    assert system_states.worse(None, None) is None


def test_charts_show_each_interval_against_its_limits(person: str) -> None:
    look = look_of(person)
    (first,) = look.samples
    samples = [
        dataclasses.replace(
            first, at_seconds=look.now_seconds - age, calls=calls, hits=hits, used_bytes=used << 20
        )
        for age, calls, hits, used in (
            (30, 0, 0, 100),
            (20, 4, 1, 200),
            (10, 4, 1, 290),
            (0, 10, 7, 150),
        )
    ]
    rate, memory, _, _ = system_charts.charts_of(
        dataclasses.replace(
            look, samples=tuple(samples),
            memory=dataclasses.replace(look.memory, budget_bytes=300 << 20),
        )
    )  # fmt: skip
    # no calls between 20 and 10 s ago: no rate
    assert rate.series["Hit rate"] == ((20, 25.0, 25.0), (0, 100.0, 100.0))
    assert [v for _, v, _ in memory.series["Memory"]] == [100, 200, 290, 150]
    assert memory.alt == "Memory of the server. Memory: now 150 MB, least 100 MB, most 290 MB."
    data = json.loads(json.dumps(system_charts.drawn(memory), allow_nan=False))
    assert data["limits"] == pytest.approx([210.0, 255.0])
    assert (data["low"], data["high"], data["span"]) == (0.0, 300.0, 600.0)
    assert data["series"][0]["last"] == "150 MB"


def test_runs_are_told_by_phase_newest_first(person: str) -> None:
    ask(person)
    ask(person, ci_level=0.9)
    look = look_of(person)
    rows = system_work.run_rows(look)
    assert [row[:3] for row in rows] == [("analyze_outcome", "quick", "done")] * 2
    newest = look.lanes.runs[-1]
    assert rows[0][6] == duration_words(newest.compute_seconds)
    assert system_work.work_words("ingest:read_table") == "reading a file"
    assert system_work.work_words("Runs.submit.<locals>.work") == "other work"


def test_the_words_of_entries_and_of_clearing() -> None:
    entry = logic.EntryFacts(
        key="ab" * 32, name="f", size_bytes=3 << 20, created_at=1_000.0, expires_at=4_600.0,
        cost_seconds=1.5, hits=7, tiers=("memory", "disk"),
    )  # fmt: skip
    gone = dataclasses.replace(entry, expires_at=1_100.0, cost_seconds=None, hits=None)
    rows = system_entry_table.entry_rows([entry, gone], 1_120.0)
    assert rows[0].cells == ("2 min", "58 min", "3.0 MB", "1.5 s", "7", "memory, disk")
    assert rows[1].cells[1] == "expired"
    assert rows[1].cells[3:5] == ("–", "–")
    assert rows[0].handle != entry.key[:16]
    assert system_entry_table.cleared_words(logic.Cleared(removed=0)) == "Nothing was cleared."
    told = system_entry_table.cleared_words(logic.Cleared(removed=2, shared=1))
    assert told.startswith("2 entries cleared")
    assert told.endswith("1 entry stays, because another workspace holds the same.")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3_600, "1 h"),
        (7_500, "2 h 5 min"),
        (604_800, "7 days"),
    ],
)
def test_long_spans_in_words(seconds: float, words: str) -> None:
    assert long_words(seconds) == words


def test_a_disk_that_fails_is_named_and_the_look_still_comes(
    person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(person)
    (guarded,) = logic._current.get().cache.lower

    def broken() -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(guarded.tier, "facts", broken)
    monkeypatch.setattr(guarded.tier, "listed", lambda *_: broken())
    look = look_of(person)
    assert tile(look, "Entries on disk").value == "–"
    assert tile(look, "Entries on disk").state == "act"
    ((severity, cause, remedy),) = system_warnings.warnings_of(look)
    assert severity == "warning"
    assert "on disk does not work" in cause
    assert "CACHE_DIR" in remedy
    (entry,) = logic.console().entries(person)
    assert entry.tiers == ("memory",)
