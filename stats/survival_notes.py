"""What a reader of survival curves must be told: assumptions, and what could not be computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stats.follow_up import Columns, present_levels
from stats.result import Note
from stats.survival_report import GroupCurve
from stats.variables import Dataset, quote_list

_FEW = 10


def notes_on_events(
    dataset: Dataset, event: str, levels: Sequence[str], *, assumed: bool
) -> list[Note]:
    """The event that was assumed, and the levels that count as censored."""
    if assumed:
        text = (
            f'The event was taken to be "{event}" = "{levels[0]}". Choose the event to say '
            "otherwise."
        )
        return [Note("event_assumed", "info", text, event)]
    others = [level for level in present_levels(dataset, event) if level not in levels]
    if len(others) < 2:
        return []
    text = (
        f'"{event}" = {quote_list(others)} all count as censored. If one of them prevents the '
        "event (death of another cause), estimate the cumulative incidence instead."
    )
    return [Note("censored_levels", "caution", text, event)]


def notes_on_curves(
    curves: Sequence[GroupCurve], columns: Columns, choices: Mapping[str, Any], *, tau: float,
    tests: Mapping[str, Sequence[Any]], chosen: Mapping[str, Any],
) -> list[Note]:  # fmt: skip
    """One sentence for each thing that is missing in the tables, naming its groups."""
    notes: list[Note] = []
    term = columns.group or columns.event

    def say(code: str, severity: Any, found: Sequence[GroupCurve], text: str) -> None:
        if found:
            where = _groups(found)
            notes.append(Note(code, severity, text.replace("{in}", where), term))

    silent = [c for c in curves if not c.sample.n_events]
    say("no_events", "caution", silent, "No event happened{in}, so survival stays at 100 % there "
        "and has no median. Follow these patients longer.")  # fmt: skip
    _medians(curves, say)
    _means(curves, tau, say)
    _intervals(curves, choices, say)
    _truncated(curves, columns, say)
    _chosen(curves, chosen, say)
    if tests["test"] and np.isnan(tests["p_value"][0]):
        text = "The groups cannot be compared: no event happened while two of them were at risk."
        notes.append(Note("no_comparison", "warning", f"{text} Choose other groups.", term))
    return notes


def notes_on_pairs(pairs: Mapping[str, Sequence[Any]], term: str) -> list[Note]:
    """The pairs of groups that no test can compare."""
    lost = [
        f"{a} and {b}"
        for a, b, p in zip(pairs["group_a"], pairs["group_b"], pairs["p_value"], strict=True)
        if np.isnan(p)
    ]
    if not lost:
        return []
    text = (
        f"These pairs of groups cannot be compared: {quote_list(dict.fromkeys(lost), 4)}; no event "
        "happened while both were at risk."
    )
    return [Note("pairs_not_compared", "info", text, term)]


def _medians(curves: Sequence[GroupCurve], say: Any) -> None:
    open_ = [c for c in curves if c.sample.n_events and np.isnan(c.quantiles["median"].time)]
    say(
        "median_not_reached", "info", open_,
        "The median was not reached{in}: survival did not fall to 50 % during follow-up.",
    )  # fmt: skip
    half = [
        c for c in curves
        if not np.isnan(c.quantiles["median"].time)
        and (np.isnan(c.quantiles["median"].low) or np.isnan(c.quantiles["median"].high))
    ]  # fmt: skip
    say(
        "median_limit_not_reached", "info", half,
        "A limit of the median was not reached{in}: that side of its interval is open.",
    )  # fmt: skip


def _means(curves: Sequence[GroupCurve], tau: float, say: Any) -> None:
    short = [c for c in curves if np.isnan(c.mean.mean)]
    say("rmst_beyond_follow_up", "warning", short,
        f"The restricted mean up to {tau:g} cannot be computed{{in}}, where follow-up ends earlier "
        "with survivors left. Choose an earlier horizon.")  # fmt: skip


def _intervals(curves: Sequence[GroupCurve], choices: Mapping[str, Any], say: Any) -> None:
    lost = [c for c in curves if np.isnan(c.low).any()]
    kind = choices["interval"]
    at = "100 % or 0 %" if kind == "log-log" else "0 %"
    say("no_interval", "info", lost, f"Where survival is {at} the {kind} interval is not defined "
        "and is left open.")  # fmt: skip


def _truncated(curves: Sequence[GroupCurve], columns: Columns, say: Any) -> None:
    if columns.entry is None:
        return
    emptied = [
        c for c in curves
        if c.last_survival == 0
        and c.curve.table.time[int(np.argmax(c.curve.survival == 0))] < c.sample.last
    ]  # fmt: skip
    say("risk_set_emptied", "warning", emptied, "All who were at risk had the event before others "
        "entered{in}, so survival falls to 0 there. Start the curve later.")  # fmt: skip


def _chosen(curves: Sequence[GroupCurve], chosen: Mapping[str, Any], say: Any) -> None:
    groups = np.array([c.label for c in curves], dtype=object).repeat(
        len(chosen["time"]) // len(curves)
    )
    missing = {g for g, s in zip(groups, chosen["survival"], strict=True) if np.isnan(s)}
    ended = [c for c in curves if c.label in missing]
    say("beyond_follow_up", "info", ended,
        "Survival is not estimated beyond the end of follow-up{in}.")  # fmt: skip
    few = {
        g
        for g, n, s, asked in zip(
            groups, chosen["at_risk"], chosen["survival"], chosen["asked"], strict=True
        )
        if asked and 0 < n < _FEW and not np.isnan(s)
    }
    say("few_at_risk", "caution", [c for c in curves if c.label in few],
        f"Fewer than {_FEW} patients were still at risk at a chosen time{{in}}; the estimate there "
        "is imprecise.")  # fmt: skip


def _groups(found: Sequence[GroupCurve]) -> str:
    labels = [c.label for c in found if c.label is not None]
    return f" in {quote_list(labels)}" if labels else ""
