"""The tables and notes of `estimate_incidence`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stats.aalen_johansen import IncidenceCurves, aalen_johansen, incidence_limits
from stats.follow_up import Columns
from stats.kaplan_meier import value_at
from stats.life_table import Sample, life_table
from stats.result import Note
from stats.stopping import check_stopped
from stats.survival_choices import nice_times
from stats.variables import quote_list

_FEW = 10


@dataclass(frozen=True, slots=True, eq=False)
class GroupIncidence:
    """One group's incidence of each cause; `label` is None without groups."""

    label: str | None
    sample: Sample
    causes: tuple[str, ...]
    curves: IncidenceCurves


def group_incidence(label: str | None, sample: Sample, causes: Sequence[str]) -> GroupIncidence:
    """The curves of one group (of at least one patient)."""
    check_stopped()
    return GroupIncidence(label, sample, tuple(causes), aalen_johansen(life_table(sample)))


def points_table(curves: Sequence[GroupIncidence], interval: str, z: float) -> dict[str, Any]:
    """One row per group, cause and time at which the cause happens, and at the last time."""
    numbers = ("time", "at_risk", "events", "incidence", "std_error", "ci_low", "ci_high")
    parts: dict[str, list[Any]] = {name: [] for name in numbers}
    groups: list[str | None] = []
    causes: list[str] = []
    for g in curves:
        table = g.curves.table
        for cause, level in enumerate(g.causes):
            steps = np.flatnonzero(table.events[cause])
            if not len(steps) or steps[-1] < len(table.time) - 1:
                steps = np.append(steps, len(table.time) - 1)
            f, v = g.curves.incidence[cause, steps], g.curves.variance[cause, steps]
            values = (
                table.time[steps], table.at_risk[steps], table.events[cause, steps], f,
                np.sqrt(v), *incidence_limits(f, v, interval, z),
            )  # fmt: skip
            for name, value in zip(numbers, values, strict=True):
                parts[name].append(value)
            groups += [g.label] * len(steps)
            causes += [level] * len(steps)
    joined = {name: np.concatenate(own) for name, own in parts.items()}
    return {"group": groups, "cause": causes, **joined}


def summary_table(curves: Sequence[GroupIncidence]) -> dict[str, list[Any]]:
    """One row per group and cause."""
    names = (
        "group", "n", "events", "cause", "competing", "censored", "incidence", "last_time",
        "person_time",
    )  # fmt: skip
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for g in curves:
        for cause, level in enumerate(g.causes):
            events = len(g.sample.died[cause])
            row = (
                g.label, g.sample.n, events, level, g.sample.n_events - events,
                g.sample.n - g.sample.n_events, float(g.curves.incidence[cause, -1]),
                g.sample.last, g.sample.person_time,
            )  # fmt: skip
            for name, value in zip(names, row, strict=True):
                columns[name].append(value)
    text = ("group", "cause")
    return {n: v if n in text else np.asarray(v) for n, v in columns.items()}  # type: ignore[misc]


def chosen_table(
    curves: Sequence[GroupIncidence], choices: Mapping[str, Any], z: float
) -> dict[str, Any]:
    """Incidence and numbers at risk at the times asked for and at those of the risk table.

    Beyond the last time of a group it is missing, unless nobody was left free of an event.
    """
    last = max(g.sample.last for g in curves)
    asked = np.array(choices["times"] or (), dtype=np.float64)
    listed = np.array(choices["risk_times"] or nice_times(last), dtype=np.float64)
    at = np.unique(np.concatenate([asked, listed]))
    names = (
        "time", "at_risk", "events", "incidence", "std_error", "ci_low", "ci_high", "asked",
        "listed",
    )  # fmt: skip
    parts: dict[str, list[Any]] = {name: [] for name in names}
    groups: list[str | None] = []
    causes: list[str] = []
    for g in curves:
        time = g.curves.table.time
        beyond = (at > g.sample.last) & (g.curves.free[-1] > 0)
        for cause, level in enumerate(g.causes):
            f = value_at(time, g.curves.incidence[cause], at, 0.0)
            v = value_at(time, g.curves.variance[cause], at, 0.0)
            f[beyond], v[beyond] = np.nan, np.nan
            happened = value_at(time, np.cumsum(g.curves.table.events[cause]), at, 0.0)
            values = (
                at, g.sample.at_risk(at), happened.astype(np.intp), f, np.sqrt(v),
                *incidence_limits(f, v, choices["interval"], z), np.isin(at, asked),
                np.isin(at, listed),
            )  # fmt: skip
            for name, value in zip(names, values, strict=True):
                parts[name].append(value)
            groups += [g.label] * len(at)
            causes += [level] * len(at)
    joined = {name: np.concatenate(own) for name, own in parts.items()}
    return {"group": groups, "cause": causes, **joined}


def notes_on_incidence(
    curves: Sequence[GroupIncidence], columns: Columns, choices: Mapping[str, Any],
    tests: Mapping[str, Sequence[Any]], chosen: Mapping[str, Any],
) -> list[Note]:  # fmt: skip
    """One sentence for each thing that the reader must know or that is missing."""
    notes: list[Note] = []
    term = columns.group or columns.event
    for cause, level in enumerate(choices["causes"]):
        silent = [g.label for g in curves if not len(g.sample.died[cause])]
        if silent:
            text = f'No event "{level}" happened{_in(silent)}, so its incidence stays at 0 there.'
            notes.append(Note("no_events", "caution", text, term))
    for p, level in zip(tests["p_value"], tests["cause"], strict=True):
        if np.isnan(p):
            text = (
                f'The groups cannot be compared for "{level}": it did not happen while two of '
                "them were at risk. Choose other groups."
            )
            notes.append(Note("no_comparison", "warning", text, term))
    if len(choices["causes"]) == 1:
        text = (
            f'"{columns.event}" has one kind of event, so nothing competes with it and its '
            "incidence is one minus its survival."
        )
        notes.append(Note("no_competing_event", "info", text, columns.event))
    if choices["interval"] != "plain":
        text = (
            f"Where incidence is 0 the {choices['interval']} interval is not defined and is left "
            "open."
        )
        notes.append(Note("no_interval", "info", text, term))
    return notes + _on_times(curves, chosen, term)


def _on_times(curves: Sequence[GroupIncidence], chosen: Mapping[str, Any], term: str) -> list[Note]:
    groups = np.array(chosen["group"], dtype=object)
    ended = np.isnan(chosen["incidence"])
    few = chosen["asked"] & (chosen["at_risk"] > 0) & (chosen["at_risk"] < _FEW) & ~ended
    without, imprecise = (
        [g.label for g in curves if g.label in set(groups[rows])] for rows in (ended, few)
    )
    notes: list[Note] = []
    if without:
        text = f"Incidence is not estimated beyond the end of follow-up{_in(without)}."
        notes.append(Note("beyond_follow_up", "info", text, term))
    if imprecise:
        text = (
            f"Fewer than {_FEW} patients were still at risk at a chosen time{_in(imprecise)}; the "
            "estimate there is imprecise."
        )
        notes.append(Note("few_at_risk", "caution", text, term))
    return notes


def _in(labels: Sequence[str | None]) -> str:
    known = [label for label in labels if label is not None]
    return f" in {quote_list(known)}" if known else ""
