"""Forget my data: afterwards nothing of it stands in memory, in any directory or on Redis."""

from __future__ import annotations

import logging
import shutil
import threading
import traceback
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fault.cache_faults import SECRET, key, open_at
from utils.cache import TieredCache
from utils.cancel import CancelToken
from utils.dataset_store import DatasetStore
from utils.errors import MachineryError, WorkspaceGone
from utils.forget import Eraser, Receipt
from utils.jobs import Jobs, Progress
from utils.workspace import Visit, Workspaces
from utils.workspace_journal import WorkspaceJournal
from utils.workspace_state import DatasetReference, Request

pytestmark = pytest.mark.fault


def canary(who: str, what: str) -> str:
    return f"CANARY-{who}-{what}-" + key(sum(map(ord, who + what)))[:32]


PLACES = ("cell", "file name", "column", "input", "choice", "small result", "large result")


@dataclass
class Server:
    """Everything that the server keeps, under one directory."""

    place: Path
    redis_url: str = ""

    def __post_init__(self) -> None:
        self.now = 1_800_000_000.0
        self.open()

    def open(self) -> None:
        def clock() -> float:
            return self.now

        journal = WorkspaceJournal(self.place / "workspaces", secret=SECRET, clock=clock)
        self.workspaces = Workspaces(secret=SECRET, journal=journal, clock=clock)
        self.files = DatasetStore(self.place / "files", max_bytes=1 << 26)
        self.jobs = Jobs()
        self.cache: TieredCache = open_at(
            self.place / "cache", redis_url=self.redis_url, clock=clock
        )
        for name in self.workspaces.ids():
            dataset = self.workspaces.state(name).dataset
            if dataset is not None:
                self.files.hold(dataset.content, name)
        self.eraser = Eraser(
            workspaces=self.workspaces, files=self.files, jobs=self.jobs, cache=self.cache
        )

    def restart(self) -> None:
        self.cache.close()
        self.open()

    def on_disk(self) -> bytes:
        paths = [p for p in sorted(self.place.rglob("*")) if p.is_file()]
        return b"\n".join(str(p).encode() + p.read_bytes() for p in paths)

    def in_memory(self) -> bytes:
        slots = b"".join(slot.value for slot in self.cache.memory.slots() if not slot.live)
        states = [self.workspaces.state(name).plain() for name in self.workspaces.ids()]
        kept = [vars(self.jobs)["_ended"], vars(self.jobs)["_running"]]
        return slots + repr([states, [(k, j.value) for d in kept for k, j in d.items()]]).encode()

    def stands(self, who: str) -> set[str]:
        content = self.on_disk() + self.in_memory()
        return {what for what in PLACES if canary(who, what).encode() in content}


def run(server: Server, visit: Visit, who: str, n: int, what: str) -> None:
    """One analysis: its result in the cache, its answer among the jobs, its key in the workspace."""
    request = Request(
        key=key(n), analysis="analyze_outcome", choices={"outcome": canary(who, "choice")}
    )
    value = {"level": canary(who, what), "body": b"." * (60_000 if "large" in what else 5)}

    def start(_cancel: CancelToken, _progress: Progress) -> Future[Any]:
        future: Future[Any] = Future()
        found = server.cache.get_or_compute(
            key(n), lambda: value, name="analyze_outcome", label=who, ttl_seconds=1e6
        )
        future.set_result(found.value)
        return future

    visit.change(lambda s: s.with_job(request))
    server.jobs.attach(key(n), start, owner=visit.workspace_id)
    visit.change(lambda s: s.with_result(request))


def work(server: Server, who: str, first: int, tmp_path: Path) -> Visit:
    """A person who uploads, chooses and computes."""
    visit = server.workspaces.create(page=who)
    source = tmp_path / "upload"
    source.write_text(f"name,age\n{canary(who, 'cell')},70\n" * 50)
    stored = server.files.put(source, declared_bytes=None, holder=visit.workspace_id)
    source.unlink()
    reference = DatasetReference(
        content=stored.content, name=canary(who, "file name"), size_bytes=stored.size_bytes
    )
    visit.change(lambda s: s.with_dataset(reference, [{"name": canary(who, "column")}]))
    visit.change(lambda s: s.with_inputs("outcome", {"event": canary(who, "input")}))
    for n in range(first, first + 6):
        run(server, visit, who, n, ("small result", "large result")[n % 2])
    return visit


def forget(server: Server, visit: Visit) -> Receipt:
    return server.eraser.forget(visit.token.reveal())


def test_nothing_is_left_of_one_and_all_of_the_other(tmp_path: Path) -> None:
    server = Server(tmp_path / "kept")
    mine = work(server, "me", 0, tmp_path)
    theirs = work(server, "you", 100, tmp_path)
    assert server.stands("me") == server.stands("you") == set(PLACES), "the scan must see it"
    receipt = forget(server, mine)
    assert (receipt.datasets, receipt.results, receipt.jobs) == (1, 6, 6)
    assert receipt.cache_entries == 12, "memory and disk"
    assert receipt.complete
    assert (receipt.shared_results, receipt.shared_dataset) == (0, False)
    assert receipt.size_bytes > 50 * 60
    assert server.stands("me") == set()
    assert server.stands("you") == set(PLACES)
    with pytest.raises(WorkspaceGone):
        forget(server, mine)
    server.restart()
    assert server.stands("me") == set()
    back = server.workspaces.resume(theirs.token.reveal(), page="you")
    assert forget(server, back).results == 6
    assert server.stands("you") == set()
    assert list((tmp_path / "kept" / "files").iterdir()) == []
    assert list((tmp_path / "kept" / "workspaces").iterdir()) == []
    server.cache.close()


def test_a_rotated_token_forgets_and_a_dead_one_does_not(tmp_path: Path) -> None:
    server = Server(tmp_path / "kept")
    visit = work(server, "me", 0, tmp_path)
    visit.leave()
    back = server.workspaces.resume(visit.token.reveal(), page="p")
    server.workspaces.confirm(back.token.reveal())
    with pytest.raises(WorkspaceGone):
        forget(server, visit)
    assert server.stands("me") == set(PLACES)
    forget(server, back)
    assert server.stands("me") == set()
    server.cache.close()


def test_what_is_shared_goes_with_the_last_holder(tmp_path: Path) -> None:
    server = Server(tmp_path / "kept")
    mine = work(server, "me", 0, tmp_path)
    fork = server.workspaces.resume(mine.token.reveal(), page="another tab")
    assert fork.forked_from == mine.workspace_id
    dataset = fork.state.dataset
    assert dataset is not None
    server.files.hold(dataset.content, fork.workspace_id)
    server.jobs.share(mine.workspace_id, fork.workspace_id)
    receipt = forget(server, mine)
    assert (receipt.datasets, receipt.results, receipt.shared_results) == (0, 0, 6)
    assert receipt.shared_dataset
    assert server.stands("me") == set(PLACES)
    assert server.files.path(dataset.content).exists()
    receipt = forget(server, fork)
    assert (receipt.datasets, receipt.results) == (1, 6)
    assert server.stands("me") == set()
    server.cache.close()


def test_what_was_seen_once_and_replaced_since_is_forgotten_too(tmp_path: Path) -> None:
    """An older dataset, its results, and quarantined files of the workspace."""
    server = Server(tmp_path / "kept")
    visit = work(server, "me", 0, tmp_path)
    old = visit.state.dataset
    assert old is not None
    stored = server.files.put_bytes(b"id\n1\n", holder=visit.workspace_id)
    new = DatasetReference(content=stored.content, name="new.csv", size_bytes=5)
    visit.change(lambda s: s.with_dataset(new))
    assert server.eraser.let_go() == old.size_bytes
    assert server.stands("me") == {"small result", "large result"}
    aside = tmp_path / "kept" / "workspaces" / "quarantine"
    aside.mkdir()
    (aside / "old.workspace").write_text(canary("me", "input"))
    assert forget(server, visit).results == 6
    assert server.stands("me") == set()
    server.cache.close()


def test_what_expires_goes_in_the_same_way(tmp_path: Path) -> None:
    server = Server(tmp_path / "kept")
    work(server, "me", 0, tmp_path)
    server.now += 3_600.0
    theirs = work(server, "you", 100, tmp_path)
    server.now += 7 * 3_600.0
    server.eraser.let_go()
    assert server.stands("me") == set()
    assert server.stands("you") == set(PLACES)
    server.now += 3_600.0
    with pytest.raises(WorkspaceGone):
        forget(server, theirs)
    server.restart()
    server.eraser.let_go()
    assert server.stands("you") == set()
    server.cache.close()


def test_a_job_that_runs_meanwhile_leaves_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path / "kept")
    visit = server.workspaces.create(page="p")
    request = Request(key=key(7), analysis="slow")
    computing, go_on = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def compute() -> dict[str, Any]:
        computing.set()
        assert go_on.wait(20)
        return {"level": canary("me", "small result")}

    def start(_cancel: CancelToken, _progress: Progress) -> Future[Any]:
        thread = threading.Thread(
            target=lambda: server.cache.get_or_compute(
                key(7), compute, name="slow", ttl_seconds=1e6
            )
        )
        threads.append(thread)
        thread.start()
        return Future()

    visit.change(lambda s: s.with_job(request))
    attendance = server.jobs.attach(key(7), start, owner=visit.workspace_id)
    assert computing.wait(20)
    receipt = forget(server, visit)
    assert receipt.jobs == 1
    assert attendance.status == "cancelled"
    go_on.set()
    threads[0].join()
    assert server.stands("me") == set()
    server.cache.close()


def test_a_thread_that_was_stopped_too_late_is_cleaned_up_after(tmp_path: Path) -> None:
    server = Server(tmp_path / "kept")
    visit = server.workspaces.create(page="p")
    visit.change(lambda s: s.with_job(Request(key=key(7), analysis="slow")))
    server.jobs.attach(key(7), lambda _c, _p: Future(), owner=visit.workspace_id)
    forget(server, visit)
    server.cache.get_or_compute(
        key(7), lambda: {"level": canary("me", "small result")}, name="slow", ttl_seconds=1e6
    )
    assert server.stands("me") == {"small result"}
    server.eraser.let_go()
    assert server.stands("me") == set()
    server.cache.close()


def test_what_cannot_be_deleted_is_said_and_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(tmp_path / "kept")
    visit = work(server, "me", 0, tmp_path)
    refused = 0

    def stuck(_self: Path, missing_ok: bool = False) -> None:
        nonlocal refused
        refused += 1
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", stuck)
        receipt = forget(server, visit)
    assert refused >= 2
    assert not receipt.complete
    assert receipt.datasets == 0
    with pytest.raises(WorkspaceGone):
        forget(server, visit)
    for tier in server.cache.lower:
        tier._benched_until = 0.0
    server.eraser.let_go()
    server.cache.clear(keys=[key(n) for n in range(6)])
    assert server.stands("me") == set()
    server.cache.close()


def test_many_forget_while_others_work(tmp_path: Path) -> None:
    server = Server(tmp_path / "kept")
    failures: list[BaseException] = []

    def session(number: int) -> None:
        try:
            own = tmp_path / f"{number}"
            own.mkdir()
            for step in range(3):
                visit = work(server, f"p{number}", 1_000 * number + 10 * step, own)
                receipt = forget(server, visit)
                assert receipt.results == 6
                server.eraser.let_go()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=session, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert b"CANARY" not in server.on_disk() + server.in_memory()
    assert server.cache.check() == []
    server.cache.close()


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
def test_redis_forgets_too(tmp_path: Path) -> None:
    from tests.fault.test_cache_redis import Server as Redis

    redis = Redis(tmp_path)
    server = Server(tmp_path / "kept", redis.url)
    mine = work(server, "me", 0, tmp_path)
    work(server, "you", 100, tmp_path)
    assert forget(server, mine).cache_entries == 18, "memory, disk and Redis"
    left = b"".join(redis.do("GET", name) for name in redis.do("KEYS", "clinstat:e:*"))
    assert b"CANARY-me" not in left
    assert left.count(b"CANARY-you") == 6
    server.cache.close()
    redis.stop()


def test_nothing_of_a_person_stands_in_a_log_an_error_or_a_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    server = Server(tmp_path / "kept")
    visit = work(server, "me", 0, tmp_path)
    tokens = [visit.token.reveal()]
    said: list[str] = []
    visit.leave()
    visit = server.workspaces.resume(tokens[0], page="p")
    tokens.append(visit.token.reveal())
    stored = visit.state.dataset
    assert stored is not None
    server.files.path(stored.content).write_bytes(b"damaged")
    journal = server.place / "workspaces" / f"{visit.workspace_id}.workspace"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_a, **_k: (_ for _ in ()).throw(OSError(30, "x")))
        for call in (
            lambda: server.files.path(stored.content),
            lambda: server.files.put(tmp_path / canary("me", "file name"), declared_bytes=1, holder="a"),
            lambda: visit.change(lambda s: s.with_inputs("t", {"x": canary("me", "input") * 99_999})),
            lambda: visit.change(lambda s: s.with_inputs("t", {canary("me", "column"): object()})),
            lambda: server.workspaces.resume(tokens[0][::-1], page="p"),
        ):  # fmt: skip
            with pytest.raises((MachineryError, ValueError)) as caught:
                call()
            said.append("".join(traceback.format_exception(caught.value)))
        server.eraser.let_go()
    journal.write_bytes(b"damaged")
    server.restart()
    counts = repr([
        server.workspaces.facts(), server.files.facts(), server.jobs.facts(), visit, server.eraser,
        server.cache.snapshot(),
    ])  # fmt: skip
    assert server.workspaces.facts()["journal"]["quarantined"] == 1
    assert len(said) == 5
    everything = caplog.text + counts + "".join(said)
    assert "CANARY-me" not in everything
    assert not any(token in everything for token in tokens)
    server.cache.close()
