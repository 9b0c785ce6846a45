"""Which columns the outcome form offers, and what its fields mean.

Fields carry column numbers, not names: names come from files and may hold anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from logic import BadInput, Dataset, Variable
from presentation.text import shortened, visible

FACTORS = frozenset({"categorical", "ordered", "binary"})
#: A longer list starts with nothing ticked: nobody reads sixty ticks.
MOST_PRESELECTED = 15
#: Factors with more levels are no predictors (stats/terms.py refuses them too).
MOST_LEVELS = 100
_GLANCE = 2_000
_UNDERSTOOD = ({"0", "1"}, {"no", "yes"}, {"false", "true"})


def title_of(variable: Variable) -> str:
    """The label, or the name, short enough for a menu."""
    return shortened(visible(variable.title))


def levels_of(dataset: Dataset, name: str) -> tuple[str, ...]:
    """The levels that occur, in order, as texts."""
    return tuple(str(c) for c in dataset.factor(name).remove_unused_categories().categories)


def _may_have_two_levels(dataset: Dataset, variable: Variable) -> bool:
    if variable.kind in FACTORS:
        return len(set(variable.levels) - set(variable.missing_codes)) >= 2
    if variable.kind != "continuous":
        return False
    head = dataset.raw[variable.name].iloc[:_GLANCE].dropna()
    # Few-valued at a glance; the whole column is looked at only then.
    return head.nunique() <= 2 + len(variable.missing_codes)


def outcome_columns(dataset: Dataset) -> tuple[int, ...]:
    """Columns in which exactly two values occur."""

    def find() -> tuple[int, ...]:
        return tuple(
            i for i, variable in enumerate(dataset.variables.values())
            if _may_have_two_levels(dataset, variable)
            and (variable.kind == "continuous" or len(variable.levels) <= MOST_LEVELS)
            and len(levels_of(dataset, variable.name)) == 2
        )  # fmt: skip

    return dataset.remember(("page", "outcomes"), find)


def understood_event(levels: Iterable[str]) -> str | None:
    """The event of 0/1, no/yes and FALSE/TRUE; None for every other coding."""
    by_word = {level.casefold(): level for level in levels}
    for coding in _UNDERSTOOD:
        if set(by_word) == coding:
            return by_word[next(iter(coding & {"1", "yes", "true"}))]
    return None


def predictor_columns(dataset: Dataset, outcome: int) -> tuple[int, ...]:
    """Columns that can be predictors: no identifiers, no dates, no factors of many levels."""
    return tuple(
        i for i, variable in enumerate(dataset.variables.values())
        if i != outcome and variable.kind not in ("date", "identifier")
        and not (variable.kind in FACTORS and len(variable.levels) > MOST_LEVELS)
    )  # fmt: skip


def kind_words(variable: Variable) -> str:
    """What stands beside a name in the list of predictors."""
    if variable.kind not in FACTORS:
        return variable.unit or variable.kind
    return f"{variable.kind}, {len(variable.levels)} levels"


def is_factor(dataset: Dataset, column: int) -> bool:
    """True when the column enters a model as levels."""
    return dataset.variables[dataset.names[column]].kind in FACTORS


def default_reference(dataset: Dataset, name: str) -> str:
    """The reference level as results print it: the variable table's, else the first."""
    variable = dataset.variables[name]
    levels = [str(c) for c in dataset.factor(name).categories]
    if variable.reference is not None and variable.reference in variable.levels:
        shown = variable.shown_levels[variable.levels.index(variable.reference)]
        if shown in levels:
            return shown
    return levels[0] if levels else ""


def scale_of(name: str, text: str) -> float | str | None:
    """Units of an odds ratio as typed: a number, SD or IQR; None for one unit."""
    typed = text.strip().casefold()
    if typed in ("", "1"):
        return None
    if typed in ("sd", "iqr"):
        return typed
    try:
        number = float(typed.replace(",", "."))
    except ValueError:
        number = float("nan")
    if 0 < number < float("inf"):
        return None if number == 1 else number
    raise BadInput(
        f'The units of "{name}" must be a number above 0, SD or IQR, not "{text[:40]}".',
        column=name, rule="units", found=text[:40], hint='For example 10, or "SD".',
    )  # fmt: skip


def ci_level_of(text: str) -> float:
    """A confidence level as typed, in per cent (95 -> 0.95)."""
    try:
        percent = float(text.strip().rstrip("%").replace(",", "."))
    except ValueError:
        percent = float("nan")
    if 50 <= percent < 100:
        return percent / 100
    raise BadInput(
        f'The confidence level must lie between 50 and 100 %, not "{text[:40]}".',
        rule="confidence level", found=text[:40], hint="The usual choice is 95.",
    )  # fmt: skip


def seed_of(text: str) -> int:
    """A seed as typed: a whole number of at most nine digits."""
    typed = text.strip()
    if typed.isdecimal() and len(typed) <= 9:
        return int(typed)
    raise BadInput(
        f'The seed must be a whole number, not "{text[:40]}".', rule="seed", found=text[:40],
        hint="The usual choice is 1.",
    )  # fmt: skip


def column_of(dataset: Dataset, text: object) -> str | None:
    """The name of the column that a field names by number; None when it names none."""
    number = int(text) if isinstance(text, str) and text.isdecimal() else -1
    return dataset.names[number] if 0 <= number < len(dataset.names) else None


def labels_and_units(variables: Mapping[str, Variable]) -> dict[str, dict[str, str]]:
    """`labels` and `units` as the presentation takes them."""
    return {
        "labels": {name: v.label for name, v in variables.items() if v.label},
        # "age (years), years" would say it twice.
        "units": {n: v.unit for n, v in variables.items() if v.unit and v.unit not in v.title},
    }
