"""Workspaces against a plain dict, under any sequence of comings and goings, time and restarts."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from utils.errors import Overloaded, WorkspaceFull, WorkspaceGone
from utils.workspace import Visit, WorkspaceLimits, Workspaces
from utils.workspace_journal import WorkspaceJournal
from utils.workspace_state import DatasetReference, Request

SECRET = b"the model's own secret"
HOUR = 3_600.0
KEYS = [f"{n:064x}" for n in range(6)]
pages = st.sampled_from(["", "p", "q", "r"])
some = st.integers(0, 10**6)
#: Counted from the last one, and mostly among the last few: there the rules meet.
late = st.one_of(st.integers(-4, -1), st.integers(-4, -1), st.integers(-(10**6), -1))


@dataclass
class Kept:
    """What the contract says of one workspace, written down without its code."""

    created: float
    used: float
    current: str
    old: str | None = None
    old_until: float | None = 0.0
    page: str | None = None
    visit: Visit | None = None
    inputs: dict[str, int] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    file: str | None = None

    @property
    def empty(self) -> bool:
        return not (self.inputs or self.keys or self.file)

    def dead(self, now: float) -> bool:
        return now >= self.used + 8 * HOUR or now >= self.created + 24 * HOUR

    def opens(self, token: str, now: float) -> bool:
        good_old = token == self.old and (self.old_until is None or now < self.old_until)
        return not self.dead(now) and (token == self.current or good_old)


class WorkspaceMachine(RuleBasedStateMachine):
    """`kept`: id -> what must be known. `tokens`: all that were ever handed out."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.place = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.now = 1_800_000_000.0
        self.kept: dict[str, Kept] = {}
        self.gone: set[str] = set()
        self.tokens: list[str] = []
        self.visits: list[Visit] = []
        self.released_keys: Counter[str] = Counter()

    @initialize()
    def start(self) -> None:
        journal = WorkspaceJournal(self.place, secret=SECRET, clock=lambda: self.now)
        self.workspaces = Workspaces(
            secret=SECRET, journal=journal, clock=lambda: self.now,
            limits=WorkspaceLimits(workspaces=7, size_bytes=3_000),
        )  # fmt: skip

    def teardown(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)

    def entered(self, visit: Visit, page: str) -> Kept:
        kept = self.kept[visit.workspace_id]
        kept.page, kept.visit = page, visit
        self.tokens.append(visit.token.reveal())
        self.visits.append(visit)
        return kept

    def tick(self) -> None:
        """No two things happen at the same time, so that "longest idle" is one workspace."""
        self.now += 0.001

    def room(self) -> bool:
        """Make room as the contract says; what was evicted is gone."""
        if len(self.kept) < 7:
            return True
        for name in [n for n, k in self.kept.items() if k.dead(self.now)]:
            self.lose(name)
        left = [n for n, k in self.kept.items() if k.empty and k.page is None]
        if len(self.kept) >= 7 and left:
            self.lose(min(left, key=lambda n: self.kept[n].used))
        return len(self.kept) < 7

    def lose(self, name: str) -> None:
        del self.kept[name]
        self.gone.add(name)

    def new(self, visit: Visit, page: str, created: float) -> Kept:
        assert visit.workspace_id not in self.kept
        assert visit.workspace_id not in self.gone
        self.kept[visit.workspace_id] = Kept(created, self.now, visit.token.reveal())
        return self.entered(visit, page)

    @rule(page=pages)
    def create(self, page: str) -> None:
        self.tick()
        if self.room():
            self.new(self.workspaces.create(page=page), page, self.now)
            return
        try:
            self.workspaces.create(page=page)
        except Overloaded:
            return
        raise AssertionError("more workspaces than there are places")

    @precondition(lambda self: self.tokens)
    @rule(which=late, page=pages)
    def resume(self, which: int, page: str) -> None:
        self.tick()
        token = self.tokens[max(which, -len(self.tokens))]
        mine = [n for n, k in self.kept.items() if k.opens(token, self.now)]
        assert len(mine) <= 1
        if not mine:
            try:
                self.workspaces.resume(token, page=page)
            except WorkspaceGone:
                return
            raise AssertionError("a dead token opened a workspace")
        kept = self.kept[mine[0]]
        if kept.page is not None and (page == "" or page != kept.page):
            self.fork(token, page, mine[0], kept)
            return
        visit = self.workspaces.resume(token, page=page)
        assert (visit.workspace_id, visit.forked_from) == (mine[0], None)
        if token == kept.current:
            kept.old, kept.old_until = token, self.now + 60.0
        elif kept.old_until is None:
            kept.old_until = self.now + 60.0
        kept.current, kept.used = visit.token.reveal(), self.now
        self.entered(visit, page)

    def fork(self, token: str, page: str, name: str, kept: Kept) -> None:
        if not self.room():
            try:
                self.workspaces.resume(token, page=page)
            except Overloaded:
                return
            raise AssertionError("a fork without a place")
        visit = self.workspaces.resume(token, page=page)
        assert visit.forked_from == name
        copy = self.new(visit, page, kept.created)
        copy.inputs, copy.keys, copy.file = dict(kept.inputs), set(kept.keys), kept.file

    @precondition(lambda self: self.tokens)
    @rule(which=late)
    def confirm(self, which: int) -> None:
        token = self.tokens[max(which, -len(self.tokens))]
        mine = [
            k for k in self.kept.values() if k.current == token and not k.dead(self.now)
        ]  # fmt: skip
        assert self.workspaces.confirm(token) == bool(mine)
        for kept in mine:
            kept.old = None

    @precondition(lambda self: self.visits)
    @rule(which=late)
    def leave(self, which: int) -> None:
        visit = self.visits[max(which, -len(self.visits))]
        visit.leave()
        kept = self.kept.get(visit.workspace_id)
        if kept is not None and kept.visit is visit:
            kept.page = kept.visit = None
            if kept.old and kept.old_until is not None and self.now < kept.old_until:
                kept.old_until = None

    def in_force(self, visit: Visit) -> Kept | None:
        kept = self.kept.get(visit.workspace_id)
        good = kept is not None and kept.visit is visit and not kept.dead(self.now)
        return kept if good else None

    @precondition(lambda self: self.visits)
    @rule(which=late, tab=st.sampled_from("ab"), size=st.sampled_from([1, 2, 5_000]))
    def choose(self, which: int, tab: str, size: int) -> None:
        self.tick()
        visit = self.visits[max(which, -len(self.visits))]
        kept = self.in_force(visit)
        try:
            visit.change(lambda s: s.with_inputs(tab, {"x": "x" * size}))
        except WorkspaceGone:
            assert kept is None
            return
        except WorkspaceFull:
            assert size == 5_000
            assert kept is not None
            return
        assert kept is not None
        assert size < 5_000
        kept.inputs[tab], kept.used = size, self.now

    @precondition(lambda self: self.visits)
    @rule(which=late, n=st.integers(0, 5), job=st.booleans())
    def compute(self, which: int, n: int, job: bool) -> None:
        """Also after the session ended: jobs end outside sessions."""
        visit = self.visits[max(which, -len(self.visits))]
        kept = self.kept.get(visit.workspace_id)
        request = Request(key=KEYS[n], analysis="f")
        try:
            self.workspaces.change(
                visit.workspace_id,
                lambda s: s.with_job(request) if job else s.with_result(request),
            )
        except WorkspaceGone:
            assert kept is None or kept.dead(self.now)
            return
        assert kept is not None
        assert not kept.dead(self.now)
        kept.keys.add(KEYS[n])

    @precondition(lambda self: self.visits)
    @rule(which=late, n=st.integers(0, 5))
    def upload(self, which: int, n: int) -> None:
        self.tick()
        visit = self.visits[max(which, -len(self.visits))]
        kept = self.in_force(visit)
        if kept is None:
            return
        data = DatasetReference(content=KEYS[n], name="a.csv", size_bytes=n)
        visit.change(lambda s: s.with_dataset(data))
        kept.file, kept.inputs, kept.used = KEYS[n], {}, self.now

    @precondition(lambda self: self.kept)
    @rule(which=some)
    def forget(self, which: int) -> None:
        name = list(self.kept)[which % len(self.kept)]
        kept = self.kept[name]
        others = set[str]().union(*(k.keys for n, k in self.kept.items() if n != name))
        released = self.workspaces.end(name)
        assert released is not None
        assert released.removed
        assert set(released.keys) == kept.keys - others
        assert released.content == kept.file
        self.lose(name)

    @rule()
    def sweep(self) -> None:
        self.workspaces.sweep()
        for name in [n for n, k in self.kept.items() if k.dead(self.now)]:
            self.lose(name)

    @rule(seconds=st.sampled_from([1.0, 30.0, 30.0, 61.0, 600.0, HOUR, 7.9 * HOUR]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def restart(self) -> None:
        """The process is killed: nobody left in good order."""
        self.start()
        self.visits = []
        for kept in self.kept.values():
            kept.page = kept.visit = None

    @invariant()
    def everything_is_as_the_contract_says(self) -> None:
        if not hasattr(self, "workspaces"):
            return
        alive = {n: k for n, k in self.kept.items() if not k.dead(self.now)}
        assert set(self.workspaces.ids()) == set(alive)
        for name, kept in alive.items():
            state = self.workspaces.state(name)
            assert {t: len(v["x"]) for t, v in state.inputs.items()} == kept.inputs
            assert set(state.keys) == kept.keys
            assert (state.dataset.content if state.dataset else None) == kept.file
        for token in self.tokens:
            opened = [n for n, k in alive.items() if k.opens(token, self.now)]
            assert self.workspaces.identify(token) == (opened[0] if opened else None)
        for key in KEYS:
            assert self.workspaces.holders(key) == sum(key in k.keys for k in self.kept.values())
        assert {p.name for p in self.place.iterdir()} == {f"{n}.workspace" for n in self.kept}


TestWorkspaces = WorkspaceMachine.TestCase
TestWorkspaces.settings = settings(max_examples=150, stateful_step_count=60)
