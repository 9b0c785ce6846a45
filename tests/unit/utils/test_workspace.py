"""Workspaces: who gets in, who does not, and what is kept for them."""

from __future__ import annotations

import copy
import logging
import math
import pickle
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from utils.bounded_json import NotPlain
from utils.errors import Overloaded, WorkspaceFull, WorkspaceGone
from utils.workspace import Visit, WorkspaceLimits, Workspaces
from utils.workspace_journal import WorkspaceJournal
from utils.workspace_state import DatasetReference, Request, WorkspaceState
from utils.workspace_tokens import Token, Tokens

HOUR = 3_600.0
SECRET = b"the server's secret of the tests"
KEY = [f"{n:064x}" for n in range(4_000)]


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(clock: Clock, place: Path | None = None, **limits: Any) -> Workspaces:
    journal = None if place is None else WorkspaceJournal(place, secret=SECRET, clock=clock)
    return Workspaces(secret=SECRET, journal=journal, clock=clock, limits=WorkspaceLimits(**limits))


def text(visit: Visit) -> str:
    return visit.token.reveal()


def dataset(n: int = 0) -> DatasetReference:
    return DatasetReference(content=KEY[n], name="trial.csv", size_bytes=10)


def tab(name: str, **values: Any) -> Callable[[WorkspaceState], WorkspaceState]:
    return lambda state: state.with_inputs(name, values)


def request(n: int) -> Request:
    return Request(key=KEY[n], analysis="analyze_outcome", choices={"outcome": "died"})


# Tokens.


def test_a_token_has_256_random_bits_and_is_never_the_same() -> None:
    tokens = Tokens(SECRET)
    minted = [tokens.mint()[0].reveal() for _ in range(2_000)]
    assert len(set(minted)) == 2_000
    assert {len(bytes.fromhex(t)) for t in minted} == {32}
    bits = Counter(b for t in minted for b in f"{int(t, 16):0256b}")
    # 512,000 fair coins: five standard deviations
    assert abs(bits["1"] - 256_000) < 5 * math.sqrt(512_000) / 2


def test_a_token_does_not_show_itself(caplog: pytest.LogCaptureFixture) -> None:
    token = Tokens(SECRET).mint()[0]
    with caplog.at_level(logging.INFO):
        logging.getLogger("t").info("%s %r", token, [token])
    shown = f"{token} {token!r} {[token]} {token:>90} {caplog.text}"
    assert token.reveal() not in shown
    with pytest.raises(TypeError):
        pickle.dumps(token)
    with pytest.raises(TypeError):
        copy.deepcopy(token)


def test_a_visit_does_not_show_its_token(clock: Clock) -> None:
    visit = opened(clock).create(page="p")
    assert text(visit) not in f"{visit} {visit!r}"


def test_tokens_are_stored_as_digests_that_need_the_secret(clock: Clock, tmp_path: Path) -> None:
    workspaces = opened(clock, tmp_path)
    visit = workspaces.create()
    again = workspaces.resume(text(visit), page="x")
    on_disk = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    in_memory = repr([vars(workspaces), workspaces.facts()])
    for token in (text(visit), text(again)):
        assert token.encode() not in on_disk
        assert bytes.fromhex(token) not in on_disk
        assert token not in in_memory
    assert Tokens(b"another").mark(text(visit)) != Tokens(SECRET).mark(text(visit))


# Who gets in.


def test_a_resume_gives_back_everything_under_a_new_token(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create(page="one")
    visit.change(lambda s: s.with_dataset(dataset(), [{"name": "age", "kind": "continuous"}]))
    visit.change(tab("outcome", event="yes", predictors=["age", "sex"]))
    visit.change(lambda s: s.with_job(request(1)))
    visit.change(lambda s: s.with_result(request(1)))
    before = visit.state
    visit.leave()
    back = workspaces.resume(text(visit), page="two")
    assert back.state == before
    assert back.workspace_id == visit.workspace_id
    assert back.forked_from is None
    assert text(back) != text(visit)
    assert before.inputs["outcome"]["predictors"] == ("age", "sex")


REFUSED = "Your earlier work is no longer kept on this server."


def refused(workspaces: Workspaces, token: Any) -> None:
    """Refused everywhere, always in the same words."""
    with pytest.raises(WorkspaceGone, match=REFUSED):
        workspaces.resume(token, page="p")
    assert not workspaces.confirm(token)
    assert workspaces.identify(token) is None


def test_a_guess_is_refused(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create()
    last = text(visit)[-1]
    near = text(visit)[:-1] + ("0" if last != "0" else "1")
    for guess in (near, secrets.token_hex(32), "0" * 64, visit.workspace_id):
        refused(workspaces, guess)
    assert workspaces.facts()["refused unknown"] == 12


@pytest.mark.parametrize(
    "token",
    ["", "a" * 63, "a" * 65, "A" * 64, "é" * 64, "../../etc/passwd", "\0" * 64, "a" * 64 + "\n",
     "٠" * 64, None, 7, b"a" * 64, ["a"] * 64, "a" * 10_000_000],
)  # fmt: skip
def test_what_is_no_token_is_refused(clock: Clock, token: Any) -> None:
    workspaces = opened(clock)
    workspaces.create()
    refused(workspaces, token)


def test_a_token_made_by_the_client_is_never_adopted(clock: Clock) -> None:
    workspaces = opened(clock)
    chosen = "c" * 64
    refused(workspaces, chosen)
    assert text(workspaces.create()) != chosen
    refused(workspaces, chosen)


def test_a_token_of_another_server_is_refused(clock: Clock) -> None:
    other = Workspaces(secret=b"another secret", clock=clock)
    refused(opened(clock), text(other.create()))


def test_a_rotated_token_dies_when_the_new_one_is_confirmed(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create()
    visit.leave()
    back = workspaces.resume(text(visit), page="p")
    assert workspaces.confirm(text(back))
    refused(workspaces, text(visit))
    back.leave()
    refused(workspaces, text(visit))


def test_a_rotated_token_dies_when_the_new_one_is_used(clock: Clock) -> None:
    workspaces = opened(clock)
    first = workspaces.create()
    first.leave()
    second = workspaces.resume(text(first), page="p")
    second.leave()
    third = workspaces.resume(text(second), page="p")
    refused(workspaces, text(first))
    third.leave()
    refused(workspaces, text(first))


def test_a_rotated_token_dies_after_its_grace(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create()
    visit.leave()
    back = workspaces.resume(text(visit), page="p")
    clock.now += 59.9
    assert workspaces.identify(text(visit)) == back.workspace_id
    clock.now += 0.1
    refused(workspaces, text(visit))
    assert workspaces.facts()["refused rotated"] == 3


def test_a_grace_that_is_over_stays_over_when_the_page_leaves(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create()
    visit.leave()
    back = workspaces.resume(text(visit), page="p")
    clock.now += 61.0
    back.leave()
    refused(workspaces, text(visit))
    assert workspaces.resume(text(back), page="p").workspace_id == visit.workspace_id


@pytest.mark.parametrize("which", ["old", "new"])
def test_a_line_that_drops_before_the_new_token_arrived_loses_nothing(
    clock: Clock, which: str
) -> None:
    """The page holds one of the two, and comes back after hours."""
    workspaces = opened(clock)
    visit = workspaces.create()
    visit.change(tab("t", x=1))
    visit.leave()
    dropped = workspaces.resume(text(visit), page="p")
    clock.now += 10.0
    dropped.leave()
    clock.now += 4 * 3_600.0
    held, other = (visit, dropped) if which == "old" else (dropped, visit)
    back = workspaces.resume(text(held), page="p")
    assert back.state.inputs["t"]["x"] == 1
    assert workspaces.confirm(text(back))
    refused(workspaces, text(held))
    refused(workspaces, text(other))


def test_the_grace_is_not_longer_for_being_used(clock: Clock) -> None:
    """The same page comes with its old token on a line that still looks open, again and again."""
    workspaces = opened(clock)
    visit = workspaces.create(page="p")
    visit.leave()
    workspaces.resume(text(visit), page="p")
    for _ in range(2):
        clock.now += 29.0
        workspaces.resume(text(visit), page="p")
    clock.now += 3.0
    refused(workspaces, text(visit))


def test_after_a_drop_the_grace_starts_with_the_return(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create(page="p")
    visit.leave()
    workspaces.resume(text(visit), page="p").leave()
    clock.now += HOUR
    workspaces.resume(text(visit), page="p")
    clock.now += 59.0
    assert workspaces.identify(text(visit))
    clock.now += 1.0
    refused(workspaces, text(visit))


def test_a_drop_is_remembered_over_a_restart(clock: Clock, tmp_path: Path) -> None:
    workspaces = opened(clock, tmp_path)
    visit = workspaces.create(page="p")
    visit.leave()
    workspaces.resume(text(visit), page="p").leave()
    clock.now += HOUR
    assert opened(clock, tmp_path).identify(text(visit)) == visit.workspace_id


def test_a_resume_counts_as_use(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create(page="p")
    for _ in range(2):
        clock.now += 7 * HOUR
        visit = workspaces.resume(text(visit), page="p")


def test_tokens_of_the_past_leave_nothing_behind(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create(page="p")
    for step in range(50):
        visit = workspaces.resume(text(visit), page="p")
        if step % 2:
            workspaces.confirm(text(visit))
    assert len(workspaces._marks) <= 2
    workspaces.end(visit.workspace_id)
    assert workspaces._marks == {}
    assert workspaces._visits == {}


def test_a_page_that_never_gets_its_new_token_comes_back_again_and_again(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create(page="p")
    visit.leave()
    unseen: list[str] = []
    for _ in range(20):
        back = workspaces.resume(text(visit), page="p")
        unseen.append(text(back))
        clock.now += 5.0
        back.leave()
        clock.now += 600.0
    assert workspaces.facts()["workspaces"] == 1
    for token in unseen[:-1]:
        refused(workspaces, token)


def test_the_same_page_takes_its_place_again_on_a_half_open_line(clock: Clock) -> None:
    workspaces = opened(clock)
    stale = workspaces.create(page="p")
    back = workspaces.resume(text(stale), page="p")
    assert back.forked_from is None
    assert back.workspace_id == stale.workspace_id
    with pytest.raises(WorkspaceGone):
        stale.change(tab("t", x=1))
    stale.leave()
    assert back.change(tab("t", x=2)).inputs["t"]["x"] == 2


def test_a_duplicated_tab_gets_a_copy_of_its_own(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create(page="one")
    visit.change(tab("t", x=1))
    visit.change(lambda s: s.with_result(request(1)))
    fork = workspaces.resume(text(visit), page="two")
    assert fork.forked_from == visit.workspace_id != fork.workspace_id
    assert fork.state == visit.state
    fork.change(tab("t", x=2))
    assert visit.change(tab("t", y=3)).inputs["t"] == {"y": 3}
    assert fork.state.inputs["t"] == {"x": 2}
    assert workspaces.holders(KEY[1]) == 2
    visit.leave()
    fork.leave()
    assert workspaces.resume(text(visit), page="one").state.inputs["t"] == {"y": 3}
    assert workspaces.resume(text(fork), page="two").state.inputs["t"] == {"x": 2}


def test_a_rotated_token_in_its_grace_forks_too_and_disturbs_nobody(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create(page="one")
    visit.leave()
    back = workspaces.resume(text(visit), page="one")
    fork = workspaces.resume(text(visit), page="two")
    assert fork.forked_from == back.workspace_id
    assert back.change(tab("t", x=1)).inputs["t"]["x"] == 1


def test_pages_without_a_name_are_never_the_same(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create()
    assert workspaces.resume(text(visit)).forked_from == visit.workspace_id


def test_after_forgetting_no_token_opens_anything(clock: Clock, tmp_path: Path) -> None:
    workspaces = opened(clock, tmp_path)
    visit = workspaces.create(page="p")
    visit.leave()
    back = workspaces.resume(text(visit), page="p")
    gone = workspaces.end(back.workspace_id)
    assert gone is not None
    assert gone.removed
    for again in (workspaces, opened(clock, tmp_path)):
        refused(again, text(visit))
        refused(again, text(back))
    with pytest.raises(WorkspaceGone):
        back.change(tab("t", x=1))
    with pytest.raises(WorkspaceGone):
        workspaces.state(back.workspace_id)
    assert workspaces.end(back.workspace_id) is None
    assert not list(tmp_path.iterdir())
    back.leave()


# Time.


def test_an_idle_workspace_expires(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create()
    clock.now += 8 * 3_600.0 - 1.0
    visit.touch()
    clock.now += 8 * 3_600.0 - 1.0
    assert workspaces.identify(text(visit))
    clock.now += 1.0
    refused(workspaces, text(visit))
    with pytest.raises(WorkspaceGone):
        visit.touch()
    (gone,) = workspaces.sweep()
    assert gone.ended
    assert workspaces.ids() == ()


def test_nothing_lives_longer_than_a_day_and_a_fork_neither(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create(page="0")
    for hour in range(1, 24):
        clock.now += 3_600.0
        visit.touch()
        if hour == 20:
            visit = workspaces.resume(text(visit), page=f"{hour}")
            assert visit.forked_from
    clock.now += 3_600.0
    refused(workspaces, text(visit))
    assert len(workspaces.sweep()) == 2


def test_jobs_that_end_without_a_session_do_not_keep_a_workspace_alive(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create()
    clock.now += 7 * 3_600.0
    workspaces.change(visit.workspace_id, lambda s: s.with_result(request(1)))
    clock.now += 3_600.0
    refused(workspaces, text(visit))


# Quota.


def test_places_are_limited_and_work_is_never_thrown_out(clock: Clock) -> None:
    workspaces = opened(clock, workspaces=3)
    for n in range(3):
        workspaces.create().change(tab("t", x=n))
    with pytest.raises(Overloaded, match="as many people"):
        workspaces.create()
    clock.now += 8 * 3_600.0
    workspaces.create()
    assert workspaces.facts()["expired"] == 3


def test_an_empty_workspace_that_nobody_visits_makes_room(clock: Clock) -> None:
    workspaces = opened(clock, workspaces=2)
    kept = workspaces.create()
    kept.change(tab("t", x=1))
    empty = workspaces.create()
    with pytest.raises(Overloaded):
        workspaces.create()
    empty.leave()
    workspaces.create()
    refused(workspaces, text(empty))
    assert workspaces.identify(text(kept))


def test_of_two_empty_ones_the_longer_idle_goes(clock: Clock) -> None:
    workspaces = opened(clock, workspaces=3)
    visits = [workspaces.create() for _ in range(3)]
    for visit in (visits[1], visits[0], visits[2]):
        clock.now += 10.0
        visit.touch()
        visit.leave()
    workspaces.create()
    assert [workspaces.identify(text(v)) is not None for v in visits] == [True, False, True]


def test_a_fork_without_room_leaves_the_original_alone(clock: Clock) -> None:
    workspaces = opened(clock, workspaces=1)
    visit = workspaces.create(page="one")
    visit.change(tab("t", x=1))
    with pytest.raises(Overloaded):
        workspaces.resume(text(visit), page="two")
    assert visit.state.inputs["t"]["x"] == 1


def test_a_change_that_is_too_large_changes_nothing(clock: Clock, tmp_path: Path) -> None:
    workspaces = opened(clock, tmp_path, size_bytes=5_000)
    visit = workspaces.create()
    visit.change(tab("t", x="kept"))
    with pytest.raises(WorkspaceFull, match="more settings"):
        visit.change(tab("t", x="y" * 6_000))
    assert visit.state.inputs["t"]["x"] == "kept"
    almost = 5_000 - workspaces.facts()["size_bytes"] - 1
    visit.change(tab("t", x="kept" + "z" * almost))
    for _ in range(20):
        clock.now += 400.123456789
        visit.touch()
        visit.leave()
        visit = workspaces.resume(text(visit), page="p")
    assert opened(clock, tmp_path).state(visit.workspace_id).inputs["t"]["x"][:4] == "kept"


def test_all_together_are_bounded_too(clock: Clock, tmp_path: Path) -> None:
    workspaces = opened(clock, tmp_path, size_bytes=5_000, total_bytes=11_500)
    visits = [workspaces.create(page=f"{n}") for n in range(4)]
    visits[0].change(tab("t", x="x" * 3_500))
    visits[1].change(tab("t", x="x" * 3_500))
    with pytest.raises(WorkspaceFull, match="as many settings"):
        visits[2].change(tab("t", x="x" * 4_000))
    assert visits[2].state.is_empty
    with pytest.raises(Overloaded):
        workspaces.resume(text(visits[0]), page="a duplicate")
    visits[0].change(tab("t", x="less"))
    visits[2].change(tab("t", x="x" * 4_000))
    assert len(opened(clock, tmp_path).ids()) == 4


def test_a_smaller_limit_loses_nobody_at_the_restart(clock: Clock, tmp_path: Path) -> None:
    before = opened(clock, tmp_path)
    visits = [before.create() for _ in range(5)]
    after = opened(clock, tmp_path, workspaces=2)
    assert set(after.ids()) == {visit.workspace_id for visit in visits}


@pytest.mark.parametrize("value", [object(), {1, 2}, math.nan, math.inf, 2**63, b"x", "\ud800"])
def test_only_plain_data_are_kept(clock: Clock, value: object) -> None:
    visit = opened(clock).create()
    visit.change(tab("t", x=1))
    with pytest.raises(NotPlain):
        visit.change(tab("t", x=value))
    assert visit.state.inputs["t"] == {"x": 1}


@pytest.mark.parametrize("levels", [12, 70, 5_000])
def test_a_page_that_sends_a_tower_of_brackets_is_refused(clock: Clock, levels: int) -> None:
    visit = opened(clock).create()
    tower: Any = []
    for _ in range(levels):
        tower = [tower]
    with pytest.raises(WorkspaceFull):
        visit.change(tab("t", x=tower))
    assert visit.state.inputs == {}


def test_what_is_kept_cannot_be_changed_from_outside(clock: Clock) -> None:
    visit = opened(clock).create()
    chosen = {"predictors": ["age"], "more": {"a": [1]}}
    visit.change(lambda s: s.with_inputs("t", chosen))
    chosen["predictors"].append("sex")  # type: ignore[union-attr]
    kept = visit.state.inputs["t"]
    assert kept["predictors"] == ("age",)
    with pytest.raises(TypeError):
        kept["predictors"] = ()  # type: ignore[index]
    with pytest.raises(TypeError):
        kept["more"]["a"] = ()


def test_results_and_keys_are_bounded_and_the_oldest_are_released(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create()

    def many(state: WorkspaceState) -> WorkspaceState:
        for n in range(2_005):
            state = state.with_result(request(n))
        return state

    state = visit.change(lambda s: s.with_result(request(0)))
    state = visit.change(many)
    assert [r.key for r in state.results] == KEY[1_805:2_005]
    assert len(state.keys) == 2_000
    released = [key for gone in workspaces.sweep() for key in gone.keys]
    assert released == [KEY[0]]
    assert workspaces.holders(KEY[0]) == 0
    assert workspaces.holders(KEY[2_004]) == 1


def test_another_file_releases_the_old_one_and_keeps_the_keys(clock: Clock) -> None:
    workspaces = opened(clock)
    visit = workspaces.create()
    visit.change(lambda s: s.with_dataset(dataset(1)).with_result(request(5)))
    visit.change(tab("t", x=1))
    state = visit.change(lambda s: s.with_dataset(dataset(2)))
    assert (state.inputs, state.results, state.keys) == ({}, (), (KEY[5],))
    (released,) = workspaces.sweep()
    assert (released.content, released.keys, released.ended) == (KEY[1], (), False)


def test_a_key_goes_with_its_last_holder(clock: Clock) -> None:
    workspaces = opened(clock)
    one, two = workspaces.create(), workspaces.create()
    one.change(lambda s: s.with_result(request(1)).with_job(request(2)))
    two.change(lambda s: s.with_result(request(1)))
    gone = workspaces.end(one.workspace_id)
    assert gone is not None
    assert gone.keys == (KEY[2],)
    gone = workspaces.end(two.workspace_id)
    assert gone is not None
    assert gone.keys == (KEY[1],)


# Restart.


def test_everything_survives_a_restart(clock: Clock, tmp_path: Path) -> None:
    workspaces = opened(clock, tmp_path)
    visit = workspaces.create(page="p")
    visit.change(lambda s: s.with_dataset(dataset(), [{"name": "age", "levels": ["a", "b"]}]))
    visit.change(tab("outcome", x=1, y=1.5, z=None, flag=True, many=["a"]))
    visit.change(lambda s: s.with_result(request(1)).with_job(request(2)))
    for _ in range(3):
        again = opened(clock, tmp_path)
        assert again.state(visit.workspace_id) == visit.state
        assert again.holders(KEY[2]) == 1
    back = again.resume(text(visit), page="p")
    assert back.state.jobs == (request(2),)
    third = opened(clock, tmp_path)
    assert third.identify(text(back)) == third.identify(text(visit)) == visit.workspace_id
    clock.now += 60.0
    refused(third, text(visit))


def test_what_expired_meanwhile_does_not_come_back(clock: Clock, tmp_path: Path) -> None:
    visit = opened(clock, tmp_path).create()
    visit.change(lambda s: s.with_result(request(3)))
    clock.now += 8 * 3_600.0
    again = opened(clock, tmp_path)
    refused(again, text(visit))
    (released,) = again.sweep()
    assert (released.ended, released.keys) == (True, (KEY[3],))
    assert list(tmp_path.iterdir()) == []


def test_a_clock_that_was_set_back_loses_nothing(clock: Clock, tmp_path: Path) -> None:
    visit = opened(clock, tmp_path).create()
    clock.now -= 30 * 86_400.0
    again = opened(clock, tmp_path)
    assert again.identify(text(visit))
    clock.now += 8 * 3_600.0
    refused(again, text(visit))


def test_threads_get_distinct_places(clock: Clock, tmp_path: Path) -> None:
    workspaces = opened(clock, tmp_path)
    visits: list[Visit] = []

    def session(n: int) -> None:
        visit = workspaces.create(page=f"{n}")
        for step in range(10):
            visit.change(tab("t", n=n, step=step))
            visit.leave()
            visit = workspaces.resume(text(visit), page=f"{n}")
            workspaces.confirm(text(visit))
            workspaces.sweep()
        visits.append(visit)

    threads = [threading.Thread(target=session, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = opened(clock, tmp_path)
    assert sorted(again.state(v.workspace_id).inputs["t"]["n"] for v in visits) == list(range(12))


def test_a_token_object_is_not_accepted_in_place_of_its_text(clock: Clock) -> None:
    workspaces = opened(clock)
    refused(workspaces, Token("a" * 64))
