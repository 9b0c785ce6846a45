"""Tab Survival: time until an event, alone or with others that compete with it."""

from __future__ import annotations

from tabs.form import Fold, Form, ManyLevels, OneColumn, OneLevel, OneOf, Words
from tabs.model_fields import CI_LEVEL
from tabs.typed import numbers_of, optional_number

_TIMES = (
    Words("times", "Give survival at these times", read=numbers_of, placeholder="365 730 1825"),
    Words("risk_times", "Numbers at risk at these times", read=numbers_of,
          placeholder="Round times, chosen by the axis"),
)  # fmt: skip
_LIMITS = OneOf(
    "interval", "Confidence limits",
    {"log-log": "Log-log", "log": "Log (R's default)", "plain": "Plain"},
)  # fmt: skip
_PAIRWISE = OneOf(
    "pairwise", "Adjust p-values of pairs", {"holm": "Holm", "none": "Not at all"}
)  # fmt: skip

SURVIVAL = Form(
    analysis="estimate_survival",
    title="Survival",
    empty_title="Kaplan–Meier curves with numbers at risk",
    empty_hint="Choose the follow-up time, how follow-up ended and the event.",
    fields=(
        OneColumn("time", "Follow-up time", of_kind="numeric"),
        OneColumn("event", "Status at the end", of_kind="factor"),
        OneLevel("event_level", "Event", of="event"),
        OneColumn("group", "Groups (optional)", of_kind="factor", none="All patients together"),
        Fold("Times", (
            *_TIMES,
            Words("tau", "Horizon of the restricted mean", read=optional_number,
                  placeholder="The earliest last time of the groups"),
        )),
        Fold("Test", (
            OneOf("weights", "Weights", {
                "logrank": "Log-rank", "gehan-breslow": "Gehan–Breslow (early differences)",
                "tarone-ware": "Tarone–Ware", "fleming-harrington": "Fleming–Harrington",
            }),
            Words("rho", "Power rho", read=optional_number, placeholder="1",
                  when=("weights", "fleming-harrington")),
            OneColumn("strata", "Test within strata (optional)", of_kind="factor", none="None"),
            _PAIRWISE,
        )),
        Fold("More options", (
            OneColumn("entry", "Time of entry (optional)", of_kind="numeric", none="From time 0"),
            _LIMITS,
            OneOf("median_rule", "Median where the curve is flat at one half", {
                "midpoint": "Middle of the flat part (R)", "first": "Its beginning",
            }),
            CI_LEVEL,
        )),
    ),
)  # fmt: skip

INCIDENCE = Form(
    analysis="estimate_incidence",
    title="Competing events",
    empty_title="Cumulative incidence of each cause",
    empty_hint="Choose the follow-up time, how follow-up ended and the causes.",
    fields=(
        OneColumn("time", "Follow-up time", of_kind="numeric"),
        OneColumn("event", "Status at the end", of_kind="factor"),
        ManyLevels("causes", "Causes (all other levels are censored)", of="event"),
        OneColumn("group", "Groups (optional)", of_kind="factor", none="All patients together"),
        Fold("Times", _TIMES),
        Fold("More options", (
            OneColumn("strata", "Test within strata (optional)", of_kind="factor", none="None"),
            _PAIRWISE, _LIMITS, CI_LEVEL,
        )),
    ),
)  # fmt: skip
