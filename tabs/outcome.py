"""Tab Outcome: what goes along with an outcome, of whatever kind it is."""

from __future__ import annotations

from tabs.form import Fold, Form, OneColumn, OneLevel, OneOf, References, Switch, Units
from tabs.form.fields import ManyColumns
from tabs.model_fields import (
    CI_LEVEL,
    CLUSTER,
    INTERVAL,
    METHOD,
    adjustment,
    curves,
    predictors,
    seed,
    units,
    with_adjustment,
    with_curves,
)

BINARY = Form(
    analysis="analyze_outcome",
    title="Outcome model",
    empty_title="Crude and adjusted odds ratios",
    empty_hint="Choose the outcome, its event and the predictors, then run the analysis.",
    fields=(
        OneColumn("outcome", "Outcome", of_kind="two levels"),
        OneLevel("event", "Event", of="outcome"),
        *predictors("outcome"),
        adjustment(by_data=True),
        units("odds ratios"),
        curves(),
        Fold("Risks and subgroups", (
            Switch("risk_measures", "Risk ratios and risk differences beside the odds ratios"),
            ManyColumns(
                "subgroups", "Effect of the exposure within the levels of", of_kind="factor",
                among="predictors", least=0, ticked_up_to=0,
                hint="Needs an exposure. Each gets a test of interaction.",
            ),
        )),
        Fold("More options", (
            CLUSTER, METHOD, INTERVAL, CI_LEVEL,
            Switch("hosmer_lemeshow", "Hosmer–Lemeshow test"),
            seed("simulated exact p-values"),
        )),
    ),
    finish=with_curves,
)  # fmt: skip

_ROBUST = {
    "": "Classical", "HC3": "Robust (HC3)", "HC2": "Robust (HC2)", "HC1": "Robust (HC1)",
    "HC0": "Robust (HC0)",
}  # fmt: skip

LINEAR = Form(
    analysis="fit_linear",
    title="Linear model",
    empty_title="Crude and adjusted mean differences",
    empty_hint="Choose an outcome that is a number, and the predictors.",
    fields=(
        OneColumn("outcome", "Outcome", of_kind="numeric"),
        *predictors("outcome"),
        adjustment(),
        units("mean differences"),
        Fold("More options", (
            CLUSTER,
            OneOf("robust", "Standard errors", _ROBUST),
            CI_LEVEL,
        )),
    ),
    finish=with_adjustment,
)  # fmt: skip

COUNTS = Form(
    analysis="fit_counts",
    title="Model of counts",
    empty_title="Crude and adjusted rate ratios",
    empty_hint="Choose an outcome that counts events, the time at risk and the predictors.",
    fields=(
        OneColumn("outcome", "Outcome (a count)", of_kind="numeric"),
        OneColumn("person_time", "Time or persons at risk (optional)", of_kind="numeric",
                  none="The same for every row"),
        *predictors("outcome", "person_time"),
        adjustment(),
        units("rate ratios"),
        Fold("More options", (
            OneOf("family", "Distribution",
                  {"poisson": "Poisson", "negative_binomial": "Negative binomial (NB2)"}),
            CLUSTER,
            OneOf("robust", "Standard errors", {
                "": "Of the model", "HC1": "Robust (HC1)", "HC0": "Robust (HC0)",
                "quasi": "Scaled by the dispersion (quasi-Poisson)",
            }),
            INTERVAL,
            OneOf("information", "Information of the negative binomial", {
                "observed": "Observed (Stata)", "expected": "Expected (R's glm.nb)",
            }),
            CI_LEVEL,
        )),
    ),
    finish=with_adjustment,
)  # fmt: skip

COX = Form(
    analysis="fit_cox",
    title="Cox model",
    empty_title="Crude and adjusted hazard ratios",
    empty_hint="Choose the follow-up time, how follow-up ended, the event and the predictors.",
    fields=(
        OneColumn("time", "Follow-up time", of_kind="numeric"),
        OneColumn("event", "Status at the end", of_kind="factor"),
        OneLevel("event_level", "Event", of="event"),
        *predictors("time", "event"),
        adjustment(),
        units("hazard ratios"),
        Fold("Strata, late entry, clusters", (
            OneColumn("strata", "Strata (optional)", of_kind="factor", none="None",
                      hint="Each stratum has a baseline hazard of its own."),
            OneColumn("entry", "Time of entry (optional)", of_kind="numeric", none="From time 0"),
            CLUSTER,
        )),
        Fold("More options", (
            METHOD,
            OneOf("ties", "Ties", {"efron": "Efron", "breslow": "Breslow"}),
            INTERVAL,
            OneOf("zph_transform", "Time in the test of proportional hazards", {
                "km": "Kaplan–Meier", "rank": "Rank", "identity": "As it is", "log": "Logarithm",
            }),
            CI_LEVEL,
        )),
    ),
    finish=with_adjustment,
)  # fmt: skip

VALIDATE = Form(
    analysis="validate_outcome_model",
    title="Validate a model of an outcome with two values",
    empty_title="How well would this model predict for new patients?",
    empty_hint=(
        "Choose outcome, event and predictors as in the model. The whole procedure, with a "
        "selection by the data where there is one, is repeated in resamples of the patients, and "
        "the optimism is subtracted."
    ),
    fields=(
        OneColumn("outcome", "Outcome", of_kind="two levels"),
        OneLevel("event", "Event", of="outcome"),
        ManyColumns("predictors", "Predictors", without=("outcome",), least=0),
        References("references", "Reference levels", of=("predictors",)),
        adjustment(by_data=True, crude=False),
        OneOf("quality", "Precision", {
            "preview": "Preview: a first look",
            "standard": "Standard",
            "publication": "Publication: smallest Monte Carlo error",
        }, as_buttons=True),
        Fold("More options", (
            METHOD, Units("scale", "Units", of="predictors"), seed("the resamples"),
        )),
    ),
    finish=with_adjustment,
)  # fmt: skip
