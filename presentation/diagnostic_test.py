"""How `evaluate_test` is printed: measures of accuracy, counts, methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presentation import numbers
from presentation.accuracy import ACCURACY, AccuracyPrinter
from presentation.association import cited, estimate_column, percent_cell, ratio_cell, share_cell
from presentation.citations import Citations
from presentation.cross_counts import counts_table
from presentation.effects import rows_of
from presentation.follow_up import with_interval
from presentation.names import Names
from presentation.notes import general_notes
from presentation.numbers import NumberStyle
from presentation.paragraphs import assembled, rows_sentence, software_sentence
from presentation.table import Cell, Column, Footnotes, Row, Table
from presentation.wording import ci_percent
from stats.result import AccuracyResult

_TITLES = {
    "sensitivity": "Sensitivity, %", "specificity": "Specificity, %",
    "ppv": "Positive predictive value, %", "npv": "Negative predictive value, %",
    "accuracy": "Accuracy, %", "prevalence": "Prevalence, %",
    "lr_positive": "Positive likelihood ratio", "lr_negative": "Negative likelihood ratio",
    "diagnostic_odds_ratio": "Diagnostic odds ratio", "youden": "Youden's index",
}  # fmt: skip
_AT = {
    "ppv_at_prevalence": "Positive predictive value, %",
    "npv_at_prevalence": "Negative predictive value, %",
}
_METHODS = {
    "wilson": "Wilson's score interval.", "exact": "Exact interval (Clopper–Pearson).",
    "log": "Normal interval of the logarithm.", "newcombe": "Newcombe's score interval.",
    "koopman": "Koopman's score interval.",
    "log, 0.5 added": "With 0.5 added to each cell; normal interval of the logarithm.",
    "logit": "Normal interval on the logit scale.",
    "logit, 0.5 added": "With 0.5 added to each cell; normal interval on the logit scale.",
}  # fmt: skip


def accuracy_table(result: AccuracyResult, names: Names, style: NumberStyle) -> Table:
    """Every measure with its interval; footnotes name the interval."""
    method, footnotes = result.method, Footnotes()
    rows = [_row(row, footnotes, style, result) for row in rows_of(result.table("measures"))]
    test, truth = names.of(method["test"]), names.of(method["truth"])
    return Table(
        name="Accuracy", title=f"Accuracy of {test} for {truth}.",
        subtitle=(
            f"Positive: {test} = {method['positive']}. Event: {truth} = {method['event']}. "
            f"{result.n_used} of {result.n_rows} rows used."
        ),
        columns=(
            Column("Measure"),
            Column("n/N (%)", "number", ("n", "N", "%"), ("0", "0", "0.0")),
            estimate_column("Estimate", result),
        ),
        rows=tuple(rows), footnotes=footnotes.done(),
        notes=("CI, confidence interval.", *general_notes((result,))),
    )  # fmt: skip


def _row(
    row: Mapping[str, Any], footnotes: Footnotes, style: NumberStyle, result: AccuracyResult
) -> Row:
    name, values = row["measure"], (row["estimate"], row["ci_low"], row["ci_high"])
    mark = footnotes.mark(_METHODS[row["method"]])
    counts = Cell()
    if name in _AT:
        share = numbers.percent(100.0 * result.choices["prevalence"], style)
        title, cell = f"{_AT[name]}, at a prevalence of {share}", percent_cell(*values, style)
    elif name == "youden":
        title, cell = _TITLES[name], with_interval(*values, 2, style)
    elif _TITLES[name].endswith("%"):
        title, cell = _TITLES[name], percent_cell(*values, style)
        counts = share_cell(row["x"], row["n"], style)
    else:
        title, cell = _TITLES[name], ratio_cell(*values, style)
    return Row("single", (Cell(title, mark=mark), counts, cell))


def more_accuracy_tables(
    result: AccuracyResult, names: Names, style: NumberStyle
) -> tuple[Table, ...]:
    """The counts behind the measures."""
    del style
    return (counts_table(result, names, result.method["test"], result.method["truth"]),)


def accuracy_methods(result: AccuracyResult, names: Names, versions: Mapping[str, str]) -> str:
    """Test, truth, measures, intervals, rows and software, with references."""
    cite, method = Citations(), result.method
    test, truth = names.of(method["test"]), names.of(method["truth"])
    exact = result.choices["interval"] == "exact"
    kind = "exact (Clopper–Pearson)" if exact else "Wilson's score"
    said = (
        f"The accuracy of {test} (positive: {method['positive']}) was evaluated against {truth} "
        f"(event: {method['event']}) as the reference standard."
    )
    limits = (
        f"{ci_percent(method, result.choices)}% confidence intervals of proportions are {kind} "
        f"intervals{cited(cite, result, 'Wilson EB', 'Clopper CJ')}; those of likelihood ratios "
        f"and of the diagnostic odds ratio are normal on the logarithmic scale"
        f"{cited(cite, result, 'Simel DL')}, that of Youden's index is Newcombe's interval of a "
        f"difference of proportions{cited(cite, result, 'Newcombe RG')}."
    )
    zero = (
        " Because a cell of the table was empty, likelihood ratios are also given with Koopman's "
        "score interval, and ratios with 0.5 added to each cell."
        if method["zero_cells"] else ""
    )  # fmt: skip
    prevalence = result.choices["prevalence"]
    at = (
        f" Predictive values at a prevalence of {numbers.percent(100.0 * prevalence)} follow from "
        f"the likelihood ratios by Bayes' theorem, with intervals on the logit scale"
        f"{cited(cite, result, 'Mercaldo ND')}."
        if prevalence is not None else ""
    )  # fmt: skip
    paragraphs = [
        said, f"{limits}{zero}{at}", rows_sentence(result), software_sentence(versions, cite)
    ]  # fmt: skip
    cite.add(result.references)
    return assembled(paragraphs, cite)


ACCURACY.add(
    "evaluate_test",
    AccuracyPrinter(
        table=accuracy_table, more_tables=more_accuracy_tables, methods=accuracy_methods
    ),
)
