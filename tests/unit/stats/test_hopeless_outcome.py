"""Data that cannot answer: a sentence each, within two seconds, never a traceback."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from stats.errors import BadInput, NotEstimable
from stats.outcome import analyze_outcome

N = 40
RNG = np.random.default_rng(7)
BASE = pd.DataFrame(
    {
        "y": ([0, 1] * N)[:N],
        "x": RNG.normal(size=N),
        "z": RNG.normal(size=N),
        "g": (["a", "a", "b", "b", "c", "a", "c"] * N)[:N],
    }
)
SENTENCE = re.compile(r"^[A-Z0-9\"<].*[.?]$", re.DOTALL)
FORBIDDEN = re.compile(r"\bnan\b|\binf\b|Traceback|Error:|\bNone\b(?! of)|\bNaN\b")


def change(**columns: object) -> pd.DataFrame:
    return BASE.assign(**columns)


WITH_NOTES: dict[str, tuple[pd.DataFrame, str]] = {
    "constant": (change(x=1.0), "constant"),
    "all missing": (change(x=np.nan), "no_values"),
    "one level": (change(g="a"), "constant"),
    "empty category": (change(g=pd.Categorical([None] * N, ["a", "b"])), "no_values"),
    "no level at all": (change(g=pd.Categorical([None] * N, [])), "no_values"),
    "same twice": (change(z=BASE["x"]), "aliased"),
    "sum of others": (change(w=BASE["x"] + BASE["z"]), "aliased"),
    "separated": (change(x=BASE["y"] * 10.0 + RNG.normal(size=N)), "separation"),
    "exactly the outcome": (change(x=BASE["y"].astype(float)), "separation"),
    "level without events": (change(g=np.where(BASE["y"] == 1, "a", "b")), "separation"),
    "never complete": (
        change(x=np.where(np.arange(N) % 2, np.nan, 1.5), z=np.where(np.arange(N) % 2, 2.5, np.nan)),
        "constant",
    ),
    "disjoint rows": (
        change(
            x=np.where(np.arange(N) < N / 2, np.nan, BASE["x"]),
            z=np.where(np.arange(N) < N / 2, BASE["z"], np.nan),
        ),
        "no_adjusted_model",
    ),
    "one complete row": (change(x=np.where(np.arange(N) < N - 1, np.nan, 2.0)), "constant"),
    "two complete rows": (
        change(x=np.where(np.arange(N) < N - 2, np.nan, BASE["x"])),
        "too_few_rows",
    ),
    "tiny spread": (change(x=1e3 + 1e-13 * RNG.normal(size=N)), "constant"),
    "many levels, few rows": (change(g=[f"level {i}" for i in range(N)]), "separation"),
}  # fmt: skip

REFUSED: dict[str, tuple[pd.DataFrame, str]] = {
    "outcome constant": (change(y=1), "same value"),
    "outcome empty": (change(y=np.nan), "no values"),
    "outcome of three values": (change(y=([0, 1, 2] * N)[:N]), "has 3 values"),
    "outcome continuous": (change(y=RNG.normal(size=N)), f"has {N} values"),
    "outcome words": (change(y=(["Dead", "Alive"] * N)[:N]), "is the event"),
    "infinite value": (change(x=np.where(np.arange(N) == 4, np.inf, 1.0)), "too large"),
    "huge value": (change(x=np.where(np.arange(N) == 4, 1e308, BASE["x"])), "too large"),
    "a date": (change(x=pd.date_range("2020-01-01", periods=N)), "is a date"),
    "10,000 levels": (
        pd.concat([BASE] * 250, ignore_index=True).assign(g=[f"g{i}" for i in range(10_000)]),
        "10,000 levels",
    ),
    "one row": (BASE.iloc[:1], "same value"),
    "no rows": (BASE.iloc[:0], "no values"),
}


def predictors(data: pd.DataFrame) -> list[str]:
    return [c for c in data.columns if c != "y"]


def timed(work: Callable[[], object]) -> object:
    start = time.process_time()
    value = work()
    assert time.process_time() - start < 2.0
    return value


@pytest.mark.parametrize("interval", ["profile", "wald"])
@pytest.mark.parametrize("method", ["auto", "likelihood", "firth"])
@pytest.mark.parametrize("name", WITH_NOTES)
def test_what_cannot_be_estimated_is_said(name: str, method: str, interval: str) -> None:
    data, code = WITH_NOTES[name]
    result = timed(
        lambda: analyze_outcome(
            data, outcome="y", predictors=predictors(data), method=method, interval=interval
        )
    )
    codes = {n.code for n in result.notes}
    if not (method == "firth" and code == "separation"):
        assert code in codes
    for note in result.notes:
        assert SENTENCE.match(note.text), note.text
        assert not FORBIDDEN.search(note.text), note.text
    for effects in (result.crude.effects, result.adjusted.effects):
        finite = effects["coef"].notna()
        assert (effects.loc[finite, "estimate"] > 0).all()
        assert effects["n"].notna().all()


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_asked_is_refused_in_a_sentence(name: str) -> None:
    data, words = REFUSED[name]
    with pytest.raises((BadInput, NotEstimable), match=words) as caught:
        timed(lambda: analyze_outcome(data, outcome="y", predictors=predictors(data)))
    text = str(caught.value)
    assert SENTENCE.match(text), text
    assert not FORBIDDEN.search(text), text
    assert caught.value.hint


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"outcome": "why"}, 'no column called "why"'),
        ({"predictors": []}, "No predictors"),
        ({"predictors": ["x", "x"]}, "named twice"),
        ({"predictors": ["x", "y"]}, "cannot also be a predictor"),
        ({"event": 2}, 'no level "2"'),
        ({"references": {"g": "q"}}, 'no level "q"'),
        ({"references": {"x": 1}}, "has no reference level"),
        ({"references": {"q": 1}}, 'no column called "q"'),
        ({"exposure": "q"}, "not among the predictors"),
        ({"adjust": ["q"]}, "not among the predictors"),
        ({"adjust": []}, "adjustment set is empty"),
        ({"method": "bayes"}, "is not known"),
        ({"interval": "exact"}, "is not known"),
        ({"ci_level": 95}, "between 0.5 and 1"),
        ({"scale": {"g": 2}}, "not a continuous predictor"),
        ({"scale": {"x": -1}}, "must be a number above 0"),
    ],
)
def test_a_bad_choice_is_refused_before_any_work(choices: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        analyze_outcome(BASE, **{"outcome": "y", "predictors": ["x", "g"], **choices})
    assert SENTENCE.match(str(caught.value))
    assert caught.value.hint
