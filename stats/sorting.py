"""Sorting long columns of numbers where the library's own sort is slow.

On some processors (AMD's Zen 4) numpy's sort spends most of its time on one instruction and needs
six times as long as its arithmetic; runs of up to 256 numbers do without that instruction. A long
column is therefore first put into 65,536 bins of equal width, in the order of the bins, after
which hardly a number is more than some places from its own. Two rounds of sorting runs of 256,
the second shifted by half a run, then put every number right that is less than half a run away.
That all are is checked; a column where they are not (extreme skewness) is sorted as usual.

Which way is faster is measured once in a process, on the processor itself. Both give the same
numbers in the same order.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stats.design import Floats, Ints

_SOME: Final = 2_048  # numbers from which the order is found by bins
_LONG: Final = 8_192  # numbers from which bins can pay
_RUN: Final = 256
_BINS: Final = 1 << 16  # the last is for NaN
_SAMPLE: Final = 2_048
_NEIGHBOURS: Final = 32  # of the sample, that tell how crowded the most crowded bin is
_MARGIN: Final = 0.1  # of the sample's range, added on either side
_TRIAL: Final = 4 * _LONG  # numbers that tell which way is faster; with fewer the two come close
_CROWDED: Final = _RUN // 3  # numbers expected in a bin, above which bins are not tried


def ascending(values: Floats) -> Ints:
    """The order of the numbers, NaN last; equal ones in any order.

    Some thousand numbers are first put in the order of bins, by counting; sorting what is nearly
    in order then costs little on any processor.
    """
    if not _SOME <= len(values) <= _BINS:
        return np.argsort(values)
    low = values.min()
    width = values.max() - low
    if not 1e-150 < width < 1e150:  # NaN among them, or all the same
        return np.argsort(values)
    order = np.argsort(((values - low) * ((_BINS - 1) / width)).astype(np.uint16), kind="stable")
    return order[np.argsort(values[order], kind="stable")]


class Sorter:
    """Sorts columns of up to `longest` numbers in place, in memory that is kept."""

    def __init__(self, longest: int) -> None:
        self.spare = np.empty(longest)
        binned = longest >= _LONG and _bins_pay()
        self._bins: NDArray[np.uint16] | None = np.empty(longest, np.uint16) if binned else None

    def sort(self, values: Floats) -> None:
        """Ascending, NaN last; overwrites `spare`."""
        n = len(values)
        if self._bins is None or n < _LONG or not _in_bins(values, self.spare[:n], self._bins[:n]):
            values.sort()


def _in_bins(values: Floats, spare: Floats, bins: NDArray[np.uint16]) -> bool:
    """Sort by bins; False where the numbers do not suit (they are then in any order)."""
    sample = values[:: len(values) // _SAMPLE].copy()
    sample.sort()
    sample = sample[: int(np.searchsorted(sample, np.nan))]
    if len(sample) <= _NEIGHBOURS or not 0.0 < sample[-1] - sample[0] < 1e150:
        return False
    width = float(sample[-1] - sample[0])
    scale = (_BINS - 2) / ((1.0 + 2.0 * _MARGIN) * width)
    gaps = sample[_NEIGHBOURS:] - sample[:-_NEIGHBOURS]
    nearest = float(gaps.min(where=gaps > 0.0, initial=width))
    if len(values) * _NEIGHBOURS / len(sample) > _CROWDED * nearest * scale:
        return False
    np.subtract(values, sample[0] - _MARGIN * width, out=spare)
    np.multiply(spare, scale, out=spare)
    np.clip(spare, 0.0, _BINS - 2, out=spare)
    np.fmin(spare, _BINS - 1, out=spare)  # NaN
    np.copyto(bins, spare, casting="unsafe")
    np.take(values, np.argsort(bins, kind="stable"), out=spare, mode="clip")
    for first in (0, _RUN // 2):
        last = first + (len(spare) - first) // _RUN * _RUN
        spare[first:last].reshape(-1, _RUN).sort(axis=1)
        spare[last:].sort()
    np.copyto(values, spare)
    known = values[: len(values) - int(np.count_nonzero(bins == _BINS - 1))]
    return bool((known[1:] >= known[:-1]).all())


@cache
def _bins_pay() -> bool:
    """Whether bins are clearly faster than the library's sort, on this processor."""
    numbers = np.random.default_rng(1).normal(size=_TRIAL)
    values, spare = np.empty((2, len(numbers)))
    bins = np.empty(len(numbers), np.uint16)
    plain, binned = [], []
    for _ in range(5):
        np.copyto(values, numbers)
        start = time.thread_time()
        values.sort()
        plain.append(time.thread_time() - start)
        np.copyto(values, numbers)
        start = time.thread_time()
        _in_bins(values, spare, bins)
        binned.append(time.thread_time() - start)
    return min(binned) < 0.8 * min(plain)
