"""Descriptives and two-group tests of the `table1` files of R."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stats import descriptives as d
from stats.contingency import chi_squares, fisher_exact
from stats.design import Term
from tests.reference.models import data, labels, term_of, truth

FILES = ("melanoma", "urine", "synth_trial", "synth_messy")
STATS = {
    "n": "n", "missing": "missing", "mean": "mean", "sd": "sd", "median": "median",
    "q1": "q1_type7", "q3": "q3_type7", "min": "min", "max": "max",
}  # fmt: skip


def number(value):
    return math.nan if value in ("NA", "NaN") else float(value)


def described(name):
    """R's first group stands for the event, so that signs agree (group 1 minus group 2)."""
    found = truth(f"{name}__table1")
    options, results = found["options"], found["results"]
    frame = data(found["dataset"])
    group = labels(frame[options["group"]])
    first, second = options["group_levels"]
    terms = []
    for variable in results["variables"]:
        kind = "numeric" if variable["type"] == "numeric" else "categorical"
        levels = variable.get("levels", [])
        spec = {"name": variable["variable"], "type": kind, "levels": levels}
        terms.append(term_of(frame, spec | {"reference": levels[0] if levels else ""}))
    tables = d.describe_by_outcome(
        terms, (group == first).to_numpy(dtype=bool), group.notna().to_numpy(),
        event_label=first, other_label=second, seed=1,
    )  # fmt: skip
    return results["variables"], (first, second), *tables


def cell(table, variable, group, stat, level=None):
    found = [
        v
        for name, lv, g, s, v in zip(*table.values(), strict=True)
        if (name, lv, g, s) == (variable, level, group, stat)
    ]
    assert len(found) == 1
    return found[0]


def rows_of(table, variable):
    rows = zip(*table.values(), strict=True)
    return {test: rest for name, test, *rest in rows if name == variable}


@pytest.mark.parametrize("name", FILES)
def test_continuous_variables_agree_with_r(name):
    variables, groups, table, tests = described(name)
    for v in (v for v in variables if v["type"] == "numeric"):
        for group in (*groups, None):
            expected = v["overall"] if group is None else v["by_group"][group]
            for stat, key in STATS.items():
                ours = cell(table, v["variable"], group, stat)
                assert_allclose(ours, number(expected[key]), rtol=1e-12, err_msg=f"{group} {stat}")
        ours = rows_of(tests, v["variable"])
        welch, truth_welch = ours[d.WELCH], v["t_welch"]
        if "error" in truth_welch:
            assert np.isnan(welch[:3]).all()
        else:
            assert_allclose(welch[:3], [truth_welch[k] for k in ("t", "df", "p")], rtol=1e-10)
        rank = ours.get(d.MANN_WHITNEY) or ours[d.MANN_WHITNEY_EXACT]
        truth_rank = v["mann_whitney"]
        if "error" in truth_rank:
            assert math.isnan(rank[2])
            continue
        key = "p_asymptotic_cc" if d.MANN_WHITNEY in ours else "p_exact"
        assert_allclose(rank[0], truth_rank["U_group1"], rtol=1e-14)
        assert_allclose(rank[2], number(truth_rank[key]), rtol=1e-10)


@pytest.mark.parametrize("name", FILES)
def test_factors_agree_with_r(name):
    variables, groups, table, tests = described(name)
    for v in (v for v in variables if v["type"] == "categorical"):
        counts = []
        for group in groups:
            expected = v["counts"][group]
            for level in v["levels"]:
                assert cell(table, v["variable"], group, "n", level) == expected[level]
                share = v["column_percent"][group][level]
                ours = cell(table, v["variable"], group, "percent", level)
                assert_allclose(ours, share, rtol=1e-12)
            missing = v["missing_by_group"][group]
            assert cell(table, v["variable"], group, "missing") == missing
            counts.append(np.array([expected[level] for level in v["levels"]], dtype=float))
        chi2, exact = chi_squares(*counts, np.array([0])), fisher_exact(*counts, seed=1)
        assert_allclose(chi2.statistic, v["chisq"]["chisq"], rtol=1e-10)
        assert_allclose(chi2.p_value, v["chisq"]["p"], rtol=1e-10)
        assert_allclose(exact.p_value, v["fisher_p"], rtol=1e-8)
        small = v["chisq"]["min_expected"] < 5
        assert list(rows_of(tests, v["variable"])) == [d.FISHER if small else d.CHI_SQUARE]


def test_rows_without_a_group_are_left_out():
    term = Term("x", "continuous", np.array([1.0, 2.0, 3.0, 100.0]))
    table, _ = d.describe_by_outcome(
        [term], np.array([True, False, True, True]), np.array([True, True, True, False]),
        event_label="yes", other_label="no", seed=1,
    )  # fmt: skip
    assert cell(table, "x", None, "max") == 3.0
    assert cell(table, "x", "yes", "n") == 2
