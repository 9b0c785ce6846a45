"""The tables of `estimate_survival`: points, summary, chosen times, pairs of groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import ndtr

from stats.design import Floats
from stats.kaplan_meier import (
    Quantile,
    RestrictedMean,
    SurvivalCurve,
    kaplan_meier,
    limits,
    quantile,
    restricted_mean,
    value_at,
)
from stats.life_table import LifeTable, Sample, life_table
from stats.log_rank import ChiSquare, Scores, compare, holm, log_rank_scores
from stats.stopping import check_stopped
from stats.survival_choices import nice_times

_NAN = math.nan
_QUARTILES = {"median": 0.5, "first_quartile": 0.75, "third_quartile": 0.25}


@dataclass(frozen=True, slots=True, eq=False)
class GroupCurve:
    """One group's curve and what is read off it; `label` is None without groups."""

    label: str | None
    sample: Sample
    curve: SurvivalCurve
    low: Floats
    high: Floats
    quantiles: Mapping[str, Quantile]
    mean: RestrictedMean
    mean_low: float
    mean_high: float
    follow_up: Quantile

    @property
    def last_survival(self) -> float:
        """Survival at the end of follow-up."""
        return float(self.curve.survival[-1])


def group_curve(
    label: str | None, sample: Sample, choices: Mapping[str, Any], *, tau: float, z: float
) -> GroupCurve:
    """The curve of one group (of at least one patient)."""
    check_stopped()
    table = life_table(sample)
    curve = kaplan_meier(table)
    kind, rule = choices["interval"], choices["median_rule"]
    low, high = limits(curve.survival, curve.variance, kind, z)
    found = {name: quantile(curve, low, high, p, rule) for name, p in _QUARTILES.items()}
    mean = restricted_mean(curve, tau)
    return GroupCurve(
        label, sample, curve, low, high, found, mean,
        max(mean.mean - z * mean.std_error, 0.0), mean.mean + z * mean.std_error,
        follow_up_of(table, choices, z),
    )  # fmt: skip


def follow_up_of(table: LifeTable, choices: Mapping[str, Any], z: float) -> Quantile:
    """Median follow-up by the reverse Kaplan-Meier method: censoring is the event."""
    reverse = kaplan_meier(table, table.censored)
    band = limits(reverse.survival, reverse.variance, choices["interval"], z)
    return quantile(reverse, *band, 0.5, choices["median_rule"])


def points_table(curves: Sequence[GroupCurve]) -> dict[str, Any]:
    """One row per group and distinct time."""
    columns: dict[str, Any] = {"group": []}
    for c in curves:
        columns["group"] += [c.label] * len(c.curve.survival)
    columns["time"] = _all(c.curve.table.time for c in curves)
    columns["at_risk"] = _all(c.curve.table.at_risk for c in curves)
    columns["events"] = _all(c.curve.table.all_events for c in curves)
    columns["censored"] = _all(c.curve.table.censored for c in curves)
    columns["survival"] = _all(c.curve.survival for c in curves)
    columns["std_error"] = _all(c.curve.std_error for c in curves)
    columns["ci_low"] = _all(c.low for c in curves)
    columns["ci_high"] = _all(c.high for c in curves)
    return columns


def _all(parts: Any) -> Any:
    return np.concatenate(list(parts))


def summary_table(curves: Sequence[GroupCurve], scores: Scores | None) -> dict[str, Any]:
    """One row per group: the fixed columns first."""
    rows = [_summary_row(c) for c in curves]
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    alone = np.array(columns["events"], dtype=np.float64)  # expected of one group is observed
    columns["observed"] = alone if scores is None else scores.observed
    columns["expected"] = alone if scores is None else scores.expected
    return {
        name: values if name == "group" else np.asarray(values) for name, values in columns.items()
    }


def _summary_row(c: GroupCurve) -> dict[str, Any]:
    row: dict[str, Any] = {"group": c.label, "n": c.sample.n, "events": c.sample.n_events}
    named = iter(c.quantiles.items())
    row |= _with_limits(*next(named))
    row |= {"rmst": c.mean.mean, "rmst_low": c.mean_low, "rmst_high": c.mean_high}
    row["rmst_std_error"] = c.mean.std_error
    for name, found in named:
        row |= _with_limits(name, found)
    row |= _with_limits("follow_up_median", c.follow_up)
    return row | {"last_time": c.sample.last, "person_time": c.sample.person_time}


def _with_limits(name: str, found: Quantile) -> dict[str, float]:
    return {name: found.time, f"{name}_low": found.low, f"{name}_high": found.high}


def chosen_table(
    curves: Sequence[GroupCurve], choices: Mapping[str, Any], z: float
) -> dict[str, Any]:
    """Survival and numbers at risk at the times asked for and at those of the risk table.

    Beyond the last time of a group its survival is missing, unless it is 0.
    """
    last = max(c.sample.last for c in curves)
    asked = np.array(choices["times"] or (), dtype=np.float64)
    listed = np.array(choices["risk_times"] or nice_times(last), dtype=np.float64)
    at = np.unique(np.concatenate([asked, listed]))
    names = (
        "time", "at_risk", "events", "censored", "survival", "std_error", "ci_low", "ci_high",
        "asked", "listed",
    )  # fmt: skip
    parts: dict[str, list[Any]] = {name: [] for name in names}
    for c in curves:
        table, curve = c.curve.table, c.curve
        survival = value_at(table.time, curve.survival, at, 1.0)
        variance = value_at(table.time, curve.variance, at, 0.0)
        beyond = (at > c.sample.last) & (survival > 0)
        survival[beyond], variance[beyond] = _NAN, _NAN
        low, high = limits(survival, variance, choices["interval"], z)
        values = (
            at, c.sample.listed(at), _so_far(table.time, table.all_events, at),
            _so_far(table.time, table.censored, at), survival, survival * np.sqrt(variance),
            low, high, np.isin(at, asked), np.isin(at, listed),
        )  # fmt: skip
        for name, value in zip(names, values, strict=True):
            parts[name].append(value)
    groups = [c.label for c in curves for _ in at]
    return {"group": groups} | {name: np.concatenate(own) for name, own in parts.items()}


def _so_far(time: Floats, counts: Any, at: Floats) -> Any:
    return value_at(time, np.cumsum(counts), at, 0).astype(np.intp)


def pairwise_table(
    curves: Sequence[GroupCurve], strata: Sequence[Sequence[Sample]], choices: Mapping[str, Any],
    test: str, z: float,
    whole: ChiSquare,
) -> dict[str, list[Any]]:  # fmt: skip
    """The test and the restricted means of every pair of groups; `whole` is the test of all."""
    names = (
        "group_a", "group_b", "test", "statistic", "df", "p_value", "p_adjusted",
        "rmst_difference", "rmst_difference_low", "rmst_difference_high", "rmst_difference_p",
        "rmst_ratio", "rmst_ratio_low", "rmst_ratio_high", "rmst_ratio_p",
    )  # fmt: skip
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for a, b in combinations(range(len(curves)), 2):
        pair = [[samples[a], samples[b]] for samples in strata]
        found = whole
        if len(curves) > 2:
            found = compare(log_rank_scores(pair, choices["weights"], choices["rho"] or 0.0))
        first, second = curves[a], curves[b]
        row = (
            first.label, second.label, test, found.statistic, float(found.df), found.p_value, _NAN,
            *_difference(first.mean, second.mean, z), *_ratio(first.mean, second.mean, z),
        )  # fmt: skip
        for name, value in zip(names, row, strict=True):
            columns[name].append(value)
    p = columns["p_value"]
    columns["p_adjusted"] = holm(p) if choices["pairwise"] == "holm" else list(p)
    return {
        name: values if name in ("group_a", "group_b", "test") else np.array(values, dtype=float)
        for name, values in columns.items()
    }  # type: ignore[return-value]


def _difference(a: RestrictedMean, b: RestrictedMean, z: float) -> tuple[float, ...]:
    """Second minus first with its limits and p (normal)."""
    value, spread = b.mean - a.mean, math.hypot(a.std_error, b.std_error)
    return value, value - z * spread, value + z * spread, _two_sided(value, spread)


def _ratio(a: RestrictedMean, b: RestrictedMean, z: float) -> tuple[float, ...]:
    """Second over first with its limits and p (normal on the log scale)."""
    if not (a.mean > 0 and b.mean > 0):
        return _NAN, _NAN, _NAN, _NAN
    value = math.log(b.mean / a.mean)
    spread = math.hypot(a.std_error / a.mean, b.std_error / b.mean)
    limits = (math.exp(value - z * spread), math.exp(value + z * spread))
    return math.exp(value), *limits, _two_sided(value, spread)


def _two_sided(value: float, spread: float) -> float:
    if spread > 0:
        return 2.0 * float(ndtr(-abs(value) / spread))
    return _NAN
