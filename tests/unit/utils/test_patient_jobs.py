"""Heavy jobs that wait for memory instead of being refused; what they cost is learnt."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from tests.executors import JOBS, make_executor, soon
from utils import prices
from utils.cancel import CancelToken
from utils.desk import open_desk
from utils.errors import Cancelled, NeverFits, Overloaded
from utils.open_cache import open_cache
from utils.workbench import Workbench
from utils.workspace import WorkspaceLimits

NOTHING = JOBS + "nothing"


def test_a_patient_job_waits_until_the_lane_is_free_again() -> None:
    with make_executor() as executor:
        executor.hold_heavy()
        with pytest.raises(Overloaded):
            executor.heavy(NOTHING, {}).result(5)
        future = executor.heavy(NOTHING, {}, patience_seconds=20)
        time.sleep(0.2)
        assert not future.done()
        executor.hold_heavy(False)
        assert future.result(10) is None


def test_a_job_that_fits_does_not_wait_behind_one_that_does_not() -> None:
    room = []
    with make_executor() as executor:
        large = executor.heavy(
            JOBS + "add", {"a": 1, "b": 1}, patience_seconds=30,
            refusal=lambda: None if room else Overloaded("No room."),
        )  # fmt: skip
        for _ in range(3):
            assert executor.heavy(JOBS + "add", {"a": 2, "b": 3}).result(10) == 5
        assert not large.done()
        room.append(True)
        assert large.result(10) == 2


def test_no_more_than_eight_stand_aside_and_each_is_refused_in_its_time() -> None:
    with make_executor() as executor:
        waiting = [
            executor.heavy(
                NOTHING, {}, patience_seconds=1.0, refusal=lambda: Overloaded("No room.")
            )
            for _ in range(20)
        ]
        time.sleep(0.3)
        assert executor.snapshot().heavy.queued == 12
        assert all(type(job.exception(15)) is Overloaded for job in waiting)
        assert executor.heavy(NOTHING, {}).result(10) is None


def test_what_never_fits_does_not_wait() -> None:
    with make_executor() as executor:
        began = time.monotonic()
        job = executor.heavy(
            NOTHING, {}, patience_seconds=30, refusal=lambda: NeverFits("Too large.")
        )
        assert type(job.exception(10)) is NeverFits
        assert time.monotonic() - began < 5


def test_patience_has_an_end() -> None:
    with make_executor() as executor:
        executor.hold_heavy()
        began = time.monotonic()
        with pytest.raises(Overloaded, match="short of memory"):
            executor.heavy(NOTHING, {}, patience_seconds=0.3).result(10)
        assert time.monotonic() - began >= 0.3
        assert executor.snapshot().heavy.refused == 1
        executor.hold_heavy(False)
        assert executor.heavy(NOTHING, {}).result(10) is None


def test_a_waiting_job_can_be_cancelled_and_ends_with_the_server() -> None:
    executor, token = make_executor(), CancelToken()
    executor.hold_heavy()
    cancelled = executor.heavy(NOTHING, {}, patience_seconds=30, cancel=token)
    time.sleep(0.15)
    token.cancel()
    with pytest.raises(Cancelled):
        cancelled.result(1)
    left = executor.heavy(NOTHING, {}, patience_seconds=30)
    time.sleep(0.15)
    executor.shutdown()
    with pytest.raises(Overloaded, match="restarted"):
        left.result(1)


def test_the_price_is_asked_when_it_is_the_jobs_turn() -> None:
    answers: list[Overloaded | None] = [Overloaded("No room."), Overloaded("No room."), None]
    with make_executor() as executor:
        future = executor.heavy(
            NOTHING, {}, patience_seconds=20, refusal=lambda: answers.pop(0)
        )  # fmt: skip
        assert future.result(10) is None
        assert answers == []
        with pytest.raises(Overloaded, match="No room"):
            executor.heavy(NOTHING, {}, refusal=lambda: Overloaded("No room.")).result(5)


def test_a_bench_learns_what_heavy_runs_take(tmp_path: Path) -> None:
    cache = open_cache(memory_bytes=1 << 20, classes={}, directory=None, disk_bytes=0)
    bench = Workbench(
        cache, make_executor(), budget_bytes=1 << 40, plan_file=None, serving=True, ttl_seconds=60.0,
        open_desk=partial(
            open_desk, None, secret=None, store_bytes=0, limits=WorkspaceLimits(), cache=cache
        ),
    )  # fmt: skip
    price = prices.Price(rows=10, columns=1, variant="", seconds=60.0, size_bytes=64 << 20)
    try:
        before = bench.planner.plan("job", [price], "heavy")
        for _ in range(3):
            assert bench.heavy(NOTHING, {}, kind="job", options=(price,)) is None
        after = bench.planner.plan("job", [price], "heavy")
        assert after.seconds < before.seconds / 10
        assert after.bytes < before.bytes / 2
        large = prices.Price(rows=10, columns=1, variant="", seconds=1.0, size_bytes=1 << 50)
        with pytest.raises(Overloaded, match="more than this server has"):
            bench.heavy(NOTHING, {}, kind="other", options=(large,), patience_seconds=0.0)
        assert soon(lambda: bench.executor.snapshot().heavy.running == 0)
    finally:
        bench.close()


def test_prices_rise_with_the_work(tmp_path: Path) -> None:
    small, large = tmp_path / "a.csv", tmp_path / "b.xlsx"
    small.write_bytes(b"x" * 1_000)
    large.write_bytes(b"x" * 1_000_000)
    plain = prices.reading(small, name="a.csv")
    packed = prices.reading(large, name="b.xlsx")
    assert (plain.variant, packed.variant) == ("plain", "packed")
    assert packed.size_bytes > plain.size_bytes
    assert prices.reading(tmp_path / "none", name="none").rows == 1
    sheet, word = prices.rendering("csv", (), 2), prices.rendering("docx", (), 2)
    assert word.size_bytes > sheet.size_bytes
    assert word.seconds > sheet.seconds
