"""How `stratify` is printed: strata, crude and pooled effects, forest of the strata, methods."""

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
from presentation.effects import rows_of
from presentation.follow_up import count_cell, count_column, p_cell, p_column
from presentation.names import Names
from presentation.notes import general_notes
from presentation.numbers import NumberStyle
from presentation.paragraphs import assembled, rows_sentence, software_sentence
from presentation.strata_forest import strata_forest
from presentation.table import Cell, Column, Footnotes, Row, Spanner, Table
from presentation.wording import ci_percent
from stats.result import AccuracyResult

_TESTS = {
    "cmh": "Cochran–Mantel–Haenszel test without continuity correction",
    "cmh_continuity": "Cochran–Mantel–Haenszel test with continuity correction",
    "breslow_day": "Breslow–Day test that the strata have one odds ratio",
    "breslow_day_tarone": (
        "Breslow–Day test that the strata have one odds ratio, with Tarone's correction"
    ),
    "woolf": "Woolf's test that the strata have one odds ratio",
    "exact_conditional": "Exact conditional test of no association",
}
_POOLED = {
    "mantel-haenszel": "Mantel–Haenszel", "inverse variance": "Inverse variance (Woolf)",
    "conditional": "Conditional maximum likelihood, exact interval",
}  # fmt: skip
_MEASURES = ("odds_ratio", "risk_ratio", "risk_difference")


def strata_table(result: AccuracyResult, names: Names, style: NumberStyle) -> Table:
    """One row per stratum, then crude and pooled; p of association and of disagreement."""
    method, footnotes = result.method, Footnotes()
    exposure, outcome = names.of(method["exposure"]), names.of(method["outcome"])
    tests = {r["test"]: r["p_value"] for r in rows_of(result.table("tests"))}
    found = effects_of(result)
    shares = _shares(result, style)
    blank = [Cell() for _ in range(6)]
    rows = [Row("heading", (Cell(names.of(method["stratum"])), *blank))]
    for label in method["strata"]:
        cells = _effect_cells(found["stratum", label], style)
        rows.append(Row("level", (Cell(label), *shares[label], *cells, Cell())))
    cells = _effect_cells(found["crude", None], style)
    rows.append(Row("single", (Cell("Crude"), *shares[None], *cells, Cell())))
    cmh = "cmh_continuity" if method["continuity"] else "cmh"
    pooled = Cell("Pooled", mark=footnotes.mark("Mantel–Haenszel estimates."))
    last = p_cell(tests[cmh], style, footnotes.mark(f"{_TESTS[cmh]}."))
    cells = _effect_cells(found["pooled", None], style)
    rows.append(Row("single", (pooled, *shares[None], *cells, last)))
    return Table(
        name="Strata",
        title=(
            f"{level_words(outcome, method['event'])} by {exposure} within "
            f"{names.of(method['stratum'])}."
        ),
        subtitle=(
            f"Exposed: {level_words(exposure, method['exposed'])}. "
            f"{result.n_used} of {result.n_rows} rows used."
        ),
        columns=_columns(result, style), rows=tuple(rows),
        spanners=(Spanner(f"{exposure}, events/n (%)", 1, 2),), footnotes=footnotes.done(),
        notes=(
            "CI, confidence interval.", agreement_words(result, style),
            *general_notes((result,)),
        ),
    )  # fmt: skip


def _columns(result: AccuracyResult, style: NumberStyle) -> tuple[Column, ...]:
    share = ("events", "n", "%"), ("0", "0", "0.0")
    return (
        Column("Stratum"), Column(result.method["exposed"], "number", *share),
        Column(result.method["unexposed"], "number", *share),
        estimate_column("Odds ratio", result), estimate_column("Risk ratio", result),
        estimate_column("Risk difference, percentage points", result, "0.0"), p_column(style),
    )  # fmt: skip


def effects_of(
    result: AccuracyResult,
) -> dict[tuple[str, str | None], dict[str, Mapping[str, Any]]]:
    """(scope, stratum) -> measure -> its row by the first method."""
    found: dict[tuple[str, str | None], dict[str, Mapping[str, Any]]] = {}
    for row in rows_of(result.table("measures")):
        found.setdefault((row["scope"], row["stratum"]), {}).setdefault(row["measure"], row)
    return found


def _effect_cells(effects: Mapping[str, Mapping[str, Any]], style: NumberStyle) -> list[Cell]:
    cells: list[Cell] = []
    for measure in _MEASURES:
        row = effects[measure]
        cell = percent_cell if measure == "risk_difference" else ratio_cell
        cells.append(cell(row["estimate"], row["ci_low"], row["ci_high"], style))
    return cells


def _shares(result: AccuracyResult, style: NumberStyle) -> dict[str | None, tuple[Cell, Cell]]:
    """Stratum (None: all) -> events/n of exposed and unexposed."""
    cells = rows_of(result.table("counts"))
    found: dict[str | None, tuple[Cell, Cell]] = {}
    total = [0, 0, 0, 0]
    for i in range(0, len(cells), 4):
        own = [int(cell["n"]) for cell in cells[i : i + 4]]
        total = [x + y for x, y in zip(total, own, strict=True)]
        found[cells[i]["stratum"]] = _two_shares(own, style)
    found[None] = _two_shares(total, style)
    return found


def _two_shares(cells: list[int], style: NumberStyle) -> tuple[Cell, Cell]:
    a, b, c, d = cells
    return share_cell(a, a + b, style), share_cell(c, c + d, style)


def agreement_words(result: AccuracyResult, style: NumberStyle) -> str:
    """The test of disagreement and its p as a sentence."""
    for row in rows_of(result.table("tests")):
        if row["test"].startswith("breslow_day"):
            return f"{_TESTS[row['test']]}: {numbers.p_phrase(row['p_value'], style)}."
    return ""


def more_strata_tables(
    result: AccuracyResult, names: Names, style: NumberStyle
) -> tuple[Table, ...]:
    """Pooled estimates by method, tests, counts of every stratum."""
    return (_pooled_table(result, style), _tests_table(result, style), _counts(result, names))


def _pooled_table(result: AccuracyResult, style: NumberStyle) -> Table:
    titles = {"odds_ratio": "Odds ratio", "risk_ratio": "Risk ratio",
              "risk_difference": "Risk difference, percentage points"}  # fmt: skip
    rows: list[Row] = []
    for row in rows_of(result.table("measures")):
        if row["scope"] == "pooled":
            values = row["estimate"], row["ci_low"], row["ci_high"]
            difference = row["measure"] == "risk_difference"
            cell = percent_cell(*values, style) if difference else ratio_cell(*values, style)
            cells = Cell(titles[row["measure"]]), Cell(_POOLED[row["method"]]), cell
            rows.append(Row("single", cells))
    return Table(
        name="Pooled estimates", title="Estimates pooled over the strata, by method.",
        columns=(Column("Measure"), Column("Method"), estimate_column("Estimate", result)),
        rows=tuple(rows), notes=("CI, confidence interval.",),
    )  # fmt: skip


def _tests_table(result: AccuracyResult, style: NumberStyle) -> Table:
    rows: list[Row] = []
    for row in rows_of(result.table("tests")):
        statistic, df = Cell(), Cell()
        if not math.isnan(row["statistic"]):
            statistic = Cell(numbers.fixed(row["statistic"], 2, style), (row["statistic"],))
            df = count_cell(row["df"])
        p = p_cell(row["p_value"], style)
        rows.append(Row("single", (Cell(_TESTS[row["test"]]), statistic, df, p)))
    return Table(
        name="Tests", title="Tests over the strata.", rows=tuple(rows),
        columns=(
            Column("Test"), Column("Chi-square", "number", ("Chi-square",), ("0.00",)),
            count_column("df"), p_column(style),
        ),
    )  # fmt: skip


def _counts(result: AccuracyResult, names: Names) -> Table:
    method = result.method
    cells = rows_of(result.table("counts"))
    rows = tuple(
        Row("single", (
            Cell(cells[i]["stratum"]), *(count_cell(cell["n"]) for cell in cells[i : i + 4]),
        ))
        for i in range(0, len(cells), 4)
    )  # fmt: skip
    titles = (method["event"], method["other"]) * 2
    exposure = names.of(method["exposure"])
    return Table(
        name="Counts", title=f"Counts by {names.of(method['stratum'])}.", rows=rows,
        subtitle=f"{names.of(method['outcome'])} in columns.",
        columns=(Column(names.of(method["stratum"])), *(count_column(t) for t in titles)),
        spanners=(
            Spanner(level_words(exposure, method["exposed"]), 1, 2),
            Spanner(level_words(exposure, method["unexposed"]), 3, 4),
        ),
    )  # fmt: skip


def strata_methods(result: AccuracyResult, names: Names, versions: Mapping[str, str]) -> str:
    """Exposure, outcome, strata, pooling, tests, rows and software, with references."""
    cite, method = Citations(), result.method
    said = (
        f"The association of {names.of(method['exposure'])} (exposed: {method['exposed']}, "
        f"unexposed: {method['unexposed']}) with {names.of(method['outcome'])} (event: "
        f"{method['event']}) was estimated within the levels of {names.of(method['stratum'])} and "
        f"pooled by the Mantel–Haenszel method{cited(cite, result, 'Mantel N')}."
    )
    limits = (
        f"{ci_percent(method, result.choices)}% confidence intervals of pooled estimates use the "
        f"variance of Robins, Breslow and Greenland for the odds ratio"
        f"{cited(cite, result, 'Robins J')}, of Greenland and Robins for the risk ratio"
        f"{cited(cite, result, 'Greenland S')} and of Sato for the risk difference"
        f"{cited(cite, result, 'Sato T')}; within strata they are normal on the logarithmic scale "
        "for ratios and Newcombe's score intervals for differences."
    )
    correction = "with" if method["continuity"] else "without"
    tests = (
        f"Association was tested with the Cochran–Mantel–Haenszel test {correction} continuity "
        f"correction, agreement of the strata with the Breslow–Day test"
        f"{cited(cite, result, 'Breslow NE')}"
    )
    if method["tarone"]:
        tests += f" with Tarone's correction{cited(cite, result, 'Tarone RE')}"
    tests += ". P-values are two-sided."
    paragraphs = [
        f"{said} {limits} {tests}", rows_sentence(result), software_sentence(versions, cite)
    ]  # fmt: skip
    cite.add(result.references)
    return assembled(paragraphs, cite)


ACCURACY.add(
    "stratify",
    AccuracyPrinter(
        table=strata_table, more_tables=more_strata_tables, methods=strata_methods,
        figures=strata_forest,
    ),
)  # fmt: skip
