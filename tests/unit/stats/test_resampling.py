"""Draws, their order, and the stopping rule."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stats.design import Term
from stats.resampling import (
    BATCH,
    Tier,
    canonical_order,
    draw_counts,
    expected_resamples,
    mean_of,
    monte_carlo_error,
    row_numbers,
    share_of_target,
    simulated_p,
)


@pytest.mark.parametrize("n", [1, 2, 7, 300])
def test_counts_are_counts_of_the_row_numbers(n: int) -> None:
    counts = draw_counts(n, 3, 42)
    expected = [np.bincount(rows, minlength=n) for rows in row_numbers(n, 3, 42)]
    assert_array_equal(counts, expected)
    assert (counts.sum(axis=1, dtype=int) == n).all()
    assert counts.shape == (BATCH, n)


def test_batches_have_streams_of_their_own() -> None:
    alone = draw_counts(50, 5, 1)
    for batch in range(5):
        draw_counts(50, batch, 1)
    assert_array_equal(alone, draw_counts(50, 5, 1))
    assert (draw_counts(50, 4, 1) != alone).any()
    assert (draw_counts(50, 5, 2) != alone).any()


def test_every_row_is_drawn_once_on_average() -> None:
    counts = np.concatenate([draw_counts(200, b, 9) for b in range(40)]).astype(float)
    # mean 1, variance 1 - 1/n: 400,000 counts
    assert abs(counts.var() - (1 - 1 / 200)) < 5 * np.sqrt(3 / counts.size)
    column = counts.mean(axis=0)
    assert np.abs(column - 1).max() < 5 / np.sqrt(2000)


def test_the_canonical_order_knows_nothing_of_the_file() -> None:
    rng = np.random.default_rng(1)
    n = 80
    values = {"b": rng.integers(0, 3, n).astype(float), "a": rng.integers(0, 4, n).astype(float)}
    codes = rng.integers(0, 2, n)
    y = rng.random(n) < 0.5

    def table(order: np.ndarray, names: list[str]) -> list[tuple]:
        terms = [Term(k, "continuous", values[k][order]) for k in names]
        terms.append(Term("c", "factor", codes[order], ("u", "v")))
        rows = np.flatnonzero(np.arange(n) >= 0)
        found = canonical_order(terms, rows, y[order])
        assert sorted(found) == list(range(n))
        return [(values["a"][order][r], values["b"][order][r], codes[order][r], y[order][r])
                for r in found]  # fmt: skip

    first = table(np.arange(n), ["b", "a"])
    assert first == sorted(first)
    assert first == table(rng.permutation(n), ["a", "b"])


def test_the_canonical_order_of_few_rows() -> None:
    term = Term("x", "continuous", np.array([2.0, 1.0, np.nan, 0.0]))
    y = np.array([True, False, True, False])
    assert_array_equal(canonical_order([term], np.array([0, 1, 3]), y), [3, 1, 0])
    assert len(canonical_order([term], np.empty(0, dtype=np.intp), y)) == 0


def test_monte_carlo_error_is_that_of_a_mean() -> None:
    values = np.random.default_rng(2).normal(size=(40, 3))
    expected = values.std(axis=0, ddof=1) / np.sqrt(40)
    assert_allclose(monte_carlo_error(values), expected, rtol=1e-12)
    values[:30, 1] = np.nan
    values[1:, 2] = np.nan
    found = monte_carlo_error(values)
    assert_allclose(found[1], values[30:, 1].std(ddof=1) / np.sqrt(10), rtol=1e-12)
    assert np.isnan(found[2])
    assert_allclose(mean_of(values)[2], values[0, 2])
    assert np.isnan(mean_of(np.full((4, 1), np.nan))).all()
    assert np.isnan(monte_carlo_error(np.empty((0, 2)))).all()


def test_the_worst_quantity_decides() -> None:
    tier = Tier(50, 500, {"a": 0.1, "b": 0.01})
    assert_allclose(share_of_target({"a": np.array(0.05), "b": np.array([0.02, np.nan])}, tier), 2)
    assert share_of_target({"a": np.array(np.nan), "b": np.array([np.nan])}, tier) == np.inf


def test_expected_resamples_follow_the_error() -> None:
    tier = Tier(200, 500, {})
    assert expected_resamples(50, 0.1, tier) == 200
    assert expected_resamples(100, 2.0, tier) == 400
    assert expected_resamples(100, np.inf, tier) == 500
    assert expected_resamples(100, 100.0, tier) == 500
    assert expected_resamples(300, 0.9, tier) == 300


def test_a_simulated_p_has_the_error_that_it_states() -> None:
    chance = 0.03

    def extreme(generator: np.random.Generator, count: int) -> int:
        return int((generator.random(count) < chance).sum())

    found = np.array([simulated_p(extreme, seed=s, batch=500, most=4_000) for s in range(300)])
    z = (found[:, 0] - (1 + 4_000 * chance) / 4_001) / found[:, 1]
    assert abs(z.mean()) < 4 / np.sqrt(300)
    assert abs(z.std() - 1) < 0.2
    again = simulated_p(extreme, seed=7, batch=500, most=4_000)
    assert again == tuple(found[7])


def test_a_simulation_ends_early_when_its_error_is_small() -> None:
    sizes: list[int] = []

    def extreme(_: np.random.Generator, count: int) -> int:
        sizes.append(count)
        return count - 1  # p near one: hardly any error

    assert simulated_p(extreme, seed=1, batch=300, most=1_000)[0] == 300 / 301
    assert sizes == [300]
    sizes.clear()
    p, error = simulated_p(lambda _, n: sizes.append(n) or 0, seed=1, batch=300, most=1_000)
    assert sizes == [300, 300, 300, 100]
    assert (p, error) == (1 / 1_001, np.sqrt(1 / 1_001 * 1_000 / 1_001 / 1_000))


def test_batches_of_a_simulation_have_streams_of_their_own() -> None:
    first: list[float] = []

    def extreme(generator: np.random.Generator, count: int) -> int:
        first.append(generator.random())
        return count // 2

    simulated_p(extreme, seed=3, batch=100, most=300)
    assert len(set(first)) == len(first) == 3
