"""Words for the tests and effect sizes of comparisons between groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: Test code -> its name inside a sentence.
TESTS: Final[Mapping[str, str]] = {
    "Welch t": "Welch's t test",
    "Student t": "Student's t test",
    "Mann-Whitney": "Mann–Whitney test",
    "Mann-Whitney exact": "exact Mann–Whitney test",
    "Welch ANOVA": "Welch's analysis of variance",
    "ANOVA": "analysis of variance",
    "Kruskal-Wallis": "Kruskal–Wallis test",
    "paired t": "paired t test",
    "Wilcoxon signed rank": "Wilcoxon signed-rank test",
    "Wilcoxon signed rank exact": "exact Wilcoxon signed-rank test",
    "Friedman": "Friedman test",
    "chi-square": "Pearson's chi-square test without continuity correction",
    "chi-square (Yates)": "Pearson's chi-square test with Yates's correction",
    "Fisher exact": "Fisher's exact test",
    "McNemar": "McNemar's test",
    "McNemar (corrected)": "McNemar's test with continuity correction",
    "McNemar exact": "exact McNemar test",
    "Bowker": "Bowker's test of symmetry",
    "Cochran Q": "Cochran's Q test",
    "Shapiro-Wilk": "Shapiro–Wilk test",
    "Levene (median)": "Levene's test about the median (Brown–Forsythe)",
    "Levene (mean)": "Levene's test about the mean",
    "Bartlett": "Bartlett's test",
    "Fligner-Killeen": "Fligner–Killeen test",
    "F ratio of variances": "F test of two variances",
}
#: Post hoc method -> its name inside a sentence.
POSTHOC: Final[Mapping[str, str]] = {
    "games-howell": "the Games–Howell method",
    "tukey-kramer": "the Tukey–Kramer method",
    "dunn": "Dunn's test",
    "t": "t tests with the pooled standard deviation",
    "mann-whitney": "Mann–Whitney tests",
    "wilcoxon": "Wilcoxon signed-rank tests",
    "paired-t": "paired t tests",
    "mcnemar": "McNemar's tests",
    "table": "chi-square tests, or Fisher's exact test where an expected count is below 5",
}
ADJUSTED: Final[Mapping[str, str]] = {
    "holm": "Holm's method",
    "bonferroni": "Bonferroni's method",
    "bh": "the Benjamini–Hochberg method (false discovery rate)",
    "none": "",
}
INTERVALS: Final[Mapping[str, str]] = {
    "Welch t": "Welch's t distribution",
    "Student t": "Student's t distribution",
    "noncentral t": "noncentral t distribution",
    "noncentral F": "noncentral F distribution",
    "noncentral chi-square": "noncentral chi-square distribution",
    "rank order": "order statistics of the differences",
    "Newcombe method 5": "Newcombe's method 5",
    "Newcombe": "Newcombe's hybrid score method",
    "Bonett-Price": "Bonett and Price's method for pairs",
    "Fisher z": "Fisher's transformation",
    "none": "none",
}

_WHY_DESIGN: Final[Mapping[tuple[str, bool, bool], str]] = {
    # kind, paired, more than two groups
    ("number", False, False): (
        "compares the means of a number in two independent groups and does not assume equal "
        "variances"
    ),
    ("number", False, True): (
        "compares the means of a number in three or more independent groups and does not assume "
        "equal variances"
    ),
    ("number", True, False): (
        "compares the means of a number measured twice on the same subjects through their "
        "differences"
    ),
    ("number", True, True): (
        "compares a number measured three or more times on the same subjects by its ranks within "
        "each subject"
    ),
    ("ordered", False, False): "compares ordered levels in two independent groups by their ranks",
    ("ordered", False, True): (
        "compares ordered levels in three or more independent groups by their ranks"
    ),
    ("ordered", True, False): "compares ordered levels seen twice in the same subjects by ranks",
    ("ordered", True, True): (
        "compares ordered levels seen three or more times in the same subjects by ranks"
    ),
    ("category", False, False): "compares the distribution of categories between two groups",
    ("category", False, True): (
        "compares the distribution of categories between three or more groups"
    ),
    ("category", True, False): (
        "compares categories seen twice in the same subjects through those who changed"
    ),
    ("category", True, True): (
        "compares a two-level category seen three or more times in the same subjects"
    ),
}


def name_of_test(code: str) -> str:
    """The name of a test inside a sentence; a code that is not known as it is."""
    return TESTS.get(code, code)


def with_article(code: str) -> str:
    """`Welch's t test`, `the Friedman test`."""
    name = name_of_test(code)
    bare = "'s " in f"{name.split()[0]} " or name.startswith("analysis")
    return name if bare else f"the {name}"


def why_this_test(method: Mapping[str, Any]) -> str:
    """One sentence that says why this test was made, from the facts of a comparison."""
    name = with_article(str(method["tested"]))
    start = f"{name[:1].upper()}{name[1:]}"
    if method["named"]:
        return f"{start} was chosen by the user."
    if method["why"] == "small expected counts":
        return (
            f"{start} was used because an expected count is below 5, where the chi-square test is "
            "not reliable."
        )
    key = (str(method["kind"]), bool(method["paired"]), int(method["groups"]) > 2)
    reason = _WHY_DESIGN[key]
    return f"{start} was used because it {reason}; no preliminary test decided."
