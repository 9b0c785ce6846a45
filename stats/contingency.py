"""Tests of a factor against a binary outcome: chi-square and Fisher's exact test.

A table is given as two arrays over the levels of the factor: the rows with the event and the
rows without; chi-squares take several tables one below the other. Levels without rows are left
out. Both tests are NaN where only one level or only one outcome remains.

The exact test is that of Fisher, Freeman & Halton (1951): the sum of the probabilities of all
tables with the same margins that are no more probable than the one seen (relative tolerance
1e-7, as R's fisher.test has it). Beyond 2 x 2 the levels are split in two halves; the states of
each half are listed (rows with the event, weight, number of arrangements) and combined by a
cumulative sum over sorted weights, so that a table with billions of arrangements is still
exact. Where even the halves are too many, a seeded simulation answers and states its error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, gammaln

from stats.design import Floats
from stats.resampling import simulated_p

_TOLERANCE: Final = 1e-7  # tables this close in probability count as equally probable
_STATES: Final = 200_000  # of one half, at most; about 20 MB while the halves are combined
_LEVELS: Final = 60  # with more than one row, beyond which the states are certainly too many
_SIMULATIONS: Final = 19_999
_FEWEST: Final = 999
_ROWS_PER_LEVEL: Final = 50
_SIMULATED_CELLS: Final = 4_000_000
_CELLS_AT_ONCE: Final = 250_000


@dataclass(frozen=True, slots=True)
class TableTest:
    """`statistic` and `df` are NaN for the exact test; `mc_error` is NaN unless simulated."""

    statistic: float
    df: float
    p_value: float
    mc_error: float = math.nan


_NOTHING = TableTest(math.nan, math.nan, math.nan)


def _tidy(events: Floats, others: Floats) -> tuple[Floats, Floats] | None:
    events = np.asarray(events, dtype=np.float64)
    others = np.asarray(others, dtype=np.float64)
    used = events + others > 0
    if used.sum() < 2 or events.sum() == 0 or others.sum() == 0:
        return None
    return events[used], others[used]


@dataclass(frozen=True, slots=True, eq=False)
class ChiSquares:
    """Pearson's chi-square without continuity correction of several tables; df = levels with
    rows - 1. `smallest_expected` is the smallest expected count under independence. All are NaN
    where no test is possible."""

    smallest_expected: Floats
    statistic: Floats
    df: Floats
    p_value: Floats


def chi_squares(events: Floats, others: Floats, starts: NDArray[np.intp]) -> ChiSquares:
    """Tables one below the other, the levels of each (at least one) from its place in `starts`."""
    rows = events + others
    used = rows > 0
    first, second, levels = (
        np.add.reduceat(part, starts, dtype=np.float64) for part in (events, others, used)
    )
    possible = (levels > 1) & (first > 0) & (second > 0)
    total = np.where(possible, first + second, np.nan)
    fewest = np.minimum.reduceat(np.where(used, rows, np.inf), starts)
    least = np.where(possible, fewest, np.nan)
    share = np.repeat(first / total, np.diff(starts, append=len(rows)))
    expected = np.where(used, rows, 1.0) * share
    # sum (O - E)^2 / E over both outcomes of a level has the common numerator (O - E)^2
    parts = np.where(used, (events - expected) ** 2 / (expected * (1 - share)), 0.0)
    statistic = np.where(possible, np.add.reduceat(parts, starts), np.nan)
    df = np.where(possible, levels - 1, np.nan)
    return ChiSquares(
        least * np.minimum(first, second) / total, statistic, df, chdtrc(df, statistic)
    )


def fisher_exact(events: Floats, others: Floats, *, seed: int) -> TableTest:
    """Fisher's exact test, two-sided; `seed` matters only where it has to simulate."""
    table = _tidy(events, others)
    if table is None:
        return _NOTHING
    events, others = table
    rows = events + others
    order = np.argsort(-rows, kind="stable")
    rows, events = rows[order], events[order]
    # the rarer outcome is the one to place: fewer states
    total = float(min(events.sum(), others.sum()))
    if events.sum() > total:
        events = rows - events
    if len(rows) == 2:
        p_value = _two_by_two(rows, events)
    elif (halves := _halves(rows, total)) is not None:
        p_value = _combine(*halves, int(total), float(_log_weight(rows, events).sum()))
    else:
        return _simulate(rows, events, seed)
    return TableTest(math.nan, math.nan, min(1.0, p_value))


def _log_weight(rows: Floats | float, events: NDArray[Any]) -> Floats:
    """Log of the binomial coefficient "rows over events".

    The probability of a table is the product of these over its levels, up to a constant.
    """
    return gammaln(rows + 1) - gammaln(events + 1) - gammaln(rows - events + 1)


def _two_by_two(rows: Floats, events: Floats) -> float:
    total = events.sum()
    first = np.arange(max(0.0, total - rows[1]), min(rows[0], total) + 1)
    weight = _log_weight(rows[0], first) + _log_weight(rows[1], total - first)
    # normalised by the sum of all tables: the rounding of gammaln cancels
    weight = np.exp(weight - weight.max())
    limit = weight[int(events[0] - first[0])]
    return float(weight[weight <= limit * (1 + _TOLERANCE)].sum() / weight.sum())


@dataclass(slots=True)
class _States:
    """Arrangements of one half: rows with the event, log weight of each, log multiplicity."""

    total: NDArray[np.intp]
    weight: Floats
    copies: Floats


def _halves(rows: Floats, total: float) -> tuple[_States, _States] | None:
    """The states of both halves, or None when there are too many.

    Levels with a single row all have weight 1 whatever their outcome: they are one block.
    """
    sizes = rows[rows > 1]
    if len(sizes) > _LEVELS:
        return None
    singles = int((rows == 1).sum())
    left, right = _start(singles, int(total)), _start(0, int(total))
    for i, size in enumerate(sizes):
        grown = _add_level(left if i % 2 else right, size, int(total))
        if grown is None:
            return None
        if i % 2:
            left = grown
        else:
            right = grown
    return left, right


def _start(singles: int, total: int) -> _States:
    taken = np.arange(min(singles, total) + 1)
    copies = _log_weight(float(singles), taken)
    return _States(taken, np.zeros(len(taken)), copies)


def _add_level(states: _States, size: float, total: int) -> _States | None:
    taken = np.arange(int(min(size, total)) + 1)
    if len(states.total) * len(taken) > 4 * _STATES:
        return None
    sums = np.add.outer(states.total, taken).ravel()
    weight = np.add.outer(states.weight, _log_weight(size, taken)).ravel()
    copies = np.repeat(states.copies, len(taken))
    keep = sums <= total
    merged = _merge(_States(sums[keep], weight[keep], copies[keep]))
    return merged if len(merged.total) <= _STATES else None


def _merge(states: _States) -> _States:
    """States of the same sum and weight as one, their multiplicities added."""
    order = np.lexsort((states.weight, states.total))
    total, weight, copies = states.total[order], states.weight[order], states.copies[order]
    new = np.ones(len(total), dtype=bool)
    new[1:] = (total[1:] != total[:-1]) | (np.diff(weight) > _TOLERANCE * 1e-3)
    starts = np.flatnonzero(new)
    return _States(total[starts], weight[starts], np.logaddexp.reduceat(copies, starts))


def _combine(left: _States, right: _States, total: int, seen: float) -> float:
    """Share of the tables' probability with a weight of at most `seen`."""
    limit = seen + math.log1p(_TOLERANCE)
    scale = float((left.weight + left.copies).max() + (right.weight + right.copies).max())
    low = 0.0
    everything = 0.0
    for taken in range(total + 1):
        a = slice(*np.searchsorted(left.total, (taken, taken + 1)))
        b = slice(*np.searchsorted(right.total, (total - taken, total - taken + 1)))
        if a.start == a.stop or b.start == b.stop:
            continue
        # within one sum the weights of a half are ascending (see _merge)
        shift = float((right.weight[b] + right.copies[b]).max())
        mass = np.cumsum(np.exp(right.weight[b] + right.copies[b] - shift))
        under = np.searchsorted(right.weight[b], limit - left.weight[a], side="right")
        factor = np.exp(left.weight[a] + left.copies[a] + shift - scale)
        low += float(factor @ np.concatenate(([0.0], mass))[under])
        everything += float(factor.sum() * mass[-1])
    return low / everything


def _simulate(rows: Floats, events: Floats, seed: int) -> TableTest:
    """Monte Carlo p of the tables with these margins that are no more probable."""
    sizes = rows[rows > 1]
    singles = float((rows == 1).sum())
    limit = float(_log_weight(rows, events).sum()) + math.log1p(_TOLERANCE)
    blocks = (np.append(sizes, singles) if singles else sizes).astype(np.int64)
    most = int(min(_SIMULATIONS, max(_FEWEST, _SIMULATED_CELLS // len(blocks))))
    # many small levels are drawn faster by shuffling their rows than level by level
    method = "count" if rows.sum() < _ROWS_PER_LEVEL * len(blocks) else "marginals"
    batch = max(_FEWEST // 5, _CELLS_AT_ONCE // len(blocks))

    def extreme(generator: np.random.Generator, count: int) -> int:
        tables = generator.multivariate_hypergeometric(
            blocks, int(events.sum()), size=count, method=method
        )[:, : len(sizes)]
        return int((_log_weight(sizes, tables).sum(axis=1) <= limit).sum())

    return TableTest(math.nan, math.nan, *simulated_p(extreme, seed=seed, batch=batch, most=most))
