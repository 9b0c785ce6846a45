"""The methods paragraph of a comparison of groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from presentation.citations import Citations
from presentation.cohort_methods import numbered
from presentation.comparison_words import (
    ADJUSTED,
    INTERVALS,
    POSTHOC,
    name_of_test,
    why_this_test,
    with_article,
)
from presentation.effects import rows_of
from presentation.names import Names
from presentation.paragraphs import assembled, rows_sentence, software_sentence
from presentation.text import joined
from presentation.wording import ci_percent
from stats.result import ComparisonResult

#: How the citation of a test begins.
_PAPERS: Final[Mapping[str, str]] = {
    "Welch t": "Welch BL. The", "Welch ANOVA": "Welch BL. On", "Mann-Whitney": "Mann",
    "Kruskal": "Kruskal", "Wilcoxon": "Wilcoxon", "Friedman": "Friedman", "Fisher": "Freeman",
    "McNemar": "McNemar", "Bowker": "Bowker", "Cochran": "Cochran",
}  # fmt: skip
_POSTHOC_PAPERS: Final[Mapping[str, str]] = {
    "tukey-kramer": "Kramer", "games-howell": "Games", "dunn": "Dunn",
}  # fmt: skip


def comparison_methods(result: ComparisonResult, names: Names, versions: Mapping[str, str]) -> str:
    """Test and why, differences and intervals, pairs, checks, rows, software."""
    cite = Citations()
    paragraphs = [
        " ".join(_test(result, names, cite)),
        " ".join(_differences(result, cite)),
        " ".join(_checks(result)),
        _rows(result),
        software_sentence(versions, cite),
    ]
    cite.add(result.references)
    return assembled(paragraphs, cite)


def _test(result: ComparisonResult, names: Names, cite: Citations) -> list[str]:
    method = result.method
    if method["wide"]:
        columns = joined([names.of(g) for g in result.groups])
        subject = f"{columns}, measured on the same {method['subjects']} subjects,"
        verb = "were"
    else:
        subject, verb = names.of(result.value), "was"
    if len(result.groups) < 2:
        return [f"{subject} {verb} described in one group; there was nothing to compare it with."]
    by = "" if method["wide"] else f" between the levels of {names.of(result.group)}"
    if method["paired"] and not method["wide"]:
        by += f" in {method['subjects']} subjects, told apart by {_subject(result, names)},"
    tested = str(method["tested"])
    paper = next((p for start, p in _PAPERS.items() if tested.startswith(start)), "")
    cited = numbered(cite, result.references, paper) if paper else ""
    return [
        f"{subject} {verb} compared{by} with {with_article(tested)}{cited}.",
        why_this_test(method),
        "The p-value is two-sided.",
        *_corrections(result, tested),
    ]


def _subject(result: ComparisonResult, names: Names) -> str:
    return names.of(str(result.choices["paired_by"]))


def _corrections(result: ComparisonResult, tested: str) -> list[str]:
    """Ties, continuity, exact distributions: what a reader needs to get the same p."""
    if tested in ("Mann-Whitney", "Wilcoxon signed rank"):
        with_it = "with" if result.choices["continuity"] else "without"
        zeros = ", zero differences left out" if tested.startswith("Wilcoxon") else ""
        return [
            f"It is a normal approximation with tie and {with_it} continuity correction{zeros}."
        ]
    if tested.endswith(" exact") and not tested.startswith("Fisher"):
        return ["It is exact."]
    test = rows_of(result.table("tests"))[0]
    if test["mc_error"] > 0:
        error = f"standard error {test['mc_error']:.1g}"
        return [f"It was simulated with seed {result.choices['seed']} ({error})."]
    return []


def _differences(result: ComparisonResult, cite: Citations) -> list[str]:
    sentences: list[str] = []
    ci = ci_percent(result.method, result.choices)
    by_interval: dict[str, list[str]] = {}
    for row in rows_of(result.table("effects")):
        if row["interval"] != "none":
            by_interval.setdefault(row["interval"], []).append(row["measure"])
    if by_interval:
        parts = [
            f"{joined(measures)} ({INTERVALS.get(how, how)})"
            for how, measures in by_interval.items()
        ]
        sentences.append(f"{ci}% confidence intervals are given for {'; '.join(parts)}.")
        if len(result.groups) == 2:
            sentences.append("Differences are first minus second group.")
    posthoc = str(result.method["posthoc"])
    if posthoc != "none":
        start = _POSTHOC_PAPERS.get(posthoc, "")
        cited = numbered(cite, result.references, start) if start else ""
        text = f"Pairs of groups were compared by {POSTHOC[posthoc]}{cited}"
        how = ADJUSTED.get(result.method["adjustment"], "")
        if result.method["simultaneous"]:
            text += ", whose p-values and intervals hold for all pairs together"
        elif how:
            text += f", p-values adjusted by {how}{cite('holm') if 'Holm' in how else ''}"
        sentences.append(f"{text}.")
    return sentences


def _checks(result: ComparisonResult) -> list[str]:
    codes = list(dict.fromkeys(row["check"] for row in rows_of(result.table("checks"))))
    if not codes:
        return []
    words = joined([with_article(code) for code in codes])
    what = "Normality of the differences" if result.method["paired"] else "Normality and spreads"
    return [f"{what} can be judged from the figure and from {words}; they did not choose the test."]


def _rows(result: ComparisonResult) -> str:
    text = rows_sentence(result)
    if result.method["paired"]:
        text += f" Only the {result.method['subjects']} subjects with every value were compared."
    return text


def main_test_words(result: ComparisonResult) -> str:
    """The name of the chosen test inside a sentence."""
    return name_of_test(str(result.method["tested"]))
