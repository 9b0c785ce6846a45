"""The exposure's effect within the levels of other variables, with tests of interaction.

Within each level the outcome model (the adjustment set without the subgroup's column) is fitted to
the rows of that level, with the method and interval of the whole. The interaction test compares, on
all complete rows, the model with subgroup, exposure and covariates with the one that also holds the
products of exposure and subgroup: 2 (l1 - l0) is chi-square with as many degrees of freedom as
products that carry information (likelihoods at their limit where a cell has no events). With
clusters it is the robust Wald test of the products.

Rothwell 2005, doi:10.1016/S0140-6736(05)17709-5; Wang et al. 2007, doi:10.1056/NEJMsr077003.
Checked against statsmodels' Logit on copied rows and on explicit products.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import chdtrc

from stats.adjusted import AdjustedModel, add_adjusted_rows, fit_adjusted
from stats.cluster_robust import robust_model, wald_statistic
from stats.design import Floats, Ints, Term
from stats.effect_rows import EffectRows
from stats.errors import BadInput
from stats.result import Note
from stats.terms import BinaryOutcome, column_names
from stats.variables import FACTOR_KINDS, Dataset

_COLUMNS = (
    "subgroup", "group", "term", "level", "reference", "n", "events", "estimate", "ci_low",
    "ci_high", "p_value", "method", "statistic", "df", "p_interaction",
)  # fmt: skip
_KEPT = ("term", "level", "reference", "estimate", "ci_low", "ci_high", "p_value")
_MOST_LEVELS = 20
_FEW_EVENTS = 10


def subgroup_choice(
    dataset: Dataset, wanted: object, roles: Mapping[str, str | None]
) -> tuple[str, ...]:
    """The subgroup columns. BadInput without an exposure, or for a column that has no levels.

    `roles` are the columns that serve elsewhere (role -> column).
    """
    if not wanted:
        return ()
    names = column_names(wanted, "subgroups")
    if roles["exposure"] is None:
        raise BadInput(
            "Subgroups compare the effect of an exposure, and none was chosen.", rule="subgroups",
            hint="Choose the exposure, or leave the subgroups out.",
        )  # fmt: skip
    for name in names:
        variable = dataset.variable(name)
        role = next((r for r, column in roles.items() if column == name), None)
        if role is not None:
            raise BadInput(
                f'"{name}" is the {role} and cannot also make subgroups.', column=name,
                rule="subgroups", hint="Choose another column.",
            )  # fmt: skip
        if variable.kind not in FACTOR_KINDS:
            raise BadInput(
                f'"{name}" is {variable.kind} and has no levels that make subgroups.', column=name,
                rule="subgroups", found=variable.kind,
                hint="Choose a categorical column, or cut its values into groups.",
            )  # fmt: skip
        n_levels = len(dataset.factor(name).categories)
        if n_levels > _MOST_LEVELS:
            raise BadInput(
                f'"{name}" has {n_levels:,} levels; subgroups may have at most {_MOST_LEVELS}.',
                column=name, rule="levels", found=str(n_levels), hint="Group its levels.",
            )  # fmt: skip
    return names


def subgroups_of(
    terms: Sequence[Term], groups: Sequence[Term], found: BinaryOutcome, clusters: Ints | None,
    choices: Mapping[str, Any],
) -> tuple[dict[str, list[Any]], list[Note]]:  # fmt: skip
    """The columns of `OutcomeExtras.subgroups`: per subgroup column, level and contrast of the
    exposure one row; `n` and `events` are those of the model in that level. `terms` are those of
    the adjusted model, the exposure among them; `groups` the subgroup columns as factors. An
    exposure that is a spline in the whole model is a straight line here."""
    rows: list[dict[str, Any]] = []
    terms = [replace(t, bends=()) if t.name == choices["exposure"] else t for t in terms]
    for group in groups:
        others = [t for t in terms if t.name != group.name]
        test = _interaction(others, group, found, clusters, choices)
        for level in range(len(group.levels)):
            within = found.known & (np.asarray(group.values) == level)
            if not within.any():
                continue
            own = {"subgroup": group.name, "group": group.levels[level], **test}
            rows += [row | own for row in _within(others, found, within, clusters, choices)]
    return {name: [row[name] for row in rows] for name in _COLUMNS}, _notes(rows)


def _within(
    terms: Sequence[Term], found: BinaryOutcome, within: Any, clusters: Ints | None,
    choices: Mapping[str, Any],
) -> list[dict[str, Any]]:  # fmt: skip
    """The exposure's rows, without reference, of the model of some rows."""
    own = replace(found, known=within)
    model = _fitted(terms, own, clusters, choices)
    collected = EffectRows()
    missing = {term.name: term.missing_among(within) for term in terms}
    add_adjusted_rows(collected, model, own, missing)
    table = collected.columns()
    estimator = "" if model.numbers is None else model.numbers.estimator
    every = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    size = {"n": len(model.rows), "events": int(own.y[model.rows].sum())}
    return [
        {**{key: row[key] for key in _KEPT}, **size, "method": estimator}
        for row in every
        if row["term"] == choices["exposure"]
        and (row["level"] is None or row["level"] != row["reference"])
    ]


def _fitted(
    terms: Sequence[Term], found: BinaryOutcome, clusters: Ints | None, choices: Mapping[str, Any]
) -> AdjustedModel:
    model = fit_adjusted(
        terms, found, method=choices["method"], interval=choices["interval"],
        ci_level=choices["ci_level"],
    )  # fmt: skip
    if clusters is None:
        return model
    return robust_model(model, found.y, clusters, choices["ci_level"])


def _interaction(
    others: Sequence[Term], group: Term, found: BinaryOutcome, clusters: Ints | None,
    choices: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """The test that the exposure's effect is the same in all levels; missing where a model has no
    maximum."""
    nothing = {"statistic": math.nan, "df": 0, "p_interaction": math.nan}
    exposure = next(t for t in others if t.name == choices["exposure"])
    product = _products(exposure, group)
    plain = {**choices, "method": "likelihood", "interval": "wald"}
    whole = _fitted([*others, group, *product], found, None, plain)
    design, numbers = whole.design, whole.numbers
    if design is None or numbers is None or (numbers.runaway and clusters is not None):
        return nothing
    first = len(others) + 1
    tested = [j for j, c in enumerate(design.columns) if c.term >= first]
    if not tested:
        return nothing
    if clusters is not None:
        robust = robust_model(whole, found.y, clusters, choices["ci_level"]).numbers
        covariance = numbers.covariance if robust is None else robust.covariance
        statistic = wald_statistic(numbers.beta[1:], covariance[1:, 1:], tested)
    else:
        own = replace(found, known=found.known & _all_known(product))
        part = _fitted([*others, group], own, None, plain).numbers
        statistic = math.nan if part is None else max(2.0 * (numbers.loglik - part.loglik), 0.0)
    p_value = float(chdtrc(len(tested), statistic))
    return {"statistic": statistic, "df": len(tested), "p_interaction": p_value}


def _all_known(terms: Sequence[Term]) -> Any:
    return np.logical_and.reduce([t.known for t in terms])


def _products(exposure: Term, group: Term) -> list[Term]:
    """Columns of exposure times subgroup, references left out, missing where either is."""
    parts: list[tuple[str, Floats]] = []
    values = np.asarray(exposure.values, dtype=np.float64)
    if exposure.kind == "continuous":
        parts.append((exposure.name, values))
    else:
        known = np.where(exposure.known, 0.0, np.nan)
        parts += [
            (exposure.name, known + (values == level))
            for level in range(len(exposure.levels)) if level != exposure.reference
        ]  # fmt: skip
    codes = np.asarray(group.values)
    missing = np.where(group.known, 0.0, np.nan)
    return [
        Term(name, "continuous", part * (missing + (codes == level)))
        for name, part in parts
        for level in range(len(group.levels))
        if level != group.reference
    ]


def _notes(rows: Sequence[Mapping[str, Any]]) -> list[Note]:
    if not rows:
        return []
    tests = len({row["subgroup"] for row in rows})
    what = "interaction test" if tests == 1 else f"{tests} interaction tests"
    notes = [
        Note(
            "subgroups", "info",
            f"Read the {what}, not the p-values within subgroups; nothing is adjusted for their "
            "number. Name subgroups beforehand and say how many were looked at.",
        )
    ]  # fmt: skip
    small = sorted({f"{r['subgroup']}: {r['group']}" for r in rows if r["events"] < _FEW_EVENTS})
    if small:
        named = f"{'; '.join(small[:3])}{' and others' if len(small) > 3 else ''}"
        text = f"Few events in subgroups ({named}); their estimates are unstable. Merge levels."
        notes.append(Note("small_subgroups", "caution", text))
    return notes
