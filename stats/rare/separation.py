"""Separation: do some predictors tell rows with the event from the others without error?

Then the likelihood has no maximum: along a direction d of the recession cone

    K = {d : s_i x_i'd >= 0 for every row i},  s_i = +1 with the event, -1 without

it never falls, and the coefficients run to infinity (Albert & Anderson 1984,
doi:10.1093/biomet/71.1.1). A linear programme finds such a direction or proves that there is
none (Konis 2007, doi:10.5287/ora-d7oqyydnk):

    maximise sum_i s_i x_i'd  subject to  s_i x_i'd >= 0,  -1 <= d_j <= 1

It is solved on distinct rows of a working set that grows by the rows which a solution violates.
When K of the working set is {0}, so is K of all rows, so that the answer is exact however few
rows were needed. Rows that a direction tells apart strictly are then set aside and the search
goes on among the rest, until it ends without a direction; the data are completely separated
when no row is left. What the rest cannot identify has no finite estimate (Geyer 2009,
doi:10.1214/08-EJS349).

Checked against an enumeration of the extreme rays of K in whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stats.design import Bools, Design, Floats, Ints
from stats.errors import NotEstimable
from stats.rare import require

_TOLERANCE = 1e-9  # of the linear programme, for coefficients of at most 1
_STRICT = 1e-7  # s x'd above this tells a row apart
_DEPENDENT = 1e-12  # relative eigenvalue below which rows do not identify a direction
_START_ROWS = 500
_ROUNDS = 200
_MOST_TERMS = 12  # a longer description is not searched for a shorter one


@dataclass(frozen=True, slots=True)
class Cause:
    """One term that separates by itself.

    `level` is the level of a factor in which every row (`event` true) or no row (false) has the
    event; -1 for a continuous term, where the event belongs to high (true) or low values.
    """

    term: int
    level: int
    event: bool


@dataclass(frozen=True, slots=True)
class Separation:
    """What separates. Columns are indices into `design.columns`.

    `kind` is "complete" when every row is told apart. `columns` is a short description: those of
    the `causes` where a term separates by itself, else the fewest terms found that separate
    together. `directions` are the signs of their infinities; 0 means that the sign is not
    determined either. `runaway` are all columns without a finite estimate, with
    `runaway_directions`.
    """

    kind: Literal["complete", "quasi-complete"]
    columns: tuple[int, ...]
    directions: tuple[int, ...]
    causes: tuple[Cause, ...]
    runaway: tuple[int, ...]
    runaway_directions: tuple[int, ...]


def find_separation(design: Design, y: Floats) -> Separation | None:
    """The separation of a 0/1 outcome by the columns of a design; None when there is none.

    `y` is aligned with `design.rows`. NotEstimable when the outcome has one value only. Runs in
    the heavy lane (see `stats.rare`).
    """
    require()
    if not 0.0 < float(y.sum()) < len(y):
        raise NotEstimable(
            "Every row has the same outcome.", rule="two outcomes",
            hint="Choose rows or an outcome with both.",
        )  # fmt: skip
    cone = _Cone(design, y)
    left = np.ones(len(y), dtype=np.bool_)
    ways: list[Floats] = []
    while left.any():
        way = cone.direction(left)
        if way is None:
            break
        ways.append(way)
        left &= ~(cone.margins(way) > _STRICT)
    if not ways:
        return None
    runaway = _unidentified(design, left)
    signs = _signs(cone, ways, runaway)
    causes = _single_causes(design, y)
    columns = _cause_columns(design, causes, runaway) or _few_columns(cone, y)
    known = dict(zip(runaway, signs, strict=True))
    return Separation(
        kind="quasi-complete" if left.any() else "complete",
        columns=columns,
        directions=tuple(known.get(j, 0) for j in columns),
        causes=causes,
        runaway=runaway,
        runaway_directions=signs,
    )


class _Cone:
    """The recession cone of some columns of a design, with the working set found so far."""

    def __init__(self, design: Design, y: Floats) -> None:
        self.design = design
        self.sign = np.where(y > 0.5, 1.0, -1.0)
        self._working = np.zeros(len(y), dtype=np.bool_)

    def margins(self, way: Floats) -> Floats:
        """s_i x_i'd of every row."""
        values = np.empty(len(self.sign))
        for part, x in self.design.blocks():
            values[part] = x @ way
        return values * self.sign

    def direction(self, among: Bools, aim: Floats | None = None) -> Floats | None:
        """A direction that no row of `among` opposes and that tells some of them apart.

        With `aim`, one that has aim'd > 0 instead. None when there is none.
        """
        rows = self._first_rows(among)
        for _ in range(_ROUNDS):
            signed = np.unique(self._signed(np.flatnonzero(rows)), axis=0)
            way = _solve(signed, signed.mean(axis=0) if aim is None else aim)
            gain = float((signed @ way).max() if aim is None else aim @ way)
            if gain <= _STRICT:
                if aim is not None or not self._add_unseen(rows, among, signed):
                    return None
                continue
            margins = np.where(among, self.margins(way), 0.0)
            if float(margins.min()) >= -10.0 * _TOLERANCE:
                return way
            worst = _lowest(margins, max(_START_ROWS, 5 * len(way)))
            if rows[worst].all():
                return way if float(margins.min()) >= -_STRICT else None
            rows[worst] = True
            self._working[worst] = True
        raise _undecided()

    def short_direction(self) -> Floats:
        """A direction with the smallest sum of absolute coefficients for its mean margin.

        Such a direction leaves most columns at zero. Only where `direction` found one.
        """
        rows = self._working.copy()
        while True:
            signed = np.unique(self._signed(np.flatnonzero(rows)), axis=0)
            way = _solve_short(signed)
            margins = self.margins(way)
            worst = _lowest(margins, _START_ROWS)
            if float(margins.min()) >= -10.0 * _TOLERANCE or rows[worst].all():
                return way
            rows[worst] = True

    def _first_rows(self, among: Bools) -> Bools:
        """The working set: earlier rows, evenly spaced ones, and those that a straight line
        through the outcome puts most on the wrong side."""
        rows = among & self._working
        candidates = np.flatnonzero(among)
        wanted = max(_START_ROWS, 10 * self.design.n_parameters)
        if not rows.any():
            rows[candidates[:: max(1, len(candidates) // wanted)]] = True
            line = self._least_squares()
            rows[_lowest(np.where(among, self.margins(line), np.inf), wanted)] = True
            rows &= among
            self._working |= rows
        return rows

    def _least_squares(self) -> Floats:
        p = self.design.n_parameters
        gram, product = np.zeros((p, p)), np.zeros(p)
        for part, x in self.design.blocks():
            gram += x.T @ x
            product += self.sign[part] @ x
        return np.asarray(np.linalg.lstsq(gram, product, rcond=1e-10)[0], dtype=np.float64)

    def _signed(self, rows: Ints) -> Floats:
        return self.design.rows_at(rows) * self.sign[rows, None]

    def _add_unseen(self, rows: Bools, among: Bools, signed: Floats) -> bool:
        """Add rows that lie outside the space of the working set; False when there are none."""
        null = _null_space(signed.T @ signed)
        if not null.shape[1]:
            return False
        reach = np.zeros(len(rows))
        for part, x in self.design.blocks():
            reach[part] = np.abs(x @ null).max(axis=1)
        reach[~among | rows] = 0.0
        unseen = _lowest(-reach, _START_ROWS)
        unseen = unseen[reach[unseen] > _STRICT]
        rows[unseen] = True
        self._working[unseen] = True
        return len(unseen) > 0


def _lowest(values: Floats, count: int) -> Ints:
    if len(values) <= count:
        return np.arange(len(values))
    return np.argpartition(values, count)[:count]


def _solve(signed: Floats, aim: Floats) -> Floats:
    """Maximise aim'd subject to signed d >= 0 and -1 <= d <= 1."""
    return _linear_programme(-aim, signed, bounds=(-1.0, 1.0))


def _solve_short(signed: Floats) -> Floats:
    """Minimise the sum of |d_j|, intercept not counted, for a mean margin of 1; scaled to 1."""
    p = signed.shape[1]
    cost = np.ones(2 * p)
    cost[[0, p]] = 0.0
    both = np.hstack([signed, -signed])  # d = u - v with u, v >= 0
    found = _linear_programme(cost, both, bounds=(0.0, None), equal=both.mean(axis=0))
    way = found[:p] - found[p:]
    return way / np.abs(way).max()


def _linear_programme(
    cost: Floats,
    at_least_zero: Floats,
    *,
    bounds: tuple[float, float | None],
    equal: Floats | None = None,
) -> Floats:
    """Minimise cost'd subject to at_least_zero d >= 0, bounds, and equal'd = 1 where given."""
    from scipy.optimize import linprog

    found = linprog(
        cost, A_ub=-at_least_zero, b_ub=np.zeros(len(at_least_zero)), bounds=bounds,
        A_eq=None if equal is None else equal[None, :], b_eq=None if equal is None else [1.0],
        method="highs",
        options={
            "primal_feasibility_tolerance": _TOLERANCE, "dual_feasibility_tolerance": _TOLERANCE,
        },
    )  # fmt: skip
    if found.x is None:
        raise _undecided()
    return np.asarray(found.x, dtype=np.float64)


def _undecided() -> NotEstimable:
    return NotEstimable(
        "Whether the predictors separate the outcome could not be decided.",
        rule="separation",
        hint="Use fewer predictors.",
    )


def _null_space(gram: Floats) -> Floats:
    """Directions (columns) that a matrix with this Gram matrix does not see."""
    scale = np.sqrt(np.where(np.diag(gram) > 0.0, np.diag(gram), 1.0))
    values, vectors = np.linalg.eigh(gram / scale[:, None] / scale)
    null = vectors[:, values < _DEPENDENT * max(1.0, float(values[-1]))] / scale[:, None]
    return null / np.maximum(np.abs(null).max(axis=0, initial=0.0), 1e-300)


def _unidentified(design: Design, left: Bools) -> tuple[int, ...]:
    """The columns whose coefficient the rows in `left` do not identify."""
    p = design.n_parameters
    gram = np.zeros((p, p))
    for part, x in design.blocks():
        kept = x[left[part]]
        gram += kept.T @ kept
    seen = np.abs(_null_space(gram)).max(axis=1, initial=0.0) > 1e-6
    return tuple(j - 1 for j in range(1, p) if seen[j])


def _signs(cone: _Cone, ways: Sequence[Floats], runaway: Sequence[int]) -> tuple[int, ...]:
    """Sign of each infinity: that of the directions found unless the opposite is possible too."""
    everywhere = np.ones(len(cone.sign), dtype=np.bool_)
    free = _slack(cone, ways[0])
    found = list(ways)
    signs = []
    for j in runaway:
        moved = [way[j + 1] for way in ways if abs(way[j + 1]) > _STRICT]
        sign = int(np.sign(moved[0])) if moved else 0
        if abs(ways[0][j + 1]) < free[j + 1]:
            sign = 0
        elif sign and not any(sign * way[j + 1] < -_STRICT for way in found[len(ways) :]):
            aim = np.zeros(cone.design.n_parameters)
            aim[j + 1] = -sign
            opposite = cone.direction(everywhere, aim)
            if opposite is not None:
                found.append(opposite)
                sign = 0
        else:
            sign = 0
        signs.append(sign)
    return tuple(signs)


def _slack(cone: _Cone, way: Floats) -> Floats:
    """How far each coefficient of a direction can move before a row opposes it."""
    smallest = float(cone.margins(way).min())
    largest = np.zeros(len(way))
    for _, x in cone.design.blocks():
        largest = np.maximum(largest, np.abs(x).max(axis=0))
    return max(0.0, smallest - _STRICT) / np.maximum(largest, 1e-300)


def _single_causes(design: Design, y: Floats) -> tuple[Cause, ...]:
    """Terms that separate by themselves, from counts and extremes of the values as they are."""
    event = y > 0.5
    causes: list[Cause] = []
    for t in design.term_columns:
        term = design.terms[t]
        values = term.values[design.rows]
        if term.kind == "continuous":
            with_event, without = values[event], values[~event]
            if with_event.min() >= without.max():
                causes.append(Cause(t, -1, event=True))
            elif with_event.max() <= without.min():
                causes.append(Cause(t, -1, event=False))
            continue
        n = np.bincount(values, minlength=len(term.levels))
        events = np.bincount(values[event], minlength=len(term.levels))
        pure = np.flatnonzero((n > 0) & ((events == 0) | (events == n)))
        causes += [Cause(t, int(level), event=bool(events[level] > 0)) for level in pure]
    return tuple(causes)


def _cause_columns(
    design: Design, causes: Sequence[Cause], runaway: Sequence[int]
) -> tuple[int, ...]:
    """The columns that the causes speak of: a pure reference level moves its whole term."""
    named: set[int] = set()
    for cause in causes:
        own = [j for j in runaway if design.columns[j].term == cause.term]
        level = [j for j in own if design.columns[j].level == cause.level]
        named.update(level or own)
    return tuple(sorted(named))


def _few_columns(cone: _Cone, y: Floats) -> tuple[int, ...]:
    """The columns of few terms that separate together: terms are dropped while others do."""
    design = cone.design
    way = cone.short_direction()
    columns = [j for j in range(len(design.columns)) if abs(way[j + 1]) > _STRICT]
    terms = list(dict.fromkeys(design.columns[j].term for j in columns))
    if len(terms) > _MOST_TERMS:
        return tuple(columns)
    everywhere = np.ones(len(y), dtype=np.bool_)
    for t in reversed(terms):
        fewer = [j for j in columns if design.columns[j].term != t]
        if not fewer:
            continue
        found = _Cone(design.take(fewer), y).direction(everywhere)
        if found is not None:
            columns = [j for j, c in zip(fewer, found[1:], strict=True) if abs(c) > _STRICT]
    return tuple(columns)
