"""The work of survival curves, guessed before they run."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from stats import incidence, survival
from stats.variables import Dataset
from stats.work_survival import incidence_work, survival_work

CASES = {
    "survival": (survival.estimate_survival, survival.prepare, survival_work),
    "incidence": (incidence.estimate_incidence, incidence.prepare, incidence_work),
}


def cohort(n):
    rng = np.random.default_rng(0)
    return Dataset(pd.DataFrame({
        "t": rng.exponential(9, n), "e": rng.integers(0, 3, n), "g": rng.integers(0, 4, n),
    }))  # fmt: skip


def asked(name, group):
    chosen = {"time": "t", "event": "e", "group": group}
    return chosen | ({"event_level": 1} if name == "survival" else {"censored": 0})


def complete(name, data, group):
    function, prepare, _ = CASES[name]
    return prepare(data, dict(function.__kwdefaults__) | asked(name, group))[1]


@pytest.mark.parametrize("name", CASES)
def test_the_guess_of_memory_holds_what_a_run_adds(name):
    data = cohort(40_000)
    function, _, work = CASES[name]
    function(data, **asked(name, "g"))  # the columns are typed once
    tracemalloc.start()
    result = function(data, **asked(name, "g"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.n_used == 40_000
    (guess,) = work(data, complete(name, data, "g"))
    assert peak / 2 < guess.size_bytes < 6 * peak


@pytest.mark.parametrize("name", CASES)
def test_more_rows_and_more_groups_are_more_work(name):
    small, large = cohort(1_000), cohort(10_000)
    work = CASES[name][2]
    (one,) = work(small, complete(name, small, None))
    (groups,) = work(small, complete(name, small, "g"))
    (rows,) = work(large, complete(name, large, None))
    assert one.seconds < min(groups.seconds, rows.seconds)
    assert (one.columns, groups.columns) == (1, 4)
    assert one.size_bytes < rows.size_bytes
