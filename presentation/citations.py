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
    "cluster": (
        "Liang KY, Zeger SL. Longitudinal data analysis using generalized linear models. "
        "Biometrika 1986;73:13-22."
    ),
    "spline": (
        "Durrleman S, Simon R. Flexible regression models with cubic splines. "
        "Stat Med 1989;8:551-61."
    ),
    "modified poisson": (
        "Zou G. A modified Poisson regression approach to prospective studies with binary data. "
        "Am J Epidemiol 2004;159:702-6."
    ),
    "kaplan meier": (
        "Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. "
        "J Am Stat Assoc 1958;53:457-81."
    ),
    "brookmeyer crowley": (
        "Brookmeyer R, Crowley J. A confidence interval for the median survival time. "
        "Biometrics 1982;38:29-41."
    ),
    "log rank": (
        "Mantel N. Evaluation of survival data and two new rank order statistics arising in its "
        "consideration. Cancer Chemother Rep 1966;50:163-70."
    ),
    "gehan breslow": (
        "Breslow N. A generalized Kruskal-Wallis test for comparing K samples subject to unequal "
        "patterns of censorship. Biometrika 1970;57:579-94."
    ),
    "tarone ware": (
        "Tarone RE, Ware J. On distribution-free tests for equality of survival distributions. "
        "Biometrika 1977;64:156-60."
    ),
    "fleming harrington": (
        "Harrington DP, Fleming TR. A class of rank test procedures for censored survival data. "
        "Biometrika 1982;69:553-66."
    ),
    "restricted mean": (
        "Royston P, Parmar MKB. Restricted mean survival time: an alternative to the hazard ratio "
        "for the design and analysis of randomized trials with a time-to-event outcome. "
        "BMC Med Res Methodol 2013;13:152."
    ),
    "reverse kaplan meier": (
        "Schemper M, Smith TL. A note on quantifying follow-up in studies of failure time. "
        "Control Clin Trials 1996;17:343-6."
    ),
    "holm": (
        "Holm S. A simple sequentially rejective multiple test procedure. "
        "Scand J Stat 1979;6:65-70."
    ),
    "aalen johansen": (
        "Aalen OO, Johansen S. An empirical transition matrix for non-homogeneous Markov chains "
        "based on censored observations. Scand J Stat 1978;5:141-50."
    ),
    "gray": (
        "Gray RJ. A class of K-sample tests for comparing the cumulative incidence of a competing "
        "risk. Ann Stat 1988;16:1141-54."
    ),
    "optimism": (
        "Harrell FE Jr, Lee KL, Mark DB. Multivariable prognostic models: issues in developing "
        "models, evaluating assumptions and adequacy, and measuring and reducing errors. "
        "Stat Med 1996;15:361-87."
    ),
    "calibration hierarchy": (
        "Van Calster B, Nieboer D, Vergouwe Y, De Cock B, Pencina MJ, Steyerberg EW. A calibration "
        "hierarchy for risk models was defined: from utopia to empirical data. "
        "J Clin Epidemiol 2016;74:167-76."
    ),
    "decision curve": (
        "Vickers AJ, Elkin EB. Decision curve analysis: a novel method for evaluating prediction "
        "models. Med Decis Making 2006;26:565-74."
    ),
    "shifted percentiles": (
        "Noma H, Shinozaki T, Iba K, Teramukai S, Furukawa TA. Confidence intervals of prediction "
        "accuracy measures for multivariable prediction models based on the bootstrap-based "
        "optimism correction methods. Stat Med 2021;40:5691-701."
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
