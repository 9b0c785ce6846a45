"""The methods paragraph of Kaplan-Meier estimates."""

from __future__ import annotations

from collections.abc import Mapping

from presentation.citations import Citations
from presentation.follow_up import event_words, time_text, time_title
from presentation.names import Names
from presentation.paragraphs import assembled, rows_sentence, software_sentence
from presentation.wording import ci_percent
from stats.result import CurveResult

_TESTS = {
    "log-rank": ("the log-rank test", "log rank"),
    "Gehan-Breslow": ("the Gehan–Breslow test (weights: the number at risk)", "gehan breslow"),
    "Tarone-Ware": (
        "the Tarone–Ware test (weights: the square root of the number at risk)", "tarone ware",
    ),
    "Fleming-Harrington": ("the Fleming–Harrington test", "fleming harrington"),
}  # fmt: skip


def survival_methods(result: CurveResult, names: Names, versions: Mapping[str, str]) -> str:
    """Estimate, intervals, comparison, restricted mean, rows and software, with references."""
    cite = Citations()
    paragraphs = [
        " ".join(_estimate(result, names, cite)),
        " ".join(_comparison(result, names, cite)),
        rows_sentence(result),
        software_sentence(versions, cite),
    ]
    cite.add(result.references)
    return assembled(paragraphs, cite)


def _estimate(result: CurveResult, names: Names, cite: Citations) -> list[str]:
    choices = result.choices
    ci = ci_percent(result.method, choices)
    event = event_words(result, names, result.method["event"])
    sentences = [
        (
            f"Survival was estimated by the Kaplan–Meier method{cite('kaplan meier')}. The time "
            f"scale was {time_title(result, names)}; the event was {event}, and all other patients "
            "were censored at their last time."
        )
    ]
    if choices.get("entry"):
        sentences.append(
            f"Patients were at risk from {names.of(choices['entry'])} on (left truncation)."
        )
    rule = "middle" if choices["median_rule"] == "midpoint" else "beginning"
    limits = (
        f"Pointwise {ci}% confidence intervals use Greenwood's variance and the "
        f"{choices['interval']} transformation; limits of medians and quartiles are the times "
        f"at which these intervals reach the level{cite('brookmeyer crowley')}. Where survival "
        f"stayed exactly at a level, the {rule} of that time was taken."
    )
    length = (
        "Median follow-up was estimated by the reverse Kaplan–Meier method"
        f"{cite('reverse kaplan meier')}."
    )
    sentences += [limits, length]
    return sentences


def _comparison(result: CurveResult, names: Names, cite: Citations) -> list[str]:
    tau = time_text(result, names, float(result.facts["tau"]))
    why = "as chosen" if result.choices["tau"] else "the earliest of the last times of the groups"
    if not result.groups or len(result.groups) < 2:
        last = why if result.choices["tau"] else "the last time"
        area = f"Restricted mean survival time{cite('restricted mean')} is the area under the curve"
        return [f"{area} up to {tau} ({last})."]
    words, paper = _TESTS[str(result.method["test"])]
    rho = result.method.get("rho")
    if rho is not None:
        words += f" (weights: survival just before the event to the power {rho:g})"
    strata = result.choices.get("strata")
    within = f", stratified by {names.of(strata)}" if strata else ""
    sentences = [
        (
            f"Groups of {names.of(result.choices['group'])} were compared with {words}"
            f"{cite(paper)}{within}."
        )
    ]
    if len(result.groups) > 2:
        adjusted = result.choices["pairwise"] == "holm"
        how = f"adjusted by Holm's method{cite('holm')}" if adjusted else "not adjusted"
        sentences.append(
            "Pairs of groups were compared with the same test; their p-values were "
            f"{how} for the number of pairs."
        )
    sentences.append(
        f"Restricted mean survival times{cite('restricted mean')} up to {tau} ({why}) were "
        "compared by differences, and by ratios on the log scale, with normal intervals and "
        "tests. P-values are two-sided."
    )
    return sentences
