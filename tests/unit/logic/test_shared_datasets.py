"""Sessions that upload the same file hold one frame; with the last of them it goes."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import logic
from stats.variables import Variable
from tabs import arrival
from tabs.loaded import Loaded, Source
from utils.recent import Recent
from utils.shared import SharedByContent

CSV = "age,sex,died\n" + "".join(
    f"{40 + i % 31},{'fm'[i % 2]},{i % 3 == 0:d}\n" for i in range(300)
)


def frame(n: int = 200) -> pd.DataFrame:
    return pd.DataFrame({"x": np.arange(n) / 7, "y": np.arange(n) % 2})


async def reader() -> str:
    return "reader"


def upload(path: Path) -> Loaded:
    found = asyncio.run(arrival.read(Source(str(path), path.name), logic.ReadChoices(), 1, reader))
    assert isinstance(found, Loaded)
    return found


def test_two_sessions_with_the_same_file_hold_one_frame(tmp_path: Path) -> None:
    for name in ("mine.csv", "yours.csv"):
        (tmp_path / name).write_text(CSV)
    mine, yours = upload(tmp_path / "mine.csv"), upload(tmp_path / "yours.csv")
    assert mine.dataset is yours.dataset
    assert (mine.name, yours.name) == ("mine.csv", "yours.csv")
    (tmp_path / "other.csv").write_text(CSV.replace("40,f", "41,f", 1))
    assert upload(tmp_path / "other.csv").dataset is not mine.dataset


def test_a_changed_variable_table_is_another_dataset_on_the_same_numbers() -> None:
    first = logic.shared_dataset(frame(), [Variable(name="x")])
    edited = first.with_variables([Variable(name="x", label="Age")])
    assert edited is not first
    assert first.variable("x").label == ""
    assert np.shares_memory(first.raw["x"].to_numpy(), edited.raw["x"].to_numpy())


@pytest.mark.parametrize("other", [
    (frame().rename(columns={"x": "z"}), []),
    (frame().astype({"y": "float64"}), []),
    (frame(199), []),
    (frame(), [Variable(name="x", unit="years")]),
    (frame(), [Variable(name="x", missing_codes=("9",))]),
])  # fmt: skip
def test_what_differs_in_anything_is_not_shared(other) -> None:
    one = logic.shared_dataset(frame(), [])
    assert logic.shared_dataset(*other) is not one
    assert logic.shared_dataset(frame(), []) is one


def test_a_dataset_goes_with_its_last_holder_although_it_was_analysed() -> None:
    held = logic.shared_dataset(frame(), [])
    logic.run("analyze_outcome", held, outcome="y", predictors=["x"])
    gone = weakref.ref(held)
    del held
    assert gone() is None, "something still holds it"


def test_two_who_come_at_once_get_the_same_object() -> None:
    registry: SharedByContent[set] = SharedByContent()
    ready, got = threading.Barrier(8), []

    class Thing:
        pass

    def ask() -> None:
        ready.wait()
        got.append(registry.the_one("a", Thing))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(thing) for thing in got}) == 1
    got.clear()
    gc.collect()
    assert len(registry) == 0


def test_the_memory_of_keys_is_bounded() -> None:
    recent: Recent[int] = Recent(3)
    for number in range(10):
        assert recent.get_or(number % 4, lambda number=number: number) >= 0
    assert len(recent) == 3
    data = logic.Dataset(frame())
    for number in range(300):
        logic.remembered(
            "analyze_outcome", data, outcome="y", predictors=["x"], ci_level=0.6 + number / 1000
        )
    assert len(data.remember("keys", lambda: None)) == 256
