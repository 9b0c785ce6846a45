"""Who is at risk, who leaves and why: the counts below every survival estimate.

A `Sample` holds the times of one group sorted, so that the number at risk at any times is a
binary search. A patient is at risk at time t when entry < t <= exit: events and censorings at t
still count as at risk there, and a censoring tied with an event comes after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from stats.design import Floats, Ints

#: Times nearer to each other than this part of their mean size differ by rounding only (the
#: tolerance of R's survival package).
NEAR: Final = float(np.sqrt(np.finfo(np.float64).eps))


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The times of one group, each array sorted.

    `exits`: one entry per patient. `entries`: the same where follow-up starts late (left
    truncation), else None. `died`: per cause the times of its events (one cause for survival).
    """

    exits: Floats
    entries: Floats | None
    died: tuple[Floats, ...]

    @property
    def n(self) -> int:
        """Patients."""
        return len(self.exits)

    @property
    def n_events(self) -> int:
        """Events of any cause."""
        return sum(len(times) for times in self.died)

    @property
    def last(self) -> float:
        """The largest time; 0 without patients."""
        return float(self.exits[-1]) if len(self.exits) else 0.0

    @property
    def person_time(self) -> float:
        """Sum of the follow-up times."""
        total = float(self.exits.sum())
        return total if self.entries is None else total - float(self.entries.sum())

    def at_risk(self, times: Floats) -> Ints:
        """Patients with entry < t <= exit, for each t."""
        waiting = self.n - np.searchsorted(self.exits, times, side="left")
        if self.entries is None:
            return waiting
        return waiting - (self.n - np.searchsorted(self.entries, times, side="left"))

    def listed(self, times: Floats) -> Ints:
        """The numbers at risk as a figure lists them: at 0 also those who enter right then."""
        counts = self.at_risk(times)
        if self.entries is None:
            return counts
        starting = np.searchsorted(self.entries, 0.0, side="right")
        return np.where(times == 0, starting, counts)

    def events_at(self, times: Floats, cause: int = 0) -> Ints:
        """Events of one cause at each of `times` (distinct, sorted, covering all of them)."""
        place = np.searchsorted(times, self.died[cause])
        return np.bincount(place, minlength=len(times)).astype(np.intp, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class LifeTable:
    """Counts at each distinct time of one group: `events` has one row per cause."""

    time: Floats
    at_risk: Ints
    events: Ints
    censored: Ints

    @property
    def all_events(self) -> Ints:
        """Events of any cause."""
        return self.events[0] if len(self.events) == 1 else self.events.sum(axis=0)


def sample_of(exits: Floats, causes: Ints, entries: Floats | None, n_causes: int) -> Sample:
    """Sort the times of one group. `causes` is 0 for a censored patient, else the cause from 1."""
    return Sample(
        np.sort(exits),
        None if entries is None else np.sort(entries),
        tuple(np.sort(exits[causes == cause]) for cause in range(1, n_causes + 1)),
    )


def life_table(sample: Sample) -> LifeTable:
    """The counts at the distinct times of a sample."""
    exits = sample.exits
    first = np.flatnonzero(np.diff(exits, prepend=np.nan) != 0)
    time = exits[first]
    leaving = np.diff(first, append=len(exits))
    events = np.stack([sample.events_at(time, cause) for cause in range(len(sample.died))])
    at_risk = sample.n - first if sample.entries is None else sample.at_risk(time)
    return LifeTable(time, at_risk, events, leaving - events.sum(axis=0))


def event_times(samples: Sequence[Sample], causes: Sequence[int] | None = None) -> Floats:
    """The distinct times at which an event (of one of `causes`) happens in any sample."""
    times = [
        died
        for sample in samples
        for cause, died in enumerate(sample.died)
        if causes is None or cause in causes
    ]
    return np.unique(np.concatenate(times)) if times else np.zeros(0)


def without_rounding(times: Sequence[Floats]) -> list[Floats]:
    """The same times, those that differ by rounding only made equal (to the smallest of a run).

    0.3 - 0.1 and 0.2 are one time. The arrays are judged together; they come back as they are
    when nothing is near, as whole numbers always are.
    """
    if all(np.array_equal(values, np.rint(values)) for values in times):
        return list(times)
    distinct = np.unique(np.concatenate(times))
    scale = float(np.abs(distinct).mean()) if len(distinct) else 0.0
    apart = np.diff(distinct) > NEAR * scale
    if apart.all():
        return list(times)
    starts = np.concatenate([[True], apart])
    merged = distinct[starts][np.cumsum(starts) - 1]
    return [merged[np.searchsorted(distinct, values)] for values in times]
