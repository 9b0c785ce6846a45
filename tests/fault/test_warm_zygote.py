"""Workers that find more modules loaded, and the process that they come from when it dies."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from concurrent.futures import Future
from typing import Any

import psutil
import pytest

from tests.executors import JOBS, make_executor, soon
from utils.executor import Executor

pytestmark = pytest.mark.fault

MODULE = "colorsys"  # nothing else imports it
LOADED = (MODULE,)


@pytest.fixture
def executor():
    with make_executor() as made:
        made.heavy(JOBS + "nothing", {}).result(30)
        yield made


def warm(executor: Executor, job: str = "has_loaded", **arguments: Any) -> Future[Any]:
    return executor.heavy(JOBS + job, arguments or {"module": MODULE}, loaded=LOADED)


def grown(executor: Executor) -> list[psutil.Process]:
    """The children of the first zygote that live: between jobs, the warm one."""
    zygote = executor.snapshot().zygote_pid
    assert zygote is not None
    found = []
    for child in psutil.Process(zygote).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


def the_warm_one(executor: Executor) -> psutil.Process:
    assert soon(lambda: not executor._heavy._running and len(grown(executor)) == 1)
    return grown(executor)[0]


def under_way(
    executor: Executor, zygote: psutil.Process, seconds: float
) -> tuple[psutil.Process, Future[Any]]:
    """A job that sleeps in a child of the warm zygote, once it really does."""
    before = {child.pid for child in zygote.children()}
    running = warm(executor, "sleep", seconds=seconds)
    found: list[psutil.Process] = []

    def new() -> bool:
        found[:] = [child for child in zygote.children() if child.pid not in before]
        return bool(found)

    assert soon(new)
    return found[0], running


def test_its_workers_find_the_modules_loaded_and_others_do_not(executor):
    assert not executor.is_warm(LOADED)
    assert warm(executor).result(20) is True
    assert executor.is_warm(LOADED)
    assert warm(executor).result(20) is True
    assert executor.heavy(JOBS + "has_loaded", {"module": MODULE}).result(20) is False
    assert soon(lambda: len(grown(executor)) == 1)


def test_each_job_has_a_process_of_its_own(executor):
    warm(executor).result(20)
    zygote = the_warm_one(executor)
    jobs = [executor.heavy(JOBS + "process_facts", {}, loaded=LOADED) for _ in range(3)]
    pids = {job.result(20)["pid"] for job in jobs}
    assert len(pids) == 3
    assert zygote.pid not in pids


def test_a_worker_is_not_nicer_than_others(executor):
    plain = executor.heavy(JOBS + "process_facts", {}).result(20)["niceness"]
    assert executor.heavy(JOBS + "process_facts", {}, loaded=LOADED).result(20)["niceness"] == plain


def test_when_it_is_killed_the_next_job_is_answered_and_the_one_after_is_warm_again(executor):
    warm(executor).result(20)
    assert soon(lambda: not executor._heavy._running and len(grown(executor)) == 1)
    os.kill(grown(executor)[0].pid, signal.SIGKILL)
    assert soon(lambda: not grown(executor))
    assert warm(executor).result(20) is False  # without them, but at once
    assert warm(executor).result(20) is True
    assert executor.snapshot().zygote_replacements == 0


def test_a_job_that_runs_ends_with_it_and_says_so(executor):
    warm(executor).result(20)
    zygote = the_warm_one(executor)
    job, running = under_way(executor, zygote, 60.0)
    zygote.kill()
    assert "stopped unexpectedly" in str(running.exception(10))
    assert soon(lambda: not job.is_running() or job.status() == psutil.STATUS_ZOMBIE)


def test_a_cancelled_job_leaves_it_alive(executor):
    warm(executor).result(20)
    zygote = the_warm_one(executor)
    _, running = under_way(executor, zygote, 60.0)
    executor.kill_heavy()
    assert running.exception(10) is not None
    assert soon(lambda: zygote.is_running() and not zygote.children())
    assert warm(executor).result(20) is True


def test_it_goes_when_memory_is_short(executor):
    warm(executor).result(20)
    assert soon(lambda: len(grown(executor)) == 1)
    executor.hold_heavy(True)
    assert soon(lambda: not grown(executor))
    assert not executor.is_warm(LOADED)


def test_it_goes_after_the_job_when_memory_became_short_meanwhile(executor):
    warm(executor).result(20)
    zygote = the_warm_one(executor)
    _, running = under_way(executor, zygote, 1.5)
    executor.hold_heavy(True)
    assert running.exception(20) is None
    assert soon(lambda: not grown(executor))


def test_it_goes_when_nothing_wants_it():
    with make_executor(idle_seconds=0.3) as executor:
        warm(executor).result(30)
        assert executor.is_warm(LOADED)
        assert soon(lambda: not executor.is_warm(LOADED))


def test_nothing_is_left_when_the_server_shuts_down():
    with make_executor() as executor:
        warm(executor).result(30)
        assert soon(lambda: len(grown(executor)) == 1)
        zygote = the_warm_one(executor)
        job, _ = under_way(executor, zygote, 60.0)
        everything = [zygote, job]
    began = time.monotonic()
    assert soon(lambda: not any(_lives(process) for process in everything))
    assert time.monotonic() - began < 2


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
