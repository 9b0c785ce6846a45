"""An executor whose heavy lane may run every function of `tests.fault.executor_jobs`."""

from __future__ import annotations

import time

from stats.errors import BadInput
from tests.fault import executor_jobs
from utils.codec import Codec
from utils.executor import Executor

PROMPT_SECONDS = 0.5
"""Within what time a stop is answered: 0.2 s is promised on a machine that is not loaded, and
measured by `bench_executor`; a wait for a process that does not answer would take 2 s."""

JOBS = "tests.fault.executor_jobs:"
NAMES = [
    name for name, thing in vars(executor_jobs).items()
    if callable(thing) and getattr(thing, "__module__", "") == executor_jobs.__name__
]  # fmt: skip


def make_executor(**choices) -> Executor:
    settings = {
        "codec": Codec({}),
        "quick_workers": 1,
        "heavy_memory_bytes": 400 << 20,
        "heavy_deadline_seconds": 20.0,
        "errors": {"BadInput": BadInput},
        "functions": [JOBS + name for name in NAMES],
    }
    return Executor(**(settings | choices))


def soon(condition, seconds: float = 5.0) -> bool:
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.005)
    return True
