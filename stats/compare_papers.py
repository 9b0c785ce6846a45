"""The papers behind the test and the post hoc comparisons of a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stats.cohort_tests import PAPERS
from stats.tested import Tested

_TESTS: Final[Mapping[str, str]] = {
    **PAPERS,
    "Wilcoxon": (
        "Wilcoxon F. Individual comparisons by ranking methods. Biometrics Bull 1945;1:80-83. "
        "doi:10.2307/3001968"
    ),
    "Friedman": (
        "Friedman M. The use of ranks to avoid the assumption of normality implicit in the "
        "analysis of variance. J Am Stat Assoc 1937;32:675-701. doi:10.1080/01621459.1937.10503522"
    ),
    "McNemar": (
        "McNemar Q. Note on the sampling error of the difference between correlated proportions or "
        "percentages. Psychometrika 1947;12:153-157. doi:10.1007/BF02295996"
    ),
    "Bowker": (
        "Bowker AH. A test for symmetry in contingency tables. J Am Stat Assoc 1948;43:572-574. "
        "doi:10.1080/01621459.1948.10483284"
    ),
    "Cochran": (
        "Cochran WG. The comparison of percentages in matched samples. Biometrika 1950;37:256-266. "
        "doi:10.1093/biomet/37.3-4.256"
    ),
}
_POSTHOC: Final[Mapping[str, str]] = {
    "tukey-kramer": (
        "Kramer CY. Extension of multiple range tests to group means with unequal numbers of "
        "replications. Biometrics 1956;12:307-310. doi:10.2307/3001469"
    ),
    "games-howell": (
        "Games PA, Howell JF. Pairwise multiple comparison procedures with unequal N's and/or "
        "variances. J Educ Stat 1976;1:113-125. doi:10.3102/10769986001002113"
    ),
    "dunn": (
        "Dunn OJ. Multiple comparisons using rank sums. Technometrics 1964;6:241-252. "
        "doi:10.1080/00401706.1964.10490181"
    ),
}
_HOLM: Final = (
    "Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70."
)


def papers_of(chosen: Tested, posthoc: str) -> tuple[str, ...]:
    """Citations in the order of use."""
    papers = [paper for name, paper in _TESTS.items() if chosen.test.startswith(name)]
    if posthoc in _POSTHOC:
        papers.append(_POSTHOC[posthoc])
    if posthoc not in ("none", "tukey-kramer", "games-howell"):
        papers.append(_HOLM)
    return tuple(papers)
