"""Variance inflation against R (car::vif on the linear model) and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from statsmodels.stats.outliers_influence import variance_inflation_factor

from stats.collinearity import check_collinearity, find_aliased, vif_of
from stats.design import Term, complete_rows, make_design
from tests.reference.frames import frame_of
from tests.reference.models import data, numbers, term_of, truth


@pytest.mark.parametrize("name", ["urine__vif", "synth_trial__vif"])
def test_vif_and_gvif_agree_with_r(name):
    found = truth(name)
    expected = found["results"]
    predictors = found["options"]["predictors"]
    frame = data(found["dataset"])
    terms = [term_of(frame, p) for p in predictors]
    outcome = found["options"]["outcome_linear"]
    known = frame[outcome].notna() if outcome else np.ones(len(frame), dtype=bool)
    design = make_design(terms, complete_rows(terms, np.asarray(known)))
    result = vif_of(design)
    assert design.n_rows == expected["n_used"]
    assert_allclose(result.vif, numbers(expected["column_vif_design_matrix"], "vif"), rtol=1e-11)
    first = [columns[0] for columns in design.term_columns.values()]
    gvif = expected["gvif_linear_model"]
    assert_allclose(result.gvif[first], numbers(gvif, "gvif"), rtol=1e-11)
    assert_allclose(result.gvif_scaled[first], numbers(gvif, "gvif_1_2df"), rtol=1e-12)
    assert result.df[first].tolist() == [row["df"] for row in gvif]


def test_check_collinearity_on_the_urine_data():
    found = truth("urine__vif")
    predictors = found["options"]["predictors"]
    frame = frame_of("urine", predictors)
    result = check_collinearity(frame, variables=[p["name"] for p in predictors])
    assert (result.n_rows, result.n_used) == (79, 77)
    assert dict(result.exclusions) == {"variable missing": 2}
    table = result.collinearity
    assert table["term"].tolist() == [p["name"] for p in predictors]
    expected = numbers(found["results"]["column_vif_design_matrix"], "vif")
    assert_allclose(table["vif"], expected, rtol=1e-10)
    assert {n.term: n.severity for n in result.notes} == {
        "gravity": "caution", "osmo": "warning", "cond": "warning", "urea": "warning",
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_vif_agrees_with_statsmodels(seed):
    rng = np.random.default_rng(seed)
    n = 300
    base = rng.normal(size=(n, 4)) * [1.0, 50.0, 1e-3, 7.0] + [0.0, 1e4, 0.0, -3.0]
    near = base[:, 0] + rng.normal(size=n) * 10.0**-seed
    codes = rng.integers(0, 4, n)
    terms = [Term(f"x{j}", "continuous", v) for j, v in enumerate([*base.T, near])]
    terms.append(Term("f", "factor", codes, ("a", "b", "c", "d"), 1))
    design = make_design(terms, np.arange(n))
    _, x = next(design.blocks())
    expected = np.array([variance_inflation_factor(x, j) for j in range(1, x.shape[1])])
    # From products of columns, 1 - R2 carries the rounding of 1: the VIF loses a factor of itself.
    assert np.all(np.abs(vif_of(design).vif / expected - 1.0) < np.maximum(1e-11, 1e-14 * expected))
    assert find_aliased(design) == []
