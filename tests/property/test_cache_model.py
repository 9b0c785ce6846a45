"""The cache against a plain dict, under any sequence of use, crash, eviction, clock and fork."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from utils.cache import TieredCache
from utils.open_cache import open_cache

KEYS = [f"{n:064x}" for n in range(8)]
numbers = st.integers(0, 7)


def truth(n: int) -> Any:
    """Immutable, changeable and large values in turn."""
    body = random.Random(n).randbytes(50_000 if n % 4 == 3 else 60)
    if n % 2:
        return {"n": n, "frame": pd.DataFrame({"x": [float(n), 2.0]}), "body": body, "list": [n]}
    return (n, body)


def owner(n: int) -> dict[str, str]:
    return {"name": "fg"[n // 2 % 2], "label": "xyz"[n % 3]}


def spoil(value: Any) -> None:
    if isinstance(value, dict):
        value["frame"].iloc[0, 0] = -1.0
        value["list"].append(-1)
        value["n"] = -1


class CacheMachine(RuleBasedStateMachine):
    """`held`: key number -> expiry, for everything that must still be known."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.place = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.now = time.time()
        self.held: dict[int, float] = {}
        self.calls = 0
        self.opened: list[TieredCache] = []

    @initialize()
    def start(self) -> None:
        self.cache = open_cache(
            memory_bytes=1 << 22, classes={}, directory=self.place, disk_bytes=1 << 24,
            clock=lambda: self.now,
        )  # fmt: skip
        self.opened.append(self.cache)
        self.calls = 0

    def alive(self, n: int) -> bool:
        return self.now < self.held.get(n, 0.0)

    def ask_for(self, n: int, ttl: float) -> str:
        answer = self.cache.get_or_compute(KEYS[n], lambda: truth(n), ttl_seconds=ttl, **owner(n))
        self.calls += 1
        assert self.cache.codec.encode(answer.value) == self.cache.codec.encode(truth(n))
        spoil(answer.value)
        return answer.source

    @rule(n=numbers, ttl=st.sampled_from([50.0, 200.0, 1e6]))
    def ask(self, n: int, ttl: float) -> None:
        source = self.ask_for(n, ttl)
        if self.alive(n):
            assert source in ("memory", "disk"), "computed although it was remembered"
        else:
            assert source == "computed", "served although it was cleared or had expired"
            self.held[n] = self.now + ttl

    @rule(n=numbers)
    def ask_and_fail(self, n: int) -> None:
        def fail() -> None:
            raise LookupError(n)

        try:
            self.cache.get_or_compute(KEYS[n], fail, ttl_seconds=99, **owner(n))
        except LookupError:
            assert not self.alive(n)
        else:
            assert self.alive(n)
        self.calls += 1

    @rule(n=numbers)
    def clear_key(self, n: int) -> None:
        self.cache.clear(key=KEYS[n])
        self.held.pop(n, None)

    @rule(name=st.sampled_from("fg"), label=st.sampled_from(["x", "y", "z", None]))
    def clear_function(self, name: str, label: str | None) -> None:
        self.cache.clear(name=name, label=label)
        for n in list(self.held):
            if owner(n)["name"] == name and label in (None, owner(n)["label"]):
                del self.held[n]

    @rule()
    def clear_expired(self) -> None:
        self.cache.clear(expired=True)
        self.held = {n: expiry for n, expiry in self.held.items() if self.now < expiry}

    @precondition(lambda self: len(self.held) > 5)
    @rule()
    def clear_all(self) -> None:
        self.cache.clear()
        self.held.clear()

    @rule(seconds=st.sampled_from([1.0, 49.0, 151.0, 90_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(size=st.integers(0, 1 << 18))
    def memory_is_short(self, size: int) -> None:
        self.cache.shrink(size)

    @rule()
    def restart(self) -> None:
        self.cache.close()
        self.start()

    @rule()
    def crash(self) -> None:
        """The process is gone: nothing was closed, only what reached the directory is left."""
        self.start()

    @rule(n=numbers)
    def fork(self, n: int) -> None:
        """A child asks for one value; the parent finds it on disk."""
        expected = "disk" if self.alive(n) else "computed"
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = 0 if self.ask_for(n, 200.0) == expected else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        if expected == "computed":
            self.held[n] = self.now + 200.0

    @rule(n=numbers, everything=st.booleans())
    def another_process_clears(self, n: int, everything: bool) -> None:
        """What a child clears is not served by its parent any more."""
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self.cache.clear(**({} if everything else {"key": KEYS[n]}))
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        if everything:
            self.held.clear()
        else:
            self.held.pop(n, None)

    @rule()
    def files_are_swept(self) -> None:
        self.cache.lower[0].tier.sweep(older_than_seconds=0.0)

    @invariant()
    def everything_adds_up(self) -> None:
        if not self.opened:
            return
        assert self.cache.check() == []
        assert self.cache.memory.size_bytes <= self.cache.memory.max_bytes
        facts = self.cache.snapshot()
        assert sum(f["calls"] for f in facts["functions"].values()) == self.calls
        assert "faults" not in facts["tiers"]["disk"]
        assert "corrupt" not in facts["tiers"]["disk"]

    def teardown(self) -> None:
        for cache in self.opened:
            cache.close()
        shutil.rmtree(self.place, ignore_errors=True)


TestCacheModel = CacheMachine.TestCase
TestCacheModel.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
