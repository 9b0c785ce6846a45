"""The Python script that gives the same result again.

Every name and level from the data is written with `repr`, which escapes quotes, line breaks and
invisible characters: a literal in the script can hold anything and stays a literal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from stats.errors import BadInput
from stats.result import (
    AccuracyResult,
    CollinearityResult,
    ComparisonResult,
    CorrelationResult,
    CurveResult,
    EffectsResult,
    ModelResult,
    OutcomeResult,
    Result,
    SummaryResult,
    ValidationResult,
)

_INDENT = "    "


class VariableRow(Protocol):
    """The fields of a row of the variable table that the script writes down."""

    @property
    def name(self) -> str:
        """Column name."""
        ...

    @property
    def label(self) -> str:
        """Words to print for it."""
        ...

    @property
    def kind(self) -> str:
        """What its values are."""
        ...

    @property
    def levels(self) -> tuple[str, ...]:
        """Values as text, in order."""
        ...

    @property
    def level_labels(self) -> tuple[str, ...]:
        """Words to print for the levels."""
        ...

    @property
    def reference(self) -> str | None:
        """Reference level."""
        ...

    @property
    def missing_codes(self) -> tuple[str, ...]:
        """Cell texts that mean no value."""
        ...

    @property
    def unit(self) -> str:
        """Unit of measurement."""
        ...


def code_of(
    result: Result,
    *,
    data_file: str,
    variables: Sequence[VariableRow] = (),
    reading: Mapping[str, object] | None = None,
) -> str:
    """A script that reads `data_file` and repeats the call behind `result` with all its choices.

    `variables` are the rows of the variable table in force (those of the columns used are written),
    `reading` the choices of the import that differ from its own proposal. The script's `main`
    returns the result.
    """
    named = _columns(result.choices)
    used = [v for v in variables if v.name in named]
    lines = ["import logic", "", "", "def main():"]
    read = f"logic.import_file({_literal(data_file)}"
    if reading:
        lines += _call(f"choices = {_reader()}", reading)
        read += ", choices=choices"
    lines.append(f"{_INDENT}imported = {read})")
    lines.append(f"{_INDENT}data = logic.Dataset(imported.frame, imported.variables)")
    if used:
        lines.append(f"{_INDENT}data = data.with_variables([")
        lines += [f"{_INDENT * 2}{_variable(v)}," for v in used]
        lines.append(f"{_INDENT}])")
    lines += _call(f"result = logic.{_function(result)}", result.choices, first="data")
    lines += [
        f"{_INDENT}return result", "", "",
        'if __name__ == "__main__":',
        f"{_INDENT}print(main().{_shown(result)}.to_string())",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _reader() -> str:
    return "logic.ReadChoices"


def _function(result: Result) -> str:
    if not result.analysis.isidentifier():
        raise BadInput(
            f'There is no function called "{result.analysis}".',
            rule="analysis", found=result.analysis, hint="Run the analysis again.",
        )  # fmt: skip
    return result.analysis


#: The table that the script prints, by class of result.
_SHOWN: Mapping[type[Result], str] = {
    OutcomeResult: "adjusted.effects",
    ModelResult: "adjusted.effects",
    EffectsResult: "effects",
    CollinearityResult: "collinearity",
    ValidationResult: "measures",
    SummaryResult: "summary",
    ComparisonResult: "tests",
    CorrelationResult: "pairs",
    CurveResult: "summary",
    AccuracyResult: "measures",
}


def _shown(result: Result) -> str:
    """The table that the script prints. TypeError for a class that is not known here."""
    for kind, table in _SHOWN.items():
        if isinstance(result, kind):
            return table
    raise TypeError(f"no table is known for {type(result).__name__}")


def _columns(choice: object) -> set[str]:
    """Every text in the choices that may name a column, however deep it stands."""
    if isinstance(choice, str):
        return {choice}
    if isinstance(choice, Mapping):
        parts = (*choice.keys(), *choice.values())
    elif isinstance(choice, (tuple, list)):
        parts = tuple(choice)
    else:
        return set()
    return {text for part in parts for text in _columns(part)}


def _call(start: str, arguments: Mapping[str, Any], first: str = "") -> list[str]:
    lines = [f"{_INDENT}{start}("]
    if first:
        lines.append(f"{_INDENT * 2}{first},")
    lines += [f"{_INDENT * 2}{name}={_literal(value)}," for name, value in arguments.items()]
    return [*lines, f"{_INDENT})"]


def _variable(variable: VariableRow) -> str:
    """A `Variable(...)` with the fields that are not empty."""
    given = {
        "name": variable.name, "label": variable.label, "kind": variable.kind,
        "levels": variable.levels, "level_labels": variable.level_labels,
        "reference": variable.reference, "missing_codes": variable.missing_codes,
        "unit": variable.unit,
    }  # fmt: skip
    shown = [f"{k}={_literal(v)}" for k, v in given.items() if v or k == "name"]
    return f"logic.Variable({', '.join(shown)})"


def _literal(value: object) -> str:
    """Plain data as Python source. TypeError for anything else."""
    if value is None or isinstance(value, (bool, int, str)):
        return repr(value)
    if isinstance(value, float):
        return repr(value) if value - value == 0 else f'float("{value!r}")'
    if isinstance(value, (tuple, list)):
        inner = ", ".join(_literal(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in value.items()) + "}"
    raise TypeError(f"a choice cannot be written as code: {type(value).__name__}")
