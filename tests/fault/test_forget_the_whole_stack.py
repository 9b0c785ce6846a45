"""Forget my data through the whole stack: real files, real analyses, real tiers, one scan.

Canary texts stand in a level and in the name of a column, so that they travel into the file
store, the journal of the workspace, the results and the keys of the cost model alike.
"""

from __future__ import annotations

import asyncio
import functools
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import logic
from stats.result import Result
from tabs import arrival
from tabs.loaded import Loaded, Source
from tests.executors import soon
from utils.errors import WorkspaceGone
from utils.forget import Receipt
from utils.workspace import Visit

pytestmark = pytest.mark.fault

LEVEL = "CANARYlevel7f3a91c2"
COLUMN = "CANARYcolumn5be80d44"
FILE = "CANARYfile0c66d1aa.csv"
CANARIES = (LEVEL, COLUMN, FILE)
PASSWORD = "a secret of the tests, long enough"


def table(seed: int = 0) -> str:
    rows = [
        f"{40 + (i * 7 + seed) % 41},{(LEVEL, 'other')[i % 2]},{('no', 'yes')[(i * i) % 3 % 2]}"
        for i in range(240)
    ]
    return f"{COLUMN},arm,died\n" + "\n".join(rows) + "\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    logic.configure(settings(tmp_path))
    yield tmp_path
    logic.shutdown()


def settings(place: Path, **more: Any) -> logic.Settings:
    return logic.Settings(
        cache_dir=str(place / "cache"), cache_secret=PASSWORD, memory_budget_bytes=1 << 34, **more
    )


def come(page: str) -> Visit:
    return logic.desk().enter(None, page=page).visit


def open_file(visit: Visit, place: Path, seed: int = 0) -> Loaded:
    path = place / f"upload-{visit.page}.csv"
    path.write_text(table(seed))
    size = path.stat().st_size

    async def whose() -> str:
        return visit.workspace_id

    found = asyncio.run(arrival.read(Source(str(path), FILE, size), logic.ReadChoices(), 1, whose))
    assert isinstance(found, Loaded)
    assert not path.exists()  # the copy in the store is the only one
    return found


def analyse(visit: Visit, data: logic.Dataset, **more: Any) -> Result:
    asked = {"outcome": "died", "event": "yes", "predictors": [COLUMN, "arm"]} | more
    found = logic.attend("analyze_outcome", data, owner=visit.workspace_id, **asked)
    return (found.future.result(60) if isinstance(found, logic.Attendance) else found).result


def on_disk(place: Path) -> bytes:
    """Every byte of every file, names included: entries, SQLite with its log, journals, files."""
    paths = [p for p in sorted(place.rglob("*")) if p.is_file()]
    return b"\n".join(str(p.relative_to(place)).encode() + b"\0" + p.read_bytes() for p in paths)


def in_memory() -> bytes:
    """Results in the memory tier and among the jobs, and what workspaces hold."""
    bench = logic._current.get()
    jobs = vars(bench.desk.jobs)
    values = [slot.value for slot in bench.cache.memory.slots()]
    values += [j.value.result for kept in ("_ended", "_running") for j in jobs[kept].values()
               if j.value is not None]  # fmt: skip
    places = bench.desk.workspaces
    states = repr([places.state(name).plain() for name in places.ids()]).encode()
    return b"".join(bytes(bench.cache.codec.pack(value).payload) for value in values) + states


def standing(place: Path) -> dict[str, set[str]]:
    found = {"disk": on_disk(place), "memory": in_memory()}
    return {
        where: {canary for canary in CANARIES if canary.encode() in content}
        for where, content in found.items()
    }


NOWHERE: dict[str, set[str]] = {"disk": set(), "memory": set()}


def test_the_last_holder_takes_everything_along(place: Path) -> None:
    ann, bob = come("ann"), come("bob")
    theirs = [open_file(visit, place) for visit in (ann, bob)]
    assert theirs[0].dataset is theirs[1].dataset
    analyse(ann, theirs[0].dataset)
    analyse(ann, theirs[0].dataset, ci_level=0.9)
    analyse(bob, theirs[1].dataset)
    ann.change(lambda state: state.with_inputs("outcome", {"outcome": COLUMN, "event": LEVEL}))
    assert standing(place) == {"disk": set(CANARIES), "memory": set(CANARIES)}

    receipt = logic.desk().forget(ann)
    assert (receipt.datasets, receipt.shared_dataset) == (0, True)
    assert (receipt.results, receipt.shared_results) == (1, 1)
    assert receipt.cache_entries == 2  # one result in memory and on disk
    assert receipt.complete
    again = analyse(bob, theirs[1].dataset)
    assert again.n_used == 240
    assert standing(place) == {"disk": set(CANARIES), "memory": set(CANARIES)}

    receipt = logic.desk().forget(bob)
    assert (receipt.datasets, receipt.results, receipt.shared_dataset) == (1, 1, False)
    assert receipt.size_bytes > len(table())
    assert receipt.complete
    assert standing(place) == NOWHERE
    with pytest.raises(WorkspaceGone):
        logic.desk().forget(bob)
    assert logic.desk().enter(bob.token.reveal(), page="bob").gone


def test_nothing_comes_back_after_a_restart(place: Path) -> None:
    visit = come("ann")
    data = open_file(visit, place).dataset
    analyse(visit, data)
    logic.desk().forget(visit)
    logic.shutdown()
    assert on_disk(place).count(b"CANARY") == 0
    logic.configure(settings(place))
    assert logic.desk().workspaces.ids() == ()
    assert standing(place) == NOWHERE


def test_what_a_replaced_file_left_goes_and_an_expired_workspace_too(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = come("ann")
    analyse(visit, open_file(visit, place).dataset)
    before = {p.name for p in place.rglob("files/*")}
    open_file(visit, place, seed=1)
    after = {p.name for p in place.rglob("files/*")}
    assert len(before) == len(after) == 1
    assert before != after
    visit.leave()
    later = time.time() + 9 * 3_600
    monkeypatch.setitem(vars(logic.desk().workspaces), "_clock", lambda: later)
    logic.desk().sweep()
    assert standing(place) == NOWHERE


def test_a_file_that_is_still_read_when_its_workspace_goes_is_not_kept(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = come("ann")
    read = logic.import_file

    def forgotten_meanwhile(path: str, **more: Any) -> logic.Imported:
        found = read(path, **more)
        logic.desk().forget(visit)
        return found

    monkeypatch.setattr(logic, "import_file", forgotten_meanwhile)
    open_file(visit, place)
    assert standing(place) == NOWHERE


def test_nothing_is_kept_for_a_page_without_a_workspace(place: Path) -> None:
    path = place / "upload.csv"
    path.write_text(table())
    kept = logic.desk().keep_file(
        "a session", path, declared_bytes=None, name=FILE, read_choices={}
    )
    assert kept is None
    assert logic.desk().files.facts()["files"] == 0


def test_a_run_that_is_forgotten_in_its_last_moment_is_not_stored(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function has returned its result; only then is the workspace forgotten."""
    visit = come("ann")
    data = open_file(visit, place).dataset
    returned, go_on = threading.Event(), threading.Event()
    row = logic.CATALOGUE["analyze_outcome"]

    @functools.wraps(row.function)
    def slow(*args: Any, **kwargs: Any) -> Any:
        found = row.function(*args, **kwargs)
        returned.set()
        assert go_on.wait(20)
        return found

    monkeypatch.setitem(logic._catalogue.rows, "analyze_outcome", replace(row, function=slow))
    asked = {"outcome": "died", "event": "yes", "predictors": [COLUMN, "arm"]}
    found = logic.attend("analyze_outcome", data, owner=visit.workspace_id, **asked)
    assert isinstance(found, logic.Attendance)
    assert returned.wait(20)
    receipt = logic.desk().forget(visit)
    assert receipt.jobs == 1
    go_on.set()
    with pytest.raises(logic.Cancelled):
        found.future.result(20)
    lane = logic._current.get().executor
    assert soon(lambda: lane.snapshot().quick.running == 0)
    assert standing(place) == NOWHERE


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
def test_redis_forgets_too(tmp_path: Path) -> None:
    from tests.fault.test_cache_redis import Server as Redis

    redis = Redis(tmp_path)
    logic.configure(settings(tmp_path, redis_url=redis.url))
    try:
        visit = come("ann")
        analyse(visit, open_file(visit, tmp_path).dataset)

        def kept() -> bytes:
            return b"".join(redis.do("GET", name) for name in redis.do("KEYS", "clinstat:e:*"))

        assert LEVEL.encode() in kept()
        receipt: Receipt = logic.desk().forget(visit)
        assert receipt.cache_entries == 3
        assert kept() == b""
        assert standing(tmp_path) == NOWHERE
    finally:
        logic.shutdown()
        redis.stop()
