"""Shape of the descriptive tables, the choice of tests, degenerate columns."""

from __future__ import annotations

import math

import numpy as np
from numpy.testing import assert_allclose
from scipy import stats as scipy_stats

from stats import descriptives as d
from stats.design import Term
from stats.ranks import rank_terms


def describe(terms, y, known=None, **more):
    y = np.asarray(y, dtype=bool)
    known = np.ones(len(y), dtype=bool) if known is None else known
    return d.describe_by_outcome(
        terms, y, known, event_label="yes", other_label="no", seed=7, **more
    )


def rows(columns):
    return list(zip(*columns.values(), strict=True))


def test_order_of_rows():
    terms = [
        Term("age", "continuous", np.array([1.0, 2, 3, np.nan])),
        Term("sex", "factor", np.array([0, 1, 1, -1], dtype=np.int8), ("f", "m")),
    ]
    table, tests = describe(terms, [1, 0, 1, 0])
    found = rows(table)
    assert list(table) == ["variable", "level", "group", "stat", "value"]
    assert [r[3] for r in found[:9]] == [
        "n", "missing", "mean", "sd", "median", "q1", "q3", "min", "max",
    ]  # fmt: skip
    assert [r[2] for r in found[:27:9]] == ["no", "yes", None]
    assert [r[1:4] for r in found[27:]] == [
        (level, group, stat)
        for level, stats in ((None, ("n", "missing")), ("f", ("n", "percent")), ("m", ("n", "percent")))
        for group in ("no", "yes", None)
        for stat in stats
    ]  # fmt: skip
    assert [v for *_, v in found[27:33]] == [1, 1, 2, 0, 3, 1]
    assert [v for *_, v in found[33:39]] == [0, 0, 1, 50, 1, 100 / 3]
    assert list(tests) == ["variable", "test", "statistic", "df", "p_value", "mc_error"]
    assert [r[:2] for r in rows(tests)] == [
        ("age", d.WELCH), ("age", d.MANN_WHITNEY_EXACT), ("sex", d.FISHER),
    ]  # fmt: skip


def test_tests_agree_with_scipy():
    rng = np.random.default_rng(5)
    x, code, y = rng.normal(size=200), rng.integers(0, 3, 200), rng.random(200) < 0.4
    x[y] *= 2
    x[::9] = np.nan
    terms = [Term("x", "continuous", x), Term("f", "factor", code, ("a", "b", "c"))]
    _, tests = describe(terms, y, ranked=rank_terms(terms, y, np.ones(200, dtype=bool)))
    welch, rank, table = rows(tests)
    theirs = scipy_stats.ttest_ind(x[y], x[~y], equal_var=False, nan_policy="omit")
    assert_allclose(welch[2:5], [theirs.statistic, theirs.df, theirs.pvalue], rtol=1e-11)
    theirs = scipy_stats.mannwhitneyu(x[y], x[~y], nan_policy="omit", method="asymptotic")
    assert_allclose([rank[2], rank[4]], [theirs.statistic, theirs.pvalue], rtol=1e-11)
    assert table[1] == d.CHI_SQUARE


def test_degenerate_columns_are_missing_not_wrong():
    nothing = np.full(4, np.nan)
    terms = [
        Term("empty", "continuous", nothing),
        Term("constant", "continuous", np.ones(4)),
        Term("blank", "factor", np.full(4, -1, dtype=np.int8), ("a", "b")),
        Term("bare", "factor", np.full(4, -1, dtype=np.int8), ()),
        Term("single", "factor", np.zeros(4, dtype=np.int8), ("a", "b")),
        Term("one", "continuous", np.array([1.0, np.nan, np.nan, np.nan])),
    ]
    for y in ([1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]):
        table, tests = describe(terms, y)
        for variable, test, *_, p_value, error in rows(tests):
            assert math.isnan(p_value), (variable, test)
            assert math.isnan(error)
        values = {r[:4]: r[4] for r in rows(table)}
        assert values["empty", None, None, "missing"] == 4
        assert math.isnan(values["empty", None, None, "mean"])
        assert math.isnan(values["blank", "a", None, "percent"])
        assert values["constant", None, None, "sd"] == 0


def test_outcome_unknown_is_not_missing_predictor():
    term = Term("x", "continuous", np.array([1.0, np.nan, 3, np.nan]))
    known = np.array([True, True, True, False])
    table, _ = describe([term], [1, 0, 0, 0], known)
    assert rows(table)[19][3:] == ("missing", 1.0)
