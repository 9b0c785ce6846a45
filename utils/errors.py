"""What can go wrong with the machinery, said so that the person at the page can act on it.

MachineryError
  Overloaded          no room now; nothing is lost, try later
  Cancelled           the user stopped it
  DeadlineExceeded    it took longer than it may
  WorkerLost          the process that computed it died
  TierFault           a cache tier failed: costs time, never an answer
    CorruptEntry      a stored entry is not what we wrote
  CodecError          a value or its bytes cannot be translated
  UnkeyableValue      a value has no canonical form, so it cannot be part of a key
"""

from __future__ import annotations


class MachineryError(Exception):
    """One sentence of cause, one of remedy. Both have a default that fits a page."""

    cause = "Something in the server did not work."
    remedy = "Please try again."

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        self.message = message or self.cause
        self.hint = hint or self.remedy
        super().__init__(f"{self.message} {self.hint}")

    def fields(self) -> dict[str, str]:
        """Everything needed to build the same error on the other side of a pipe."""
        return {"message": self.message, "hint": self.hint}


class Overloaded(MachineryError):
    """There is no room for this work now. Nothing was lost, and trying later may work."""

    cause = "The server is busy with other analyses."
    remedy = "Nothing was lost; please try again in a minute."


class Cancelled(MachineryError):
    """Raised inside work that the user stopped."""

    cause = "This analysis was stopped."
    remedy = "Run it again when you need it."


class DeadlineExceeded(MachineryError):
    """The work ran longer than its deadline and was stopped."""

    cause = "This analysis took longer than the server allows."
    remedy = "Choose fewer variables or fewer repetitions."


class WorkerLost(MachineryError):
    """The process that did the work ended without an answer (out of memory, killed)."""

    cause = "The analysis stopped before it finished, most likely because memory ran out."
    remedy = "Choose fewer variables, or try again when the server is quiet."


class TierFault(MachineryError):
    """A tier of the cache did not work. Raised between tiers only: callers never see it."""

    cause = "Stored results cannot be reached at the moment."
    remedy = "Analyses still work, they are only slower."


class CorruptEntry(TierFault):
    """A stored entry is damaged, forged or belongs to another key. It is never used."""

    cause = "A stored result was damaged and was not used."
    remedy = "It is computed again."


class CodecError(MachineryError, ValueError):
    """A value that the codec does not know, or bytes that it did not write."""

    cause = "A result could not be stored or read."
    remedy = "It is computed again."


class UnkeyableValue(MachineryError, TypeError):
    """A value whose type has no canonical form; guessing one could return a wrong answer."""

    cause = "A choice has a type that cannot be recognised later."
    remedy = "Use text, numbers, yes/no, or lists of these."
