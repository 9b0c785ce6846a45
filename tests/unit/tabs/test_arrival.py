"""A file is read only when it has arrived whole and is not too large."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any

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


async def reader() -> str:
    return "reader"


def arrive(
    path: Path, declared: int | None, *, name: str = "file.csv", owner: str = "",
    choices: logic.ReadChoices | None = None,
) -> Loaded | Failure:  # fmt: skip
    async def whose() -> str:
        return owner or await reader()

    source = Source(str(path), name, declared)
    return asyncio.run(arrival.read(source, choices or logic.ReadChoices(), 1, whose))


def workspace() -> str:
    return logic.desk().enter(None, page="page").workspace_id


def upload(folder: Path, text: str = "age\n1\n2\n", **more: Any) -> Loaded:
    """A file that is kept for a workspace of its own."""
    path = folder / "0.csv"
    path.write_text(text)
    found = arrive(path, len(text), owner=workspace(), **more)
    assert isinstance(found, Loaded)
    return found


def test_a_file_that_a_page_works_on_is_not_read_again(tmp_path: Path, readings: list[str]) -> None:
    first = upload(tmp_path)
    second = upload(tmp_path)
    assert readings == ["file.csv"]
    assert second.dataset is first.dataset
    assert second.report is first.report
    assert second.source.path == first.source.path


@pytest.mark.parametrize(
    "other",
    [
        {"name": "other.csv"}, {"text": "age\n1\n3\n"},
        {"choices": logic.ReadChoices(decimal_mark=",")},
    ],
)  # fmt: skip
def test_another_name_content_or_choice_is_read(
    tmp_path: Path, readings: list[str], other: dict[str, Any]
) -> None:
    first = upload(tmp_path)
    second = upload(tmp_path, **other)
    assert len(readings) == 2
    assert second.report.file_name == other.get("name", first.report.file_name)


def test_a_file_is_read_again_once_nobody_works_on_it(tmp_path: Path, readings: list[str]) -> None:
    upload(tmp_path)
    gc.collect()
    upload(tmp_path)
    assert readings == ["file.csv", "file.csv"]


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
