"""Opened and closed together: expired entries and left-over files are swept while serving."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.executors import make_executor, soon
from utils.cache import TieredCache
from utils.desk import open_desk
from utils.open_cache import open_cache
from utils.workbench import Workbench
from utils.workspace import WorkspaceLimits


def serving(cache: TieredCache, **more: float) -> Workbench:
    return Workbench(
        cache, make_executor(), budget_bytes=1 << 40, plan_file=None, serving=True, ttl_seconds=60.0,
        open_desk=partial(
            open_desk, None, secret=None, store_bytes=0, limits=WorkspaceLimits(), cache=cache
        ),
        **more,
    )  # fmt: skip


def test_what_another_process_clears_leaves_an_idle_servers_memory(tmp_path: Path) -> None:
    one, other = (
        open_cache(memory_bytes=1 << 20, classes={}, directory=tmp_path, disk_bytes=1 << 20)
        for _ in range(2)
    )
    bench = serving(one)
    try:
        one.get_or_compute("ab" * 32, lambda: (1, 2), name="f", ttl_seconds=60)
        other.clear(name="f")
        assert soon(lambda: len(one.memory) == 0)
    finally:
        bench.close()
        other.close()


def test_expired_entries_go_by_themselves_while_serving(tmp_path: Path) -> None:
    now = [1_000.0]
    cache = open_cache(
        memory_bytes=1 << 20, classes={}, directory=tmp_path, disk_bytes=1 << 20,
        clock=lambda: now[0],
    )  # fmt: skip
    bench = serving(cache, sweep_seconds=0.02)
    try:
        key = "ab" * 32
        cache.get_or_compute(key, lambda: (1, 2), name="f", ttl_seconds=60)
        assert cache.peek(key, name="f") is not None
        assert cache.snapshot()["tiers"]["disk"]["entries"] == 1
        left_over = bench.desk.files.directory / ("cd" * 32)
        left_over.parent.mkdir(exist_ok=True)
        left_over.write_text("nobody holds it")
        assert soon(lambda: not left_over.exists())
        now[0] += 3_600
        assert soon(lambda: cache.snapshot()["tiers"]["disk"]["entries"] == 0)
        assert cache.peek(key, name="f") is None
    finally:
        bench.close()
