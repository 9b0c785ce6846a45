"""Which variables a cohort table holds and how each number is summarised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from stats.errors import BadInput
from stats.terms import MOST_LEVELS, column_names
from stats.variables import FACTOR_KINDS, Dataset, quote_list

STATISTICS: Final = ("mean", "median")


def cohort_variables(
    dataset: Dataset, variables: Sequence[str] | None, group: str | None
) -> tuple[str, ...]:
    """The variables asked for, or all that can be described. BadInput for others."""
    if variables is None:
        names = tuple(
            n for n in dataset.names if n != group and why_not_described(dataset, n) is None
        )  # fmt: skip
    else:
        names = column_names(variables, "variables")
        for name in names:
            _refuse(dataset, name, group)
    if not names:
        raise BadInput(
            "No variables were chosen.", rule="variables",
            hint="Choose at least one column to describe.",
        )  # fmt: skip
    return names


def why_not_described(dataset: Dataset, name: str) -> str | None:
    """Why a column cannot be described; None when it can."""
    kind = dataset.variable(name).kind
    if kind == "date":
        return "is a date"
    if kind == "identifier":
        return "is an identifier"
    if kind in FACTOR_KINDS and len(dataset.factor(name).categories) > MOST_LEVELS:
        return f"has {len(dataset.factor(name).categories):,} levels (at most {MOST_LEVELS} fit)"
    return None


def _refuse(dataset: Dataset, name: str, group: str | None) -> None:
    why = why_not_described(dataset, name)
    if why is not None:
        raise BadInput(
            f'"{name}" {why} and cannot be described in a table.', column=name,
            rule="kind of a variable", found=dataset.variable(name).kind,
            hint="Take it out, or change its kind in the variable table.",
        )  # fmt: skip
    if name == group:
        raise BadInput(
            f'"{name}" makes the groups and cannot also be described.', column=name,
            rule="variables", hint="Take it out of the variables.",
        )  # fmt: skip


def statistics_of(
    dataset: Dataset, names: Sequence[str], asked: Mapping[str, str] | str | None
) -> dict[str, str]:
    """The statistic of each number among the variables: mean or median."""
    numbers = [n for n in names if dataset.variable(n).kind not in FACTOR_KINDS]
    if asked is None or isinstance(asked, str):
        return dict.fromkeys(numbers, _known(asked or "mean", "all variables"))
    resolved = dict.fromkeys(numbers, "mean")
    for name, statistic in asked.items():
        if name not in resolved:
            dataset.variable(name)
            raise BadInput(
                f'A statistic was chosen for "{name}", which is not a number among the variables.',
                column=name, rule="statistics", hint="Leave it out.",
            )  # fmt: skip
        resolved[name] = _known(statistic, f'"{name}"')
    return resolved


def _known(statistic: object, what: str) -> str:
    if statistic not in STATISTICS:
        raise BadInput(
            f'The statistic "{statistic}" of {what} is not known.', rule="statistics",
            found=str(statistic), hint=f"Choose {quote_list(STATISTICS)}.",
        )  # fmt: skip
    return str(statistic)
