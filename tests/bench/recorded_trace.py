"""The cache's requests in a recorded load test, and what a memory tier makes of them.

Recorded by `make load` (tests/load): one line per answer, no data, keys as numbers.
"""

from __future__ import annotations

import csv
import gzip
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from tests.bench.report import RESULTS
from utils.memory_tier import ENTRY_OVERHEAD_BYTES, MemoryTier, Slot

TRACE = RESULTS / "trace.csv.gz"
MEMORY_BYTES = 48 << 20


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: key, bytes of its answer, seconds that it takes to compute."""

    key: str
    size_bytes: int
    cost_seconds: float


@dataclass(frozen=True, slots=True)
class Saved:
    """Shares of requests and of computing time that a tier answered."""

    hit_rate: float
    time_share: float


def recorded(path: Path = TRACE) -> list[Asked]:
    """The requests in order; empty where no load test was kept."""
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="ascii", newline="") as file:
        return [
            Asked(row["key"], int(row["size_bytes"]), float(row["cost_ms"]) / 1e3)
            for row in csv.DictReader(file)
        ]


def through_gdsf(asked: list[Asked], room_bytes: int) -> Saved:
    """Our memory tier with so much room."""
    tier, hits, saved = MemoryTier(room_bytes, max_entry_bytes=room_bytes), 0, 0.0
    for one in asked:
        if tier.get(one.key, 0.0) is None:
            tier.put(Slot(one.key, None, one.size_bytes, one.cost_seconds, 1e9, "f", ""))
        else:
            hits += 1
            saved += one.cost_seconds
    return _shares(asked, hits, saved)


def through_lru(asked: list[Asked], room_bytes: int) -> Saved:
    """The least recently used goes first, with the same room."""
    held: OrderedDict[str, int] = OrderedDict()
    used, hits, saved = 0, 0, 0.0
    for one in asked:
        if one.key in held:
            held.move_to_end(one.key)
            hits += 1
            saved += one.cost_seconds
            continue
        size = one.size_bytes + ENTRY_OVERHEAD_BYTES
        if size > room_bytes:
            continue
        held[one.key] = size
        used += size
        while used > room_bytes:
            used -= held.popitem(last=False)[1]
    return _shares(asked, hits, saved)


def _shares(asked: list[Asked], hits: int, saved: float) -> Saved:
    return Saved(hits / len(asked), saved / sum(one.cost_seconds for one in asked))


def replay_lines() -> tuple[list[str], dict[str, float]]:
    """The comparison as lines and numbers."""
    asked = recorded()
    if not asked:
        return ["no recorded trace: make load writes it"], {}
    sizes = {one.key: one.size_bytes for one in asked}
    whole = through_gdsf(asked, MEMORY_BYTES)
    numbers = {
        "trace_requests": len(asked), "trace_keys": len(sizes),
        "trace_hit_rate": round(whole.hit_rate, 4), "trace_time_saved": round(whole.time_share, 4),
    }  # fmt: skip
    lines = [
        f"recorded trace of a load test: {len(asked):,} requests of {len(sizes):,} keys,"
        f" {sum(sizes.values()) / 1e6:.1f} MB in all;"
        f" {sum(one.cost_seconds for one in asked):.0f} s of computation without a cache",
        f"  room for {MEMORY_BYTES >> 20} MB (the default): {whole.hit_rate:.1%} hits,"
        f" {whole.time_share:.1%} of the computation saved",
    ]
    for share in (0.05, 0.1, 0.2, 0.4):
        room = int(sum(sizes.values()) * share)
        ours, lru = through_gdsf(asked, room), through_lru(asked, room)
        numbers[f"gdsf_saved_{share:g}"] = round(ours.time_share, 4)
        numbers[f"lru_saved_{share:g}"] = round(lru.time_share, 4)
        lines.append(
            f"  room for {share:.0%} of the bytes: saved by GDSF {ours.time_share:.1%}, by LRU"
            f" {lru.time_share:.1%} of the computation; hits {ours.hit_rate:.1%} and"
            f" {lru.hit_rate:.1%}"
        )
    return lines, numbers
