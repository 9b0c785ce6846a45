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
  WorkspaceGone       the token opens nothing (any more)
  WorkspaceFull       more settings than one workspace may keep
  IncompleteUpload    fewer or more bytes arrived than were announced
  StoreFault          the directory of datasets takes no file at the moment
  DatasetGone         a stored dataset is missing or is not what was stored
  BadSessionFile      a saved session that cannot be opened
"""

from __future__ import annotations


class MachineryError(Exception):
    """One sentence of cause, one of remedy. Both have a default that fits a page."""

    cause = "Something in the server did not work."
    remedy = "Please try again."
    #: True when the same call may well succeed a moment later, so that a retry makes sense.
    transient = False

    def __init__(self, message: str = "", *, hint: str = "", transient: bool | None = None) -> None:
        self.message = message or self.cause
        self.hint = hint or self.remedy
        if transient is not None:
            self.transient = transient
        super().__init__(f"{self.message} {self.hint}")

    def fields(self) -> dict[str, str]:
        """Everything needed to build the same error on the other side of a pipe."""
        return {"message": self.message, "hint": self.hint}


class Overloaded(MachineryError):
    """There is no room for this work now. Nothing was lost, and trying later may work."""

    cause = "The server is busy with other analyses."
    remedy = "Nothing was lost; please try again in a minute."


class NeverFits(Overloaded):
    """The work needs more than there is, however long one waits."""

    remedy = "Use fewer rows or variables."


class Cancelled(MachineryError):
    """Raised inside work that the user stopped."""

    cause = "This analysis was stopped."
    remedy = "Run it again when you need it."


class DeadlineExceeded(MachineryError):
    """The work ran longer than its deadline and was stopped."""

    cause = "This analysis took longer than the server allows."
    remedy = "Choose fewer variables or fewer repetitions."
    transient = True


class WorkerLost(MachineryError):
    """The process that did the work ended without an answer (out of memory, killed)."""

    cause = "The analysis stopped before it finished, most likely because memory ran out."
    remedy = "Choose fewer variables, or try again when the server is quiet."
    transient = True


class TierFault(MachineryError):
    """A tier of the cache did not work. Raised between tiers only: callers never see it."""

    cause = "Stored results cannot be reached at the moment."
    remedy = "Analyses still work, they are only slower."
    transient = True


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


class WorkspaceGone(MachineryError):
    """The token opens no workspace: unknown, used up, expired or forgotten (never said which)."""

    cause = "Your earlier work is no longer kept on this server."
    remedy = "Please load your file or your saved session again."


class WorkspaceFull(MachineryError):
    """A change would make the workspace larger than one may be. The state before it stays."""

    cause = "There are more settings here than the server keeps for one person."
    remedy = "Save the session to a file, or start again with fewer variables."


class IncompleteUpload(MachineryError):
    """The number of bytes that arrived is not the number that was announced."""

    cause = "The upload was incomplete."
    remedy = "Please send the file again."


class StoreFault(MachineryError):
    """The directory of datasets is full, read-only or not ours. Nothing half-written is left."""

    cause = "The server cannot keep your file, because its disk is full or cannot be written to."
    remedy = "Please try again later, or tell whoever runs this server."


class DatasetGone(MachineryError):
    """A stored dataset is missing, damaged or replaced. It is never handed on."""

    cause = "The stored copy of your file is missing or damaged."
    remedy = "Please send the file again."


class BadSessionFile(MachineryError, ValueError):
    """A saved session that cannot be opened, with the reason in one sentence."""

    cause = "This file is not a saved session of Clinstat."
    remedy = "Choose a file that was saved with Clinstat."
