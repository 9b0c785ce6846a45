"""The long fault run reads the counts that the tests print, and keeps nothing after a failure."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.bench import fault_long
from tests.bench.fault_long import Part, counts_in, totals

SAID = """
writers killed: 0 blocked, 200 kills, 3 left over, 0 raised, 918 right, 282 recomputed
.
openers killed: 0 blocked, 20 kills, 100 recomputed
.
EIO: 135 runs, 134 faults injected
.
EIO: 135 runs, 500 faults injected
next owner after 43 ms at most
20 passed in 31.49s
"""


def test_counts_are_read_as_the_tests_print_them() -> None:
    found = counts_in(SAID)
    assert found["EIO"] == Counter({"runs": 270, "faults injected": 634})
    assert set(found) == {"writers killed", "openers killed", "EIO"}
    numbers = totals(found)
    assert (numbers["faults"], numbers["kills"], numbers["kills_of_writers"]) == (634, 220, 200)
    assert (numbers["right"], numbers["recomputed"], numbers["wrong"]) == (918, 382, 0)


def test_nothing_is_kept_when_a_test_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_long, "refuse_changes", lambda: None)
    monkeypatch.setattr(fault_long, "PARTS", (Part("tests/there_is_no_such_test.py", 1),))
    monkeypatch.setattr(fault_long, "keep", lambda *_, **__: pytest.fail("kept"))
    with pytest.raises(SystemExit, match="nothing is kept"):
        fault_long.main()


def test_too_few_faults_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_long, "refuse_changes", lambda: None)
    monkeypatch.setattr(fault_long, "run", lambda _: SAID)
    monkeypatch.setattr(fault_long, "keep", lambda *_, **__: pytest.fail("kept"))
    with pytest.raises(SystemExit, match="Too few"):
        fault_long.main()
