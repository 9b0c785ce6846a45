"""How `two_by_two` is printed: risks, effects and the number needed, all methods, tests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from presentation import numbers
from presentation.accuracy import ACCURACY, AccuracyPrinter
from presentation.association import (
    cited,
    estimate_column,
    level_words,
    percent_cell,
    ratio_cell,
    share_cell,
)
from presentation.citations import Citations
from presentation.cross_counts import counts_table
from presentation.effects import rows_of
from presentation.follow_up import p_cell, p_column
from presentation.names import Names
from presentation.notes import general_notes
from presentation.numbers import INFINITE, NumberStyle
from presentation.paragraphs import assembled, rows_sentence, software_sentence
from presentation.table import Cell, Column, Footnotes, Row, Table
from presentation.wording import ci_percent
from stats.result import AccuracyResult

_FEW = 5.0
_TESTS = {
    "chi_square": "Pearson's chi-square test without continuity correction",
    "chi_square_yates": "Chi-square test with Yates' continuity correction",
    "likelihood_ratio": "Likelihood-ratio chi-square test",
    "fisher": "Fisher's exact test (tables no more probable than the one seen)",
    "fisher_mid_p": "Fisher's test with mid-p",
    "fisher_twice_tail": "Fisher's exact test (twice the smaller tail)",
    "fisher_less": "Fisher's exact test, one-sided (fewer events among the exposed)",
    "fisher_greater": "Fisher's exact test, one-sided (more events among the exposed)",
}
_METHODS = {
    "wilson": "Wilson's score", "exact": "exact (Clopper–Pearson)", "newcombe": "Newcombe's score",
    "wald": "Wald", "miettinen-nurminen": "Miettinen and Nurminen's score", "log": "log (Wald)",
    "koopman": "Koopman's score",
    "log, 0.5 added": "log (Wald), 0.5 added to each cell",
    "conditional": "conditional maximum likelihood, exact",
}  # fmt: skip
_FOOTNOTES = {
    "wilson": "Wilson's score interval.", "exact": "Exact interval (Clopper–Pearson).",
    "newcombe": "Newcombe's score interval.", "wald": "Wald interval.",
    "miettinen-nurminen": "Miettinen and Nurminen's score interval.",
    "log": "Normal interval of the logarithm.",
    "koopman": "Koopman's score interval.",
    "log, 0.5 added": "With 0.5 added to each cell; normal interval of the logarithm.",
    "conditional": "Conditional maximum likelihood estimate with exact interval.",
}  # fmt: skip
_THROUGH = (
    " The interval of the difference holds 0, so that of the number needed goes through infinity, "
    "from one event more to one event fewer."
)
_MEASURES = {
    "risk_exposed": "Risk of the exposed, %", "risk_unexposed": "Risk of the unexposed, %",
    "risk_difference": "Risk difference, percentage points", "risk_ratio": "Risk ratio",
    "odds_ratio": "Odds ratio",
}  # fmt: skip


def effects_table(result: AccuracyResult, names: Names, style: NumberStyle) -> Table:
    """Both risks, difference, ratios and number needed; p of the test that fits the counts."""
    method, footnotes = result.method, Footnotes()
    found = {(r["measure"], r["method"]): r for r in rows_of(result.table("measures"))}
    exposure, outcome = names.of(method["exposure"]), names.of(method["outcome"])
    test = main_test(result)
    p = next(r["p_value"] for r in rows_of(result.table("tests")) if r["test"] == test)
    rows = [Row("heading", (Cell(exposure), Cell(), Cell(), Cell()))]
    for who, level in (("risk_exposed", "exposed"), ("risk_unexposed", "unexposed")):
        own = found[who, "wilson"]
        cells = share_cell(own["x"], own["n"], style), _cell(own, style, footnotes)
        rows.append(Row("level", (Cell(method[level]), *cells, Cell())))
    rows += [
        _effect(found["risk_difference", "newcombe"], p, style, footnotes, _TESTS[test]),
        _effect(found["risk_ratio", _ratio_method(found, "risk_ratio")], None, style, footnotes),
        _effect(found["odds_ratio", _ratio_method(found, "odds_ratio")], None, style, footnotes),
        _needed(found["nnt", "newcombe"], style, footnotes),
    ]
    return Table(
        name="Effects", title=f"{level_words(outcome, method['event'])} by {exposure}.",
        subtitle=(
            f"Exposed: {level_words(exposure, method['exposed'])}. "
            f"{result.n_used} of {result.n_rows} rows used."
        ),
        columns=(
            Column(""), Column("Events/n (%)", "number", ("events", "n", "%"), ("0", "0", "0.0")),
            estimate_column("Estimate", result), p_column(style),
        ),
        rows=tuple(rows), footnotes=footnotes.done(),
        notes=("CI, confidence interval.", *general_notes((result,))),
    )  # fmt: skip


def main_test(result: AccuracyResult) -> str:
    """Fisher's test where an expected count is below 5, else Pearson's chi-square."""
    return "fisher" if result.facts["smallest_expected"] < _FEW else "chi_square"


def _ratio_method(found: Mapping[tuple[str, str], Mapping[str, Any]], measure: str) -> str:
    """The plain log interval where it exists, else the score or exact one, else 0.5 added."""
    if not math.isnan(found[measure, "log"]["ci_low"]):
        return "log"
    better = "koopman" if measure == "risk_ratio" else "conditional"
    return better if (measure, better) in found else "log, 0.5 added"


def _effect(
    row: Mapping[str, Any], p: float | None, style: NumberStyle, footnotes: Footnotes,
    test: str = "",
) -> Row:  # fmt: skip
    estimate = _cell(row, style, footnotes)
    last = Cell() if p is None else p_cell(p, style, footnotes.mark(f"{test}."))
    return Row("single", (Cell(_MEASURES[row["measure"]]), Cell(), estimate, last))


def _cell(row: Mapping[str, Any], style: NumberStyle, footnotes: Footnotes) -> Cell:
    values = row["estimate"], row["ci_low"], row["ci_high"]
    percent = row["measure"].startswith(("risk_exposed", "risk_unexposed", "risk_difference"))
    cell = percent_cell(*values, style) if percent else ratio_cell(*values, style)
    return Cell(cell.text, cell.numbers, footnotes.mark(_FOOTNOTES[row["method"]]))


def _needed(row: Mapping[str, Any], style: NumberStyle, footnotes: Footnotes) -> Row:
    """`3.2 (2.3 to 5.2)` exposed for one event more, or fewer; two ranges through infinity."""
    value, low, high = row["estimate"], row["ci_low"], row["ci_high"]
    mark = footnotes.mark(
        "Reciprocals of the risk difference and of its limits (Altman)."
        + (_THROUGH if row["through_infinity"] else "")
    )
    more = value > 0
    title = f"Number exposed for one event {'more' if more else 'fewer'}"
    shown = numbers.number(abs(value), 1, style)
    if math.isnan(value):
        text, title = numbers.NOT_ESTIMABLE, "Number exposed for one event more"
    elif row["through_infinity"]:
        near, far = (high, low) if more else (low, high)
        other = "fewer" if more else "more"
        text = (
            f"{shown} ({numbers.number(abs(near), 1, style)} to {INFINITE}, and for one event "
            f"{other} {numbers.number(abs(far), 1, style)} to {INFINITE})"
        )
    else:
        ends = sorted((abs(low), abs(high)))
        near, far = (numbers.number(end, 1, style) for end in ends)
        text = f"{shown} ({numbers.between(near, far, style)})"
    raw = tuple(v if math.isfinite(v) else None for v in (value, low, high))
    return Row("single", (Cell(title), Cell(), Cell(text, raw, mark), Cell()))


def more_effects_tables(
    result: AccuracyResult, names: Names, style: NumberStyle
) -> tuple[Table, ...]:
    """Counts, every method of every measure, every test."""
    method = result.method
    counts = counts_table(result, names, method["exposure"], method["outcome"])
    return counts, _all_methods(result, style), _all_tests(result, style)


def _all_methods(result: AccuracyResult, style: NumberStyle) -> Table:
    rows = [r for r in rows_of(result.table("measures")) if r["measure"] != "nnt"]
    unused = Footnotes()
    lines = tuple(
        Row("single", (
            Cell(_MEASURES[r["measure"]]), Cell(_METHODS[r["method"]]),
            _plain(_cell(r, style, unused)),
        ))
        for r in rows
    )  # fmt: skip
    return Table(
        name="Methods compared", title="Estimates and intervals by method.", rows=lines,
        columns=(Column("Measure"), Column("Interval"), estimate_column("Estimate", result)),
        notes=("CI, confidence interval.",),
    )  # fmt: skip


def _plain(cell: Cell) -> Cell:
    return Cell(cell.text, cell.numbers)


def _all_tests(result: AccuracyResult, style: NumberStyle) -> Table:
    lines: list[Row] = []
    for r in rows_of(result.table("tests")):
        statistic = Cell()
        if not math.isnan(r["statistic"]):
            statistic = Cell(numbers.fixed(r["statistic"], 2, style), (r["statistic"],))
        lines.append(
            Row("single", (Cell(_TESTS[r["test"]]), statistic, p_cell(r["p_value"], style)))
        )
    return Table(
        name="Tests", title="Tests of no association.", rows=tuple(lines),
        columns=(
            Column("Test"), Column("Chi-square (1 df)", "number", ("Chi-square",), ("0.00",)),
            p_column(style),
        ),
        notes=("Choose the test before looking at its p-value.",),
    )  # fmt: skip


def effects_methods(result: AccuracyResult, names: Names, versions: Mapping[str, str]) -> str:
    """Exposure, outcome, effects, intervals, test, rows and software, with references."""
    cite, method = Citations(), result.method
    exposure, outcome = names.of(method["exposure"]), names.of(method["outcome"])
    said = (
        f"The association of {exposure} (exposed: {method['exposed']}, unexposed: "
        f"{method['unexposed']}) with {outcome} (event: {method['event']}) is given as risk "
        "difference, risk ratio and odds ratio."
    )
    limits = (
        f"{ci_percent(method, result.choices)}% confidence intervals are Wilson's score intervals "
        f"for risks, Newcombe's for the risk difference{cited(cite, result, 'Newcombe RG')} and "
        f"normal on the logarithmic scale for ratios{cited(cite, result, 'Katz D', 'Woolf B')}; "
        "the number needed and its interval are reciprocals of the risk difference and its limits"
        f"{cited(cite, result, 'Altman DG')}."
    )
    if method["zero_cells"]:
        limits += (
            " Because a cell of the table was empty, the risk ratio has Koopman's score interval"
            f"{cited(cite, result, 'Koopman PAR')} and the odds ratio is the conditional maximum "
            "likelihood estimate with its exact interval, where these exist."
        )
    words = _TESTS[main_test(result)]
    test = f"The groups were compared with {words}; p-values are two-sided."
    paragraphs = [
        f"{said} {limits} {test}", rows_sentence(result), software_sentence(versions, cite)
    ]  # fmt: skip
    cite.add(result.references)
    return assembled(paragraphs, cite)


ACCURACY.add(
    "two_by_two",
    AccuracyPrinter(table=effects_table, more_tables=more_effects_tables, methods=effects_methods),
)
