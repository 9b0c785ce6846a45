"""Cohort tables and comparisons of data that cannot answer: a sentence each, never a traceback."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from stats.cohort import describe_cohort
from stats.compare import compare_groups
from stats.errors import BadInput, NotEstimable

N = 24
RNG = np.random.default_rng(7)
BASE = pd.DataFrame(
    {
        "x": RNG.normal(size=N),
        "g": (["a", "b"] * N)[:N],
        "k": (["p", "q", "r"] * N)[:N],
        "c": pd.Categorical((["no", "yes", "no"] * N)[:N]),
        "id": [f"P{i // 2}" for i in range(N)],
    }
)
SENTENCE = re.compile(r"^[A-Z0-9\"<].*[.?]$", re.DOTALL)
FORBIDDEN = re.compile(r"\bnan\b|\binf\b|Traceback|Error:|\bNone\b(?! of)|\bNaN\b")


def change(**columns: object) -> pd.DataFrame:
    return BASE.assign(**columns)


def timed(work: Callable[[], object]) -> object:
    start = time.process_time()
    value = work()
    assert time.process_time() - start < 2.0
    return value


#: data, choices of compare_groups, code of a note of the comparison, and of the cohort table
SAID: dict[str, tuple[pd.DataFrame, dict[str, object], str, str]] = {
    "constant": (change(x=1.0), {}, "constant", "constant"),
    "constant within groups": (
        change(x=(BASE["g"] == "a").astype(float) + 3), {}, "no_test", "no_variation",
    ),
    "one group": (change(g="a"), {}, "one_group", "one_group"),
    "a group without values": (
        change(x=np.where(BASE["g"] == "a", np.nan, BASE["x"])), {}, "one_group",
        "no_values_in_group",
    ),
    "a group of one": (change(g=["a"] + ["b"] * (N - 1)), {}, "no_test", "one_value"),
    "two rows": (BASE.iloc[:2], {}, "no_test", "one_value"),
    "empty level": (
        change(g=pd.Categorical(BASE["g"], ["a", "b", "z"])), {}, "empty_group", "empty_group",
    ),
    "group missing": (
        change(g=np.where(np.arange(N) < 4, None, BASE["g"])), {}, "rows_left_out",
        "group_missing",
    ),
    "zero and one": (
        change(x=(np.arange(N) % 3 == 0).astype(float)), {}, "zero_one_continuous",
        "zero_one_continuous",
    ),
    "tiny spread": (change(x=1e3 + 1e-13 * RNG.normal(size=N)), {}, "constant", "constant"),
    "zero cells": (
        change(x=pd.Categorical(np.where(BASE["g"] == "a", "u", "v"))), {}, "event_not_chosen",
        "no_shared_level",
    ),
    "one level": (change(x=pd.Categorical(["u"] * N)), {}, "constant", "constant"),
    "three groups, one of one": (
        change(k=["p"] + ["q", "r"] * 11 + ["q"]), {"group": "k"}, "no_test", "",
    ),
    "three constant groups": (
        change(x=(BASE["k"] == "p").astype(float) + 3), {"group": "k"}, "no_test", "",
    ),
    "a change that is the same in all": (
        change(y=BASE["x"] + 1), {"value": ["x", "y"], "group": None}, "no_test", "",
    ),
    "no change at all": (
        change(y=BASE["x"]), {"value": ["x", "y"], "group": None}, "no_test", "",
    ),
    "one pair": (
        change(y=BASE["x"] + 1).iloc[:1], {"value": ["x", "y"], "group": None}, "no_test", "",
    ),
    "no discordant pair": (
        change(y=BASE["c"]), {"value": ["c", "y"], "group": None}, "no_test", "",
    ),
    "all blocks tied": (
        change(y=BASE["x"], z=BASE["x"]), {"value": ["x", "y", "z"], "group": None}, "no_test", "",
    ),
    "skewed and small": (
        change(x=np.exp(3 * BASE["x"])), {}, "skewed_small_group", "skewed",
    ),
    "huge but finite": (change(x=BASE["x"] * 1e140), {}, "", ""),
    "tiny": (change(x=BASE["x"] * 1e-140), {}, "", ""),
}  # fmt: skip

REFUSED: dict[str, tuple[pd.DataFrame, dict[str, object], str]] = {
    "no rows": (BASE.iloc[:0], {}, "No row has a value"),
    "all missing": (change(x=np.nan), {}, "No row has a value"),
    "group all missing": (change(g=pd.Categorical([None] * N, ["a"])), {}, "No row has a value"),
    "infinite": (change(x=np.where(np.arange(N) == 3, np.inf, 1.0)), {}, "too large"),
    "overflowing": (change(x=np.where(np.arange(N) == 3, 1e308, 1.0)), {}, "too large"),
    "text in place of numbers": (
        change(x=[f"{i} mg" for i in range(N)]), {"test": "welch"}, "does not fit",
    ),
    "10,000 levels": (
        pd.concat([BASE] * 450, ignore_index=True).assign(x=[f"n{i}" for i in range(450 * N)]), {},
        "10,800 levels",
    ),
    "too many occasions": (
        BASE.assign(**{f"v{i}": 1.0 for i in range(31)}),
        {"value": [f"v{i}" for i in range(31)], "group": None}, "at most 30",
    ),
    "a date": (change(x=pd.date_range("2020-01-01", periods=N)), {}, "is a date"),
    "groups of a number": (
        pd.concat([BASE] * 3, ignore_index=True).assign(g=RNG.normal(size=3 * N)), {},
        "different values",
    ),
    "twice in a group": (change(id="P1"), {"paired_by": "id"}, "cannot be paired"),
    "no subject in both": (
        change(id=[f"P{i}" for i in range(N)]), {"paired_by": "id"}, "No subject has",
    ),
    "mixed kinds": (BASE, {"value": ["x", "c"], "group": None}, "not of one kind"),
    "three levels on three occasions": (
        change(u=BASE["k"], v=BASE["k"]), {"value": ["k", "u", "v"], "group": None},
        "more than two levels",
    ),
    "unknown column": (BASE, {"value": "why"}, "no column called"),
    "the same column twice": (BASE, {"group": "x"}, "chosen twice"),
    "no group": (BASE, {"group": None}, "needs a value and a column of groups"),
    "unknown test": (BASE, {"test": "z"}, "not known"),
    "test of pairs": (BASE, {"test": "wilcoxon"}, "does not fit"),
    "unknown event": (BASE, {"value": "c", "event": "maybe"}, "no level"),
    "level of confidence": (BASE, {"ci_level": 95}, "between 0.5 and 1"),
    "post hoc that does not fit": (
        BASE, {"value": "c", "group": "k", "posthoc": "dunn"}, "does not fit",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_what_cannot_be_compared_is_said(name: str) -> None:
    data, choices, code, _ = SAID[name]
    result = timed(lambda: compare_groups(data, **{"value": "x", "group": "g", **choices}))
    check_notes(result, code)
    unknown = result.tests["p_value"].isna() | result.tests["statistic"].isna()
    exact = result.tests["test"].str.contains("Fisher|exact")
    assert result.notes or not (unknown & ~exact).any()


@pytest.mark.parametrize("tests", [False, True])
@pytest.mark.parametrize("name", SAID)
def test_what_cannot_be_described_is_said(name: str, tests: bool) -> None:
    data, _, _, code = SAID[name]
    for group in ("g", None):
        result = timed(
            lambda: describe_cohort(data, group=group, variables=["x"], tests=tests)  # noqa: B023
        )
        check_notes(result, code if group else "")
        lacking = result.summary["value"].isna() & result.summary["stat"].isin(["mean", "sd"])
        assert result.notes or not lacking.any()
        if tests and group:
            assert result.notes or result.tests["p_value"].notna().all()


def check_notes(result, code: str) -> None:
    codes = {note.code for note in result.notes}
    assert not code or code in codes, codes
    for note in result.notes:
        assert SENTENCE.match(note.text), note.text
        assert not FORBIDDEN.search(note.text), note.text


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_asked_is_refused_in_a_sentence(name: str) -> None:
    data, choices, words = REFUSED[name]
    with pytest.raises((BadInput, NotEstimable), match=words) as caught:
        timed(lambda: compare_groups(data, **{"value": "x", "group": "g", **choices}))
    text = str(caught.value)
    assert SENTENCE.match(text), text
    assert not FORBIDDEN.search(text), text
    assert caught.value.hint


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"variables": []}, "No variables were chosen"),
        ({"variables": ["g"]}, "makes the groups"),
        ({"variables": ["why"]}, "no column called"),
        ({"variables": ["x", "x"]}, "named twice"),
        ({"group": "why"}, "no column called"),
        ({"statistics": "mode"}, "not known"),
        ({"statistics": {"c": "mean"}}, "not a number"),
        ({"statistics": {"x": "mode"}}, "not known"),
        ({"smd": "cohen"}, "not known"),
        ({"quartiles": 5}, "not known"),
    ],
)
def test_choices_of_a_cohort_table_are_checked(choices: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        describe_cohort(BASE, **{"group": "g", "variables": ["x", "c"], **choices})
    assert SENTENCE.match(str(caught.value))


def test_empty_data_are_described_with_a_note() -> None:
    for data in (BASE.iloc[:0], change(x=np.nan)):
        result = describe_cohort(data, variables=["x"], tests=True)
        assert [n.code for n in result.notes] == ["no_values"]
    with pytest.raises(BadInput, match="too large"):
        describe_cohort(change(x=np.inf), variables=["x"])
    with pytest.raises(BadInput, match="is a date"):
        describe_cohort(change(x=pd.date_range("2020-01-01", periods=N)), variables=["x"])
