"""Table 1 and comparisons of groups beside a loop of pandas and scipy.stats.

Command: python -m tests.bench.bench_cohort. CPU time of one process with one BLAS thread, best of
five (three at the largest size). The loop makes the same numbers: by group and overall the mean,
SD, median, quartiles and extremes, counts and shares, and with tests Mann-Whitney and chi-square
per variable. Peak memory is what a run adds to the process.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from stats.cohort import describe_cohort
from stats.compare import compare_groups
from stats.variables import Dataset
from tests.bench.clinical import SIZES, clinical_frame
from tests.bench.memory import peak_added
from tests.bench.report import keep

GOAL_MS = {50_000: 300}


def cpu(work: Callable[[], Any], times: int) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def loop(frame: pd.DataFrame, *, tests: bool) -> int:
    """The same table with pandas and scipy.stats."""
    import scipy.stats as ss

    group = frame["died"]
    count = 0
    for name in frame.columns.drop("died"):
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            table = pd.crosstab(column, group)
            shares = table / table.sum()
            count += int(shares.size)
            if tests:
                ss.chi2_contingency(table, correction=False)
            continue
        for values in (column, *(part for _, part in column.groupby(group))):
            known = values.dropna()
            found = known.describe()
            count += len(found)
        if tests:
            known = frame[["died", name]].dropna()
            a, b = (known.loc[known["died"] == v, name] for v in (0.0, 1.0))
            ss.mannwhitneyu(a, b, method="asymptotic")
    return count


def table_lines() -> list[str]:
    lines = [
        "Table 1 by two groups",
        "   rows x cols | ours ms (goal) | with tests ms | loop ms | loop with tests ms |"
        "  ratio | with tests | peak of the run with tests",
    ]
    for n, p in SIZES:
        frame = clinical_frame(n, p)
        data = Dataset(frame)
        names = [c for c in frame.columns if c != "died"]
        times = 3 if n > 100_000 else 5

        def ours(*, tests: bool, data: Dataset = data, names: list[str] = names) -> Any:
            return describe_cohort(
                data, group="died", variables=names, tests=tests, statistics="median"
            )

        describe_cohort(clinical_frame(60, 3), group="died", tests=True)
        added = peak_added(lambda: ours(tests=True))
        plain, tested = (cpu(lambda t=t: ours(tests=t), times) for t in (False, True))
        goal = f"({GOAL_MS[n]})" if n in GOAL_MS else ""
        peers = "  not run"
        if n <= 50_000:
            theirs = [cpu(lambda t=t, frame=frame: loop(frame, tests=t), 2) for t in (False, True)]
            ratios = theirs[0] / plain, theirs[1] / tested
            peers = f"{theirs[0] * 1e3:7.0f} | {theirs[1] * 1e3:18.0f} | {ratios[0]:5.0f}x | "
            peers += f"{ratios[1]:9.0f}x"
        lines.append(
            f"{n:8,} x {p:3} | {plain * 1e3:7.1f} {goal:>6} | {tested * 1e3:13.1f} | {peers} | "
            f"added {added:.1f} MB"
        )
    return lines


def comparison_lines() -> list[str]:
    import scipy.stats as ss

    lines = ["Comparisons, all of a result (tests, effects, pairs, checks)",
             "   rows | what                  |  ours ms | scipy ms (the test alone)"]  # fmt: skip
    for n in (1_000, 200_000):
        rng = np.random.default_rng(1)
        frame = pd.DataFrame(
            {
                "x": rng.normal(size=n),
                "later": rng.normal(0.1, 1, n),
                "two": pd.Categorical(rng.choice(["a", "b"], n)),
                "five": pd.Categorical(rng.choice(list("abcde"), n)),
            }
        )
        data = Dataset(frame)
        parts = {g: [p.to_numpy() for _, p in frame.groupby(g, observed=True)["x"]]
                 for g in ("two", "five")}  # fmt: skip
        cases: list[tuple[str, dict[str, Any], Callable[[], Any]]] = [
            ("Welch t, 2 groups", {"value": "x", "group": "two"},
             lambda parts=parts: ss.ttest_ind(*parts["two"], equal_var=False)),
            ("Mann-Whitney", {"value": "x", "group": "two", "test": "mann-whitney"},
             lambda parts=parts: ss.mannwhitneyu(*parts["two"])),
            ("Welch ANOVA, 5 groups", {"value": "x", "group": "five"},
             lambda parts=parts: ss.f_oneway(*parts["five"])),
            ("Kruskal-Wallis, Dunn",
             {"value": "x", "group": "five", "test": "kruskal-wallis"},
             lambda parts=parts: ss.kruskal(*parts["five"])),
            ("paired t", {"value": ["x", "later"]},
             lambda frame=frame: ss.ttest_rel(frame["x"], frame["later"])),
        ]  # fmt: skip
        for name, choices, peer in cases:

            def ours(data: Dataset = data, choices: dict[str, Any] = choices) -> Any:
                return compare_groups(data, **choices)

            ours()
            lines.append(
                f"{n:7,} | {name:21} | {cpu(ours, 3) * 1e3:8.1f} | {cpu(peer, 3) * 1e3:8.2f}"
            )
    return lines


def main() -> None:
    """Print and keep both tables."""
    keep("bench_cohort", [*table_lines(), "", *comparison_lines()])


if __name__ == "__main__":
    main()
