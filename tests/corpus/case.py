"""What a corpus file is: its bytes, the user's choices, and the truth, written before reading.

A truth is a `Table` (every column with every value; None is missing, `day("2024-01-31")` a
date) or a `Refused` (words that the sentence must hold). `notes` must all be present; any other
note above "info" must be listed in `also`, so that a reader that cries wolf fails as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ingest import ReadChoices, ReadLimits


@dataclass(frozen=True)
class Table:
    columns: dict[str, list]
    notes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """`words` stand in the message, capitals ignored."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    name: str
    content: Callable[[], bytes]
    truth: Table | Refused
    choices: ReadChoices = field(default_factory=ReadChoices)
    limits: ReadLimits = field(default_factory=ReadLimits)
    file_name: str = "upload.csv"


def day(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Corpus:
    """Collects cases under their names."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def add(self, name: str, content, truth, **choices) -> None:
        limits = choices.pop("limits", ReadLimits())
        file_name = choices.pop("file_name", "upload.csv")
        make = content if callable(content) else lambda: content
        self.cases.append(Case(name, make, truth, ReadChoices(**choices), limits, file_name))


def table(columns: dict[str, list], *notes: str, also: tuple[str, ...] = ()) -> Table:
    return Table(columns, notes, also)


def refused(*words: str) -> Refused:
    return Refused(words)
