"""Laws of the crude models and of the descriptives, on generated data."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from stats.descriptives import describe_by_outcome
from stats.design import Term
from stats.univariable import fit_crude

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PER_ROW = ("coef", "std_error", "ci_low", "ci_high", "statistic", "p_value")
PER_MODEL = (
    "loglik", "loglik_null", "lr_statistic", "lr_p", "aic", "bic", "mcfadden_r2",
    "nagelkerke_r2", "brier", "c_statistic", "c_low", "c_high", "intercept_std_error",
)  # fmt: skip


class Problem(tuple):
    """Prints its size instead of its columns."""

    __slots__ = ()

    def __repr__(self):
        return f"problem with {len(self[1])} rows"


@st.composite
def problems(draw):
    """Terms of every kind with missing values, an outcome, and rows with known outcome."""
    seed = draw(st.integers(0, 2**32 - 1))
    n = draw(st.sampled_from([12, 30, 120]))
    rng = np.random.default_rng(seed)
    y, known = rng.random(n) < draw(st.sampled_from([0.1, 0.4, 0.8])), rng.random(n) < 0.9
    columns = {
        "normal": rng.normal(50, 10, n) + 5 * y,
        "counts": rng.poisson(1.5, n).astype(float),
        "skewed": np.exp(2 * rng.normal(size=n)),
        "constant": np.full(n, 4.0),
    }
    terms = []
    for name, values in columns.items():
        values[rng.random(n) < 0.1] = np.nan
        terms.append(Term(name, "continuous", values))
    for levels in (2, 5):
        codes = rng.integers(-1, levels, n).astype(np.int8)
        terms.append(Term(f"f{levels}", "factor", codes, tuple("abcde"[:levels]), levels - 2))
    return Problem((terms, y, known))


choices = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["auto", "likelihood", "firth"]),
        "interval": st.sampled_from(["profile", "wald"]),
        "ci_level": st.sampled_from([0.9, 0.95]),
    }
)


def fits(terms, y, known, options):
    return fit_crude(terms, y, known, **options)


def same(a, b, names, rtol=1e-9, **more):
    for name in names:
        assert_allclose(getattr(a, name), getattr(b, name), rtol=rtol, err_msg=name, **more)


@QUICK
@given(problems(), choices)
def test_swapping_the_event_turns_every_sign(problem, options):
    terms, y, known = problem
    for a, b in zip(fits(terms, y, known, options), fits(terms, ~y, known, options), strict=True):
        near = {"rtol": 1e-7, "atol": 1e-9}
        assert_allclose(a.coef, -b.coef, **near)
        assert_allclose(a.std_error, b.std_error, **near)
        assert_allclose(a.ci_low, -b.ci_high, **near)
        assert_allclose(a.p_value, b.p_value, **near)
        same(a, b, PER_MODEL, rtol=1e-7, atol=1e-9)
        assert a.events + b.events == a.n == b.n
        assert a.method == b.method


@QUICK
@given(problems(), choices, st.integers(0, 2**32 - 1))
def test_the_order_of_rows_is_irrelevant(problem, options, seed):
    terms, y, known = problem
    order = np.random.default_rng(seed).permutation(len(y))
    moved = [Term(t.name, t.kind, t.values[order], t.levels, t.reference) for t in terms]
    for a, b in zip(
        fits(terms, y, known, options), fits(moved, y[order], known[order], options), strict=True
    ):
        same(a, b, (*PER_ROW, *PER_MODEL), rtol=1e-10, atol=1e-12)
        assert a.notes == b.notes
    first = describe_by_outcome(terms, y, known, event_label="1", other_label="0", seed=1)
    second = describe_by_outcome(
        moved, y[order], known[order], event_label="1", other_label="0", seed=1
    )
    for a, b in zip(first, second, strict=True):
        for name in a:
            if isinstance(a[name], np.ndarray):
                assert_allclose(a[name], b[name], rtol=1e-10)
            else:
                assert list(map(str, a[name])) == list(map(str, b[name]))


@QUICK
@given(problems(), choices, st.sampled_from([10.0, 1e-3, 1e6]))
def test_units_change_the_coefficient_alone(problem, options, factor):
    terms, y, known = problem
    terms = [t for t in terms if t.kind == "continuous"]
    scaled = [Term(t.name, "continuous", t.values * factor) for t in terms]
    for a, b in zip(fits(terms, y, known, options), fits(scaled, y, known, options), strict=True):
        for name in ("coef", "std_error", "ci_low", "ci_high"):
            error = np.nan_to_num(a.std_error, nan=1.0)
            assert_allclose(
                getattr(b, name) * factor / error, getattr(a, name) / error, rtol=1e-7, atol=1e-8
            )
        same(a, b, ("p_value", "lr_p", "aic", "c_statistic", "brier"), rtol=1e-6, atol=1e-10)


@QUICK
@given(problems(), choices)
def test_another_column_changes_not_one_byte(problem, options):
    terms, y, known = problem
    gaps = np.where(np.arange(len(y)) % 7 == 0, 1.0 * np.arange(len(y)), np.nan)  # 85 % missing
    more = [Term("other", "continuous", gaps), *terms, Term("last", "continuous", gaps**2)]
    alone, among = fits(terms, y, known, options), fits(more, y, known, options)[1:-1]
    for a, b in zip(alone, among, strict=True):
        for name in (*PER_ROW, *PER_MODEL):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@QUICK
@given(problems(), choices)
def test_changing_the_reference_turns_the_comparison(problem, options):
    terms, y, known = problem
    for term in (t for t in terms if t.kind == "factor"):
        other = 0 if term.reference else 1
        turned = Term(term.name, "factor", term.values, term.levels, other)
        a, b = fits([term, turned], y, known, options)
        near = {"rtol": 1e-9, "atol": 1e-11}
        assert_allclose(a.coef[other], -b.coef[term.reference], **near)
        assert_allclose(a.ci_low[other], -b.ci_high[term.reference], **near)
        assert_allclose(a.p_value[other], b.p_value[term.reference], **near)
        same(a, b, ("lr_p", "aic", "c_statistic", "brier"))


@QUICK
@given(problems(), choices)
def test_intervals_and_tests_do_not_contradict(problem, options):
    """The limits exclude no effect exactly when p is below the level."""
    terms, y, known = problem
    for fit in fits(terms, y, known, options):
        decided = np.isfinite(fit.p_value) & (np.abs(fit.p_value - 1 + options["ci_level"]) > 1e-6)
        excludes = (fit.ci_low > 0) | (fit.ci_high < 0)
        significant = fit.p_value < 1 - options["ci_level"]
        np.testing.assert_array_equal(excludes[decided], significant[decided])


@QUICK
@given(problems(), st.sampled_from(["auto", "firth"]))
def test_firth_is_always_finite(problem, method):
    terms, y, known = problem
    for fit in fits(terms, y, known, {"method": method, "interval": "profile", "ci_level": 0.95}):
        if fit.method == "Firth":
            assert np.isfinite(fit.lr_p)
            counted = ~np.isnan(fit.coef) & (fit.coef != 0)
            assert np.isfinite([fit.ci_low[counted], fit.ci_high[counted]]).all()
            assert (fit.ci_low[counted] <= fit.coef[counted]).all()
            assert (fit.coef[counted] <= fit.ci_high[counted]).all()
        codes = {note.code for note in fit.notes}
        assert not fit.separated or "separation" in codes
        assert not any(word in note.text for note in fit.notes for word in ("nan", "inf "))
