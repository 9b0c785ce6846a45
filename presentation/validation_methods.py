"""The methods paragraph of an internal validation."""

from __future__ import annotations

from collections.abc import Mapping

from presentation import numbers
from presentation.citations import Citations
from presentation.extra_methods import selection_words
from presentation.names import Names
from presentation.paragraphs import assembled, rows_sentence, software_sentence
from presentation.text import joined
from presentation.wording import ci_percent, is_firth
from stats.result import ValidationResult

_TARGETS: Mapping[str, str] = {
    "c_statistic": "the C-statistic",
    "calibration_slope": "calibration slope and intercepts",
    "brier": "the Brier score",
    "calibration_curve": "the calibration curve",
    "net_benefit": "net benefit",
}


def validation_methods(result: ValidationResult, names: Names, versions: Mapping[str, str]) -> str:
    """What was validated, what was resampled, how often, and what the measures are."""
    cite = Citations()
    paragraphs = [
        " ".join(_procedure(result, names, cite)),
        " ".join(_effort(result)),
        " ".join(_measures(result, cite)),
        rows_sentence(result),
        software_sentence(versions, cite),
    ]
    cite.add(result.references)
    return assembled(paragraphs, cite)


def _procedure(result: ValidationResult, names: Names, cite: Citations) -> list[str]:
    adjust = result.choices.get("adjust", "all")
    words = selection_words(adjust)
    listed = adjust if isinstance(adjust, tuple) else result.choices["predictors"]
    outcome = names.of(result.outcome)
    event = f"{outcome} = {result.event} (against {result.other})"
    model = str(result.method.get("model") or "logistic regression")
    holds = joined([names.of(str(name)) for name in listed])
    chosen = f", its predictors selected by the data ({words}) from {holds}," if words else (
        f" of {holds}"
    )  # fmt: skip
    cited = cite("optimism")  # numbered in order of use
    repeated = ["the selection of predictors"] if words else []
    repeated.append(f"estimation by {_estimator(result, cite)}")
    subject = (
        f"The adjusted {model}{chosen} for {event} was validated internally by the bootstrap "
        f"with Harrell's correction for optimism{cited}."
    )
    resampled = (
        f"Each resample drew as many of the {result.n_used} rows with replacement; the whole "
        f"procedure ({joined(repeated)}) was repeated in it, and the model so made was judged on "
        "the resample and on the original rows."
    )
    corrected = "The mean difference, the optimism, was subtracted from the apparent performance."
    if not words:
        return [subject, resampled, corrected]
    held = joined([names.of(str(name)) for name in result.facts["selected"]])
    same, usable = (
        numbers.count(result.facts[key]) for key in ("same_selection_resamples", "usable_resamples")
    )
    stable = (
        f"The selected model holds {held}; {same} of {usable} resamples selected the same "
        "predictors. Selection and resampling used the rows complete in all candidates."
    )
    return [subject, resampled, stable, corrected]


def _estimator(result: ValidationResult, cite: Citations) -> str:
    facts = result.facts
    if is_firth(facts.get("method")):
        return f"Firth's penalised likelihood{cite('firth')}"
    if facts.get("method") == "auto" and (
        is_firth(facts.get("estimator")) or facts.get("firth_resamples")
    ):
        return (
            "maximum likelihood, with Firth's penalty where predictors separate the outcome"
            f"{cite('firth', 'separation')}"
        )
    return "maximum likelihood"


def _effort(result: ValidationResult) -> list[str]:
    """Tier, number of resamples, early stop, targets, seed."""
    facts = result.facts
    count = numbers.count(facts["resamples"])
    if not facts.get("finished", True):
        said = f"The validation was stopped after {count} resamples, before it was complete."
    elif facts["target_reached"]:
        said = (
            f"Resamples were drawn in batches until the Monte Carlo standard errors were below "
            f'their targets (quality "{facts["quality"]}": at least {facts["least_resamples"]} and '
            f"at most {facts['most_resamples']} resamples), which was so after {count}."
        )
    else:
        said = (
            f"Resamples were drawn in batches up to {count}, the most of the quality "
            f'"{facts["quality"]}"; the largest Monte Carlo standard error was then '
            f"{numbers.number(facts['share_of_target'], 1)} times its target."
        )
    targets = facts.get("targets") or {}
    listed = [f"{targets[key]:g} for {words}" for key, words in _TARGETS.items() if key in targets]
    sentences = [said]
    if listed:
        sentences.append(f"The targets were {joined(listed)}.")
    lost = facts["resamples"] - facts["usable_resamples"]
    if lost:
        sentences.append(f"In {lost} resamples no model could be estimated; they were left out.")
    if facts.get("firth_resamples"):
        sentences.append(f"Firth's penalty was used in {facts['firth_resamples']} resamples.")
    sentences.append(f"The seed of the random numbers was {facts['seed']}.")
    return sentences


def _measures(result: ValidationResult, cite: Citations) -> list[str]:
    ci = ci_percent(result.facts)
    knots = len(result.facts.get("knots") or ())
    spline = f"a restricted cubic spline ({knots} knots)" if knots else "a straight line"
    measured = (
        "Discrimination is described by the C-statistic, calibration by slope and intercept of a "
        "logistic regression of the outcome on the linear predictor (one intercept with the slope "
        "held at 1, one beside the slope), overall accuracy by the Brier score."
    )
    curve = (
        f"The calibration curve is a logistic regression on {spline} of the linear predictor"
        f"{cite('calibration hierarchy')}."
    )
    useful = (
        f"Clinical usefulness is described by net benefit over threshold risks"
        f"{cite('decision curve')}; a predicted risk equal to the threshold counts as treated."
    )
    known = any(numbers.known(low) for low in result.table("measures").column("low").tolist())
    if not known:
        return [measured, curve, useful]
    intervals = (
        f"{ci}% intervals of corrected values are bootstrap percentiles moved to the corrected "
        f"value{cite('shifted percentiles')}; they are pointwise for curves."
    )
    return [measured, curve, useful, intervals]
