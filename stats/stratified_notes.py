"""What a careful reader would ask of strata that are pooled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from stats.proportions import Interval
from stats.result import Note
from stats.two_levels import TwoByTwo
from stats.variables import quote_list

_HETEROGENEOUS: Final = 0.05
_SHIFT: Final = 0.10  # change of the odds ratio by pooling that is worth a word


def notes_on_strata(
    stratum: str,
    labels: Sequence[str],
    tables: Sequence[TwoByTwo],
    effects: Mapping[tuple[str, str], Interval],
    tests: Sequence[tuple[str, float, float, float]],
) -> list[Note]:
    """Strata that say nothing, empty cells, disagreement, and how far pooling moved the estimate.

    `effects` is (scope, measure) -> interval, `tests` (name, statistic, df, p).
    """
    notes = _uninformative(stratum, labels, tables)
    notes += _empty_cells(stratum, labels, tables)
    notes += _pooled(stratum, effects)
    notes += _agreement(stratum, tests)
    crude, pooled = effects[("crude", "odds_ratio")], effects[("pooled", "odds_ratio")]
    if _positive(crude.estimate) and _positive(pooled.estimate):
        shift = abs(math.log(crude.estimate) - math.log(pooled.estimate))
        if shift > math.log1p(_SHIFT):
            text = (
                f'Taking account of "{stratum}" moves the odds ratio from {crude.estimate:.3g} '
                f"to {pooled.estimate:.3g}. Report both."
            )
            notes.append(Note("shift", "info", text, stratum))
    return notes


def _positive(value: float) -> bool:
    return 0.0 < value < math.inf


def _uninformative(stratum: str, labels: Sequence[str], tables: Sequence[TwoByTwo]) -> list[Note]:
    silent = [
        label for label, t in zip(labels, tables, strict=True)
        if 0 in (t.a + t.b, t.c + t.d, t.a + t.c, t.b + t.d)
    ]  # fmt: skip
    if not silent:
        return []
    text = (
        f'In {quote_list(silent, 5)} of "{stratum}" all rows are exposed or none is, or all have '
        "the event or none has: these strata say nothing about the odds ratio. Join them with "
        "others if that makes sense."
    )
    return [Note("uninformative_strata", "caution", text, stratum)]


def _empty_cells(stratum: str, labels: Sequence[str], tables: Sequence[TwoByTwo]) -> list[Note]:
    zero = [
        label for label, t in zip(labels, tables, strict=True)
        if t.has_zero and 0 not in (t.a + t.b, t.c + t.d, t.a + t.c, t.b + t.d)
    ]  # fmt: skip
    if not zero:
        return []
    text = (
        f'In {quote_list(zero, 5)} of "{stratum}" a cell is empty, so ratios there are 0 or '
        "infinite and have no log interval. The pooled estimates use these strata as they are."
    )
    return [Note("zero_cell", "info", text, stratum)]


def _pooled(stratum: str, effects: Mapping[tuple[str, str], Interval]) -> list[Note]:
    pooled = effects[("pooled", "odds_ratio")]
    if math.isnan(pooled.estimate):
        text = (
            f'No stratum of "{stratum}" has exposed and unexposed rows with and without the event, '
            "so nothing can be pooled. Choose another stratum."
        )
        return [Note("not_pooled", "warning", text, stratum)]
    if math.isnan(pooled.low):
        text = (
            "The pooled odds ratio is 0 or infinite and has no Mantel-Haenszel interval. Read the "
            "exact conditional one where it is given."
        )
        return [Note("pooled_at_limit", "caution", text, stratum)]
    return []


def _agreement(stratum: str, tests: Sequence[tuple[str, float, float, float]]) -> list[Note]:
    p = next((t[3] for t in tests if t[0].startswith("breslow_day")), math.nan)
    if math.isnan(p):
        text = (
            f'Whether the strata of "{stratum}" agree cannot be tested: that needs two strata with '
            "information and a pooled odds ratio. Look at the strata themselves."
        )
        return [Note("agreement_not_tested", "info", text, stratum)]
    if p < _HETEROGENEOUS:
        text = (
            f'The odds ratios of the strata of "{stratum}" differ more than chance explains '
            f"(Breslow-Day p {'below 0.001' if p < 0.001 else f'{p:.3f}'}). One pooled number "
            "hides that; report the strata."
        )
        return [Note("heterogeneous", "caution", text, stratum)]
    return []
