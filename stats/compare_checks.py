"""What a reader of a comparison looks at: shapes and spreads, shown and never deciding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from stats.compare_tests import Evidence
from stats.cross_table import expected_counts, occupied
from stats.design import Floats
from stats.grouped import excess_kurtosis, skewness
from stats.mean_tests import bartlett, fligner_killeen, levene, variance_ratio
from stats.normality import MOST_VALUES, shapiro_wilk
from stats.tested import Tested, tests_table

_MOST_POINTS: Final = 300  # of a group, drawn one by one
_MOST_LINES: Final = 150  # subjects whose values are joined by a line


def checks_of(evidence: Evidence) -> list[tuple[str | None, Tested]]:
    """Group and check: normality of each group or of the differences, equality of spreads."""
    compared = evidence.compared
    if compared.kind != "number":
        return []
    if compared.paired:
        if compared.n_groups != 2:
            return []
        gaps = np.sort(evidence.differences())
        return [(None, t) for t in [shapiro_wilk(gaps)] if t.done]
    found: list[tuple[str | None, Tested]] = [
        (level, shapiro_wilk(part))
        for level, part in zip(compared.groups.levels, evidence.parts, strict=True)
    ]
    if compared.n_groups > 1:
        spreads = [levene(evidence.parts), levene(evidence.parts, centre="mean")]
        spreads += [bartlett(evidence.summaries), fligner_killeen(evidence.parts)]
        if compared.n_groups == 2:
            spreads.append(variance_ratio(*evidence.summaries))
        found += [(None, t) for t in spreads]
    return [(level, t) for level, t in found if t.done]


def checks_table(checks: Sequence[tuple[str | None, Tested]]) -> dict[str, Any]:
    """The columns of `ComparisonResult.checks`."""
    columns = tests_table([t for _, t in checks])
    return {
        "check": columns["test"],
        "group": [level for level, _ in checks],
        **columns,
    }


def shape_facts(evidence: Evidence) -> dict[str, Any]:
    """Skewness and kurtosis by group (of paired differences: of the differences)."""
    compared = evidence.compared
    facts: dict[str, Any] = {"smallest_expected": smallest_expected_of(evidence)}
    if compared.kind != "number":
        return facts
    parts: list[tuple[str, Floats]]
    if compared.paired and compared.n_groups == 2:
        parts = [("differences", np.sort(evidence.differences()))]
    else:
        parts = list(zip(compared.groups.levels, evidence.parts, strict=True))
    for name, of in (("skewness", skewness), ("kurtosis", excess_kurtosis)):
        values = {level: of(part) for level, part in parts}
        facts[name] = {level: v for level, v in values.items() if not math.isnan(v)}
    facts["normality_not_checked"] = tuple(
        level for level, part in parts if len(part) > MOST_VALUES
    )
    return facts


def smallest_expected_of(evidence: Evidence) -> float | None:
    """The smallest expected count of independent categories; None where there is none."""
    if evidence.compared.kind == "number" or evidence.compared.paired:
        return None
    table = occupied(evidence.counts)
    return float(expected_counts(table).min()) if min(table.shape, default=0) > 1 else None


def points_table(evidence: Evidence) -> dict[str, Any]:
    """What the distribution is drawn from: `group`, `part`, `value` and `subject`.

    `part` is "point" (all values, or 300 evenly spaced in order), "whisker_low" or "whisker_high"
    (the last values within 1.5 interquartile ranges of the quartiles); `subject` joins the points
    of one subject (0: not joined).
    """
    rows: list[tuple[str, str, float, int]] = []
    compared = evidence.compared
    lined = compared.paired and compared.kind == "number"
    if compared.kind == "number":
        for level, part in zip(compared.groups.levels, evidence.parts, strict=True):
            rows += [(level, name, value, 0) for name, value in _whiskers(part)]
            if not lined:
                rows += [(level, "point", value, 0) for value in _thinned(part)]
    if lined:
        chosen = _evenly(len(evidence.table), _MOST_LINES)
        rows += [
            (level, "point", float(evidence.table[i, j]), s)
            for s, i in enumerate(chosen.tolist(), start=1)
            for j, level in enumerate(compared.groups.levels)
        ]  # fmt: skip
    return {
        "group": [r[0] for r in rows],
        "part": [r[1] for r in rows],
        "value": np.array([r[2] for r in rows], dtype=np.float64),
        "subject": np.array([r[3] for r in rows], dtype=np.int64),
    }


def _whiskers(part: Floats) -> list[tuple[str, float]]:
    if len(part) == 0:
        return []
    q1, q3 = np.quantile(part, [0.25, 0.75])
    reach = 1.5 * (q3 - q1)
    first = int(np.searchsorted(part, q1 - reach, side="left"))
    last = int(np.searchsorted(part, q3 + reach, side="right")) - 1
    return [("whisker_low", float(part[first])), ("whisker_high", float(part[last]))]


def _thinned(part: Floats) -> list[float]:
    return part[_evenly(len(part), _MOST_POINTS)].tolist()


def _evenly(count: int, most: int) -> Any:
    """All places, or `most` of them evenly spaced from first to last."""
    if count <= most:
        return np.arange(count)
    return np.round(np.linspace(0, count - 1, most)).astype(np.intp)
