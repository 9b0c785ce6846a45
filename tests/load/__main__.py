"""The load test: python -m tests.load [--sessions 50] [--seconds 600] [--keep].

Starts the server on loopback with a cache of its own, lets `sessions` visitors work for `seconds`
(closed loop), then overloads it (open loop), and prints what they met. `make load` keeps the
output and the trace of the cache in tests/bench/results; the client shares the machine with the
server. The one change of settings: room for the workspaces of all visitors.
"""

from __future__ import annotations

import argparse
import sys

from tests.bench.report import keep, refuse_changes
from tests.load.findings import findings
from tests.load.trial import Plan, trial


def main() -> int:
    """Measure, print, keep; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.load")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--think", type=float, default=3.0, help="mean seconds between clicks")
    parser.add_argument("--overload", type=float, default=20.0, help="seconds of overload")
    parser.add_argument("--keep", action="store_true", help="write to tests/bench/results")
    given = parser.parse_args()
    if given.keep:
        refuse_changes()  # before ten minutes are spent
    plan = Plan(
        sessions=given.sessions, seconds=given.seconds, think_seconds=given.think,
        overload_seconds=given.overload,
    )  # fmt: skip
    found = trial(plan, keep_trace=given.keep)
    told = findings(plan, found)
    if given.keep:
        command = f"python -m tests.load {' '.join(sys.argv[1:])}"
        keep("load", told.lines, command=command, numbers=told.numbers, samples=told.samples)
    else:
        print("\n".join(told.lines))
    return 1 if told.missed else 0


if __name__ == "__main__":
    sys.exit(main())
