"""Screening and backward elimination against plain loops over statsmodels' Logit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats

from logic import BadInput, NotEstimable, analyze_outcome

NAMES = ["x1", "x2", "x3", "x4", "stage", "x5"]


def clinical(seed: int, n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({f"x{i}": rng.normal(size=n) for i in range(1, 6)})
    data["stage"] = rng.choice(["I", "II", "III"], n)
    eta = 0.6 * data["x1"] + 0.25 * data["x3"] + 0.5 * (data["stage"] == "III") - 0.4
    data["died"] = np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "yes", "no")
    data.loc[rng.random(n) < 0.03, "x2"] = np.nan
    return data


def columns(data: pd.DataFrame, names: list[str]) -> np.ndarray:
    parts = [np.ones(len(data))]
    for name in names:
        if name == "stage":
            parts += [(data[name] == "II").to_numpy(float), (data[name] == "III").to_numpy(float)]
        else:
            parts.append(data[name].to_numpy())
    return np.column_stack(parts)


def logit(data: pd.DataFrame, names: list[str]) -> object:
    return sm.Logit((data["died"] == "yes").astype(float), columns(data, names)).fit(disp=0)


def backward(data: pd.DataFrame, keep: str | None) -> tuple[list[str], list[float]]:
    used, held = data.dropna(), list(NAMES)
    path = [logit(used, held).aic]
    while True:
        trials = {n: logit(used, [h for h in held if h != n]).aic for n in held if n != keep}
        if not trials:
            return held, path
        worst = min(trials, key=trials.__getitem__)
        if trials[worst] >= path[-1]:
            return held, path
        held.remove(worst)
        path.append(trials[worst])


ASKED = {"outcome": "died", "event": "yes", "predictors": NAMES}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("exposure", [None, "x5"])
def test_backward_elimination_takes_the_path_of_a_plain_loop(
    seed: int, exposure: str | None
) -> None:
    data = clinical(seed)
    want, path = backward(data, exposure)
    result = analyze_outcome(data, **ASKED, adjust="backward:aic", exposure=exposure)
    assert list(dict.fromkeys(result.adjusted.effects["term"])) == want
    assert_allclose(result.extras.selection["aic"], path, rtol=1e-9)
    named = analyze_outcome(data, **ASKED, adjust=want, exposure=exposure)
    left, right = result.adjusted.table("effects"), named.adjusted.table("effects")
    assert [c.data for c in left.columns] == [c.data for c in right.columns]


@pytest.mark.parametrize("limit", [0.05, 0.2])
def test_screening_holds_what_its_own_likelihood_ratio_test_lets_in(limit: float) -> None:
    data = clinical(7)
    p_values = {}
    for name in NAMES:
        used = data.dropna(subset=[name])
        fit = logit(used, [name])
        p_values[name] = stats.chi2.sf(2 * (fit.llf - fit.llnull), fit.df_model)
    result = analyze_outcome(data, **ASKED, adjust=f"screen:{limit}")
    assert_allclose(result.extras.selection["p_value"], list(p_values.values()), rtol=1e-6)
    want = [n for n in NAMES if p_values[n] < limit]
    assert list(dict.fromkeys(result.adjusted.effects["term"])) == want
    assert "data_driven_selection" in {n.code for n in result.notes}
    assert result.choices["adjust"] == f"screen:{limit}"


def test_nothing_selected_is_said() -> None:
    rng = np.random.default_rng(1)
    data = clinical(3).assign(died=rng.choice(["no", "yes"], 300))
    for adjust in ("screen:0.0001", "backward:aic"):
        result = analyze_outcome(data, **{**ASKED, "predictors": ["x5"]}, adjust=adjust)
        codes = [n.code for n in result.notes]
        assert ("nothing_selected" in codes) == (not len(result.adjusted.effects))
        assert "no_adjusted_model" not in codes


def test_row_order_is_irrelevant() -> None:
    data = clinical(9)
    turned = data.sample(frac=1.0, random_state=2).reset_index(drop=True)
    one = analyze_outcome(data, **ASKED, adjust="backward:aic").extras.selection
    two = analyze_outcome(turned, **ASKED, adjust="backward:aic").extras.selection
    assert list(one["term"].fillna("")) == list(two["term"].fillna(""))
    assert_allclose(one["aic"], two["aic"], rtol=1e-10)


def test_what_cannot_be_is_refused() -> None:
    data = clinical(11)
    for adjust, words in {"screen:2": "between 0 and 1", "backward:bic": "not known"}.items():
        with pytest.raises(BadInput, match=words):
            analyze_outcome(data, **ASKED, adjust=adjust)
    with pytest.raises(BadInput, match="maximum likelihood"):
        analyze_outcome(data, **ASKED, adjust="backward:aic", method="firth")
    data["rare"] = np.where((data["died"] == "yes") & (data.index < 40), "yes", "no")
    with pytest.raises(NotEstimable, match="finite estimates"):
        analyze_outcome(data, **{**ASKED, "predictors": ["rare", "x1"]}, adjust="backward:aic")
