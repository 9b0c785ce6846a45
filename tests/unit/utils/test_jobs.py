"""Jobs: one run per key, whoever asks and however often; nothing lost when sessions end."""

from __future__ import annotations

import gc
import random
import threading
import time
import weakref
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

import pytest

from utils.cancel import CancelToken
from utils.errors import Cancelled, WorkerLost
from utils.jobs import Jobs, Progress


class Work:
    """Work whose end the test decides."""

    def __init__(self) -> None:
        self.starts = 0
        self.cancel: CancelToken | None = None
        self.progress: Progress | None = None
        self.future: Future[Any] = Future()

    def __call__(self, cancel: CancelToken, progress: Progress) -> Future[Any]:
        self.starts += 1
        self.cancel, self.progress = cancel, progress
        self.future = Future()
        return self.future


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_replayed_click_joins_the_job_that_runs() -> None:
    jobs, work = Jobs(), Work()
    first = jobs.attach("k", work, owner="a")
    second = jobs.attach("k", work, owner="a")
    assert (first.started, second.started) == (True, False)
    work.future.set_result(7)
    assert first.future.result(0) == second.future.result(0) == 7
    assert work.starts == jobs.runs("k") == 1
    assert jobs.facts()["attached"] == 1


def test_the_answer_waits_for_a_session_that_comes_back() -> None:
    clock = Clock()
    jobs, work = Jobs(keep_seconds=60.0, clock=clock), Work()
    jobs.attach("k", work, owner="a").leave()
    work.future.set_result("answer")
    clock.now = 59.0
    found = jobs.find("k", owner="a")
    assert found is not None
    assert found.future.result(0) == "answer"
    assert jobs.attach("k", work, owner="a").future.result(0) == "answer"
    assert work.starts == 1
    clock.now = 61.0
    assert jobs.find("k", owner="a") is None
    jobs.attach("k", work, owner="a")
    assert jobs.runs("k") == 2


def test_progress_reaches_all_who_look_on_and_those_who_come_later() -> None:
    jobs, work = Jobs(), Work()
    told: list[tuple[str, float, Any]] = []
    one = jobs.attach("k", work, owner="a", on_progress=lambda f, p: told.append(("one", f, p)))
    assert work.progress is not None
    work.progress(0.25, "part")
    two = jobs.attach("k", work, owner="b", on_progress=lambda f, p: told.append(("two", f, p)))
    assert (two.fraction, two.partial, two.status) == (0.25, "part", "running")
    one.leave()
    work.progress(0.5, "more")
    assert told == [("one", 0.25, "part"), ("two", 0.5, "more")]
    assert jobs.facts()["attending"] == 1
    work.future.set_result(1)
    assert (two.status, two.partial) == ("done", None)


def test_a_listener_of_a_closed_page_disturbs_nobody() -> None:
    jobs, work = Jobs(), Work()
    calls: list[float] = []

    def closed(_fraction: float, _partial: Any) -> None:
        calls.append(_fraction)
        raise RuntimeError("Event loop is closed")

    attendance = jobs.attach("k", work, owner="a", on_progress=closed)
    assert work.progress is not None
    work.progress(0.1, None)
    work.progress(0.2, None)
    assert calls == [0.1]
    work.future.set_result(3)
    assert attendance.future.result(0) == 3


def test_a_session_that_ends_stops_nothing() -> None:
    jobs, work = Jobs(), Work()
    attendance = jobs.attach("k", work, owner="a")
    attendance.leave()
    assert attendance.future.cancelled()
    assert work.cancel is not None
    assert not work.cancel.cancelled
    assert jobs.running("a") == ("k",)


def test_cancelling_ones_own_future_leaves_the_work_alone() -> None:
    jobs, work = Jobs(), Work()
    mine, other = (jobs.attach("k", work, owner="a") for _ in range(2))
    mine.future.cancel()
    work.future.set_result(1)
    assert other.future.result(0) == 1


def test_only_an_owner_stops_a_job_and_only_the_last_one() -> None:
    jobs, work = Jobs(), Work()
    a = jobs.attach("k", work, owner="a")
    b = jobs.attach("k", work, owner="b")
    assert work.cancel is not None
    assert not jobs.cancel("k", owner="stranger")
    assert not jobs.cancel("other", owner="a")
    assert jobs.cancel("k", owner="a")
    assert isinstance(a.future.exception(0), Cancelled)
    assert not work.cancel.cancelled
    assert not b.future.done()
    assert jobs.cancel("k", owner="b")
    assert work.cancel.cancelled
    assert isinstance(b.future.exception(0), Cancelled)
    assert jobs.find("k", owner="a") is None
    assert jobs.facts()["cancelled"] == 1


def test_what_was_cancelled_can_be_started_again_while_it_still_ends() -> None:
    jobs, work = Jobs(), Work()
    jobs.attach("k", work, owner="a")
    old = work.future
    jobs.cancel("k", owner="a")
    again = jobs.attach("k", work, owner="a")
    assert again.started
    old.set_result("late answer of the job that was stopped")
    assert not again.future.done()
    work.future.set_result("new")
    assert again.future.result(0) == "new"


def test_whoever_asks_in_the_moment_of_a_cancel_starts_anew() -> None:
    jobs, work = Jobs(), Work()
    jobs.attach("k", work, owner="a")
    assert work.cancel is not None
    late: list[Any] = []
    work.cancel.when_cancelled(lambda: late.append(jobs.attach("k", work, owner="b")))
    jobs.cancel("k", owner="a")
    assert late[0].started
    work.future.set_result("answer")
    assert late[0].future.result(0) == "answer"


@pytest.mark.parametrize("error", [WorkerLost(), ValueError("singular")])
def test_a_failure_is_kept_for_looking_and_started_anew_on_asking(error: Exception) -> None:
    jobs, work = Jobs(), Work()
    first = jobs.attach("k", work, owner="a")
    work.future.set_exception(error)
    assert first.future.exception(0) is error
    found = jobs.find("k", owner="a")
    assert found is not None
    assert found.status == "failed"
    assert found.future.exception(0) is error
    assert jobs.attach("k", work, owner="a").started
    assert jobs.runs("k") == 2


def test_work_that_ends_itself_by_cancelling_counts_as_cancelled() -> None:
    jobs, work = Jobs(), Work()
    one = jobs.attach("k", work, owner="a")
    work.future.cancel()
    work.future.set_running_or_notify_cancel()
    assert isinstance(one.future.exception(0), Cancelled)
    two = jobs.attach("k", work, owner="a")
    work.future.set_exception(Cancelled())
    assert two.status == "cancelled"


def test_a_start_that_fails_reaches_everybody_and_leaves_nothing() -> None:
    jobs = Jobs()
    joined: list[Any] = []

    def start(_cancel: CancelToken, _progress: Progress) -> Future[Any]:
        joined.append(jobs.attach("k", start, owner="b"))
        raise ValueError("no column of that name")

    with pytest.raises(ValueError, match="no column"):
        jobs.attach("k", start, owner="a")
    assert isinstance(joined[0].future.exception(0), ValueError)
    assert jobs.facts()["running"] == 0
    assert jobs.runs("k") == 1


def test_forgetting_cancels_and_drops_what_nobody_else_holds() -> None:
    jobs = Jobs()
    works = {key: Work() for key in ("mine", "ours", "ended", "shared end")}
    for key, work in works.items():
        jobs.attach(key, work, owner="a")
    jobs.attach("ours", works["ours"], owner="b")
    jobs.attach("shared end", works["shared end"], owner="b")
    works["ended"].future.set_result(1)
    works["shared end"].future.set_result(2)
    gone = jobs.forget("a")
    assert set(gone.cancelled) == {"mine"}
    assert set(gone.dropped) == {"ended"}
    assert jobs.find("ended", owner="b") is None
    assert jobs.find("shared end", owner="b") is not None
    assert jobs.running("a") == ()
    assert jobs.running("b") == ("ours",)


def test_a_fork_owns_the_jobs_too() -> None:
    jobs, work = Jobs(), Work()
    jobs.attach("k", work, owner="a")
    assert jobs.share("a", "fork") == 1
    jobs.cancel("k", owner="a")
    assert work.cancel is not None
    assert not work.cancel.cancelled
    assert jobs.running("fork") == ("k",)


def test_what_is_kept_is_bounded_and_nothing_leaks() -> None:
    jobs = Jobs(kept=8)

    class Answer:
        pass

    alive: list[weakref.ref[Answer]] = []
    for i in range(100):
        work = Work()
        attendance = jobs.attach(f"{i}", work, owner="a")
        answer = Answer()
        alive.append(weakref.ref(answer))
        work.future.set_result(answer)
        del attendance, work, answer
    gc.collect()
    assert sum(ref() is not None for ref in alive) == 8
    assert jobs.facts()["kept"] == 8
    assert jobs.facts()["attending"] == 0


def test_many_sessions_one_run_each() -> None:
    """40 threads click, leave, come back and look on, in random order: each key ran once."""
    jobs = Jobs(keep_seconds=600.0, kept=1_000)
    answers: list[tuple[int, int]] = []
    with ThreadPoolExecutor(4) as pool:

        def start(number: int) -> Any:
            def begin(cancel: CancelToken, progress: Progress) -> Future[Any]:
                def work() -> int:
                    for step in range(3):
                        time.sleep(0.001)
                        cancel.check()
                        progress(step / 3, step)
                    return number * number

                return pool.submit(work)

            return begin

        def session(seed: int) -> None:
            rng = random.Random(seed)
            for _ in range(30):
                number = rng.randrange(25)
                attendance = jobs.attach(f"{number}", start(number), owner=f"{seed}")
                if rng.random() < 0.4:
                    attendance.leave()
                    continue
                try:
                    answers.append((number, attendance.future.result(20)))
                except CancelledError:
                    raise AssertionError("an attender lost its answer") from None

        threads = [threading.Thread(target=session, args=(n,)) for n in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert all(answer == number * number for number, answer in answers)
    assert len(answers) > 400
    assert {jobs.runs(f"{n}") for n in range(25)} == {1}
    facts = jobs.facts()
    assert (facts["started"], facts["done"], facts["running"], facts["attending"]) == (25, 25, 0, 0)


def test_clicks_cancels_forgets_and_drops_in_any_order_leave_nothing_hanging() -> None:
    """At no moment do two runs of one key go on that nobody cancelled; every Future ends."""
    jobs = Jobs(keep_seconds=600.0, kept=50)
    guard = threading.Lock()
    going: dict[str, list[CancelToken]] = {}
    overlapped: list[CancelToken] = []
    attendances: list[Any] = []
    failures: list[BaseException] = []
    with ThreadPoolExecutor(4) as pool:

        def start(key: str) -> Any:
            def begin(cancel: CancelToken, progress: Progress) -> Future[Any]:
                with guard:
                    others = going.setdefault(key, [])
                    overlapped.extend(others)
                    others.append(cancel)

                def work() -> str:
                    try:
                        for step in range(4):
                            time.sleep(0.002)
                            cancel.check()
                            progress(step / 4, None)
                        return key
                    finally:
                        with guard:
                            going[key].remove(cancel)

                return pool.submit(work)

            return begin

        def session(seed: int) -> None:
            rng = random.Random(seed)
            try:
                for _ in range(60):
                    key, owner = f"{rng.randrange(6)}", f"{rng.randrange(3)}"
                    action = rng.random()
                    if action < 0.6:
                        attendances.append(jobs.attach(key, start(key), owner=owner))
                    elif action < 0.7:
                        for everybody in "012":
                            jobs.cancel(key, owner=everybody)
                    elif action < 0.8:
                        jobs.forget(owner)
                    elif action < 0.9:
                        jobs.share(owner, f"{rng.randrange(3)}")
                    elif attendances:
                        rng.choice(attendances).leave()
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=session, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert failures == []
    assert all(cancel.cancelled for cancel in overlapped)
    assert all(attendance.future.done() for attendance in attendances)
    for attendance in attendances:
        if not attendance.future.cancelled() and attendance.future.exception() is None:
            assert attendance.future.result() == attendance.key
    facts = jobs.facts()
    assert (facts["running"], facts["attending"]) == (0, 0)
    assert facts["started"] == facts["done"] + facts["failed"] + facts["cancelled"]
    assert facts["cancelled"] > 5
    assert facts["attached"] > 5
