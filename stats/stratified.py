"""`stratify`: one exposure and one outcome within the levels of a third variable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from stats import association_sources as sources
from stats.accuracy import LOG, LOG_HALF, NEWCOMBE
from stats.conditional_odds import conditional_odds_ratio, conditional_of, fisher_p
from stats.errors import BadInput, NotEstimable
from stats.mantel_haenszel import (
    Strata,
    breslow_day,
    cochran_mantel_haenszel,
    pooled_odds_ratio,
    pooled_risk_difference,
    pooled_risk_ratio,
    woolf,
)
from stats.named_choices import confidence_level
from stats.proportions import Interval, newcombe_difference, odds_ratio, ratio
from stats.result import AccuracyResult
from stats.stratified_notes import notes_on_strata
from stats.two_levels import (
    EXPOSURE,
    OUTCOME,
    TwoByTwo,
    TwoLevels,
    assumed_notes,
    different_columns,
    two_levels,
)
from stats.variables import Dataset, as_dataset, quote_list

MOST_STRATA: Final = 200
MANTEL_HAENSZEL: Final = "mantel-haenszel"


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of `measures`; `scope` is "crude", "stratum" or "pooled"."""

    measure: str
    method: str
    interval: Interval
    scope: str
    stratum: str | None = None
    n: int = 0
    events: int = 0


def stratify(
    data: Dataset | pd.DataFrame,
    *,
    exposure: str,
    outcome: str,
    stratum: str,
    exposed: object = None,
    event: object = None,
    continuity: bool = False,
    tarone: bool = True,
    ci_level: float = 0.95,
) -> AccuracyResult:
    """Odds ratio, risk ratio and risk difference within strata and pooled over them.

    Parameters
    ----------
    data : one row per patient; rows that lack exposure, outcome or stratum are left out.
    exposure, outcome : columns with two values each; `exposed`, `event` the levels looked for (may
        be left out for 0/1, no/yes and FALSE/TRUE only).
    stratum : a column of at most 200 levels.
    continuity : continuity correction of the Cochran-Mantel-Haenszel test (R's default has it).
    tarone : Tarone's correction of the Breslow-Day test.
    ci_level : in [0.5, 1).

    Returns
    -------
    AccuracyResult. `counts`: four cells per stratum. `measures`: odds_ratio, risk_ratio,
    risk_difference with `scope` crude, stratum (`stratum` names it) or pooled; pooled methods are
    mantel-haenszel, inverse variance and, unless the tables are too long, conditional (common odds
    ratio given the margins, exact interval). `tests`: cmh, breslow_day or breslow_day_tarone,
    woolf, exact_conditional.

    Raises
    ------
    BadInput : unknown column or level, not two values, level not chosen, too many strata.
    NotEstimable : no row knows all three.

    References
    ----------
    See `stats.mantel_haenszel` for formulas and sources.

    Checked against
    ---------------
    R mantelhaen.test (tests/reference), statsmodels StratifiedTable.
    """
    dataset = as_dataset(data)
    asked = {
        "exposure": exposure, "outcome": outcome, "stratum": stratum, "exposed": exposed,
        "event": event, "continuity": continuity, "tarone": tarone, "ci_level": ci_level,
    }  # fmt: skip
    choices = prepare(dataset, asked)[1]
    rows, columns = _columns(dataset, choices)
    labels, tables, exclusions = _tables(dataset, rows, columns, choices["stratum"])
    n_used = sum(table.n for table in tables)
    if n_used == 0:
        names = (choices["outcome"], choices["exposure"], choices["stratum"])
        raise NotEstimable(
            f"No row has a value in all of {quote_list(names)}.", rule="complete rows", found="0",
            hint="Choose columns that were recorded in the same rows.",
        )  # fmt: skip
    measures, tests = _pooled(tables, choices)
    whole = TwoByTwo(*(sum(getattr(t, cell) for t in tables) for cell in "abcd"))
    before = _effects(whole, "crude", None, ci_level)
    for label, table in zip(labels, tables, strict=True):
        before += _effects(table, "stratum", label, ci_level)
    measures = [*before, *measures]
    return AccuracyResult(
        analysis="stratify", choices=choices, n_rows=dataset.n_rows, n_used=n_used,
        exclusions=exclusions,
        notes=(
            *assumed_notes(columns, rows),
            *notes_on_strata(choices["stratum"], labels, tables, _by_scope(measures), tests),
        ),
        references=_references(tarone=bool(tarone)),
        method={
            "ci_level": choices["ci_level"], "exposure": rows.name, "exposed": rows.yes,
            "unexposed": rows.no, "outcome": columns.name, "event": columns.yes,
            "other": columns.no, "stratum": choices["stratum"], "strata": labels,
            "continuity": choices["continuity"], "tarone": choices["tarone"],
        },
        counts=_counts_frame(labels, tables, rows, columns),
        measures=_measures_frame(measures), tests=_tests_frame(tests),
        facts={"strata": len(tables), "events": whole.a + whole.c},
    )  # fmt: skip


def _references(*, tarone: bool) -> tuple[str, ...]:
    pooled = (sources.MANTEL_HAENSZEL, sources.ROBINS, sources.GREENLAND, sources.SATO)
    return (*pooled, sources.BRESLOW_DAY, *((sources.TARONE,) if tarone else ()))


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check the choices of `stratify`; the columns named and the choices in full.

    A level that was left out stays None, so that the note about it is part of the result.
    """
    exposure, outcome, stratum = (str(choices[k]) for k in ("exposure", "outcome", "stratum"))
    different_columns({"the outcome": outcome, "the exposure": exposure, "the stratum": stratum})
    complete: dict[str, Any] = {
        "exposure": exposure, "outcome": outcome, "stratum": stratum,
        "exposed": choices["exposed"], "event": choices["event"],
        "continuity": bool(choices["continuity"]), "tarone": bool(choices["tarone"]),
        "ci_level": confidence_level(choices["ci_level"]),
    }  # fmt: skip
    rows, columns = _columns(dataset, complete)
    complete["exposed"] = None if complete["exposed"] is None else rows.yes
    complete["event"] = None if complete["event"] is None else columns.yes
    _check_stratum(dataset, stratum)
    return (outcome, exposure, stratum), complete


def _check_stratum(dataset: Dataset, name: str) -> None:
    kind = dataset.variable(name).kind
    if kind in ("date", "identifier"):
        what = "a date" if kind == "date" else "an identifier"
        raise BadInput(
            f'"{name}" is {what} and cannot be the stratum.', column=name, rule="stratum",
            found=kind, hint="Choose a column with a few levels.",
        )  # fmt: skip
    n_levels = len(dataset.factor(name).categories)
    if n_levels > MOST_STRATA:
        raise BadInput(
            f'"{name}" has {n_levels:,} values; there may be at most {MOST_STRATA} strata.',
            column=name, rule="stratum", found=str(n_levels), hint="Group its values.",
        )  # fmt: skip


def _columns(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[TwoLevels, TwoLevels]:
    return (
        two_levels(dataset, choices["exposure"], choices["exposed"], EXPOSURE),
        two_levels(dataset, choices["outcome"], choices["event"], OUTCOME),
    )


def _tables(
    dataset: Dataset, rows: TwoLevels, columns: TwoLevels, stratum: str
) -> tuple[tuple[str, ...], list[TwoByTwo], dict[str, int]]:
    """The tables of the strata that have rows, in level order, and the rows left out."""
    factor = dataset.factor(stratum)
    codes = np.asarray(factor.codes)
    left = columns.known.copy()
    lost = {columns.role.missing: int(np.count_nonzero(~left))}
    for reason, known in ((rows.role.missing, rows.known), ("stratum missing", codes >= 0)):
        lost[reason] = int(np.count_nonzero(left & ~known))
        left &= known
    cell = 4 * codes.astype(np.intp) + 2 * ~rows.is_yes + ~columns.is_yes
    counts = np.bincount(cell[left], minlength=4 * len(factor.categories)).reshape(-1, 4)
    found = [
        (str(label), TwoByTwo(*(int(n) for n in cells)))
        for label, cells in zip(factor.categories, counts, strict=True) if cells.any()
    ]  # fmt: skip
    return tuple(label for label, _ in found), [table for _, table in found], lost


def _effects(table: TwoByTwo, scope: str, label: str | None, ci_level: float) -> list[_Row]:
    """The three measures of one table; the odds ratio again with 0.5 added for an empty cell."""
    a, b, c, d = table.a, table.b, table.c, table.d
    risks = (a, a + b, c, c + d)
    found = [("odds_ratio", LOG, odds_ratio(a, b, c, d, ci_level))]
    if table.has_zero:
        half = odds_ratio(a + 0.5, b + 0.5, c + 0.5, d + 0.5, ci_level)
        found.append(("odds_ratio", LOG_HALF, half))
    found += [
        ("risk_ratio", LOG, ratio(*risks, ci_level)),
        ("risk_difference", NEWCOMBE, newcombe_difference(*risks, ci_level)),
    ]
    return [_Row(*row, scope, label, table.n, a + c) for row in found]


def _pooled(
    tables: Sequence[TwoByTwo], choices: Mapping[str, Any]
) -> tuple[list[_Row], list[tuple[str, float, float, float]]]:
    level, strata = choices["ci_level"], Strata.of(tables)
    common = pooled_odds_ratio(strata, level)
    weighted, woolf_test = woolf(strata, level)
    found = [
        ("odds_ratio", MANTEL_HAENSZEL, common),
        ("risk_ratio", MANTEL_HAENSZEL, pooled_risk_ratio(strata, level)),
        ("risk_difference", MANTEL_HAENSZEL, pooled_risk_difference(strata, level)),
        ("odds_ratio", "inverse variance", weighted),
    ]
    tarone = choices["tarone"]
    cmh = cochran_mantel_haenszel(strata, continuity=choices["continuity"])
    agreement = breslow_day(strata, common.estimate, tarone=tarone)
    tests = [
        (name, t.statistic, t.df, t.p_value)
        for name, t in (
            ("cmh_continuity" if choices["continuity"] else "cmh", cmh),
            ("breslow_day_tarone" if tarone else "breslow_day", agreement),
            ("woolf", woolf_test),
        )
    ]
    distribution = conditional_of(tables)
    if distribution is not None and len(distribution.counts) > 1:
        found.append(("odds_ratio", "conditional", conditional_odds_ratio(distribution, level)))
        tests.append(("exact_conditional", math.nan, math.nan, fisher_p(distribution)))
    n, events = sum(t.n for t in tables), sum(t.a + t.c for t in tables)
    return [_Row(*row, "pooled", None, n, events) for row in found], tests


def _by_scope(measures: Sequence[_Row]) -> dict[tuple[str, str], Interval]:
    """(scope, measure) -> interval of the first method."""
    found: dict[tuple[str, str], Interval] = {}
    for row in measures:
        found.setdefault((row.scope, row.measure), row.interval)
    return found


def _counts_frame(
    labels: Sequence[str], tables: Sequence[TwoByTwo], rows: TwoLevels, columns: TwoLevels
) -> dict[str, Any]:
    return {
        "row": [rows.yes, rows.yes, rows.no, rows.no] * len(tables),
        "column": [columns.yes, columns.no, columns.yes, columns.no] * len(tables),
        "n": [n for t in tables for n in (t.a, t.b, t.c, t.d)],
        "stratum": [label for label in labels for _ in range(4)],
    }


def _measures_frame(measures: Sequence[_Row]) -> dict[str, Any]:
    return {
        "measure": [m.measure for m in measures],
        "method": [m.method for m in measures],
        "estimate": [m.interval.estimate for m in measures],
        "ci_low": [m.interval.low for m in measures],
        "ci_high": [m.interval.high for m in measures],
        "scope": [m.scope for m in measures],
        "stratum": [m.stratum for m in measures],
        "n": np.array([m.n for m in measures], dtype=np.int64),
        "events": np.array([m.events for m in measures], dtype=np.int64),
    }


def _tests_frame(tests: Sequence[tuple[str, float, float, float]]) -> dict[str, Any]:
    names = ("test", "statistic", "df", "p_value")
    return {name: [row[i] for row in tests] for i, name in enumerate(names)}
