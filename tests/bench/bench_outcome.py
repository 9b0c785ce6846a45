"""Cold `analyze_outcome` beside a statsmodels loop, added peak memory, and the repeat.

Command: python -m tests.bench.bench_outcome. CPU time of one process with one BLAS thread:
the best of 300 calls at 500 rows, of 60 at 5,000, of ten at 50,000 and of four at the largest
size, since calls of some milliseconds vary most; in several processes, whose memory lies
differently each time, and the slowest of these is told, too. The statsmodels loop fits each predictor and
the full model by Newton on the same rows and computes the VIF of each column by regression; at
the size of 50,000 rows it runs on a part and is scaled.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import json
import subprocess
import sys
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd

import logic
from stats.outcome import analyze_outcome
from tests.bench.clinical import SIZES, clinical_frame
from tests.bench.memory import peak_added
from tests.bench.report import keep

TIMES = {500: 300, 5_000: 60, 50_000: 10, 200_000: 4}
PROCESSES = {500: 7, 5_000: 5, 50_000: 3, 200_000: 3}
GOALS = {500: (5, 10), 5_000: (30, 120), 50_000: (350, 1_200), 200_000: (2_200, 7_000)}


def cpu(work: Any, times: int) -> tuple[float, Any]:
    best, value = float("inf"), None
    for _ in range(times):
        start = time.process_time()
        value = work()
        best = min(best, time.process_time() - start)
    return best, value


def statsmodels_loop(frame: pd.DataFrame, share: int) -> float:
    """CPU seconds of crude fits + full fit + VIF; every `share`-th predictor, scaled."""
    import statsmodels.api as sm
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    y = frame["died"]
    names = [c for c in frame.columns if c != "died"]
    start = time.process_time()
    for name in names[::share]:
        x = pd.get_dummies(frame[[name]], drop_first=True, dtype=float)
        keep_rows = frame[name].notna()
        sm.Logit(y[keep_rows], sm.add_constant(x[keep_rows])).fit(method="newton", disp=0)
    crude = (time.process_time() - start) * len(names) / len(names[::share])
    whole = frame.dropna()
    x = sm.add_constant(pd.get_dummies(whole[names], drop_first=True, dtype=float))
    start = time.process_time()
    sm.Logit(whole["died"], x).fit(method="newton", disp=0)
    full = time.process_time() - start
    columns = range(1, x.shape[1])[:: share * 4]
    start = time.process_time()
    for j in columns:
        variance_inflation_factor(x.to_numpy(), j)
    vif = (time.process_time() - start) * (x.shape[1] - 1) / len(columns)
    return crude + full + vif


def one_size(n: int, p: int, *, beside: bool) -> dict[str, float]:
    """All figures of one size, the statsmodels loop among them if it is to run `beside`; in a
    process of its own so that the peak is honest."""
    warnings.simplefilter("ignore")
    analyze_outcome(clinical_frame(60, 3), outcome="died", predictors=["x0", "x1", "x2"])
    frame = clinical_frame(n, p)
    data = logic.Dataset(frame)
    names = [c for c in frame.columns if c != "died"]
    times = TIMES[n]

    def call(interval: str) -> Any:
        return analyze_outcome(data, outcome="died", predictors=names, interval=interval)

    figures = {"added": peak_added(lambda: call("profile"))}
    figures["wald"], _ = cpu(lambda: call("wald"), times)
    figures["default"], _ = cpu(lambda: call("profile"), times)
    figures["share"] = 1 if n <= 5_000 else 10
    beside = beside and n <= 50_000
    figures["loop"] = statsmodels_loop(frame, int(figures["share"])) if beside else np.nan
    return figures


def main() -> None:
    """Every size in its own process, then the repeat."""
    if len(sys.argv) > 2:
        n, p, which = map(int, sys.argv[1:])
        print(json.dumps(one_size(n, p, beside=which == 0)))
        return
    cells: dict[int, float] = {}
    slowest: dict[int, float] = {}
    lines = [
        "   rows x cols | Wald ms (goal)   | default ms (goal) | statsmodels s | Wald ratio |"
        " added peak MB | Wald ns/cell"
    ]
    for n, p in SIZES:
        runs = [in_process(n, p, which) for which in range(PROCESSES[n])]
        f = runs[0] | {name: min(run[name] for run in runs) for name in ("wald", "default")}
        slowest[n] = max(run["wald"] for run in runs)
        goal, cells[n] = GOALS[n], f["wald"] / n / p * 1e9
        loop = f"{f['loop']:8.2f} (1/{f['share']:.0f})" if f["loop"] == f["loop"] else " not run"
        ratio = f"{f['loop'] / f['wald']:6.0f}x" if f["loop"] == f["loop"] else "      -"
        lines.append(
            f"{n:8,} x {p:3} | {f['wald'] * 1e3:7.1f} ({goal[0]:5,}) | "
            f"{f['default'] * 1e3:7.1f} ({goal[1]:5,})   | {loop:>13} | {ratio:>9} | "
            f"{f['added']:10.1f}   | {cells[n]:8.1f}"
        )
    lines += [
        "(1/10): every tenth predictor was fitted and the time scaled.",
        "slowest process, Wald ms (of how many): " + ", ".join(
            f"{slowest[n] * 1e3:.1f} ({PROCESSES[n]})" for n, _ in SIZES
        ),
        f"cost per cell, dearest over cheapest size: {_spread(cells, 5_000):.1f}x from 5,000 rows on; "
        f"{_spread(cells, 0):.1f}x with 500 rows, whose goal is 6.1x the largest size's goal per cell", "",
    ]  # fmt: skip
    told, samples = repeat()
    numbers = {
        "repeat_median_ms": float(np.median(samples)) * 1e3,
        "repeat_p95_ms": float(np.quantile(samples, 0.95)) * 1e3,
    }
    keep(
        "bench_outcome", [*lines, *told], numbers=numbers,
        samples={"repeat_ms": [s * 1e3 for s in samples]},
    )  # fmt: skip


def in_process(n: int, p: int, which: int) -> dict[str, float]:
    """`one_size` in a process with the memory settings of the server; the loop in the first."""
    command = [sys.executable, "-m", "tests.bench.bench_outcome", str(n), str(p), str(which)]
    env = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return json.loads(done.stdout)


def _spread(cells: dict[int, float], least: int) -> float:
    chosen = [cost for n, cost in cells.items() if n >= least]
    return max(chosen) / min(chosen)


def repeat() -> tuple[list[str], list[float]]:
    """The same call again through the catalogue, from memory: a line, and the seconds of each."""
    frame = clinical_frame(50_000, 60)
    data = logic.Dataset(frame)
    names = tuple(c for c in frame.columns if c != "died")

    def call() -> Any:
        return logic.run("analyze_outcome", data, outcome="died", predictors=names)

    first = call()
    samples: list[float] = []
    for _ in range(200):
        start = time.perf_counter()
        again = call()
        samples.append(time.perf_counter() - start)
    line = (
        f"repeat from {again.source}, Dataset 50,000 x 60: median "
        f"{np.median(samples) * 1e3:.3f} ms, p95 {np.quantile(samples, 0.95) * 1e3:.3f} ms "
        f"(goal 0.1 ms); first call {first.seconds * 1e3:.0f} ms from {first.source}"
    )
    return [line], samples


if __name__ == "__main__":
    main()
