"""Sorting in bins gives what numpy's own sort gives, whatever the column looks like."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from stats import sorting
from stats.sorting import Sorter, ascending


@pytest.fixture(autouse=True)
def bins_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "_bins_pay", lambda: True)


def columns(n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(n)
    normal = rng.normal(50, 10, n)
    return {
        "normal": normal,
        "rounded": np.round(normal),
        "two values": (normal > 55).astype(float),
        "constant": np.full(n, 3.0),
        "skewed": np.exp(4 * rng.normal(size=n)),
        "heavy tails": rng.standard_t(1.0, n),
        "outlier": np.where(np.arange(n) == n // 2, 1e12, normal),
        "missing": np.where(rng.random(n) < 0.3, np.nan, normal),
        "nearly all missing": np.where(rng.random(n) < 0.999, np.nan, normal),
        "all missing": np.full(n, np.nan),
        "infinite": np.where(rng.random(n) < 0.01, np.inf, normal),
        "huge": normal * 1e300,
        "tiny": normal * 1e-300,
        "ascending": np.sort(normal),
        "descending": np.sort(normal)[::-1].copy(),
        "crowded in one place": np.where(rng.random(n) < 0.9, 1e-6 * normal, 1e3 * normal),
    }


@pytest.mark.parametrize("n", [1, 5, 8_191, 8_192, 10_000, 40_001])
@pytest.mark.parametrize("kind", columns(1))
def test_any_column_is_sorted(n: int, kind: str) -> None:
    values = columns(n)[kind]
    expected = np.sort(values)
    Sorter(n).sort(values)
    assert_array_equal(values, expected)


def test_bins_are_used_and_put_every_number_in_its_place() -> None:
    values = columns(40_001)["normal"]
    expected = np.sort(values)
    bins = np.empty(len(values), np.uint16)
    assert sorting._in_bins(values, np.empty(len(values)), bins)
    assert_array_equal(values, expected)


def test_a_column_that_bins_cannot_spread_is_left_to_the_usual_sort() -> None:
    values = columns(40_001)["skewed"]
    bins = np.empty(len(values), np.uint16)
    assert not sorting._in_bins(values, np.empty(len(values)), bins)


def test_memory_serves_shorter_columns_too() -> None:
    sorter = Sorter(30_000)
    for n in (30_000, 9_000, 20_000):
        values = columns(n)["missing"]
        expected = np.sort(values)
        sorter.sort(values)
        assert_array_equal(values, expected)


@pytest.mark.parametrize("n", [1, 2_047, 2_048, 5_000, 65_536, 65_537])
@pytest.mark.parametrize("kind", columns(1))
def test_the_order_of_any_column(n: int, kind: str) -> None:
    values = columns(n)[kind]
    order = ascending(values)
    assert_array_equal(np.sort(order), np.arange(n))
    assert_array_equal(values[order], np.sort(values))
