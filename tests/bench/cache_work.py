"""The work that every cache is given: one frame, one result of about 45 kB."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

ROWS, COLUMNS = 50_000, 20


def frame(rows: int = ROWS) -> pd.DataFrame:
    """14 columns of numbers, 4 categories, 2 of flags."""
    rng = np.random.default_rng(0)
    built: dict[str, Any] = {f"x{i}": rng.normal(size=rows) for i in range(14)}
    for i in range(4):
        built[f"k{i}"] = pd.Categorical.from_codes(rng.integers(0, 4, rows), list("abcd"))
    for i in range(2):
        built[f"b{i}"] = rng.random(rows) < 0.3
    return pd.DataFrame(built)


def tables() -> dict[str, pd.DataFrame]:
    """Six tables, as an analysis returns them."""
    rng = np.random.default_rng(1)
    found = {}
    for i, rows in enumerate((300, 60, 60, 40, 20, 20)):
        numbers = {f"v{j}": rng.normal(size=rows) for j in range(8)}
        words = {f"w{j}": [f"term {k % 7}" for k in range(rows)] for j in range(2)}
        found[f"t{i}"] = pd.DataFrame({**words, **numbers})
    return found


class Median(float):
    """Microseconds of processor time; `wall` is what the clock said."""

    wall: float


def median_us(
    call: Callable[[], Any], times: int, before: Callable[[], Any] = lambda: None
) -> Median:
    """Medians of the processor and the wall time of `call`; `before` is not timed."""
    taken, wall = [], []
    for _ in range(times):
        before()
        began, started = time.perf_counter(), time.process_time()
        call()
        taken.append(time.process_time() - started)
        wall.append(time.perf_counter() - began)
    found = Median(sorted(taken)[times // 2] * 1e6)
    found.wall = sorted(wall)[times // 2] * 1e6
    return found
