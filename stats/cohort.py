"""`describe_cohort`: the table that describes the patients, overall and by group ("Table 1")."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from stats.balance import FORMS
from stats.cohort_choices import cohort_variables, statistics_of
from stats.cohort_notes import notes_on_cohort
from stats.cohort_rows import CohortRows
from stats.cohort_tests import PAPERS, tested_by
from stats.grouped import group_rows, one_group
from stats.named_choices import one_of
from stats.result import SummaryResult
from stats.stopping import check_stopped
from stats.terms import build_term
from stats.tested import Tested, tests_table
from stats.variables import Dataset, as_dataset

_QUARTILES: Final = (7, 6, 2)
_HYNDMAN_FAN: Final = (
    "Hyndman RJ, Fan Y. Sample quantiles in statistical packages. Am Stat 1996;50:361-365. "
    "doi:10.1080/00031305.1996.10473566"
)
_AUSTIN: Final = (
    "Austin PC. Balance diagnostics for comparing the distribution of baseline covariates between "
    "treatment groups in propensity-score matched samples. Stat Med 2009;28:3083-3107. "
    "doi:10.1002/sim.3697"
)


def describe_cohort(
    data: Dataset | pd.DataFrame,
    *,
    group: str | None = None,
    variables: Sequence[str] | None = None,
    statistics: Mapping[str, str] | str | None = None,
    smd: str = "average",
    tests: bool = False,
    equal_variances: bool = False,
    quartiles: int = 7,
    seed: int = 1,
) -> SummaryResult:
    """Describe variables overall and by group: Table 1 of a paper.

    Parameters
    ----------
    data : one row per patient. Rows without a group are left out and counted; for all else each
        variable uses its own known values.
    group : column whose levels are the columns of the table; None describes all rows together.
    variables : columns, in the order of the table; None takes every column but the group, dates,
        identifiers and columns of more than 100 levels.
    statistics : how numbers are summarised and, with it, compared: "mean" (mean, SD; the default)
        or "median" (median, quartiles), for all or by variable. A note proposes the median where
        the values are skewed; nothing is switched.
    smd : standardised mean difference of two groups: difference over sqrt((s1^2 + s2^2) / 2)
        ("average"), over the pooled SD ("pooled", Cohen's d), that with Hedges' correction
        ("hedges"), or "none". Categories have the Mahalanobis distance.
    tests : add one test per variable. Leave it out for a randomised trial.
    equal_variances : Student's t and analysis of variance instead of Welch's forms.
    quartiles : definition 7 (R, Excel), 6 (SPSS) or 2 (SAS) of Hyndman & Fan.
    seed : of simulated exact p-values (tables too large to enumerate).

    Returns
    -------
    SummaryResult. `summary` is long: for each variable and group (missing: overall) the n,
    missing, mean, sd, median, q1, q3, min, max of a number, or n and percent of each level; percent
    is of the known values. `balance` has a row for each variable and pair of groups, `tests` one
    per variable with `df2` and `mc_error` (standard error of a simulated p). `facts`: the largest
    absolute SMD and the skewness of each number.

    Raises
    ------
    BadInput : unknown column, a date or identifier, too many groups, a value too large.

    Notes
    -----
    Tests of means: Welch's t, with more groups Welch's analysis of variance; of medians:
    Mann-Whitney, Kruskal-Wallis; of categories: Pearson's chi-square without continuity
    correction, Fisher's exact test where an expected count is below 5.

    References
    ----------
    Hyndman & Fan 1996, doi:10.1080/00031305.1996.10473566. Austin 2009, doi:10.1002/sim.3697.

    Checked against
    ---------------
    R quantile, t.test, oneway.test, wilcox.test, kruskal.test, chisq.test, fisher.test and the SMD
    of tableone (tests/reference).
    """
    dataset = as_dataset(data)
    asked = {
        "group": group, "variables": variables, "statistics": statistics, "smd": smd,
        "tests": tests, "equal_variances": equal_variances, "quartiles": quartiles, "seed": seed,
    }  # fmt: skip
    return _describe(dataset, prepare(dataset, asked)[1])


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check the choices of `describe_cohort`; the columns named and the choices in full."""
    group = None if choices["group"] is None else str(choices["group"])
    if group is not None:
        group_rows(dataset, group)
    names = cohort_variables(dataset, choices["variables"], group)
    complete = {
        "group": group,
        "variables": names,
        "statistics": statistics_of(dataset, names, choices["statistics"]),
        "smd": one_of("smd", choices["smd"], FORMS),
        "tests": bool(choices["tests"]),
        "equal_variances": bool(choices["equal_variances"]),
        "quartiles": int(one_of("quartiles", str(choices["quartiles"]), [*map(str, _QUARTILES)])),
        "seed": int(choices["seed"]),
    }
    return (names if group is None else (group, *names)), complete


def _describe(dataset: Dataset, choices: Mapping[str, Any]) -> SummaryResult:
    name = choices["group"]
    groups = one_group(dataset.n_rows) if name is None else group_rows(dataset, name)
    rows = CohortRows(groups, choices)
    tested: list[tuple[str, Tested]] = []
    for variable in choices["variables"]:
        check_stopped()
        term = build_term(dataset, variable, None)
        described = rows.add(term)
        if choices["tests"] and len(groups.levels) > 1:
            tested.append((variable, tested_by(described, choices)))
    lost = dataset.n_rows - groups.n_known
    balance, method = rows.balance(), _method(rows, tested, choices)
    return SummaryResult(
        analysis="describe_cohort", choices=choices, n_rows=dataset.n_rows,
        n_used=groups.n_known, exclusions={} if name is None else {"group missing": lost},
        notes=tuple(notes_on_cohort(rows.described, groups, tested, choices)),
        references=_references(method), method=method,
        group=name, groups=() if name is None else groups.levels, summary=rows.summary(),
        tests=_tests_table(tested), balance=balance, facts=_facts(rows, balance),
    )  # fmt: skip


def _tests_table(tested: Sequence[tuple[str, Tested]]) -> dict[str, Any]:
    return {"variable": [name for name, _ in tested], **tests_table([t for _, t in tested])}


def _facts(rows: CohortRows, balance: Mapping[str, Any]) -> dict[str, Any]:
    sizes = np.abs(balance["smd"])
    known = sizes[~np.isnan(sizes)]
    largest: dict[str, float] = {}
    for name, size in zip(balance["variable"], sizes.tolist(), strict=True):
        if not math.isnan(size):
            largest[name] = max(size, largest.get(name, 0.0))
    skewness = {
        d.term.name: d.skewness for d in rows.described
        if d.counts is None and not np.isnan(d.skewness)
    }  # fmt: skip
    return {
        "largest_smd": float(known.max()) if len(known) else None,
        "largest_smd_by_variable": largest,
        "skewness": skewness,
        "group_sizes": dict(zip(rows.groups.levels, rows.groups.sizes, strict=True)),
    }


def _method(
    rows: CohortRows, tested: Sequence[tuple[str, Tested]], choices: Mapping[str, Any]
) -> dict[str, Any]:
    statistics = choices["statistics"].values()
    return {
        "statistics": tuple(s for s in ("mean", "median") if s in statistics),
        "has_factors": any(d.counts is not None for d in rows.described),
        "tests": tuple(dict.fromkeys(t.test for _, t in tested if t.done)),
        "simulated": any(t.mc_error > 0 for _, t in tested),
        "smd": choices["smd"] if len(rows.groups.levels) > 1 else "none",
        "quartiles": choices["quartiles"],
    }


def _references(method: Mapping[str, Any]) -> tuple[str, ...]:
    papers = [PAPERS[name] for name in PAPERS if any(t.startswith(name) for t in method["tests"])]
    if method["smd"] != "none":
        papers.append(_AUSTIN)
    if "median" in method["statistics"]:
        papers.append(_HYNDMAN_FAN)
    return tuple(papers)
