"""The choices that regression models of terms share, checked and completed before any work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stats.design import Bools, Ints, Term
from stats.errors import BadInput
from stats.named_choices import confidence_level
from stats.terms import (
    build_term,
    check_predictors,
    column_names,
    resolve_references,
    resolve_scale,
)
from stats.variables import Dataset, quote_list


def term_choices(
    dataset: Dataset, choices: Mapping[str, Any], roles: Mapping[str, str | None]
) -> dict[str, Any]:
    """Predictors, references, exposure, adjustment, scale, ci_level and common_sample in full.

    `roles` are the columns that serve elsewhere (role -> column), which no predictor may be.
    BadInput as the pieces say.
    """
    predictors = column_names(choices["predictors"], "predictors")
    for role, name in roles.items():
        if name is not None and name in predictors:
            raise BadInput(
                f'"{name}" is the {role} and cannot also be a predictor.', column=name,
                rule="predictors", hint="Take it out of the predictors.",
            )  # fmt: skip
    check_predictors(dataset, predictors)
    exposure = exposure_among(predictors, choices["exposure"])
    return {
        "predictors": predictors,
        "references": resolve_references(dataset, predictors, choices["references"]),
        "exposure": exposure,
        "adjust": adjustment(choices["adjust"], predictors, exposure),
        "ci_level": confidence_level(choices["ci_level"]),
        "common_sample": bool(choices["common_sample"]),
        "scale": resolve_scale(dataset, predictors, choices["scale"]),
    }


def exposure_among(predictors: Sequence[str], exposure: str | None) -> str | None:
    """The exposure, if any; BadInput where it is none of the predictors."""
    if exposure is not None and exposure not in predictors:
        raise BadInput(
            f'The exposure "{exposure}" is not among the predictors.', column=str(exposure),
            rule="exposure", hint=f"Choose one of {quote_list(predictors)}.",
        )  # fmt: skip
    return exposure


def adjustment(
    wanted: str | Sequence[str], predictors: Sequence[str], exposure: str | None
) -> str | tuple[str, ...]:
    """The word "all", or the predictors of the adjusted model in order, the exposure included."""
    if wanted == "all":
        return "all"
    names = column_names(wanted, "adjustment set")
    for name in names:
        if name not in predictors:
            raise BadInput(
                f'The adjustment set names "{name}", which is not among the predictors.',
                column=name, rule="adjust", hint="Add it to the predictors, or take it out here.",
            )  # fmt: skip
    chosen = {*names, exposure} if exposure else set(names)
    ordered = tuple(p for p in predictors if p in chosen)
    if not ordered:
        raise BadInput(
            "The adjustment set is empty.", rule="adjust", hint='Name predictors, or use "all".'
        )
    return ordered


def build_terms(dataset: Dataset, choices: Mapping[str, Any]) -> list[Term]:
    """The predictors as arrays, in their order."""
    references, scale = choices["references"], choices["scale"]
    return [
        build_term(dataset, name, references.get(name), scale.get(name, 1.0))
        for name in choices["predictors"]
    ]


def adjusted_terms(terms: Sequence[Term], choices: Mapping[str, Any]) -> list[Term]:
    """Those of the adjusted model."""
    names = choices["predictors"] if choices["adjust"] == "all" else choices["adjust"]
    return [term for term in terms if term.name in names]


def only_rows(known: Bools, rows: Ints) -> Bools:
    """A mask of the file's rows that marks `rows`."""
    within = np.zeros_like(known)
    within[rows] = True
    return within
