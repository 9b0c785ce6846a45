"""Which groups differ: comparisons of all pairs after a test of three or more groups.

    tukey-kramer   pooled variance, studentized range, simultaneous intervals (Kramer 1956,
                   doi:10.2307/3001469)
    games-howell   separate variances, Welch's degrees of freedom per pair, simultaneous intervals
                   (Games & Howell 1976, doi:10.3102/10769986001002113)
    dunn           mean ranks of the whole sample, tie-corrected z (Dunn 1964,
                   doi:10.1080/00401706.1964.10490181)
    t, mann-whitney, wilcoxon, mcnemar, table   each pair by itself

The first two are adjusted by construction; for the others p is adjusted as asked (Holm). Estimates
are first group minus second.

Checked against R's TukeyHSD, pairwise.t.test, pairwise.wilcox.test and own R code for Games-Howell
and Dunn (`posthoc` reference files), and scipy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import ndtr, stdtr, stdtrit

from stats.compare_tests import Evidence, discordant, paired_t
from stats.cross_table import table_test
from stats.grouped import constant, pairs_of
from stats.hodges_lehmann import hodges_lehmann_shift, pseudo_median
from stats.mean_tests import mean_difference, variance_table
from stats.multiplicity import adjusted_p
from stats.paired_table import mcnemar
from stats.rank_tests import dunn_z, mann_whitney, rank_groups, rank_signed, wilcoxon_signed_rank
from stats.stopping import check_stopped
from stats.studentized_range import studentized_range_ppf, studentized_range_sf

#: Post hoc methods by the test that they follow.
AFTER: Final[dict[str, str]] = {
    "welch-anova": "games-howell", "anova": "tukey-kramer", "kruskal-wallis": "dunn",
    "friedman": "wilcoxon", "cochran-q": "mcnemar", "chi-square": "table", "fisher": "table",
}  # fmt: skip
SIMULTANEOUS: Final = frozenset({"tukey-kramer", "games-howell"})
_NAN: Final = math.nan


@dataclass(frozen=True, slots=True)
class PairTest:
    """One pair. `p_adjusted` is given by methods that adjust by construction, else NaN."""

    estimate: float = _NAN
    low: float = _NAN
    high: float = _NAN
    statistic: float = _NAN
    df: float = _NAN
    p_value: float = _NAN
    p_adjusted: float = _NAN


def all_pairs(evidence: Evidence, method: str) -> dict[str, Any]:
    """The columns of `ComparisonResult.pairwise`."""
    levels = evidence.compared.groups.levels
    pairs = pairs_of(len(levels))
    found: list[PairTest] = []
    compare = _METHODS[method](evidence)
    for pair in pairs:
        check_stopped()
        found.append(compare(*pair))
    columns: dict[str, Any] = {
        "method": [method] * len(pairs),
        "group_a": [levels[a] for a, _ in pairs],
        "group_b": [levels[b] for _, b in pairs],
    }
    for name, field in (("estimate", "estimate"), ("ci_low", "low"), ("ci_high", "high"),
                        ("statistic", "statistic"), ("df", "df"), ("p_value", "p_value"),
                        ("p_adjusted", "p_adjusted")):  # fmt: skip
        columns[name] = np.array([getattr(f, field) for f in found], dtype=np.float64)
    if method not in SIMULTANEOUS:
        columns["p_adjusted"] = adjusted_p(columns["p_value"], evidence.choices["adjustment"])
    return columns


Comparer = Callable[[int, int], PairTest]


def _tukey_kramer(evidence: Evidence) -> Comparer:
    table = variance_table(evidence.summaries)
    k, df = evidence.compared.n_groups, table.df_within
    usable = df >= 1 and table.within > 0
    level = float(evidence.choices["ci_level"])
    reach = studentized_range_ppf(level, k, df) / math.sqrt(2) if usable else _NAN
    pooled = table.within / df if usable else _NAN

    def compare(a: int, b: int) -> PairTest:
        first, second = evidence.summaries[a], evidence.summaries[b]
        gap = first.mean - second.mean
        error = math.sqrt(pooled * (1 / first.n + 1 / second.n))
        t = gap / error
        if math.isnan(t):
            return PairTest(gap)
        adjusted = studentized_range_sf(abs(t) * math.sqrt(2), k, df)
        p = 2 * float(stdtr(df, -abs(t)))
        return PairTest(gap, gap - reach * error, gap + reach * error, t, df, p, adjusted)

    return compare


def _games_howell(evidence: Evidence) -> Comparer:
    k, level = evidence.compared.n_groups, float(evidence.choices["ci_level"])

    def compare(a: int, b: int) -> PairTest:
        first, second = evidence.summaries[a], evidence.summaries[b]
        found = mean_difference(first, second, equal_variances=False)
        gap, error, df = found.estimate, found.std_error, found.df
        if not error > 0:
            return PairTest(gap)
        t = gap / error
        reach = studentized_range_ppf(level, k, df) / math.sqrt(2) * error
        adjusted = studentized_range_sf(abs(t) * math.sqrt(2), k, df)
        p = 2 * float(stdtr(df, -abs(t)))
        return PairTest(gap, gap - reach, gap + reach, t, df, p, adjusted)

    return compare


def _dunn(evidence: Evidence) -> Comparer:
    ranks = evidence.ranks
    pairs = pairs_of(evidence.compared.n_groups)
    z_of = dict(zip(pairs, dunn_z(ranks, pairs).tolist(), strict=True))
    means = ranks.mean_ranks

    def compare(a: int, b: int) -> PairTest:
        z = z_of[a, b]
        p = min(1.0, 2 * float(ndtr(-abs(z)))) if not math.isnan(z) else _NAN
        return PairTest(float(means[a] - means[b]), statistic=z, p_value=p)

    return compare


def _pooled_t(evidence: Evidence) -> Comparer:
    table = variance_table(evidence.summaries)
    df = table.df_within
    pooled = table.within / df if df >= 1 and table.within > 0 else _NAN
    quantile = float(stdtrit(df, 0.5 + evidence.choices["ci_level"] / 2)) if df >= 1 else _NAN

    def compare(a: int, b: int) -> PairTest:
        first, second = evidence.summaries[a], evidence.summaries[b]
        gap = first.mean - second.mean
        error = math.sqrt(pooled * (1 / first.n + 1 / second.n))
        t = gap / error
        p = 2 * float(stdtr(df, -abs(t)))
        return PairTest(gap, gap - quantile * error, gap + quantile * error, t, df, p)

    return compare


def _mann_whitney(evidence: Evidence) -> Comparer:
    choices = evidence.choices

    def compare(a: int, b: int) -> PairTest:
        parts = evidence.parts[a], evidence.parts[b]
        ranks = rank_groups(parts)
        test = mann_whitney(ranks, exact=choices["exact"], continuity=choices["continuity"])
        if evidence.compared.kind != "number":  # levels have an order but no distances
            return PairTest(statistic=test.statistic, p_value=test.p_value)
        shift = hodges_lehmann_shift(*parts, ranks, ci_level=choices["ci_level"])
        return PairTest(*shift, statistic=test.statistic, p_value=test.p_value)

    return compare


def _wilcoxon(evidence: Evidence) -> Comparer:
    choices = evidence.choices

    def compare(a: int, b: int) -> PairTest:
        gaps = evidence.differences(a, b)
        ranks = rank_signed(gaps)
        test = wilcoxon_signed_rank(ranks, exact=choices["exact"], continuity=choices["continuity"])
        if evidence.compared.kind != "number":
            return PairTest(statistic=test.statistic, p_value=test.p_value)
        shift = pseudo_median(gaps, ranks, ci_level=choices["ci_level"])
        return PairTest(*shift, statistic=test.statistic, p_value=test.p_value)

    return compare


def _paired_t(evidence: Evidence) -> Comparer:
    quantile_at = 0.5 + evidence.choices["ci_level"] / 2

    def compare(a: int, b: int) -> PairTest:
        gaps = evidence.differences(a, b)
        mean, test = float(gaps.mean()), paired_t(gaps)
        if constant(gaps) or not test.done or test.statistic == 0:
            return PairTest(mean, statistic=test.statistic, df=test.df, p_value=test.p_value)
        half = float(stdtrit(test.df, quantile_at)) * abs(mean / test.statistic)
        return PairTest(mean, mean - half, mean + half, test.statistic, test.df, test.p_value)

    return compare


def _mcnemar(evidence: Evidence) -> Comparer:
    choices = evidence.choices
    event = evidence.event
    # the test is the same for either of the two levels, the difference is that of the event
    level = int(evidence.table.max(initial=0.0)) if event is None else event

    def compare(a: int, b: int) -> PairTest:
        first, second = discordant(evidence, a, b, level)
        test = mcnemar(first, second, exact=choices["exact"], continuity=choices["continuity"])
        gap = _NAN if event is None else (first - second) / len(evidence.table)
        return PairTest(gap, statistic=test.statistic, df=test.df, p_value=test.p_value)

    return compare


def _table(evidence: Evidence) -> Comparer:
    counts = evidence.counts

    def compare(a: int, b: int) -> PairTest:
        test = table_test(counts[:, [a, b]], seed=evidence.choices["seed"])
        return PairTest(statistic=test.statistic, df=test.df, p_value=test.p_value)

    return compare


_METHODS: Final[dict[str, Callable[[Evidence], Comparer]]] = {
    "tukey-kramer": _tukey_kramer, "games-howell": _games_howell, "dunn": _dunn, "t": _pooled_t,
    "mann-whitney": _mann_whitney, "wilcoxon": _wilcoxon, "paired-t": _paired_t,
    "mcnemar": _mcnemar, "table": _table,
}  # fmt: skip
METHODS: Final[Sequence[str]] = tuple(_METHODS)


def fitting_methods(evidence: Evidence) -> tuple[str, ...]:
    """The post hoc methods that a design allows."""
    compared = evidence.compared
    if compared.paired:
        if compared.kind == "number":
            return ("wilcoxon", "paired-t")
        return ("wilcoxon", "mcnemar") if compared.kind == "ordered" else ("mcnemar",)
    if compared.kind == "number":
        return ("games-howell", "tukey-kramer", "dunn", "t", "mann-whitney")
    return ("dunn", "mann-whitney", "table") if compared.kind == "ordered" else ("table",)
