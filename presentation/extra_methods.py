"""Sentences of the methods paragraph on splines, selection, risks and subgroups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presentation.citations import Citations
from presentation.effects import rows_of
from presentation.names import Names
from presentation.text import joined
from stats.result import OutcomeResult


def selection_words(adjust: object) -> str:
    """`crude p below 0.2`, `backward elimination on AIC`; empty where the data chose nothing."""
    kind, _, detail = str(adjust).partition(":")
    if kind == "screen":
        return f"crude p below {detail}"
    return "backward elimination on AIC" if kind == "backward" else ""


def knot_words(shape: Mapping[str, Any]) -> str:
    """`40.7, 55.98, 64.27`: the knots of a spline as they are printed."""
    return ", ".join(f"{float(knot):.4g}" for knot in str(shape["knots"]).split(", "))


def spline_sentences(result: OutcomeResult, names: Names, cite: Citations) -> list[str]:
    """Which terms bend, where their knots stand, how the bend was tested."""
    if result.extras is None:
        return []
    shapes = rows_of(result.extras.table("nonlinearity"))
    if not shapes:
        return []
    knots = joined([f"{names.of(row['term'])} (knots at {knot_words(row)})" for row in shapes])
    tests = joined(
        [t.replace(" r", "-r") for t in dict.fromkeys(str(row["test"]) for row in shapes)]
    )
    verb = "were modelled as restricted cubic splines" if len(shapes) > 1 else (
        "was modelled as a restricted cubic spline"
    )  # fmt: skip
    return [
        f"In the adjusted model {knots} {verb}{cite('spline')}, with Harrell's quantiles as knots.",
        f"Departure from a straight line was tested by a {tests} test.",
    ]


def beside_sentences(result: OutcomeResult, names: Names, cite: Citations) -> list[str]:
    """Risk measures and subgroups."""
    if result.extras is None:
        return []
    found = []
    if result.extras.table("risks").n_rows:
        errors = "cluster-robust" if result.choices["cluster"] else "robust"
        found += [
            (
                f"Risk ratios were estimated by modified Poisson regression with {errors} standard "
                f"errors{cite('modified poisson')}."
            ),
            (
                "Risk differences were standardised over the patients of the adjusted model, with "
                "delta-method intervals."
            ),
        ]
    subgroups = result.extras.table("subgroups")
    if subgroups.n_rows:
        columns = list(dict.fromkeys(str(s) for s in subgroups.column("subgroup")))
        test = "robust Wald tests" if result.choices["cluster"] else "likelihood-ratio tests"
        found += [
            (
                f"The effect of {names.of(str(result.choices['exposure']))} was estimated within "
                f"the levels of {joined([names.of(c) for c in columns])}, each by an adjusted "
                "model of its own."
            ),
            (
                f"Differences between subgroups were tested by {test} of interaction, not adjusted "
                "for their number."
            ),
        ]
    return found
