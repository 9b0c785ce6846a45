"""Which test answers a comparison: by the kind of variable, the groups and the pairing.

No test of normality or of equal spreads decides: a preliminary test changes the error of the one
that follows it (Zimmerman 2004, doi:10.1348/000711004849222; Ruxton 2006,
doi:10.1093/beheco/ark016). Numbers are compared by means without assuming equal spreads, ordered
levels by ranks, categories by counts (exact where an expected count is below 5, Cochran 1954).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from stats.compared import Compared, Kind
from stats.cross_table import SMALLEST_EXPECTED
from stats.errors import BadInput
from stats.variables import quote_list

#: Every test by its name in the choices, with the words for people.
TESTS: Final[dict[str, str]] = {
    "welch": "Welch's t test", "student": "Student's t test", "mann-whitney": "Mann-Whitney test",
    "welch-anova": "Welch's analysis of variance", "anova": "analysis of variance",
    "kruskal-wallis": "Kruskal-Wallis test", "paired-t": "paired t test",
    "wilcoxon": "Wilcoxon signed-rank test", "friedman": "Friedman test",
    "chi-square": "chi-square test", "fisher": "Fisher's exact test", "mcnemar": "McNemar's test",
    "bowker": "Bowker's test", "cochran-q": "Cochran's Q test",
}  # fmt: skip

_TWO_MEANS: Final = ("welch", "student", "mann-whitney", "welch-anova", "anova", "kruskal-wallis")
_MEANS: Final = ("welch-anova", "anova", "kruskal-wallis")
_COUNTS: Final = ("chi-square", "fisher")


@dataclass(frozen=True, slots=True)
class Choice:
    """The test, whether the user named it, and the fact that decided (a code for sentences)."""

    test: str
    named: bool
    why: str


def choose_test(compared: Compared, asked: str, smallest_expected: float | None) -> Choice:
    """The test asked for if it fits, or the one that the design leads to."""
    allowed = fitting_tests(compared)
    if asked != "auto":
        if asked not in allowed:
            raise BadInput(
                f'The {TESTS[asked]} does not fit "{compared.name}" ({_design(compared)}).',
                column=compared.name, rule="test", found=asked,
                hint=f"Choose one of: {', '.join(TESTS[t] for t in allowed)}."
                if allowed else "Choose another variable.",
            )  # fmt: skip
        return Choice(asked, named=True, why="named")
    if not allowed:
        raise BadInput(
            f'"{compared.name}" has more than two levels, and no test of this workbench compares '
            f"such a variable on {compared.n_groups} occasions of the same subjects.",
            column=compared.name, rule="test", found=str(compared.n_groups),
            hint="Compare two occasions, or make it binary or ordered.",
        )  # fmt: skip
    few = smallest_expected is not None and smallest_expected < SMALLEST_EXPECTED
    if allowed == _COUNTS and few:
        return Choice("fisher", named=False, why="small expected counts")
    return Choice(allowed[0], named=False, why="design")


def fitting_tests(compared: Compared) -> tuple[str, ...]:
    """The tests that a design allows, the default first."""
    two = compared.n_groups <= 2
    if compared.paired:
        return _paired_tests(compared, two=two)
    if compared.kind == "number":
        return _TWO_MEANS if two else _MEANS
    if compared.kind == "ordered":
        first = ("mann-whitney", "kruskal-wallis") if two else ("kruskal-wallis",)
        return (*first, *_COUNTS)
    return _COUNTS


def _paired_tests(compared: Compared, *, two: bool) -> tuple[str, ...]:
    if compared.kind == "number":
        return ("paired-t", "wilcoxon", "friedman") if two else ("friedman",)
    binary = occurring_levels(compared) <= 2
    ranks: tuple[str, ...] = ()
    if compared.kind == "ordered":
        ranks = ("wilcoxon", "friedman", "bowker") if two else ("friedman",)
    if not binary:
        return ranks or (("bowker",) if two else ())
    counts = ("mcnemar", "bowker", "cochran-q") if two else ("cochran-q",)
    return (*counts, *ranks) if compared.kind == "category" else (*ranks, *counts)


def occurring_levels(compared: Compared) -> int:
    """How many levels of the variable occur."""
    codes = np.asarray(compared.term.values)
    return len(np.unique(codes[codes >= 0]))


def _design(compared: Compared) -> str:
    kinds: dict[Kind, str] = {
        "number": "a number", "ordered": "ordered levels", "category": "categories",
    }  # fmt: skip
    pairing = "paired" if compared.paired else "independent"
    groups = "group" if compared.n_groups == 1 else "groups"
    return f"{kinds[compared.kind]}, {compared.n_groups} {pairing} {groups}"


def checked_test(asked: object) -> str:
    """The name of a test, or "auto"."""
    allowed = ("auto", *TESTS)
    if asked not in allowed:
        raise BadInput(
            f'The test "{asked}" is not known.', rule="test", found=str(asked),
            hint=f"Choose {quote_list(allowed, len(allowed))}.",
        )  # fmt: skip
    return str(asked)
