"""Limits, tests and p-values of fitted coefficients, by likelihood ratio or by Wald.

All arrays have one entry per column of a design (an intercept is not among them), on the internal
scale; terms are named by the tuple of their columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri

from stats.collinearity import column_title
from stats.design import Design, Floats
from stats.effect_rows import NAN
from stats.likelihood_profile import ProfileLimits
from stats.result import Note
from stats.term_models import FittedModel

Tests = Mapping[tuple[int, ...], float]  # by the columns tested together


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """What is said of each column, and `p_term` of each term. `runaway` columns have no finite
    estimate."""

    covariance: Floats
    low: Floats
    high: Floats
    statistic: Floats
    df: Floats
    p_value: Floats
    p_term: Tests
    interval: str
    runaway: tuple[int, ...] = ()


def tested_together(design: Design, columns: Sequence[int]) -> list[tuple[int, ...]]:
    """The groups of columns that need a test of their own: terms, and single `columns`."""
    every = tuple(range(len(design.columns)))
    wanted = {tuple(c) for c in design.term_columns.values()} | {(j,) for j in columns}
    return sorted(wanted - {every})


def ratio_numbers(
    covariance: Floats, limits: ProfileLimits, statistics: Tests, interval: str
) -> Numbers:
    """Profile limits with the likelihood-ratio tests that belong to them."""
    p = len(covariance)
    ratio = np.array([statistics[(j,)] for j in range(p)])
    return Numbers(
        covariance, limits.low, limits.high, ratio, np.ones(p), chdtrc(1, ratio),
        ratio_terms(statistics), interval,
    )  # fmt: skip


def ratio_terms(statistics: Tests) -> dict[tuple[int, ...], float]:
    """Chi-square p of likelihood-ratio statistics."""
    return {columns: float(chdtrc(len(columns), v)) for columns, v in statistics.items()}


def wald_numbers(
    beta: Floats, covariance: Floats, ci_level: float, interval: str, p_term: Tests
) -> Numbers:
    """Normal limits and z tests; the test of a term is given."""
    error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = beta / error  # fewer clusters than columns can leave an error of zero
    reach = float(ndtri(0.5 + ci_level / 2.0)) * error
    return Numbers(
        covariance, beta - reach, beta + reach, z, np.full(len(beta), NAN),
        2.0 * ndtr(-np.abs(z)), p_term, interval,
    )  # fmt: skip


def wald_terms(design: Design, beta: Floats, covariance: Floats) -> dict[tuple[int, ...], float]:
    """Wald p of each term, for covariances that no likelihood belongs to; NaN where fewer
    clusters than levels leave the test undefined."""
    found: dict[tuple[int, ...], float] = {}
    for columns in design.term_columns.values():
        inner = covariance[np.ix_(columns, columns)]
        scale = np.sqrt(np.maximum(np.diag(inner), 0.0))
        found[tuple(columns)] = NAN
        if np.all(scale > 0.0) and np.linalg.cond(inner / np.outer(scale, scale)) < 1e13:
            own = beta[columns]
            statistic = float(own @ np.linalg.solve(inner, own))
            found[tuple(columns)] = float(chdtrc(len(columns), statistic))
    return found


def with_runaway(
    numbers: Numbers, columns: Sequence[int], signs: Sequence[int], finite: Sequence[float],
    statistics: Tests,
) -> Numbers:  # fmt: skip
    """Columns that run to infinity: one finite profile limit, the other 0 or infinite, and the
    likelihood-ratio test against the likelihood's limit."""
    low, high = numbers.low.copy(), numbers.high.copy()
    statistic, df, p_value = numbers.statistic.copy(), numbers.df.copy(), numbers.p_value.copy()
    for j, sign, limit in zip(columns, signs, finite, strict=True):
        low[j], high[j] = (limit, np.inf) if sign > 0 else (-np.inf, limit)
        statistic[j], df[j] = statistics.get((j,), NAN), 1.0
        p_value[j] = chdtrc(1, statistic[j])
    return replace(
        numbers, low=low, high=high, statistic=statistic, df=df, p_value=p_value,
        runaway=tuple(columns),
    )  # fmt: skip


def fitted_model(
    design: Design, beta: Floats, numbers: Numbers, *, method: str, facts: Mapping[str, float],
    notes: Sequence[Note] = (), reason: str | None = None, kept: Any = None,
) -> FittedModel:  # fmt: skip
    """The numbers in the users' units, as the tables take them."""
    scales = design.scales / design.spread
    coef = beta * scales
    error = np.sqrt(np.maximum(np.diag(numbers.covariance), 0.0)) * scales
    lost = list(numbers.runaway)
    coef[lost] = error[lost] = NAN
    by_term = {t: numbers.p_term[tuple(c)] for t, c in design.term_columns.items()}
    return FittedModel(
        design=design, method=method, interval=numbers.interval, coef=coef, std_error=error,
        low=numbers.low * scales, high=numbers.high * scales, statistic=numbers.statistic,
        df=numbers.df, p_value=numbers.p_value, p_term=by_term, facts=facts,
        notes=(*notes, *_lost_limits(design, numbers)), reason=reason, kept=kept,
    )  # fmt: skip


def _lost_limits(design: Design, numbers: Numbers) -> list[Note]:
    notes = []
    for j in np.flatnonzero(np.isnan(numbers.low) | np.isnan(numbers.high)).tolist():
        text = (
            f"No profile limit was found for {column_title(design, j)}; its interval is "
            "incomplete. Choose Wald intervals, or fewer predictors."
        )
        name = design.terms[design.columns[j].term].name
        notes.append(Note("limit_not_found", "warning", text, name))
    return notes
