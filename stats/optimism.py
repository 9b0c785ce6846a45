"""Optimism of a model: how much better it looks on its own data than on others.

For each resample b the model is fitted anew and measured twice, on the resample (own_b) and on
the original rows (other_b):

    optimism  = mean of own_b - other_b
    corrected = apparent - optimism

(Harrell, Lee & Mark 1996, doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4).
The Monte Carlo standard error of the corrected value is that of the mean.

Intervals are location-shifted bootstrap percentiles (Noma et al. 2021, doi:10.1002/sim.9148):
those of own_b, moved so that the mean of own_b is the corrected value. The paper subtracts the
optimism from them; as own_b is overfitted once more than the apparent value, that leaves the
interval too high (`tests/bench/bench_validation.py` compares how often each covers the truth).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from stats.decision_curve import THRESHOLDS, treat_all
from stats.design import Floats
from stats.performance import MEASURES, ApparentCurve, Performance
from stats.resampling import Tier, mean_of, monte_carlo_error

HARRELL_DOI: Final = "10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4"
CI_LEVEL: Final = 0.95
#: Percentiles of fewer resamples than this are not given.
ENOUGH_FOR_PERCENTILES: Final = 100

CALIBRATION_CURVE: Final = "calibration_curve"
NET_BENEFIT: Final = "net_benefit"


def _targets(rank: float, calibration: float, brier: float, curve: float) -> dict[str, float]:
    return {
        "c_statistic": rank,
        "calibration_slope": calibration,
        "calibration_intercept": calibration,
        "recalibration_intercept": calibration,
        "brier": brier,
        CALIBRATION_CURVE: curve,
        NET_BENEFIT: rank,
    }


#: Monte Carlo standard errors to reach; for the curves the largest over their points.
TIERS: Final[Mapping[str, Tier]] = {
    "preview": Tier(50, 100, _targets(0.004, 0.04, 0.002, 0.02)),
    "standard": Tier(200, 500, _targets(0.002, 0.02, 0.001, 0.01)),
    "publication": Tier(500, 2_000, _targets(0.001, 0.01, 0.0005, 0.005)),
}


@dataclass(slots=True, eq=False)
class Collected:
    """What the resamples said so far, beside the apparent values."""

    apparent: Performance
    own: list[Performance] = field(default_factory=list)
    other: list[Performance] = field(default_factory=list)

    def add(self, own: Performance, other: Performance) -> None:
        """The resamples of one batch."""
        self.own.append(own)
        self.other.append(other)

    def gathered(self, part: str) -> tuple[Floats, Floats, Floats]:
        """Apparent values, those on the resamples, and their optimism, of one part."""
        apparent = getattr(self.apparent, part)[0]
        own = np.concatenate([getattr(p, part) for p in self.own])
        optimism = own - np.concatenate([getattr(p, part) for p in self.other])
        return apparent, own, np.where(np.isnan(apparent), np.nan, optimism)

    def errors(self) -> dict[str, Floats]:
        """Monte Carlo standard errors by the names of the targets."""
        measures = monte_carlo_error(self.gathered("measures")[2])
        found: dict[str, Floats] = dict(zip(MEASURES, measures, strict=True))
        found[CALIBRATION_CURVE] = monte_carlo_error(self.gathered("curve")[2])
        found[NET_BENEFIT] = monte_carlo_error(self.gathered("net_benefit")[2])
        return found


def measures_table(
    collected: Collected, tier: Tier, *, without_interval: Collection[str]
) -> dict[str, Any]:
    """One row per measure; those named in `without_interval` get none."""
    apparent, own, optimism = collected.gathered("measures")
    mean = mean_of(optimism)
    low, high = _interval(apparent, own, mean)
    hidden = [m in without_interval for m in MEASURES]
    low[hidden] = high[hidden] = np.nan
    area = MEASURES.index("c_statistic")
    high[area] = min(high[area], 1.0)
    return {
        "measure": list(MEASURES),
        "apparent": apparent,
        "optimism": mean,
        "corrected": apparent - mean,
        "mc_error": monte_carlo_error(optimism),
        "target": np.array([tier.targets[m] for m in MEASURES]),
        "low": low,
        "high": high,
        "resamples": np.count_nonzero(~np.isnan(optimism), axis=0),
    }


def calibration_table(
    collected: Collected, grid: Floats, curve: ApparentCurve
) -> dict[str, Floats]:  # fmt: skip
    """Observed against predicted risk. Corrected risks are held between 0 and 1."""
    apparent, own, optimism = collected.gathered("curve")
    mean = mean_of(optimism)
    low, high = _interval(apparent, own, mean)
    return {
        "predicted": grid,
        "observed": curve.observed,
        "low": curve.low,
        "high": curve.high,
        "optimism": mean,
        "corrected": np.clip(curve.observed - mean, 0.0, 1.0),
        "corrected_low": np.clip(low, 0.0, 1.0),
        "corrected_high": np.clip(high, 0.0, 1.0),
        "mc_error": monte_carlo_error(optimism),
    }


def decision_table(collected: Collected, prevalence: float) -> dict[str, Floats]:
    """Net benefit at each threshold risk, of the model and of treating all or none."""
    apparent, own, optimism = collected.gathered("net_benefit")
    mean = mean_of(optimism)
    low, high = _interval(apparent, own, mean)
    return {
        "threshold": THRESHOLDS,
        "treat_all": treat_all(prevalence),
        "treat_none": np.zeros(len(THRESHOLDS)),
        "apparent": apparent,
        "optimism": mean,
        "corrected": apparent - mean,
        "low": low,
        "high": high,
        "mc_error": monte_carlo_error(optimism),
    }


def _interval(apparent: Floats, own: Floats, optimism: Floats) -> tuple[Floats, Floats]:
    """Percentiles of the resamples' own values, moved so that their mean is the corrected value.

    NaN where too few resamples are known.
    """
    low, high = np.full((2, own.shape[1]), np.nan)
    tail = (1.0 - CI_LEVEL) / 2.0
    known = ~np.isnan(own)
    enough = known.sum(axis=0) >= ENOUGH_FOR_PERCENTILES
    whole = enough & known.all(axis=0)
    low[whole], high[whole] = np.quantile(own[:, whole], [tail, 1.0 - tail], axis=0)
    for j in np.flatnonzero(enough & ~whole):
        low[j], high[j] = np.quantile(own[known[:, j], j], [tail, 1.0 - tail])
    shift = apparent - optimism - mean_of(own)
    return low + shift, high + shift
