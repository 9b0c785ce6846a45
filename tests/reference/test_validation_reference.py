"""validate_outcome_model against the same algorithm in plain code.

The plain code copies rows, fits by statsmodels and counts pairs; nothing of it comes from
`stats/`. With the same row numbers every mean must agree to numerical precision; with row
numbers of another generator, within Monte Carlo error. Data: `reference/data`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from stats.validation import validate_outcome_model
from tests.reference.models import data

MELANOMA = {"outcome": "died", "predictors": ["thickness", "age", "sex", "ulcer"], "event": "yes"}
TRIAL = {
    "outcome": "responder",
    "predictors": ["age", "bmi", "sex", "stage", "treatment"],
    "event": "yes",
}
THRESHOLDS = np.arange(1, 100) / 100


def melanoma() -> pd.DataFrame:
    frame = data("melanoma")
    frame["died"] = np.where(frame["status"] == 1, "yes", "no")
    for name in ("sex", "ulcer"):
        frame[name] = frame[name].astype(str)
    return frame


def trial() -> pd.DataFrame:
    return data("synth_trial")


def in_order(frame: pd.DataFrame, choices: dict) -> tuple[np.ndarray, np.ndarray]:
    """Design (with constant) and outcome of the complete cases, rows sorted by their values:
    predictors by name, then the outcome."""
    used = frame[[choices["outcome"], *choices["predictors"]]].dropna()
    used = used.assign(event=(used[choices["outcome"]] == choices["event"]).astype(float))
    used = used.sort_values([*sorted(choices["predictors"]), "event"])
    x = pd.get_dummies(used[choices["predictors"]], drop_first=True, dtype=float)
    return sm.add_constant(x.to_numpy()), used["event"].to_numpy()


def concordance(lp: np.ndarray, y: np.ndarray) -> float:
    difference = lp[y == 1][:, None] - lp[y == 0][None, :]
    tied = np.abs(difference) < 1e-10
    return float(((difference > 0) & ~tied).mean() + 0.5 * tied.mean())


def spline(lp: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Harrell's restricted cubic spline, written from the book's formula."""
    k = len(knots)

    def positive(v: np.ndarray) -> np.ndarray:
        return np.where(v > 0, v, 0.0) ** 3

    columns = [np.ones_like(lp), lp]
    last, before = knots[-1], knots[-2]
    for j in range(k - 2):
        t = knots[j]
        value = (
            positive(lp - t)
            - positive(lp - before) * (last - t) / (last - before)
            + positive(lp - last) * (before - t) / (last - before)
        )
        columns.append(value / (last - knots[0]) ** 2)
    return np.column_stack(columns)


class Plain:
    """The measures of one model's linear predictor on one set of rows."""

    def __init__(self, lp: np.ndarray) -> None:
        self.knots = np.quantile(lp, [0.05, 0.35, 0.65, 0.95])
        risk = np.sort(1 / (1 + np.exp(-lp)))
        self.grid = np.linspace(risk[4], risk[-5], 50)

    def measure(self, lp: np.ndarray, y: np.ndarray) -> np.ndarray:
        risk = 1 / (1 + np.exp(-lp))
        both = sm.Logit(y, sm.add_constant(lp)).fit(method="newton", disp=0, tol=1e-12).params
        large = sm.GLM(
            y, np.ones((len(y), 1)), offset=lp, family=sm.families.Binomial()
        ).fit(tol=1e-14).params  # fmt: skip
        return np.array(
            [concordance(lp, y), both[1], large[0], both[0], np.mean((risk - y) ** 2)]
        )  # fmt: skip

    def curve(self, lp: np.ndarray, y: np.ndarray) -> np.ndarray:
        at = spline(np.log(self.grid / (1 - self.grid)), self.knots)
        line = np.eye(len(self.knots))[1]  # undamped Newton steps do not always arrive from 0
        fit = sm.Logit(y, spline(lp, self.knots)).fit(
            line, method="newton", disp=0, tol=1e-10, maxiter=200
        )  # fmt: skip
        return 1 / (1 + np.exp(-(at @ fit.params)))

    @staticmethod
    def net_benefit(lp: np.ndarray, y: np.ndarray) -> np.ndarray:
        risk = 1 / (1 + np.exp(-lp))
        treated = risk[:, None] >= THRESHOLDS
        true = (treated & (y[:, None] == 1)).mean(axis=0)
        false = (treated & (y[:, None] == 0)).mean(axis=0)
        return true - false * THRESHOLDS / (1 - THRESHOLDS)

    def everything(self, lp: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        return [self.measure(lp, y), self.curve(lp, y), self.net_benefit(lp, y)]


def plain_validation(x: np.ndarray, y: np.ndarray, draws: np.ndarray) -> dict[str, list]:
    """Harrell's algorithm: fit, measure, refit on copied rows, measure twice, subtract."""

    def fit(rows: np.ndarray) -> np.ndarray:
        return sm.Logit(y[rows], x[rows]).fit(method="newton", disp=0, tol=1e-13).params

    lp = x @ fit(np.arange(len(y)))
    plain = Plain(lp)
    apparent = plain.everything(lp, y)
    optimism: list[list[np.ndarray]] = [[], [], []]
    own: list[list[np.ndarray]] = [[], [], []]
    for rows in draws:
        found = x @ fit(rows)
        here, there = plain.everything(found[rows], y[rows]), plain.everything(found, y)
        for i in range(3):
            own[i].append(here[i])
            optimism[i].append(here[i] - there[i])
    return {
        "apparent": apparent,
        "optimism": [np.mean(o, axis=0) for o in optimism],
        "mc_error": [np.std(o, axis=0, ddof=1) / np.sqrt(len(o)) for o in optimism],
        "own": [np.array(o) for o in own],
    }


def same_draws(n: int, resamples: int, seed: int) -> np.ndarray:
    """The row numbers that the docstring of `row_numbers` promises."""
    batches = []
    for batch in range(resamples // 50):
        bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(batch,)))
        batches.append(np.random.Generator(bits).integers(0, n, (50, n)))
    return np.concatenate(batches)


@pytest.mark.parametrize(
    ("frame", "choices"), [(melanoma, MELANOMA), (trial, TRIAL)], ids=["melanoma", "trial"]
)
def test_the_same_resamples_give_the_same_numbers(frame, choices) -> None:
    result = validate_outcome_model(frame(), **choices, quality="preview", seed=7)
    x, y = in_order(frame(), choices)
    assert result.n_used == len(y)
    assert result.facts["usable_resamples"] == result.facts["resamples"]
    truth = plain_validation(x, y, same_draws(len(y), result.facts["resamples"], 7))
    for i, table in enumerate((result.measures, result.calibration, result.decision)):
        first = table["observed"] if i == 1 else table["apparent"]
        assert_allclose(first, truth["apparent"][i], rtol=1e-7, atol=1e-8)
        assert_allclose(table["optimism"], truth["optimism"][i], rtol=1e-6, atol=1e-8)
        assert_allclose(table["mc_error"], truth["mc_error"][i], rtol=1e-5, atol=1e-8)
        corrected = truth["apparent"][i] - truth["optimism"][i]
        if i == 1:
            corrected = np.clip(corrected, 0, 1)
        assert_allclose(table["corrected"], corrected, rtol=1e-6, atol=1e-8)


def test_intervals_are_percentiles_moved_to_the_corrected_value() -> None:
    result = validate_outcome_model(melanoma(), **MELANOMA, quality="preview", seed=11)
    assert result.facts["resamples"] == 100
    x, y = in_order(melanoma(), MELANOMA)
    truth = plain_validation(x, y, same_draws(len(y), 100, 11))
    tables = (result.measures, result.calibration, result.decision)
    names = (("low", "high"), ("corrected_low", "corrected_high"), ("low", "high"))
    for i, (table, (low, high)) in enumerate(zip(tables, names, strict=True)):
        own = truth["own"][i]
        shift = truth["apparent"][i] - truth["optimism"][i] - own.mean(axis=0)
        expected = np.quantile(own, [0.025, 0.975], axis=0) + shift
        if i == 1:
            expected = np.clip(expected, 0, 1)  # risks stay risks
        given = ~np.isnan(table[low].to_numpy())
        assert given.sum() == (2 if i == 0 else len(table))  # no interval for calibration lines
        assert_allclose(table[low][given], expected[0][given], rtol=1e-5, atol=1e-8)
        assert_allclose(table[high][given], expected[1][given], rtol=1e-5, atol=1e-8)


def test_other_resamples_agree_within_monte_carlo_error() -> None:
    result = validate_outcome_model(melanoma(), **MELANOMA, quality="standard", seed=3)
    x, y = in_order(melanoma(), MELANOMA)
    draws = np.random.default_rng(20240607).integers(0, len(y), (300, len(y)))
    truth = plain_validation(x, y, draws)
    for i, table in enumerate((result.measures, result.calibration, result.decision)):
        error = np.hypot(table["mc_error"], truth["mc_error"][i])
        distance = np.abs(table["optimism"] - truth["optimism"][i])
        assert (distance <= 4.5 * error + 1e-12).all()


def test_the_apparent_band_is_the_wald_band_of_the_spline() -> None:
    result = validate_outcome_model(melanoma(), **MELANOMA, quality="preview")
    x, y = in_order(melanoma(), MELANOMA)
    lp = x @ sm.Logit(y, x).fit(method="newton", disp=0, tol=1e-13).params
    plain = Plain(lp)
    fit = sm.Logit(y, spline(lp, plain.knots)).fit(method="newton", disp=0, tol=1e-13)
    at = spline(np.log(plain.grid / (1 - plain.grid)), plain.knots)
    logit, reach = (
        at @ fit.params,
        1.959963984540054 * np.sqrt(np.einsum("ij,jk,ik->i", at, fit.cov_params(), at)),
    )
    table = result.calibration
    assert_allclose(table["predicted"], plain.grid, rtol=1e-9)
    assert_allclose(table["low"], 1 / (1 + np.exp(reach - logit)), rtol=1e-6)
    assert_allclose(table["high"], 1 / (1 + np.exp(-reach - logit)), rtol=1e-6)


def test_firth_models_are_refitted_with_the_penalty() -> None:
    """Firth's estimate by its definition (modified score, plain Newton), on copied rows."""

    def firth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        beta = np.zeros(x.shape[1])
        for _ in range(500):
            p = 1 / (1 + np.exp(-x @ beta))
            w = p * (1 - p)
            inverse = np.linalg.inv((x.T * w) @ x)
            h = w * np.einsum("ij,jk,ik->i", x, inverse, x)
            step = inverse @ (x.T @ (y - p + h * (0.5 - p)))
            beta += step
            if np.abs(step).max() < 1e-12:
                break
        return beta

    result = validate_outcome_model(
        melanoma(), **MELANOMA, quality="preview", method="firth", seed=5
    )
    x, y = in_order(melanoma(), MELANOMA)
    draws = same_draws(len(y), result.facts["resamples"], 5)
    lp = x @ firth(x, y)
    plain = Plain(lp)
    apparent = plain.measure(lp, y)
    optimism = []
    for rows in draws:
        found = x @ firth(x[rows], y[rows])
        optimism.append(plain.measure(found[rows], y[rows]) - plain.measure(found, y))
    assert result.facts["firth_resamples"] == len(draws)
    assert_allclose(result.measures["apparent"], apparent, rtol=1e-6, atol=1e-8)
    assert_allclose(result.measures["optimism"], np.mean(optimism, axis=0), rtol=1e-5, atol=1e-8)
