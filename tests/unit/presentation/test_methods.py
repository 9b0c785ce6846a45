"""The methods paragraph and the script: complete, associational, repeatable."""

from __future__ import annotations

import ast
import re

import pytest

from presentation.citations import Citations
from presentation.code import code_of
from presentation.methods import methods_text
from stats.errors import BadInput
from stats.variables import Variable
from tests.unit.presentation.build import (
    ADJUSTED_ROWS,
    CRUDE_ROWS,
    NAN,
    collinearity_result,
    effects_result,
    fit_row,
    outcome_result,
)

VERSIONS = {"Clinstat": "0.1.0", "numpy": "2.4.6", "scipy": "1.17.1"}
CAUSAL = re.compile(
    r"\b(caus\w*|effects? of|impact\w*|leads? to|due to|risk factors?|predicts?|predicted|trend\w*|"
    r"significan\w*|excellent|good fit|prove\w*)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    "needed",
    [
        "the event modelled was died = yes (against no)",
        "Welch's t test [1]",
        "Fisher's exact test",
        "The associations of Age, smoking and drug with the outcome were estimated by logistic regression",
        "Reference levels were smoking: never and drug: no.",
        "per unit of measurement (Age in years).",
        'Because no event occurred among the rows with drug = "yes", the crude model of drug and the '
        "adjusted model were fitted by Firth's penalised likelihood [2,3].",
        "95% confidence intervals are profile likelihood and penalised profile likelihood intervals",
        "likelihood-ratio test of all its levels together",
        "complete-case analysis of 392 of 400 rows (98.0%) with 88 events",
        "predictor missing in 8",
        "variance inflation factors, generalised to factors",
        "C-statistic 0.702, 95% CI 0.641 to 0.763",
        "are apparent",
        "Clinstat 0.1.0 on numpy 2.4.6 [7] and scipy 1.17.1 [8].",
        "2. Firth D. Bias reduction of maximum likelihood estimates.",
    ],
)
def test_the_paragraph_says(needed):
    text = methods_text(
        outcome_result(), versions=VERSIONS, labels={"age": "Age"}, units={"age": "years"}
    )
    assert needed in text


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"exposure": "smoking"},
        {"method": "firth"},
        {"common_sample": True},
        {"adjust": "screen:0.2"},
    ],
)
def test_the_language_is_associational(choices):
    result = outcome_result(choices={**outcome_result().choices, **choices})
    prose = methods_text(result, versions=VERSIONS).split("References\n")[0]
    assert CAUSAL.search(prose) is None


def test_the_exposure_is_the_subject_and_the_others_are_adjusted_for():
    text = methods_text(outcome_result(choices={"exposure": "smoking"}), versions=VERSIONS)
    assert "The association of smoking with the outcome" in text
    assert "crude and adjusted for age and drug." in text


def test_data_driven_selection_is_owned_up_to():
    text = methods_text(outcome_result(choices={"adjust": "screen:0.2"}), versions=VERSIONS)
    assert "selected by the data (screen:0.2)" in text
    assert "too optimistic" in text


def test_maximum_likelihood_and_wald_are_named_when_used():
    result = outcome_result(
        crude=effects_result(CRUDE_ROWS, [fit_row("age", interval="Wald")]),
        adjusted=effects_result(ADJUSTED_ROWS, [fit_row(None, interval="Wald")]),
        method={"tests": ()},
    )
    text = methods_text(result, versions={})
    assert "The models were fitted by maximum likelihood." in text
    assert "95% confidence intervals are Wald intervals." in text
    assert "come from Wald tests" in text
    assert "Firth" not in text


def test_no_adjusted_model_is_said():
    rows = [
        {**row, "estimate": NAN, "coef": NAN, "p_value": NAN}
        if row["level"] != row["reference"] or row["level"] is None
        else row
        for row in ADJUSTED_ROWS
    ]
    result = outcome_result(adjusted=effects_result(rows, [fit_row(None)]))
    text = methods_text(result, versions=VERSIONS)
    assert "No adjusted model could be estimated from these data." in text
    assert "Discrimination" not in text


def test_references_of_the_result_are_not_listed_twice():
    result = outcome_result()
    object.__setattr__(
        result, "references", ("Firth 1993, doi:10.1093/biomet/80.1.27", "Konis 2007, thesis.")
    )
    listed = methods_text(result, versions={}).split("References\n")[1]
    assert listed.count("Firth") == 1
    assert "Konis 2007" in listed


def test_citations_are_numbered_by_first_use():
    cite = Citations()
    assert cite("firth") == " [1]"
    assert cite("profile", "firth") == " [1,2]"
    assert cite("nothing") == ""


def test_collinearity_has_its_own_paragraph():
    text = methods_text(collinearity_result(), versions=VERSIONS)
    assert text.startswith("Collinearity of age, smoking and drug was assessed")
    assert "392 of 400 rows" in text


NASTY = ('"', "'''", "a\nb", "x\u202ey", "__import__('os')", "{0}", "%s", "\\", "ชื่อ", "\ud800")


@pytest.mark.parametrize("name", NASTY)
def test_names_in_the_script_are_literals_and_stay_what_they_are(name):
    choices = {"outcome": name, "predictors": (name,), "references": {name: name}, "ci_level": 0.95}
    variable = Variable(name=name, kind="categorical", levels=(name, "b"))
    script = code_of(outcome_result(choices=choices), data_file=name, variables=[variable])
    tree = ast.parse(script)
    calls = {
        node.func.attr: node for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }  # fmt: skip
    assert set(calls) == {
        "import_file", "Dataset", "with_variables", "Variable", "analyze_outcome", "to_string",
    }  # fmt: skip
    given = {k.arg: ast.literal_eval(k.value) for k in calls["analyze_outcome"].keywords}
    assert given == choices
    assert ast.literal_eval(calls["import_file"].args[0]) == name
    table = {k.arg: ast.literal_eval(k.value) for k in calls["Variable"].keywords}
    assert table["levels"] == (name, "b")


def test_only_variables_in_use_and_changed_reading_choices_are_written():
    script = code_of(
        outcome_result(), data_file="trial.xlsx", reading={"sheet": "Data 1"},
        variables=[Variable(name="age", unit="years"), Variable(name="other")],
    )  # fmt: skip
    assert "logic.Variable(name='age', kind='continuous', unit='years')" in script
    assert "other" not in script
    assert "sheet='Data 1'" in script
    assert "choices=choices" in script


def test_an_analysis_that_is_no_name_writes_no_code():
    with pytest.raises(BadInput):
        code_of(outcome_result(analysis="os.system('x')"), data_file="a.csv")
    with pytest.raises(TypeError):
        methods_text("x", versions={})
