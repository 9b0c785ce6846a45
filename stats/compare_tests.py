"""The named tests of a comparison, and those that stand beside the chosen one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from scipy.special import stdtr

from stats.compare_choice import Choice, occurring_levels
from stats.compared import Compared
from stats.cross_table import chi_square, fisher_test
from stats.design import Floats
from stats.grouped import constant, level_counts, summarise_values
from stats.mean_tests import (
    STUDENT,
    WELCH,
    anova,
    mean_difference,
    welch_anova,
)
from stats.paired_table import bowker, cochran_q, mcnemar
from stats.rank_tests import (
    friedman,
    kruskal_wallis,
    mann_whitney,
    rank_groups,
    rank_signed,
    rank_within,
    tidy_differences,
    wilcoxon_signed_rank,
)
from stats.tested import Tested

PAIRED_T: Final = "paired t"
_FISHER_BESIDE: Final = 2_000  # rows of a 2 x 2 table in which the exact test stands beside


class Evidence:
    """The data of one comparison in the forms that tests need, each made once."""

    def __init__(
        self, compared: Compared, choices: Mapping[str, Any], event: int | None = None
    ) -> None:
        self.compared = compared
        self.choices = choices
        self.event = event
        self.parts = compared.numbers() if compared.kind != "category" else []
        self.summaries = [summarise_values(p) for p in self.parts]
        self._ranks: Any = None

    @property
    def counts(self) -> Floats:
        """Levels by groups."""
        term = self.compared.term
        codes = np.asarray(term.values, dtype=np.intp)
        return level_counts(codes, len(term.levels), self.compared.groups)

    @property
    def ranks(self) -> Any:
        """Ranks of all values together."""
        if self._ranks is None:
            self._ranks = rank_groups(self.parts)
        return self._ranks

    @property
    def table(self) -> Floats:
        """Subjects by groups."""
        table = self.compared.table
        return np.zeros((0, 0)) if table is None else table

    def differences(self, a: int = 0, b: int = 1) -> Floats:
        """Paired differences, first minus second, rounded to what decimals can mean."""
        return tidy_differences(self.table[:, a], self.table[:, b])

    def is_event(self, level: int) -> Floats:
        """0/1 by subject and occasion: whether it is this level."""
        return (self.table == level).astype(np.float64)


def run_test(evidence: Evidence, name: str) -> Tested:
    """The test of that name; NaN where the data do not allow it."""
    if evidence.compared.n_groups < 2:
        return Tested(name)
    if name in _INDEPENDENT:
        return _independent(evidence, name)
    if name in ("chi-square", "fisher"):
        counts = evidence.counts
        if name == "fisher":
            return fisher_test(counts, seed=evidence.choices["seed"])
        return chi_square(counts, yates=evidence.choices["yates"])
    return _paired(evidence, name)


_INDEPENDENT: Final = (
    "welch", "student", "mann-whitney", "anova", "welch-anova", "kruskal-wallis",
)  # fmt: skip


def _independent(evidence: Evidence, name: str) -> Tested:
    groups, choices = evidence.summaries, evidence.choices
    if name == "mann-whitney":
        return mann_whitney(
            evidence.ranks, exact=choices["exact"], continuity=choices["continuity"]
        )
    if name == "kruskal-wallis":
        return kruskal_wallis(evidence.ranks)
    if name == "anova":
        return anova(groups)
    if name == "welch-anova":
        return welch_anova(groups)
    found = mean_difference(groups[0], groups[1], equal_variances=name == "student")
    return found.tested(STUDENT if name == "student" else WELCH)


def _paired(evidence: Evidence, name: str) -> Tested:
    exact, continuity = evidence.choices["exact"], evidence.choices["continuity"]
    if name == "paired-t":
        return paired_t(evidence.differences())
    if name == "wilcoxon":
        ranks = rank_signed(evidence.differences())
        return wilcoxon_signed_rank(ranks, exact=exact, continuity=continuity)
    if name == "friedman":
        return friedman(rank_within(evidence.table))
    if name == "cochran-q":
        return cochran_q(evidence.is_event(int(evidence.table.max(initial=0.0))))
    if name == "bowker":
        return bowker(pair_table(evidence.table, len(evidence.compared.term.levels)))
    first, second = discordant(evidence, 0, 1, int(evidence.table.max(initial=0.0)))
    return mcnemar(first, second, exact=exact, continuity=continuity)


def paired_t(differences: Floats) -> Tested:
    """Student's t of paired differences; NaN without variation."""
    n = len(differences)
    found = summarise_values(np.sort(differences))
    if n < 2 or constant(differences) or not found.sd > 0:
        return Tested(PAIRED_T)
    t = found.mean / (found.sd / math.sqrt(n))
    return Tested(PAIRED_T, t, float(n - 1), 2 * float(stdtr(n - 1, -abs(t))))


def discordant(evidence: Evidence, a: int, b: int, level: int) -> tuple[float, float]:
    """Subjects at this level on occasion a only, and on occasion b only."""
    event = evidence.is_event(level)
    first, second = event[:, a] > 0, event[:, b] > 0
    return float((first & ~second).sum()), float((~first & second).sum())


def pair_table(table: Floats, n_levels: int) -> Floats:
    """Subjects by their level on the first (rows) and second occasion (columns)."""
    key = table[:, 0].astype(np.intp) * n_levels + table[:, 1].astype(np.intp)
    counts = np.bincount(key, minlength=n_levels * n_levels)
    return counts.reshape(n_levels, n_levels).astype(np.float64)


def tests_beside(evidence: Evidence, choice: Choice) -> list[str]:
    """Tests of the same question that a reader may look for; none of them decides."""
    compared, chosen = evidence.compared, choice.test
    if compared.n_groups < 2:
        return []
    if chosen in ("chi-square", "fisher"):
        small = compared.n_groups == 2 and occurring_levels(compared) == 2
        if chosen == "chi-square":
            return ["fisher"] if small and compared.n_used <= _FISHER_BESIDE else []
        return ["chi-square"]
    if compared.kind != "number":
        return []
    if compared.paired:
        both = ["paired-t", "wilcoxon"] if compared.n_groups == 2 else []
    elif compared.n_groups == 2:
        both = ["welch", "student", "mann-whitney"]
    else:
        both = ["welch-anova", "anova", "kruskal-wallis"]
    return [name for name in both if name != chosen]
