"""What the console shows at one moment: numbers and names of our own functions, nothing else.

    look_at(bench, owner) -> Look

No data, no name of a column or file, no key and no token stands in a Look. Of jobs it holds
those of one workspace; the rest are counts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from utils.counters import FunctionCounts
from utils.entry_list import handle_of
from utils.executor import ExecutorSnapshot
from utils.history import Sample
from utils.latency import FunctionLatency
from utils.memory import MemorySnapshot
from utils.workbench import Workbench


@dataclass(frozen=True, slots=True, kw_only=True)
class TierFacts:
    """One tier. None where it does not tell. `benched`: it failed and is left out for now;
    `faults`, `corrupt`, `full`: how often it failed, held something damaged, had no room."""

    name: str
    entries: int | None
    size_bytes: int | None
    max_bytes: int | None
    benched: bool = False
    faults: int = 0
    corrupt: int = 0
    full: int = 0
    owed_clears: int = 0
    evictions: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """A job under way. `handle` names it on the page and opens nothing."""

    handle: str
    name: str
    seconds: float
    fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`at` is seconds since 1970, `now_seconds` the same moment of the clock of `samples`.

    `visits` are open pages with a workspace, `resumed` how often one came back. `last_miss` is
    the function of the last computation of this workspace and why it was not known.
    """

    at: float
    now_seconds: float
    functions: Mapping[str, FunctionCounts]
    latency: Mapping[str, FunctionLatency]
    tiers: tuple[TierFacts, ...]
    memory: MemorySnapshot
    lanes: ExecutorSnapshot
    samples: tuple[Sample, ...]
    workspaces: int
    visits: int
    resumed: int
    retry: Mapping[str, float]
    jobs: tuple[RunningJob, ...]
    jobs_of_others: int
    last_miss: tuple[str, tuple[str, ...]] | None


def look_at(bench: Workbench, owner: str, keys: frozenset[str], *, everybody: bool) -> Look:
    """The workbench now, seen from the workspace `owner`, which asked for `keys`; `everybody`
    shows the jobs of all. Asks the tiers, so it may wait for a disk."""
    desk = bench.desk.facts()
    under_way = bench.desk.jobs.under_way()
    shown = [job for job in under_way if everybody or owner in job.owners]
    names = _names(bench)
    return Look(
        at=time.time(),
        now_seconds=time.monotonic(),
        functions=bench.cache.functions(),
        latency=bench.cache.latencies.facts(),
        tiers=_tiers(bench.cache.snapshot()),
        memory=bench.monitor.snapshot(),
        lanes=bench.executor.snapshot(),
        samples=bench.history.samples(),
        workspaces=desk["workspaces"]["workspaces"],
        visits=desk["workspaces"]["visits"],
        resumed=desk["workspaces"].get("resumed", 0),
        retry=desk["retry"],
        jobs=tuple(
            RunningJob(
                handle=handle_of(job.key), name=names.get(job.key, ""), seconds=job.seconds,
                fraction=job.fraction,
            )
            for job in shown
        ),
        jobs_of_others=len(under_way) - len(shown),
        last_miss=bench.cache.last_miss(keys.__contains__),
    )  # fmt: skip


def _names(bench: Workbench) -> dict[str, str]:
    """The analyses of the jobs that workspaces wait for, by key."""
    return {job.key: job.analysis for job in bench.desk.workspaces.jobs()}


def _tiers(found: Mapping[str, Any]) -> tuple[TierFacts, ...]:
    memory = found["memory"]
    first = TierFacts(
        name="memory", entries=memory["entries"], size_bytes=memory["size_bytes"],
        max_bytes=memory["max_bytes"], evictions=memory["evictions"],
    )  # fmt: skip
    return (first, *[_lower(name, facts) for name, facts in found["tiers"].items()])


def _lower(name: str, facts: Mapping[str, Any]) -> TierFacts:
    return TierFacts(
        name=name,
        entries=_first(facts, ("entries", "entries in database")),
        size_bytes=facts.get("size_bytes"),
        max_bytes=facts.get("max_bytes"),
        benched=bool(facts["benched"]),
        faults=facts.get("faults", 0),
        corrupt=facts.get("corrupt", 0) + facts.get("index quarantined", 0),
        full=facts.get("disk full", 0),
        owed_clears=facts["owed clears"],
    )


def _first(facts: Mapping[str, Any], names: Sequence[str]) -> int | None:
    return next((facts[name] for name in names if name in facts), None)
