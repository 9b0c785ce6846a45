"""The methods paragraph of a cohort table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from presentation.citations import Citations
from presentation.comparison_words import with_article
from presentation.names import Names
from presentation.paragraphs import assembled, software_sentence
from presentation.text import joined
from stats.result import SummaryResult

_QUARTILES: Final[Mapping[int, str]] = {
    7: "definition 7 of Hyndman and Fan, that of R and Excel",
    6: "definition 6 of Hyndman and Fan, that of SPSS",
    2: "definition 2 of Hyndman and Fan, that of SAS",
}
_SMD: Final[Mapping[str, str]] = {
    "average": "the square root of the average of both variances",
    "pooled": "the pooled standard deviation",
    "hedges": "the pooled standard deviation, with Hedges' correction for small samples",
}


def cohort_methods(result: SummaryResult, names: Names, versions: Mapping[str, str]) -> str:
    """What is described, how groups are compared, rows and software, with references."""
    cite = Citations()
    paragraphs = [
        " ".join(_described(result, names, cite)),
        " ".join(_compared(result, cite)),
        _rows(result, names),
        software_sentence(versions, cite),
    ]
    cite.add(result.references)
    return assembled(paragraphs, cite)


def numbered(cite: Citations, references: tuple[str, ...], author: str) -> str:
    """` [3]` for the reference that begins so; empty when the result does not name it."""
    found = [r for r in references if r.startswith(author)]
    cite.add(found[:1])
    places = [i for i, r in enumerate(cite.listed(), start=1) if found and r.endswith(found[0])]
    return f" [{places[0]}]" if places else ""


def _described(result: SummaryResult, names: Names, cite: Citations) -> list[str]:
    method = result.method
    by = f" by {names.of(result.group)}" if result.group is not None else ""
    said: list[str] = []
    chosen = result.choices["statistics"]
    if "mean" in method["statistics"]:
        said.append(f"{_which(chosen, 'mean', names)} as mean with standard deviation")
    if "median" in method["statistics"]:
        quartiles = _QUARTILES[method["quartiles"]]
        cited = numbered(cite, result.references, "Hyndman")
        said.append(
            f"{_which(chosen, 'median', names)} as median with first and third quartile "
            f"({quartiles}{cited})"
        )
    if method["has_factors"]:
        said.append("categories as number and percentage of the known values")
    return [f"Characteristics are described overall{' and' if by else ''}{by}: {joined(said)}."]


def _which(chosen: Mapping[str, str], statistic: str, names: Names) -> str:
    """`numbers`, or their names where others are summarised in another way."""
    own = [name for name, s in chosen.items() if s == statistic]
    return "numbers" if len(own) == len(chosen) else joined([names.of(name) for name in own])


def _compared(result: SummaryResult, cite: Citations) -> list[str]:
    if len(result.groups) < 2:
        return []
    sentences: list[str] = []
    method = result.method
    if method["smd"] != "none":
        cited = numbered(cite, result.references, "Austin")
        pairs = ", for each pair of groups" if len(result.groups) > 2 else ""
        text = f"Groups are compared by standardised mean differences{cited}{pairs}"
        if method["statistics"]:
            text += f": of numbers, the difference of means over {_SMD[method['smd']]}"
        if method["has_factors"]:
            mahalanobis = "the Mahalanobis distance of the shares of their levels"
            text += f"{';' if method['statistics'] else ':'} of categories, {mahalanobis}"
        sentences.append(f"{text}.")
    if method["tests"]:
        words = [f"{with_article(t)}{_paper(t, result, cite)}" for t in method["tests"]]
        sentences.append(
            "P-values are two-sided, not adjusted for multiple testing, and come from "
            f"{joined(words)}, as named with each."
        )
    elif result.choices["tests"]:
        sentences.append("The data allowed no test.")
    else:
        sentences.append("No tests of baseline characteristics were made.")
    if method["simulated"]:
        sentences.append(
            "Exact p-values of tables with too many arrangements were simulated "
            f"(seed {result.choices['seed']}); their standard errors are given."
        )
    return sentences


def _paper(test: str, result: SummaryResult, cite: Citations) -> str:
    starts = {
        "Welch t": "Welch BL. The", "Welch ANOVA": "Welch BL. On", "Mann-Whitney": "Mann",
        "Mann-Whitney exact": "Mann", "Kruskal-Wallis": "Kruskal", "Fisher exact": "Freeman",
    }  # fmt: skip
    return numbered(cite, result.references, starts[test]) if test in starts else ""


def _rows(result: SummaryResult, names: Names) -> str:
    if result.group is None:
        return f"All {result.n_rows} rows are described; each variable by its own known values."
    lost = result.n_rows - result.n_used
    left_out = f"; {lost} without a value of {names.of(result.group)} were left out" if lost else ""
    return (
        f"The table describes {result.n_used} of {result.n_rows} rows{left_out}. Each variable is "
        "described by its own known values; missing values are counted and were not imputed."
    )
