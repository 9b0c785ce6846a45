"""Predictors as the models see them: terms, complete rows, and the design matrix in blocks.

The design matrix of a large dataset is never held whole: `Design.blocks` builds it some
thousand rows at a time. Continuous columns are centred and divided by their SD inside the
model (better conditioning; profile likelihoods do not change) and taken back by `Design`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stats.stopping import check_stopped

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

#: Relative spread below which a column's values differ by rounding only.
SAME = 1e-12

_KEPT_ELEMENTS = 5 << 20  # the blocks of a design of up to 40 MB are built once and kept
_BLOCK_ELEMENTS = 1 << 18  # blocks of about 2 MB stay in the L2 cache


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One predictor.

    `values` has one entry per row of the file: float64 with NaN for a continuous term;
    level codes with -1 for missing for a factor. `levels` are all levels in order (empty for a
    continuous term), `reference` the index of the reference level. Coefficients of a continuous
    term are reported per `scale` units.
    """

    name: str
    kind: Literal["continuous", "factor"]
    values: Floats | NDArray[np.signedinteger]
    levels: tuple[str, ...] = ()
    reference: int = 0
    scale: float = 1.0

    @property
    def known(self) -> Bools:
        """True where the row has a value."""
        if self.kind == "factor":
            return self.values >= 0
        return ~np.isnan(self.values)


@dataclass(frozen=True, slots=True)
class DesignColumn:
    """One column of the design after the intercept: `level` is -1 for a continuous term."""

    term: int
    level: int


@dataclass(eq=False)
class Design:
    """The design of one model: an intercept, then the columns of `terms`, on `rows`.

    `rows` are 0-based row numbers of the file. `centre` and `spread` belong to the columns
    after the intercept (0 and 1 for indicator columns).
    """

    terms: Sequence[Term]
    rows: Ints
    columns: Sequence[DesignColumn]
    centre: Floats
    spread: Floats
    _kept: list[Floats] | None = field(default=None, repr=False)
    _scratch: dict[str, Floats] = field(default_factory=dict, repr=False)

    @property
    def n_rows(self) -> int:
        """Rows of the model."""
        return len(self.rows)

    @property
    def n_parameters(self) -> int:
        """Columns with the intercept."""
        return len(self.columns) + 1

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """The standardised design with its intercept, as consecutive row blocks.

        A block is valid until the next one is asked for: those of a large design share their
        memory, because fresh pages for every block cost more than the arithmetic on it.
        """
        n, p = self.n_rows, self.n_parameters
        step = max(256, _BLOCK_ELEMENTS // p)
        parts = [slice(first, min(first + step, n)) for first in range(0, n, step)]
        if self._kept is None and n * p <= _KEPT_ELEMENTS:
            self._kept = [self._build(part) for part in parts]
        for k, part in enumerate(parts):
            check_stopped()
            if self._kept is not None:
                yield part, self._kept[k]
            else:
                yield part, self._build(part, self.scratch("block", step * p))

    def scratch(self, purpose: str, size: int) -> Floats:
        """Memory kept for one purpose from pass to pass; its content is undefined."""
        held = self._scratch.get(purpose)
        if held is None or len(held) < size:
            held = self._scratch[purpose] = np.empty(size)
        return held[:size]

    def _build(self, part: slice, memory: Floats | None = None) -> Floats:
        rows = self.rows[part]
        shape = (self.n_parameters, len(rows))  # a column is written in one run
        size = shape[0] * shape[1]
        columns = np.empty(shape) if memory is None else memory[:size].reshape(shape)
        columns[0] = 1.0
        taken: dict[int, NDArray[np.generic]] = {}
        for j, column in enumerate(self.columns):
            values = taken.get(column.term)
            if values is None:
                values = taken[column.term] = self.terms[column.term].values[rows]
            if column.level < 0:
                np.subtract(values, self.centre[j], out=columns[j + 1])
                columns[j + 1] *= 1.0 / self.spread[j]
            else:
                columns[j + 1] = values == column.level
        return columns.T

    def rows_at(self, chosen: Ints) -> Floats:
        """Some rows of the standardised design, counted from 0 within it."""
        part = Design(self.terms, self.rows[chosen], self.columns, self.centre, self.spread)
        return part._build(slice(0, len(chosen)))

    def take(self, columns: Sequence[int]) -> Design:
        """The design restricted to some of its columns (indices into `columns`)."""
        chosen = list(columns)
        return Design(
            self.terms, self.rows, [self.columns[c] for c in chosen],
            self.centre[chosen], self.spread[chosen],
        )  # fmt: skip

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

    @property
    def scales(self) -> Floats:
        """`Term.scale` of each column (1 for indicators)."""
        return np.array(
            [self.terms[c.term].scale if c.level < 0 else 1.0 for c in self.columns]
        )  # fmt: skip


def same_value(values: NDArray[np.generic]) -> bool:
    """Whether numbers differ by no more than the rounding of their size."""
    low, high = float(values.min()), float(values.max())
    return high - low <= SAME * max(abs(low), abs(high))


def complete_rows(terms: Sequence[Term], known: Bools) -> Ints:
    """0-based rows where `known` (the outcome) and every term have a value."""
    keep = known.copy()
    for term in terms:
        keep &= term.known
    return np.flatnonzero(keep)


def make_design(terms: Sequence[Term], rows: Ints) -> Design:
    """The design of `terms` on `rows`: one column per continuous term, one per level that
    occurs other than the reference (a level with no rows has no column)."""
    columns: list[DesignColumn] = []
    centre: list[float] = []
    spread: list[float] = []
    for t, term in enumerate(terms):
        values = term.values[rows]
        if term.kind == "continuous":
            mean = float(values.mean()) if len(values) else 0.0
            sd = float(values.std()) if len(values) else 1.0
            columns.append(DesignColumn(t, -1))
            centre.append(mean)
            spread.append(sd if sd > 0 else 1.0)
            continue
        present = np.bincount(values, minlength=len(term.levels)) > 0
        for level in range(len(term.levels)):
            if level != term.reference and present[level]:
                columns.append(DesignColumn(t, level))
                centre.append(0.0)
                spread.append(1.0)
    return Design(terms, rows, columns, np.array(centre), np.array(spread))
