"""Tests of categories seen twice or more on the same subjects.

McNemar's test of a 2 x 2 table of pairs (exact binomial, or chi-square with or without
correction), Bowker's test of symmetry for more levels (pairs of levels without discordant
subjects are left out), and Cochran's Q for three or more occasions.

McNemar 1947, doi:10.1007/BF02295996. Bowker 1948, doi:10.1080/01621459.1948.10483284. Cochran 1950,
doi:10.1093/biomet/37.3-4.256.

Checked against statsmodels and published examples.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import chdtrc

from stats.design import Floats
from stats.exact_ranks import exact_binomial_p
from stats.tested import Tested

MCNEMAR: Final = "McNemar"
MCNEMAR_CORRECTED: Final = "McNemar (corrected)"
MCNEMAR_EXACT: Final = "McNemar exact"
BOWKER: Final = "Bowker"
COCHRAN: Final = "Cochran Q"
#: Fewer discordant pairs than this get the exact test.
EXACT_BELOW: Final = 25


def mcnemar(only_first: float, only_second: float, *, exact: str, continuity: bool) -> Tested:
    """From the two counts of discordant pairs; NaN without any.

    `exact`: "exact", "normal", or "auto" (exact below 25 discordant pairs).
    """
    discordant = only_first + only_second
    if discordant == 0:
        return Tested(MCNEMAR)
    if exact == "exact" or (exact == "auto" and discordant < EXACT_BELOW):
        p = exact_binomial_p(int(only_first), int(discordant))
        return Tested(MCNEMAR_EXACT, min(only_first, only_second), p_value=p)
    gap = abs(only_first - only_second)
    gap -= min(1.0, gap) if continuity else 0.0
    statistic = gap * gap / discordant
    name = MCNEMAR_CORRECTED if continuity else MCNEMAR
    return Tested(name, statistic, 1.0, float(chdtrc(1, statistic)))


def bowker(table: Floats) -> Tested:
    """Symmetry of a square table, first occasion in rows, second in columns."""
    upper = np.triu_indices(len(table), 1)
    one, other = table[upper], table.T[upper]
    both = one + other
    used = both > 0
    if not used.any():
        return Tested(BOWKER)
    statistic = float(((one - other)[used] ** 2 / both[used]).sum())
    df = float(used.sum())
    return Tested(BOWKER, statistic, df, float(chdtrc(df, statistic)))


def cochran_q(events: Floats) -> Tested:
    """Equal shares of 0/1 on k occasions (columns) of the same subjects (rows)."""
    _, k = events.shape
    by_occasion, by_subject = events.sum(axis=0), events.sum(axis=1)
    below = float(k * by_subject.sum() - by_subject @ by_subject)
    if k < 2 or not below > 0:
        return Tested(COCHRAN)
    gaps = by_occasion - by_occasion.mean()
    statistic = (k - 1) * k * float(gaps @ gaps) / below
    return Tested(COCHRAN, statistic, float(k - 1), float(chdtrc(k - 1, statistic)))
