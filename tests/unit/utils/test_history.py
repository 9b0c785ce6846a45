"""Durations and samples: their numbers are those of the standard library on the same calls."""

from __future__ import annotations

import statistics

import pytest

from utils.cache import TieredCache
from utils.codec import Codec
from utils.history import History, Sample, sample_of
from utils.latency import Latencies
from utils.memory_tier import MemoryTier


def test_the_spread_of_known_durations() -> None:
    latencies = Latencies()
    durations = [0.4, 0.1, 0.7, 0.2, 1.6]
    for seconds in durations:
        latencies.note("f", "computed", seconds)
    for source in ("memory", "disk", "redis"):
        latencies.note("f", source, 0.001)
    latencies.note("f", "shared", 99.0)
    found = latencies.facts()["f"]
    assert found.computed is not None
    assert found.hit is not None
    assert found.computed.n == found.computed.total == 5
    assert found.computed.median_seconds == statistics.median(durations)
    cuts = statistics.quantiles(durations, n=20, method="inclusive")
    assert found.computed.p95_seconds == pytest.approx(cuts[18])
    assert found.computed.sd_seconds == pytest.approx(statistics.stdev(durations))
    assert (found.computed.min_seconds, found.computed.max_seconds) == (0.1, 1.6)
    assert found.hit.n == 3
    assert found.hit.sd_seconds == pytest.approx(0.0)


def test_one_call_has_no_standard_deviation_and_the_ring_is_bounded() -> None:
    latencies = Latencies()
    latencies.note("f", "computed", 5.0)
    first = latencies.facts()["f"]
    assert first.hit is None
    assert first.computed is not None
    assert first.computed.sd_seconds is None
    for _ in range(300):
        latencies.note("f", "computed", 1.0)
    later = latencies.facts()["f"].computed
    assert later is not None
    assert (later.n, later.total, later.max_seconds) == (256, 301, 1.0)


def test_only_what_came_after_a_moment_counts() -> None:
    now = [0.0]
    latencies = Latencies(clock=lambda: now[0])
    latencies.note("early", "memory", 1.0)
    latencies.note("both", "memory", 1.0)
    now[0] = 10.0
    latencies.note("both", "memory", 3.0)
    found = latencies.since(5.0)
    assert set(found) == {"both"}
    assert found["both"].hit is not None
    assert found["both"].hit.median_seconds == 3.0


def test_a_sample_every_ten_seconds_and_no_more_than_are_kept() -> None:
    now, asked = [100.0], []

    def take(at: float, since: float) -> Sample:
        asked.append((at, since))
        return Sample(at_seconds=at, used_bytes=1, calls=0, hits=0, latency={})

    history = History(take, kept=3, clock=lambda: now[0])
    for _ in range(60):
        history.tick()
        now[0] += 1.0
    assert [at for at, _ in asked] == [100, 110, 120, 130, 140, 150]
    assert [since for _, since in asked[1:]] == [100, 110, 120, 130, 140]
    assert [s.at_seconds for s in history.samples()] == [130, 140, 150]


def test_a_sample_counts_what_the_cache_counted() -> None:
    cache = TieredCache(memory=MemoryTier(1 << 20), codec=Codec({}))
    for key in ("ab" * 32, "cd" * 32, "ab" * 32, "ab" * 32):
        cache.get_or_compute(key, lambda: (1, 2), name="f", ttl_seconds=60)
    cache.peek("cd" * 32, name="f")
    with pytest.raises(ZeroDivisionError):
        cache.get_or_compute("ef" * 32, lambda: 1 // 0, name="g", ttl_seconds=60)
    sample = sample_of(cache, lambda: 123, 5.0, float("-inf"))
    assert (sample.calls, sample.hits, sample.used_bytes) == (6, 3, 123)
    assert set(sample.latency) == {"f"}
    found = sample.latency["f"]
    assert found.computed is not None
    assert found.hit is not None
    assert (found.computed.n, found.hit.n) == (2, 3)
