"""Replaying a recorded trace, worked by hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.bench.recorded_trace import Asked, recorded, through_gdsf, through_lru
from tests.load.traced_server import HEADER

# Two keys of 488 bytes (with 512 of overhead each, 1,000) and a cheap one of the same size.
DEAR, CHEAP, OTHER = Asked("0", 488, 9.0), Asked("1", 488, 0.5), Asked("2", 488, 0.5)
ORDER = [DEAR, CHEAP, OTHER, DEAR]


def test_room_for_all_misses_each_key_once() -> None:
    for through in (through_gdsf, through_lru):
        found = through(ORDER, 3_000)
        assert found.hit_rate == 1 / 4
        assert found.time_share == pytest.approx(9.0 / 19.0)


def test_in_room_for_two_the_dear_one_stays_where_cost_counts_and_goes_where_it_does_not() -> None:
    assert through_gdsf(ORDER, 2_000).hit_rate == 1 / 4
    assert through_lru(ORDER, 2_000).hit_rate == 0.0


def test_a_trace_is_read_as_the_server_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv.gz"
    rows = [
        "0.00,analyze_outcome,0,59.58,93095,computed",
        "1.00,analyze_outcome,0,59.58,93095,memory",
    ]
    path.write_bytes(gzip.compress("\n".join([HEADER, *rows, ""]).encode("ascii")))
    assert recorded(path) == [Asked("0", 93_095, 0.05958)] * 2


def test_without_a_trace_there_is_nothing_to_replay(tmp_path: Path) -> None:
    assert recorded(tmp_path / "trace.csv.gz") == []
