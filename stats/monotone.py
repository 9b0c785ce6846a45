"""Partial likelihoods that rise for ever: no finite hazard ratio maximises them.

The likelihood is monotone when some combination x'u of the covariates is, at every event time,
largest in the row that has the event (Bryson & Johnson 1981, doi:10.1080/00401706.1981.10487680).
A group without events is the usual case. Newton's steps then settle into such a direction u,
which is tested here on every risk set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stats.collinearity import column_title
from stats.design import Design, Floats
from stats.likelihood import Maximum
from stats.risk_sets import RiskSets

_RUNS = 1e-3  # a column whose step is below this part of the largest does not run away
_SAME = 1e-6  # of the range of x'u: differences that come from u not being exact
_MOST_COMPARISONS = 1 << 27
_CHUNK = 1 << 21


@dataclass(frozen=True, slots=True)
class Monotone:
    """Columns whose coefficients run to infinity, the signs of their infinities, and why."""

    columns: tuple[int, ...]
    signs: tuple[int, ...]
    cause: str


def find_monotone(design: Design, risk: RiskSets, climbed: Maximum) -> Monotone | None:
    """The direction that Newton ran away in, if the likelihood provably rises along it."""
    if climbed.covariance is None:
        return None
    step = climbed.covariance @ climbed.point.score
    largest = float(np.abs(step).max(initial=0.0))
    if not largest > 0.0:
        return None
    direction = np.where(np.abs(step) < _RUNS * largest, 0.0, step / largest)
    eta = np.empty(risk.n_rows)
    for part, x in design.blocks():
        eta[part] = direction @ x.T[1:]
    if not _leads_everywhere(risk, eta):
        return None
    columns = tuple(np.flatnonzero(direction).tolist())
    signs = tuple(int(np.sign(direction[j])) for j in columns)
    return Monotone(columns, signs, _cause(design, risk, columns))


def _leads_everywhere(risk: RiskSets, eta: Floats) -> bool:
    low, width = float(eta.min()), float(np.ptp(eta))
    if not width > 0.0:
        return False
    level = (eta - low) / width
    of = np.repeat(np.arange(len(risk.ends)), risk.deaths)
    if risk.at_entry is None:
        # strata stand one after the other: lifting each above the last starts its maximum anew
        lifted = level + 2.0 * risk.stratum
        highest = np.maximum.accumulate(lifted)[risk.ends - 1]
        return bool(np.all(lifted[risk.death_rows] >= highest[of] - _SAME))
    n, n_times = risk.n_rows, len(risk.ends)
    if n * n_times > _MOST_COMPARISONS:
        return False
    highest = np.empty(n_times)
    size = max(1, _CHUNK // n)
    for first in range(0, n_times, size):
        k = np.arange(first, min(first + size, n_times))[:, None]
        there = (risk.at_exit <= k) & (k < risk.at_entry)
        highest[first : first + size] = np.where(there, level, -1.0).max(axis=1)
    return bool(np.all(level[risk.death_rows] >= highest[of] - _SAME))


def _cause(design: Design, risk: RiskSets, columns: tuple[int, ...]) -> str:
    """What is monotone, as a clause: levels without events where that is all."""
    parts: list[str] = []
    others: list[str] = []
    for t in dict.fromkeys(design.columns[j].term for j in columns):
        term = design.terms[t]
        if term.kind == "factor":
            values = term.values[risk.rows].astype(np.intp)
            n = np.bincount(values, minlength=len(term.levels))
            events = np.bincount(values, weights=risk.event, minlength=len(term.levels))
            none = [i for i in range(len(n)) if n[i] and not events[i]]
            parts += [
                f'none of the {n[i]:,} rows with "{term.name}" = "{term.levels[i]}" has the event'
                for i in none[:3]
            ]
            if none:
                continue
        others += [column_title(design, j) for j in columns if design.columns[j].term == t]
    if parts:
        return " and ".join(parts)
    if len(others) == 1:
        return f"at every event the row with it has the most extreme value of {others[0]}"
    return f"{' and '.join(others[:4])} together tell at every event which row has it"
