"""What can go wrong with an analysis, said so that the person at the page can act on it.

StatsError
  BadInput        the user can fix it: a column, a level, a choice, a file
  NotEstimable    the data cannot answer: singular, no convergence, nothing left
  HeavyLaneNeeded not an error of the user: the work has to run in the heavy lane
"""

from __future__ import annotations


class StatsError(Exception):
    """A refusal in one or two sentences: the cause, then the remedy."""

    def __init__(
        self,
        message: str,
        *,
        column: str | None = None,
        rule: str | None = None,
        found: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message if not hint else f"{message} {hint}")
        self.message = message
        self.column = column
        self.rule = rule
        self.found = found
        self.hint = hint

    def fields(self) -> dict[str, str | None]:
        """Everything needed to build the same error on the other side of a pipe."""
        return {
            "message": self.message,
            "column": self.column,
            "rule": self.rule,
            "found": self.found,
            "hint": self.hint,
        }


class BadInput(StatsError, ValueError):
    """The user can mend it. `message` names column, rule and value found; `hint` what to do."""


class NotEstimable(StatsError, ArithmeticError):
    """The data cannot answer the question as asked."""


class HeavyLaneNeeded(Exception):
    """Raised inside the quick lane when a step needs libraries that only the heavy lane loads."""
