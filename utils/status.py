"""What the server is doing, in plain numbers: for the endpoints. No data, names or tokens.

Names in it are those of our own functions, tiers and lanes; counts of everything else are sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from utils.memory import THRESHOLDS, Level
from utils.workbench import Workbench


def status_of(bench: Workbench) -> dict[str, Any]:
    """`cache`, `lanes`, `memory`: plain data that `json.dumps` takes. Asks the tiers, so it may
    wait for a disk: not for the event loop."""
    return {
        "cache": _cache(bench.cache.snapshot()),
        "lanes": _lanes(bench),
        "memory": _memory(bench),
    }


def _cache(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "functions": found["functions"],
        "memory": found["memory"],
        "tiers": {name: _numbers(facts) for name, facts in found["tiers"].items()},
        "running": found["running"] if isinstance(found["running"], int) else len(found["running"]),
        "locks": found["locks"],
    }


def _numbers(facts: Mapping[str, Any]) -> dict[str, float]:
    """Only numbers pass: texts of a tier may name its directory or address."""
    return {name: value for name, value in facts.items() if isinstance(value, (int, float))}


def _lanes(bench: Workbench) -> dict[str, Any]:
    found = bench.executor.snapshot()
    lanes = {
        name: {
            "started": lane.started, "finished": lane.finished, "failed": lane.failed,
            "refused": lane.refused, "killed": dict(lane.killed), "queued": lane.queued,
            "running": lane.running,
        }
        for name, lane in (("quick", found.quick), ("heavy", found.heavy))
    }  # fmt: skip
    return {**lanes, "replaced_worker_starters": found.zygote_replacements}


def _memory(bench: Workbench) -> dict[str, Any]:
    found = bench.monitor.snapshot()
    return {
        "used_bytes": found.used_bytes, "peak_bytes": found.peak_bytes,
        "budget_bytes": found.budget_bytes, "level": found.level.name.lower(),
        "actions": dict(found.actions),
    }  # fmt: skip


def readiness(status: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Why no new work should be sent here (empty: ready), and what is amiss but costs only time.

    A tier that failed is of the second kind: results are computed again.
    """
    memory = status["memory"]
    reasons: list[str] = []
    if memory["level"] in {Level.REFUSE.name.lower(), Level.KILL.name.lower()}:
        share = THRESHOLDS[Level.REFUSE]
        reasons.append(f"memory is above {share:.0%} of its budget: no new heavy work is taken")
    notes = [
        f"the {name} tier failed and is left out for now"
        for name, facts in status["cache"]["tiers"].items()
        if facts.get("benched")
    ]
    return reasons, notes
