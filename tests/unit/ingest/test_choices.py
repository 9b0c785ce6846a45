"""What the user chooses in the import options is taken at its word."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import ReadChoices, read_table


@pytest.fixture
def comma_file(tmp_path: Path) -> Path:
    path = tmp_path / "d.csv"
    path.write_text("a;b;c\n1,5;x;1\n2,5;NA;2\n3,25;z;3\n", encoding="utf-8")
    return path


def test_a_chosen_decimal_point_keeps_decimal_commas_as_text(comma_file: Path) -> None:
    read = read_table(comma_file, name="d.csv", choices=ReadChoices(decimal_mark="."))
    assert read.frame["a"].astype(str).tolist() == ["1,5", "2,5", "3,25"]
    assert "other_decimal_mark" in {n.code for n in read.report.notes}


def test_a_chosen_decimal_comma_reads_numbers(comma_file: Path) -> None:
    read = read_table(comma_file, name="d.csv", choices=ReadChoices(decimal_mark=","))
    assert read.frame["a"].tolist() == [1.5, 2.5, 3.25]


def test_chosen_columns_stay_text(comma_file: Path) -> None:
    read = read_table(comma_file, name="d.csv", choices=ReadChoices(text_columns=("c",)))
    assert read.frame["c"].astype(str).tolist() == ["1", "2", "3"]


def test_words_are_values_when_only_empty_cells_are_missing(comma_file: Path) -> None:
    assert read_table(comma_file, name="d.csv").frame["b"].isna().sum() == 1
    read = read_table(comma_file, name="d.csv", choices=ReadChoices(missing_words=()))
    assert read.frame["b"].astype(str).tolist() == ["x", "NA", "z"]
