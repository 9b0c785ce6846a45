"""An `EffectsResult` read row by row, and crude beside adjusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from stats.result import EffectsResult, FrozenTable

#: Name, abbreviation and value of no association, by `EffectsResult.effect`.
_ABBREVIATIONS = {
    "odds ratio": "OR",
    "hazard ratio": "HR",
    "rate ratio": "RR",
    "risk ratio": "RR",
    "mean difference": "Difference",
}


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One row of an effects table; counts are NaN where they are not known."""

    term: str
    level: str | None
    reference: str | None
    n: float
    events: float
    missing: float
    estimate: float
    ci_low: float
    ci_high: float
    df: float
    p_value: float
    p_term: float

    @property
    def is_reference(self) -> bool:
        """True for the level that the others are compared with."""
        return self.level is not None and self.level == self.reference

    @property
    def is_estimable(self) -> bool:
        """True when the estimate is a number."""
        return math.isfinite(self.estimate)

    @property
    def key(self) -> tuple[str, str | None]:
        """Term and level."""
        return self.term, self.level


_FIELDS = (
    "term", "level", "reference", "n", "events", "missing", "estimate", "ci_low", "ci_high",
    "df", "p_value", "p_term",
)  # fmt: skip


def effect_rows(result: EffectsResult) -> tuple[EffectRow, ...]:
    """The rows of `result.effects` in order."""
    table = result.table("effects")
    columns = [table.column(name).tolist() for name in _FIELDS]
    return tuple(EffectRow(*values) for values in zip(*columns, strict=True))


def terms_of(rows: tuple[EffectRow, ...]) -> tuple[str, ...]:
    """Distinct terms in order."""
    return tuple(dict.fromkeys(row.term for row in rows))


def fitted_terms(rows: tuple[EffectRow, ...]) -> tuple[str, ...]:
    """The terms that a model really holds: with an estimate or a test, in order."""
    return tuple(
        dict.fromkeys(
            row.term
            for row in rows
            if not row.is_reference and (row.is_estimable or math.isfinite(row.p_value))
        )
    )


def term_df(rows: tuple[EffectRow, ...], term: str) -> int:
    """Degrees of freedom of a term: its levels that occur, without the reference."""
    return sum(row.term == term and not row.is_reference and row.n != 0 for row in rows)


def abbreviation(effect: str) -> str:
    """`OR` for odds ratio; the effect's own name where there is no usual short form."""
    return _ABBREVIATIONS.get(effect, effect[:1].upper() + effect[1:])


def null_value(effect: str) -> float:
    """The value of no association: 0 for differences, 1 for ratios."""
    return 0.0 if "difference" in effect else 1.0


def rows_of(table: FrozenTable) -> tuple[dict[str, Any], ...]:
    """Any table as one dict per row; missing is None for text and NaN for numbers."""
    names = [column.name for column in table.columns]
    columns = [column.array().tolist() for column in table.columns]
    return tuple(dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


def model_facts(result: EffectsResult) -> dict[str, Any]:
    """The first row of `result.fit`: of the one model, where there is one."""
    rows = rows_of(result.table("fit"))
    return rows[0] if rows else {}
