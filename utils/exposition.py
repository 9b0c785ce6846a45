"""The status as Prometheus text: the one place that knows prometheus_client.

Only its text format is used (https://prometheus.io/docs/instrumenting/exposition_formats/); the
numbers are counted where things happen, so its own registry stays empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


def exposition(status: Mapping[str, Any]) -> bytes:
    """The text for a scraper. The library is loaded by the first call (not at start)."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Status(status))  # type: ignore[arg-type]  # a collector by its shape
    return generate_latest(registry)


class _Status:
    """One status, as families of metrics."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        self._status = status

    def collect(self) -> Iterator[Any]:
        """Every family."""
        status = self._status
        yield from _cache(status["cache"])
        yield from _lanes(status["lanes"])
        yield from _memory(status["memory"])
        if "front" in status:
            yield from _front(status["front"])


def _family(kind: str, name: str, help_text: str, label: str, values: Mapping[str, float]) -> Any:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    family = (CounterMetricFamily if kind == "counter" else GaugeMetricFamily)(
        f"clinstat_{name}", help_text, labels=[label] if label else []
    )
    for key, value in values.items():
        family.add_metric([key] if label else [], float(value))
    return family


def _cache(cache: Mapping[str, Any]) -> Iterator[Any]:
    functions, memory = cache["functions"], cache["memory"]
    for name, text in (
        ("calls", "Calls of an analysis"), ("computes", "Calls that computed"),
        ("shared", "Calls that waited for another's computation"), ("errors", "Calls that failed"),
        ("compute_seconds", "Seconds spent computing"),
        ("saved_seconds", "Seconds saved by remembering"),
    ):  # fmt: skip
        counts = {function: facts[name] for function, facts in functions.items()}
        yield _family("counter", f"cache_{name}", text, "function", counts)
    hits: dict[str, float] = {}
    for facts in functions.values():
        for tier, count in facts["hits"].items():
            hits[tier] = hits.get(tier, 0) + count
    yield _family("counter", "cache_hits", "Calls answered by a tier", "tier", hits)
    yield _family("gauge", "cache_entries", "Entries in memory", "", {"": memory["entries"]})
    yield _family("gauge", "cache_bytes", "Bytes in memory", "", {"": memory["size_bytes"]})
    evicted = memory["evictions"]
    yield _family("counter", "cache_evictions", "Entries evicted from memory", "reason", evicted)
    benched = {name: facts.get("benched", 0) for name, facts in cache["tiers"].items()}
    yield _family("gauge", "tier_benched", "1 while a tier is left out", "tier", benched)
    faults = {name: facts.get("faults", 0) for name, facts in cache["tiers"].items()}
    yield _family("counter", "tier_faults", "Faults of a tier", "tier", faults)


def _lanes(lanes: Mapping[str, Any]) -> Iterator[Any]:
    both = {name: lanes[name] for name in ("quick", "heavy")}
    for name, text in (
        ("started", "Runs started"), ("finished", "Runs finished"), ("failed", "Runs failed"),
        ("refused", "Runs turned away"),
    ):  # fmt: skip
        values = {lane: facts[name] for lane, facts in both.items()}
        yield _family("counter", f"runs_{name}", text, "lane", values)
    killed = {lane: sum(facts["killed"].values()) for lane, facts in both.items()}
    yield _family("counter", "runs_killed", "Runs ended from outside", "lane", killed)
    for name, text in (("queued", "Runs that wait"), ("running", "Runs under way")):
        values = {lane: facts[name] for lane, facts in both.items()}
        yield _family("gauge", f"runs_{name}", text, "lane", values)


def _memory(memory: Mapping[str, Any]) -> Iterator[Any]:
    for name, text in (
        ("used_bytes", "Memory of the process tree (PSS)"), ("peak_bytes", "Its peak"),
        ("budget_bytes", "Its budget"),
    ):  # fmt: skip
        yield _family("gauge", f"memory_{name}", text, "", {"": memory[name]})
    actions = memory["actions"]
    yield _family("counter", "memory_actions", "What the memory monitor did", "action", actions)


def _front(front: Mapping[str, Any]) -> Iterator[Any]:
    yield _family("gauge", "open_pages", "Open pages", "", {"": front["open_pages"]})
    yield _family("counter", "front_events", "What the front gate did", "event", front["counts"])
