"""Cumulative incidence of each cause in the presence of the others (Aalen-Johansen).

The probability of having had an event of cause c by time t is the sum over event times of
S(t-) d_c / n, where S is the Kaplan-Meier estimate of being free of all causes. One minus a
Kaplan-Meier estimate that censors the other causes overstates it and is not offered.

Checked against R's cmprsk::cuminc and survfit (`competing_risks` reference file).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stats.design import Floats, Ints
from stats.life_table import LifeTable


@dataclass(frozen=True, slots=True, eq=False)
class IncidenceCurves:
    """Just after each distinct time of a life table: `free`, the probability of no event so far,
    and per cause (rows) its `incidence` and `variance`."""

    table: LifeTable
    free: Floats
    incidence: Floats
    variance: Floats


def aalen_johansen(table: LifeTable) -> IncidenceCurves:
    """Aalen & Johansen 1978 with the variance of Aalen 1978 that cmprsk uses."""
    n, d = table.at_risk, table.all_events
    free = np.asarray(np.cumprod((n - d) / n), dtype=np.float64)
    before = np.concatenate([[1.0], free[:-1]])
    incidence = np.cumsum(before * (table.events / n), axis=1)
    variance = np.stack(
        [
            _variance(table, own, before, free, incidence[cause])
            for cause, own in enumerate(table.events)
        ]
    )
    return IncidenceCurves(table, free, incidence, variance)


def _variance(
    table: LifeTable, own: Ints, before: Floats, free: Floats, incidence: Floats
) -> Floats:
    """The variance of one cause's incidence F at each time t.

    It is the sum over earlier times s of

        S(s-)^2 / n^2 x [ d_own c_own (1 - (F(t) - F(s)) / S(s))^2
                          + d_other c_other ((F(t) - F(s)) / S(s))^2 ],

    c = 1 - (d - 1) / (n - 1) for ties. A cause of death that empties the risk set adds nothing
    through S. Written as a polynomial in F(t), so that running sums give all times at once.
    """
    other = table.all_events - own
    weight = np.square(before / table.at_risk)
    left = np.divide(1.0, free, out=np.zeros(len(free)), where=free > 0)
    mine = weight * own * _tie_factor(own, table.at_risk)
    theirs = weight * other * _tie_factor(other, table.at_risk) * (free > 0)
    at = incidence * left
    first = np.cumsum(mine * np.square(1.0 + at) + theirs * np.square(at))
    second = np.cumsum(mine * left * (1.0 + at) + theirs * left * at)
    third = np.cumsum((mine + theirs) * np.square(left))
    return np.maximum(first - 2.0 * incidence * second + np.square(incidence) * third, 0.0)


def _tie_factor(d: Ints, n: Ints) -> Floats:
    """1 - (d - 1) / (n - 1) where several fail together, else 1."""
    return 1.0 - np.divide(np.maximum(d - 1, 0), n - 1.0, out=np.zeros(len(n)), where=n > 1)


def incidence_limits(
    incidence: Floats, variance: Floats, interval: str, z: float
) -> tuple[Floats, Floats]:
    """Pointwise limits: "log-log" on log(-log F), "log" on log F, "plain"; cut at 0 and 1.

    "log-log" and "log" have none at 0, "log-log" none at 1.
    """
    low, high = np.full(len(incidence), np.nan), np.full(len(incidence), np.nan)
    inside = ~np.isnan(incidence) if interval == "plain" else incidence > 0
    if interval == "log-log":
        inside &= incidence < 1
    f, spread = incidence[inside], z * np.sqrt(variance[inside])
    if interval == "plain":
        below, above = f - spread, f + spread
    elif interval == "log":
        with np.errstate(over="ignore"):
            below, above = f * np.exp(-spread / f), f * np.exp(spread / f)
    else:
        log_f = np.log(f)
        with np.errstate(over="ignore"):
            width = np.exp(spread / (f * -log_f))
            below, above = np.exp(log_f * width), np.exp(log_f / width)
    low[inside], high[inside] = np.maximum(below, 0.0), np.minimum(above, 1.0)
    return low, high
