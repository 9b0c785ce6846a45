"""Validation of an outcome model: CPU time of its parts, beside a plain loop; coverage.

Command: python -m tests.bench.bench_validation. CPU time of one process with one BLAS thread,
best of three. Goal: 1,000 resamples of a 20-term model at 5,000 rows in 0.5 s for the refits,
1.2 s for refits and all measures together (four scalars, calibration curve, decision curve).
The plain loop copies rows, fits by statsmodels (Newton) and computes C-statistic, calibration
line and Brier score; it runs on a few resamples and is scaled.

Coverage: how often the 95 % interval of the corrected value holds the true performance of the
fitted model (known, since the outcomes are simulated), for the interval as it is and for the
one that subtracts the optimism from the percentiles.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from stats import validation
from stats.optimism import measures_table
from stats.resampling import draw_counts
from stats.validation import prepare, validate_outcome_model
from stats.variables import as_dataset
from tests.bench.memory import peak_added
from tests.bench.report import keep

SIZES = ((500, 8, 1_000), (5_000, 20, 1_000), (5_000, 40, 400), (50_000, 20, 100))


def frame_of(n: int, p: int, seed: int = 1) -> pd.DataFrame:
    """Half continuous, half 0/1 predictors of mild effect, outcome near 30 %."""
    rng = np.random.default_rng([seed, n, p])
    x = rng.normal(size=(n, p))
    x[:, p // 2 :] = x[:, p // 2 :] > 0.3
    y = rng.random(n) < 1 / (1 + np.exp(1 - x @ (rng.normal(size=p) * 0.2)))
    return pd.DataFrame(x, columns=[f"x{j}" for j in range(p)]).assign(y=y.astype(int))


def started(frame: pd.DataFrame, seed: int = 1, adjust: str = "all") -> validation._Validation:
    data = as_dataset(frame)
    names = [c for c in frame.columns if c != "y"]
    asked = {
        "outcome": "y", "predictors": names, "event": 1, "references": None, "adjust": adjust,
        "method": "auto", "scale": None, "quality": "publication", "seed": seed,
    }  # fmt: skip
    return validation._Validation.of(data, prepare(data, asked)[1])


def parts(frame: pd.DataFrame, resamples: int, adjust: str = "all") -> tuple[float, ...]:
    """CPU seconds of draws, refits (with the selection) and measures."""
    run = started(frame, adjust=adjust)
    spent = np.zeros(3)
    for batch in range(resamples // 50):
        t0 = time.process_time()
        counts = draw_counts(len(run.made.y), batch, 1)
        t1 = time.process_time()
        refits, _ = run.made.remake(counts)
        t2 = time.process_time()
        step = max(1, validation._PREDICTOR_ELEMENTS // len(run.made.y))
        for first in range(0, len(counts), step):
            run._measure(counts, refits, np.arange(first, min(first + step, len(counts))))
        spent += (t1 - t0, t2 - t1, time.process_time() - t2)
    return tuple(float(s) for s in spent)


def plain(frame: pd.DataFrame, resamples: int, times: int = 5) -> float:
    """CPU seconds of the plain loop, from a few resamples."""
    import statsmodels.api as sm

    x = sm.add_constant(frame.drop(columns="y").to_numpy())
    y = frame["y"].to_numpy(dtype=float)
    rng = np.random.default_rng(1)

    def measure(lp: np.ndarray, y: np.ndarray) -> tuple[Any, ...]:
        ranks = rankdata(lp)
        n1 = y.sum()
        area = (ranks[y == 1].sum() - n1 * (n1 + 1) / 2) / (n1 * (len(y) - n1))
        line = sm.Logit(y, sm.add_constant(lp)).fit(method="newton", disp=0).params
        return area, line, np.mean((1 / (1 + np.exp(-lp)) - y) ** 2)

    begin = time.process_time()
    for _ in range(times):
        rows = rng.integers(0, len(y), len(y))
        beta = sm.Logit(y[rows], x[rows]).fit(method="newton", disp=0).params
        measure(x[rows] @ beta, y[rows])
        measure(x @ beta, y)
    return (time.process_time() - begin) * resamples / times


def coverage(n: int, p: int, models: int) -> str:
    """Share of intervals that hold the truth, with the share that lie wholly above it."""
    rng = np.random.default_rng([7, n, p])
    effects = rng.normal(size=p) * 0.4
    others = rng.normal(size=(20_000, p))
    chance = 1 / (1 + np.exp(0.8 - others @ effects))
    hits = np.zeros((2, 2, 2))  # interval (ours, optimism only) x measure x (covers, above)
    for i in range(models):
        x = rng.normal(size=(n, p))
        y = rng.random(n) < 1 / (1 + np.exp(0.8 - x @ effects))
        frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(p)]).assign(y=y.astype(int))
        run = started(frame, seed=i)
        for batch in range(4):
            run._run_batch(batch)
        intercept, slopes = run.made.design.reported(run.made.beta)
        lp = intercept + others @ slopes
        order = np.argsort(lp)
        event = chance[order]
        area = event @ (np.cumsum(1 - event) - (1 - event) / 2) / event.sum() / (1 - event).sum()
        risk = 1 / (1 + np.exp(-lp))
        truth = {0: area, 4: np.mean((risk - chance) ** 2 + chance * (1 - chance))}
        table = measures_table(run.collected, run.tier, without_interval=())
        own = run.collected.gathered("measures")[1]
        for k, (m, true) in enumerate(truth.items()):
            back = own[:, m].mean() - table["apparent"][m]
            for j, move in enumerate((0.0, back)):
                low, high = table["low"][m] + move, table["high"][m] + move
                hits[j, k] += (low <= true <= high, true < low)
    share = hits / models
    return (
        f"{n:>6} x {p:<3} {models} models   C-statistic {share[0, 0, 0]:.3f} "
        f"(above {share[0, 0, 1]:.3f}) / {share[1, 0, 0]:.3f} ({share[1, 0, 1]:.3f})   "
        f"Brier {share[0, 1, 0]:.3f} ({share[0, 1, 1]:.3f}) / "
        f"{share[1, 1, 0]:.3f} ({share[1, 1, 1]:.3f})"
    )


def main() -> None:
    validate_outcome_model(
        frame_of(100, 2), outcome="y", predictors=["x0", "x1"], event=1, quality="preview"
    )
    lines = ["rows x terms, resamples: draws + refits + measures = together (CPU s); plain loop"]
    for n, p, resamples in SIZES:
        frame = frame_of(n, p)
        goal = "   goals 0.5 refits, 1.2 together" if (n, p) == (5_000, 20) else ""
        best = min((parts(frame, resamples) for _ in range(3)), key=sum)
        loop = plain(frame, resamples)
        lines.append(
            f"{n:>6} x {p:<3} {resamples:>5}: {best[0]:.3f} + {best[1]:.3f} + {best[2]:.3f} = "
            f"{sum(best):.3f}   plain {loop:.1f}, {loop / sum(best):.0f}x{goal}"
        )
    lines += [
        "",
        "a selection repeated in each resample: rows x candidates, resamples, parts as above",
    ]
    for n, p, resamples in ((500, 8, 200), (5_000, 20, 200)):
        for adjust in ("screen:0.2", "backward:aic"):
            found = parts(frame_of(n, p), resamples, adjust)
            shown = " + ".join(f"{s:.3f}" for s in found)
            lines.append(f"{n:>6} x {p:<3} {resamples:>5} {adjust:13} {shown} = {sum(found):.3f}")
    lines += ["", "whole call, quality standard: resamples, CPU s, peak added MB"]
    for n, p in ((500, 8), (5_000, 20), (50_000, 20), (200_000, 40)):
        frame = frame_of(n, p)
        names = [c for c in frame.columns if c != "y"]
        kept: list[Any] = []

        def call(frame: pd.DataFrame = frame, names: list[str] = names, kept: Any = kept) -> None:
            kept.append(validate_outcome_model(frame, outcome="y", predictors=names, event=1))

        begin = time.process_time()
        added = peak_added(call)
        spent = time.process_time() - begin
        facts = kept[0].facts
        lines.append(
            f"{n:>6} x {p:<3} {facts['resamples']:>5}  {spent:8.2f}  {added:6.0f}"
            f"   largest error / target {facts['share_of_target']:.2f}"
        )
    lines += ["", "coverage of the 95 % interval: as it is / percentiles less the optimism"]
    lines += [coverage(200, 8, 200), coverage(500, 12, 150)]
    keep("bench_validation", lines)


if __name__ == "__main__":
    main()
