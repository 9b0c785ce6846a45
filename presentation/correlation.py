"""How `correlate` is printed: pairs, matrix, methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presentation import numbers
from presentation.association import ADJUSTMENT_WORDS, cited, estimate_column, fixed_cell
from presentation.citations import Citations
from presentation.correlation_matrix import correlation_matrix
from presentation.details import exclusions_table
from presentation.effects import rows_of
from presentation.figures import Figure, figures_of, more_tables_of
from presentation.follow_up import count_cell, count_column, p_cell, p_column
from presentation.journal import table_of
from presentation.methods import methods_text
from presentation.names import Names, names_of
from presentation.notes import general_notes
from presentation.numbers import PLAIN, NumberStyle
from presentation.paragraphs import assembled, rows_sentence, software_sentence
from presentation.table import Cell, Column, Footnotes, Row, Table
from presentation.text import joined
from presentation.wording import ci_percent
from stats.result import CorrelationResult

#: Coefficient in a table's head, and in running text.
COEFFICIENTS = {
    "pearson": ("r", "Pearson's product-moment correlation"),
    "spearman": ("rho", "Spearman's rank correlation"),
    "kendall": ("tau-b", "Kendall's tau-b"),
}
_INTERVALS = {
    "fisher": "Fisher's z transformation",
    "bonett_wright": "Fisher's z transformation with Bonett and Wright's variance",
    "fieller": "Fisher's z transformation with Fieller's variance",
}
_TESTS = {
    "t": "t test of no correlation.", "normal": "Normal test with a variance corrected for ties.",
    "exact": "Exact test.", "series": "Edgeworth series of the exact distribution (AS 89).",
}  # fmt: skip
_MOST_IN_MATRIX = 12


@table_of.register
def _(
    result: CorrelationResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> Table:
    names, footnotes = names_of(result.choices, labels, units), Footnotes()
    pairs = rows_of(result.table("pairs"))
    adjusted = result.choices["adjust"] != "none" and len(pairs) > 1
    short, words = COEFFICIENTS[result.choices["method"]]
    limits = footnotes.mark(f"{words}; interval by {_INTERVALS[result.choices['interval']]}.")
    # one test for all pairs is named at the column, several at their rows
    one = result.method["tests"][0] if len(result.method["tests"]) == 1 else None
    test = footnotes.mark(_TESTS[one]) if one else ""
    rows = tuple(
        _row(row, names, style, None if one else footnotes, adjusted=adjusted) for row in pairs
    )
    columns = [
        Column("Variables"), count_column("n"), estimate_column(short, result, "0.00", limits),
        p_column(style, mark=test),
    ]  # fmt: skip
    if adjusted:
        by = ADJUSTMENT_WORDS[result.choices["adjust"]]
        mark = footnotes.mark(f"Adjusted for the number of pairs by {by}.")
        columns.append(p_column(style, f"{style.p_symbol}, adjusted", mark))
    return Table(
        name="Correlations", title=f"{words}{_given(result, names)}.",
        subtitle=f"{result.n_used} of {result.n_rows} rows used.", columns=tuple(columns),
        rows=rows, footnotes=footnotes.done(),
        notes=("CI, confidence interval.", *general_notes((result,))),
    )  # fmt: skip


def _given(result: CorrelationResult, names: Names) -> str:
    if not result.given:
        return ""
    return f", with {joined([names.of(g) for g in result.given])} held constant"


def _row(
    row: Mapping[str, Any], names: Names, style: NumberStyle, footnotes: Footnotes | None, *,
    adjusted: bool,
) -> Row:  # fmt: skip
    mark = footnotes.mark(_TESTS[row["test"]]) if footnotes and row["test"] else ""
    cells = [
        Cell(f"{names.of(row['variable_a'])} and {names.of(row['variable_b'])}"),
        count_cell(row["n"]),
        fixed_cell(row["coefficient"], row["ci_low"], row["ci_high"], 2, style),
        p_cell(row["p_value"], style, mark),
    ]
    if adjusted:
        cells.append(p_cell(row["p_adjusted"], style))
    return Row("single", tuple(cells))


@more_tables_of.register
def _(
    result: CorrelationResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Table, ...]:
    tables: list[Table] = []
    if 2 < len(result.variables) <= _MOST_IN_MATRIX:
        tables.append(_matrix(result, names_of(result.choices, labels, units), style))
    return (*tables, exclusions_table(result))


def _matrix(result: CorrelationResult, names: Names, style: NumberStyle) -> Table:
    """Coefficients below the diagonal, with p (adjusted where it is) above it."""
    by_pair = {(r["variable_a"], r["variable_b"]): r for r in rows_of(result.table("pairs"))}
    shown = result.variables
    rows: list[Row] = []
    for i, a in enumerate(shown):
        cells = [Cell(names.of(a))]
        for j, b in enumerate(shown):
            if i == j:
                cells.append(Cell("1", (1.0,)))
            elif j < i:
                value = by_pair[b, a]["coefficient"]
                cells.append(_number(value, numbers.number(value, 2, style)))
            else:
                value = by_pair[a, b]["p_adjusted"]
                cells.append(_number(value, numbers.p_value(value, style)))
        rows.append(Row("single", tuple(cells)))
    short, _ = COEFFICIENTS[result.choices["method"]]
    symbol = style.p_symbol
    adjust = ADJUSTMENT_WORDS.get(result.choices["adjust"])
    above = f"{symbol} above, adjusted by {adjust}" if adjust else f"{symbol} above"
    return Table(
        name="Matrix", title="Matrix of correlations.",
        subtitle=f"{short} below the diagonal, {above}.", rows=tuple(rows),
        columns=(
            Column(""),
            *(Column(names.of(v), "number", (names.of(v),), ("0.00####",)) for v in shown),
        ),
    )  # fmt: skip


def _number(value: float, text: str) -> Cell:
    return Cell(text, (value if value - value == 0 else None,))


@figures_of.register
def _(
    result: CorrelationResult,
    *,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    style: NumberStyle = PLAIN,
) -> tuple[Figure, ...]:
    names = names_of(result.choices, labels, units)
    words = COEFFICIENTS[result.choices["method"]][1] + _given(result, names)
    return correlation_matrix(result, names, style, words)


@methods_text.register
def _(
    result: CorrelationResult,
    *,
    versions: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> str:
    names, cite, choices = names_of(result.choices, labels, units), Citations(), result.choices
    listed = joined([names.of(v) for v in result.variables])
    kendall = cited(cite, result, "Kendall MG")
    said = (
        f"Correlations of {listed} were estimated as "
        f"{COEFFICIENTS[choices['method']][1]}{kendall}{_given(result, names)}."
    )
    source = cited(cite, result, "Fisher RA", "Bonett DG", "Fieller EC")
    limits = (
        f"{ci_percent(result.method, choices)}% confidence intervals use "
        f"{_INTERVALS[choices['interval']]}{source}."
    )
    paragraphs = [
        f"{said} {limits} {_test_words(result, cite)} {_row_words(result)}",
        rows_sentence(result), software_sentence(versions, cite),
    ]  # fmt: skip
    cite.add(result.references)
    return assembled(paragraphs, cite)


def _test_words(result: CorrelationResult, cite: Citations) -> str:
    words = {
        "t": "the t distribution", "normal": "the normal distribution with a variance corrected "
        "for ties", "exact": "the exact distribution",
        "series": f"the Edgeworth series of the exact distribution"
        f"{cited(cite, result, 'Best DJ')}",
    }  # fmt: skip
    tests = joined([words[t] for t in result.method["tests"]])
    by = ADJUSTMENT_WORDS.get(result.choices["adjust"])
    pairs = result.table("pairs").n_rows
    several = f", adjusted for {pairs} pairs by {by}" if by and pairs > 1 else ""
    return f"P-values are two-sided and come from {tests}{several}." if tests else ""


def _row_words(result: CorrelationResult) -> str:
    if result.choices["missing"] == "complete":
        return "All pairs use the rows that know every variable."
    return "Each pair uses the rows that know both variables."
