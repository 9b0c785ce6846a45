"""Tests of a table of counts: levels by groups.

Pearson's chi-square (with Yates' correction on request, 2 x 2 only), Fisher, Freeman & Halton's
exact test for tables of any size. Levels and groups
without rows are left out; with fewer than two of either nothing can be tested (NaN).

Checked against R's chisq.test and fisher.test (`table1` reference files).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.special import chdtrc

from stats.contingency import fisher_exact
from stats.design import Floats
from stats.exact_table import exact_table_p
from stats.tested import Tested

CHI_SQUARE: Final = "chi-square"
CHI_SQUARE_YATES: Final = "chi-square (Yates)"
FISHER: Final = "Fisher exact"
#: Fisher's exact test takes over below this expected count (Cochran 1954).
SMALLEST_EXPECTED: Final = 5.0


def occupied(counts: Floats) -> Floats:
    """The table without levels (rows) and groups (columns) that have no rows."""
    kept = counts[counts.sum(axis=1) > 0]
    return kept[:, kept.sum(axis=0) > 0] if kept.size else kept.reshape(0, 0)


def expected_counts(table: Floats) -> Floats:
    """Expected counts under independence."""
    return np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()


def smallest_expected(counts: Floats) -> float:
    """The smallest expected count; NaN where no test is possible."""
    table = occupied(counts)
    return float(expected_counts(table).min()) if min(table.shape) > 1 else math.nan


def chi_square(counts: Floats, *, yates: bool = False) -> Tested:
    """Pearson's chi-square of levels (rows) by groups (columns).

    `yates` takes min(1/2, |O - E|) from each distance and applies to 2 x 2 tables only.
    """
    table = occupied(counts)
    yates = yates and table.shape == (2, 2)
    name = CHI_SQUARE_YATES if yates else CHI_SQUARE
    if min(table.shape) < 2:
        return Tested(name)
    expected = expected_counts(table)
    gap = np.abs(table - expected)
    if yates:
        gap -= np.minimum(0.5, gap)
    statistic = float((gap**2 / expected).sum())
    df = float((table.shape[0] - 1) * (table.shape[1] - 1))
    return Tested(name, statistic, df, float(chdtrc(df, statistic)))


def fisher_test(counts: Floats, *, seed: int) -> Tested:
    """Fisher's exact test; `seed` matters only where it has to simulate (then `mc_error`)."""
    table = occupied(counts)
    if min(table.shape) < 2:
        return Tested(FISHER)
    if min(table.shape) == 2:
        first, second = table if table.shape[0] == 2 else table.T
        found = fisher_exact(first, second, seed=seed)
        return Tested(FISHER, p_value=found.p_value, mc_error=found.mc_error)
    p, error = exact_table_p(table, seed=seed)
    return Tested(FISHER, p_value=p, mc_error=error)


def table_test(counts: Floats, *, seed: int) -> Tested:
    """Chi-square, or Fisher's exact test where an expected count is below 5."""
    if smallest_expected(counts) < SMALLEST_EXPECTED:
        return fisher_test(counts, seed=seed)
    return chi_square(counts)
