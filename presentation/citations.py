"""Papers that the methods paragraph cites, numbered in order of use (Vancouver style)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PAPERS: dict[str, str] = {
    "welch": (
        "Welch BL. The generalization of 'Student's' problem when several different population "
        "variances are involved. Biometrika 1947;34:28-35."
    ),
    "mann whitney": (
        "Mann HB, Whitney DR. On a test of whether one of two random variables is stochastically "
        "larger than the other. Ann Math Stat 1947;18:50-60."
    ),
    "profile": (
        "Venzon DJ, Moolgavkar SH. A method for computing profile-likelihood-based confidence "
        "intervals. Appl Stat 1988;37:87-94."
    ),
    "firth": "Firth D. Bias reduction of maximum likelihood estimates. Biometrika 1993;80:27-38.",
    "separation": (
        "Heinze G, Schemper M. A solution to the problem of separation in logistic regression. "
        "Stat Med 2002;21:2409-19."
    ),
    "gvif": (
        "Fox J, Monette G. Generalized collinearity diagnostics. J Am Stat Assoc 1992;87:178-83."
    ),
    "delong": (
        "DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more "
        "correlated receiver operating characteristic curves: a nonparametric approach. "
        "Biometrics 1988;44:837-45."
    ),
    "numpy": (
        "Harris CR, Millman KJ, van der Walt SJ, et al. Array programming with NumPy. "
        "Nature 2020;585:357-62."
    ),
    "pandas": (
        "McKinney W. Data structures for statistical computing in Python. Proceedings of the 9th "
        "Python in Science Conference 2010:56-61."
    ),
    "scipy": (
        "Virtanen P, Gommers R, Oliphant TE, et al. SciPy 1.0: fundamental algorithms for "
        "scientific computing in Python. Nat Methods 2020;17:261-72."
    ),
}


class Citations:
    """Gives a number to each paper at its first use."""

    def __init__(self) -> None:
        self._listed: list[str] = []

    def __call__(self, *keys: str) -> str:
        """` [1,2]` for the papers of these keys; empty when none of them is known."""
        found = [_PAPERS[key] for key in keys if key in _PAPERS]
        for paper in found:
            if paper not in self._listed:
                self._listed.append(paper)
        numbers = sorted(self._listed.index(paper) + 1 for paper in found)
        return f" [{','.join(map(str, numbers))}]" if numbers else ""

    def add(self, references: Iterable[str]) -> None:
        """List further references, except those of an author and year already listed."""
        for reference in references:
            if _author_year(reference) not in map(_author_year, self._listed):
                self._listed.append(reference)

    def listed(self) -> tuple[str, ...]:
        """`1. Firth D. ...` in order."""
        return tuple(f"{i}. {paper}" for i, paper in enumerate(self._listed, start=1))


def _author_year(reference: str) -> tuple[str, str]:
    author = re.match(r"[^\W\d_]+", reference)
    year = re.search(r"\b(?:18|19|20)\d\d\b", reference)
    return (author.group().lower() if author else reference, year.group() if year else "")
