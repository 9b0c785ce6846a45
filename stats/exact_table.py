"""Fisher, Freeman and Halton's exact test of tables larger than 2 x k.

The p-value is the probability, given all margins, of the tables that are no more probable than
the one seen (relative tolerance 1e-7, as R's fisher.test has it). The table is split into two
halves of its longer side; for each possible vector of column sums of the first half, the weights
of the arrangements of both halves are sorted and combined by cumulative sums, so that tables are
counted by the thousand million and never listed (Freeman & Halton 1951,
doi:10.1093/biomet/38.1-2.141). Where even the halves have too many arrangements, tables are drawn
with these margins by a seeded generator and the standard error of p is given.

Checked against R's fisher.test (`table1_three_groups` reference files) and enumeration.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from stats.design import Floats, Ints
from stats.resampling import simulated_p
from stats.stopping import check_stopped

_TOLERANCE: Final = 1e-7
_SAME_WEIGHT: Final = 1e-10
_STATES: Final = 200_000  # arrangements of the rows of one half but its last
_JOINS: Final = 50_000  # vectors of column sums at which the halves meet
_WORK: Final = 4e7  # arrangements of halves that are looked at: about a second
_SIMULATIONS: Final = 19_999
_BATCH: Final = 2_000


def exact_table_p(table: Floats, *, seed: int) -> tuple[float, float]:
    """The p-value and the standard error of a simulated p (NaN where p is exact).

    `table`: counts with at least two rows and columns, none of them empty.
    """
    tall = table if table.shape[0] >= table.shape[1] else table.T
    tall = tall[np.argsort(-tall.sum(axis=1), kind="stable")].astype(np.intp)
    tall = tall[:, np.argsort(-tall.sum(axis=0), kind="stable")]
    rows, columns = tall.sum(axis=1), tall.sum(axis=0)
    limit = -float(gammaln(tall + 1.0).sum()) + _TOLERANCE
    everything = float(
        gammaln(rows.sum() + 1.0) - gammaln(columns + 1.0).sum() - gammaln(rows + 1.0).sum()
    )
    halves = _split(rows, columns)
    if halves is None:
        return _simulated(rows, columns, limit, seed)
    return min(1.0, _combined(halves, columns, limit, everything)), math.nan


@dataclass(slots=True)
class _Half:
    """The arrangements of some rows of the table, by the sums of all columns but the largest.

    `keys` (ascending), `weight`, `copies`: those of all rows but the last, one number per vector
    of sums, log weight and log multiplicity; `ways`: how the last row may be spread.
    """

    total: int
    keys: Ints
    weight: Floats
    copies: Floats
    ways: NDArray[np.intp]
    way_weight: Floats
    place: Ints

    def at(self, sums: Ints) -> tuple[Floats, Floats]:
        """Log weights (ascending) and log multiplicities of the arrangements with these sums."""
        left = sums - self.ways
        possible = np.flatnonzero((left >= 0).all(axis=1))
        key = left[possible] @ self.place
        first = np.searchsorted(self.keys, key, side="left")
        counts = np.searchsorted(self.keys, key, side="right") - first
        ends = np.cumsum(counts)
        if len(ends) == 0 or ends[-1] == 0:
            return np.zeros(0), np.zeros(0)
        state = np.arange(ends[-1]) + np.repeat(first - (ends - counts), counts)
        weight = self.weight[state] + np.repeat(self.way_weight[possible], counts)
        order = np.argsort(weight)
        return weight[order], self.copies[state][order]


def _split(rows: Ints, columns: Ints) -> tuple[_Half, _Half] | None:
    """Both halves of the rows, dealt alternately; None when there would be too much to do."""
    place = np.concatenate(([1], np.cumprod(columns[1:-1] + 1.0)))
    if place[-1] * (columns[-1] + 1.0) > 2.0**52:
        return None
    found = [_half(part, columns, place.astype(np.intp)) for part in (rows[0::2], rows[1::2])]
    first, second = found
    if first is None or second is None:
        return None
    joins = _vectors_count(first.total, columns)
    if joins > _JOINS:
        return None
    depth = [len(h.ways) * max(1.0, len(h.keys) / max(1, _distinct(h.keys))) for h in found if h]
    return (first, second) if joins * sum(depth) <= _WORK else None


def _distinct(keys: Ints) -> int:
    return int(np.count_nonzero(np.diff(keys))) + 1


def _half(rows: Ints, columns: Ints, place: Ints) -> _Half | None:
    """All rows but the last as merged states; the largest row is the last."""
    sums = np.zeros((1, len(columns) - 1), dtype=np.intp)
    weight, copies = np.zeros(1), np.zeros(1)
    last, *others = rows.tolist()
    for size in others:
        check_stopped()
        ways = _ways(size, columns)
        if ways is None or len(ways) * len(sums) > 4 * _STATES:
            return None
        grown = (sums[:, None, :] + ways[None, :, :]).reshape(-1, ways.shape[1])
        weights = np.add.outer(weight, _weights(size, ways)).ravel()
        inside = (grown <= columns[1:]).all(axis=1)
        sums, weight, copies = _merged(
            grown[inside], weights[inside], np.repeat(copies, len(ways))[inside], place
        )
        if len(sums) > _STATES:
            return None
    ways = _ways(last, columns)
    if ways is None:
        return None
    total = int(rows.sum())
    return _Half(total, sums @ place, weight, copies, ways, _weights(last, ways), place)


def _weights(size: int, ways: NDArray[np.intp]) -> Floats:
    """Log weight of each way to spread a row: minus the log factorials of its cells."""
    rest = size - ways.sum(axis=1)
    return -gammaln(ways + 1.0).sum(axis=1) - gammaln(rest + 1.0)


def _vectors_count(size: int, columns: Ints) -> float:
    """At most so many ways to spread a row of this size."""
    grid = math.prod(min(size, m) + 1 for m in columns[1:].tolist())
    return float(min(grid, math.comb(size + len(columns) - 1, len(columns) - 1)))


def _ways(size: int, columns: Ints) -> NDArray[np.intp] | None:
    """All ways to spread a row over the columns, the largest column left out."""
    if _vectors_count(size, columns) > _STATES:
        return None
    ways = np.zeros((1, 0), dtype=np.intp)
    for m in columns[1:].tolist():
        taken = np.arange(min(size, m) + 1)
        ways = np.column_stack((np.repeat(ways, len(taken), axis=0), np.tile(taken, len(ways))))
        ways = ways[ways.sum(axis=1) <= size]
        if len(ways) > _STATES:
            return None
    return ways[size - ways.sum(axis=1) <= columns[0]]


def _merged(
    sums: NDArray[np.intp], weight: Floats, copies: Floats, place: Ints
) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Arrangements of equal sums and weight as one, their multiplicities added."""
    key = sums @ place
    order = np.lexsort((weight, key))
    key, weight, copies = key[order], weight[order], copies[order]
    new = np.ones(len(key), dtype=np.bool_)
    new[1:] = (key[1:] != key[:-1]) | (np.diff(weight) > _SAME_WEIGHT)
    starts = np.flatnonzero(new)
    return sums[order][starts], weight[starts], np.logaddexp.reduceat(copies, starts)


def _combined(halves: tuple[_Half, _Half], columns: Ints, limit: float, everything: float) -> float:
    """Share of the tables' probability with a weight of at most `limit`.

    `everything` is the log of the sum over all tables: n! / (prod rows! prod columns!).
    """
    first, second = halves
    joins = _ways(first.total, columns)
    low = 0.0
    for i, sums in enumerate(joins if joins is not None else ()):
        if i % 64 == 0:
            check_stopped()
        weight, copies = first.at(sums)
        other, other_copies = second.at(columns[1:] - sums)
        if len(weight) == 0 or len(other) == 0:
            continue
        shift = float((other + other_copies).max())
        mass = np.concatenate(([0.0], np.cumsum(np.exp(other + other_copies - shift))))
        under = np.searchsorted(other, limit - weight, side="right")
        low += float(np.exp(weight + copies + shift - everything) @ mass[under])
    return low


def _simulated(rows: Ints, columns: Ints, limit: float, seed: int) -> tuple[float, float]:
    """Monte Carlo p of the tables that are no more probable, and its standard error."""

    def extreme(generator: np.random.Generator, count: int) -> int:
        return int((_drawn_weights(rows, columns, count, generator) <= limit).sum())

    return simulated_p(extreme, seed=seed, batch=_BATCH, most=_SIMULATIONS)


def _drawn_weights(rows: Ints, columns: Ints, count: int, generator: np.random.Generator) -> Floats:
    """Log weights of tables drawn cell by cell from their hypergeometric distributions."""
    free = np.tile(columns, (count, 1))
    weight = np.zeros(count)
    for size in rows[:-1].tolist():
        left = np.full(count, size)
        for j in range(len(columns) - 1):
            others = free[:, j + 1 :].sum(axis=1)
            cell = generator.hypergeometric(free[:, j], others, left)
            weight -= gammaln(cell + 1.0)
            free[:, j] -= cell
            left -= cell
        weight -= gammaln(left + 1.0)
        free[:, -1] -= left
    return weight - gammaln(free + 1.0).sum(axis=1)
