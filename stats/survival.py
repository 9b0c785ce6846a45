"""`estimate_survival`: Kaplan-Meier curves, their tests, medians and restricted means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
from scipy.special import ndtri

from stats.errors import BadInput
from stats.follow_up import (
    Columns,
    assumed_event,
    check_columns,
    chosen_levels,
    present_levels,
    read_follow_up,
)
from stats.kaplan_meier import Quantile
from stats.life_table import Sample, life_table
from stats.log_rank import NOTHING, ChiSquare, compare, log_rank_scores
from stats.named_choices import confidence_level, one_of
from stats.result import CurveResult
from stats.survival_choices import INTERVALS, a_time, times_of
from stats.survival_notes import notes_on_curves, notes_on_events, notes_on_pairs
from stats.survival_report import (
    chosen_table,
    follow_up_of,
    group_curve,
    pairwise_table,
    points_table,
    summary_table,
)
from stats.variables import Dataset, as_dataset

#: Weights of the comparison and the test that each of them makes.
TESTS: Final[Mapping[str, str]] = {
    "logrank": "log-rank",
    "gehan-breslow": "Gehan-Breslow",
    "tarone-ware": "Tarone-Ware",
    "fleming-harrington": "Fleming-Harrington",
}
_KAPLAN_MEIER: Final = (
    "Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. "
    "J Am Stat Assoc 1958;53:457-81. doi:10.1080/01621459.1958.10501452"
)


def estimate_survival(
    data: Dataset | pd.DataFrame,
    *,
    time: str,
    event: str,
    event_level: object = None,
    group: str | None = None,
    entry: str | None = None,
    strata: str | None = None,
    interval: str = "log-log",
    ci_level: float = 0.95,
    times: Sequence[float] | None = None,
    risk_times: Sequence[float] | None = None,
    tau: float | None = None,
    median_rule: str = "midpoint",
    weights: str = "logrank",
    rho: float | None = None,
    pairwise: str = "holm",
) -> CurveResult:
    """Kaplan-Meier survival by group, with tests, medians and restricted mean survival time.

    Parameters
    ----------
    data : one row per patient.
    time : column of follow-up times, from 0 on, in any unit.
    event, event_level : column and the level, or levels, that count as the event; every other
        level is censored. The level may be left out for 0/1, no/yes and FALSE/TRUE only.
    group : column whose levels are compared.
    entry : column of times at which patients come under observation (left truncation); a patient
        is at risk where entry < t <= time.
    strata : column within whose levels the groups are compared (the curves are not stratified).
    interval : "log-log", "log" or "plain" limits of survival and hence of medians.
    ci_level : from 0.5 up to 1.
    times : times at which survival is given.
    risk_times : times of the numbers at risk; else round ones from 0 to the last time.
    tau : horizon of the restricted mean; else the earliest of the groups' last times.
    median_rule : where survival is exactly 1/2 for a while, the "midpoint" of that time (R) or
        its "first" moment.
    weights : of the test: "logrank", "gehan-breslow" (at risk), "tarone-ware" (its square root),
        "fleming-harrington" (pooled survival before the event to the power `rho`, 1 if left out).
    pairwise : p-values of pairs adjusted by "holm", or "none".

    Returns
    -------
    CurveResult. `points`: one row per group and distinct time (a curve of continuous times has as
    many rows as patients). `summary`: one row per group; `median` and quartiles are times by which
    1/2, 1/4, 3/4 had the event; `rmst` up to `facts["tau"]`; `observed` and `expected` are the
    (weighted) events of the test. `chosen`: survival and numbers at risk at `times` (`asked`) and
    `risk_times`. `pairwise`: test and RMST of group_b minus, and over, group_a.

    Raises
    ------
    BadInput : unknown column or level, event not chosen. NotEstimable : no usable row.

    References
    ----------
    Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452. Brookmeyer & Crowley 1982,
    doi:10.2307/2530286. Royston & Parmar 2013, doi:10.1186/1471-2288-13-152.

    Checked against
    ---------------
    R survfit, quantile.survfit, survdiff and survRM2 (tests/reference), statsmodels survdiff and
    SurvfuncRight, worked examples.
    """
    dataset = as_dataset(data)
    asked = {
        "time": time, "event": event, "event_level": event_level, "group": group, "entry": entry,
        "strata": strata, "interval": interval, "ci_level": ci_level, "times": times,
        "risk_times": risk_times, "tau": tau, "median_rule": median_rule, "weights": weights,
        "rho": rho, "pairwise": pairwise,
    }  # fmt: skip
    return _estimate(dataset, prepare(dataset, asked)[1])


def _estimate(dataset: Dataset, choices: Mapping[str, Any]) -> CurveResult:
    columns = _columns(choices)
    events = choices["event_level"] or (
        assumed_event(columns.event, present_levels(dataset, columns.event)),
    )
    found = read_follow_up(dataset, columns, [events])
    samples, labels = found.samples(), found.levels or (None,)
    tau = choices["tau"] or min(sample.last for sample in samples)
    z = float(ndtri(0.5 + choices["ci_level"] / 2))
    curves = [
        group_curve(label, sample, choices, tau=tau, z=z)
        for label, sample in zip(labels, samples, strict=True)
    ]
    scores, test = None, NOTHING
    strata = found.samples_by_stratum() if columns.strata else [samples]
    if len(samples) > 1:
        scores = log_rank_scores(strata, choices["weights"], choices["rho"] or 0.0)
        test = compare(scores)
    name = TESTS[choices["weights"]]
    tests = _tests(name, test) if scores is not None else _tests(name)
    pairs = pairwise_table(curves, strata, choices, name, z, test)
    chosen = chosen_table(curves, choices, z)
    everyone = samples[0] if len(samples) == 1 else found.everyone()
    followed = curves[0].follow_up if len(samples) == 1 else follow_up_of(
        life_table(everyone), choices, z
    )  # fmt: skip
    notes = [
        *notes_on_events(dataset, columns.event, events, assumed=choices["event_level"] is None),
        *found.notes,
        *notes_on_curves(curves, columns, choices, tau=tau, tests=tests, chosen=chosen),
        *notes_on_pairs(pairs, columns.group or columns.event),
    ]
    return CurveResult(
        analysis="estimate_survival", choices=choices, n_rows=dataset.n_rows,
        n_used=len(found.exits), exclusions=found.exclusions, notes=tuple(notes),
        references=(_KAPLAN_MEIER,), method=_method(choices, events, tau), curve="survival",
        groups=found.levels, points=points_table(curves),
        summary=summary_table(curves, scores), chosen=chosen, tests=tests, pairwise=pairs,
        facts=_facts(everyone, followed, events, tau),
    )  # fmt: skip


def _columns(choices: Mapping[str, Any]) -> Columns:
    return Columns(
        **{name: choices[name] for name in ("time", "event", "entry", "group", "strata")}
    )


def _method(choices: Mapping[str, Any], events: Sequence[str], tau: float) -> dict[str, Any]:
    return {
        "estimator": "Kaplan-Meier", "variance": "Greenwood", "interval": choices["interval"],
        "ci_level": choices["ci_level"], "event": tuple(events), "tau": tau,
        "test": TESTS[choices["weights"]] if choices["group"] else None,
        "rho": choices["rho"], "strata": choices["strata"], "pairwise": choices["pairwise"],
        "median_rule": choices["median_rule"],
    }  # fmt: skip


def _tests(name: str, *found: ChiSquare) -> dict[str, list[Any]]:
    return {
        "test": [name for _ in found], "statistic": [test.statistic for test in found],
        "df": [float(test.df) for test in found], "p_value": [test.p_value for test in found],
    }  # fmt: skip


def _facts(
    everyone: Sample, follow_up: Quantile, events: Sequence[str], tau: float
) -> dict[str, Any]:
    return {
        "event": tuple(events), "tau": tau, "n": everyone.n, "events": everyone.n_events,
        "last_time": everyone.last, "follow_up_median": follow_up.time,
    }  # fmt: skip


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check every choice before any work; the columns named and the choices in full.

    `event_level` stays None when it was left out, so that the note about it is part of the result;
    `risk_times` and `tau` stay None when the data decide about them.
    """
    named = {
        name: None if choices[name] is None else str(choices[name])
        for name in ("time", "event", "group", "entry", "strata")
    }
    columns = Columns(**named)  # type: ignore[arg-type]
    check_columns(dataset, columns)
    if columns.strata is not None and columns.group is None:
        raise BadInput(
            f'Strata ("{columns.strata}") were chosen without groups to compare.',
            column=columns.strata, rule="strata", hint="Choose groups, or leave the strata out.",
        )  # fmt: skip
    level = choices["event_level"]
    if level is None:
        assumed_event(columns.event, present_levels(dataset, columns.event))
    else:
        level = chosen_levels(dataset, columns.event, level)
    weights = one_of("weights", choices["weights"], tuple(TESTS))
    complete = {
        "time": columns.time, "event": columns.event, "event_level": level,
        "group": columns.group, "entry": columns.entry, "strata": columns.strata,
        "interval": one_of("interval", choices["interval"], INTERVALS),
        "ci_level": confidence_level(choices["ci_level"]),
        "times": times_of("times", choices["times"]),
        "risk_times": times_of("times of the numbers at risk", choices["risk_times"]),
        "tau": None if choices["tau"] is None else a_time("horizon (tau)", choices["tau"]),
        "median_rule": one_of("median rule", choices["median_rule"], ("midpoint", "first")),
        "weights": weights, "rho": _rho(choices["rho"], weights),
        "pairwise": one_of("adjustment of pairs", choices["pairwise"], ("holm", "none")),
    }  # fmt: skip
    return columns.names, complete


def _rho(value: object, weights: str) -> float | None:
    if weights != "fleming-harrington":
        if value is not None:
            raise BadInput(
                "rho belongs to the Fleming-Harrington weights only.", rule="rho",
                found=str(value), hint="Choose these weights, or leave rho out.",
            )  # fmt: skip
        return None
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 10:
        raise BadInput(
            f"rho must be a number from 0 to 10, not {value}.", rule="rho", found=str(value),
            hint="0 is the log-rank test, 1 weighs early events more.",
        )  # fmt: skip
    return float(value)
