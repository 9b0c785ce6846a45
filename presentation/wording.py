"""Words for the codes in a result's facts: estimators, intervals, tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TESTS = {
    "welch": "Welch's t test",
    "student": "Student's t test",
    "mann whitney": "Mann–Whitney U test",
    "wilcoxon rank": "Wilcoxon rank-sum test",
    "chi": "Pearson's chi-square test without continuity correction",
    "fisher": "Fisher's exact test",
    "kruskal": "Kruskal–Wallis test",
    "anova": "analysis of variance",
}


_COMPARED = {
    "mean": ("welch", "student", "anova"),
    "median": ("mann whitney", "wilcoxon", "kruskal"),
}


def _plain(code: str) -> str:
    return code.lower().replace("-", " ").replace("–", " ").replace("_", " ")


def test_words(code: str) -> str:
    """The full name of a test; a code that is not known is given back as it is."""
    key = _plain(code)
    for start, words in _TESTS.items():
        if start in key:
            return words
    return code


def compared_by(code: str) -> str | None:
    """What a test compares: "mean", "median" (ranks), or None for anything else."""
    key = _plain(code)
    for what, codes in _COMPARED.items():
        if any(start in key for start in codes):
            return what
    return None


def is_firth(code: object) -> bool:
    """True when the code of an estimator means Firth's penalty."""
    return "firth" in str(code).lower()


def estimator_words(code: object) -> str:
    """`maximum likelihood` or `Firth's penalised likelihood`."""
    text = str(code)
    if is_firth(text):
        return "Firth's penalised likelihood"
    return "maximum likelihood" if text.lower() in {"likelihood", "ml", "mle"} else text


def interval_words(code: object, *, firth: bool = False) -> str:
    """`profile likelihood`, `penalised profile likelihood` or `Wald`."""
    text = _INTERVALS.get(str(code), str(code))
    lower = text.lower()
    if "profile" in lower:
        penalised = firth or "penal" in lower
        return "penalised profile likelihood" if penalised else "profile likelihood"
    return "Wald" if lower == "wald" else text


def p_words(interval: object, *, firth: bool = False) -> str:
    """The test whose p-value belongs to an interval of this kind."""
    if "profile" in str(interval).lower():
        return "penalised likelihood-ratio test" if firth else "likelihood-ratio test"
    words = str(interval).lower()
    if words == "t" or words.startswith("t, "):
        return "t test (F test for a factor)"
    return "robust Wald test" if "robust" in words else "Wald test"


_INTERVALS: Mapping[str, str] = {
    "t": "from Student's t distribution",
    "t, quasi-likelihood": "from Student's t distribution with the variance scaled by the "
    "dispersion",
    "t, cluster-robust standard errors": "from Student's t distribution with cluster-robust "
    "standard errors",
    **{
        f"t, HC{i} standard errors": f"from Student's t distribution with HC{i} robust standard "
        "errors"
        for i in range(4)
    },
    "robust Wald": "Wald with robust standard errors",
}


def ci_percent(*facts: Mapping[str, Any]) -> str:
    """`95` from the first `ci_level` found in facts or choices."""
    for fact in facts:
        level = fact.get("ci_level")
        if isinstance(level, (int, float)) and 0 < level < 1:
            return f"{100 * level:.10g}"
    return "95"
