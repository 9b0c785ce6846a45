"""The one test of a variable in a cohort table, by what it is and how it is summarised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stats.cohort_rows import Described
from stats.cross_table import FISHER, table_test
from stats.mean_tests import (
    STUDENT,
    WELCH,
    anova,
    mean_difference,
    welch_anova,
)
from stats.rank_tests import kruskal_wallis, mann_whitney, rank_groups
from stats.tested import Tested

PAPERS: Final[Mapping[str, str]] = {
    "Welch t": (
        "Welch BL. The generalization of 'Student's' problem when several different population "
        "variances are involved. Biometrika 1947;34:28-35. doi:10.2307/2332510"
    ),
    "Welch ANOVA": (
        "Welch BL. On the comparison of several mean values: an alternative approach. Biometrika "
        "1951;38:330-336. doi:10.2307/2332579"
    ),
    "Mann-Whitney": (
        "Mann HB, Whitney DR. On a test of whether one of two random variables is stochastically "
        "larger than the other. Ann Math Stat 1947;18:50-60. doi:10.1214/aoms/1177730491"
    ),
    "Kruskal-Wallis": (
        "Kruskal WH, Wallis WA. Use of ranks in one-criterion variance analysis. J Am Stat Assoc "
        "1952;47:583-621. doi:10.1080/01621459.1952.10483441"
    ),
    FISHER: (
        "Freeman GH, Halton JH. Note on an exact treatment of contingency, goodness of fit and "
        "other problems of significance. Biometrika 1951;38:141-149. doi:10.1093/biomet/38.1-2.141"
    ),
}


def tested_by(described: Described, choices: Mapping[str, Any]) -> Tested:
    """Means: t or analysis of variance; medians: ranks; categories: chi-square or Fisher.

    Groups without a value of the variable do not take part.
    """
    if described.counts is not None:
        return table_test(described.counts, seed=choices["seed"])
    used = [i for i, n in enumerate(described.known) if n]
    if choices["statistics"][described.term.name] == "median":
        ranks = rank_groups([described.parts[i] for i in used])
        if len(used) == 2:
            return mann_whitney(ranks)
        return kruskal_wallis(ranks)
    summaries = [described.summaries[i] for i in used]
    equal = bool(choices["equal_variances"])
    if len(used) == 2:
        found = mean_difference(summaries[0], summaries[1], equal_variances=equal)
        return found.tested(STUDENT if equal else WELCH)
    return anova(summaries) if equal else welch_anova(summaries)
