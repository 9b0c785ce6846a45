"""lifelines, measured by its own interpreter: `PYTHON peers_survival.py curves N` or `cox N P TIED`.

It pins an older pandas, so it lives in an environment of its own (`make bench-peers`). Prints, as
JSON with its version, CPU milliseconds of a Kaplan-Meier fit and of two with a log-rank test, or of
a Cox model. The data are made here for both interpreters: the same seeds, the same numbers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__)
PYTHON = HERE.parents[2] / ".venv-bench-survival/bin/python"


def cohort(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times in days, events and two groups."""
    rng = np.random.default_rng(20)
    return (
        np.ceil(rng.exponential(900, n)),
        (rng.random(n) < 0.4).astype(int),
        rng.integers(0, 2, n),
    )


def survival_frame(n: int, p: int, *, ties: bool) -> pd.DataFrame:
    """Times, deaths and p predictors, half of them 0/1."""
    rng = np.random.default_rng([n, p])
    columns: dict[str, object] = {}
    eta = np.zeros(n)
    for j in range(p):
        values = rng.normal(size=n) if j % 2 else rng.integers(0, 2, n).astype(float)
        eta += 0.1 * rng.normal() * values
        columns[f"x{j}"] = values
    event, censored = rng.exponential(np.exp(-eta)), rng.exponential(1.5, n)
    time_ = 1_000 * np.minimum(event, censored)
    time_ = np.ceil(time_ / 10) if ties else time_
    return pd.DataFrame({"time": time_, "dead": (event <= censored) * 1.0, **columns})


def cpu_ms(work: Callable[[], object], times: int = 5) -> float:
    """CPU milliseconds, best of several runs."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return 1e3 * best


def ask(*words: object) -> dict[str, object]:
    """What lifelines takes, by its own interpreter; empty where there is none."""
    if not PYTHON.exists():
        return {}
    done = subprocess.run(
        [str(PYTHON), str(HERE), *(str(w) for w in words)], capture_output=True, text=True,
        check=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    return json.loads(done.stdout)


def curves(n: int) -> dict[str, float]:
    """A Kaplan-Meier fit; two of them with a log-rank test."""
    import lifelines
    from lifelines.statistics import logrank_test

    times, events, group = cohort(n)
    first = group == 0

    def two() -> list[object]:
        fits = [lifelines.KaplanMeierFitter().fit(times[g], events[g]) for g in (first, ~first)]
        return [*fits, logrank_test(times[first], times[~first], events[first], events[~first])]

    return {
        "curve": cpu_ms(lambda: lifelines.KaplanMeierFitter().fit(times, events)),
        "groups": cpu_ms(two),
    }


def cox(n: int, p: int, *, ties: bool) -> dict[str, float]:
    """A Cox model with standard errors (Efron ties)."""
    import lifelines

    frame = survival_frame(n, p, ties=ties)
    fit = cpu_ms(lambda: lifelines.CoxPHFitter().fit(frame, "time", "dead"), 3)
    return {"cox": fit}


def main() -> None:
    """Measure lifelines at one size."""
    import lifelines

    warnings.simplefilter("ignore")
    what, n, *more = sys.argv[1:]
    found = (
        curves(int(n)) if what == "curves" else cox(int(n), int(more[0]), ties=more[1] == "True")
    )
    print(json.dumps({"version": lifelines.__version__, **found}))


if __name__ == "__main__":
    main()
