"""`two_by_two`: risks, their ratio and difference, odds ratios and tests of one 2 x 2 table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import chdtrc, xlogy

from stats.accuracy import KOOPMAN, LOG, LOG_HALF, NEWCOMBE, Measure, measures_frame
from stats.association_sources import ALTMAN, KATZ, WOOLF
from stats.association_sources import KOOPMAN as KOOPMAN_1984
from stats.association_sources import NEWCOMBE as NEWCOMBE_1998
from stats.conditional_odds import (
    Conditional,
    conditional_odds_ratio,
    conditional_of,
    fisher_p,
    mid_p,
    one_sided_p,
)
from stats.design import Bools
from stats.named_choices import confidence_level
from stats.proportions import (
    Interval,
    newcombe_difference,
    odds_ratio,
    proportion,
    ratio,
    score_difference,
    score_ratio,
    wald_difference,
)
from stats.result import AccuracyResult, Note
from stats.two_levels import (
    EXPOSURE,
    OUTCOME,
    TwoByTwo,
    TwoLevels,
    assumed_notes,
    counts_frame,
    cross,
    different_columns,
    exclusions_of,
    refuse_no_rows,
    two_levels,
)
from stats.variables import Dataset, as_dataset

_FEW: Final = 5.0  # an expected count below this asks for an exact test (Cochran)


def two_by_two(
    data: Dataset | pd.DataFrame,
    *,
    exposure: str,
    outcome: str,
    exposed: object = None,
    event: object = None,
    ci_level: float = 0.95,
) -> AccuracyResult:
    """Risk ratio, risk difference, odds ratio, number needed, and tests of a 2 x 2 table.

    Parameters
    ----------
    data : one row per patient; rows without exposure or outcome are left out.
    exposure, outcome : columns with two values each.
    exposed, event : the levels looked for. May be left out for 0/1, no/yes and FALSE/TRUE only.
    ci_level : in [0.5, 1).

    Returns
    -------
    AccuracyResult. `counts`: four cells, row = exposure, column = outcome. `measures`, one row per
    measure and method: risk_exposed, risk_unexposed (wilson, exact; `x` of `n`), risk_difference
    (newcombe, wald, miettinen-nurminen), risk_ratio (log; koopman; log with 0.5 added), odds_ratio
    (log; log with 0.5 added; conditional: maximum likelihood given the margins), nnt: 1 / risk
    difference, negative where the exposed have fewer events. Where the interval of the difference
    holds 0, `through_infinity` is true and the interval of nnt is the two rays below `ci_low` and
    above `ci_high` (Altman 1998). `tests`: chi_square, chi_square_yates, likelihood_ratio, fisher
    (no more probable tables), fisher_mid_p, fisher_twice_tail, fisher_less, fisher_greater.

    Raises
    ------
    BadInput : unknown column or level, not two values, level not chosen. NotEstimable : no row
        has both.

    References
    ----------
    See `stats.proportions` and `stats.conditional_odds` for formulas and sources.

    Checked against
    ---------------
    R fisher.test, chisq.test, binom.test (tests/reference), Newcombe 1998, Altman 1998.
    """
    dataset = as_dataset(data)
    asked = {
        "exposure": exposure, "outcome": outcome, "exposed": exposed, "event": event,
        "ci_level": ci_level,
    }  # fmt: skip
    choices = prepare(dataset, asked)[1]
    rows, columns = _columns(dataset, choices)
    n_used, lost = exclusions_of(dataset.n_rows, columns, rows)
    refuse_no_rows(n_used, columns, rows)
    table = cross(rows, columns)
    distribution = conditional_of([table])
    measures = _measures(table, distribution, ci_level)
    return AccuracyResult(
        analysis="two_by_two", choices=choices, n_rows=dataset.n_rows, n_used=n_used,
        exclusions=lost,
        notes=(*assumed_notes(columns, rows), *_notes(table, rows, columns, measures)),
        references=(KATZ, KOOPMAN_1984, NEWCOMBE_1998, WOOLF, ALTMAN),
        method={
            "ci_level": choices["ci_level"], "exposure": rows.name, "exposed": rows.yes,
            "unexposed": rows.no, "outcome": columns.name, "event": columns.yes,
            "other": columns.no, "zero_cells": table.has_zero,
        },
        counts=counts_frame(table, rows, columns),
        measures={**measures_frame(measures), "through_infinity": _through_infinity(measures)},
        tests=_tests(table, distribution),
        facts={"smallest_expected": table.smallest_expected, "events": table.a + table.c},
    )  # fmt: skip


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check the choices of `two_by_two`; the columns named and the choices in full.

    A level that was left out stays None, so that the note about it is part of the result.
    """
    exposure, outcome = str(choices["exposure"]), str(choices["outcome"])
    different_columns({"the outcome": outcome, "the exposure": exposure})
    complete: dict[str, Any] = {
        "exposure": exposure, "outcome": outcome, "exposed": choices["exposed"],
        "event": choices["event"], "ci_level": confidence_level(choices["ci_level"]),
    }  # fmt: skip
    rows, columns = _columns(dataset, complete)
    complete["exposed"] = None if complete["exposed"] is None else rows.yes
    complete["event"] = None if complete["event"] is None else columns.yes
    return (outcome, exposure), complete


def _columns(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[TwoLevels, TwoLevels]:
    return (
        two_levels(dataset, choices["exposure"], choices["exposed"], EXPOSURE),
        two_levels(dataset, choices["outcome"], choices["event"], OUTCOME),
    )


def _measures(table: TwoByTwo, distribution: Conditional | None, ci_level: float) -> list[Measure]:
    a, b, c, d = table.a, table.b, table.c, table.d
    risks = (a, a + b, c, c + d)
    halves = (a + 0.5, a + b + 1.0, c + 0.5, c + d + 1.0)
    found = [
        Measure(f"risk_{who}", method, proportion(x, n, ci_level, method), x, n)
        for who, x, n in (("exposed", a, a + b), ("unexposed", c, c + d))
        for method in ("wilson", "exact")
    ]
    newcombe = newcombe_difference(*risks, ci_level)
    found += [
        Measure("risk_difference", NEWCOMBE, newcombe),
        Measure("risk_difference", "wald", wald_difference(*risks, ci_level)),
        Measure("risk_difference", "miettinen-nurminen", score_difference(*risks, ci_level)),
        Measure("risk_ratio", LOG, ratio(*risks, ci_level)),
        Measure("risk_ratio", KOOPMAN, score_ratio(*risks, ci_level)),
        Measure("risk_ratio", LOG_HALF, ratio(*halves, ci_level)),
        Measure("odds_ratio", LOG, odds_ratio(a, b, c, d, ci_level)),
        Measure("odds_ratio", LOG_HALF, odds_ratio(a + 0.5, b + 0.5, c + 0.5, d + 0.5, ci_level)),
    ]
    if distribution is not None and len(distribution.counts) > 1:
        found.append(
            Measure("odds_ratio", "conditional", conditional_odds_ratio(distribution, ci_level))
        )
    return [*found, Measure("nnt", NEWCOMBE, number_needed(newcombe))]


def number_needed(difference: Interval) -> Interval:
    """1 / difference and the reciprocals of its limits, the smaller first.

    When the interval of the difference holds 0 these are the inner ends of two rays, from minus
    infinity to `low` and from `high` to infinity.
    """
    if math.isnan(difference.estimate):
        return difference
    estimate = 1.0 / difference.estimate if difference.estimate else math.inf
    ends = (
        1.0 / difference.low if difference.low else -math.inf,
        1.0 / difference.high if difference.high else math.inf,
    )
    return Interval(estimate, min(ends), max(ends))


def _through_infinity(measures: list[Measure]) -> Bools:
    found = {m.measure: m.interval for m in measures if m.method == NEWCOMBE}
    gap = found["risk_difference"]
    crosses = gap.low <= 0.0 <= gap.high
    return np.array([m.measure == "nnt" and crosses for m in measures], dtype=np.bool_)


def _tests(table: TwoByTwo, distribution: Conditional | None) -> dict[str, list[Any]]:
    found: list[tuple[str, float, float, float]] = []
    statistics = chi_squares(table)
    for name, statistic in statistics.items():
        found.append((name, statistic, 1.0, float(chdtrc(1.0, statistic))))
    if distribution is not None:
        less, greater = one_sided_p(distribution)
        exact = {
            "fisher": fisher_p(distribution), "fisher_mid_p": mid_p(distribution),
            "fisher_twice_tail": min(1.0, 2.0 * min(less, greater)), "fisher_less": less,
            "fisher_greater": greater,
        }  # fmt: skip
        found += [(name, math.nan, math.nan, p) for name, p in exact.items()]
    names = ("test", "statistic", "df", "p_value")
    return {name: [row[i] for row in found] for i, name in enumerate(names)}


def chi_squares(table: TwoByTwo) -> dict[str, float]:
    """Pearson's chi-square, the same with Yates' correction, and the likelihood ratio's.

    NaN where a margin is empty. Yates' correction is at most the distance itself, as in R.
    """
    n = table.n
    rows = (table.a + table.b, table.c + table.d)
    columns = (table.a + table.c, table.b + table.d)
    if 0 in rows or 0 in columns:
        return dict.fromkeys(("chi_square", "chi_square_yates", "likelihood_ratio"), math.nan)
    expected = [r * k / n for r in rows for k in columns]
    seen = (table.a, table.b, table.c, table.d)
    gap = abs(table.a - expected[0])
    weight = sum(1.0 / e for e in expected)
    ratio_sum = 2.0 * float(sum(xlogy(o, o / e) for o, e in zip(seen, expected, strict=True)))
    return {
        "chi_square": gap * gap * weight,
        "chi_square_yates": (gap - min(0.5, gap)) ** 2 * weight,
        "likelihood_ratio": max(ratio_sum, 0.0),
    }


def _notes(
    table: TwoByTwo, rows: TwoLevels, columns: TwoLevels, measures: list[Measure]
) -> list[Note]:
    notes: list[Note] = []
    margins = (
        (table.a + table.b, rows, rows.yes), (table.c + table.d, rows, rows.no),
        (table.a + table.c, columns, columns.yes), (table.b + table.d, columns, columns.no),
    )  # fmt: skip
    for n, column, level in margins:
        if n == 0:
            text = (
                f'No row used has "{column.name}" = "{level}", so the two groups cannot be '
                "compared in full and no test is possible. Include such rows."
            )
            notes.append(Note("empty_margin", "warning", text, column.name))
    if notes:
        return notes
    if table.has_zero:
        text = (
            "A cell of the table is empty, so the odds ratio or risk ratio is 0 or infinite and "
            "has no log interval. Read the score interval of the risk ratio and the exact one of "
            "the odds ratio."
        )
        notes.append(Note("zero_cell", "caution", text))
    if table.smallest_expected < _FEW:
        text = (
            f"The smallest expected count is {table.smallest_expected:.1f}, below {_FEW:.0f}: "
            "prefer Fisher's exact test or its mid-p to the chi-square tests."
        )
        notes.append(Note("small_expected", "caution", text))
    if _through_infinity(measures).any():
        notes.append(_through_infinity_note())
    return notes


def _through_infinity_note() -> Note:
    return Note(
        "nnt_through_infinity", "info",
        "The interval of the risk difference holds 0, so the interval of the number needed runs "
        "from one more event through infinity to one event fewer: it is not a single range.",
    )  # fmt: skip
