"""What a 2 x 2 table of test and truth says: a = true positive, b = false positive,
c = false negative, d = true negative.

    sensitivity a/(a+c)   specificity d/(b+d)   PPV a/(a+b)   NPV d/(c+d)
    LR+ = sens/(1 - spec)   LR- = (1 - sens)/spec, log intervals (Simel et al. 1991)
    Youden = sens + spec - 1, a difference of two independent proportions: Newcombe's interval
    DOR = ad/bc, Woolf's interval
    at another prevalence pi: logit PPV = log LR+ + logit pi, logit NPV = -log LR- - logit pi, with
    the limits of the likelihood ratios (the logit interval of Mercaldo, Lau & Zhou 2007)

Simel 1991 (doi:10.1016/0895-4356(91)90128-V), Mercaldo 2007 (doi:10.1002/sim.2677), Glas 2003
(doi:10.1016/S0895-4356(03)00177-X).

Checked against R (the `roc` reference file: binom.test, prop.test, own formulas).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from stats.proportions import (
    NONE,
    Interval,
    newcombe_difference,
    odds_ratio,
    proportion,
    ratio,
    score_ratio,
)
from stats.two_levels import TwoByTwo

#: How the interval of a likelihood ratio or odds ratio was made.
LOG = "log"
LOG_HALF = "log, 0.5 added"
NEWCOMBE = "newcombe"
KOOPMAN = "koopman"


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a 2 x 2 table; `x` of `n` for a proportion, else NaN."""

    measure: str
    method: str
    interval: Interval
    x: float = math.nan
    n: float = math.nan


def proportions_of(table: TwoByTwo, ci_level: float, method: str) -> list[Measure]:
    """Sensitivity, specificity, predictive values, accuracy, prevalence."""
    a, b, c, d = table.a, table.b, table.c, table.d
    counted = {
        "sensitivity": (a, a + c), "specificity": (d, b + d), "ppv": (a, a + b),
        "npv": (d, c + d), "accuracy": (a + d, table.n), "prevalence": (a + c, table.n),
    }  # fmt: skip
    return [
        Measure(name, method, proportion(x, n, ci_level, method), x, n)
        for name, (x, n) in counted.items()
    ]


def ratios_of(table: TwoByTwo, ci_level: float) -> list[Measure]:
    """Likelihood ratios, diagnostic odds ratio and Youden's index.

    Where a cell is empty, likelihood ratios with Koopman's score interval, and all ratios with
    0.5 added to the cells, stand below those without.
    """
    found = [*_ratios(table.a, table.b, table.c, table.d, ci_level, LOG)]
    if table.has_zero:
        ill, well = table.a + table.c, table.b + table.d
        found += [
            Measure("lr_positive", KOOPMAN, score_ratio(table.a, ill, table.b, well, ci_level)),
            Measure("lr_negative", KOOPMAN, score_ratio(table.c, ill, table.d, well, ci_level)),
        ]
        a, b, c, d = (n + 0.5 for n in (table.a, table.b, table.c, table.d))
        found += _ratios(a, b, c, d, ci_level, LOG_HALF)
    a, b, diseased, healthy = table.a, table.b, table.a + table.c, table.b + table.d
    youden = newcombe_difference(a, diseased, b, healthy, ci_level)
    return [*found, Measure("youden", NEWCOMBE, youden)]


def _ratios(
    a: float, b: float, c: float, d: float, ci_level: float, method: str
) -> tuple[Measure, ...]:
    return (
        Measure("lr_positive", method, ratio(a, a + c, b, b + d, ci_level)),
        Measure("lr_negative", method, ratio(c, a + c, d, b + d, ci_level)),
        Measure("diagnostic_odds_ratio", method, odds_ratio(a, b, c, d, ci_level)),
    )


def at_prevalence(table: TwoByTwo, prevalence: float, ci_level: float) -> list[Measure]:
    """Predictive values at a chosen prevalence; 0.5 is added where a cell is empty."""
    half = 0.5 if table.has_zero else 0.0
    a, b, c, d = (n + half for n in (table.a, table.b, table.c, table.d))
    odds = prevalence / (1.0 - prevalence)
    method = "logit, 0.5 added" if half else "logit"
    if table.a + table.c == 0 or table.b + table.d == 0:
        return [Measure(f"{name}_at_prevalence", method, NONE) for name in ("ppv", "npv")]
    plus = ratio(a, a + c, b, b + d, ci_level)
    minus = ratio(c, a + c, d, b + d, ci_level)
    ppv = Interval(*(_share(v * odds) for v in plus))
    npv = Interval(*(1.0 - _share(minus[i] * odds) for i in (0, 2, 1)))
    return [
        Measure("ppv_at_prevalence", method, ppv),
        Measure("npv_at_prevalence", method, npv),
    ]


def _share(odds: float) -> float:
    return odds / (1.0 + odds) if math.isfinite(odds) else (1.0 if odds > 0 else math.nan)


def measures_frame(measures: list[Measure]) -> dict[str, Any]:
    """The `measures` frame of an AccuracyResult, with the counts behind proportions."""
    return {
        "measure": [m.measure for m in measures],
        "method": [m.method for m in measures],
        "estimate": [m.interval.estimate for m in measures],
        "ci_low": [m.interval.low for m in measures],
        "ci_high": [m.interval.high for m in measures],
        "x": np.array([m.x for m in measures], dtype=np.float64),
        "n": np.array([m.n for m in measures], dtype=np.float64),
    }
