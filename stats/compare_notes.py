"""What the reader of a comparison has to be told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from stats.compare_choice import Choice, occurring_levels
from stats.compare_effects import Sized
from stats.compare_tests import Evidence
from stats.grouped import constant
from stats.normality import MOST_VALUES
from stats.result import Note
from stats.tested import Tested
from stats.variables import quote_list

_SKEWED: Final = 1.0
_SMALL: Final = 30
_MEANS: Final = frozenset({"welch", "student", "welch-anova", "anova", "paired-t"})


def notes_on_comparison(
    evidence: Evidence, choice: Choice, tests: Sequence[Tested], effects: Sequence[Sized],
    facts: Mapping[str, Any],
) -> list[Note]:  # fmt: skip
    """Notes on rows, groups, the chosen test and what could not be computed."""
    notes = [*_on_rows(evidence), *_on_groups(evidence)]
    if evidence.compared.n_groups < 2:
        return notes
    notes += _on_values(evidence)
    chosen = tests[0]
    if not chosen.done and not any(n.code == "constant" for n in notes):
        notes.append(_no_test(evidence))
    notes += _on_shape(evidence, choice, facts)
    if choice.test == "wilcoxon" and evidence.compared.kind == "ordered":
        notes.append(_equal_steps(evidence.compared.name))
    notes += _on_event(evidence)
    if chosen.mc_error > 0:
        text = (
            f"The exact p-value was simulated (standard error {chosen.mc_error:.2g}), because the "
            "tables are too many to list. Another seed gives a slightly different value."
        )
        notes.append(Note("simulated", "info", text, evidence.compared.name))
    return notes + _on_effects(evidence, effects)


def _on_rows(evidence: Evidence) -> list[Note]:
    compared = evidence.compared
    lost = {reason: n for reason, n in compared.exclusions.items() if n}
    if not lost:
        return []
    listed = ", ".join(f"{reason} in {n:,}" for reason, n in lost.items())
    text = (
        f"{sum(lost.values()):,} of {compared.n_rows:,} rows are left out ({listed}). Fill in what "
        "is missing if it is known."
    )
    return [Note("rows_left_out", "info", text, compared.name)]


def _on_groups(evidence: Evidence) -> list[Note]:
    groups, name = evidence.compared.groups, evidence.compared.name
    notes: list[Note] = []
    if groups.empty:
        text = (
            f'No row with a value of "{name}" has "{groups.name}" = {quote_list(groups.empty)}, so '
            "it is not compared. Nothing has to be done if that is expected."
        )
        notes.append(Note("empty_group", "info", text, groups.name))
    if len(groups.levels) < 2:
        only = "".join(groups.levels)
        text = (
            f'All rows with a value of "{name}" have "{groups.name}" = "{only}", so '
            "there is nothing to compare with. Choose a column with two or more values."
        )
        notes.append(Note("one_group", "warning", text, groups.name))
    return notes


def _on_values(evidence: Evidence) -> list[Note]:
    compared, name = evidence.compared, evidence.compared.name
    values = np.asarray(compared.term.values, dtype=np.float64)
    if compared.kind != "number":
        same = occurring_levels(compared) < 2
    else:
        known = values[~np.isnan(values) & (compared.groups.codes >= 0)]
        same = constant(known)
        if not same and bool(np.isin(known, (0.0, 1.0)).all()):
            text = (
                f'"{name}" is used as a number although it holds 0 and 1 only. Declare it binary '
                "to compare percentages."
            )
            return [Note("zero_one_continuous", "info", text, name)]
    if not same:
        return []
    text = (
        f'"{name}" has the same value in all {compared.n_used:,} rows, so groups cannot differ in '
        "it. Choose another variable."
    )
    return [Note("constant", "warning", text, name)]


def _no_test(evidence: Evidence) -> Note:
    compared = evidence.compared
    if compared.paired:
        text = (
            f'"{compared.name}" does not change between the occasions in enough subjects, or '
            "changes by the same amount in all, so no test can be made. Read the differences "
            "themselves."
        )
    else:
        text = (
            f'A group has too few values of "{compared.name}", or no variation in it, so no test '
            "can be made. Join small groups, or compare ranks."
        )
    return Note("no_test", "warning", text, compared.name)


def _equal_steps(name: str) -> Note:
    text = (
        f'The test ranks how many levels of "{name}" each subject moved, as if all steps were '
        "equal. If they are not, choose Bowker's test."
    )
    return Note("equal_steps", "info", text, name)


def _on_shape(evidence: Evidence, choice: Choice, facts: Mapping[str, Any]) -> list[Note]:
    """Skewed small groups compared by means; groups too large for Shapiro and Wilk's test."""
    name = evidence.compared.name
    notes: list[Note] = []
    skewness: Mapping[str, float] = facts.get("skewness", {})
    if choice.test in _MEANS:
        sizes = {
            level: len(part)
            for level, part in zip(evidence.compared.groups.levels, evidence.parts, strict=True)
        }
        smallest = min(sizes.values(), default=0)
        skewed = [
            g for g, s in skewness.items() if abs(s) > _SKEWED and sizes.get(g, smallest) < _SMALL
        ]
        if skewed:
            ranks = "Wilcoxon" if evidence.compared.paired else "Mann-Whitney or Kruskal-Wallis"
            text = (
                f'"{name}" is skewed where there are fewer than {_SMALL} values '
                f"({quote_list(skewed)}), so means are unreliable. Look at the figure; the {ranks} "
                "test compares ranks instead."
            )
            notes.append(Note("skewed_small_group", "caution", text, name))
    large = facts.get("normality_not_checked", ())
    if large:
        text = (
            f"Normality is not tested in groups of more than {MOST_VALUES:,} values "
            f"({quote_list(large)}), where the test is not defined and every trifle would be "
            "significant. Look at the figure instead."
        )
        notes.append(Note("normality_not_tested", "info", text, name))
    return notes


def _on_event(evidence: Evidence) -> list[Note]:
    """Two levels without a chosen event, or with one that was understood."""
    compared, choices = evidence.compared, evidence.choices
    if compared.kind == "number" or occurring_levels(compared) != 2:
        return []
    if compared.n_groups > 2 and not compared.paired:
        return []
    if choices["event"] is None and evidence.event is None:
        text = (
            f'No event was chosen among the levels of "{compared.name}", so no difference of risks '
            "is given. Choose the event to get it."
        )
        return [Note("event_not_chosen", "info", text, compared.name)]
    if choices["event"] is None and evidence.event is not None:
        label = compared.term.levels[evidence.event]
        text = (
            f'The event was taken to be "{compared.name}" = "{label}". Choose the event to say '
            "otherwise."
        )
        return [Note("event_assumed", "info", text, compared.name)]
    return []


def _on_effects(evidence: Evidence, effects: Sequence[Sized]) -> list[Note]:
    name = evidence.compared.name
    notes: list[Note] = []
    without = [e.effect.measure for e in effects if e.interval == "none" and _known(e)]
    if without:
        text = (
            f"No interval is given for {quote_list(without)}, because none is established. Judge "
            "it together with the comparisons of pairs."
        )
        notes.append(Note("no_interval", "info", text, name))
    lost = [e.effect.measure for e in effects if not _known(e) or _no_limits(e)]
    if lost:
        text = (
            f"{quote_list(lost)} could not be computed in full: a group has too few values, or no "
            "variation. Read the means, medians and counts instead."
        )
        notes.append(Note("no_effect_size", "caution", text, name))
    return notes


def _known(sized: Sized) -> bool:
    return not math.isnan(sized.effect.estimate)


def _no_limits(sized: Sized) -> bool:
    limits = (sized.effect.low, sized.effect.high)
    return sized.interval != "none" and any(math.isnan(v) for v in limits)
