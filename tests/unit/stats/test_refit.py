"""Refits of many resamples against statsmodels on copied rows, and those that need care."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose, assert_array_equal

from stats.design import Design, Term, make_design
from stats.firth import fit_firth
from stats.logistic import fit_logistic, sums
from stats.refit import FIRTH, LIKELIHOOD, NO_MODEL, SEPARATED, FullFit, Refitter
from stats.resampling import draw_counts


def clinical(n: int, p: int, seed: int = 1) -> tuple[Design, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    x[:, p // 2 :] = x[:, p // 2 :] > 0.3
    y = rng.random(n) < 1 / (1 + np.exp(0.7 - x @ (rng.normal(size=p) * 0.3)))
    terms = [Term(f"x{j}", "continuous", x[:, j]) for j in range(p)]
    return make_design(terms, np.arange(n)), y.astype(float)


def refitter(design: Design, y: np.ndarray, method: str = "auto") -> Refitter:
    start = sums(design, y)
    fit = fit_logistic(design, y, start=start)
    return Refitter(design, y, FullFit(fit.beta, fit.covariance, start.row_norm), method)


def columns(design: Design) -> np.ndarray:
    return np.concatenate([x.copy() for _, x in design.blocks()])


# chord steps, Newton from the start, and one product per resample (more than 60 parameters)
@pytest.mark.parametrize(("n", "p"), [(2_000, 5), (120, 5), (1_500, 64), (4_000, 62)])
def test_every_refit_is_the_maximum_of_its_resample(n: int, p: int) -> None:
    design, y = clinical(n, p)
    x = columns(design)
    counts = draw_counts(n, 0, 1)[:12]
    found = refitter(design, y).refit(counts)
    assert (found.how == LIKELIHOOD).all()
    for i, drawn in enumerate(counts):
        rows = np.repeat(np.arange(n), drawn)
        truth = sm.Logit(y[rows], x[rows]).fit(method="newton", disp=0, tol=1e-13)
        assert_allclose((found.beta[i] - truth.params) / truth.bse, 0.0, atol=1e-8)


def test_a_design_in_several_blocks() -> None:
    design, y = clinical(60_000, 20)
    assert len(list(design.blocks())) > 1
    counts = draw_counts(60_000, 0, 2)[:2]
    found = refitter(design, y).refit(counts)
    for i, drawn in enumerate(counts):
        rows = np.repeat(np.arange(60_000), drawn)
        again = Design(design.terms, design.rows[rows], design.columns, design.centre,
                       design.spread)  # fmt: skip
        truth = fit_logistic(again, y[rows])
        errors = np.sqrt(np.diag(truth.covariance))
        assert_allclose((found.beta[i] - truth.beta) / errors, 0.0, atol=1e-8)


def test_how_many_run_together_changes_nothing_that_matters() -> None:
    design, y = clinical(300, 6)
    counts = draw_counts(300, 0, 3)
    both = refitter(design, y)
    together, alone = both.refit(counts), [both.refit(counts[i : i + 1]) for i in range(5)]
    for i, one in enumerate(alone):
        assert_allclose(together.beta[i], one.beta[0], atol=1e-9)


def with_rare_level(n: int = 90) -> tuple[Design, np.ndarray]:
    rng = np.random.default_rng(4)
    codes = np.zeros(n, dtype=np.int8)
    codes[:3], codes[3:40] = 2, 1
    x = rng.normal(size=n)
    y = (rng.random(n) < 0.5).astype(float)
    y[:3] = [1.0, 1.0, 0.0]
    terms = [Term("x", "continuous", x), Term("f", "factor", codes, ("a", "b", "c"))]
    return make_design(terms, np.arange(n)), y


def test_rare_levels_are_handled_as_the_model_itself_would() -> None:
    design, y = with_rare_level()
    counts = np.concatenate([draw_counts(90, b, 5) for b in range(2)])
    found = refitter(design, y).refit(counts)
    drawn = counts[:, :3].astype(int)
    absent = drawn.sum(axis=1) == 0
    one_sided = ~absent & ((drawn[:, :2].sum(axis=1) == 0) | (drawn[:, 2] == 0))
    assert absent.any()
    assert one_sided.any()
    assert_array_equal(found.reduced, absent)
    assert_array_equal(found.how, np.where(one_sided, FIRTH, LIKELIHOOD))
    assert_array_equal(found.beta[absent, 3], 0.0)
    assert np.isfinite(found.beta).all()
    first = int(np.flatnonzero(one_sided)[0])
    rows = np.repeat(np.arange(90), counts[first])
    again = Design(design.terms, rows, design.columns, design.centre, design.spread)
    assert_allclose(found.beta[first], fit_firth(again, y[rows]).beta, atol=1e-8)
    first = int(np.flatnonzero(absent)[0])
    rows = np.repeat(np.arange(90), counts[first])
    x = columns(design)[rows][:, :3]
    truth = sm.Logit(y[rows], x).fit(method="newton", disp=0, tol=1e-13)
    assert_allclose(found.beta[first, :3], truth.params, atol=1e-8)


def test_without_a_penalty_separated_resamples_have_no_model() -> None:
    design, y = with_rare_level()
    counts = draw_counts(90, 0, 5)
    auto = refitter(design, y).refit(counts)
    plain = refitter(design, y, "likelihood").refit(counts)
    assert_array_equal(plain.how == SEPARATED, auto.how == FIRTH)
    assert np.isnan(plain.beta[plain.how == SEPARATED]).all()
    assert_array_equal(plain.beta[plain.how == LIKELIHOOD], auto.beta[auto.how == LIKELIHOOD])


def test_one_outcome_only_is_no_model() -> None:
    design, y = clinical(40, 2)
    counts = np.zeros((2, 40), dtype=np.uint8)
    counts[0, np.flatnonzero(y == 0)[0]] = 40
    counts[1] = 1
    found = refitter(design, y).refit(counts)
    assert found.how[0] == NO_MODEL
    assert np.isnan(found.beta[0]).all()
    assert found.how[1] == LIKELIHOOD


def test_the_penalty_for_every_resample() -> None:
    design, y = clinical(80, 3)
    counts = draw_counts(80, 0, 6)[:4]
    found = refitter(design, y, "firth").refit(counts)
    assert (found.how == FIRTH).all()
    for i, drawn in enumerate(counts):
        rows = np.repeat(np.arange(80), drawn)
        again = Design(design.terms, rows, design.columns, design.centre, design.spread)
        assert_allclose(found.beta[i], fit_firth(again, y[rows]).beta, atol=1e-9)
