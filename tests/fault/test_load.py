"""Visitors at work, then far more clicks than can be answered: the short form of `make load`.

Speed is measured by `make load` on a machine that does nothing else; here it must hold that
nobody meets an error, that the memory stays in its budget, that repeats come from the cache, and
that an overloaded server refuses with a sentence, answers what it accepted and is well again.
"""

from __future__ import annotations

import os

import pytest

from tests.load.findings import GOAL_ERRORS, GOAL_PEAK_MB, findings
from tests.load.overload import RECOVERY_SECONDS
from tests.load.trial import Plan, trial

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

PLAN = Plan(
    sessions=8, seconds=20.0, think_seconds=0.5, overload_seconds=5.0, pages=79,
    pages_per_address=80,
)  # fmt: skip


def test_visitors_meet_no_error_and_an_overload_is_refused_with_a_sentence() -> None:
    found = trial(PLAN)
    told = findings(PLAN, found)
    print("\n" + "\n".join(told.lines))
    numbers, busy = told.numbers, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert numbers["requests"] > PLAN.sessions
    assert numbers["error_rate"] < GOAL_ERRORS
    assert numbers["hits"] > 0
    assert numbers["tree_peak_mb"] <= GOAL_PEAK_MB
    assert numbers["shed"] > 0, "nothing was refused: this was no overload"
    assert numbers["lost"] == 0
    assert all(d.problem.endswith(".") and "Error" not in d.problem for d in found.overload.shed)
    # on a machine that is not loaded; where more wants to run, it takes longer in proportion
    assert numbers["recovery_seconds"] <= RECOVERY_SECONDS * busy
    crowd = found.overload.crowd
    assert crowd["open"] == PLAN.pages_per_address
    refused = [said for said in crowd if said != "open"]
    assert refused, "no page was refused"
    assert all("Too many pages are open" in said for said in refused)
