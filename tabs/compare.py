"""Tab Compare: groups on one variable, correlations, tables of two by two."""

from __future__ import annotations

from tabs.form import Fold, Form, ManyColumns, OneColumn, OneLevel, OneOf, Switch
from tabs.model_fields import CI_LEVEL, seed

_TESTS = {
    "auto": "By kind of variable, number of groups and pairing", "welch": "Welch's t",
    "student": "Student's t", "mann-whitney": "Mann–Whitney", "paired-t": "Paired t",
    "wilcoxon": "Wilcoxon signed rank", "welch-anova": "Welch's analysis of variance",
    "anova": "Analysis of variance", "kruskal-wallis": "Kruskal–Wallis", "friedman": "Friedman",
    "chi-square": "Chi-square", "fisher": "Fisher's exact", "mcnemar": "McNemar",
    "cochran-q": "Cochran's Q",
}  # fmt: skip
ADJUST = OneOf(
    "adjust", "Adjust p-values over the pairs",
    {"holm": "Holm", "bonferroni": "Bonferroni", "bh": "Benjamini–Hochberg", "none": "Not at all"},
)  # fmt: skip

GROUPS = Form(
    analysis="compare_groups",
    title="Compare groups",
    empty_title="One variable between groups",
    empty_hint="Choose what is compared and the groups, then run the analysis.",
    fields=(
        OneColumn("value", "Variable", of_kind="predictor"),
        OneColumn("group", "Groups", of_kind="factor"),
        OneColumn("paired_by", "Same subjects in all groups (optional)", of_kind="any",
                  none="No: different subjects",
                  hint="The column that tells subjects apart."),
        OneLevel("event", "Event, for a variable of two levels", of="value",
                 none="Not needed"),
        Fold("Test", (
            OneOf("test", "Test", _TESTS),
            OneOf("posthoc", "Pairs of groups", {
                "auto": "The one that goes with the test", "tukey-kramer": "Tukey–Kramer",
                "games-howell": "Games–Howell", "dunn": "Dunn", "none": "None",
            }),
            OneOf("adjustment", "Adjust p-values of pairs", {
                "holm": "Holm", "bonferroni": "Bonferroni", "bh": "Benjamini–Hochberg",
                "none": "Not at all",
            }),
            OneOf("exact", "p-values of rank tests", {
                "auto": "As R decides", "exact": "Exact", "normal": "Normal approximation",
            }),
            Switch("yates", "Continuity correction of a 2 × 2 chi-square"),
        )),
        Fold("More options", (CI_LEVEL, seed("simulated exact p-values"))),
    ),
)  # fmt: skip

CORRELATION = Form(
    analysis="correlate",
    title="Correlations",
    empty_title="Every pair of variables",
    empty_hint="Choose two or more variables, then run the analysis.",
    fields=(
        ManyColumns("variables", "Variables", of_kind="ranked", least=2, ticked_up_to=0),
        OneOf("method", "Coefficient", {
            "pearson": "Pearson", "spearman": "Spearman", "kendall": "Kendall's tau-b",
        }),
        Fold("Partial correlation", (
            ManyColumns("given", "Hold constant", of_kind="numeric", without=("variables",),
                        least=0, ticked_up_to=0),
        )),
        Fold("More options", (
            OneOf("missing", "Rows", {
                "pairwise": "Each pair on the rows that know it",
                "complete": "Only rows that know all variables",
            }),
            ADJUST, CI_LEVEL,
        )),
    ),
    finish=lambda choices: {**choices, "given": choices.get("given") or None},
)  # fmt: skip


TWO_BY_TWO = Form(
    analysis="two_by_two",
    title="Two by two",
    empty_title="Risk ratio, risk difference, odds ratio, number needed",
    empty_hint="Choose exposure and outcome, and the levels that count.",
    fields=(
        OneColumn("exposure", "Exposure", of_kind="two levels"),
        OneLevel("exposed", "Exposed", of="exposure"),
        OneColumn("outcome", "Outcome", of_kind="two levels"),
        OneLevel("event", "Event", of="outcome"),
        Fold("More options", (CI_LEVEL,)),
    ),
)  # fmt: skip

STRATA = Form(
    analysis="stratify",
    title="Stratified (Mantel–Haenszel)",
    empty_title="Within strata, and pooled over them",
    empty_hint="Choose exposure, outcome and the strata.",
    fields=(
        OneColumn("exposure", "Exposure", of_kind="two levels"),
        OneLevel("exposed", "Exposed", of="exposure"),
        OneColumn("outcome", "Outcome", of_kind="two levels"),
        OneLevel("event", "Event", of="outcome"),
        OneColumn("stratum", "Strata", of_kind="factor"),
        Fold("More options", (
            Switch("continuity", "Continuity correction of the Cochran–Mantel–Haenszel test"),
            Switch("tarone", "Tarone's correction of the Breslow–Day test", default=True),
            CI_LEVEL,
        )),
    ),
)  # fmt: skip
