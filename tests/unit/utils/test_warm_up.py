"""Warming the cache up: in the background, in turn, and only while nobody else needs the machine."""

from __future__ import annotations

import threading

from utils.errors import Overloaded
from utils.open_cache import open_cache
from utils.warm_up import WarmUp


def test_what_was_warmed_up_is_found() -> None:
    cache = open_cache(memory_bytes=1 << 20, classes={})

    def ask(n: int) -> str:
        return cache.get_or_compute(f"{n:064x}", lambda: n, name="f", ttl_seconds=99).source

    warm = WarmUp([lambda n=n: ask(n) for n in range(5)])
    warm.start()
    assert warm.wait(5)
    assert warm.done == 5
    assert [ask(n) for n in range(5)] == ["memory"] * 5


def test_a_refused_call_is_left_out() -> None:
    def refused() -> None:
        raise Overloaded

    warm = WarmUp([refused, lambda: 1 / 0, lambda: None])
    warm.start()
    assert warm.wait(5)
    assert (warm.done, warm.left_out) == (1, 2)


def test_it_waits_while_others_compute_and_can_be_stopped() -> None:
    free = threading.Event()
    warm = WarmUp([lambda: None] * 3, may_run=free.is_set, pause_seconds=0.01)
    warm.start()
    assert not warm.wait(0.1)
    assert warm.done == 0
    free.set()
    assert warm.wait(5)
    assert warm.done == 3
    stopped = WarmUp([lambda: None], may_run=lambda: False, pause_seconds=0.01)
    stopped.start()
    stopped.stop()
    assert stopped.wait(1)
    assert stopped.done == 0
