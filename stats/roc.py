"""`evaluate_roc`: ROC curves of markers, their areas, thresholds and comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from stats.association_sources import DELONG, YOUDEN
from stats.errors import BadInput, NotEstimable
from stats.markers import check_marker, marker_of
from stats.multiplicity import ADJUSTMENTS
from stats.named_choices import confidence_level, one_of, shares_up_to_one
from stats.result import CurveResult
from stats.roc_pairs import compare_markers, pairwise_frame
from stats.roc_report import (
    MarkerCurve,
    chosen_frame,
    curve_notes,
    evaluate_marker,
    points_frame,
    summary_frame,
)
from stats.terms import column_names
from stats.two_levels import TRUTH, TwoLevels, assumed_notes, different_columns, two_levels
from stats.variables import Dataset, as_dataset, quote_list

MOST_MARKERS: Final = 20
_DIRECTIONS = ("higher", "lower")
_INTERVALS = ("delong", "logit")


def evaluate_roc(
    data: Dataset | pd.DataFrame,
    *,
    truth: str,
    markers: Sequence[str],
    event: object = None,
    direction: str | Mapping[str, str] = "higher",
    youden: bool = True,
    at_sensitivity: float | Sequence[float] | None = None,
    at_specificity: float | Sequence[float] | None = None,
    at_value: object = None,
    interval: str = "delong",
    proportion_interval: str = "wilson",
    adjust: str = "holm",
    ci_level: float = 0.95,
) -> CurveResult:
    """ROC curves with their areas, thresholds, and paired comparison of areas.

    Parameters
    ----------
    data : one row per patient. Each marker uses the rows that know it and the truth; a comparison
        the rows that know both markers.
    truth : column with two values; `event` the level that means diseased (may be left out for 0/1,
        no/yes and FALSE/TRUE only).
    markers : one or more columns of numbers or ordered levels.
    direction : "higher" when high values speak for the event, "lower" when low values do, for all
        markers or by marker. It is never turned round: an area below 0.5 stays and is noted.
    youden : list the thresholds that maximise sensitivity + specificity (all of them when tied).
    at_sensitivity, at_specificity : list the threshold that reaches a sensitivity with the best
        specificity, or the reverse.
    at_value : thresholds to list: a number or several (one marker), or marker -> numbers.
    interval : of the area, "delong" or "logit". `proportion_interval`: "wilson" or "exact".
    adjust : of the p-values of comparisons: "holm", "bonferroni", "bh" or "none".
    ci_level : in [0.5, 1).

    Returns
    -------
    CurveResult, `curve` "roc". `points`: group, threshold (positive at or beyond it; the first
    calls no row positive), sensitivity, specificity, at most 5,000 per marker. `summary`: one row
    per marker with area, interval, DeLong's and Hanley's standard errors, p of area 0.5. `chosen`:
    one row per threshold with its 2 x 2 table and measures. `pairwise`: paired DeLong
    comparisons. `tests`: all areas equal (three markers or more).

    Raises
    ------
    BadInput : unknown column or level, event or direction not chosen, infinite values.
    NotEstimable : no row knows the truth and a marker.

    References
    ----------
    DeLong et al. 1988, doi:10.2307/2531595; see `stats.placements`.

    Checked against
    ---------------
    R pROC (tests/reference), all pairs counted one by one.
    """
    dataset = as_dataset(data)
    asked = {
        "truth": truth, "markers": markers, "event": event, "direction": direction,
        "youden": youden, "at_sensitivity": at_sensitivity, "at_specificity": at_specificity,
        "at_value": at_value, "interval": interval, "proportion_interval": proportion_interval,
        "adjust": adjust, "ci_level": ci_level,
    }  # fmt: skip
    return _evaluate(dataset, prepare(dataset, asked)[1])


def _evaluate(dataset: Dataset, choices: Mapping[str, Any]) -> CurveResult:
    found = two_levels(dataset, choices["truth"], choices["event"], TRUTH)
    markers = [marker_of(dataset, name) for name in choices["markers"]]
    any_known = np.zeros(dataset.n_rows, dtype=np.bool_)
    for marker in markers:
        any_known |= marker.known
    n_used = int(np.count_nonzero(found.known & any_known))
    _enough(n_used, found, choices["markers"])
    truth_missing = dataset.n_rows - int(np.count_nonzero(found.known))
    curves = [evaluate_marker(marker, found, choices) for marker in markers]
    compared = compare_markers(markers, found, choices)
    return CurveResult(
        analysis="evaluate_roc", choices=choices, n_rows=dataset.n_rows, n_used=n_used,
        exclusions={
            TRUTH.missing: truth_missing,
            "all markers missing": dataset.n_rows - truth_missing - n_used,
        },
        notes=(*assumed_notes(found), *curve_notes(curves, choices), *compared.notes),
        references=(DELONG, *((YOUDEN,) if choices["youden"] else ())),
        method={
            "interval": choices["interval"], "ci_level": choices["ci_level"],
            "proportion_interval": choices["proportion_interval"], "truth": found.name,
            "event": found.yes, "other": found.no, "adjust": choices["adjust"],
        },
        curve="roc", groups=tuple(choices["markers"]), points=points_frame(curves),
        summary=summary_frame(curves, choices), chosen=chosen_frame(curves, choices),
        tests=compared.tests, pairwise=pairwise_frame(compared.pairs, choices["adjust"]),
        facts=_facts(curves),
    )  # fmt: skip


def _facts(curves: Sequence[MarkerCurve]) -> dict[str, Any]:
    return {
        "thresholds": {c.marker.name: c.n_thresholds for c in curves},
        "points": {c.marker.name: len(c.kept) for c in curves},
    }


def _enough(n_used: int, found: TwoLevels, markers: Sequence[str]) -> None:
    if n_used == 0:
        raise NotEstimable(
            f'No row has a value of "{found.name}" and of {quote_list(markers)}.',
            rule="complete rows", found="0",
            hint="Choose columns that were recorded in the same rows.",
        )  # fmt: skip


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check the choices of `evaluate_roc`; the columns named and the choices in full.

    `event` stays None when it was left out, so that the note about it is part of the result.
    """
    truth = str(choices["truth"])
    dataset.variable(truth)
    markers = column_names(choices["markers"], "markers")
    if not markers:
        raise BadInput(
            "No markers were chosen.", rule="markers", hint="Choose at least one column of numbers."
        )
    if len(markers) > MOST_MARKERS:
        raise BadInput(
            f"{len(markers)} markers were chosen; at most {MOST_MARKERS} can be compared.",
            rule="markers", found=str(len(markers)), hint="Choose fewer markers.",
        )  # fmt: skip
    for name in markers:
        check_marker(dataset, name, ordered=True, role="a marker")
        different_columns({"the reference standard": truth, "a marker": name})
    found = two_levels(dataset, truth, choices["event"], TRUTH)
    shares = {
        rule: shares_up_to_one(rule, choices[rule], f"The {what}")
        for rule, what in (("at_sensitivity", "sensitivity"), ("at_specificity", "specificity"))
    }
    complete = {
        "truth": truth,
        "markers": markers,
        "event": None if choices["event"] is None else found.yes,
        "direction": _directions(choices["direction"], markers),
        "youden": bool(choices["youden"]),
        **shares,
        "at_value": _values(choices["at_value"], markers),
        "interval": one_of("interval", choices["interval"], _INTERVALS),
        "proportion_interval": one_of(
            "proportion_interval", choices["proportion_interval"], ("wilson", "exact")
        ),
        "adjust": one_of("adjust", choices["adjust"], ADJUSTMENTS),
        "ci_level": confidence_level(choices["ci_level"]),
    }
    return (truth, *markers), complete


def _directions(asked: object, markers: Sequence[str]) -> dict[str, str]:
    """Marker -> direction. BadInput where a marker has none."""
    if not isinstance(asked, Mapping):
        return dict.fromkeys(markers, one_of("direction", asked, _DIRECTIONS))
    _known_markers("direction", asked, markers)
    for name in markers:
        if name not in asked:
            raise BadInput(
                f'No direction was chosen for "{name}".', column=name, rule="direction",
                hint='Choose "higher" or "lower"; Clinstat does not guess it.',
            )  # fmt: skip
    return {name: one_of("direction", asked[name], _DIRECTIONS) for name in markers}


def _known_markers(rule: str, asked: Mapping[Any, Any], markers: Sequence[str]) -> None:
    for name in asked:
        if name not in markers:
            raise BadInput(
                f'"{name}" has a choice of {rule} and is not among the markers.', column=str(name),
                rule=rule, hint="Add it to the markers, or leave the choice out.",
            )  # fmt: skip


def _values(asked: object, markers: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Marker -> thresholds asked for."""
    if asked is None:
        return {}
    if not isinstance(asked, Mapping):
        if len(markers) > 1:
            raise BadInput(
                "Thresholds were given without the marker that they belong to.", rule="at_value",
                found=str(asked), hint="Name the marker of each threshold.",
            )  # fmt: skip
        asked = {markers[0]: asked}
    _known_markers("at_value", asked, markers)
    return {str(name): _numbers(values) for name, values in asked.items()}


def _numbers(values: object) -> tuple[float, ...]:
    several = values if isinstance(values, (list, tuple)) else [values]
    numbers = [
        v for v in several
        if isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < float("inf")
    ]  # fmt: skip
    if len(numbers) != len(several):
        raise BadInput(
            "A threshold must be a number.", rule="at_value", found=str(values),
            hint="For example 4 or 2.5.",
        )  # fmt: skip
    return tuple(dict.fromkeys(float(v) for v in numbers))
