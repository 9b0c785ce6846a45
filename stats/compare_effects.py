"""How large the difference is: the effect sizes that belong to a comparison, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from stats.compare_choice import Choice, occurring_levels
from stats.compare_tests import Evidence, discordant
from stats.cross_table import chi_square, occupied
from stats.effect_sizes import (
    Effect,
    cohens_d,
    cohens_dz,
    corrected,
    cramers_v,
    epsilon_squared,
    eta_squared,
    omega_squared,
    paired_risk_difference,
    rank_biserial,
    risk_difference,
    superiority,
)
from stats.grouped import summarise_values
from stats.hodges_lehmann import hodges_lehmann_shift, pseudo_median
from stats.mean_tests import mean_difference, variance_table
from stats.rank_tests import (
    SignedRanks,
    friedman,
    kendalls_w,
    kruskal_wallis,
    rank_signed,
    rank_within,
)

MEAN_DIFFERENCE: Final = "mean difference"
SHIFT: Final = "median of differences"
KENDALLS_W: Final = "Kendall's W"


class Sized(NamedTuple):
    """An effect with the groups that it compares (None: all) and how its interval was made."""

    effect: Effect
    group_a: str | None
    group_b: str | None
    interval: str


def effects_of(evidence: Evidence, choice: Choice, event: int | None) -> list[Sized]:
    """The effect sizes of a comparison; `event` is the level whose risk is compared."""
    compared = evidence.compared
    if compared.n_groups < 2:
        return []
    if choice.test in ("mcnemar", "bowker", "cochran-q"):
        return _paired_counts(evidence, event)
    if compared.kind == "category" or choice.test in ("chi-square", "fisher"):
        return _counts(evidence, event)
    if compared.paired:
        return _paired_numbers(evidence)
    if compared.n_groups == 2:
        return _two_numbers(evidence, choice)
    return _many_numbers(evidence, of_ranks=choice.test == "kruskal-wallis")


def effects_table(effects: Sequence[Sized]) -> dict[str, Any]:
    """The columns of `ComparisonResult.effects`, with `interval`, how the limits were made."""
    return {
        "measure": [e.effect.measure for e in effects],
        "group_a": [e.group_a for e in effects],
        "group_b": [e.group_b for e in effects],
        "estimate": np.array([e.effect.estimate for e in effects], dtype=np.float64),
        "ci_low": np.array([e.effect.low for e in effects], dtype=np.float64),
        "ci_high": np.array([e.effect.high for e in effects], dtype=np.float64),
        "interval": [e.interval for e in effects],
    }


def _level(evidence: Evidence) -> float:
    return float(evidence.choices["ci_level"])


def _two_numbers(evidence: Evidence, choice: Choice) -> list[Sized]:
    a, b = evidence.compared.groups.levels
    first, second = evidence.summaries
    ci, n1, n2 = _level(evidence), first.n, second.n
    chance = superiority(float(evidence.ranks.u_of(0)), n1, n2, ci)
    found: list[tuple[Effect, str]] = []
    if evidence.compared.kind == "number":
        equal = choice.test == "student"
        gap = mean_difference(first, second, equal_variances=equal)
        low, high = gap.limits(ci)
        d = cohens_d(first, second, ci)
        shift = hodges_lehmann_shift(
            evidence.parts[0], evidence.parts[1], evidence.ranks, ci_level=ci
        )
        how = "Student t" if equal else "Welch t"
        found = [
            (Effect(MEAN_DIFFERENCE, gap.estimate, low, high), how),
            (corrected(d, float(n1 + n2 - 2), "Hedges' g"), "noncentral t"),
            (d, "noncentral t"),
            (Effect(SHIFT, *shift), "rank order"),
        ]
    found += [(chance, "Newcombe method 5"), (rank_biserial(chance), "Newcombe method 5")]
    return [Sized(effect, a, b, how) for effect, how in found]


def _many_numbers(evidence: Evidence, *, of_ranks: bool) -> list[Sized]:
    """Shares of the variance of the ranks, or of the values."""
    ci = _level(evidence)
    if of_ranks:
        h = kruskal_wallis(evidence.ranks).statistic
        return [Sized(epsilon_squared(h, evidence.compared.n_used), None, None, "none")]
    table = variance_table(evidence.summaries)
    return [
        Sized(eta_squared(table, ci), None, None, "noncentral F"),
        Sized(omega_squared(table, ci), None, None, "noncentral F"),
    ]


def _paired_numbers(evidence: Evidence) -> list[Sized]:
    levels, ci = evidence.compared.groups.levels, _level(evidence)
    if evidence.compared.n_groups > 2:
        blocks = rank_within(evidence.table)
        q = friedman(blocks).statistic
        w = kendalls_w(q, blocks.blocks, len(levels)) if blocks.blocks else math.nan
        return [Sized(Effect(KENDALLS_W, w), None, None, "none")]
    gaps = evidence.differences()
    ranks = rank_signed(gaps)
    found: list[tuple[Effect, str]] = []
    if evidence.compared.kind == "number":
        own, n = summarise_values(np.sort(gaps)), len(gaps)
        mean, sd = own.mean, own.sd
        dz = cohens_dz(mean, sd, n, ci)
        found = [
            (_mean_of(mean, sd, n, ci), "Student t"),
            (dz, "noncentral t"),
            (corrected(dz, float(n - 1), "Hedges' g of the differences"), "noncentral t"),
            (Effect(SHIFT, *pseudo_median(gaps, ranks, ci_level=ci)), "rank order"),
        ]
    matched = _matched_biserial(ranks, ci)
    # where all differences have one sign, Fisher's scale has no limits
    found.append((matched, "none" if abs(matched.estimate) == 1 else "Fisher z"))
    return [Sized(effect, levels[0], levels[1], how) for effect, how in found]


def _mean_of(mean: float, sd: float, n: int, ci_level: float) -> Effect:
    if n < 2 or not sd > 0:
        return Effect(MEAN_DIFFERENCE, mean)
    half = float(stdtrit(n - 1, 0.5 + ci_level / 2)) * sd / math.sqrt(n)
    return Effect(MEAN_DIFFERENCE, mean, mean - half, mean + half)


def _matched_biserial(ranks: SignedRanks, ci_level: float) -> Effect:
    """(V - V') / (V + V') with limits on Fisher's scale; without limits at -1 and 1."""
    name, n, r = "rank-biserial correlation", ranks.n, ranks.rank_biserial
    if n < 2 or not abs(r) < 1:
        return Effect(name, r)
    error = math.sqrt((2 * n**3 + 3 * n**2 + n) / 6) / (n * (n + 1) / 2)
    half = float(ndtri(0.5 + ci_level / 2)) * error
    z = math.atanh(r)
    return Effect(name, r, math.tanh(z - half), math.tanh(z + half))


def _counts(evidence: Evidence, event: int | None) -> list[Sized]:
    counts, ci = evidence.counts, _level(evidence)
    test = chi_square(counts)
    table = occupied(counts)
    v = cramers_v(test.statistic, test.df, int(table.sum()), min(table.shape, default=0), ci)
    found = [Sized(v, None, None, "noncentral chi-square")]
    if event is not None and evidence.compared.n_groups == 2:
        totals = counts.sum(axis=0)
        risk = risk_difference(tuple(counts[event]), tuple(totals), ci)
        a, b = evidence.compared.groups.levels
        found.insert(0, Sized(risk, a, b, "Newcombe"))
    return found


def _paired_counts(evidence: Evidence, event: int | None) -> list[Sized]:
    levels, n = evidence.compared.groups.levels, len(evidence.table)
    if event is None or evidence.compared.n_groups > 2 or occurring_levels(evidence.compared) > 2:
        return []
    found = paired_risk_difference(*discordant(evidence, 0, 1, event), n, _level(evidence))
    return [Sized(found, levels[0], levels[1], "Bonett-Price")]
