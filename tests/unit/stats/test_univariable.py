"""Crude fits against statsmodels, closed forms and published numbers; difficult columns."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose, assert_equal
from scipy.optimize import brentq
from scipy.special import expit

from stats.design import Term
from stats.errors import BadInput
from stats.univariable import fit_crude

CHOICES = {"method": "auto", "interval": "wald", "ci_level": 0.95}


def continuous(values, **more):
    return Term("x", "continuous", np.asarray(values, dtype=float), **more)


def factor(codes, levels, reference=0):
    return Term("f", "factor", np.asarray(codes, dtype=np.int8), tuple(levels), reference)


def table(*rows, reference=0):
    """A factor and its outcome from (events, others) per level."""
    codes = np.repeat(np.arange(len(rows)), [sum(r) for r in rows])
    y = np.concatenate([np.arange(sum(r)) < r[0] for r in rows])
    return factor(codes, "abcdefgh"[: len(rows)], reference), y


def crude(term, y, known=None, **choices):
    known = np.ones(len(y), dtype=bool) if known is None else known
    return fit_crude([term], np.asarray(y, dtype=bool), known, **(CHOICES | choices))[0]


def newton(x, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sm.Logit(y, sm.add_constant(x)).fit(method="newton", disp=0, maxiter=200, tol=1e-13)


def hard_columns():
    rng = np.random.default_rng(11)
    for n in (60, 200, 2000):
        yield f"normal-{n}", rng.normal(size=n)
        yield f"lognormal-{n}", np.exp(3 * rng.normal(size=n))
        yield f"heavy-{n}", rng.standard_t(1.5, size=n)
        yield f"jumps-{n}", np.where(rng.random(n) < 0.05, 1e3, rng.normal(size=n))
        yield f"narrow-{n}", 1e3 + 1e-6 * rng.normal(size=n)
        yield f"counts-{n}", rng.poisson(1.2, size=n).astype(float)
        yield f"binary-{n}", rng.integers(0, 2, n).astype(float)


@pytest.mark.parametrize(("name", "x"), [pytest.param(*c, id=c[0]) for c in hard_columns()])
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_agrees_with_statsmodels(name, x, slope):
    rng = np.random.default_rng(5)
    score = np.argsort(np.argsort(x)) / len(x) - 0.5
    y = rng.random(len(x)) < expit(-0.8 + slope * score)
    gap = rng.random(len(x)) < 0.1
    ours = crude(continuous(np.where(gap, np.nan, x)), y)
    # statsmodels works on the standardised column: its own scale handling is not the subject
    x, y = x[~gap], y[~gap]
    mean, sd = x.mean(), x.std()
    theirs = newton((x - mean) / sd, y)
    error = theirs.bse[1] / sd
    assert_allclose(ours.coef[0], theirs.params[1] / sd, rtol=1e-8, atol=1e-12 * error)
    assert_allclose(ours.std_error[0], error, rtol=1e-8)
    assert_allclose(ours.loglik, theirs.llf, rtol=1e-12)
    fitted = theirs.predict()
    assert_allclose(ours.brier, np.mean((y - fitted) ** 2), rtol=1e-8)
    back = np.array([1.0, -mean / sd])
    assert_allclose(ours.intercept, theirs.params @ back, rtol=1e-8, atol=1e-9)
    variance = back @ theirs.cov_params() @ back
    assert_allclose(ours.intercept_std_error, math.sqrt(variance), rtol=1e-7)
    assert_allclose([ours.aic, ours.bic], [theirs.aic, theirs.bic], rtol=1e-12)


@pytest.mark.parametrize(("name", "x"), [pytest.param(*c, id=c[0]) for c in hard_columns()])
def test_profile_limits_are_roots(name, x):
    """At each limit the best intercept leaves a likelihood ratio of exactly the quantile."""
    rng = np.random.default_rng(6)
    y = rng.random(len(x)) < 0.35
    ours = crude(continuous(x), y, interval="profile")
    sd = x.std()
    z = (x - x.mean()) / sd

    def profile(slope):
        score = lambda b0: np.sum(y) - np.sum(expit(b0 + slope * z))  # noqa: E731
        reach = 40 + np.abs(slope * z).max()
        eta = brentq(score, -reach, reach, xtol=1e-14, rtol=1e-14) + slope * z
        return np.sum(y * eta) - np.sum(np.logaddexp(0, eta))

    for limit in (ours.ci_low[0], ours.ci_high[0]):
        assert_allclose(2 * (ours.loglik - profile(limit * sd)), 1.959963984540054**2, rtol=1e-8)
    assert ours.ci_low[0] < ours.coef[0] < ours.ci_high[0]


def test_many_columns_at_once_equal_each_alone():
    rng = np.random.default_rng(2)
    n = 900
    y = rng.random(n) < 0.3
    columns = [rng.normal(size=n) + 0.3 * j * y for j in range(50)]
    columns[7] = np.full(n, 3.0)
    columns[11] = y * 10.0 + rng.random(n)  # separated
    columns[13] = np.full(n, np.nan)
    columns[17] = np.where(rng.random(n) < 0.85, np.nan, columns[17])
    terms = [continuous(c) for c in columns]
    known = np.ones(n, dtype=bool)
    for interval in ("wald", "profile"):
        together = fit_crude(terms, y, known, **(CHOICES | {"interval": interval}))
        for term, fit in zip(terms, together, strict=True):
            alone = crude(term, y, interval=interval)
            for name in ("coef", "std_error", "ci_low", "ci_high", "p_value"):
                np.testing.assert_array_equal(getattr(fit, name), getattr(alone, name))
            assert fit.notes == alone.notes


def test_long_column_is_walked_in_chunks():
    rng = np.random.default_rng(3)
    n = 70_001
    x = rng.normal(size=n)
    y = rng.random(n) < expit(-1 + 0.3 * x)
    ours, theirs = crude(continuous(x), y), newton(x, y)
    assert_allclose(ours.coef[0], theirs.params[1], rtol=1e-9)
    assert_allclose(ours.std_error[0], theirs.bse[1], rtol=1e-9)
    assert_allclose(ours.brier, np.mean((y - theirs.predict()) ** 2), rtol=1e-10)


def test_factor_agrees_with_statsmodels():
    rng = np.random.default_rng(4)
    codes = rng.integers(0, 4, 500)
    y = rng.random(500) < expit(-1 + 0.4 * codes)
    term = factor(codes, "abcd", reference=2)
    ours = crude(term, y)
    dummies = np.stack([codes == k for k in (0, 1, 3)], axis=1).astype(float)
    theirs = newton(dummies, y)
    assert_allclose(ours.coef[[0, 1, 3]], theirs.params[1:], rtol=1e-9)
    assert_allclose(ours.std_error[[0, 1, 3]], theirs.bse[1:], rtol=1e-9)
    assert_allclose(ours.intercept, theirs.params[0], rtol=1e-9)
    assert_allclose(ours.loglik, theirs.llf, rtol=1e-12)
    assert_allclose([ours.aic, ours.bic], [theirs.aic, theirs.bic], rtol=1e-12)
    assert_allclose(ours.brier, np.mean((y - theirs.predict()) ** 2), rtol=1e-12)
    assert ours.coef[2] == 0
    assert np.isnan([ours.std_error[2], ours.ci_low[2], ours.p_value[2], ours.statistic[2]]).all()
    assert ours.level_n.tolist() == np.bincount(codes).tolist()
    assert ours.level_events.tolist() == np.bincount(codes, y).astype(int).tolist()


def test_binary_number_and_factor_agree():
    """A 0/1 column and a two-level factor are the same model by two routes."""
    rng = np.random.default_rng(8)
    code = rng.integers(0, 2, 300)
    y = rng.random(300) < 0.3 + 0.2 * code
    for method in ("likelihood", "firth"):
        for interval in ("wald", "profile"):
            a = crude(continuous(code), y, method=method, interval=interval)
            b = crude(factor(code, "ab"), y, method=method, interval=interval)
            for name in ("coef", "std_error", "ci_low", "ci_high", "statistic", "p_value"):
                assert_allclose(getattr(a, name)[0], getattr(b, name)[1], rtol=1e-9, err_msg=name)
            for name in (
                "loglik", "loglik_null", "lr_statistic", "lr_p", "aic", "bic", "mcfadden_r2",
                "nagelkerke_r2", "brier", "c_statistic", "c_low", "c_high", "intercept",
                "intercept_std_error", "penalised_loglik",
            ):  # fmt: skip
                assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-9, err_msg=name)


def test_published_zero_cell():
    """0 of 22 against 90 of 378 (Heinze & Schemper's method): OR 0.0708."""
    term, y = table((90, 288), (0, 22))
    ours = crude(term, y, interval="profile")
    assert ours.method == "Firth"
    assert_allclose(ours.coef[1], math.log((0.5 / 22.5) / (90.5 / 288.5)), rtol=1e-13)
    assert_allclose(math.exp(ours.coef[1]), 0.0708, atol=5e-5)
    assert_allclose(np.exp([ours.ci_low[1], ours.ci_high[1]]), [0.0006, 0.520], atol=5e-4)
    assert_allclose(ours.p_value[1], 0.0035, atol=5e-5)
    assert_allclose(ours.lr_p, ours.p_value[1], rtol=1e-12)


def test_published_zero_cell_without_association():
    """0 of 22 against 7 of 363: log odds ratio 0.0548, limits -4.82 and 2.21."""
    term, y = table((7, 356), (0, 22))
    ours = crude(term, y, interval="profile")
    assert_allclose(ours.coef[1], 0.0548, atol=5e-5)
    assert_allclose([ours.ci_low[1], ours.ci_high[1]], [-4.82, 2.21], atol=5e-3)


def test_wald_limits_of_a_two_by_two_table():
    """Woolf: log OR -+ 1.96 sqrt(1/a + 1/b + 1/c + 1/d)."""
    term, y = table((10, 40), (25, 30))
    ours = crude(term, y)
    error = math.sqrt(1 / 10 + 1 / 40 + 1 / 25 + 1 / 30)
    coef = math.log(25 * 40 / (30 * 10))
    assert_allclose([ours.coef[1], ours.std_error[1]], [coef, error], rtol=1e-14)
    assert_allclose(ours.ci_low[1], coef - 1.959963984540054 * error, rtol=1e-13)


def separated_column(touching):
    """Events above others; with `touching` both groups share the value 5."""
    others = np.array([1.0, 2, 2.5, 3, 4, 5 if touching else 4.5])
    events = np.array([5.0 if touching else 6, 7, 8, 9])
    return np.concatenate([others, events]), np.repeat([False, True], [6, 4])


@pytest.mark.parametrize("touching", [False, True])
@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_separated_column_under_likelihood(touching, flip):
    x, y = separated_column(touching)
    ours = crude(continuous(flip * x), y, method="likelihood")
    assert ours.separated
    assert [n.code for n in ours.notes] == ["separation"]
    assert math.isnan(ours.coef[0])
    assert math.isnan(ours.std_error[0])
    supremum = 2 * math.log(0.5) if touching else 0.0
    assert_allclose(ours.loglik, supremum, atol=1e-12)
    null = 4 * math.log(0.4) + 6 * math.log(0.6)
    assert_allclose(ours.lr_statistic, 2 * (supremum - null), rtol=1e-12)
    finite, infinite = ours.ci_low[0], ours.ci_high[0]
    if flip < 0:
        finite, infinite = -infinite, -finite
    assert infinite == math.inf

    def profile(slope):
        score = lambda b0: np.sum(y) - np.sum(expit(b0 + slope * x))  # noqa: E731
        eta = brentq(score, -500, 500, xtol=1e-13) + slope * x
        return np.sum(y * eta) - np.sum(np.logaddexp(0, eta))

    assert_allclose(2 * (supremum - profile(finite)), 1.959963984540054**2, rtol=1e-8)


def test_separated_column_under_auto():
    x, y = separated_column(touching=True)
    ours = crude(continuous(x), y)
    assert ours.method == "Firth"
    assert ours.interval == "profile"  # a Wald interval would be misleading here
    assert ours.ci_low[0] < ours.coef[0] < ours.ci_high[0]
    assert ours.ci_low[0] > 0

    def objective(b0, b1):
        eta = b0 + b1 * x
        p = expit(eta)
        design = np.stack([np.ones_like(x), x])
        information = design * (p * (1 - p)) @ design.T
        return np.sum(y * eta - np.logaddexp(0, eta)) + 0.5 * np.log(np.linalg.det(information))

    top = objective(ours.intercept, ours.coef[0])
    assert_allclose(ours.penalised_loglik, top, rtol=1e-10)
    for d0, d1 in ((1e-4, 0), (-1e-4, 0), (0, 1e-4), (0, -1e-4), (1e-3, -2e-4)):
        assert objective(ours.intercept + d0, ours.coef[0] + d1) < top


def test_limits_are_given_per_chosen_units():
    rng = np.random.default_rng(9)
    x = rng.normal(50, 10, 200)
    y = rng.random(200) < expit((x - 50) / 20)
    one, ten = crude(continuous(x), y), crude(continuous(x, scale=10.0), y)
    for name in ("coef", "std_error", "ci_low", "ci_high"):
        assert_allclose(getattr(ten, name), 10 * getattr(one, name), rtol=1e-14)
    assert ten.p_value == one.p_value
    assert ten.intercept == one.intercept


DEGENERATE = {
    "constant": (continuous([2.0] * 6), "constant"),
    "no values": (continuous([np.nan] * 6), "no_values"),
    "factor without values": (factor([-1] * 6, "ab"), "no_values"),
    "factor without levels": (factor([-1] * 6, ""), "no_values"),
    "one level": (factor([0] * 6, "ab"), "constant"),
    "one level, not the reference": (factor([1] * 6, "ab"), "constant"),
    "events only": (continuous([1, 2, 3, np.nan, np.nan, np.nan]), "one_outcome"),
    "others only": (factor([-1, -1, -1, 0, 1, 1], "ab"), "one_outcome"),
    "one row": (continuous([1] + [np.nan] * 5), "one_outcome"),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("method", ["auto", "likelihood", "firth"])
@pytest.mark.parametrize("interval", ["wald", "profile"])
def test_degenerate_columns_say_so(case, method, interval):
    term, code = DEGENERATE[case]
    y = np.array([True, True, True, False, False, False])
    ours = crude(term, y, method=method, interval=interval)
    assert [n.code for n in ours.notes] == [code]
    reported = [i for i in range(len(ours.coef)) if term.kind != "factor" or i != term.reference]
    for name in ("coef", "std_error", "ci_low", "ci_high", "statistic", "p_value"):
        assert np.isnan(getattr(ours, name)[reported]).all(), name
    assert math.isnan(ours.lr_p)
    assert ours.n + ours.missing == 6


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e200])
def test_numbers_that_cannot_be_squared_are_refused(value):
    with pytest.raises(BadInput, match=r'"x" holds .* in row 3'):
        crude(continuous([1, 2, value, 4]), [True, False, True, False])


def test_no_rows_at_all():
    nothing = np.zeros(0, dtype=bool)
    ours = crude(continuous([]), nothing)
    assert [n.code for n in ours.notes] == ["no_values"]
    assert fit_crude([], nothing, nothing, **CHOICES) == []


def test_no_known_outcome():
    known = np.zeros(4, dtype=bool)
    for term in (continuous([1, 2, 3, 4]), factor([0, 1, 0, 1], "ab")):
        ours = crude(term, [True, False, True, False], known)
        assert (ours.n, ours.missing) == (0, 0)
        assert [n.code for n in ours.notes] == ["no_values"]


def test_reference_without_rows():
    term, y = table((10, 20), (15, 15), (0, 0), reference=2)
    ours = crude(term, y, interval="profile")
    assert [n.code for n in ours.notes] == ["empty_reference"]
    assert np.isnan(ours.coef[:2]).all()
    assert 0 < ours.lr_p < 1  # whether the risks differ can still be tested
    assert ours.lr_df == 1


def test_level_without_rows_changes_nothing_else():
    with_gap, y = table((10, 20), (0, 0), (15, 15))
    without, _ = table((10, 20), (15, 15))
    for interval in ("wald", "profile"):
        a, b = crude(with_gap, y, interval=interval), crude(without, y, interval=interval)
        assert [n.code for n in a.notes] == ["empty_level"]
        for name in ("coef", "ci_low", "ci_high", "p_value"):
            assert getattr(a, name)[2] == getattr(b, name)[1]
        assert math.isnan(a.coef[1])
        assert (a.lr_p, a.parameters, a.c_statistic) == (b.lr_p, b.parameters, b.c_statistic)


def test_zero_cells_under_likelihood_leave_the_other_levels_alone():
    term, y = table((10, 20), (0, 12), (15, 15), (7, 0))
    ours = crude(term, y, method="likelihood", interval="profile")
    plain_term, plain_y = table((10, 20), (15, 15))
    plain = crude(plain_term, plain_y, interval="profile")
    for name in ("coef", "ci_low", "ci_high", "p_value"):
        assert_allclose(getattr(ours, name)[2], getattr(plain, name)[1], rtol=1e-12)
    assert np.isnan(ours.coef[[1, 3]]).all()
    assert ours.ci_low[1] == -math.inf
    assert ours.ci_high[3] == math.inf
    assert np.isfinite([ours.ci_high[1], ours.ci_low[3]]).all()
    assert "None of the 12 rows" in ours.notes[0].text
    assert "All of the 7 rows" in ours.notes[0].text


def test_ten_thousand_levels():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 10_000, 20_000).astype(np.int16)
    y = rng.random(20_000) < 0.3
    term = Term("id", "factor", codes, tuple(str(i) for i in range(10_000)), 0)
    ours = crude(term, y, interval="profile")
    assert len(ours.coef) == 10_000
    assert ours.method == "Firth"
    assert max(len(n.text) for n in ours.notes) < 600


def test_only_rows_with_known_outcome_count():
    rng = np.random.default_rng(3)
    x, code = rng.normal(size=80), rng.integers(0, 3, 80)
    y, known = rng.random(80) < 0.4, rng.random(80) < 0.7
    for whole, part in (
        (continuous(x), continuous(x[known])),
        (factor(code, "abc"), factor(code[known], "abc")),
    ):
        a, b = crude(whole, y, known), crude(part, y[known])
        np.testing.assert_array_equal(a.coef, b.coef)
        assert (a.n, a.events, a.missing) == (b.n, b.events, b.missing)
        assert (a.c_statistic, a.c_low, a.brier) == (b.c_statistic, b.c_low, b.brier)


def test_constant_predictor_has_no_discrimination():
    ours = crude(continuous([1.0] * 10), [True] * 4 + [False] * 6)
    assert ours.c_statistic == 0.5


def test_without_limits_estimates_and_tests_are_the_same() -> None:
    """Whether the outcome is separated or not, and by Firth's method throughout."""
    rng = np.random.default_rng(3)
    x = np.sort(rng.normal(size=60))
    y = x > x[40]
    mixed = y ^ (rng.random(60) < 0.2)
    for outcome in (y, mixed):
        for method in ("auto", "firth"):
            whole = crude(continuous(x), outcome, method=method, interval="profile")
            bare = crude(continuous(x), outcome, method=method, interval="profile", limits=False)
            for name in ("coef", "std_error", "p_value", "lr_p", "method"):
                assert_equal(getattr(bare, name), getattr(whole, name))
            assert np.isfinite(whole.ci_low).all()
            assert np.isnan(bare.ci_low).all()
            assert np.isnan(bare.ci_high).all()
