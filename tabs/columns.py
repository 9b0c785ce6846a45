"""Which columns of a dataset a form offers, and what stands for them on the page.

Fields carry column numbers, not names: names come from files and may hold anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from logic import Dataset, Variable
from presentation.text import shortened, visible

FACTORS = frozenset({"categorical", "ordered", "binary"})
#: Factors with more levels are no predictors (stats/terms.py refuses them too).
MOST_LEVELS = 100
_GLANCE = 2_000
_UNDERSTOOD = ({"0", "1"}, {"no", "yes"}, {"false", "true"})


def title_of(variable: Variable) -> str:
    """The label, or the name, short enough for a menu."""
    return shortened(visible(variable.title))


def column_of(dataset: Dataset, text: object) -> str | None:
    """The name of the column that a field names by number; None when it names none."""
    number = int(text) if isinstance(text, str) and text.isdecimal() else -1
    return dataset.names[number] if 0 <= number < len(dataset.names) else None


def levels_of(dataset: Dataset, name: str) -> tuple[str, ...]:
    """The levels that occur, in order, as texts."""
    return tuple(str(c) for c in dataset.factor(name).remove_unused_categories().categories)


def is_factor(dataset: Dataset, column: int) -> bool:
    """True when the column enters a model as levels."""
    return dataset.variables[dataset.names[column]].kind in FACTORS


def offered(dataset: Dataset, of_kind: str) -> tuple[int, ...]:
    """Numbers of the columns of a kind (`tabs.form.fields.ColumnKind`)."""
    return dataset.remember(("page", of_kind), lambda: _offered(dataset, of_kind))


def _offered(dataset: Dataset, of_kind: str) -> tuple[int, ...]:
    return tuple(
        i for i, variable in enumerate(dataset.variables.values())
        if _suits(dataset, variable, of_kind)
    )  # fmt: skip


def _suits(dataset: Dataset, variable: Variable, of_kind: str) -> bool:
    match of_kind:
        case "numeric":
            return variable.kind == "continuous"
        case "ranked":
            return variable.kind in ("continuous", "ordered")
        case "factor":
            return _few_levels(dataset, variable)
        case "two levels":
            return _few_levels(dataset, variable) and len(levels_of(dataset, variable.name)) == 2
        case "predictor":
            crowded = variable.kind in FACTORS and len(variable.levels) > MOST_LEVELS
            return variable.kind not in ("date", "identifier") and not crowded
        case _:
            return True


def _few_levels(dataset: Dataset, variable: Variable) -> bool:
    """A factor of at most a hundred levels, or numbers of two values."""
    if variable.kind in FACTORS:
        known = set(variable.levels) - set(variable.missing_codes)
        return len(known) >= 2 and len(variable.levels) <= MOST_LEVELS
    if variable.kind != "continuous":
        return False
    head = dataset.raw[variable.name].iloc[:_GLANCE].dropna()
    # Few-valued at a glance; the whole column is looked at only then.
    few = head.nunique() <= 2 + len(variable.missing_codes)
    return few and len(levels_of(dataset, variable.name)) == 2


def understood_event(levels: Iterable[str]) -> str | None:
    """The event of 0/1, no/yes and FALSE/TRUE; None for every other coding."""
    by_word = {level.casefold(): level for level in levels}
    for coding in _UNDERSTOOD:
        if set(by_word) == coding:
            return by_word[next(iter(coding & {"1", "yes", "true"}))]
    return None


def kind_words(variable: Variable) -> str:
    """What stands beside a name in a list of columns."""
    if variable.kind not in FACTORS:
        return variable.unit or variable.kind
    return f"{variable.kind}, {len(variable.levels)} levels"


def default_reference(dataset: Dataset, name: str) -> str:
    """The reference level as results print it: the variable table's, else the first."""
    variable = dataset.variables[name]
    levels = [str(c) for c in dataset.factor(name).categories]
    if variable.reference is not None and variable.reference in variable.levels:
        shown = variable.shown_levels[variable.levels.index(variable.reference)]
        if shown in levels:
            return shown
    return levels[0] if levels else ""


def labels_and_units(variables: Mapping[str, Variable]) -> dict[str, dict[str, str]]:
    """`labels` and `units` as the presentation takes them."""
    return {
        "labels": {name: v.label for name, v in variables.items() if v.label},
        # "age (years), years" would say it twice.
        "units": {n: v.unit for n, v in variables.items() if v.unit and v.unit not in v.title},
    }
