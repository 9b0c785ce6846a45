"""Sizes, durations, page spans and file names as the page prints them."""

from __future__ import annotations

import pytest

from tabs._downloads import _plain
from tabs.pager import span_words
from tabs.words import counted, duration_words, limit_words, memory_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.01 ms"), (0.00008, "0.08 ms"), (0.0024, "2.4 ms"), (0.0244, "24 ms"),
        (0.9994, "999 ms"), (0.9999, "1.0 s"), (2.44, "2.4 s"),
    ],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "1 kB"), (812_300, "812 kB"), (999_700, "1.0 MB"), (123_400_000, "123 MB")],
)
def test_sizes(size: int, words: str) -> None:
    assert memory_words(size) == words


def test_a_limit_in_powers_of_two_reads_as_it_was_set() -> None:
    assert limit_words(50 * 1024 * 1024) == "50 MB"


def test_counts() -> None:
    assert counted(1, "row") == "1 row"
    assert counted(12_000, "row") == "12,000 rows"
    assert (
        counted(2, "factor of many levels", "factors of many levels") == "2 factors of many levels"
    )


@pytest.mark.parametrize(
    ("first", "count", "words"),
    [(0, 0, "No rows"), (0, 12, "Rows: 12"), (50, 12_000, "Rows 51 to 100 of 12,000"),
     (100, 120, "Rows 101 to 120 of 120")],
)  # fmt: skip
def test_spans(first: int, count: int, words: str) -> None:
    assert span_words("Rows", first, 50, count) == words


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("trial 2024.csv", "trial 2024"), ("../../etc/passwd", "passwd"), ("", "clinstat"),
        ("a\nb\x00c.csv", "a_b_c"), ("ผู้ป่วย.xlsx", "ผู้ป่วย"), ("x" * 300 + ".csv", "x" * 60),
        ("no ending", "no ending"), ("c:\\data|x?.csv", "c_data_x"),
    ],
)  # fmt: skip
def test_file_names_of_downloads_are_fit_for_every_system(name: str, plain: str) -> None:
    assert _plain(name) == plain
