"""p-values adjusted for the number of tests.

    bonferroni   m p
    holm         step-down: max over smaller p of (m - i + 1) p, i the rank (Holm 1979)
    bh           step-up: min over larger p of m p / i, the false discovery rate (Benjamini &
                 Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x)

Checked against statsmodels' multipletests.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from stats.design import Floats

ADJUSTMENTS: Final = ("holm", "bonferroni", "bh", "none")


def adjusted_p(p_values: Floats, method: str) -> Floats:
    """Adjusted p-values in the same order; missing ones stay missing and are not counted."""
    adjusted = np.array(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(adjusted))
    m = len(known)
    if m == 0 or method == "none":
        return adjusted
    order = known[np.argsort(adjusted[known], kind="stable")]
    p = adjusted[order]
    if method == "bonferroni":
        scaled = m * p
    elif method == "holm":
        scaled = np.maximum.accumulate((m - np.arange(m)) * p)
    else:
        scaled = np.minimum.accumulate((m / np.arange(1, m + 1) * p)[::-1])[::-1]
    adjusted[order] = np.minimum(scaled, 1.0)
    return adjusted
