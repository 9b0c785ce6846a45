"""What is drawn by chance, in batches, and the rule that says when to stop: bootstrap resamples
as counts, and tables drawn for a simulated p-value.

A resample of n rows is n row numbers drawn with equal chance; it is kept as how often each row
was drawn (a byte per row), so that no row is ever copied. Batch i has a random stream of its own,
a child of the seed: what it draws does not depend on which batches ran before, or where.

Rows are numbered in an order that the data alone determine (`canonical_order`): the same
patients give the same resamples, in whatever order the file lists them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stats.design import Bools, Floats, Ints, Term
from stats.stopping import check_stopped

Counts = NDArray[np.uint8]

#: Resamples per batch: the unit of progress, of stopping, and of the random streams.
BATCH: Final = 50
_P_ERROR: Final = 0.01  # share of a simulated p that its standard error may be


class Tier(NamedTuple):
    """How many resamples (a multiple of BATCH), and the Monte Carlo error that is good enough.

    Drawing stops once `least` resamples are in and every standard error is within its target,
    and at `most` in any case.
    """

    least: int
    most: int
    targets: Mapping[str, float]


def row_numbers(n_rows: int, batch: int, seed: int) -> NDArray[np.int64]:
    """The row numbers of one batch, BATCH x n_rows: row b is resample b of that batch.

    They are the integers of numpy's PCG64 generator on SeedSequence(seed, spawn_key=(batch,)).
    """
    return _stream(batch, seed).integers(0, n_rows, (BATCH, n_rows))


def draw_counts(n_rows: int, batch: int, seed: int) -> Counts:
    """How often each row is in each resample of one batch, BATCH x n_rows.

    The same draws as `row_numbers`, one resample at a time. A byte is enough: that a row is drawn
    more than 255 times has a chance below 1e-500.
    """
    stream = _stream(batch, seed)
    counts = np.empty((BATCH, n_rows), dtype=np.uint8)
    for row in counts:
        row[:] = np.bincount(stream.integers(0, n_rows, n_rows), minlength=n_rows)
    return counts


def _stream(batch: int, seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(batch,))))


def simulated_p(
    extreme: Callable[[np.random.Generator, int], int], *, seed: int, batch: int, most: int
) -> tuple[float, float]:
    """Monte Carlo p, (1 + extreme) / (1 + drawn) as in R, and its standard error.

    `extreme(generator, n)` draws n times and says how often the draw is at least as extreme as what
    was observed. Draws come in batches of `batch`; they end when the standard error is below
    1 % of p, and after `most`.
    """
    found = drawn = number = 0
    p, error = 1.0, 1.0
    while drawn < most and error > _P_ERROR * p:
        check_stopped()
        count = min(batch, most - drawn)
        found += extreme(_stream(number, seed), count)
        drawn, number = drawn + count, number + 1
        p = (1 + found) / (1 + drawn)
        error = math.sqrt(p * (1 - p) / drawn)
    return p, error


def canonical_order(terms: Sequence[Term], rows: Ints, y: Bools) -> Ints:
    """`rows` in the order of their values: by the terms in order of name, then by outcome.

    Rows that agree in all of these are interchangeable, so the order of the file has no say.
    """
    place = np.zeros(len(rows), dtype=np.intp)
    keys = [t.values[rows] for t in sorted(terms, key=lambda t: t.name)]
    order = np.arange(len(rows))
    for key in [*keys, y[rows]]:
        order = np.lexsort((key, place))
        new = (np.diff(place[order]) != 0) | (key[order][1:] != key[order][:-1])
        place[order] = np.concatenate(([0], np.cumsum(new)))
        if len(rows) and place[order[-1]] == len(rows) - 1:
            break
    return rows[order]


def monte_carlo_error(values: Floats) -> Floats:
    """Standard error of the mean over axis 0, NaN left out; NaN with fewer than two values."""
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    enough = np.maximum(n - 1, 1)
    mean = mean_of(values)
    deviation = np.where(known, values - mean, 0.0)
    error = np.sqrt(np.square(deviation).sum(axis=0) / enough / np.maximum(n, 1))
    return np.where(n > 1, error, np.nan)


def mean_of(values: Floats) -> Floats:
    """Mean over axis 0, NaN left out; NaN where nothing is known."""
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def share_of_target(errors: Mapping[str, Floats], tier: Tier) -> float:
    """The largest ratio of a Monte Carlo error to its target: at most 1 is good enough.

    `errors` has one array per name of `tier.targets`; quantities without an error are left out;
    infinite when none has one.
    """
    shares: list[float] = []
    for name, target in tier.targets.items():
        found = np.atleast_1d(errors[name])
        shares += [float(e) / target for e in found[~np.isnan(found)]]
    return max(shares, default=np.inf)


def expected_resamples(done: int, share: float, tier: Tier) -> int:
    """How many resamples the tier will take, as far as the errors so far can tell."""
    needed = done * share * share  # the error falls with the square root
    whole = int(np.ceil(min(needed, tier.most) / BATCH)) * BATCH
    return min(max(whole, tier.least, done), tier.most)
