"""Validation of selected models against the whole procedure in plain code.

In each resample the plain code copies the rows, selects by a loop of statsmodels fits, fits what was
selected and measures it twice (`test_validation_reference.Plain`); nothing of it comes from `stats/`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy.stats import chi2

from stats.validation import validate_outcome_model
from tests.reference.test_validation_reference import Plain, melanoma, same_draws, spline

NAMES = ["age", "dose", "lung", "stage", "sex", "noise"]


def clinical(n: int = 260) -> pd.DataFrame:
    rng = np.random.default_rng(31)
    data = pd.DataFrame({name: rng.normal(size=n) for name in ("age", "dose", "lung", "noise")})
    data["stage"] = rng.choice(["I", "II", "III"], n, p=[0.4, 0.35, 0.25])
    data["sex"] = rng.choice(["f", "m"], n)
    eta = 0.7 * data["age"] - 0.35 * data["dose"] + 0.8 * (data["stage"] == "III") - 0.5
    data["died"] = np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "yes", "no")
    data.loc[data.index[::25], "lung"] = np.nan
    return data


class Procedure:
    """Complete cases in the order of their values; the columns of each predictor."""

    def __init__(self, frame: pd.DataFrame, names: list[str], outcome: str) -> None:
        used = frame[[*names, outcome]].dropna()
        used = used.assign(event=(used[outcome] == "yes").astype(float))
        used = used.sort_values([*sorted(names), "event"])
        self.y = used["event"].to_numpy()
        self.parts = {
            n: pd.get_dummies(used[[n]], drop_first=True, dtype=float).to_numpy() for n in names
        }

    def design(self, held: list[str], rows: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(len(rows)), *(self.parts[n][rows] for n in held)])

    def fit(self, held: list[str], rows: np.ndarray) -> object:
        model = sm.Logit(self.y[rows], self.design(held, rows))
        return model.fit(method="newton", disp=0, tol=1e-10)

    def screen(self, rows: np.ndarray, limit: float = 0.2) -> list[str]:
        held = []
        for name in self.parts:
            fit = self.fit([name], rows)
            if chi2.sf(2 * (fit.llf - fit.llnull), fit.df_model) < limit:
                held.append(name)
        return held

    def backward(self, rows: np.ndarray) -> list[str]:
        held = list(self.parts)
        aic = self.fit(held, rows).aic
        while held:
            trials = {n: self.fit([h for h in held if h != n], rows).aic for n in held}
            worst = min(trials, key=trials.__getitem__)
            if trials[worst] >= aic:
                break
            held.remove(worst)
            aic = trials[worst]
        return held

    def predict(self, held: list[str], rows: np.ndarray) -> np.ndarray:
        return self.design(held, np.arange(len(self.y))) @ self.fit(held, rows).params


def plain(
    made: Procedure, select: Callable[[np.ndarray], list[str]], draws: np.ndarray
) -> tuple[list[str], Counter[str], np.ndarray, np.ndarray]:
    """The chosen predictors, how often each is chosen, apparent measures and their optimism."""
    every = np.arange(len(made.y))
    chosen = select(every)
    lp = made.predict(chosen, every)
    judge = Plain(lp)
    apparent = np.concatenate(judge.everything(lp, made.y))
    times: Counter[str] = Counter()
    optimism = []
    for rows in draws:
        held = select(rows)
        times.update(held)
        found = made.predict(held, rows)
        here = everything(judge, found[rows], made.y[rows])
        optimism.append(here - everything(judge, found, made.y))
    return chosen, times, apparent, np.nanmean(optimism, axis=0)


def everything(judge: Plain, lp: np.ndarray, y: np.ndarray) -> np.ndarray:
    """All measures; a model of one factor has too few different risks for a spline."""
    if np.linalg.matrix_rank(spline(lp, judge.knots), tol=1e-9) == len(judge.knots):
        return np.concatenate(judge.everything(lp, y))
    nothing = np.full(len(judge.grid), np.nan)
    return np.concatenate([judge.measure(lp, y), nothing, judge.net_benefit(lp, y)])


MELANOMA = ["thickness", "age", "sex", "ulcer"]


@pytest.mark.parametrize("adjust", ["screen:0.2", "backward:aic"])
@pytest.mark.parametrize(
    ("frame", "names"), [(clinical, NAMES), (melanoma, MELANOMA)], ids=["made up", "melanoma"]
)
def test_the_selection_is_repeated_in_every_resample(
    frame: Callable[[], pd.DataFrame], names: list[str], adjust: str
) -> None:
    data = frame()
    result = validate_outcome_model(
        data, outcome="died", event="yes", predictors=names, adjust=adjust, quality="preview", seed=7
    )  # fmt: skip
    made = Procedure(data, names, "died")
    select = made.screen if adjust.startswith("screen") else made.backward
    n_resamples = result.facts["resamples"]
    assert result.facts["usable_resamples"] == n_resamples
    assert result.facts["empty_resamples"] == 0
    chosen, times, apparent, optimism = plain(
        made, select, same_draws(len(made.y), n_resamples, 7)
    )  # fmt: skip
    assert list(result.facts["selected"]) == chosen
    table = result.selection.set_index("term")
    assert list(table.index) == names
    assert list(table.index[table["in_model"]]) == chosen
    assert dict(table["resamples"]) == {n: times[n] for n in names}
    assert_allclose(table["share"], table["resamples"] / n_resamples)
    found = [result.measures, result.calibration, result.decision]
    first = np.concatenate([t["observed" if i == 1 else "apparent"] for i, t in enumerate(found)])
    assert_allclose(first, apparent, rtol=1e-7, atol=1e-8)
    assert_allclose(
        np.concatenate([t["optimism"] for t in found]), optimism, rtol=1e-5, atol=1e-8
    )  # fmt: skip


def test_a_repeated_selection_shows_more_optimism_than_a_frozen_one() -> None:
    """Ten columns of noise: what the data chose looks better than chance, and is not."""
    rng = np.random.default_rng(8)
    data = pd.DataFrame(rng.normal(size=(200, 10)), columns=[f"x{j}" for j in range(10)])
    data["died"] = np.where(rng.random(200) < 0.4, "yes", "no")
    asked = {"outcome": "died", "event": "yes", "predictors": list(data.columns[:10])}
    repeated = validate_outcome_model(data, **asked, adjust="screen:0.3")
    frozen = validate_outcome_model(data, **asked, adjust=list(repeated.facts["selected"]))
    assert len(repeated.facts["selected"]) >= 2
    assert_allclose(repeated.measures["apparent"], frozen.measures["apparent"], atol=1e-9)
    assert repeated.measures["optimism"][0] > 1.5 * frozen.measures["optimism"][0]
    assert repeated.measures["corrected"][0] < frozen.measures["corrected"][0] - 0.01
