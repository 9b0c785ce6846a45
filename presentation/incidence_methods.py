"""The methods paragraph of cumulative incidence."""

from __future__ import annotations

from collections.abc import Mapping

from presentation.citations import Citations
from presentation.follow_up import event_words, time_title
from presentation.names import Names
from presentation.paragraphs import assembled, rows_sentence, software_sentence
from presentation.text import joined
from presentation.wording import ci_percent
from stats.result import CurveResult


def incidence_methods(result: CurveResult, names: Names, versions: Mapping[str, str]) -> str:
    """Estimate, intervals, comparison, rows and software, with references."""
    cite = Citations()
    paragraphs = [
        " ".join((*_estimate(result, names, cite), *_comparison(result, names, cite))),
        rows_sentence(result),
        software_sentence(versions, cite),
    ]
    cite.add(result.references)
    return assembled(paragraphs, cite)


def _estimate(result: CurveResult, names: Names, cite: Citations) -> list[str]:
    event = names.of(str(result.choices["event"]))
    causes = joined([str(cause) for cause in result.choices["causes"]])
    several = len(result.choices["causes"]) > 1
    out = tuple(str(level) for level in result.choices["censored"])
    censored = (
        f"Patients with {event_words(result, names, out)} were censored at that time."
        if out
        else "No patient was censored."
    )
    competing = ", each of which competes with the others" if several else ""
    ci = ci_percent(result.method, result.choices)
    first = (
        f"The cumulative incidence of {event} = {causes}{competing}, was estimated"
        if several
        else f"The cumulative incidence of {event} = {causes} was estimated"
    )
    return [
        (
            f"{first} by the Aalen–Johansen method{cite('aalen johansen')} on the time scale "
            f"{time_title(result, names)}. {censored}"
        ),
        (
            f"Pointwise {ci}% confidence intervals use Aalen's variance and the "
            f"{result.choices['interval']} transformation."
        ),
    ]


def _comparison(result: CurveResult, names: Names, cite: Citations) -> list[str]:
    if len(result.groups) < 2:
        return []
    strata = result.choices.get("strata")
    within = f", stratified by {names.of(strata)}" if strata else ""
    sentences = [
        (
            f"Groups of {names.of(result.choices['group'])} were compared with Gray's test"
            f"{cite('gray')}{within}."
        )
    ]
    if len(result.groups) > 2:
        adjusted = result.choices["pairwise"] == "holm"
        how = f"adjusted by Holm's method{cite('holm')}" if adjusted else "not adjusted"
        sentences.append(
            "Pairs of groups were compared with the same test; their p-values were "
            f"{how} for the number of pairs."
        )
    sentences.append("P-values are two-sided.")
    return sentences
