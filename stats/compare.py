"""`compare_groups`: one variable compared between groups, or on the same subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from stats.cohort_choices import why_not_described
from stats.cohort_rows import CohortRows
from stats.compare_checks import checks_of, checks_table, points_table, shape_facts
from stats.compare_choice import Choice, checked_test, choose_test, occurring_levels
from stats.compare_effects import effects_of, effects_table
from stats.compare_notes import notes_on_comparison
from stats.compare_papers import papers_of
from stats.compare_tests import Evidence, run_test, tests_beside
from stats.compared import Compared, compared_columns
from stats.errors import BadInput
from stats.grouped import MOST_GROUPS
from stats.multiplicity import ADJUSTMENTS
from stats.named_choices import confidence_level, one_of
from stats.posthoc import AFTER, METHODS, SIMULTANEOUS, all_pairs, fitting_methods
from stats.result import ComparisonResult, Note
from stats.stopping import check_stopped
from stats.terms import column_names
from stats.tested import Tested, tests_table
from stats.variables import Dataset, as_dataset, quote_list

_EXACT: Final = ("auto", "exact", "normal")
_YES: Final[Mapping[str, str]] = {"1": "0", "yes": "no", "true": "false"}
_PAIR_COLUMNS: Final = (
    "method", "group_a", "group_b", "estimate", "ci_low", "ci_high", "statistic", "df", "p_value",
    "p_adjusted",
)  # fmt: skip


def compare_groups(
    data: Dataset | pd.DataFrame,
    *,
    value: str | Sequence[str],
    group: str | None = None,
    paired_by: str | None = None,
    test: str = "auto",
    event: object = None,
    posthoc: str = "auto",
    adjustment: str = "holm",
    exact: str = "auto",
    continuity: bool = True,
    yates: bool = False,
    ci_level: float = 0.95,
    seed: int = 1,
) -> ComparisonResult:
    """Compare a variable between groups, or between occasions of the same subjects.

    Parameters
    ----------
    data : one row per measurement.
    value : the column compared; or two or more columns that hold the same measurement of each row
        (before, after), which are then paired and `group` is left out.
    group : column whose levels are compared.
    paired_by : column that tells subjects apart, when the groups hold the same subjects.
    test : "auto" chooses by the kind of variable, the number of groups and the pairing, never by a
        preliminary test: "welch", "welch-anova", "paired-t", "friedman" for numbers;
        "mann-whitney", "kruskal-wallis", "wilcoxon", "friedman" for ordered levels; "chi-square" or
        (expected count below 5) "fisher", "mcnemar", "bowker", "cochran-q" for categories. Also
        "student", "anova" and any of these by name.
    event : level of a two-level variable whose risks are compared; may be left out (then for 0/1,
        no/yes and FALSE/TRUE it is understood, else no difference of risks is given).
    posthoc : with three or more groups, "auto" ("games-howell" after Welch's, "tukey-kramer" after
        the plain analysis of variance, "dunn" after Kruskal-Wallis, pairs of the same test
        otherwise), one of these, "t", "mann-whitney", "paired-t", "wilcoxon", or "none".
    adjustment : of post hoc p-values that are not simultaneous: "holm", "bonferroni", "bh", "none".
    exact : p of rank tests and McNemar's: "auto" (Mann-Whitney and Wilcoxon as R: below 50 rows
        without ties; McNemar below 25 discordant pairs), "exact" (also with ties) or "normal".
    continuity : correction of normal p-values of Mann-Whitney, Wilcoxon and McNemar.
    yates : correction of a 2 x 2 chi-square.
    ci_level : from 0.5 up to 1.
    seed : of simulated exact p-values (tables too large to count).

    Returns
    -------
    ComparisonResult. Differences are first group minus second. `tests`: the chosen test first
    (`chosen`), then others for the same question; `df2` is the denominator's. `effects` with the
    `interval` that their limits are of. `pairwise`: simultaneous or adjusted p. `checks`: normality
    and equality of spreads, which decide nothing. `points`: see `stats.compare_checks`.

    Raises
    ------
    BadInput : unknown column or level, a test that does not fit, a subject twice in a group.
    NotEstimable : no row has both a value and a group.

    References
    ----------
    Welch 1947, doi:10.2307/2332510 and 1951, doi:10.2307/2332579. Ruxton 2006,
    doi:10.1093/beheco/ark016. See the modules of the single tests for the others.

    Checked against
    ---------------
    R t.test, aov, oneway.test, wilcox.test, kruskal.test, TukeyHSD, shapiro.test, leveneTest,
    bartlett.test, fligner.test, coin (tests/reference); scipy and statsmodels.
    """
    dataset = as_dataset(data)
    asked = {
        "value": value, "group": group, "paired_by": paired_by, "test": test, "event": event,
        "posthoc": posthoc, "adjustment": adjustment, "exact": exact, "continuity": continuity,
        "yates": yates, "ci_level": ci_level, "seed": seed,
    }  # fmt: skip
    return _compare(dataset, prepare(dataset, asked)[1])


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check the choices of `compare_groups`; the columns named and the choices in full."""
    value, group, paired_by = _columns(dataset, choices)
    event = choices["event"]
    complete = {
        "value": value, "group": group, "paired_by": paired_by,
        "test": checked_test(choices["test"]),
        "event": None if event is None else _event_label(dataset, value, event),
        "posthoc": one_of("posthoc", choices["posthoc"], ("auto", *METHODS, "none")),
        "adjustment": one_of("adjustment", choices["adjustment"], ADJUSTMENTS),
        "exact": one_of("exact", choices["exact"], _EXACT),
        "continuity": bool(choices["continuity"]), "yates": bool(choices["yates"]),
        "ci_level": confidence_level(choices["ci_level"]), "seed": int(choices["seed"]),
    }  # fmt: skip
    named = value if isinstance(value, tuple) else (value,)
    return tuple(n for n in (*named, group, paired_by) if n is not None), complete


def _columns(
    dataset: Dataset, choices: Mapping[str, Any]
) -> tuple[str | tuple[str, ...], str | None, str | None]:
    """The three roles, each with a column of its own."""
    group = None if choices["group"] is None else str(choices["group"])
    paired_by = None if choices["paired_by"] is None else str(choices["paired_by"])
    values = column_names(choices["value"], "values")
    for name in values:
        why = why_not_described(dataset, name)
        if why is not None:
            raise BadInput(
                f'"{name}" {why} and cannot be compared.', column=name, rule="kind of a value",
                found=dataset.variable(name).kind,
                hint="Choose another column, or change its kind in the variable table.",
            )  # fmt: skip
    if len(values) > MOST_GROUPS:
        raise BadInput(
            f"{len(values)} columns were chosen; at most {MOST_GROUPS} can be compared.",
            rule="value", found=str(len(values)), hint="Choose fewer columns.",
        )  # fmt: skip
    if len(values) > 1:
        if group is not None or paired_by is not None:
            raise BadInput(
                "Several columns were chosen to compare, and a column of groups besides.",
                rule="value", found=quote_list(values),
                hint="Choose one value column with a group, or several columns without one.",
            )  # fmt: skip
        return values, None, None
    if len(values) == 0 or group is None:
        raise BadInput(
            "A comparison needs a value and a column of groups.", rule="group",
            hint="Choose both, or choose two columns that hold the same measurement.",
        )  # fmt: skip
    for name in (group, paired_by):
        if name is not None:
            dataset.variable(name)
    roles = [n for n in (*values, group, paired_by) if n is not None]
    if len(set(roles)) < len(roles):
        twice = next(n for n in roles if roles.count(n) > 1)
        raise BadInput(
            f'"{twice}" was chosen twice.', column=twice, rule="different columns",
            hint="Choose a different column for value, groups and subjects.",
        )  # fmt: skip
    return values[0], group, paired_by


def _event_label(dataset: Dataset, value: str | tuple[str, ...], event: object) -> str:
    return dataset.level_of(value if isinstance(value, str) else value[0], event)


def _compare(dataset: Dataset, choices: Mapping[str, Any]) -> ComparisonResult:
    compared = compared_columns(dataset, choices["value"], choices["group"], choices["paired_by"])
    evidence = Evidence(compared, choices, _event_of(compared, choices["event"]))
    facts = shape_facts(evidence)
    choice = choose_test(compared, choices["test"], facts["smallest_expected"])
    check_stopped()
    names = [choice.test, *tests_beside(evidence, choice)]
    tests = [run_test(evidence, name) for name in names]
    check_stopped()
    effects = effects_of(evidence, choice, evidence.event)
    method, pairs, pair_notes = _pairwise(evidence, choice)
    notes = notes_on_comparison(evidence, choice, tests, effects, facts)
    rows = CohortRows(compared.groups, {"quartiles": 7})
    rows.add(compared.term)
    return ComparisonResult(
        analysis="compare_groups", choices=choices, n_rows=compared.n_rows, n_used=compared.n_used,
        exclusions=compared.exclusions, notes=(*notes, *pair_notes),
        references=papers_of(tests[0], method),
        method=_method(compared, choice, tests, method, choices, evidence.event),
        value=compared.name, group=compared.groups.name, groups=compared.groups.levels,
        summary=rows.summary(),
        tests={**tests_table(tests), "chosen": np.arange(len(tests)) == 0},
        effects=effects_table(effects), pairwise=pairs,
        checks=checks_table(checks_of(evidence)), points=points_table(evidence), facts=facts,
    )  # fmt: skip


def _event_of(compared: Compared, label: str | None) -> int | None:
    """The code of the event: chosen, or understood among two levels that occur."""
    levels = compared.term.levels
    if label is not None:
        return levels.index(label) if label in levels else None
    if compared.kind == "number" or occurring_levels(compared) != 2:
        return None
    codes = np.unique(np.asarray(compared.term.values))
    present = {levels[int(c)].casefold(): int(c) for c in codes if c >= 0}
    return next((present[yes] for yes, no in _YES.items() if present.keys() == {yes, no}), None)


def _pairwise(evidence: Evidence, choice: Choice) -> tuple[str, Mapping[str, Any], list[Note]]:
    """The post hoc method ("none" with fewer than three groups) and its table."""
    nothing = {name: [] for name in _PAIR_COLUMNS}
    asked = evidence.choices["posthoc"]
    if evidence.compared.n_groups < 3 or asked == "none":
        return "none", nothing, []
    method = AFTER.get(choice.test, "none") if asked == "auto" else asked
    allowed = fitting_methods(evidence)
    if method not in allowed:
        raise BadInput(
            f'The comparison of pairs "{method}" does not fit "{evidence.compared.name}".',
            column=evidence.compared.name, rule="posthoc", found=method,
            hint=f"Choose {quote_list(allowed)}.",
        )  # fmt: skip
    table = all_pairs(evidence, method)
    failed = int(np.isnan(table["p_value"]).sum())
    if not failed:
        return method, table, []
    text = (
        f"{failed} of {len(table['p_value'])} pairs of groups have too few values, or no "
        "variation, to be tested. They are left out of the adjustment."
    )
    return method, table, [Note("pairs_not_tested", "caution", text, evidence.compared.name)]


def _method(
    compared: Compared, choice: Choice, tests: Sequence[Tested], posthoc: str,
    choices: Mapping[str, Any], event: int | None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "test": choice.test, "tested": tests[0].test, "named": choice.named, "why": choice.why,
        "kind": compared.kind, "paired": compared.paired, "groups": compared.n_groups,
        "subjects": len(compared.table) if compared.table is not None else None,
        "posthoc": posthoc, "simultaneous": posthoc in SIMULTANEOUS,
        "adjustment": "none" if posthoc in (*SIMULTANEOUS, "none") else choices["adjustment"],
        "ci_level": choices["ci_level"],
        "wide": isinstance(choices["value"], tuple),
        "event": None if event is None else compared.term.levels[event],
    }  # fmt: skip
