"""The last hour in four charts: hit rate, memory, time to compute, time from the cache.

A chart is data for the element <clinstat-trend>, which www/system.js draws. Its zones (watch,
act) are shaded and named; a point in a zone has the shape of its state.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from shiny import ui
from shiny.ui import Tag

from logic import Look, Spread
from presentation import palette
from tabs.system_states import (
    COMPUTED_LIMITS_SECONDS,
    HIT_LIMITS_SECONDS,
    HIT_RATE_LIMITS,
    MEMORY_LIMITS,
)
from tabs.words import duration_words, long_words

_SHORTEST_SPAN_SECONDS = 600.0
_LONGEST_SPAN_SECONDS = 3_600.0
_MOST_SERIES = 5
_MIB = 1024 * 1024
_LEAST_SECONDS = 1e-6

Point = tuple[float, float, float]
Words = Callable[[float], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """`series`: name -> points (seconds before now, value, how far up it reaches), oldest first.
    `limits`: where good ends and where act begins; `rising` when small is good. `top` None: a scale
    of powers of ten."""

    title: str
    series: dict[str, tuple[Point, ...]]
    limits: tuple[float, float]
    rising: bool
    top: float | None
    words: Words
    joined: bool = True

    @property
    def alt(self) -> str:
        """The chart in words."""
        told = [
            f"{name}: now {self.words(points[-1][1])}, "
            f"least {self.words(min(point[1] for point in points))}, "
            f"most {self.words(max(point[1] for point in points))}"
            for name, points in self.series.items()
        ]
        return f"{self.title}. {'; '.join(told)}." if told else f"{self.title}: nothing yet."


def charts_of(look: Look) -> tuple[Chart, ...]:
    """The four charts."""
    now, samples = look.now_seconds, look.samples
    budget = look.memory.budget_bytes
    rates = [
        _flat(
            now - after.at_seconds,
            100 * (after.hits - before.hits) / (after.calls - before.calls),
        )
        for before, after in pairwise(samples)
        if after.calls > before.calls
    ]
    memory = [_flat(now - s.at_seconds, s.used_bytes / _MIB) for s in samples]
    first, second = HIT_RATE_LIMITS
    return (
        Chart(
            title="Hit rate of the calls in each 10 s", series=_named("Hit rate", rates),
            limits=(100 * first, 100 * second), rising=False, top=100.0,
            words=lambda value: f"{value:.0f} %", joined=False,
        ),
        Chart(
            title="Memory of the server", series=_named("Memory", memory),
            limits=(MEMORY_LIMITS[0] * budget / _MIB, MEMORY_LIMITS[1] * budget / _MIB),
            rising=True, top=budget / _MIB, words=lambda value: f"{value:.0f} MB",
        ),
        _latency(look, COMPUTED_LIMITS_SECONDS, computed=True),
        _latency(look, HIT_LIMITS_SECONDS, computed=False),
    )  # fmt: skip


def _flat(age: float, value: float) -> Point:
    return age, value, value


def _named(name: str, points: Sequence[Point]) -> dict[str, tuple[Point, ...]]:
    return {name: tuple(points)} if points else {}


def _latency(look: Look, limits: tuple[float, float], *, computed: bool) -> Chart:
    """The functions with most points, each a series of its own."""
    found: dict[str, list[Point]] = {}
    for sample in look.samples:
        for name, latency in sample.latency.items():
            spread: Spread | None = latency.computed if computed else latency.hit
            if spread is not None:
                age = look.now_seconds - sample.at_seconds
                median = max(spread.median_seconds, _LEAST_SECONDS)
                point = age, median, max(spread.p95_seconds, median)
                found.setdefault(name, []).append(point)
    what = "Time to compute" if computed else "Time from the cache"
    most = sorted(found, key=lambda name: (-len(found[name]), name))[:_MOST_SERIES]
    return Chart(
        title=f"{what}: median, line up to the 95th percentile",
        series={name: tuple(found[name]) for name in sorted(most)},
        limits=limits, rising=True, top=None, words=duration_words, joined=False,
    )  # fmt: skip


def drawn(chart: Chart) -> dict[str, Any]:
    """Plain data for the element: everything that it draws, words included."""
    ages = [age for points in chart.series.values() for age, _, _ in points]
    span = _LONGEST_SPAN_SECONDS
    if max(ages, default=0.0) <= _SHORTEST_SPAN_SECONDS:
        span = _SHORTEST_SPAN_SECONDS
    low, high = _range(chart)
    return {
        "span": span, "low": low, "high": high, "powers": chart.top is None,
        "limits": list(chart.limits), "rising": chart.rising, "joined": chart.joined,
        "ticks": [
            [value, chart.words(value).replace(".0 ", " ")] for value in _ticks(chart, low, high)
        ],
        "ages": [[span * part, "now" if part == 0 else f"{long_words(span * part)} ago"]
                 for part in (1, 0.5, 0)],
        "series": [
            {
                "name": name, "colour": palette.GROUP_COLOURS[i],
                "points": [
                    [round(age, 1), value, high] for age, value, high in points if age <= span
                ],
                "last": chart.words(points[-1][1]),
            }
            for i, (name, points) in enumerate(chart.series.items())
        ],
    }  # fmt: skip


def _range(chart: Chart) -> tuple[float, float]:
    values = [end for points in chart.series.values() for _, *ends in points for end in ends]
    if chart.top is not None:
        return 0.0, max(chart.top, *values) if values else chart.top
    low = math.floor(math.log10(min(values, default=chart.limits[0] / 100)))
    high = math.ceil(math.log10(max([*values, chart.limits[0]])) + 1e-9)
    return 10.0**low, 10.0 ** max(high, low + 1)


def _ticks(chart: Chart, low: float, high: float) -> list[float]:
    if chart.top is None:
        powers = range(round(math.log10(low)), round(math.log10(high)) + 1)
        step = 1 if len(powers) <= 5 else 2
        return [10.0**power for power in powers[::step]]
    return [0.0, high / 2, high]


def charts_view(charts: Sequence[Chart]) -> Tag:
    """The charts side by side."""
    return ui.div(*[_chart(chart) for chart in charts], class_="cs-trends")


def _chart(chart: Chart) -> Tag:
    data = json.dumps(drawn(chart), allow_nan=False, separators=(",", ":"))
    return ui.tags.figure(
        ui.tags.figcaption(chart.title),
        ui.Tag(
            "clinstat-trend", ui.p("Nothing yet", class_="cs-quiet"), data=data, label=chart.alt
        ),
    )
