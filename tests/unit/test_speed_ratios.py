"""Ratios that keep speed from rotting. Ratios, not times: the machine may be busy."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import pytest

import logic
from stats.outcome import analyze_outcome
from tests.bench.bench_outcome import statsmodels_loop
from tests.bench.clinical import SIZES, clinical_frame

pytestmark = pytest.mark.slow


def cpu(work: Callable[[], object], times: int = 3) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def analysis(n: int, p: int) -> Callable[[], object]:
    frame = clinical_frame(n, p)
    data = logic.Dataset(frame)
    names = [c for c in frame.columns if c != "died"]
    return lambda: analyze_outcome(data, outcome="died", predictors=names, interval="wald")


def test_ten_times_faster_than_a_statsmodels_loop() -> None:
    own = cpu(analysis(5_000, 40))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = statsmodels_loop(clinical_frame(5_000, 40), share=2)
    assert other >= 10 * own


def test_cost_per_cell_stays_within_a_factor_of_three() -> None:
    sizes = [size for size in SIZES if size[0] >= 5_000]  # below, fixed costs are all there is
    assert len(sizes) == 3
    per_cell = [cpu(analysis(n, p), 1 if n > 100_000 else 3) / (n * p) for n, p in sizes]
    assert max(per_cell) <= 3 * min(per_cell)


def test_a_hit_costs_less_than_a_hundredth_of_its_computation() -> None:
    frame = clinical_frame(5_000, 40)
    data = logic.Dataset(frame)
    names = tuple(c for c in frame.columns if c != "died")

    def call() -> logic.Run:
        return logic.run("analyze_outcome", data, outcome="died", predictors=names)

    assert call().source == "computed"
    assert call().source == "memory"
    computed = cpu(lambda: analyze_outcome(data, outcome="died", predictors=names))
    repeats = 50
    hit = cpu(lambda: [call() for _ in range(repeats)]) / repeats
    assert hit <= computed / 100
