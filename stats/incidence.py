"""`estimate_incidence`: cumulative incidence of competing events, by group, with Gray's test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import ndtri

from stats.errors import BadInput
from stats.follow_up import (
    Columns,
    FollowUp,
    check_columns,
    chosen_levels,
    present_levels,
    read_follow_up,
)
from stats.gray import gray_test
from stats.incidence_report import (
    chosen_table,
    group_incidence,
    notes_on_incidence,
    points_table,
    summary_table,
)
from stats.life_table import Sample
from stats.log_rank import holm
from stats.named_choices import confidence_level, one_of
from stats.result import CurveResult
from stats.survival_choices import INTERVALS, times_of
from stats.survival_notes import notes_on_pairs
from stats.variables import Dataset, as_dataset, quote_list

_AALEN_JOHANSEN: Final = (
    "Aalen OO, Johansen S. An empirical transition matrix for non-homogeneous Markov chains based "
    "on censored observations. Scand J Stat 1978;5:141-50."
)
_GRAY: Final = (
    "Gray RJ. A class of K-sample tests for comparing the cumulative incidence of a competing "
    "risk. Ann Stat 1988;16:1141-54. doi:10.1214/aos/1176350951"
)


def estimate_incidence(
    data: Dataset | pd.DataFrame,
    *,
    time: str,
    event: str,
    causes: object = None,
    censored: object = None,
    group: str | None = None,
    strata: str | None = None,
    interval: str = "log-log",
    ci_level: float = 0.95,
    times: Sequence[float] | None = None,
    risk_times: Sequence[float] | None = None,
    pairwise: str = "holm",
) -> CurveResult:
    """Cumulative incidence of each cause where other causes compete with it.

    Parameters
    ----------
    data : one row per patient.
    time : column of follow-up times, from 0 on, in any unit.
    event : column that says how follow-up ended.
    causes, censored : its levels that are events, each a cause of its own, and those that mean
        that nothing happened. One of the two must be chosen; the other is then every other level
        (censored: only where a single level is left).
    group : column whose levels are compared; strata : column within whose levels they are.
    interval : "log-log" (on log(-log F)), "log" or "plain".
    ci_level, times, risk_times, pairwise : as in `estimate_survival`.

    Returns
    -------
    CurveResult. `points`: one row per group, cause and time at which that cause happens, and at
    the end of follow-up. `summary`: one row per group and cause; `incidence` is that at the last
    time. `chosen`: incidence and numbers at risk at `times` (`asked`) and `risk_times`.
    `tests`: Gray's test of each cause; `pairwise`: the same for each pair of groups.

    Raises
    ------
    BadInput : unknown column or level, neither causes nor censored chosen. NotEstimable : no
    usable row.

    Notes
    -----
    Aalen-Johansen estimate, never 1 - Kaplan-Meier, with the variance of Aalen (1978).

    References
    ----------
    Gray 1988, doi:10.1214/aos/1176350951.

    Checked against
    ---------------
    R cmprsk::cuminc and survfit (tests/reference), worked examples, simulation.
    """
    dataset = as_dataset(data)
    asked = {
        "time": time, "event": event, "causes": causes, "censored": censored, "group": group,
        "strata": strata, "interval": interval, "ci_level": ci_level, "times": times,
        "risk_times": risk_times, "pairwise": pairwise,
    }  # fmt: skip
    return _estimate(dataset, prepare(dataset, asked)[1])


def _estimate(dataset: Dataset, choices: Mapping[str, Any]) -> CurveResult:
    columns = _columns(choices)
    causes = choices["causes"]
    found = read_follow_up(dataset, columns, [(level,) for level in causes])
    z = float(ndtri(0.5 + choices["ci_level"] / 2))
    labels = found.levels or (None,)
    curves = [
        group_incidence(label, sample, causes)
        for label, sample in zip(labels, found.samples(), strict=True)
    ]
    strata = found.samples_by_stratum()
    tests = _tests(strata, causes)
    chosen = chosen_table(curves, choices, z)
    pairs = _pairs(strata, found.levels, choices)
    notes = [
        *found.notes, *notes_on_incidence(curves, columns, choices, tests, chosen),
        *notes_on_pairs(pairs, columns.group or columns.event),
    ]  # fmt: skip
    return CurveResult(
        analysis="estimate_incidence", choices=choices, n_rows=dataset.n_rows,
        n_used=len(found.exits), exclusions=found.exclusions, notes=tuple(notes),
        references=(_AALEN_JOHANSEN, _GRAY) if len(curves) > 1 else (_AALEN_JOHANSEN,),
        method=_method(choices), curve="cumulative incidence", groups=found.levels,
        points=points_table(curves, choices["interval"], z), summary=summary_table(curves),
        chosen=chosen, tests=tests, pairwise=pairs,
        facts=_facts(found, causes),
    )  # fmt: skip


def _tests(strata: Sequence[Sequence[Sample]], causes: Sequence[str]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [] for name in ("test", "statistic", "df", "p_value", "cause")
    }
    if len(strata[0]) > 1:
        for cause, level in enumerate(causes):
            found = gray_test(strata, cause)
            row = ("Gray", found.statistic, float(found.df), found.p_value, level)
            for name, value in zip(columns, row, strict=True):
                columns[name].append(value)
    return columns


def _pairs(
    strata: Sequence[Sequence[Sample]], levels: Sequence[str], choices: Mapping[str, Any]
) -> dict[str, Any]:
    """Gray's test of every pair of groups; p adjusted within each cause."""
    names = ("group_a", "group_b", "cause", "test", "statistic", "df", "p_value")
    rows: list[tuple[Any, ...]] = []
    adjusted: list[float] = []
    for cause, level in enumerate(choices["causes"]):
        own: list[float] = []
        for a, b in combinations(range(len(levels)), 2):
            found = gray_test([[samples[a], samples[b]] for samples in strata], cause)
            rows.append(
                (levels[a], levels[b], level, "Gray", found.statistic, float(found.df),
                 found.p_value)
            )  # fmt: skip
            own.append(found.p_value)
        adjusted += holm(own) if choices["pairwise"] == "holm" else own
    columns: dict[str, Any] = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    columns["p_adjusted"] = adjusted
    text = ("group_a", "group_b", "cause", "test")
    return {
        name: values if name in text else np.array(values, dtype=np.float64)
        for name, values in columns.items()
    }


def _columns(choices: Mapping[str, Any]) -> Columns:
    return Columns(**{name: choices[name] for name in ("time", "event", "group", "strata")})


def _method(choices: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "estimator": "Aalen-Johansen", "variance": "Aalen", "interval": choices["interval"],
        "ci_level": choices["ci_level"], "causes": choices["causes"],
        "censored": choices["censored"], "test": "Gray" if choices["group"] else None, "rho": 0.0,
        "strata": choices["strata"], "pairwise": choices["pairwise"],
    }  # fmt: skip


def _facts(found: FollowUp, causes: Sequence[str]) -> dict[str, Any]:
    counts = np.bincount(found.causes, minlength=len(causes) + 1)
    return {
        "n": len(found.exits), "censored": int(counts[0]), "last_time": float(found.exits.max()),
        "events": {level: int(n) for level, n in zip(causes, counts[1:], strict=True)},
    }  # fmt: skip


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check every choice before any work; the columns named and the choices in full."""
    named = {
        name: None if choices[name] is None else str(choices[name])
        for name in ("time", "event", "group", "strata")
    }
    columns = Columns(**named)  # type: ignore[arg-type]
    check_columns(dataset, columns)
    if columns.strata is not None and columns.group is None:
        raise BadInput(
            f'Strata ("{columns.strata}") were chosen without groups to compare.',
            column=columns.strata, rule="strata", hint="Choose groups, or leave the strata out.",
        )  # fmt: skip
    causes, censored = _endings(dataset, columns.event, choices["causes"], choices["censored"])
    complete = {
        "time": columns.time, "event": columns.event, "causes": causes, "censored": censored,
        "group": columns.group, "strata": columns.strata,
        "interval": one_of("interval", choices["interval"], INTERVALS),
        "ci_level": confidence_level(choices["ci_level"]),
        "times": times_of("times", choices["times"]),
        "risk_times": times_of("times of the numbers at risk", choices["risk_times"]),
        "pairwise": one_of("adjustment of pairs", choices["pairwise"], ("holm", "none")),
    }  # fmt: skip
    return columns.names, complete


def _endings(
    dataset: Dataset, event: str, causes: object, censored: object
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Causes and censored levels; every level that occurs is one of them."""
    present = present_levels(dataset, event)
    if causes is None and censored is None:
        raise BadInput(
            f'Which values of "{event}" are events, and which means censored: '
            f"{quote_list(present)}?", column=event, rule="causes", found=quote_list(present),
            hint="Choose the causes or the censored value; Clinstat does not guess them.",
        )  # fmt: skip
    out = () if censored is None else chosen_levels(dataset, event, censored)
    if causes is None:
        found = tuple(level for level in present if level not in out)
    else:
        found = chosen_levels(dataset, event, causes)
    both = [level for level in found if level in out]
    if both:
        raise BadInput(
            f'{quote_list(both)} of "{event}" cannot be a cause and censored as well.',
            column=event, rule="causes", found=quote_list(both), hint="Choose one of the two.",
        )  # fmt: skip
    if not found:
        raise BadInput(
            f'No value of "{event}" is left that could be an event.', column=event, rule="causes",
            found=quote_list(present), hint="Choose the causes, or fewer censored values.",
        )  # fmt: skip
    rest = tuple(level for level in present if level not in (*found, *out))
    if censored is None and len(rest) <= 1:
        return found, rest
    if rest:
        raise BadInput(
            f'{quote_list(rest)} of "{event}" {"is" if len(rest) == 1 else "are"} neither a cause '
            "nor censored.", column=event, rule="causes", found=quote_list(rest),
            hint="Add each value to the causes or to the censored ones.",
        )  # fmt: skip
    return found, out
