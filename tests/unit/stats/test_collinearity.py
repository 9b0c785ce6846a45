"""Exact dependence is found and named; refusals and notes are sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stats.collinearity import Aliased, check_collinearity, find_aliased, vif_of
from stats.design import Term, make_design
from stats.errors import BadInput, NotEstimable
from stats.variables import Dataset, Variable

RNG = np.random.default_rng(7)
N = 400
A, B, C = RNG.normal(size=(3, N)) * [[3.0], [1e4], [1e-3]] + [[50.0], [1e6], [0.0]]


def design_of(*values):
    terms = [
        Term(f"x{j}", "factor", v, tuple(f"l{k}" for k in range(v.max() + 1)))
        if v.dtype.kind == "i" else Term(f"x{j}", "continuous", v)
        for j, v in enumerate(values)
    ]  # fmt: skip
    return make_design(terms, np.arange(len(values[0])))


def test_independent_columns_have_no_aliases():
    assert find_aliased(design_of(A, B, C)) == []


def test_a_copy_in_other_units_depends_on_the_first():
    assert find_aliased(design_of(A, B, 32.0 + 1.8 * A)) == [Aliased(2, (0,))]


def test_a_sum_depends_on_its_parts_and_the_earlier_columns_are_kept():
    assert find_aliased(design_of(A, C * 1e3, A + C * 1e3, B)) == [Aliased(2, (0, 1))]
    assert find_aliased(design_of(A + C * 1e3, B, A, C * 1e3)) == [Aliased(3, (0, 2))]


def test_a_constant_column_depends_on_nothing():
    assert find_aliased(design_of(A, np.full(N, 0.1), B)) == [Aliased(1, ())]


def test_two_codings_of_one_grouping():
    codes = RNG.integers(0, 3, N)
    found = find_aliased(design_of(codes, A, np.array([2, 0, 1])[codes]))
    assert [a.column for a in found] == [3, 4]
    assert all(set(a.depends_on) <= {0, 1} for a in found)


def test_many_copies_at_once():
    found = find_aliased(design_of(A, B, C, *(k * A + B / k for k in range(1, 30))))
    assert [a.column for a in found] == list(range(3, 32))
    assert all(a.depends_on == (0, 1) for a in found)


@pytest.mark.parametrize(("noise", "aliased"), [(1e-9, True), (1e-5, False), (1e-3, False)])
def test_rounding_is_told_from_a_small_difference(noise, aliased):
    """What earlier columns leave is compared with 3e-7 of the column's SD."""
    extra = RNG.normal(size=N)
    found = find_aliased(design_of(A, B, A + noise * A.std() * extra))
    assert bool(found) is aliased


def test_vif_of_a_small_difference_keeps_its_digits():
    """R2 from the rows by QR, not from differences of products."""
    x = A + 1e-4 * A.std() * RNG.normal(size=N)
    design = design_of(A, B, x)
    z = np.column_stack([np.ones(N), A - A.mean(), B - B.mean()])
    left = (x - A) - z @ np.linalg.lstsq(z, x - A, rcond=None)[0]
    expected = np.var(x) / np.mean(left**2)
    assert vif_of(design).vif[2] == pytest.approx(expected, rel=1e-6)


def test_an_exact_dependence_has_infinite_inflation():
    found = vif_of(design_of(A, B, 32.0 + 1.8 * A))
    assert np.isinf(found.vif[[0, 2]]).all()
    assert found.vif[1] == pytest.approx(1.0, abs=0.05)
    assert np.isnan(vif_of(design_of(A, np.full(N, 2.0))).vif[1])


def test_a_design_in_blocks_gives_the_same():
    n = 60_000
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 20))
    x[:, 19] = x[:, :3].sum(axis=1) + 0.3 * x[:, 19]
    whole = vif_of(design_of(*x[: n // 2].T))
    again = vif_of(design_of(*np.concatenate([x[: n // 2], x[: n // 2]]).T))
    assert np.allclose(whole.vif, again.vif, rtol=1e-10)
    assert find_aliased(design_of(*x.T, x[:, 4] - 2.0 * x[:, 7])) == [Aliased(20, (4, 7))]


FRAME = pd.DataFrame(
    {
        "age": A,
        "age_months": 12.0 * A,
        "weight": B,
        "group": np.where(RNG.random(N) < 0.4, "x", "y"),
        "same": 1.0,
        "empty": np.nan,
        "when": pd.Timestamp("2020-01-01"),
        "many": [f"id{i}" for i in range(N)],
    }
)


def test_an_exact_dependence_is_said():
    result = check_collinearity(FRAME, variables=["age", "weight", "age_months"])
    (note,) = result.notes
    assert note.text == '"age_months" is fully determined by "age". Take one of them out.'
    assert np.isinf(result.collinearity["vif"]).tolist() == [True, False, True]


def test_constant_and_empty_variables_are_said_and_left_out():
    result = check_collinearity(FRAME, variables=["same", "age", "empty", "weight"])
    assert {n.term: n.code for n in result.notes} == {"same": "constant", "empty": "no_values"}
    table = result.collinearity
    assert table["term"].tolist() == ["same", "age", "empty", "weight"]
    assert table["vif"].isna().tolist() == [True, False, True, False]
    assert result.n_used == N


def test_exclusions_add_up():
    frame = FRAME[["age", "weight", "group"]].copy()
    frame.loc[:9, "age"] = np.nan
    frame.loc[5:19, "group"] = None
    result = check_collinearity(frame, variables=["age", "weight", "group"])
    assert (result.n_used, dict(result.exclusions)) == (N - 20, {"variable missing": 20})


def test_a_reference_without_rows_is_replaced_and_said():
    frame = FRAME[["age", "weight"]].assign(
        stage=pd.Categorical(np.where(FRAME["group"] == "x", "II", "III"), ["I", "II", "III"])
    )
    result = check_collinearity(frame, variables=["age", "weight", "stage"])
    assert [n.code for n in result.notes] == ["empty_reference"]
    assert result.collinearity["level"].tolist()[2:] == ["III"]
    assert result.collinearity["vif"].max() < 1.1


def test_the_reference_is_a_choice_and_does_not_change_the_factor():
    frame = FRAME[["age"]].assign(stage=np.array(["a", "b", "c"])[RNG.integers(0, 3, N)])
    first = check_collinearity(frame, variables=["age", "stage"])
    other = check_collinearity(frame, variables=["age", "stage"], references={"stage": "c"})
    assert dict(other.choices["references"]) == {"stage": "c"}
    assert np.allclose(first.collinearity["gvif"], other.collinearity["gvif"], rtol=1e-12)
    assert other.collinearity["level"].tolist()[1:] == ["a", "b"]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (["age"], "at least two variables"),
        ([], "at least two variables"),
        (["age", "agee"], 'no column called "agee"'),
        (["age", "when"], '"when" is a date'),
        (["age", "many"], '"many" has 400 levels'),
        (["age", "age"], '"age" is named twice'),
    ],
)
def test_choices_that_cannot_be_computed(variables, words):
    with pytest.raises(BadInput, match=words):
        check_collinearity(FRAME, variables=variables)


def test_an_identifier_is_refused():
    dataset = Dataset(FRAME[["age", "many"]], [Variable(name="many", kind="identifier")])
    with pytest.raises(BadInput, match="identifier"):
        check_collinearity(dataset, variables=["age", "many"])


def test_infinite_values_are_refused():
    frame = FRAME[["age", "weight"]].copy()
    frame.loc[3, "age"] = np.inf
    with pytest.raises(BadInput, match="row 4"):
        check_collinearity(frame, variables=["age", "weight"])


def test_too_many_columns_are_refused():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({f"f{j}": rng.integers(0, 90, 900).astype(str) for j in range(12)})
    with pytest.raises(BadInput, match="at most 1,000"):
        check_collinearity(frame, variables=list(frame))


@pytest.mark.parametrize("n", [0, 1, 3])
def test_too_few_rows(n):
    with pytest.raises(NotEstimable, match=r"rows? ha(s|ve) values for all"):
        check_collinearity(FRAME.iloc[:n], variables=["age", "weight"])
