"""Frames that no regression model can use, or only in part: what was wrong, and the frame."""

from __future__ import annotations

import numpy as np
import pandas as pd

N = 40


def _base(n: int = N) -> dict[str, object]:
    rng = np.random.default_rng(5)
    return {
        "time": rng.exponential(10, n).round(2) + 0.1,
        "event": rng.integers(0, 2, n).astype(float),
        "y": rng.normal(50, 10, n),
        "count": rng.poisson(2, n).astype(float),
        "years": rng.uniform(0.5, 3, n),
        "x": rng.normal(size=n),
        "g": pd.Categorical(rng.choice(["a", "b", "c"], n), ["a", "b", "c"]),
    }


def hopeless_frames() -> dict[str, pd.DataFrame]:
    """By what is wrong with them; predictors are x and g."""
    n = N
    half = np.arange(n) < n // 2
    letters = np.where(half, "a", "b")
    zero = {"event": np.zeros(n), "count": np.zeros(n)}
    changes: dict[str, dict[str, object]] = {
        "nothing wrong": {},
        "constant number": {"x": np.ones(n)},
        "constant level": {"g": pd.Categorical(["a"] * n, ["a", "b"])},
        "both constant": {"x": np.ones(n), "g": pd.Categorical(["a"] * n)},
        "empty number": {"x": np.full(n, np.nan)},
        "empty level": {"g": pd.Categorical([None] * n, ["a", "b"])},
        "both empty": {"x": np.full(n, np.nan), "g": pd.Categorical([None] * n, ["a"])},
        "never complete": {"x": np.where(half, np.nan, 1.0 * np.arange(n)),
                           "g": pd.Categorical(np.where(half, "a", None))},
        "no events": zero,
        "all events": {"event": np.ones(n), "count": np.ones(n)},
        "one event": {"event": np.eye(n)[3], "count": np.eye(n)[3]},
        "events in one group": {"event": half * 1.0, "count": half * 2.0,
                                "g": pd.Categorical(letters)},
        "separated number": {"x": np.arange(n) * 1.0, "time": n - np.arange(n) + 1.0,
                             "event": np.ones(n), "count": (np.arange(n) > 30) * 1.0},
        "constant outcomes": {"time": np.full(n, 3.0), "y": np.full(n, 7.0),
                              "count": np.full(n, 2.0)},
        "missing outcomes": {"time": np.full(n, np.nan), "y": np.full(n, np.nan),
                             "count": np.full(n, np.nan)},
        "missing events": {"event": np.full(n, np.nan)},
        "negative times": {"time": -np.arange(1.0, n + 1), "years": -np.ones(n)},
        "zero times": {"time": np.zeros(n), "years": np.zeros(n)},
        "some negative times": {"time": np.where(half, -1.0, 5.0 + np.arange(n)),
                                "years": np.where(half, -1.0, 2.0)},
        "infinite number": {"x": np.where(half, np.inf, 1.0)},
        "infinite outcomes": {"time": np.full(n, np.inf), "y": np.full(n, np.inf),
                              "years": np.full(n, np.inf)},
        "huge number": {"x": np.arange(n) * 1e140},
        "huge outcomes": {"time": np.arange(1, n + 1) * 1e140, "y": np.arange(n) * 1e140,
                          "count": np.arange(n) * 1e5, "years": np.full(n, 1e140)},
        "tiny number": {"x": np.arange(n) * 1e-140},
        "text number": {"x": pd.Series([f"about {i}" for i in range(n)])},
        "text outcomes": {"time": pd.Series(["long"] * n), "y": pd.Series(["high"] * n),
                          "count": pd.Series(["many"] * n)},
        "absurd counts": {"count": np.arange(n) * 1e13},
        "fractional counts": {"count": np.arange(n) + 0.5},
        "negative counts": {"count": -np.arange(n) * 1.0},
        "duplicate predictors": {"g": pd.Categorical(letters), "x": half * 1.0},
        "predictor is the outcome": {"x": np.arange(n) * 1.0, "time": np.arange(n) + 1.0,
                                     "y": np.arange(n) * 2.0, "count": np.arange(n) * 1.0},
        "level with one row": {"g": pd.Categorical(["b", *["a"] * (n - 1)], ["a", "b"])},
        "reference without rows": {"g": pd.Categorical(letters, ["z", "a", "b"])},
        "everyone leaves first": {"time": np.where(half, 1.0, 9.0), "event": 1.0 - half,
                                  "g": pd.Categorical(letters)},
        "heavy ties": {"time": np.ceil(np.arange(n) / 20) + 1, "event": np.ones(n)},
    }  # fmt: skip
    frames = {name: pd.DataFrame({**_base(), **change}) for name, change in changes.items()}
    frames["no rows"] = frames["nothing wrong"].iloc[:0]
    for rows in (1, 2, 3, 5):
        frames[f"{rows} rows"] = frames["nothing wrong"].iloc[:rows].reset_index(drop=True)
    many = pd.Categorical([f"level {i}" for i in range(N)])
    frames["as many levels as rows"] = frames["nothing wrong"].assign(g=many)
    return frames
