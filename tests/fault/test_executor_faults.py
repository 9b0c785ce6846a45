"""Every way for a worker, its zygote or the server to die, hang or lie; and what is left."""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.executors import JOBS, PROMPT_SECONDS, make_executor, soon
from utils.cancel import CancelToken
from utils.errors import Cancelled, DeadlineExceeded, MachineryError, WorkerLost
from utils.wire import MAGIC, META_BYTES, Kind
from utils.zygote import Zygote

pytestmark = pytest.mark.fault

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def executor():
    with make_executor(result_bytes=1 << 20) as made:
        made.heavy(JOBS + "nothing", {}).result(30)
        yield made


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def works_again(executor) -> bool:
    began = time.monotonic()
    answer = executor.heavy(JOBS + "add", {"a": 2, "b": 3}).result(20)
    return answer == 5 and time.monotonic() - began < 2


def pid_in(path: Path) -> int:
    assert soon(lambda: path.exists() and path.read_text())
    return int(path.read_text().split()[0])


def is_a_sentence(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, MachineryError) and text.endswith(".") and "Traceback" not in text


# ---------------------------------------------------------------- workers that die


@pytest.mark.parametrize("way", ["abort", "crash", "kill_self"])
def test_a_worker_that_dies_is_a_sentence(executor, way):
    error = executor.heavy(JOBS + way, {}).exception(20)
    assert type(error) is WorkerLost
    assert "stopped unexpectedly" in str(error)
    assert works_again(executor)


def test_a_worker_that_exits_is_a_sentence(executor):
    assert type(executor.heavy(JOBS + "leave", {}).exception(20)) is WorkerLost
    assert works_again(executor)


def test_a_worker_killed_from_outside(executor, tmp_path):
    path = tmp_path / "pid"
    future = executor.heavy(JOBS + "sleep", {"seconds": 60.0, "path": str(path)})
    os.kill(pid_in(path), signal.SIGKILL)
    assert type(future.exception(5)) is WorkerLost
    assert works_again(executor)


@pytest.mark.parametrize("way", ["eat_memory", "eat_small_memory"])
def test_a_memory_bomb_meets_its_limit(executor, way):
    error = executor.heavy(JOBS + way, {}, memory_bytes=128 << 20).exception(60)
    assert type(error) is WorkerLost
    assert "ran out of memory at its limit of 128 MB" in str(error)
    assert works_again(executor)


def test_arguments_count_against_the_memory_of_a_job(executor):
    future = executor.heavy(JOBS + "echo", {"value": bytes(64 << 20)}, memory_bytes=32 << 20)
    assert "ran out of memory" in str(future.exception(20))
    assert works_again(executor)


# ---------------------------------------------------------------- work that is stopped


def test_an_endless_loop_meets_its_deadline(executor, tmp_path):
    path = tmp_path / "pid"
    began = time.monotonic()
    future = executor.heavy(JOBS + "spin", {"path": str(path)}, deadline_seconds=0.5)
    error = future.exception(10)
    assert time.monotonic() - began < 0.5 + PROMPT_SECONDS
    assert type(error) is DeadlineExceeded
    assert "limit of 0.5 seconds" in str(error)
    assert soon(lambda: not alive(pid_in(path)), 1)
    assert works_again(executor)


def test_the_processor_limit_holds_without_the_server(executor, monkeypatch):
    # The server does not look at the clock here: the kernel does.
    monkeypatch.setattr("utils.heavy_run.os.cpu_count", lambda: 0)
    monkeypatch.setattr("utils.heavy_run.HeavyRun._check", lambda run: None)
    error = executor.heavy(JOBS + "spin", {}, deadline_seconds=0.5).exception(20)
    assert type(error) is DeadlineExceeded


def test_thirty_cancels_at_random_moments(executor, tmp_path):
    generator = random.Random(20)
    cancelled = finished = 0
    for number in range(30):
        path, token = tmp_path / str(number), CancelToken()
        arguments = {"seconds": 0.05, "path": str(path)}
        future = executor.heavy(JOBS + "sleep", arguments, cancel=token)
        timer = threading.Timer(generator.uniform(0, 0.09), token.cancel)
        timer.start()
        error = future.exception(5)
        timer.join()
        if error is None:
            finished += 1
        else:
            assert type(error) is Cancelled
            cancelled += 1
        if path.exists():
            written = path.read_text()
            assert not written or soon(lambda pid=int(written): not alive(pid), 1)
    assert cancelled > 5
    assert finished + cancelled == 30
    assert works_again(executor)
    assert soon(lambda: executor.snapshot().heavy.running == 0)


def test_a_cancel_is_answered_at_once(executor, tmp_path):
    path, token = tmp_path / "pid", CancelToken()
    future = executor.heavy(JOBS + "spin", {"path": str(path)}, cancel=token)
    pid = pid_in(path)
    began = time.monotonic()
    token.cancel()
    assert type(future.exception(5)) is Cancelled
    assert time.monotonic() - began < PROMPT_SECONDS
    assert soon(lambda: not alive(pid), 1)


def test_a_cancel_while_the_zygote_is_still_loading():
    with make_executor() as fresh:
        token = CancelToken()
        future = fresh.heavy(JOBS + "nothing", {}, cancel=token)
        assert soon(lambda: fresh.snapshot().heavy.running == 1)
        began = time.monotonic()
        token.cancel()
        assert type(future.exception(5)) is Cancelled
        assert time.monotonic() - began < PROMPT_SECONDS
        assert fresh.heavy(JOBS + "add", {"a": 1, "b": 1}).result(20) == 2
        assert fresh.snapshot().zygote_replacements == 0


def test_what_a_job_started_ends_with_it(executor, tmp_path):
    path, token = tmp_path / "pids", CancelToken()
    future = executor.heavy(JOBS + "start_child_and_spin", {"path": str(path)}, cancel=token)
    assert soon(lambda: path.exists() and len(path.read_text().split()) == 2)
    pids = [int(word) for word in path.read_text().split()]
    assert all(alive(pid) for pid in pids)
    token.cancel()
    assert type(future.exception(5)) is Cancelled
    assert soon(lambda: not any(alive(pid) for pid in pids), 1)


def test_short_memory_kills_the_running_job(executor, tmp_path):
    path = tmp_path / "pid"
    future = executor.heavy(JOBS + "spin", {"path": str(path)})
    pid = pid_in(path)
    assert executor.kill_heavy() == 1
    error = future.exception(5)
    assert type(error) is WorkerLost
    assert "short of memory" in str(error)
    assert soon(lambda: not alive(pid), 1)
    assert soon(lambda: executor.snapshot().heavy.killed.get("memory") == 1)


def test_an_error_in_the_progress_callable_ends_the_job(executor):
    def broken(fraction, partial):
        raise ZeroDivisionError

    future = executor.heavy(JOBS + "count_up", {"n": 1000, "pause": 0.1}, progress=broken)
    assert type(future.exception(20)) is ZeroDivisionError
    assert works_again(executor)


# ---------------------------------------------------------------- workers that lie


def test_an_oversized_result_is_refused(executor):
    error = executor.heavy(JOBS + "large", {"size_bytes": 2 << 20}).exception(20)
    assert type(error) is WorkerLost
    assert "larger than the limit of 1 MB" in str(error)
    assert works_again(executor)


def test_oversized_arguments_are_refused():
    with make_executor(argument_bytes=1 << 10) as small:
        error = small.heavy(JOBS + "echo", {"value": bytes(2 << 10)}).exception(20)
        assert "The data for this work are larger" in str(error)


def test_a_result_of_unknown_type_is_a_sentence(executor):
    assert is_a_sentence(executor.heavy(JOBS + "unknown_type", {}).exception(20))
    assert works_again(executor)


HEAD = struct.Struct("!4sBIQ")
FACTS = b'{"load_seconds": 0.1, "compute_seconds": 0.1, "added_bytes": 0}'


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x95" + bytes(40),
        os.urandom(64),
        HEAD.pack(b"XXXX", Kind.RESULT, 2, 0) + b"{}",
        HEAD.pack(MAGIC, 200, 2, 0) + b"{}",
        HEAD.pack(MAGIC, Kind.RESULT, META_BYTES + 1, 0),
        HEAD.pack(MAGIC, Kind.RESULT, 2**32 - 1, 0),
        HEAD.pack(MAGIC, Kind.RESULT, 2, 2**62) + b"{}",
        HEAD.pack(MAGIC, Kind.RESULT, 2, 0) + b"{}",
        HEAD.pack(MAGIC, Kind.RESULT, 2, 0) + b"[]",
        HEAD.pack(MAGIC, Kind.RESULT, 3, 0) + b"{,}",
        HEAD.pack(MAGIC, Kind.RESULT, 60_000, 0) + b"[" * 60_000,
        HEAD.pack(MAGIC, Kind.RESULT, len(FACTS), 40) + FACTS + b"\x80\x04\x95" + bytes(37),
        HEAD.pack(MAGIC, Kind.JOB, 2, 0) + b"{}",
        HEAD.pack(MAGIC, Kind.PROGRESS, 2, 0) + b"{}",
        HEAD.pack(MAGIC, Kind.FAILURE, 2, 0) + b"{}",
        HEAD.pack(MAGIC, Kind.FAILURE, 33, 0) + b'{"name": "BadInput", "fields": 3}',
        HEAD.pack(MAGIC, Kind.FAILURE, 43, 0) + b'{"name": "BadInput", "fields": {"nope": 1}}',
        HEAD.pack(MAGIC, Kind.FAILURE, 34, 0) + b'{"name": "SystemExit", "trace": 7}',
    ],
    ids=range(18),
)  # fmt: skip
def test_hostile_bytes_cost_their_own_job_only(executor, data):
    error = executor.heavy(JOBS + "hostile", {"data": data}).exception(20)
    assert type(error) is WorkerLost
    assert is_a_sentence(error)
    assert works_again(executor)


def test_half_a_frame_meets_the_deadline(executor):
    data = HEAD.pack(MAGIC, Kind.RESULT, 100, 0) + b"{"
    error = executor.heavy(JOBS + "hostile", {"data": data}, deadline_seconds=0.5).exception(20)
    assert type(error) is DeadlineExceeded


def test_a_worker_that_never_stops_talking_meets_the_deadline(executor):
    frame = b'{"fraction": 0.5}'
    data = HEAD.pack(MAGIC, Kind.PROGRESS, len(frame), 0) + frame
    error = executor.heavy(
        JOBS + "hostile", {"data": data, "again": True},
        deadline_seconds=0.5, progress=lambda *_: None,
    ).exception(20)  # fmt: skip
    assert type(error) is DeadlineExceeded


# ---------------------------------------------------------------- the zygote


def test_a_zygote_that_dies_while_idle_is_replaced():
    with make_executor() as made:
        made.heavy(JOBS + "nothing", {}).result(20)
        old = made.snapshot().zygote_pid
        os.kill(old, signal.SIGKILL)
        assert works_again(made)
        assert made.snapshot().zygote_replacements == 1
        assert made.snapshot().zygote_pid != old


def test_a_zygote_that_dies_takes_its_job_along_and_is_replaced(tmp_path):
    with make_executor() as made:
        path = tmp_path / "pid"
        future = made.heavy(JOBS + "spin", {"path": str(path)})
        pid = pid_in(path)
        os.kill(made.snapshot().zygote_pid, signal.SIGKILL)
        assert type(future.exception(5)) is WorkerLost
        assert soon(lambda: not alive(pid), 1)
        assert works_again(made)
        assert made.snapshot().zygote_replacements == 1


def test_a_zygote_that_hangs_is_replaced(tmp_path):
    with make_executor() as made:
        path, token = tmp_path / "pid", CancelToken()
        future = made.heavy(JOBS + "spin", {"path": str(path)}, cancel=token)
        pid = pid_in(path)
        os.kill(made.snapshot().zygote_pid, signal.SIGSTOP)
        began = time.monotonic()
        token.cancel()
        assert type(future.exception(5)) is Cancelled
        assert time.monotonic() - began < PROMPT_SECONDS
        assert made.heavy(JOBS + "add", {"a": 1, "b": 1}).result(20) == 2
        assert not alive(pid)
        assert made.snapshot().zygote_replacements == 1


def test_a_zygote_is_not_forked_from_a_process_with_threads():
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        with pytest.raises(RuntimeError, match="before any thread"):
            Zygote.start(())
    finally:
        ended.set()
        thread.join()


def test_a_zygote_that_cannot_load_is_a_sentence():
    with make_executor(preload=("no_such_module_at_all",)) as broken:
        assert is_a_sentence(broken.heavy(JOBS + "nothing", {}).exception(20))


# ---------------------------------------------------------------- the server

SERVER = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in background jobs
import json, sys, time
from utils.zygote import Zygote
forked = Zygote.start(("numpy", "pandas", "utils.worker")) if sys.argv[1] == "forked" else None
from tests.executors import JOBS, PROMPT_SECONDS, make_executor, soon
from pathlib import Path
made = make_executor(zygote=forked)
assert made.heavy(JOBS + "add", {"a": 1, "b": 2}).result(30) == 3
assert made.snapshot().zygote_replacements == 0
assert forked is None or made.snapshot().zygote_pid == forked.pid
path = Path(sys.argv[2])
job = made.heavy(JOBS + "start_child_and_spin", {"path": str(path)})
assert soon(lambda: path.exists() and len(path.read_text().split()) == 2)
pids = [int(word) for word in path.read_text().split()]
print(json.dumps([made.snapshot().zygote_pid, *pids]), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=str)
@pytest.mark.parametrize("kind", ["forked", "spawned"])
def test_the_end_of_the_server_leaves_no_process(tmp_path, kind, number):
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, kind, str(tmp_path / "pids")],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with server:
        pids = json.loads(server.stdout.readline())
        assert all(alive(pid) for pid in pids)
        server.send_signal(number)
        server.wait(10)
    assert soon(lambda: not any(alive(pid) for pid in pids), 1)


def test_a_hundred_jobs_leak_nothing(executor):
    def counts() -> tuple[int, int]:
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    def zygote_counts() -> tuple[int, str]:
        pid = executor.snapshot().zygote_pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().strip()
        return len(list(Path(f"/proc/{pid}/fd").iterdir())), children

    assert works_again(executor)
    assert soon(lambda: not zygote_counts()[1])
    time.sleep(0.3)  # the lane closes its own ends after that
    before, zygote_before = counts(), zygote_counts()
    jobs = [("nothing", {}), ("kill_self", {}), ("refuse", {"column": "x"}), ("nothing", {})]
    for number in range(100):
        name, arguments = jobs[number % len(jobs)]
        executor.heavy(JOBS + name, arguments).exception(20)
    assert soon(lambda: zygote_counts() == zygote_before)
    assert soon(lambda: counts() == before)
