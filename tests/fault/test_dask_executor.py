"""The heavy lane on a real Dask scheduler with workers, each in a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import logic
from config import Settings
from stats.errors import BadInput, NotEstimable
from stats.result import RESULT_CLASSES
from stats.validation import validate_outcome_model
from tests.executors import soon
from tests.fault.test_cache_redis import free_port
from tests.house.test_imports import ROOT
from utils.cancel import CancelToken
from utils.codec import Codec
from utils.dask_executor import DaskExecutor
from utils.errors import Cancelled, DeadlineExceeded, MachineryError, WorkerLost

pytestmark = [pytest.mark.fault, pytest.mark.slow]

JOBS = "tests.fault.dask_jobs:"
NAMES = ("add", "whereabouts", "die_once", "die_always", "slowly", "bad", "broken")
VALIDATE = "stats.validation:validate_outcome_model"
CODEC = Codec({f"{c.__module__}:{c.__qualname__}": c for c in RESULT_CLASSES})


@dataclass
class Cluster:
    """A scheduler and its workers. No nannies: what is killed stays dead."""

    port: int
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"


@contextlib.contextmanager
def cluster(place: Path, *, workers: int = 2) -> Iterator[Cluster]:
    port = free_port()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}

    def start(*words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "dask", *words], cwd=place,
                                env=environment, stderr=subprocess.DEVNULL)  # fmt: skip

    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard",
                      "--dashboard-address", "127.0.0.1:0")  # fmt: skip
    made = Cluster(port, scheduler, [
        start("worker", f"tcp://127.0.0.1:{port}", "--host", "127.0.0.1", "--nthreads", "1",
              "--no-nanny", "--no-dashboard", "--local-directory", str(place / f"w{n}"))
        for n in range(workers)
    ])  # fmt: skip
    try:
        yield made
    finally:
        for process in [*made.workers, scheduler]:
            process.kill()
            process.wait()


@contextlib.contextmanager
def executor(address: str) -> Iterator[DaskExecutor]:
    paths = {JOBS + name for name in NAMES} | {VALIDATE}
    made = DaskExecutor(
        scheduler=address, travelling=paths, codec=CODEC, functions=paths, quick_workers=1,
        errors={"BadInput": BadInput, "NotEstimable": NotEstimable},
        heavy_deadline_seconds=60.0, heavy_memory_bytes=1 << 30,
    )  # fmt: skip
    with made:
        yield made


def with_workers(place: DaskExecutor, count: int) -> None:
    """Wait until the scheduler knows its workers."""

    def there() -> bool:
        place._cluster._not_before = 0.0
        client = place._cluster.client()
        return client is not None and len(client.scheduler_info()["workers"]) == count

    assert soon(there, 30)


def study() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"age": rng.normal(60, 9, 400).round(1), "dose": rng.exponential(2, 400)})
    risk = 1 / (1 + np.exp(-(0.05 * (frame["age"] - 60) + 0.4 * frame["dose"] - 1.5)))
    frame["died"] = (rng.random(400) < risk).astype(int)
    return frame


def test_work_travels_and_comes_back(tmp_path: Path) -> None:
    with cluster(tmp_path) as there, executor(there.address) as lanes:
        with_workers(lanes, 2)
        assert lanes.heavy(JOBS + "add", {"a": 2, "b": 3}).result(30) == 5
        pids = {p.pid for p in there.workers}
        assert lanes.heavy(JOBS + "whereabouts", {}).result(30) in pids
        asked = {"outcome": "died", "predictors": ["age", "dose"], "quality": "preview", "seed": 7}
        told: list[float] = []
        far = lanes.heavy(VALIDATE, {"data": study(), **asked},
                          progress=lambda fraction, _: told.append(fraction)).result(60)  # fmt: skip
        here = validate_outcome_model(study(), **asked)
        assert CODEC.encode(far) == CODEC.encode(here)
        assert soon(lambda: told != [] and told[-1] == 1.0)
        assert told == sorted(told)
        with pytest.raises(BadInput, match="A column is missing") as bad:
            lanes.heavy(JOBS + "bad", {"column": "age"}).result(30)
        assert bad.value.column == "age"
        with pytest.raises(WorkerLost) as broken:
            lanes.heavy(JOBS + "broken", {}).result(30)
        assert "17" not in str(broken.value)
        facts = lanes.facts()
        assert (facts.sent, facts.answered, facts.at_home, facts.note) == (5, 5, 0, "")


def test_the_setting_sends_long_analyses_there(tmp_path: Path) -> None:
    asked = {"outcome": "died", "predictors": ["age", "dose"], "quality": "preview", "seed": 3}
    with cluster(tmp_path, workers=1) as there:
        settings = Settings(
            dask_scheduler=there.address, cache_dir=str(tmp_path / "cache"),
            memory_budget_bytes=1 << 34,
        )  # fmt: skip
        logic.configure(settings)
        try:
            lanes = logic._current.get().executor
            assert isinstance(lanes, DaskExecutor)
            with_workers(lanes, 1)
            future = logic.submit("validate_outcome_model", study(), progress=lambda *_: None,
                                  **asked)  # fmt: skip
            far = future.result(60)
            assert (far.source, lanes.facts().answered) == ("computed", 1)
        finally:
            logic.shutdown()
    here = validate_outcome_model(study(), **asked)
    assert CODEC.encode(far.result) == CODEC.encode(here)


def test_only_plain_bytes_are_taken_in(tmp_path: Path) -> None:
    with cluster(tmp_path, workers=1) as there, executor(there.address) as lanes:
        with_workers(lanes, 1)
        client = lanes._cluster.client()
        assert client.submit(bytes, 3).result(20) == b"\0\0\0"
        with pytest.raises(TypeError, match="Could not"):
            client.submit(complex, 1, 2).result(20)


def test_stopping_reaches_the_worker(tmp_path: Path) -> None:
    with cluster(tmp_path, workers=1) as there, executor(there.address) as lanes:
        with_workers(lanes, 1)
        for stop in ("cancel", "deadline"):
            witness, token = tmp_path / stop, CancelToken()
            future = lanes.heavy(JOBS + "slowly", {"witness": str(witness)}, cancel=token,
                                 deadline_seconds=4.0 if stop == "deadline" else 60.0,
                                 progress=lambda *_: None)  # fmt: skip
            assert soon(witness.exists, 20)
            if stop == "cancel":
                token.cancel()
            with pytest.raises(Cancelled if stop == "cancel" else DeadlineExceeded):
                future.result(10)
            assert lanes.heavy(JOBS + "add", {"a": 1, "b": 1}).result(15) == 2, "the place is free"
            assert int(witness.read_text()) < 100
        assert soon(lambda: lanes.facts().stopped == 2), "counted a moment after it was told"


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    with cluster(tmp_path) as there, executor(there.address) as lanes:
        with_workers(lanes, 2)
        witness = tmp_path / "first"
        future = lanes.heavy(JOBS + "die_once", {"witness": str(witness)})
        assert future.result(40) == "answered"
        killed = int(witness.read_text())
        assert killed in {p.pid for p in there.workers}
        assert soon(lambda: sum(p.poll() is not None for p in there.workers) == 1)
        facts = lanes.facts()
        assert (facts.sent, facts.answered, facts.brought_home) == (1, 1, 0)


def test_the_last_worker_and_the_scheduler_may_go(tmp_path: Path) -> None:
    with cluster(tmp_path, workers=1) as there, executor(there.address) as lanes:
        with_workers(lanes, 1)
        witness = tmp_path / "alone"
        assert lanes.heavy(JOBS + "die_once", {"witness": str(witness)}).result(60) == "answered"
        assert lanes.facts().brought_home == 1
        assert "no worker" in lanes.facts().note
        there.scheduler.send_signal(signal.SIGKILL)
        there.scheduler.wait()
        assert lanes.heavy(JOBS + "add", {"a": 4, "b": 4}).result(60) == 8
        assert lanes.facts().at_home == 1


def test_an_absent_scheduler_costs_a_moment_and_no_answer() -> None:
    with executor(f"tcp://127.0.0.1:{free_port()}") as lanes:
        began = time.monotonic()
        assert lanes.heavy(JOBS + "add", {"a": 2, "b": 3}).result(30) == 5
        first = time.monotonic() - began
        assert first < 12
        assert lanes.heavy(JOBS + "add", {"a": 3, "b": 3}).result(30) == 6
        note = lanes.facts().note
        assert re.fullmatch(r"The Dask scheduler .* on this machine\.", note)
        assert (lanes.facts().sent, lanes.facts().at_home) == (0, 2)
        assert isinstance(lanes.heavy(JOBS + "broken", {}).exception(30), MachineryError)
        with pytest.raises(ValueError, match="not a function"):
            lanes.heavy("os:system", {})
