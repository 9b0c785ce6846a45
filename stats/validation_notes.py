"""What a validated model says about its validation, in the words of a careful reviewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from stats.result import Note
from stats.selection import selection_words
from stats.terms import BinaryOutcome

_COMPLETE_SHARE = 0.80
_EVENTS_PER_PARAMETER = 10.0
_CURVE_EVENTS = 200  # of both outcomes; Van Calster et al. 2016, doi:10.1016/j.jclinepi.2015.12.005


def notes_on_sample(used: int, outcome: BinaryOutcome, facts: Mapping[str, Any]) -> list[Note]:
    """Cautions on the `used` rows that the model was made and validated with."""
    notes: list[Note] = []
    known, rarer = int(outcome.known.sum()), facts["rarer_outcome"]
    if used < _COMPLETE_SHARE * known:
        text = (
            f"The model and its validation use {used:,} of {known:,} rows "
            f"({100 * used / known:.0f} %) because the others lack a predictor. Leave out the "
            "predictor that lacks most."
        )
        notes.append(Note("complete_cases", "caution", text))
    share = rarer / max(facts["candidate_parameters"], 1)
    if share < _EVENTS_PER_PARAMETER:
        of_all = "candidates have" if facts["candidates"] else "model has"
        text = (
            f"The {of_all} {share:.1f} rows with the rarer outcome per parameter; with so few "
            "the model overfits, and the estimate of its optimism is itself uncertain. Use fewer "
            "predictors, or validate it on other patients."
        )
        notes.append(Note("events_per_parameter", "caution", text))
    if rarer < _CURVE_EVENTS:
        text = (
            f"The calibration curve rests on {rarer:,} rows with the rarer outcome; below "
            f"{_CURVE_EVENTS} its shape is imprecise. Read it together with its band."
        )
        notes.append(Note("curve_events", "info", text))
    return notes


def notes_on_selection(adjust: object, facts: Mapping[str, Any]) -> list[Note]:
    """That the data chose the predictors, how stable their choice is, and what it rests on."""
    if not facts["candidates"]:
        return []
    total, same = facts["usable_resamples"], facts["same_selection_resamples"]
    text = (
        f"The data chose {len(facts['selected'])} of {len(facts['candidates'])} predictors "
        f"({selection_words(adjust)}); the choice was repeated in every resample, on rows complete "
        f"in all of them. {same:,} of {total:,} resamples chose the same set. Name the adjustment "
        "set beforehand where you can."
    )
    notes = [Note("selection_repeated", "caution", text)]
    if facts["empty_resamples"]:
        text = (
            f"In {facts['empty_resamples']:,} of {total:,} resamples no predictor passed the "
            "selection; the model there is one risk for all, without a calibration line."
        )
        notes.append(Note("empty_resamples", "info", text))
    return notes


def notes_on_resamples(facts: Mapping[str, Any]) -> list[Note]:
    """What happened in resamples that could not be fitted like the others."""
    total = facts["resamples"]
    notes: list[Note] = []
    if facts["firth_resamples"] and facts["method"] == "auto":
        text = (
            f"In {facts['firth_resamples']:,} of {total:,} resamples the predictors separate the "
            "outcome; the model was fitted there with Firth's penalty, as it would be on such "
            "data. Join rare levels to avoid this."
        )
        notes.append(Note("firth_resamples", "info", text))
    if facts["separated_resamples"] and facts["method"] != "likelihood":
        text = (
            f"In {facts['separated_resamples']:,} of {total:,} resamples the candidates separate "
            "the outcome, so that there is no model of all of them to eliminate from; they were "
            "left out, which makes the result too favourable. Join rare levels, or name the "
            "adjustment set."
        )
        notes.append(Note("separated_resamples", "warning", text))
    elif facts["separated_resamples"]:
        text = (
            f"In {facts['separated_resamples']:,} of {total:,} resamples the predictors separate "
            "the outcome, so that maximum likelihood has no estimates; they were left out, which "
            'makes the result too favourable. Choose the method "auto" or "firth".'
        )
        notes.append(Note("separated_resamples", "warning", text))
    if facts["no_model_resamples"]:
        text = (
            f"In {facts['no_model_resamples']:,} of {total:,} resamples no model could be fitted "
            "(one outcome only, or predictors without differences); they were left out. The data "
            "are too few for a trustworthy validation; use fewer predictors."
        )
        notes.append(Note("no_model_resamples", "caution", text))
    if facts["reduced_resamples"]:
        text = (
            f"In {facts['reduced_resamples']:,} of {total:,} resamples a rare level was not drawn "
            "or a predictor repeated others; its coefficient was 0 there. Join rare levels to "
            "avoid this."
        )
        notes.append(Note("reduced_resamples", "info", text))
    return notes


def notes_on_error(
    facts: Mapping[str, Any], measures: Mapping[str, Any], *, final: bool
) -> list[Note]:
    """Whether the Monte Carlo error is small enough, and measures that some resamples lack."""
    notes: list[Note] = []
    if final and not facts["target_reached"]:
        remedy = (
            "Read the last digits with care."
            if facts["quality"] == "publication"
            else 'Choose the quality "publication" for more resamples.'
        )
        text = (
            f"After {facts['resamples']:,} resamples, the most that this quality takes, the "
            f"largest Monte Carlo error is {facts['share_of_target']:.1f} times its target. "
            f"{remedy}"
        )
        notes.append(Note("target_not_reached", "caution", text))
    lost = np.asarray(measures["resamples"]) < facts["usable_resamples"]
    lacking = lost & ~np.isnan(np.asarray(measures["apparent"]))
    if lacking.any():
        fewest = int(np.asarray(measures["resamples"])[lacking].min())
        text = (
            "A calibration line does not exist where a model tells the outcomes apart without "
            "error or predicts the same risk for all, as in some resamples; its optimism rests "
            f"on {fewest:,} of {facts['usable_resamples']:,} resamples. Use fewer predictors."
        )
        notes.append(Note("no_calibration_line", "caution", text))
    if np.isnan(np.asarray(measures["apparent"])).any():
        text = (
            "The model tells the outcomes apart without error, or predicts the same risk for "
            "all, so no calibration line exists. Validate it on other patients."
        )
        notes.append(Note("no_calibration", "caution", text))
    return notes


def note_on_penalty() -> Note:
    """Firth's penalty changes predicted risks, not only coefficients."""
    text = (
        "Firth's penalty moves predicted risks towards one half, which the calibration "
        "intercept shows. Recalibrate the intercept before the model is used to predict."
    )
    return Note("firth_predictions", "info", text)
