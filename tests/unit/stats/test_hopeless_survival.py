"""Follow-up data that cannot answer: a sentence each, within two seconds, never a traceback."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stats.errors import BadInput, NotEstimable
from stats.incidence import estimate_incidence
from stats.stopping import stoppable
from stats.survival import estimate_survival
from stats.variables import Dataset, Variable

N = 40
RNG = np.random.default_rng(7)
BASE = pd.DataFrame({
    "t": np.ceil(RNG.exponential(20, N)), "s": ([0, 1, 2] * N)[:N],
    "g": (["a", "b", "c", "a"] * N)[:N], "late": 0.0, "site": (["x", "y"] * N)[:N],
})  # fmt: skip
SENTENCE = re.compile(r"^[A-Z0-9\"<].*[.?]$", re.DOTALL)
FORBIDDEN = re.compile(r"\bnan\b|\binf\b|Traceback|Error:|\bNone\b|\bNaN\b|array\(|np\.")


def change(**columns):
    return BASE.assign(**columns)


ANSWERED = {
    "constant time": change(t=5.0),
    "all at time 0": change(t=0.0),
    "tiny times": change(t=BASE["t"] * 1e-140),
    "huge times": change(t=BASE["t"] * 1e140),
    "never an event": change(s=0),
    "always the event": change(s=1),
    "two rows": BASE.iloc[:2],
    "one row": BASE.iloc[1:2],
    "one group": change(g="a"),
    "one row per group": change(g=[f"g{i % 20}" for i in range(N)], t=[1.0] * N),
    "group mostly missing": change(g=["a"] + [None] * (N - 1)),
    "empty level": change(g=pd.Categorical(BASE["g"], ["z", "a", "b", "c"])),
    "groups never at risk together": change(
        g=["a"] * 20 + ["b"] * 20, t=[1.0] * 20 + [9.0] * 20, late=[0.0] * 20 + [5.0] * 20
    ),
    "time partly missing": change(t=np.where(np.arange(N) % 2, np.nan, BASE["t"])),
    "times partly negative": change(t=np.where(np.arange(N) % 2, -3.0, BASE["t"])),
    "entry after time": change(late=np.where(np.arange(N) % 2, 1e6, 0.0)),
    "negative entry": change(late=-5.0),
    "every row its own stratum": change(site=[f"s{i}" for i in range(N)]),
    "names with marks": change(g=['<b>"a"</b>', "{0}", "%s", "=1+1"] * 10),
    "levels with braces": change(g=["{in}", "{}", "a\nb", "ﷺ"] * 10),
    "booleans": change(s=[True, False] * 20),
    "integers": change(t=BASE["t"].astype("int64")),
    "nullable integers": change(t=BASE["t"].astype("Int64").where(BASE["t"] > 3)),
    "times a breath apart": change(t=1.0 + 1e-12 * RNG.normal(size=N)),
    "30 groups": change(g=[f"g{i % 30}" for i in range(N)]),
}

REFUSED = {
    "no rows": (BASE.iloc[:0], "no values"),
    "time all missing": (change(t=np.nan), "No row can be used"),
    "times all negative": (change(t=-1.0), "No row can be used"),
    "event all missing": (change(s=np.nan), "no values"),
    "group all missing": (change(g=pd.Categorical([None] * N, ["a"])), "No row can be used"),
    "infinite time": (change(t=np.where(np.arange(N) == 4, np.inf, 1.0)), "row 5"),
    "absurd time": (change(t=np.where(np.arange(N) == 4, 1e200, 1.0)), "row 5"),
    "text in place of times": (change(t=[f"{i} d" for i in range(N)]), "must be a number"),
    "dates in place of times": (change(t=pd.Timestamp("2020-01-01")), "between two dates"),
    "event continuous": (change(s=RNG.normal(size=N)), "different values"),
    "too many groups": (change(g=[f"g{i}" for i in range(N)]), "at most 30"),
    "group a date": (change(g=pd.Timestamp("2020-01-01")), "a date"),
    "strata of thousands": (
        pd.concat([BASE] * 50, ignore_index=True).assign(site=[f"s{i}" for i in range(50 * N)]),
        "at most 1,000",
    ),
    "entry in words": (change(late="early"), "must be a number"),
    "entry always late": (change(late=1e9), "No row can be used"),
}
ENTRY = {"entry after time", "negative entry", "entry in words", "entry always late",
         "groups never at risk together"}  # fmt: skip


def survival(data, name=""):
    level = True if name == "booleans" else 1
    entry = "late" if name in ENTRY else None
    return estimate_survival(
        data, time="t", event="s", event_level=level, group="g", strata="site", entry=entry,
        times=[1, 5, 1e4],
    )  # fmt: skip


def incidence(data, name=""):
    del name
    causes = [x for x in (1, 2) if len(data) and (data["s"] == x).any()] or [1]
    return estimate_incidence(
        data, time="t", event="s", causes=causes, censored=0, group="g", strata="site",
        times=[1, 5, 1e4],
    )  # fmt: skip


def timed(work):
    start = time.process_time()
    value = work()
    assert time.process_time() - start < 2.0
    return value


def said(result):
    for note in result.notes:
        assert SENTENCE.match(note.text), note
        assert not FORBIDDEN.search(note.text), note
    return {note.code for note in result.notes}


#: What a missing number of each table is explained by.
EXPLAINED = {
    "median": {"no_events", "median_not_reached"},
    "median_low": {"no_events", "median_not_reached", "median_limit_not_reached"},
    "median_high": {"no_events", "median_not_reached", "median_limit_not_reached"},
    "rmst": {"rmst_beyond_follow_up"},
    "survival": {"beyond_follow_up"},
    "incidence": {"beyond_follow_up"},
    "ci_low": {"no_interval", "beyond_follow_up"},
    "ci_high": {"no_interval", "beyond_follow_up"},
    "std_error": {"no_interval", "beyond_follow_up"},
    "statistic": {"no_comparison"},
    "p_value": {"no_comparison"},
}


@pytest.mark.parametrize("name", ANSWERED)
@pytest.mark.parametrize("run", [survival, incidence])
def test_it_is_answered_with_sentences(run, name):
    data = ANSWERED[name]
    if run is incidence and name == "booleans":
        data = data.assign(s=data["s"].astype(int))
    result = timed(lambda: run(data, name))
    codes = said(result)
    assert result.n_used + sum(result.exclusions.values()) == len(data)
    if result.pairwise["p_value"].isna().any():
        assert "pairs_not_compared" in codes
    for table in ("points", "summary", "chosen", "tests"):
        frame = getattr(result, table)
        for column in frame.columns.intersection(list(EXPLAINED)):
            if frame[column].isna().any():
                assert codes & EXPLAINED[column], (table, column, codes)
        assert not np.isinf(frame.select_dtypes("number").to_numpy(dtype=float)).any(), table


@pytest.mark.parametrize(
    ("run", "name"),
    [(survival, name) for name in REFUSED]
    + [(incidence, name) for name in REFUSED if name not in ENTRY],  # it has no entry times
)
def test_it_is_refused_in_words(run, name):
    data, words = REFUSED[name]
    with pytest.raises((BadInput, NotEstimable), match=words) as refused:
        timed(lambda: run(data, name))
    assert SENTENCE.match(str(refused.value))
    assert not FORBIDDEN.search(str(refused.value))


def test_missing_codes_and_labels_of_the_variable_table_are_used():
    table = [
        Variable(name="t", kind="continuous", missing_codes=("99",)),
        Variable(name="s", kind="categorical", levels=("0", "1", "2"),
                 level_labels=("alive", "died", "moved")),
        Variable(name="g", kind="categorical", levels=("c", "b", "a"), missing_codes=("c",)),
    ]  # fmt: skip
    data = Dataset(change(t=np.where(np.arange(N) < 3, 99, BASE["t"])), table)
    result = estimate_survival(data, time="t", event="s", event_level=1, group="g")
    assert result.facts["event"] == ("died",)
    assert result.groups == ("b", "a")
    assert result.exclusions["time missing"] == 3
    renamed = data.with_variables([replace(table[1], level_labels=("A", "D", "M"))])
    again = estimate_survival(renamed, time="t", event="s", event_level="D", group="g")
    assert again.facts["events"] == result.facts["events"]


def test_a_long_run_can_be_stopped():
    class Enough(Exception):
        pass

    def stop():
        raise Enough

    for run in (survival, incidence):
        with pytest.raises(Enough), stoppable(stop):
            run(BASE)
