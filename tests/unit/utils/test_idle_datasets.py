"""Idle datasets leave memory under pressure, and only they: clock and sampler are the test's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stats.variables import Dataset
from utils.frame_files import FrameFiles
from utils.idle_datasets import IdleDatasets
from utils.keys import fingerprint_frame
from utils.memory import Level, MemoryActions, MemoryMonitor

ROWS, COLUMNS = 1_000, 5
SIZE = ROWS * COLUMNS * 8
BUDGET = 10 * SIZE


def dataset(seed: int) -> Dataset:
    numbers = np.random.default_rng(seed).normal(size=(ROWS, COLUMNS))
    return Dataset(pd.DataFrame({f"v{i}": numbers[:, i] for i in range(COLUMNS)}))


class World:
    """Datasets, a clock, and a server whose memory is what the datasets hold."""

    def __init__(self, directory: Path, count: int, most_bytes: int = BUDGET) -> None:
        self.now = 0.0
        self.datasets = [dataset(seed) for seed in range(count)]
        self.before = [fingerprint_frame(data.raw) for data in self.datasets]
        self.freed = 0
        self.frames = FrameFiles(directory)
        self.idle = IdleDatasets(
            self.frames, lambda: self.datasets, clock=lambda: self.now, most_bytes=most_bytes
        )
        actions = MemoryActions(
            shrink=lambda _: 0, hold_heavy=lambda _: None, kill_heavy=lambda: 0, spill=self.spill,
            give_back=lambda: None,
        )  # fmt: skip
        self.monitor = MemoryMonitor(
            budget_bytes=BUDGET, actions=actions, clock=lambda: self.now,
            sampler=lambda: SIZE * len(self.datasets) - self.freed,
        )  # fmt: skip

    def spill(self, idle_seconds: float) -> int:
        freed = self.idle.unload(idle_seconds)
        self.freed += freed
        return freed

    def step(self, seconds: float) -> Level:
        self.now += seconds
        return self.monitor.check()


@pytest.fixture
def pressed(tmp_path: Path) -> World:
    return World(tmp_path / "frames", 9)


def test_nothing_moves_while_there_is_room(tmp_path: Path) -> None:
    world = World(tmp_path, 6)
    for _ in range(5):
        assert world.step(2.0) == Level.CALM
    assert world.freed == 0


def test_from_seventy_percent_those_go_that_nobody_used_for_six_seconds(tmp_path: Path) -> None:
    world = World(tmp_path, 8)
    busy = world.datasets[3]
    for _ in range(3):
        assert world.step(2.0) == Level.SHRINK
        assert world.freed == 0
        busy.column("v0")
    world.step(2.0)
    assert world.freed == 7 * SIZE


def test_idle_datasets_move_and_come_back_as_they_were(pressed: World) -> None:
    assert pressed.step(0.0) == Level.REFUSE
    assert pressed.freed == 0  # one look cannot tell who is idle
    pressed.step(3.0)
    assert pressed.freed == 9 * SIZE
    assert pressed.step(0.25) == Level.CALM
    assert pressed.monitor.snapshot().actions["spill datasets"] == 1
    assert [fingerprint_frame(data.raw) for data in pressed.datasets] == pressed.before
    assert pressed.frames.facts()["unloaded_bytes"] == 9 * SIZE


def test_a_dataset_in_use_stays(pressed: World) -> None:
    busy = pressed.datasets[4]
    for _ in range(4):
        pressed.step(1.0)
        busy.column("v0")
    assert pressed.freed == 8 * SIZE
    assert pressed.frames.facts()["unloaded"] == 8


def test_one_look_moves_no_more_than_its_share(tmp_path: Path) -> None:
    world = World(tmp_path, 9, most_bytes=SIZE // 2)
    world.step(0.0)
    for moved in (SIZE, 2 * SIZE, 3 * SIZE, 3 * SIZE):  # 60 % then: below every level
        world.step(3.0)
        assert world.freed == moved


def test_without_a_disk_nothing_happens() -> None:
    datasets = [dataset(1)]
    idle = IdleDatasets(FrameFiles(None), lambda: datasets)
    assert idle.unload(0.0) == 0
    assert idle.unload(0.0) == 0
    assert fingerprint_frame(datasets[0].raw) == fingerprint_frame(dataset(1).raw)
