"""Fewer points for the same picture.

A curve of 200,000 steps has more of them than a page has dots. What cannot be seen is left out
when a layer of a figure is made, so that figures stay small wherever they travel.
"""

from __future__ import annotations

import operator
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice

#: No layer holds many more values than this.
MOST_POINTS = 2_000
_STEPS_ACROSS = 1_500
_POINTS_ACROSS = 300  # a point is as wide as a 1/70 of a figure


def kept_of_line(x: Sequence[float], y: Sequence[float]) -> list[int] | None:
    """Positions of the points of a line that are seen; None where it is short enough as it is.

    Where x never falls, it is cut into 1,500 pieces, and of each piece the first, last, lowest and
    highest point are kept: the same picture, at the speed of `min` and `max`. Of any other line a
    point is kept where it, or its successor, lies a 1/1,500 of the figure from the last one kept.
    """
    if len(x) <= MOST_POINTS:
        return None
    if all(map(operator.le, x, islice(x, 1, None))):
        return _kept_of_rising(x, y)
    wide, tall = _grain(x), _grain(y)
    kept, last = [0], 0
    for i in range(1, len(x)):
        if abs(x[i] - x[last]) >= wide or abs(y[i] - y[last]) >= tall:
            if kept[-1] != i - 1:
                kept.append(i - 1)
            kept.append(i)
            last = i
    if kept[-1] != len(x) - 1:
        kept.append(len(x) - 1)
    return kept


def _kept_of_rising(x: Sequence[float], y: Sequence[float]) -> list[int]:
    wide = _grain(x)
    kept: set[int] = set()
    start = 0
    for k in range(1, _STEPS_ACROSS + 1):
        end = len(x) if k == _STEPS_ACROSS else bisect_left(x, x[0] + k * wide, start)
        if end > start:
            piece = y[start:end]
            low, high = min(piece), max(piece)
            kept |= {start, end - 1, start + piece.index(low), start + piece.index(high)}
            start = end
    return sorted(kept)


def kept_of_points(x: Sequence[float], y: Sequence[float]) -> list[int] | None:
    """Positions of the points that do not lie on top of an earlier one; None when few."""
    if len(x) <= MOST_POINTS:
        return None
    wide, tall = _grain(x, _POINTS_ACROSS), _grain(y, _POINTS_ACROSS)
    seen: dict[tuple[int, int], int] = {}
    for i, (a, b) in enumerate(zip(x, y, strict=True)):
        seen.setdefault((round(a / wide), round(b / tall)), i)
    return sorted(seen.values())


def _grain(values: Sequence[float], across: int = _STEPS_ACROSS) -> float:
    return (max(values) - min(values)) / across or 1.0
