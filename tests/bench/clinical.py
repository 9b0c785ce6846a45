"""Synthetic clinical frames: half continuous, a quarter binary, a quarter of 3 to 6 levels."""

from __future__ import annotations

import numpy as np
import pandas as pd

SIZES = ((500, 15), (5_000, 40), (50_000, 60), (200_000, 100))


def clinical_frame(n: int, p: int, *, missing: float = 0.001, seed: int = 1) -> pd.DataFrame:
    """Columns x0 ... and the outcome `died` (0/1), with mild effects."""
    rng = np.random.default_rng([seed, n, p])
    columns: dict[str, object] = {}
    eta = np.full(n, -0.6)
    for j in range(p):
        lost = rng.random(n) < missing
        if j % 4 < 2:
            values = rng.normal(50 + j, 10, n)
            eta += 0.15 * rng.normal() * (values - 50 - j) / 10
            columns[f"x{j}"] = np.where(lost, np.nan, values)
            continue
        k = 2 if j % 4 == 2 else 3 + (j // 4) % 4
        codes = rng.integers(0, k, n)
        eta += 0.3 * rng.normal(size=k)[codes]
        labels = [f"level {i}" for i in range(k)]
        columns[f"x{j}"] = pd.Categorical.from_codes(np.where(lost, -1, codes), labels)
    died = rng.random(n) < 1 / (1 + np.exp(-eta))
    return pd.DataFrame({"died": died.astype(float), **columns})
