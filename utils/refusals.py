"""The sentences with which the executor refuses or stops work: the cause, then what to do."""

from __future__ import annotations

from typing import Literal

from utils.errors import Cancelled, DeadlineExceeded, MachineryError, Overloaded, WorkerLost

StopReason = Literal["cancelled", "deadline", "memory", "shutdown"]
"""Why running or waiting work was ended from outside."""

_MIB = 1024 * 1024


def stopped(reason: StopReason, deadline_seconds: float | None = None) -> MachineryError:
    """The error of work that was ended from outside."""
    if reason == "cancelled":
        return Cancelled()
    if reason == "deadline":
        return deadline(deadline_seconds)
    if reason == "memory":
        return WorkerLost(
            "The server ran short of memory and stopped this work.",
            hint="Your data are unchanged; try again in a minute.",
            transient=False,  # a retry at once would meet the same shortage
        )
    return Overloaded("The server is being restarted.", hint="Your data are kept; try again soon.")


def deadline(seconds: float | None) -> DeadlineExceeded:
    """Work that took longer than it may."""
    if seconds is None:
        return DeadlineExceeded()
    return DeadlineExceeded(
        f"The work took longer than its limit of {seconds:g} seconds and was stopped.",
        hint="Use fewer rows, variables or repetitions.",
    )


def crowded() -> Overloaded:
    """The queue is full."""
    return Overloaded()


def held() -> Overloaded:
    """No new heavy work while memory is short."""
    return Overloaded(
        "The server is short of memory and takes no large work at the moment.",
        hint="Nothing was lost; please try again in a minute.",
    )


def out_of_memory(limit_bytes: int) -> WorkerLost:
    """The work asked for more than its own limit."""
    return WorkerLost(
        f"The work ran out of memory at its limit of {_mib(limit_bytes)} MB.",
        hint="Your data are unchanged; use fewer rows or variables.",
        transient=False,
    )


def lost() -> WorkerLost:
    """The process ended, or spoke nonsense, for a reason that the user cannot mend."""
    return WorkerLost(
        "The work stopped unexpectedly.",
        hint="Your data are unchanged; try again, and with fewer variables if it happens twice.",
    )


def failed() -> WorkerLost:
    """The function raised an error that is not one of ours."""
    return WorkerLost(
        "The work failed because of an error in the program.",
        hint="Your data are unchanged; try other choices, and report it if it happens again.",
        transient=False,
    )


def not_started() -> WorkerLost:
    """The system lets no process be started."""
    return WorkerLost(
        "The server could not start the process for this work.",
        hint="Your data are unchanged; please try again in a minute.",
    )


def result_too_large(limit_bytes: int) -> WorkerLost:
    """The answer is larger than what the server takes in."""
    return WorkerLost(
        f"The result is larger than the limit of {_mib(limit_bytes)} MB.",
        hint="Your data are unchanged; use fewer rows or variables.",
        transient=False,
    )


def arguments_too_large(limit_bytes: int) -> Overloaded:
    """The data are larger than what a worker takes in."""
    return Overloaded(
        f"The data for this work are larger than the limit of {_mib(limit_bytes)} MB.",
        hint="Nothing was lost; use fewer rows or variables.",
    )


def _mib(size_bytes: int) -> str:
    return f"{max(1, round(size_bytes / _MIB)):,}"
