"""Intervals and groups whose numbers come from other programs or other algebra.

Bonett & Price: the example of R's statpsych, ci.prop.ps(.05, 12, 4, 26, 6), as its manual prints it
(https://search.r-project.org/CRAN/refmans/statpsych/html/ci.prop.ps.html). Newcombe's hybrid score:
statsmodels. Newcombe's method 5 (2006, doi:10.1002/sim.2324): the roots of its quartic. Calibration
groups: pandas' qcut of the risks that statsmodels fits.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from statsmodels.stats.proportion import confint_proportions_2indep

from logic import analyze_outcome, validate_outcome_model
from stats.effect_sizes import paired_risk_difference, superiority
from stats.proportions import newcombe_difference
from tests.reference.models import data


def test_bonett_price_is_that_of_statpsych() -> None:
    found = paired_risk_difference(26, 4, 48, 0.95)
    assert_allclose([found.low, found.high], [0.2548067, 0.6251933], atol=5e-8)


@pytest.mark.parametrize(
    "counts", [(56, 70, 48, 80), (9, 10, 3, 10), (10, 10, 0, 10), (5, 56, 0, 29), (81, 263, 4, 9)]
)
def test_newcombe_is_that_of_statsmodels(counts: tuple[int, int, int, int]) -> None:
    found = newcombe_difference(*counts, 0.95)
    expected = confint_proportions_2indep(*counts, method="newcomb")
    assert_allclose([found.low, found.high], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("u", "m", "n"), [(30.0, 8, 9), (12.5, 5, 5), (1.0, 6, 4), (812.5, 40, 31), (23.0, 4, 6)]
)
def test_method_5_solves_its_quartic(u: float, m: int, n: int) -> None:
    """(U/mn - t)^2 = z^2 t (1 - t) (1 + k (1 - t)/(2 - t) + k t/(1 + t)) / mn, k = (m + n)/2 - 1,
    multiplied by (2 - t)(1 + t): a polynomial in t with one root on either side of U/mn."""
    t, theta, k = np.poly1d([1.0, 0.0]), u / (m * n), (m + n) / 2 - 1
    both = (2 - t) * (1 + t)
    spread = t * (1 - t) * (both + k * (1 - t) * (1 + t) + k * t * (2 - t))
    z = 1.959963984540054
    roots = ((theta - t) ** 2 * both - z * z / (m * n) * spread).roots
    real = np.sort(roots[np.abs(roots.imag) < 1e-9].real)
    inside = real[(real > 0) & (real < 1)]
    found = superiority(u, m, n, 0.95)
    assert_allclose([found.low, found.high], inside, atol=1e-9)
    assert inside[0] < theta < inside[1]


def urine() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    frame = data("urine").dropna(subset=["ph", "urea", "calc"])
    x = sm.add_constant(frame[["ph", "urea", "calc"]])
    y = frame["r"].to_numpy(dtype=float)
    return frame, y, sm.Logit(y, x).fit(disp=0, method="newton", tol=1e-12).predict(x).to_numpy()


def test_calibration_groups_are_those_of_qcut() -> None:
    frame, y, risk = urine()
    asked = {"outcome": "r", "event": 1, "predictors": ["ph", "urea", "calc"]}
    cut = pd.qcut(risk, 10, labels=False)
    expected = pd.DataFrame({"g": cut, "p": risk, "y": y}).groupby("g").agg(
        n=("y", "size"), predicted=("p", "mean"), observed=("y", "mean")
    )  # fmt: skip
    model = analyze_outcome(frame, **asked).diagnostics.calibration
    again = validate_outcome_model(frame, **asked, quality="preview").groups
    for found in (model, again):
        for name in ("n", "predicted", "observed"):
            assert_allclose(found[name], expected[name], rtol=1e-7)
