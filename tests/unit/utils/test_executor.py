"""The executor: two lanes, one protocol."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref

import numpy as np
import pandas as pd
import pytest

from stats.errors import BadInput
from tests.executors import JOBS, PROMPT_SECONDS, make_executor, soon
from tests.fault import executor_jobs
from utils.cancel import CancelToken
from utils.errors import Cancelled, DeadlineExceeded, Overloaded, WorkerLost


@pytest.fixture(scope="module")
def executor():
    with make_executor() as made:
        yield made


# ---------------------------------------------------------------- quick lane


def test_a_quick_call_returns_what_the_function_returns(executor):
    shared = object()
    assert executor.quick(lambda value, *, key: (value, key), shared, key=2).result(5) == (
        shared,
        2,
    )


def test_a_quick_error_is_the_same_object(executor):
    error = BadInput("No.", column="age")

    def refuse():
        raise error

    assert executor.quick(refuse).exception(5) is error


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, MemoryError])
def test_no_quick_work_can_end_the_server(executor, kind):
    def work():
        raise kind

    async def page():
        return await asyncio.wrap_future(executor.quick(work))

    with pytest.raises(WorkerLost):
        asyncio.run(page())
    assert executor.quick(lambda: 1).result(5) == 1


def test_a_page_can_await_both_lanes(executor):
    async def page():
        quick = asyncio.wrap_future(executor.quick(lambda: 1))
        heavy = asyncio.wrap_future(executor.heavy(JOBS + "add", {"a": 1, "b": 1}))
        return await quick, await heavy

    assert asyncio.run(page()) == (1, 2)


def test_a_full_queue_refuses_with_a_sentence():
    gate = threading.Event()
    with make_executor(queue_limit=2) as crowded:
        first = crowded.quick(gate.wait)
        assert soon(lambda: crowded.snapshot().quick.running == 1)
        waiting = [crowded.quick(gate.wait) for _ in range(2)]
        refused = crowded.quick(gate.wait)
        with pytest.raises(Overloaded, match="Nothing was lost"):
            refused.result(1)
        assert crowded.snapshot().quick.refused == 1
        gate.set()
        assert [future.result(5) for future in (first, *waiting)] == [True] * 3


def test_owners_are_served_in_turn():
    gate, order = threading.Event(), []
    with make_executor() as fair:
        futures = [fair.quick(gate.wait)]
        assert soon(lambda: fair.snapshot().quick.running == 1)
        for owner, number in [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("c", 1)]:
            futures.append(fair.quick(order.append, (owner, number), owner=owner))
        gate.set()
        for future in futures:
            future.result(5)
    assert order == [("a", 1), ("b", 1), ("c", 1), ("a", 2), ("a", 3)]


def test_a_quick_deadline_answers_in_time_and_ends_the_function():
    with make_executor() as busy:
        ended = threading.Event()

        def work(progress):
            try:
                while True:
                    time.sleep(0.01)
                    progress(0.5, None)
            finally:
                ended.set()

        began = time.monotonic()
        future = busy.quick(work, deadline_seconds=0.2, progress=lambda *_: None)
        with pytest.raises(DeadlineExceeded, match=r"limit of 0\.2 seconds"):
            future.result(5)
        assert time.monotonic() - began < 0.2 + PROMPT_SECONDS
        assert ended.wait(1)
        assert soon(lambda: busy.snapshot().quick.killed == {"deadline": 1})
        assert busy.quick(lambda: 1, deadline_seconds=5).result(5) == 1


def test_cancel_of_quick_work_that_waits_and_that_runs():
    gate, token, other = threading.Event(), CancelToken(), CancelToken()
    with make_executor() as busy:
        running = busy.quick(gate.wait, cancel=token)
        assert soon(lambda: busy.snapshot().quick.running == 1)
        waiting = busy.quick(gate.wait, cancel=other)
        other.cancel()
        with pytest.raises(Cancelled):
            waiting.result(1)
        assert busy.snapshot().quick.queued == 0
        token.cancel()
        with pytest.raises(Cancelled):
            running.result(1)
        gate.set()
        late = CancelToken()
        late.cancel()
        with pytest.raises(Cancelled):
            busy.quick(lambda: 1, cancel=late).result(5)
        assert soon(lambda: busy.snapshot().quick.running == 0)
        assert sum(busy.snapshot().quick.killed.values()) == 3


def test_partial_results_arrive_from_both_lanes(executor):
    quick, heavy = [], []
    done = executor.quick(executor_jobs.count_up, 3, progress=lambda f, p: quick.append((f, p)))
    assert done.result(5) == 3
    assert quick == [(1 / 3, {"done": 1}), (2 / 3, {"done": 2}), (1.0, {"done": 3})]
    arguments = {"n": 3, "pause": 0.06}
    done = executor.heavy(JOBS + "count_up", arguments, progress=lambda f, p: heavy.append((f, p)))
    assert done.result(20) == 3
    assert heavy == quick


class Box:
    """Something that can be watched, and that no codec knows."""


def test_an_idle_lane_keeps_no_data_alive():
    def use(box):
        return None

    def fail(box):
        raise BadInput("No.")

    token = CancelToken()
    token.cancel()
    with make_executor() as idle:
        runs = [
            lambda box: idle.quick(use, box),
            lambda box: idle.quick(fail, box),
            lambda box: idle.quick(use, box, cancel=token),
            lambda box: idle.heavy(JOBS + "echo", {"value": box}),
            lambda box: idle.heavy(JOBS + "echo", {"value": box}, cancel=token),
        ]
        gc.disable()
        try:
            for number, run in enumerate(runs):
                box = Box()
                gone = weakref.ref(box)
                future = run(box)
                future.exception(20)
                del box
                assert soon(lambda gone=gone: gone() is None, 1), number
        finally:
            gc.enable()


def test_shutdown_answers_everything():
    gate = threading.Event()
    ending = make_executor()
    running, waiting = ending.quick(gate.wait), ending.quick(gate.wait)
    heavy = ending.heavy(JOBS + "sleep", {"seconds": 60.0})
    queued = ending.heavy(JOBS + "sleep", {"seconds": 60.0})
    assert soon(lambda: ending.snapshot().heavy.running == 1)
    ending.shutdown(timeout_seconds=0.5)
    for future in (running, waiting, heavy, queued):
        with pytest.raises(Overloaded):
            future.result(1)
    gate.set()
    with pytest.raises(Overloaded):
        ending.quick(lambda: 1).result(1)
    with pytest.raises(Overloaded):
        ending.heavy(JOBS + "nothing", {}).result(1)
    ending.shutdown()


# ---------------------------------------------------------------- heavy lane


@pytest.mark.parametrize(
    "value",
    [None, True, 3, 2.5, "text", [1, [2, "x"]], {"a": 1, "b": [None, "c"]}, float("inf")],
    ids=str,
)
def test_plain_values_cross_unchanged(executor, value):
    assert executor.heavy(JOBS + "echo", {"value": value}).result(20) == value


def test_frames_cross_unchanged(executor):
    frame = pd.DataFrame(
        {
            "x": [1.5, np.nan, -0.0],
            "n": np.array([1, 2, 3], dtype="int32"),
            "kind": pd.Categorical(["b", None, "a"], categories=["b", "a"], ordered=True),
            "text": ["é", None, 'q"'],
        }
    )
    back = executor.heavy(JOBS + "echo", {"value": frame}).result(20)
    pd.testing.assert_frame_equal(back, frame, check_exact=True)


def test_a_large_frame_gives_the_same_answer_in_a_worker(executor):
    generator = np.random.default_rng(1)
    frame = pd.DataFrame(generator.normal(size=(50_000, 60)), columns=[f"v{i}" for i in range(60)])
    means = executor.heavy(JOBS + "column_means", {"frame": frame}).result(30)
    assert means == executor_jobs.column_means(frame)


def test_a_refusal_crosses_with_its_fields(executor):
    error = executor.heavy(JOBS + "refuse", {"column": "äge"}).exception(20)
    assert type(error) is BadInput
    assert error.fields() == {
        "message": '"äge" has text in it.', "column": "äge", "rule": "number",
        "found": "abc", "hint": "Mend it.",
    }  # fmt: skip
    assert str(error) == '"äge" has text in it. Mend it.'


def test_an_unknown_error_is_a_sentence_and_its_data_are_not_logged(executor, caplog):
    error = executor.heavy(JOBS + "fail_with_secret", {"secret": "Ms Jones"}).exception(20)
    assert type(error) is WorkerLost
    assert "Your data are unchanged" in str(error)
    assert "fail_with_secret" in caplog.text
    assert "executor_jobs.py:" in caplog.text
    assert "KeyError" in caplog.text
    assert "Jones" not in caplog.text + str(error)


def test_a_path_that_is_not_allowed_is_refused(executor):
    for path in ("os:system", JOBS + "missing", "tests.fault.executor_jobs", ""):
        with pytest.raises(ValueError, match="may run"):
            executor.heavy(path, {})


def test_a_worker_has_limits_and_inherits_nothing(executor):
    facts = executor.heavy(JOBS + "process_facts", {}, deadline_seconds=7).result(20)
    assert facts["group"] == facts["pid"]
    assert facts["parent"] == executor.snapshot().zygote_pid
    assert facts["umask"] == 0o077
    assert facts["core"] == [0, 0]
    assert 7 <= facts["cpu"] <= 7 * 64 + 1
    assert facts["sigterm_default"]
    assert facts["streams"] == ["/dev/null"] * 3
    assert len(facts["descriptors"]) == 5  # standard streams, the socket, the listing itself
    assert facts["threads"] == 1
    assert facts["niceness"] >= 5
    assert facts["oom_score"] == 500
    assert facts["file"] == 1 << 30
    assert facts["modules"] == ["numpy", "pandas", "scipy.special"]


def test_every_worker_draws_its_own_random_numbers(executor):
    draws = [executor.heavy(JOBS + "random_numbers", {}).result(20) for _ in range(3)]
    assert len({value for draw in draws for value in draw}) == 6


def test_heavy_jobs_run_one_at_a_time_and_the_queue_is_bounded():
    with make_executor(queue_limit=1) as narrow:
        first = narrow.heavy(JOBS + "sleep", {"seconds": 0.5})
        assert soon(lambda: narrow.snapshot().heavy.running == 1)
        second = narrow.heavy(JOBS + "add", {"a": 1, "b": 2})
        third = narrow.heavy(JOBS + "nothing", {})
        with pytest.raises(Overloaded):
            third.result(1)
        seen = narrow.snapshot().heavy
        assert (seen.running, seen.queued, seen.refused) == (1, 1, 1)
        assert first.result(20) == 0.5
        assert second.result(20) == 3


def test_a_held_lane_takes_nothing_new(executor):
    executor.hold_heavy()
    with pytest.raises(Overloaded, match="short of memory"):
        executor.heavy(JOBS + "nothing", {}).result(1)
    executor.hold_heavy(held=False)
    assert executor.heavy(JOBS + "nothing", {}).result(20) is None


def test_quick_work_that_waits_for_a_heavy_job_does_not_hold_up_others():
    with make_executor() as busy:
        busy.heavy(JOBS + "nothing", {}).result(20)
        threads = threading.active_count()

        def both(seconds):
            return busy.wait(busy.heavy(JOBS + "sleep", {"seconds": seconds}))

        waiting = busy.quick(both, 1.0)
        assert soon(lambda: busy.snapshot().heavy.running == 1)
        assert busy.quick(lambda: "meanwhile").result(5) == "meanwhile"
        assert not waiting.done()
        assert waiting.result(20) == 1.0
        many = [busy.quick(both, 0.01) for _ in range(8)]
        assert [future.result(20) for future in many] == [0.01] * 8
        for _ in range(20):  # surplus threads leave when they have done one more piece of work
            busy.quick(lambda: None).result(5)
        assert soon(lambda: threading.active_count() == threads)
        assert busy.wait(busy.heavy(JOBS + "add", {"a": 1, "b": 1})) == 2


def test_phases_of_a_run_are_kept():
    with make_executor() as counted:
        counted.heavy(JOBS + "sleep", {"seconds": 0.2}).result(20)
        counted.quick(time.sleep, 0.1).result(5)
        assert soon(lambda: len(counted.snapshot().runs) == 2)
        quick, heavy = counted.snapshot().runs
        assert (quick.lane, heavy.lane) == ("quick", "heavy")
        assert quick.outcome == heavy.outcome == "finished"
        assert 0.1 <= quick.compute_seconds < 1
        assert 0.2 <= heavy.compute_seconds < 1
        assert heavy.start_seconds > 0
        assert heavy.transfer_seconds > 0
        for _ in range(60):
            counted.quick(lambda: None).result(5)
        assert soon(lambda: counted.snapshot().quick.finished == 61)
        assert len(counted.snapshot().runs) == 51


def test_a_spawned_zygote_rests_and_returns():
    with make_executor(idle_seconds=0.3) as sleepy:
        assert sleepy.heavy(JOBS + "add", {"a": 1, "b": 2}).result(20) == 3
        assert sleepy.snapshot().zygote_pid is not None
        assert soon(lambda: sleepy.snapshot().zygote_pid is None)
        assert sleepy.heavy(JOBS + "add", {"a": 2, "b": 2}).result(20) == 4
        assert sleepy.snapshot().zygote_replacements == 0
