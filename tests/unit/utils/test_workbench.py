"""Opened and closed together: expired entries are swept while serving, and no longer."""

from __future__ import annotations

from pathlib import Path

from tests.executors import make_executor, soon
from utils.open_cache import open_cache
from utils.workbench import Workbench


def test_expired_entries_go_by_themselves_while_serving(tmp_path: Path) -> None:
    now = [1_000.0]
    cache = open_cache(
        memory_bytes=1 << 20, classes={}, directory=tmp_path, disk_bytes=1 << 20,
        clock=lambda: now[0],
    )  # fmt: skip
    bench = Workbench(
        cache, make_executor(), budget_bytes=1 << 40, plan_file=None, serving=True,
        sweep_seconds=0.02,
    )  # fmt: skip
    try:
        key = "ab" * 32
        cache.get_or_compute(key, lambda: (1, 2), name="f", ttl_seconds=60)
        assert cache.peek(key, name="f") is not None
        assert cache.snapshot()["tiers"]["disk"]["entries"] == 1
        now[0] += 3_600
        assert soon(lambda: cache.snapshot()["tiers"]["disk"]["entries"] == 0)
        assert cache.peek(key, name="f") is None
    finally:
        bench.close()
