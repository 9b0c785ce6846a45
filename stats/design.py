"""Predictors as the models see them: terms, complete rows, and the design matrix in blocks.

The design matrix of a large dataset is never held whole: `Design.blocks` builds it some
thousand rows at a time. Continuous columns are centred and divided by their SD inside the
model (better conditioning; profile likelihoods do not change) and taken back by `Design`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stats.design_layout import Layout
from stats.stopping import check_stopped

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

#: Relative spread below which a column's values differ by rounding only.
SAME = 1e-12

_KEPT_ELEMENTS = 5 << 20  # the blocks of a design of up to 40 MB are built once and kept
_BLOCK_ELEMENTS = 1 << 19  # 4 MB: fewer blocks would cost memory, more of them calls


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One predictor.

    `values` has one entry per row of the file: float64 with NaN for a continuous term;
    level codes with -1 for missing for a factor. `levels` are all levels in order (empty for a
    continuous term), `reference` the index of the reference level. Coefficients of a continuous
    term are reported per `scale` units. `bends` are further columns that let the effect of a
    continuous term bend (the basis of a spline, `stats.splines`), NaN where `values` is.
    """

    name: str
    kind: Literal["continuous", "factor"]
    values: Floats | NDArray[np.signedinteger]
    levels: tuple[str, ...] = ()
    reference: int = 0
    scale: float = 1.0
    bends: tuple[Floats, ...] = ()

    @property
    def known(self) -> Bools:
        """True where the row has a value."""
        if self.kind == "factor":
            return self.values >= 0
        return ~np.isnan(self.values)

    def missing_among(self, rows: Bools) -> int:
        """How many of the rows marked true have no value."""
        lacking = self.values < 0 if self.kind == "factor" else np.isnan(self.values)
        lacking &= rows
        return int(np.count_nonzero(lacking))


@dataclass(frozen=True, slots=True)
class DesignColumn:
    """One column of the design after the intercept: `level` is -1 for a continuous term, -2 for
    the first of its bends, -3 for the next."""

    term: int
    level: int


@dataclass(eq=False)
class Design:
    """The design of one model: an intercept, then the columns of `terms`, on `rows`.

    `rows` are 0-based row numbers of the file. `centre` and `spread` belong to the columns
    after the intercept (0 and 1 for indicator columns). With `streamed` no blocks are kept.
    """

    terms: Sequence[Term]
    rows: Ints
    columns: Sequence[DesignColumn]
    centre: Floats
    spread: Floats
    streamed: bool = False
    _kept: list[tuple[slice, Floats]] | None = field(default=None, repr=False)
    _held_codes: NDArray[np.signedinteger] | None = field(default=None, repr=False)
    _scratch: dict[str, Floats] = field(default_factory=dict, repr=False)

    @property
    def n_rows(self) -> int:
        """Rows of the model."""
        return len(self.rows)

    @property
    def n_parameters(self) -> int:
        """Columns with the intercept."""
        return len(self.columns) + 1

    @property
    def kept(self) -> bool:
        """Whether the blocks are built once and kept, because the whole design is small."""
        return not self.streamed and self.n_rows * self.n_parameters <= _KEPT_ELEMENTS

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """The standardised design with its intercept, as consecutive row blocks.

        A block is valid until the next one is asked for: those of a large design share their
        memory, because fresh pages for every block cost more than the arithmetic on it.
        """
        step = max(256, _BLOCK_ELEMENTS // self.n_parameters)
        if self.kept:
            if self._kept is None:
                self._kept = [(part, self._build(part)) for part in self._parts(step)]
            for kept in self._kept:
                check_stopped()
                yield kept
            return
        for part in self._parts(step):
            check_stopped()
            size = (part.stop - part.start) * self.n_parameters
            block = self.scratch("block", size).reshape(self.n_parameters, -1)
            self._fill(block, part)
            yield part, block.T

    def single_blocks(self) -> Iterator[tuple[slice, Singles]]:
        """The blocks in single precision (24 bits), for the way to a point, not for its numbers.

        Twice as many rows in the same memory; valid until the next block of either kind.
        """
        p = self.n_parameters
        if self.kept:
            for part, block in self.blocks():
                memory = self.scratch("single", block.size).view(np.float32)[: block.size]
                single = memory.reshape(p, -1)
                np.copyto(single, block.T, casting="same_kind")
                yield part, single.T
            return
        for part in self._parts(max(256, 2 * _BLOCK_ELEMENTS // p)):
            check_stopped()
            size = (part.stop - part.start) * p
            single = self.scratch("block", size // 2 + 1).view(np.float32)[:size].reshape(p, -1)
            self._fill(single, part)
            yield part, single.T

    def _parts(self, step: int) -> list[slice]:
        n = self.n_rows
        return [slice(first, min(first + step, n)) for first in range(0, n, step)]

    def scratch(self, purpose: str, size: int) -> Floats:
        """Memory kept for one purpose from pass to pass; its content is undefined.

        `tile` is for what is computed of one block: gone when the next block is asked for.
        """
        held = self._scratch.get(purpose)
        if held is None or len(held) < size:
            held = self._scratch[purpose] = np.empty(size)
        return held[:size]

    def _build(self, part: slice) -> Floats:
        block = np.empty((self.n_parameters, part.stop - part.start))
        self._fill(block, part)
        return block.T

    def _fill(self, into: Floats | Singles, part: slice) -> None:
        """Write the transposed block: a column of the design is then one run of memory."""
        rows = self.rows[part]
        n, layout = len(rows), self._layout
        into[0] = 1.0
        if not n:
            return
        whole = _as_slice(rows)
        moved = self.scratch("column", n) if into.dtype == np.float32 else None
        for values, place in layout.continuous:
            column = into[place] if moved is None else moved
            if whole is None:
                values.take(rows, out=column, mode="clip")
                column -= self.centre[place - 1]
            else:
                np.subtract(values[whole], self.centre[place - 1], out=column)
            np.multiply(column, 1.0 / self.spread[place - 1], out=column)
            if moved is not None:
                np.copyto(into[place], moved, casting="same_kind")
        if layout.factors:
            held = self._codes(part)
            # memory that is kept: fresh pages for every block would cost more than the work
            own = self._bytes("own", held.shape, held.dtype)
            codes = self._bytes("codes", (len(layout.levels), n), held.dtype)
            same = self._bytes("same", codes.shape, np.dtype(np.bool_))
            np.copyto(own, held)
            own.take(layout.factor_of, axis=0, out=codes, mode="clip")
            np.equal(codes, layout.levels, out=same)
            # truth is widened faster when it passes for a whole number, and in runs of columns:
            # by their places it would be widened aside first
            truth = same.view(np.int8)
            for columns, lines in layout.runs:
                into[columns] = truth[lines]

    def _bytes(self, purpose: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Memory kept for one purpose, in the shape and type that is wanted."""
        size = math.prod(shape)
        memory = self.scratch(purpose, size * dtype.itemsize // 8 + 1)
        return memory.view(dtype)[:size].reshape(shape)

    def _codes(self, part: slice) -> NDArray[np.signedinteger]:
        """The levels of these rows, a line for each factor. A large design keeps them, a byte for
        each factor and row, because it asks for them again at every pass."""
        if self._held_codes is None and not self.kept:
            self._held_codes = self._gathered(self.rows)
        if self._held_codes is not None:
            return self._held_codes[:, part]
        return self._gathered(self.rows[part])

    def _gathered(self, rows: Ints) -> NDArray[np.signedinteger]:
        factors, whole = self._layout.factors, _as_slice(rows)
        found = np.empty((len(factors), len(rows)), np.result_type(*factors))
        for line, codes in zip(found, factors, strict=True):
            line[:] = codes.take(rows, mode="clip") if whole is None else codes[whole]
        return found

    @cached_property
    def _layout(self) -> Layout:
        return Layout.of(
            [(c.term, c.level, column_values(self.terms[c.term], c.level)) for c in self.columns]
        )

    def _same_term(self, first: int, second: int) -> bool:
        columns = self.columns
        return second < len(columns) and columns[first].term == columns[second].term

    @property
    def longest_row(self) -> float:
        """A bound on x'x over the rows, from the extremes of each term in the whole file."""
        found = 1.0
        for j, column in enumerate(self.columns):
            if column.level >= 0:  # a row is at one level
                found += 0.0 if j and self._same_term(j - 1, j) else 1.0
                continue
            values = column_values(self.terms[column.term], column.level)
            reach = max(
                float(np.fmax.reduce(values)) - self.centre[j],
                self.centre[j] - float(np.fmin.reduce(values)),
            )
            found += (reach / self.spread[j]) ** 2
        return found

    def rows_at(self, chosen: Ints) -> Floats:
        """Some rows of the standardised design, counted from 0 within it."""
        if self._kept is not None and len(self._kept) == 1:
            return self._kept[0][1][chosen]
        found = np.empty((self.n_parameters, len(chosen)))
        for part, block in self.on(chosen).blocks():
            found[:, part] = block.T
        return found.T

    def on(self, chosen: Ints) -> Design:
        """The design restricted to some rows, counted from 0 within it, for a pass or two."""
        rows = self.rows[chosen]
        return Design(self.terms, rows, self.columns, self.centre, self.spread, streamed=True)

    def take(self, columns: Sequence[int]) -> Design:
        """The design restricted to some of its columns (indices into `columns`)."""
        chosen = list(columns)
        return Design(
            self.terms, self.rows, [self.columns[c] for c in chosen],
            self.centre[chosen], self.spread[chosen],
        )  # fmt: skip

    @cached_property
    def term_columns(self) -> Mapping[int, list[int]]:
        """Term index -> indices of its columns (the intercept is not counted)."""
        found: dict[int, list[int]] = {}
        for j, column in enumerate(self.columns):
            found.setdefault(column.term, []).append(j)
        return found

    def reported(self, beta: Floats) -> tuple[float, Floats]:
        """Intercept and coefficients on the users' scale (per `Term.scale` units)."""
        slopes = beta[1:] / self.spread
        intercept = float(beta[0] - slopes @ self.centre)
        return intercept, slopes * self.scales

    def reported_covariance(self, covariance: Floats) -> Floats:
        """The covariance of `reported` (intercept first)."""
        p = self.n_parameters
        back = np.zeros((p, p))
        back[0, 0] = 1.0
        back[0, 1:] = -self.centre / self.spread
        back[range(1, p), range(1, p)] = self.scales / self.spread
        return back @ covariance @ back.T

    def reported_errors(self, covariance: Floats) -> Floats:
        """Standard errors of the coefficients of `reported`, without the intercept."""
        return np.sqrt(covariance.diagonal()[1:]) * (self.scales / self.spread)

    def intercept_error(self, covariance: Floats) -> float:
        """Standard error of the intercept of `reported`."""
        back = np.concatenate(([1.0], -self.centre / self.spread))
        return math.sqrt(back @ covariance @ back)

    @cached_property
    def scales(self) -> Floats:
        """`Term.scale` of each column (1 for indicators)."""
        return np.array(
            [self.terms[c.term].scale if c.level == -1 else 1.0 for c in self.columns]
        )  # fmt: skip


def _as_slice(rows: Ints) -> slice | None:
    """Rows that follow one another as a slice; None where they do not."""
    n = len(rows)
    if n and rows[-1] - rows[0] == n - 1 and (n < 3 or np.all(np.diff(rows) == 1)):
        return slice(rows[0], rows[0] + n)
    return None


def column_values(term: Term, level: int) -> NDArray[np.generic]:
    """What the column of this level is made of: the term's values, or one of its bends."""
    return term.values if level >= -1 else term.bends[-2 - level]


def same_value(values: NDArray[np.generic], share: float = SAME) -> bool:
    """Whether numbers differ by no more than the rounding of their size (a share of it)."""
    low, high = float(values.min()), float(values.max())
    return high - low <= share * max(abs(low), abs(high))


def complete_rows(terms: Sequence[Term], known: Bools) -> Ints:
    """0-based rows where `known` (the outcome) and every term have a value."""
    keep = known.copy()
    for term in terms:
        keep &= term.known
    return np.flatnonzero(keep)


def _present(codes: NDArray[np.signedinteger | np.float64], n_levels: int) -> Bools:
    """Which levels occur; nearly always the first rows hold all of them."""
    present = np.bincount(codes[:256], minlength=n_levels) > 0
    for level in (~present).nonzero()[0].tolist():
        present[level] = bool((codes == level).any())
    return present


def make_design(terms: Sequence[Term], rows: Ints) -> Design:
    """The design of `terms` on `rows`: one column per continuous term, one per level that
    occurs other than the reference (a level with no rows has no column)."""
    columns: list[DesignColumn] = []
    centre: list[float] = []
    spread: list[float] = []
    n = len(rows)
    values, moved = np.empty((2, n))
    for t, term in enumerate(terms):
        if term.kind == "continuous":
            for level in range(-1, -2 - len(term.bends), -1):
                source = np.asarray(column_values(term, level), dtype=np.float64)
                source.take(rows, out=values, mode="clip")
                mean = float(values.sum()) / n if n else 0.0
                np.subtract(values, mean, out=moved)
                sd = math.sqrt(float(moved @ moved) / n) if n else 1.0
                columns.append(DesignColumn(t, level))
                centre.append(mean)
                spread.append(sd if sd > 0 else 1.0)
            continue
        codes = term.values.take(rows, mode="clip")
        present = _present(codes, len(term.levels))
        for level in range(len(term.levels)):
            if level != term.reference and present[level]:
                columns.append(DesignColumn(t, level))
                centre.append(0.0)
                spread.append(1.0)
    return Design(terms, rows, columns, np.array(centre), np.array(spread))
