"""Retries: transient faults only, at most three attempts, jittered, within a budget."""

from __future__ import annotations

import asyncio
import math
import random
import statistics
import threading
from collections.abc import Callable
from typing import Any

import pytest

from utils import errors, refusals
from utils.errors import (
    Cancelled,
    CodecError,
    DeadlineExceeded,
    MachineryError,
    Overloaded,
    TierFault,
    WorkerLost,
)
from utils.retry import Retry, RetryBudget, is_transient


class Clock:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


def made(clock: Clock, *, draw: Callable[[], float] = lambda: 1.0, **more: Any) -> Retry:
    budget = more.pop("budget", None) or RetryBudget(reserve=1e9, capacity=1e9)
    return Retry(
        clock=clock, sleep=clock.sleep, sleep_async=clock.sleep_async, draw=draw, budget=budget,
        **more,
    )  # fmt: skip


def failing(*errors: Exception) -> tuple[Callable[[], str], list[int]]:
    """Work that raises the errors in turn, then gives "done"; and its calls."""
    calls: list[int] = []

    def work() -> str:
        calls.append(1)
        if len(calls) <= len(errors):
            raise errors[len(calls) - 1]
        return "done"

    return work, calls


def run_both(retry: Retry, work: Callable[[], Any], form: str, **more: Any) -> Any:
    if form == "sync":
        return retry.call(work, **more)

    async def awaited() -> Any:
        return work()

    return asyncio.run(retry.call_async(awaited, **more))


both = pytest.mark.parametrize("form", ["sync", "async"])


@both
@pytest.mark.parametrize(
    "error", [WorkerLost(), TierFault(), DeadlineExceeded(), TimeoutError(), ConnectionResetError()]
)
def test_a_transient_fault_is_tried_again(form: str, error: Exception) -> None:
    clock = Clock()
    retry = made(clock)
    work, calls = failing(error)
    assert run_both(retry, work, form) == "done"
    assert len(calls) == 2
    assert clock.slept == [0.1]
    assert retry.facts()["recovered"] == retry.facts()["retries"] == 1


@both
@pytest.mark.parametrize(
    "error",
    [Overloaded(), Cancelled(), CodecError(), ValueError("singular"), KeyError("x"), OSError(28, "full"),
     refusals.failed(), refusals.out_of_memory(1), refusals.result_too_large(1),
     refusals.stopped("memory")],
)  # fmt: skip
def test_a_deterministic_error_comes_at_once(form: str, error: Exception) -> None:
    clock = Clock()
    work, calls = failing(error)
    with pytest.raises(type(error)) as caught:
        run_both(made(clock), work, form)
    assert caught.value is error
    assert len(calls) == 1
    assert clock.slept == []


@both
def test_three_attempts_and_the_last_error(form: str) -> None:
    clock = Clock()
    retry = made(clock)
    errors = [WorkerLost("1"), WorkerLost("2"), WorkerLost("3"), WorkerLost("4")]
    work, calls = failing(*errors)
    with pytest.raises(WorkerLost) as caught:
        run_both(retry, work, form)
    assert caught.value is errors[2]
    assert len(calls) == 3
    assert clock.slept == [0.1, 0.2]
    assert retry.facts()["attempts used up"] == 1


def test_a_deterministic_error_after_a_transient_one_ends_it() -> None:
    work, calls = failing(WorkerLost(), ValueError("bad"))
    with pytest.raises(ValueError, match="bad"):
        made(Clock()).call(work)
    assert len(calls) == 2


@both
def test_what_is_stopped_is_not_tried_again(form: str) -> None:
    clock = Clock()
    retry = made(clock)
    work, calls = failing(WorkerLost())
    with pytest.raises(Cancelled):
        run_both(retry, work, form, stopped=lambda: True)
    assert len(calls) == 1
    assert clock.slept == []
    assert retry.facts()["stopped"] == 1


@both
def test_what_is_stopped_during_the_wait_is_not_tried_again(form: str) -> None:
    clock = Clock()
    work, calls = failing(WorkerLost())
    with pytest.raises(Cancelled):
        run_both(made(clock), work, form, stopped=lambda: bool(clock.slept))
    assert len(calls) == 1


def test_a_cancelled_task_ends_in_its_wait() -> None:
    async def main() -> None:
        retry = Retry(draw=lambda: 1.0, base_seconds=30.0, cap_seconds=60.0)

        async def work() -> None:
            raise WorkerLost

        task = asyncio.create_task(retry.call_async(work))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert retry.facts()["retries"] == 1

    asyncio.run(main())


def test_a_long_time_out_is_not_waited_for_twice() -> None:
    clock = Clock()
    retry = made(clock, patience_seconds=30.0)
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        clock.now += 120.0
        raise DeadlineExceeded

    with pytest.raises(DeadlineExceeded):
        retry.call(work)
    assert len(calls) == 1
    assert retry.facts()["patience used up"] == 1


def test_waits_are_even_from_nothing_to_the_cap() -> None:
    """Full jitter: uniform on [0, min(cap, base * 2^attempt)]: mean half, spread 1/sqrt(12)."""
    clock = Clock()
    rng = random.Random(1)
    retry = made(clock, draw=rng.random, attempts=8, base_seconds=0.05, cap_seconds=1.0)
    for _ in range(2_000):
        with pytest.raises(WorkerLost):
            retry.call(failing(*[WorkerLost()] * 8)[0])
    for step in range(7):
        top = min(1.0, 0.05 * 2 ** (step + 1))
        waits = clock.slept[step::7]
        assert max(waits) <= top
        assert statistics.fmean(waits) == pytest.approx(top / 2, rel=0.05)
        assert statistics.stdev(waits) == pytest.approx(top / math.sqrt(12), rel=0.05)


def test_when_everything_fails_attempts_stay_within_a_tenth_of_calls() -> None:
    retry = made(Clock(), budget=RetryBudget())
    attempts = [0]

    def work() -> None:
        attempts[0] += 1
        raise WorkerLost

    for _ in range(1_000):
        with pytest.raises(WorkerLost):
            retry.call(work)
    facts = retry.facts()
    assert attempts[0] == 1_000 + facts["retries"]
    assert 100 <= facts["retries"] <= 103, "a tenth, and the reserve of three"
    assert facts["budget used up"] > 800


def test_quiet_times_do_not_pay_for_a_storm() -> None:
    budget = RetryBudget(ratio=0.1, reserve=0.0, capacity=10.0)
    for _ in range(10_000):
        budget.first_call()
    assert [budget.take() for _ in range(12)] == [True] * 10 + [False] * 2


def test_ten_calls_pay_for_one_retry_in_spite_of_rounding() -> None:
    budget = RetryBudget(ratio=0.1, reserve=0.0)
    for _ in range(9):
        budget.first_call()
    assert not budget.take()
    budget.first_call()
    assert budget.take()
    assert not budget.take()


def test_threads_share_one_budget() -> None:
    retry = made(Clock(), budget=RetryBudget(ratio=0.1, reserve=0.0, capacity=1e9))

    def work() -> None:
        raise WorkerLost

    def many() -> None:
        for _ in range(500):
            with pytest.raises(WorkerLost):
                retry.call(work)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    facts = retry.facts()
    assert facts["calls"] == 2_000
    assert facts["retries"] == 200


def test_every_error_of_ours_says_whether_it_is_transient() -> None:
    kinds = [
        kind for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, MachineryError)
    ]  # fmt: skip
    assert len(kinds) > 10
    transient = {kind.__name__ for kind in kinds if kind().transient}
    assert transient == {"WorkerLost", "TierFault", "CorruptEntry", "DeadlineExceeded"}
    assert not is_transient(MemoryError())
    assert not is_transient(KeyboardInterrupt())
    assert is_transient(refusals.lost())
    assert is_transient(refusals.not_started())
