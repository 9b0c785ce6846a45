"""Collecting the rows of an effects table: numbers on the coefficient scale go in, the columns
of `EFFECT_COLUMNS` come out, with estimates on the reporting scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stats.design import Floats, Term
from stats.result import EFFECT_COLUMNS

NAN = float("nan")
_LARGEST_EXPONENT = 709.0


class Effect(NamedTuple):
    """One coefficient: limits on the coefficient scale, NaN where not estimable."""

    coef: float = NAN
    std_error: float = NAN
    low: float = NAN
    high: float = NAN
    statistic: float = NAN
    df: float = NAN
    p_value: float = NAN


NOT_ESTIMABLE = Effect()
REFERENCE = Effect(coef=0.0)


@dataclass(slots=True)
class EffectRows:
    """Columns under construction. `ratio` exponentiates estimates and limits."""

    ratio: bool = True
    _rows: list[tuple[object, ...]] = field(default_factory=list)

    def add(
        self, term: Term, level: int, effect: Effect, *,
        n: int, events: int, missing: int, p_term: float,
    ) -> None:  # fmt: skip
        """A row for the term (`level` -1: continuous) or for one of its levels."""
        name = None if level < 0 else term.levels[level]
        self._rows.append(
            (
                term.name, name, self._reference(term, level), n, events, missing,
                effect.coef, effect.std_error, effect.coef, effect.low, effect.high,
                effect.statistic, effect.df, effect.p_value, p_term,
            )
        )  # fmt: skip

    def add_reference(
        self, term: Term, *, n: int, events: int, missing: int, p_term: float
    ) -> None:
        """The reference row of a factor: coefficient 0, nothing estimated."""
        self.add(
            term, term.reference, REFERENCE, n=n, events=events, missing=missing, p_term=p_term
        )

    def add_levels(
        self, term: Term, effects: Sequence[Floats], *,
        n: NDArray[np.int64], events: NDArray[np.int64], missing: int, p_term: float,
    ) -> None:  # fmt: skip
        """The rows of all levels of a factor, its reference included, or the one of a continuous
        term. `effects` are columns in the order of `Effect`, with an entry for each row."""
        size = len(n)
        names = term.levels if term.kind == "factor" else (None,)
        reference = term.levels[term.reference] if term.levels else None
        coef, error, low, high, statistic, df, p_value = (column.tolist() for column in effects)
        self._rows += zip(
            (term.name,) * size, names, (reference,) * size, n.tolist(), events.tolist(),
            (missing,) * size, coef, error, coef, low, high, statistic, df, p_value,
            (p_term,) * size, strict=True,
        )  # fmt: skip

    @staticmethod
    def _reference(term: Term, level: int) -> str | None:
        return None if level < 0 else term.levels[term.reference]

    def columns(self) -> dict[str, list[object]]:
        """The table as columns, in the contract's order."""
        turned = list(zip(*self._rows, strict=True)) or [()] * len(EFFECT_COLUMNS)
        columns = {name: list(turned[i]) for i, name in enumerate(EFFECT_COLUMNS)}
        for name in ("estimate", "ci_low", "ci_high") if self.ratio else ():
            columns[name] = [_exp(value) for value in columns[name]]
        return columns


def _exp(value: Any) -> float:
    return math.exp(value) if not value > _LARGEST_EXPONENT else math.inf


def counts_by_level(term: Term, rows: NDArray[np.intp], y: NDArray[np.intp]) -> tuple[
    NDArray[np.intp], NDArray[np.intp]
]:  # fmt: skip
    """Rows and events of each level among `rows` (a factor without missing there).

    `y` is 1 at the event and has one entry for each of `rows`.
    """
    # one count over level and outcome together: level 0 without, level 0 with the event, ...
    pairs = term.values.take(rows, mode="clip").astype(np.intp)
    pairs *= 2
    pairs += y
    counts = np.bincount(pairs, minlength=2 * len(term.levels)).reshape(-1, 2)
    return counts.sum(axis=1), counts[:, 1]
