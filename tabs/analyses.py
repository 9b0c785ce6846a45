"""Every tab of analyses, in the order of a manuscript."""

from __future__ import annotations

from tabs.cohort import TABLE_ONE
from tabs.compare import CORRELATION, GROUPS, STRATA, TWO_BY_TWO
from tabs.diagnosis import ROC, TEST
from tabs.outcome import BINARY, COUNTS, COX, LINEAR, VALIDATE
from tabs.several import AnalysisTab
from tabs.survival import INCIDENCE, SURVIVAL

TABS: tuple[AnalysisTab, ...] = (
    AnalysisTab("table1", "Table 1", {"cohort": ("Table 1", TABLE_ONE)}),
    AnalysisTab(
        "compare", "Compare",
        {
            "groups": ("Groups", GROUPS), "correlation": ("Correlations", CORRELATION),
            "two_by_two": ("Two by two", TWO_BY_TWO), "strata": ("Strata", STRATA),
        },
    ),
    AnalysisTab(
        "outcome", "Outcome",
        {
            "outcome": ("Two values", BINARY), "linear": ("A number", LINEAR),
            "counts": ("A count", COUNTS),
            "cox": ("Time to an event", COX), "validate": ("Validate", VALIDATE),
        },
    ),
    AnalysisTab(
        "survival", "Survival",
        {"curves": ("One event", SURVIVAL), "incidence": ("Competing events", INCIDENCE)},
    ),
    AnalysisTab("diagnosis", "Diagnosis", {"test": ("Test", TEST), "roc": ("Marker", ROC)}),
)  # fmt: skip
