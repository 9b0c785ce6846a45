"""Columns in files: workers see the same frames, datasets leave memory and nothing changes."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import logic
from stats.outcome import analyze_outcome
from stats.variables import Dataset
from tests.executors import JOBS, make_executor
from utils.codec import Codec
from utils.frame_files import FrameFile, FrameFiles, frame_in
from utils.keys import fingerprint_column, fingerprint_frame

ROWS = 3_000


def clinical(rows: int = ROWS, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 10, rows)
    age[::50] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "stage": pd.Categorical.from_codes(rng.integers(-1, 3, rows), ["I", "II", "III"]),
            "seen": np.datetime64("2025-01-01", "us") + rng.integers(0, 300, rows) * 86_400,
            "name": [f"patient {i}" for i in range(rows)],
            "died": rng.integers(0, 2, rows).astype(float),
        }
    )


def printed(data: Dataset, names: tuple[str, ...] | None = None) -> list[tuple[str, str]]:
    return [(name, fingerprint_column(data.column(name))) for name in names or data.names]


def open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def files(tmp_path: Path) -> FrameFiles:
    return FrameFiles(tmp_path / "frames", least_bytes=0)


def test_a_filed_frame_is_the_frame(files: FrameFiles) -> None:
    data = Dataset(clinical())
    filed = files.filed(data, printed(data))
    assert filed is not None
    found = frame_in(filed.file.readable, filed.map)
    assert fingerprint_frame(found) == fingerprint_frame(data.frame())
    assert not found["age"].to_numpy().flags.writeable
    assert not np.asarray(found["stage"].array.codes).flags.writeable


def test_numbers_and_codes_are_not_copied(files: FrameFiles) -> None:
    data = Dataset(clinical())
    filed = files.filed(data, printed(data, ("age", "stage", "seen")))
    assert filed is not None
    found = frame_in(filed.file.readable, filed.map)
    for numbers in (found["age"].to_numpy(), found["stage"].array.codes, found["seen"].to_numpy()):
        assert not np.asarray(numbers).flags.owndata
        assert np.asarray(numbers).ctypes.data % 64 == 0


def test_a_column_is_written_once(files: FrameFiles) -> None:
    data = Dataset(clinical())
    first = files.filed(data, printed(data, ("age", "died")))
    assert first is not None
    size = first.file.size_bytes
    again = files.filed(data, printed(data, ("died", "age")))
    assert again is not None
    assert again.file is first.file
    assert first.file.size_bytes == size
    assert again.map.offsets == first.map.offsets[::-1]


def test_the_file_has_no_name_and_only_we_may_use_it(files: FrameFiles, tmp_path: Path) -> None:
    data = Dataset(clinical())
    filed = files.filed(data, printed(data))
    assert filed is not None
    assert list((tmp_path / "frames").iterdir()) == []
    assert (tmp_path / "frames").stat().st_mode & 0o777 == 0o700
    found = os.fstat(filed.file.readable)
    assert found.st_nlink == 0
    assert found.st_mode & 0o777 == 0o600
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.write(filed.file.readable, b"x")


def test_the_file_goes_with_the_dataset(files: FrameFiles) -> None:
    before = open_files()
    data = Dataset(clinical())
    filed = files.filed(data, printed(data))
    files.unload(data)
    assert open_files() > before
    del data
    found = None if filed is None else frame_in(filed.file.readable, filed.map)
    del filed
    gc.collect()
    assert found is not None
    assert float(found["died"].sum()) > 0  # what was mapped stays as long as somebody reads it
    del found
    assert open_files() == before


def test_left_overs_of_a_crash_are_deleted(tmp_path: Path) -> None:
    (tmp_path / "frame-old").touch()
    (tmp_path / "other").touch()
    FrameFiles(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_small_frames_and_row_labels_go_by_pipe(tmp_path: Path) -> None:
    data = Dataset(clinical())
    assert FrameFiles(tmp_path).filed(data, printed(data)) is None
    labelled = Dataset(clinical().set_index(np.arange(ROWS) * 2))
    assert FrameFiles(tmp_path, least_bytes=0).filed(labelled, printed(labelled)) is None
    assert FrameFiles(None, least_bytes=0).filed(data, printed(data)) is None


def test_without_a_disk_everything_goes_on(tmp_path: Path, monkeypatch: Any) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "no space")

    files = FrameFiles(tmp_path, least_bytes=0)
    data = Dataset(clinical())
    before = fingerprint_frame(data.frame())
    monkeypatch.setattr("os.pwrite", full)
    assert files.filed(data, printed(data)) is None
    assert files.unload(data) == 0
    assert files.facts()["faults"] == 2
    assert fingerprint_frame(data.frame()) == before
    (tmp_path / "file").touch()
    assert FrameFiles(tmp_path / "file").filed(data, printed(data)) is None


def test_a_worker_maps_the_frame_and_gives_the_same_answer(files: FrameFiles) -> None:
    data = Dataset(clinical()[["age", "died"]])
    filed = files.filed(data, printed(data))
    with make_executor() as executor:
        piped = executor.heavy(JOBS + "column_means", {"frame": data.frame()}).result(20)
        mapped = executor.heavy(JOBS + "column_means", {"frame": filed}).result(20)
        # the frame was not copied into the worker's own memory by being handed over
        flags = executor.heavy(JOBS + "frame_facts", {"frame": filed}).result(20)
    assert mapped == piped
    assert flags == {"owned": [], "writeable": []}


def test_unloading_frees_memory_and_changes_no_byte(files: FrameFiles) -> None:
    table = clinical()
    kept = Dataset(table.copy(deep=True))
    data = Dataset(table)
    choices: dict[str, Any] = {"outcome": "died", "event": "1", "predictors": ["age", "stage"]}
    before = Codec({k.__qualname__: k for k in logic.RESULT_CLASSES}).encode(
        analyze_outcome(kept, **choices)
    )
    data.column("age"), data.column("stage")
    assert files.unload(data) == ROWS * (8 + 1 + 8 + 8)
    assert files.unload(data) == 0
    assert fingerprint_frame(data.raw) == fingerprint_frame(kept.raw)
    assert data.raw.dtypes.equals(kept.raw.dtypes)
    assert not data.column("age").to_numpy().flags.owndata
    after = Codec({k.__qualname__: k for k in logic.RESULT_CLASSES}).encode(
        analyze_outcome(data, **choices)
    )
    assert after == before
    assert files.facts()["unloaded"] == 1


def test_a_column_that_cannot_be_written_is_no_harm(files: FrameFiles) -> None:
    odd = clinical().assign(odd=[{"a": i} for i in range(ROWS)])
    data = Dataset(odd)
    assert files.unload(data) > 0
    assert data.raw["odd"][1] == {"a": 1}
    assert files.filed(data, [("age", "x"), ("died", "y")]) is not None


def test_two_contents_never_meet(tmp_path: Path) -> None:
    file = FrameFile(tmp_path)
    first = file.put("a", pd.Series([1.0, 2.0]).array)
    second = file.put("b", pd.Series([3.0]).array)
    assert first[0] + first[1] <= second[0]
    a, b = file.mapped([first, second])
    assert (list(a), list(b)) == ([1.0, 2.0], [3.0])
