"""Crude fits, descriptives and tests beside a statsmodels and scipy loop over the columns.

Command: python -m tests.bench.bench_crude. CPU time of one process with one BLAS thread, best
of several runs. The loop fits each predictor by statsmodels' Newton on its own rows and
describes and tests it with pandas and scipy; at the larger sizes it takes every tenth column
and is scaled. Peak is what tracemalloc sees above the data.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time
import tracemalloc
import warnings

import numpy as np
import pandas as pd

from stats.descriptives import describe_by_outcome
from stats.design import Term
from stats.ranks import rank_terms
from stats.univariable import fit_crude
from tests.bench.clinical import SIZES, clinical_frame
from tests.bench.report import keep

GOALS_MS = {500: 2.5, 5_000: 15, 50_000: 150, 200_000: 1_000}


def terms_of(frame: pd.DataFrame) -> list[Term]:
    terms = []
    for name in frame.columns.drop("died"):
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            levels = tuple(column.cat.categories)
            terms.append(Term(name, "factor", column.cat.codes.to_numpy(), levels))
        else:
            terms.append(Term(name, "continuous", column.to_numpy()))
    return terms


def ours(terms, y, known, interval) -> None:
    ranked = rank_terms(terms, y, known)
    fit_crude(
        terms, y, known, method="auto", interval=interval, ci_level=0.95, ranked=ranked
    )  # fmt: skip
    describe_by_outcome(
        terms, y, known, event_label="1", other_label="0", seed=1, ranked=ranked
    )  # fmt: skip


def loop(frame: pd.DataFrame, names: list[str]) -> None:
    import statsmodels.api as sm
    from scipy import stats

    for name in names:
        part = frame[["died", name]].dropna()
        y, x = part["died"], part[name]
        factor = isinstance(x.dtype, pd.CategoricalDtype)
        design = pd.get_dummies(x, drop_first=True, dtype=float) if factor else x.to_frame()
        sm.Logit(y, sm.add_constant(design)).fit(method="newton", disp=0).summary2()
        if factor:
            stats.chi2_contingency(pd.crosstab(x, y), correction=False)
            continue
        x.groupby(y).describe()
        stats.ttest_ind(x[y == 1], x[y == 0], equal_var=False)
        stats.mannwhitneyu(x[y == 1], x[y == 0])


def cpu_ms(work, times: int) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best * 1e3


def peak_mb(work) -> float:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def main() -> None:
    warnings.simplefilter("ignore")
    lines = [
        "  rows x cols | Wald ms (goal) | profile ms | profile adds | loop ms | ratio | ns/cell | peak MB"
    ]
    for n, p in SIZES:
        frame = clinical_frame(n, p, missing=0.03)
        terms, y = terms_of(frame), frame["died"].to_numpy() == 1
        known = np.ones(n, dtype=bool)
        times = 20 if n < 10_000 else 3
        wald = cpu_ms(lambda: ours(terms, y, known, "wald"), times)  # noqa: B023
        profile = cpu_ms(lambda: ours(terms, y, known, "profile"), times)  # noqa: B023
        names = [t.name for t in terms]
        share = 1 if n < 10_000 else 10
        loop(frame.head(200), names[:2])  # imports are not its work
        slow = cpu_ms(lambda: loop(frame, names[::share]), 1)  # noqa: B023
        slow *= len(names) / len(names[::share])
        peak = peak_mb(lambda: ours(terms, y, known, "profile"))  # noqa: B023
        lines.append(
            f"{n:>7} x {p:<4}| {wald:8.2f} ({GOALS_MS[n]:g}) | {profile:8.2f} |"
            f" {profile / wald - 1:6.0%} | {slow:9.0f} | {slow / wald:5.0f} |"
            f" {wald * 1e6 / n / p:6.1f} | {peak:6.1f}"
        )
    keep("bench_crude", lines)


if __name__ == "__main__":
    main()
