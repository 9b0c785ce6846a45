"""A file is read only when it has arrived whole and is not too large."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pandas as pd
import pytest

import logic
from ingest.report import Imported, ImportReport
from stats.variables import Variable
from tabs import arrival
from tabs.failure import Failure
from tabs.loaded import Loaded, Source

LIMIT = 50 * 1024 * 1024


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read; the reader itself is tested elsewhere."""
    read: list[str] = []

    def import_file(path: str, *, name: str, choices: logic.ReadChoices) -> Imported:
        read.append(name)
        frame = pd.DataFrame({"age": [1.0, 2.0]})
        report = ImportReport(
            file_name=name, file_kind="delimited text", size_bytes=9, n_rows=2, n_columns=1
        )
        return Imported(frame=frame, variables=(Variable(name="age"),), report=report)

    monkeypatch.setattr(logic, "import_file", import_file)
    return read


def arrive(path: Path, declared: int | None) -> Loaded | Failure:
    source = Source(str(path), "file.csv", declared)
    return asyncio.run(arrival.read(source, logic.ReadChoices(), 1))


def test_a_whole_file_is_read(tmp_path: Path, readings: list[str]) -> None:
    path = tmp_path / "0.csv"
    path.write_bytes(b"age\n1\n2\n")
    found = arrive(path, 8)
    assert isinstance(found, Loaded)
    assert found.name == "file.csv"
    assert found.dataset.n_rows == 2
    assert found.reading == {}
    assert readings == ["file.csv"]


@pytest.mark.parametrize("declared", [7, 9, 0])
def test_a_file_of_another_size_than_declared_is_not_read(
    tmp_path: Path, readings: list[str], declared: int
) -> None:
    path = tmp_path / "0.csv"
    path.write_bytes(b"age\n1\n2\n")
    assert arrive(path, declared) == arrival.INCOMPLETE
    assert readings == []


def test_a_file_above_the_limit_is_refused_with_the_limit(
    tmp_path: Path, readings: list[str]
) -> None:
    path = tmp_path / "0.csv"
    with path.open("wb") as file:
        file.truncate(LIMIT + 1)
    found = arrive(path, LIMIT + 1)
    assert isinstance(found, Failure)
    assert "50 MB" in found.cause
    assert readings == []


def test_a_file_that_is_gone_is_a_failure_and_no_crash(tmp_path: Path, readings: list[str]) -> None:
    found = arrive(tmp_path / "gone.csv", 8)
    assert isinstance(found, Failure)
    assert "gone.csv" not in found.sentence
    assert readings == []
