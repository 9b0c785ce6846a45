"""What stands beside the odds ratios of an outcome model when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stats.adjusted import AdjustedModel
from stats.cluster_robust import cluster_choice
from stats.design import Ints
from stats.frozen import FrameField
from stats.result import Note, OutcomeExtras
from stats.risk_ratio import risks_of
from stats.selection import Selection
from stats.splines import shapes_of, spline_choice
from stats.subgroups import subgroup_choice, subgroups_of
from stats.terms import BinaryOutcome, build_term, resolve_references
from stats.variables import Dataset

Columns = dict[str, list[Any]]
_TABLES = ("selection", "nonlinearity", "curves", "risks", "subgroups")


def further_choices(
    dataset: Dataset, choices: Mapping[str, Any], roles: Mapping[str, str | None],
    predictors: Sequence[str], adjust: str | Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """Splines, clusters, risk measures and subgroups, checked and in full.

    `roles`: the columns that are "outcome" and "exposure"; `adjust` is checked already.
    """
    cluster = cluster_choice(dataset, choices["cluster"], str(roles["outcome"]), predictors)
    return {
        "splines": spline_choice(dataset, choices["splines"], predictors, adjust),
        "cluster": cluster,
        "risk_measures": bool(choices["risk_measures"]),
        "subgroups": subgroup_choice(
            dataset, choices["subgroups"], {**roles, "cluster": cluster}
        ),
    }  # fmt: skip


def extras_of(
    dataset: Dataset, model: AdjustedModel, found: BinaryOutcome, clusters: Ints | None,
    selected: Selection | None, choices: Mapping[str, Any],
) -> tuple[OutcomeExtras | None, list[Note]]:  # fmt: skip
    """The further tables of the adjusted model (None where none was asked for) and their notes.

    `model` has the errors that are reported (cluster-robust where clusters were named).
    """
    tables: dict[str, Columns] = {}
    notes: list[Note] = []
    if selected is not None:
        tables["selection"] = selected.columns()
    if choices["splines"]:
        shapes, curves = shapes_of(model, found.y, choices["ci_level"])
        tables |= {"nonlinearity": shapes, "curves": curves}
    if choices["risk_measures"]:
        risks, said = risks_of(model, found.y, clusters, choices["ci_level"])
        tables["risks"] = risks
        notes += said
    if choices["subgroups"]:
        groups = [build_term(dataset, n, _reference(dataset, n)) for n in choices["subgroups"]]
        parts, said = subgroups_of(model.terms, groups, found, clusters, choices)
        tables["subgroups"] = parts
        notes += said
    if not tables:
        return None, notes
    return OutcomeExtras(**{name: tables.get(name) or _empty(name) for name in _TABLES}), notes


def _reference(dataset: Dataset, name: str) -> str | None:
    return resolve_references(dataset, [name], None).get(name)


def _empty(name: str) -> Columns:
    table: FrameField = vars(OutcomeExtras)[name]
    return {column: [] for column in table.columns}
