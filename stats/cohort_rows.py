"""The rows of a cohort table: every number of every variable, by group and overall."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from stats.balance import smd_of_means, smd_of_shares
from stats.design import Floats, Term
from stats.grouped import Groups, level_counts, pairs_of, skewness, split_values, summarise_values
from stats.ranks import GroupSummary

_STATS: Final = ("mean", "sd", "median", "q1", "q3", "min", "max")
_NAN: Final = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """One variable by group.

    A number has `summaries`, `overall`, `skewness` and, while its test is made, `parts` (ascending
    values of each group); a factor has `counts` (levels x groups).
    """

    term: Term
    sizes: tuple[int, ...]
    summaries: tuple[GroupSummary, ...] = ()
    overall: GroupSummary | None = None
    skewness: float = _NAN
    parts: tuple[Floats, ...] = ()
    counts: Floats | None = None

    @property
    def known(self) -> tuple[int, ...]:
        """Rows with a value, by group."""
        if self.counts is not None:
            return tuple(int(n) for n in self.counts.sum(axis=0))
        return tuple(s.n for s in self.summaries)

    def smd(self, a: int, b: int, form: str) -> float:
        """Standardised difference of two groups."""
        if self.counts is not None:
            return smd_of_shares(self.counts[:, a], self.counts[:, b])
        return smd_of_means(self.summaries[a], self.summaries[b], form)


class CohortRows:
    """Collects the described variables and writes the tables of the result."""

    def __init__(self, groups: Groups, choices: Mapping[str, Any]) -> None:
        self.groups = groups
        self.choices = choices
        self.described: list[Described] = []

    def add(self, term: Term) -> Described:
        """Describe one variable; its sorted values are not kept."""
        found = describe(term, self.groups, int(self.choices["quartiles"]))
        self.described.append(replace(found, parts=()))
        return found

    def summary(self) -> dict[str, Any]:
        """The columns of `SummaryResult.summary`: groups in order, then all together."""
        out: dict[str, list[Any]] = {
            name: [] for name in ("variable", "level", "group", "stat", "value")
        }
        named: list[str | None] = [*self.groups.levels] if self.groups.name else []
        for d in self.described:
            if d.counts is not None:
                _add_factor(out, d, [*named, None])
            else:
                _add_number(out, d, [*named, None])
        return {**out, "value": np.array(out["value"], dtype=np.float64)}

    def balance(self) -> dict[str, Any]:
        """The columns of `SummaryResult.balance`: each variable and pair of groups."""
        form = self.choices["smd"]
        pairs = pairs_of(len(self.groups.levels)) if form != "none" else []
        levels = self.groups.levels
        rows = [
            (d.term.name, levels[a], levels[b], d.smd(a, b, form), _form_of(d, form))
            for d in self.described for a, b in pairs
        ]  # fmt: skip
        columns = list(zip(*rows, strict=True)) if rows else [()] * 5
        names = ("variable", "group_a", "group_b", "smd", "form")
        table: dict[str, Any] = dict(zip(names, map(list, columns), strict=True))
        table["smd"] = np.array(table["smd"], dtype=np.float64)
        return table


def _form_of(described: Described, form: str) -> str:
    return "mahalanobis" if described.counts is not None else form


def describe(term: Term, groups: Groups, quartile_type: int) -> Described:
    """One variable by group, on the rows with a known group."""
    if term.kind == "factor":
        counts = level_counts(np.asarray(term.values, dtype=np.intp), len(term.levels), groups)
        return Described(term, groups.sizes, counts=counts)
    parts = split_values(np.asarray(term.values, dtype=np.float64), groups)
    summaries = tuple(summarise_values(p, quartile_type) for p in parts)
    if len(parts) == 1:
        every, overall = parts[0], summaries[0]
    else:
        every = np.sort(np.concatenate(parts)) if parts else np.zeros(0)
        overall = summarise_values(every, quartile_type)
    return Described(
        term, groups.sizes, summaries, overall, skewness(every), tuple(parts)
    )  # fmt: skip


def _add_number(out: dict[str, list[Any]], d: Described, groups: list[str | None]) -> None:
    overall = d.overall or summarise_values(np.zeros(0))
    summaries = [*d.summaries, overall] if len(groups) > 1 else [overall]
    sizes = [*d.sizes, sum(d.sizes)] if len(groups) > 1 else [sum(d.sizes)]
    for group, summary, size in zip(groups, summaries, sizes, strict=True):
        out["group"] += [group] * (2 + len(_STATS))
        out["stat"] += ["n", "missing", *_STATS]
        out["value"] += [summary.n, size - summary.n, *summary[1:]]
    width = len(groups) * (2 + len(_STATS))
    out["variable"] += [d.term.name] * width
    out["level"] += [None] * width


def _add_factor(out: dict[str, list[Any]], d: Described, groups: list[str | None]) -> None:
    counts = np.zeros((len(d.term.levels), 0)) if d.counts is None else d.counts
    every = counts.sum(axis=1, keepdims=True)
    columns = np.hstack((counts, every)) if len(groups) > 1 else every
    sizes = [*d.sizes, sum(d.sizes)] if len(groups) > 1 else [sum(d.sizes)]
    totals = columns.sum(axis=0)
    shares = np.full_like(columns, _NAN)
    np.divide(100 * columns, totals, out=shares, where=totals > 0)
    k, levels = len(groups), len(d.term.levels)
    out["variable"] += [d.term.name] * (2 * k * (1 + levels))
    out["level"] += [None] * (2 * k) + [lv for lv in d.term.levels for _ in range(2 * k)]
    out["group"] += [g for g in groups for _ in range(2)] * (1 + levels)
    out["stat"] += ["n", "missing"] * k + ["n", "percent"] * (k * levels)
    missing = np.array(sizes) - totals
    out["value"] += np.stack((totals, missing), axis=1).ravel().tolist()
    out["value"] += np.stack((columns, shares), axis=2).ravel().tolist()
