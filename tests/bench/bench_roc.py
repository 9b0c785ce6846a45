"""ROC curves beside plain implementations of DeLong's method, and what they add to memory.

Command: python -m tests.bench.bench_roc. CPU time of one process with one BLAS thread, best of
five. Peers, in the same run: all pairs of events and others compared in blocks (as the
definition reads; once only at 200,000 rows), and midranks by scipy.stats.rankdata. They compute
two areas and their covariance; ours adds curves, thresholds and their measures.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from stats.correlation import correlate
from stats.roc import evaluate_roc
from stats.variables import Dataset
from tests.bench.memory import peak_added
from tests.bench.report import keep

SIZES = (500, 5_000, 50_000, 200_000)


def frame_of(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(20)
    y = rng.random(n) < 0.3
    return pd.DataFrame(
        {"y": y.astype(int), "a": rng.normal(size=n) + y, "b": (rng.normal(size=n) + 0.6 * y).round(2)}
    )  # fmt: skip


def cpu(work: Callable[[], object], times: int) -> tuple[float, object]:
    best, value = float("inf"), None
    for _ in range(times):
        start = time.process_time()
        value = work()
        best = min(best, time.process_time() - start)
    return best, value


def z_of(placed: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """DeLong's z from placements of events and others by two markers."""
    (a1, a0), (b1, b0) = placed
    s10, s01 = np.cov(a1, b1), np.cov(a0, b0)
    s = s10 / len(a1) + s01 / len(a0)
    return float((a1.mean() - b1.mean()) / np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1]))


def all_pairs(frame: pd.DataFrame) -> float:
    event = frame["y"].to_numpy() == 1
    placed = []
    for name in "ab":
        x, y = frame[name].to_numpy()[event], frame[name].to_numpy()[~event]
        rows, columns = np.empty(len(x)), np.zeros(len(y))
        block = max(1, 4_000_000 // len(y))
        for start in range(0, len(x), block):
            part = x[start : start + block, None]
            won = (part > y) + 0.5 * (part == y)
            rows[start : start + block] = won.mean(axis=1)
            columns += won.sum(axis=0)
        placed.append((rows, columns / len(x)))
    return z_of(placed)


def by_midranks(frame: pd.DataFrame) -> float:
    event = frame["y"].to_numpy() == 1
    placed = []
    for name in "ab":
        values = frame[name].to_numpy()
        x, y = values[event], values[~event]
        together = rankdata(np.concatenate((x, y)))
        rows = (together[: len(x)] - rankdata(x)) / len(y)
        columns = 1 - (together[len(x) :] - rankdata(y)) / len(x)
        placed.append((rows, columns))
    return z_of(placed)


def main() -> None:
    lines = ["Two markers compared (paired DeLong), CPU ms", ""]
    lines.append(f"{'rows':>8}{'ours':>10}{'midranks':>10}{'all pairs':>11}{'ratio':>8}  same z")
    for n in SIZES:
        frame = frame_of(n)
        data = Dataset(frame)

        def ours(data: Dataset = data) -> object:
            return evaluate_roc(data, truth="y", event=1, markers=["a", "b"])

        own, result = cpu(ours, 5)
        mid, z = cpu(lambda frame=frame: by_midranks(frame), 5)
        pairs, exact = cpu(lambda frame=frame: all_pairs(frame), 1 if n > 10_000 else 3)
        found = result.pairwise["statistic"][0]
        same = max(abs(found / z - 1), abs(found / exact - 1)) < 1e-9
        lines.append(
            f"{n:>8,}{1e3 * own:>10.1f}{1e3 * mid:>10.1f}{1e3 * pairs:>11.1f}"
            f"{pairs / own:>8.1f}  {'yes' if same else 'NO'}"
        )
    frame = frame_of(200_000)
    data = Dataset(frame)
    single, _ = cpu(lambda: evaluate_roc(data, truth="y", event=1, markers=["a"]), 5)
    lines += ["", f"one marker, 200,000 rows: {1e3 * single:.1f} ms"]
    added = peak_added(lambda: evaluate_roc(data, truth="y", event=1, markers=["a", "b"]))
    lines.append(f"two markers, 200,000 rows: {added:.0f} MB added at the peak")
    lines.append(
        f"points kept of {result.facts['thresholds']['a']:,}: {result.facts['points']['a']:,}"
    )
    for method in ("pearson", "spearman", "kendall"):
        taken, _ = cpu(
            lambda method=method: correlate(data, variables=["a", "b"], method=method), 3
        )
        added = peak_added(
            lambda method=method: correlate(data, variables=["a", "b"], method=method)
        )
        lines.append(
            f"correlate {method}, 200,000 rows: {1e3 * taken:.1f} ms, {added:.0f} MB added"
        )
    keep("bench_roc", lines)


if __name__ == "__main__":
    main()
