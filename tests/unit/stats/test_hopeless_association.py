"""Tests, tables, ROC curves, strata and correlations of data that cannot answer."""

from __future__ import annotations

import math
import re
import time

import numpy as np
import pandas as pd
import pytest

from stats.correlation import correlate
from stats.diagnostic_test import evaluate_test
from stats.errors import BadInput, NotEstimable
from stats.roc import evaluate_roc
from stats.stratified import stratify
from stats.two_by_two import two_by_two
from stats.variables import Dataset, Variable

N = 40
RNG = np.random.default_rng(11)
BASE = pd.DataFrame(
    {
        "y": ([0, 1] * N)[:N], "x": (["a", "a", "b"] * N)[:N], "m": RNG.normal(size=N),
        "k": RNG.normal(size=N), "s": (["I", "II"] * 2 * N)[:N],
    }
)  # fmt: skip
SENTENCE = re.compile(r"^[A-Z0-9\"<].*[.?]$", re.DOTALL)
FORBIDDEN = re.compile(r"\bnan\b|\binf\b|Traceback|Error:|\bNone\b(?! of)|\bNaN\b")

CALLS = {
    "test": lambda d: evaluate_test(d, test="x", truth="y", positive="a", event=1, prevalence=0.1),
    "table": lambda d: two_by_two(d, exposure="x", outcome="y", exposed="a", event=1),
    "roc": lambda d: evaluate_roc(
        d, truth="y", markers=["m", "k"], event=1, at_sensitivity=0.9, at_specificity=0.9
    ),
    "strata": lambda d: stratify(
        d, exposure="x", outcome="y", stratum="s", exposed="a", event=1
    ),
    "pearson": lambda d: correlate(d, variables=["m", "k"]),
    "spearman": lambda d: correlate(d, variables=["m", "k"], method="spearman"),
    "kendall": lambda d: correlate(d, variables=["m", "k"], method="kendall"),
    "partial": lambda d: correlate(d.assign(g=np.arange(len(d)) % 5), variables=["m", "k"], given=["g"]),
}  # fmt: skip


def change(**columns: object) -> pd.DataFrame:
    return BASE.assign(**columns)


row = np.arange(N)
FRAMES = {
    "no rows": BASE.iloc[:0],
    "one row": BASE.iloc[:1],
    "two rows": BASE.iloc[:2],
    "three rows": BASE.iloc[:3],
    "outcome constant": change(y=1),
    "outcome missing": change(y=np.nan),
    "outcome of three": change(y=([0, 1, 2] * N)[:N]),
    "outcome continuous": change(y=RNG.normal(size=N)),
    "outcome text": change(y=(["well", "ill", "dead"] * N)[:N]),
    "exposure constant": change(x="a"),
    "exposure missing": change(x=None),
    "exposure of many": change(x=[f"v{i}" for i in range(N)]),
    "exposure a date": change(x=pd.date_range("2020-01-01", periods=N)),
    "never together": change(
        x=np.where(row < 20, None, BASE["x"]), y=np.where(row < 20, BASE["y"], np.nan)
    ),
    "zero cell": change(x=np.where(BASE["y"] == 1, "a", BASE["x"])),
    "perfect test": change(x=np.where(BASE["y"] == 1, "a", "b")),
    "inverse test": change(x=np.where(BASE["y"] == 1, "b", "a")),
    "one event": change(y=(row == 3).astype(int)),
    "all but one event": change(y=(row != 3).astype(int)),
    "marker constant": change(m=2.0),
    "marker missing": change(m=np.nan),
    "both markers missing": change(m=np.nan, k=np.nan),
    "marker infinite": change(m=np.where(row == 4, np.inf, BASE["m"])),
    "marker minus infinite": change(m=np.where(row == 4, -np.inf, BASE["m"])),
    "marker huge": change(m=np.where(row == 4, 1e308, BASE["m"])),
    "marker tiny": change(m=BASE["m"] * 1e-300),
    "marker tiny spread": change(m=1e6 + 1e-12 * row),
    "marker text": change(m=["high"] * 20 + ["low"] * 20),
    "marker a date": change(m=pd.date_range("2020-01-01", periods=N)),
    "marker perfect": change(m=BASE["y"] * 10.0 + BASE["m"].clip(-1, 1)),
    "marker worst": change(m=-BASE["y"] * 10.0 + BASE["m"].clip(-1, 1)),
    "markers equal": change(m=BASE["k"]),
    "markers opposite": change(m=-BASE["k"]),
    "marker known once": change(m=np.where(row == 5, 1.0, np.nan)),
    "marker known twice": change(m=np.where(row < 2, BASE["m"], np.nan)),
    "marker known in events": change(m=np.where(BASE["y"] == 1, BASE["m"], np.nan)),
    "markers never together": change(
        m=np.where(row < 20, BASE["m"], np.nan), k=np.where(row < 20, np.nan, BASE["k"])
    ),
    "stratum constant": change(s="I"),
    "stratum missing": change(s=None),
    "stratum of many": change(s=[f"v{i}" for i in range(N)]),
    "stratum is the outcome": change(s=np.where(BASE["y"] == 1, "I", "II")),
    "stratum is the exposure": change(s=np.where(BASE["x"] == "a", "I", "II")),
    "odd words": change(x=np.where(BASE["x"] == "a", "a", "<b>%s</b>\x00")),
}
EXPECTED_REFUSALS = {
    "outcome constant": {"test", "table", "roc", "strata"},
    "outcome of three": {"test", "table", "roc", "strata"},
    "marker infinite": {"roc", "pearson", "spearman", "kendall", "partial"},
    "marker huge": {"pearson", "spearman", "kendall", "partial"},
    "marker text": {"roc", "pearson", "spearman", "kendall", "partial"},
}


def explained(result: object) -> bool:
    """True when every missing estimate has a note that says why."""
    frames = {
        "AccuracyResult": ("measures", ("estimate", "ci_low")), "CurveResult": ("summary", ("area", "ci_low")),
        "CorrelationResult": ("pairs", ("coefficient", "ci_low")),
    }  # fmt: skip
    name, columns = frames[type(result).__name__]
    lacking = getattr(result, name)[list(columns)].isna().to_numpy().any()
    said = {n.code for n in result.notes} - {"event_assumed", "sample_prevalence", "different_rows"}
    return not lacking or bool(said)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", FRAMES)
def test_a_sentence_or_numbers_with_notes(name: str, call: str) -> None:
    start = time.process_time()
    try:
        result = CALLS[call](FRAMES[name])
    except (BadInput, NotEstimable) as error:
        texts = [str(error), error.hint or "no remedy was given"]
        assert call in EXPECTED_REFUSALS.get(name, {call})
    else:
        texts = [n.text for n in result.notes]
        assert explained(result)
        assert call not in EXPECTED_REFUSALS.get(name, set())
        assert result.n_used + sum(result.exclusions.values()) == result.n_rows
    assert time.process_time() - start < 2.0
    for text in texts:
        assert SENTENCE.match(text), text
        assert not FORBIDDEN.search(text), text


BAD_CHOICES = [
    (evaluate_test, {"test": "x", "truth": "y"}, "Which value"),
    (evaluate_test, {"test": "x", "truth": "y", "positive": "c"}, "no level"),
    (evaluate_test, {"test": "y", "truth": "y", "positive": 1}, "chosen both"),
    (evaluate_test, {"test": "x", "truth": "y", "positive": "a", "prevalence": 10}, "between 0 and 1"),
    (evaluate_test, {"test": "x", "truth": "y", "positive": "a", "interval": "wald"}, "not known"),
    (evaluate_test, {"test": "x", "truth": "why", "positive": "a"}, "no column"),
    (two_by_two, {"exposure": "x", "outcome": "y", "exposed": "a", "ci_level": 95}, "between 0.5 and 1"),
    (two_by_two, {"exposure": "x", "outcome": "y"}, "Which value"),
    (two_by_two, {"exposure": "m", "outcome": "y"}, "has 40 values"),
    (evaluate_roc, {"truth": "y", "markers": []}, "No markers"),
    (evaluate_roc, {"truth": "y", "markers": ["m", "m"]}, "named twice"),
    (evaluate_roc, {"truth": "y", "markers": ["y"]}, "chosen both"),
    (evaluate_roc, {"truth": "y", "markers": ["x"]}, "categorical"),
    (evaluate_roc, {"truth": "y", "markers": ["m"], "direction": "auto"}, "not known"),
    (evaluate_roc, {"truth": "y", "markers": ["m", "k"], "direction": {"m": "higher"}}, "No direction"),
    (evaluate_roc, {"truth": "y", "markers": ["m"], "direction": {"m": "higher", "k": "lower"}}, "not among"),
    (evaluate_roc, {"truth": "y", "markers": ["m", "k"], "at_value": 3}, "without the marker"),
    (evaluate_roc, {"truth": "y", "markers": ["m"], "at_value": "high"}, "must be a number"),
    (evaluate_roc, {"truth": "y", "markers": ["m"], "at_sensitivity": 90}, "between 0 and 1"),
    (stratify, {"exposure": "x", "outcome": "y", "stratum": "x", "exposed": "a"}, "chosen both"),
    (stratify, {"exposure": "x", "outcome": "y", "stratum": "q", "exposed": "a"}, "no column"),
    (correlate, {"variables": ["m"]}, "needs two variables"),
    (correlate, {"variables": []}, "needs two variables"),
    (correlate, {"variables": ["m", "x"]}, "categorical"),
    (correlate, {"variables": ["m", "k"], "method": "phi"}, "not known"),
    (correlate, {"variables": ["m", "k"], "given": ["m"]}, "chosen both"),
    (correlate, {"variables": ["m", "k"], "given": ["y"], "method": "kendall"}, "not offered"),
    (correlate, {"variables": ["m", "k"], "interval": "fieller"}, "not known"),
    (correlate, {"variables": ["m", "k"], "adjust": "sidak"}, "not known"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "choices", "words"), BAD_CHOICES)
def test_a_bad_choice_is_refused_before_any_work(
    function: object, choices: dict[str, object], words: str
) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        function(BASE, **choices)
    assert SENTENCE.match(str(caught.value))
    assert caught.value.hint


def test_too_many_strata_and_variables_are_refused() -> None:
    wide = pd.DataFrame(RNG.normal(size=(5, 41)), columns=[f"v{i}" for i in range(41)])
    with pytest.raises(BadInput, match="at most 40"):
        correlate(wide, variables=list(wide.columns))
    with pytest.raises(BadInput, match="at most 20"):
        evaluate_roc(wide.assign(y=[0, 1, 0, 1, 0]), truth="y", markers=list(wide.columns))
    long = pd.concat([BASE] * 10, ignore_index=True).assign(s=[f"s{i}" for i in range(400)])
    with pytest.raises(BadInput, match="at most 200"):
        CALLS["strata"](long)


def test_the_event_is_understood_only_where_it_is_plain() -> None:
    words = BASE.assign(y=np.where(BASE["y"] == 1, "Yes", "No"), x=BASE["x"] == "a")
    result = two_by_two(words, exposure="x", outcome="y")
    assert [n.term for n in result.notes if n.code == "event_assumed"] == ["y", "x"]
    assert result.counts["row"].tolist() == ["True", "True", "False", "False"]
    assert (result.choices["exposed"], result.choices["event"]) == (None, None)
    chosen = two_by_two(words, exposure="x", outcome="y", exposed=True, event="Yes")
    assert "event_assumed" not in {n.code for n in chosen.notes}


def test_a_declared_level_may_be_absent() -> None:
    """A test that was never positive has sensitivity 0; what divides by nothing is missing."""
    data = BASE.assign(x=pd.Categorical(["b"] * N, ["a", "b"]))
    result = CALLS["test"](data)
    found = result.measures.set_index(["measure", "method"])
    assert found.loc[("sensitivity", "wilson"), "estimate"] == 0.0
    assert found.loc[("specificity", "wilson"), "estimate"] == 1.0
    assert math.isnan(found.loc[("ppv", "wilson"), "estimate"])
    assert "empty_margin" in {n.code for n in result.notes}


def test_ordered_levels_are_markers_and_rank_variables() -> None:
    grade = pd.Categorical(["low", "mid", "high", "mid"] * 10, ["low", "mid", "high"], ordered=True)
    data = BASE.assign(grade=grade)
    result = evaluate_roc(data, truth="y", markers=["grade"], at_value=2)
    assert result.points["level"].tolist()[1:] == ["high", "mid", "low"]
    number = evaluate_roc(data.assign(grade=grade.codes + 1.0), truth="y", markers=["grade"])
    assert result.summary["area"][0] == number.summary["area"][0]
    ranks = correlate(data, variables=["grade", "m"], method="spearman").pairs
    assert math.isfinite(ranks["coefficient"][0])
    with pytest.raises(BadInput, match="use the order"):
        correlate(data, variables=["grade", "m"])


def test_the_variable_table_decides_what_is_missing() -> None:
    data = Dataset(
        BASE.assign(x=np.where(row < 4, "9", BASE["x"])),
        [Variable(name="x", kind="binary", levels=("b", "a"), missing_codes=("9",))],
    )
    result = two_by_two(data, exposure="x", outcome="y", exposed="a", event=1)
    assert result.exclusions == {"outcome missing": 0, "exposure missing": 4}


def test_a_long_curve_keeps_a_bounded_number_of_points() -> None:
    rng = np.random.default_rng(1)
    n = 30_000
    y = rng.random(n) < 0.3
    data = pd.DataFrame({"y": y.astype(int), "m": rng.normal(size=n) + y})
    result = evaluate_roc(data, truth="y", markers=["m"])
    points = result.points
    assert len(points) <= 5_001
    assert result.facts["thresholds"]["m"] == n
    x, s = 1 - points["specificity"], points["sensitivity"]
    assert max(np.diff(x).max(), np.diff(s).max()) < 1 / 2000
    # between kept points the area is off by less than half the square of their distance
    assert np.trapezoid(s, x) == pytest.approx(result.summary["area"][0], abs=5_001 * 0.5 / 2000**2)
    assert result.chosen["threshold"][0] in points["threshold"].tolist()


def test_a_marker_of_the_wrong_direction_has_no_youden_threshold() -> None:
    y = BASE["y"].to_numpy()
    result = evaluate_roc(BASE.assign(m=-10.0 * y + np.arange(N)), truth="y", markers=["m"])
    worst = evaluate_roc(BASE.assign(m=-100.0 * y + np.arange(N)), truth="y", markers=["m"])
    assert "no_youden" in {n.code for n in worst.notes}
    assert len(worst.chosen) == 0
    assert "threshold_from_data" not in {n.code for n in worst.notes}
    assert result.summary["area"][0] > worst.summary["area"][0] == 0.0
