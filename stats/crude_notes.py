"""The sentences that a crude fit says about its predictor: cause first, then what to do."""

from __future__ import annotations

import numpy as np

from stats.design import Bools, Floats, Term
from stats.ranks import OutcomeRanks
from stats.result import Note
from stats.variables import quote_list

_PENALISED = (
    "The odds ratio would be zero or infinite, so Firth's penalised likelihood is used for "
    "this predictor."
)
_UNPENALISED = (
    "The odds ratio is zero or infinite: choose the method auto or firth, or merge levels."
)
_UNPENALISED_SLOPE = (
    "The odds ratio is zero or infinite: choose the method auto or firth."
)  # fmt: skip


def no_values(name: str) -> Note:
    """The column is empty where the outcome is known."""
    return Note(
        "no_values", "warning",
        f'"{name}" has no values in the rows with a known outcome. '
        "Leave it out, or choose another column.",
        name,
    )  # fmt: skip


def one_outcome(name: str, n: int, events: int) -> Note:
    """Among the rows with a value all have the event, or none."""
    share = "none has the event" if events == 0 else "every row has the event"
    return Note(
        "one_outcome", "warning",
        f'Among the {n} rows with a value of "{name}" {share}, so it has no crude estimate. '
        "Check its missing values, or leave it out.",
        name,
    )  # fmt: skip


def constant(name: str, value: str, n: int) -> Note:
    """All rows have the same value."""
    return Note(
        "constant", "warning",
        f'"{name}" is {value} in all {n} rows that have a value, so it has no estimate. '
        "Leave it out.",
        name,
    )  # fmt: skip


def no_convergence(name: str) -> Note:
    """The search for the maximum did not come to rest."""
    return Note(
        "no_convergence", "warning",
        f'The estimate of "{name}" could not be found to full precision. '
        "Look for a wrongly coded extreme value, or rescale the column.",
        name,
    )  # fmt: skip


def separated_slope(name: str, ranks: OutcomeRanks, *, firth: bool) -> Note:
    """The values of the groups do not overlap."""
    above, below = ("with", "without") if rises(ranks) else ("without", "with")
    upper, lower = (
        (ranks.event.low, ranks.other.high) if rises(ranks) else (ranks.other.low, ranks.event.high)
    )
    return Note(
        "separation", "warning",
        f'"{name}" separates the outcome: it is at least {upper:.6g} in every row {above} the '
        f"event and at most {lower:.6g} in every row {below}. "
        f"{_PENALISED if firth else _UNPENALISED_SLOPE}",
        name,
    )  # fmt: skip


def rises(ranks: OutcomeRanks) -> bool:
    """True when separated values are larger with the event."""
    return ranks.event.low >= ranks.other.high


def factor_notes(
    term: Term, events: Floats, others: Floats, separated: Bools, *, firth: bool
) -> list[Note]:
    """Levels without rows, a reference without rows, levels with one outcome only."""
    rows = events + others
    notes: list[Note] = []
    if rows.all() and not separated.any():
        return notes
    if rows[term.reference] == 0:
        notes.append(
            Note(
                "empty_reference",
                "warning",
                f"No row with a known outcome has the reference level "
                f'"{term.levels[term.reference]}" of "{term.name}". '
                "Choose another reference level.",
                term.name,
            )
        )
    empty = [term.levels[i] for i in np.flatnonzero(rows == 0) if i != term.reference]
    if empty:
        word = "level" if len(empty) == 1 else "levels"
        notes.append(
            Note(
                "empty_level",
                "info",
                f"No row with a known outcome has the {word} {quote_list(empty)} of "
                f'"{term.name}", so nothing is estimated there. '
                "Remove it from the levels in the variable table to hide it.",
                term.name,
            )
        )
    if separated.any():
        text = " ".join(_one_sided(term, events, others, separated))
        remedy = _PENALISED if firth else _UNPENALISED
        notes.append(Note("separation", "warning", f"{text} {remedy}", term.name))
    return notes


def _one_sided(term: Term, events: Floats, others: Floats, separated: Bools) -> list[str]:
    found: list[str] = []
    for none, count, words in ((events, others, "None"), (others, events, "All")):
        levels = np.flatnonzero(separated & (none == 0))
        if len(levels):
            verb = "has" if words == "None" else "have"
            names = quote_list([term.levels[i] for i in levels], 3)
            found.append(
                f'{words} of the {count[levels].sum():.0f} rows with "{term.name}" at {names} '
                f"{verb} the event."
            )
    return found
