"""What the printed tables say, read off results made by hand."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import openpyxl
import pytest

from presentation.descriptives import descriptives_table
from presentation.details import details_tables
from presentation.exports import render
from presentation.journal import table_of
from presentation.numbers import JAMA, LANCET
from presentation.table import Cell, Column, Footnotes, Row, Spanner, Table, decimal_padding
from stats.result import Note
from tests.unit.presentation.build import (
    ADJUSTED_ROWS,
    CRUDE_ROWS,
    INF,
    NAN,
    SMOKING,
    collinearity_result,
    effect,
    effects_result,
    fit_row,
    outcome_result,
)

LABELS = {"age": "Age", "smoking": "Smoking status"}
UNITS = {"age": "years"}


def texts(table):
    return [[cell.text for cell in row.cells] for row in table.rows]


def sentences(table):
    return [note.text for note in table.footnotes] + list(table.notes)


def test_the_journal_table_has_crude_beside_adjusted_for_each_level():
    table = table_of(outcome_result(), labels=LABELS, units=UNITS)
    assert texts(table) == [
        ["Age, years", "88/395 (22.3%)", "5", "1.03 (1.01 to 1.05)", "0.001", "1.03 (1.01 to 1.05)", "0.004"],
        ["Smoking status", "", "3", "", "0.021 (2 df)", "", "0.046 (2 df)"],
        ["never", "30/180 (16.7%)", "", "1 (reference)", "", "1 (reference)", ""],
        ["former", "28/120 (23.3%)", "", "1.52 (0.85 to 2.72)", "0.157", "1.41 (0.78 to 2.55)", "0.254"],
        ["current", "30/97 (30.9%)", "", "2.24 (1.25 to 4.03)", "0.007", "2.08 (1.13 to 3.81)", "0.018"],
        ["drug", "", "0", "", "", "", ""],
        ["no", "90/378 (23.8%)", "", "1 (reference)", "", "1 (reference)", ""],
        ["yes", "0/22 (0.0%)", "", "0.071 (0.0006 to 0.520)", "0.004", "0.081 (0.0006 to 0.602)", "0.006"],
    ]  # fmt: skip
    kinds = [row.kind for row in table.rows]
    assert kinds == [
        "single",
        "heading",
        "reference",
        "level",
        "level",
        "heading",
        "reference",
        "level",
    ]


def test_the_caption_names_outcome_event_and_rows_used():
    table = table_of(outcome_result(), labels={"died": "Death at 30 days"})
    assert table.caption == (
        "Crude and adjusted odds ratios for Death at 30 days. Event: Death at 30 days = yes. "
        "Adjusted model: 392 of 400 rows, 88 events."
    )


def test_footnotes_name_method_interval_and_test_of_each_column():
    said = " ".join(sentences(table_of(outcome_result())))
    assert "One logistic regression per predictor, fitted by maximum likelihood" in said
    assert "95% confidence intervals: penalised profile likelihood" in said
    assert "Penalised likelihood-ratio test" in said
    assert "OR, odds ratio; CI, confidence interval." in said


def test_every_note_appears_as_a_sentence():
    extra = Note("epv", "caution", "the model has 4.0 events per parameter")
    inner = Note("empty_level", "info", "no rows at one level.", SMOKING)
    result = outcome_result(
        notes=(extra,),
        crude=effects_result(CRUDE_ROWS, [fit_row("age")], notes=(inner,)),
    )
    said = sentences(table_of(result))
    assert "The model has 4.0 events per parameter." in said
    assert "No rows at one level." in said


def test_a_note_about_a_row_is_marked_on_that_row():
    table = table_of(outcome_result())
    heading = next(row for row in table.rows if row.cells[0].text == "drug")
    noted = {note.mark: note.text for note in table.footnotes}
    assert "Firth's penalised likelihood was used" in noted[heading.cells[0].mark]


def test_exposure_mode_shows_the_exposure_and_names_the_covariates():
    result = outcome_result(choices={"exposure": SMOKING})
    table = table_of(result, labels=LABELS)
    assert [row.cells[0].text for row in table.rows] == [
        "Smoking status",
        "never",
        "former",
        "current",
    ]
    assert "Adjusted for: Age and drug." in sentences(table)


def test_what_cannot_be_estimated_is_a_dash_with_a_footnote():
    rows = [
        *ADJUSTED_ROWS[:-1],
        effect("drug", "yes", "no", 22, 0, 0, NAN, 0.0, 0.36, 0.004, 0.004),
    ]
    crude = [*CRUDE_ROWS[:-1], effect("drug", "yes", "no", 0, 0, 0, NAN, NAN, NAN, NAN, NAN)]
    result = outcome_result(
        notes=(),
        crude=effects_result(crude, [fit_row("drug")]),
        adjusted=effects_result(rows, [fit_row(None)]),
    )
    table = table_of(result)
    last = table.rows[-1].cells
    noted = {note.mark: note.text for note in table.footnotes}
    assert last[3].text == "–"
    assert noted[last[3].mark] == "Not estimable: no rows at this level."
    assert last[5].text == "– (0 to 0.36)"
    assert noted[last[5].mark] == "Not estimable from these data."
    assert last[6].text == "0.004"
    assert last[5].numbers == (None, 0.0, 0.36)


def test_an_unbounded_limit_prints_infinity_and_travels_as_missing():
    rows = [
        *ADJUSTED_ROWS[:-1],
        effect("drug", "yes", "no", 22, 22, 0, NAN, 3.2, INF, 0.004, 0.004),
    ]
    table = table_of(outcome_result(adjusted=effects_result(rows, [fit_row(None)])))
    cell = table.rows[-1].cells[5]
    assert cell.text == "– (3.20 to ∞)"
    assert cell.numbers == (None, 3.2, None)


def test_an_estimate_without_interval_says_so():
    rows = [effect("x", None, None, 9, 4, 0, 1.8e7, NAN, NAN, NAN, NAN)]
    table = table_of(outcome_result(adjusted=effects_result(rows, [fit_row(None)])))
    cell = table.rows[-1].cells[5]
    noted = {note.mark: note.text for note in table.footnotes}
    assert cell.text == "1.8×10⁷"
    assert noted[cell.mark] == "No interval could be computed."


def test_a_term_that_the_adjusted_model_cannot_hold_keeps_its_own_reason():
    rows = [effect("const", None, None, 0, 0, 0, NAN, NAN, NAN, NAN, NAN), ADJUSTED_ROWS[0]]
    constant = Note("constant", "warning", '"const" has one value only.', "const")
    adjusted = effects_result(rows, [fit_row(None)], notes=(constant,))
    table = table_of(outcome_result(notes=(), adjusted=adjusted))
    row = next(row for row in table.rows if row.cells[0].text == "const")
    noted = {note.mark: note.text for note in table.footnotes}
    assert noted[row.cells[5].mark] == '"const" has one value only.'
    assert "One logistic regression with age, fitted" in " ".join(noted.values())


def test_no_adjusted_model_is_said_in_the_footnote_of_its_column():
    rows = [effect("x", None, None, 0, 0, 0, NAN, NAN, NAN, NAN, NAN)]
    table = table_of(outcome_result(adjusted=effects_result(rows, [fit_row(None)])))
    noted = {note.mark: note.text for note in table.footnotes}
    assert noted[table.columns[5].mark] == "No logistic regression could be estimated."
    assert table.columns[6].mark == ""


def test_numbers_travel_unrounded_beside_their_text():
    cell = table_of(outcome_result()).rows[0].cells[3]
    assert cell.numbers == (1.0312, 1.0123, 1.0504)


def test_a_step_of_a_continuous_predictor_is_printed():
    choices = {"scale": {"age": 10.0}}
    table = table_of(outcome_result(choices=choices), labels=LABELS, units=UNITS)
    assert table.rows[0].cells[0].text == "Age (per 10 years)"
    table = table_of(outcome_result(choices={"scale": {"age": "iqr"}}), labels=LABELS)
    assert table.rows[0].cells[0].text == "Age (per interquartile range)"


def test_journal_styles_change_the_signs_only():
    lancet = table_of(outcome_result(), style=LANCET)
    assert lancet.rows[3].cells[3].text == "1·52 (0·85–2·72)"
    jama = table_of(outcome_result(), style=JAMA)
    assert jama.rows[0].cells[4].text == ".001"
    assert jama.columns[4].title == "P"
    assert jama.rows[0].cells[1].text == "88/395 (22.3)"


def test_no_missing_column_when_nothing_is_missing():
    rows = [{**row, "missing": 0} for row in CRUDE_ROWS]
    table = table_of(outcome_result(crude=effects_result(rows, [fit_row("age")])))
    assert "Missing" not in [column.title for column in table.columns]
    assert [s.first for s in table.spanners] == [2, 4]


def test_the_descriptives_name_each_test_in_a_footnote():
    table = descriptives_table(outcome_result(), labels=LABELS, units=UNITS)
    assert [c.title for c in table.columns] == [
        "Characteristic", "Overall (N = 400)", "no (N = 310)", "yes (N = 90)", "p",
    ]  # fmt: skip
    assert texts(table)[:4] == [
        ["Age, years", "", "", "", ""],
        ["Mean (SD)", "61.2 (11.4)", "60.1 (11.4)", "65.0 (11.4)", "<0.001"],
        ["Median [Q1, Q3]", "61.6 [53.2, 69.2]", "60.5 [52.1, 68.1]", "65.4 [57.0, 73.0]", "0.012"],
        ["Missing", "5", "3", "2", ""],
    ]
    assert [n.text for n in table.footnotes] == [
        "Welch's t test.",
        "Mann–Whitney U test.",
        "Pearson's chi-square test without continuity correction.",
        "Fisher's exact test.",
    ]


def test_a_simulated_p_carries_its_error():
    result = outcome_result()
    tests = result.tests
    tests.loc[3, "mc_error"] = 0.00031
    table = descriptives_table(dataclasses.replace(result, tests=tests))
    assert "Fisher's exact test, p simulated with a standard error of 0.0003." in sentences(table)


def test_details_hold_rows_fit_collinearity_influence_and_calibration():
    tables = {table.name: table for table in details_tables(outcome_result())}
    assert list(tables) == [
        "Rows", "Adjusted model", "Crude models", "Collinearity", "Influence", "Calibration",
    ]  # fmt: skip
    rows = tables["Rows"]
    assert (
        sum(row.cells[1].numbers[0] for row in rows.rows[:-1]) == rows.rows[-1].cells[1].numbers[0]
    )
    facts = dict(texts(tables["Adjusted model"]))
    assert facts["C-statistic (apparent)"] == "0.702 (0.641 to 0.763)"
    assert facts["Estimation"] == "Firth's penalised likelihood"
    assert facts["p of the model"] == "<0.001"
    assert "no reason to leave a row out" in " ".join(tables["Influence"].notes)


def test_collinearity_stands_alone():
    table = table_of(collinearity_result())
    assert texts(table)[1] == ["smoking: former", "1.30", "1.21", "2", "1.05"]
    assert table.subtitle == "392 of 400 rows used."


def test_no_table_is_made_of_an_unknown_thing():
    with pytest.raises(TypeError, match="no table is known for str"):
        table_of("x")


def test_a_table_keeps_its_shape():
    with pytest.raises(ValueError, match="1 cells, not 2"):
        Table(
            name="t",
            title="t",
            columns=(Column("a"), Column("b")),
            rows=(Row("single", (Cell("x"),)),),
        )
    with pytest.raises(ValueError, match="leaves the table"):
        Table(name="t", title="t", columns=(Column("a"),), rows=(), spanners=(Spanner("s", 0, 1),))
    with pytest.raises(ValueError, match="format"):
        Column("a", "number", ("x",), ())


def test_marks_run_through_the_alphabet_and_on():
    notes = Footnotes()
    marks = [notes.mark(f"sentence {i}") for i in range(28)]
    assert marks[:2] == ["a", "b"]
    assert marks[-3:] == ["z", "aa", "ab"]
    assert notes.mark("sentence 1") == "b"


def test_decimal_signs_line_up():
    column = ("1.5 (1)", "12.3 (2)", "", "–")
    padded = [pad + text for text, pad in zip(column, decimal_padding(column), strict=True)]
    assert padded[0].index(".") == padded[1].index(".")
    assert padded[2] == ""


def test_no_machine_word_in_any_table_of_an_empty_result():
    rows = [effect("x", None, None, 0, 0, 10, NAN, NAN, NAN, NAN, NAN)]
    result = outcome_result(
        crude=effects_result(rows, [fit_row("x", n=0, events=0)]),
        adjusted=effects_result(
            rows, [{k: (np.nan if isinstance(v, float) else v) for k, v in fit_row(None).items()}]
        ),
    )
    for table in (table_of(result), descriptives_table(result), *details_tables(result)):
        for row in table.rows:
            for cell in row.cells[1:]:
                assert cell.text.lower() not in {"nan", "inf", "none", "-inf"}


def test_a_workbook_keeps_what_a_number_alone_cannot_say():
    book = openpyxl.load_workbook(
        io.BytesIO(render("xlsx", (table_of(outcome_result()),), (), "", "")), read_only=True
    )
    lines = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
    head = next(line for line in lines if line[0] == "Characteristic")
    smoking = next(line for line in lines if line[0] == "smoking")
    at = head.index("p [c]")
    assert head[at + 1] == "p"
    assert smoking[at : at + 2] == ["0.021 (2 df)", 0.0213]
    low = head.index("95% CI low")
    assert 0.000553 in [line[low] for line in lines]
