"""One marker evaluated, and the tables of `evaluate_roc` made from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from stats.accuracy import LOG, Measure, proportions_of, ratios_of
from stats.design import Ints
from stats.markers import Marker
from stats.placements import area_interval, hanley_mcneil_error, ordered_marker
from stats.proportions import Interval
from stats.ranks import Concordance
from stats.result import Note
from stats.roc_points import (
    RocCurve,
    curve_of,
    index_at_sensitivity,
    index_at_specificity,
    index_at_value,
    kept_points,
    youden_indices,
)
from stats.two_levels import TwoByTwo, TwoLevels

_MEASURES = (
    "sensitivity", "specificity", "ppv", "npv", "accuracy", "lr_positive", "lr_negative",
    "diagnostic_odds_ratio", "youden",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold looked at: by which rule, what was wanted, where on the curve (-1: none)."""

    rule: str
    target: float
    value: float
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class MarkerCurve:
    """One marker on its own rows. `curve` is None where events or others are lacking."""

    marker: Marker
    direction: str
    n: int
    events: int
    curve: RocCurve | None
    concordance: Concordance
    area: Interval
    kept: Ints
    thresholds: tuple[Threshold, ...]
    missing: int

    @property
    def n_thresholds(self) -> int:
        """Distinct values of the marker."""
        return 0 if self.curve is None else len(self.curve.ordered.thresholds)


def evaluate_marker(marker: Marker, truth: TwoLevels, choices: Mapping[str, Any]) -> MarkerCurve:
    """Area, thresholds and points of one marker on the rows that know it and the truth."""
    used = marker.known & truth.known
    event = truth.is_yes[used]
    n, n_events = len(event), int(np.count_nonzero(event))
    missing = int(np.count_nonzero(truth.known)) - n
    direction = choices["direction"][marker.name]
    if n_events in (0, n):
        nothing = Concordance(math.nan, math.nan)
        return MarkerCurve(
            marker, direction, n, n_events, None, nothing, Interval(math.nan, math.nan, math.nan),
            np.empty(0, dtype=np.intp), (), missing,
        )  # fmt: skip
    curve = curve_of(ordered_marker(marker.values[used], event, higher=direction == "higher"))
    concordance = curve.ordered.concordance()
    area = area_interval(concordance, choices["ci_level"], choices["interval"])
    thresholds = _thresholds(curve, marker.name, choices)
    kept = kept_points(curve, [t.index for t in thresholds])
    return MarkerCurve(
        marker, direction, n, n_events, curve, concordance, area, kept, thresholds, missing
    )  # fmt: skip


def _thresholds(curve: RocCurve, name: str, choices: Mapping[str, Any]) -> tuple[Threshold, ...]:
    values = curve.ordered.thresholds
    found: list[Threshold] = []
    if choices["youden"]:
        indices = youden_indices(curve)
        found += [Threshold("youden", math.nan, float(values[i]), i) for i in indices]
    for rule, place in (
        ("sensitivity", index_at_sensitivity), ("specificity", index_at_specificity),
    ):  # fmt: skip
        for wanted in choices[f"at_{rule}"]:
            i = place(curve, wanted)
            value = float(values[i]) if i >= 0 else _beyond(curve)
            found.append(Threshold(rule, wanted, value, i))
    found += [
        Threshold("value", value, value, index_at_value(curve, value))
        for value in choices["at_value"].get(name, ())
    ]
    return tuple(found)


def _beyond(curve: RocCurve) -> float:
    """A threshold that no value reaches."""
    return math.inf if curve.ordered.falling else -math.inf


def points_frame(curves: Sequence[MarkerCurve]) -> dict[str, Any]:
    """`points`: from no row positive to all rows positive."""
    groups: list[str] = []
    levels: list[str | None] = []
    columns: dict[str, list[Any]] = {"threshold": [], "sensitivity": [], "specificity": []}
    for found in curves:
        curve = found.curve
        if curve is None:
            continue
        i = found.kept
        thresholds = np.concatenate(([_beyond(curve)], curve.ordered.thresholds[i]))
        hits = np.concatenate(([0.0], curve.true_positives[i])) / curve.ordered.n_events
        alarms = np.concatenate(([0.0], curve.false_positives[i])) / curve.ordered.n_others
        groups += [found.marker.name] * len(thresholds)
        levels += (
            [found.marker.level_at(t) for t in thresholds] if found.marker.levels
            else [None] * len(thresholds)
        )  # fmt: skip
        columns["threshold"].append(thresholds)
        columns["sensitivity"].append(hits)
        columns["specificity"].append(1.0 - alarms)
    joined = {
        name: np.concatenate(parts) if parts else np.empty(0) for name, parts in columns.items()
    }
    return {"group": groups, **joined, "level": levels}


def summary_frame(curves: Sequence[MarkerCurve], choices: Mapping[str, Any]) -> dict[str, Any]:
    """`summary`: one row per marker."""
    errors = [math.sqrt(v) if (v := c.concordance.variance) > 0 else math.nan for c in curves]
    areas = [c.concordance.area for c in curves]
    z = [
        (a - 0.5) / e if e > 0 else math.nan for a, e in zip(areas, errors, strict=True)
    ]  # fmt: skip
    hanley = [
        math.nan if c.curve is None
        else hanley_mcneil_error(c.concordance.area, c.events, c.n - c.events)
        for c in curves
    ]  # fmt: skip
    return {
        "group": [c.marker.name for c in curves],
        "n": [c.n for c in curves],
        "events": [c.events for c in curves],
        "missing": np.array([c.missing for c in curves], dtype=np.int64),
        "area": np.array(areas, dtype=np.float64),
        "ci_low": np.array([c.area.low for c in curves], dtype=np.float64),
        "ci_high": np.array([c.area.high for c in curves], dtype=np.float64),
        "std_error": np.array(errors, dtype=np.float64),
        "std_error_hanley": np.array(hanley, dtype=np.float64),
        "statistic": np.array(z, dtype=np.float64),
        "p_value": np.array([2.0 * float(ndtr(-abs(v))) for v in z], dtype=np.float64),
        "direction": [c.direction for c in curves],
        "interval": [choices["interval"]] * len(curves),
    }


def chosen_frame(curves: Sequence[MarkerCurve], choices: Mapping[str, Any]) -> dict[str, Any]:
    """`chosen`: one row per threshold, its table and its measures with limits."""
    rows: list[tuple[MarkerCurve, Threshold, TwoByTwo]] = [
        (c, t, c.curve.table_at(t.index)) for c in curves if c.curve is not None
        for t in c.thresholds
    ]  # fmt: skip
    frame: dict[str, Any] = {
        "group": [c.marker.name for c, _, _ in rows],
        "rule": [t.rule for _, t, _ in rows],
        "target": np.array([t.target for _, t, _ in rows], dtype=np.float64),
        "threshold": np.array([t.value for _, t, _ in rows], dtype=np.float64),
        "midpoint": np.array([_midpoint(c, t) for c, t, _ in rows], dtype=np.float64),
        "level": [c.marker.level_at(t.value) for c, t, _ in rows],
    }
    for name, cell in (
        ("true_positive", "a"), ("false_positive", "b"), ("false_negative", "c"),
        ("true_negative", "d"),
    ):  # fmt: skip
        frame[name] = np.array([getattr(table, cell) for _, _, table in rows], dtype=np.int64)
    measured = [_measured(table, choices) for _, _, table in rows]
    for name in _MEASURES:
        for part, suffix in enumerate(("", "_low", "_high")):
            values = [found[name].interval[part] for found in measured]
            frame[name + suffix] = np.array(values, dtype=np.float64)
    return frame


def _midpoint(found: MarkerCurve, threshold: Threshold) -> float:
    """Half way to the next value that is called negative, as pROC reports thresholds; the
    threshold itself where there is none, or where the user gave it."""
    if found.curve is None or threshold.rule == "value":
        return threshold.value
    values, i = found.curve.ordered.thresholds, threshold.index
    inside = 0 <= i < len(values) - 1
    return float(0.5 * values[i] + 0.5 * values[i + 1]) if inside else threshold.value


def _measured(table: TwoByTwo, choices: Mapping[str, Any]) -> dict[str, Measure]:
    level = choices["ci_level"]
    found = proportions_of(table, level, choices["proportion_interval"])
    found += [m for m in ratios_of(table, level) if m.method == LOG or m.measure == "youden"]
    return {m.measure: m for m in found}


def curve_notes(curves: Sequence[MarkerCurve], choices: Mapping[str, Any]) -> list[Note]:
    """What a reader must know of areas and thresholds."""
    notes = [note for found in curves for note in _area_notes(found)]
    sought = choices["youden"] or choices["at_sensitivity"] or choices["at_specificity"]
    if sought and any(c.thresholds for c in curves):
        notes.append(
            Note(
                "threshold_from_data", "caution",
                "Thresholds were sought in the same rows in which they are judged, so their "
                "sensitivity and specificity are optimistic. Confirm them in other patients.",
            )
        )  # fmt: skip
    for found in curves:
        notes += _threshold_notes(found)
        if choices["youden"] and found.n_thresholds > 1 and not _of_youden(found):
            text = (
                f'No threshold of "{found.marker.name}" is better than chance in the direction '
                "chosen: the Youden index is never above 0. Check the direction."
            )
            notes.append(Note("no_youden", "caution", text, found.marker.name))
    return notes


def _of_youden(found: MarkerCurve) -> list[Threshold]:
    return [t for t in found.thresholds if t.rule == "youden"]


def _area_notes(found: MarkerCurve) -> list[Note]:
    name, area = found.marker.name, found.concordance.area
    if found.curve is None:
        which = "with" if found.events == 0 else "without"
        text = (
            f'No row that knows "{name}" is {which} the event, so it has no ROC curve. Include '
            "rows with and without the event."
        )
        return [Note("no_curve", "warning", text, name)]
    if found.n_thresholds == 1:
        text = (
            f'"{name}" has the same value in all {found.n:,} rows used, so it tells nothing apart. '
            "Choose another marker."
        )
        return [Note("constant", "warning", text, name)]
    notes: list[Note] = []
    if area < 0.5:
        other = "lower" if found.direction == "higher" else "higher"
        text = (
            f'The area of "{name}" is {area:.3f}, below 0.5: {other} values go with the event. The '
            f'direction was kept as chosen; choose "{other}" if that was meant.'
        )
        notes.append(Note("area_below_half", "caution", text, name))
    if math.isnan(found.area.low):
        if min(found.events, found.n - found.events) < 2:
            text = (
                f'The area of "{name}" has no interval, because there is only one row '
                f"{'with' if found.events == 1 else 'without'} the event. Add such rows."
            )
            notes.append(Note("few_rows", "caution", text, name))
        else:
            text = (
                f'"{name}" tells all rows apart without error, so DeLong\'s variance is 0 and no '
                "interval can be made. Look whether it was derived from the reference standard."
            )
            notes.append(Note("perfect", "caution", text, name))
    return notes


def _threshold_notes(found: MarkerCurve) -> list[Note]:
    name, notes = found.marker.name, list[Note]()
    tied = _of_youden(found)
    if len(tied) > 1:
        text = (
            f'{len(tied)} thresholds of "{name}" have the same largest Youden index; all are '
            "listed. Choose among them by what an error of either kind costs."
        )
        notes.append(Note("youden_tied", "info", text, name))
    tables = [found.curve.table_at(t.index) for t in found.thresholds if found.curve]
    if any(table.has_zero for table in tables):
        text = (
            f'At a threshold of "{name}" a cell of the table is empty: ratios that divide by it '
            "are 0 or infinite and have no interval, and a predictive value of no rows is missing."
        )
        notes.append(Note("zero_cell", "info", text, name))
    return notes
